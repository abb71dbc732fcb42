"""Reads YAML and JSON into plain values that remember their lines.

JSON is read by the YAML reader, as a JSON text is a YAML text, so that both give lines. Aliases are refused:
a few lines of them can stand for gigabytes. So are tags, and depth beyond any watchlist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from core.errors import WatchlistError

MAXIMUM_DEPTH = 20

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()
_TRUE = frozenset({"yes", "true", "on"})
_CANNOT_START = "found character that cannot start any token"
_START_HINT = " (a value that begins with @, %, ` or * needs quotes, and lines are indented with spaces, not tabs)"
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Node:
    """A plain value and the line (1-based) it begins in. ``keys`` maps each key of a mapping to the line of
    the key and the node of its value; ``items`` are the nodes of a list."""

    value: object
    line: int
    keys: Mapping[str, tuple[int, Node]] | None = None
    items: Sequence[Node] | None = None

    @classmethod
    def of_list(cls, items: Sequence[Node], line: int) -> Node:
        """Return the node of a list."""
        return cls([item.value for item in items], line, items=items)

    @classmethod
    def of_mapping(cls, keys: Mapping[str, tuple[int, Node]], line: int) -> Node:
        """Return the node of a mapping."""
        return cls({key: node.value for key, (_, node) in keys.items()}, line, keys=keys)

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line of the part that the path leads to, or of the last part of it that exists."""
        node, line = self, self.line
        for step in path:
            if node.keys is not None and isinstance(step, str) and step in node.keys:
                line, node = node.keys[step]
            elif node.items is not None and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                line = node.line
            else:
                break
        return line


def read_yaml(text: str, *, file: str) -> Node:
    """Return what the YAML text holds. Mappings are ``dict[str, …]``, sequences ``list``, scalars ``str``,
    ``bool``, ``int``, None, or NaN for any other number; dates stay text.

    Raises WatchlistError with the line for text that is no YAML, aliases, tags, repeated keys, too much depth.
    """
    events = yaml.parse(text, Loader=_Loader)
    try:
        next(events), next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            raise WatchlistError("the file is empty", file=file)
        root = _node(event, events, file, depth=0)
        next(events)
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise WatchlistError("the file must hold one document", file=file, line=_line(event))
    except StopIteration:
        raise WatchlistError("the file is empty", file=file) from None
    except yaml.MarkedYAMLError as error:
        hint = _START_HINT if error.problem == _CANNOT_START else ""
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise WatchlistError(f"this is not YAML: {error.problem}{hint}", file=file, line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise WatchlistError("there is a control character here; remove it", file=file, line=line) from None
    return root


def read_json(text: str, *, file: str) -> Node:
    """Return what the JSON text holds, as :func:`read_yaml` does. Raises WatchlistError with the line."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise WatchlistError(f"this is not JSON: {error.msg}", file=file, line=error.lineno) from None
    except (RecursionError, ValueError):  # ValueError: a number of thousands of digits
        raise WatchlistError("this is no watchlist: it is nested too deeply or holds huge numbers", file=file) from None
    return read_yaml(_ESCAPE.sub(_joined_surrogates, text), file=file)


def _joined_surrogates(escape: re.Match[str]) -> str:
    """JSON writes a character beyond U+FFFF as two escapes, YAML as one."""
    if escape[1] is None:
        return escape[0]
    return f"\\U{0x10000 + ((int(escape[1], 16) - 0xD800) << 10) + (int(escape[2], 16) - 0xDC00):08x}"


def _node(event: yaml.Event, events: Iterator[yaml.Event], file: str, *, depth: int) -> Node:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent):
        raise WatchlistError("aliases (*name) are not allowed: write the value out", file=file, line=line)
    if getattr(event, "tag", None) not in (None, "tag:yaml.org,2002:str"):
        raise WatchlistError("tags (!name) are not allowed: remove it", file=file, line=line)
    if isinstance(event, yaml.ScalarEvent):
        return Node(_scalar(event), line)
    if depth == MAXIMUM_DEPTH:
        raise WatchlistError("this is no watchlist: it is nested too deeply", file=file, line=line)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, file, depth=depth + 1))
        return Node.of_list(items, line)
    keys: dict[str, tuple[int, Node]] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key_line = _line(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise WatchlistError("a key must be a word", file=file, line=key_line)
        if event.value in keys:
            sentence = f"this key stands here a second time, first in line {keys[event.value][0]}"
            raise WatchlistError(sentence, file=file, line=key_line)
        keys[event.value] = key_line, _node(next(events), events, file, depth=depth + 1)
    return Node.of_mapping(keys, line)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if event.tag is not None or not event.implicit[0]:
        return text
    match _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)):  # type: ignore[no-untyped-call]
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return text.lower() in _TRUE
        case "tag:yaml.org,2002:int" if text.isascii() and text.isdecimal() and len(text) < 10:
            return int(text)
        case "tag:yaml.org,2002:int" | "tag:yaml.org,2002:float":
            return float("nan")
        case _:
            return text
