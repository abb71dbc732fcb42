"""The query language: from what an admin wrote to a tree, or to a sentence that points at what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, cast, get_args

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from core.errors import TermError
from core.types import FIELD_NAMES, Sensitivity
from matchers.folding import fold_text
from matchers.phrases import Words

FieldOperator: TypeAlias = Literal["title", "author", "url", "source"]
MentionName: TypeAlias = Literal["pseudonym", "name", "person", "pii"]
Ending: TypeAlias = Literal["", "*", "~"]

SHORTEST_PREFIX = 2
TYPOS_FROM: Mapping[Sensitivity, tuple[int, int]] = {
    Sensitivity.STRICT: (8, 12),
    Sensitivity.BALANCED: (6, 9),
    Sensitivity.WIDE: (5, 8),
}
"""From how many letters on a word with ``~`` tolerates one typo, and two."""
SHORTEST_FUZZY = min(one for one, _ in TYPOS_FROM.values())
_DEEPEST = 20
_MENTION_NAMES: tuple[MentionName, ...] = get_args(MentionName)
_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
"""Word processors and phones write quotation marks of their own accord."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in a row, or a single one; ``*`` at the end: and whatever begins so, ``~``: and what is mistyped so.
    ``at`` is, here and below, the first character of the operand in the query."""

    text: str = field(repr=False)
    ending: Ending = ""
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """``@pseudonym`` and ``@name``: any that the community watches. ``@person`` and ``@pii``: any entity that is a
    person, or that tells who somebody is."""

    name: MentionName
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Near:
    """Both within so many words, in any order: the next word stands 1 word away."""

    words: int
    left: Node
    right: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """The part in this field of the document, or in the name of its source."""

    name: FieldOperator
    part: Node
    at: int = field(default=0, compare=False)


Operand: TypeAlias = Phrase | Mention
Node: TypeAlias = Operand | Near | And | Or | Not | Within


def parse(text: str) -> Node:
    """Return the tree of a query. Raises TermError, whose place is the character to blame, for one that is not
    well formed, or that would hold for texts in which nothing of it stands."""
    text = text.translate(_STRAIGHT)
    try:
        tree = cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        raise _not_well_formed(text, error) from None
    _check(tree)
    loose = _loose_part(tree)
    if loose is not None:
        raise _wrong(loose.at, _why_loose(loose))
    return tree


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a node, in the order of the query."""
    match node:
        case Phrase() | Mention():
            return ()
        case Near():
            return node.left, node.right
        case And() | Or():
            return node.parts
        case Not() | Within():
            return (node.part,)


def operands(tree: Node) -> Iterator[Operand]:
    """Yield the words, phrases and mentions of a tree, in the order of the query."""
    if isinstance(tree, Phrase | Mention):
        yield tree
    for part in children(tree):
        yield from operands(part)


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Makes nodes of what the grammar's rules found."""

    def word(self, token: Token) -> Phrase:
        return _word(str(token), _start(token))

    def phrase(self, token: Token) -> Phrase:
        text, at = str(token)[1:-1], _start(token)
        if not Words(fold_text(text).text):
            raise _wrong(at, "the phrase is empty; write words between the quotation marks")
        return _ended(text, at)

    def mention(self, token: Token) -> Mention:
        given, at = str(token)[1:].lower(), _start(token)
        for name in _MENTION_NAMES:
            if given == name:
                return Mention(name, at)
        near = get_close_matches(given, _MENTION_NAMES, n=1)
        there_are = "there are @pseudonym, @name, @person and @pii; put quotation marks around a handle"
        raise _wrong(
            at, f"there is no such @; did you mean @{near[0]}?" if near else f"there is no such @; {there_are}"
        )

    def within(self, operator: Token, part: Node) -> Within:
        return Within(cast("FieldOperator", str(operator)[:-1].lower()), part, _start(operator))

    def near(self, left: Node, operator: Token, right: Node, *more: Any) -> Near:
        if more:
            raise _wrong(_start(more[0]), "NEAR joins two operands; join another with AND: a NEAR/5 b AND b NEAR/5 c")
        words = int(operator.split("/")[1])
        if not words:
            raise _wrong(_start(operator), "NEAR needs at least 1 word; the next word stands 1 word away")
        return Near(words, left, right, _start(operator))

    def unwanted(self, operator: Token, part: Node) -> Not:
        return Not(part, _start(operator))

    def together(self, *parts: Node) -> And:
        return And(parts, parts[0].at)

    def alternatives(self, *parts: Node) -> Or:
        return Or(parts, parts[0].at)


@cache
def _parser() -> Lark:
    grammar = (files("matchers") / "query.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


def _start(token: Token) -> int:
    return token.start_pos or 0


def _word(text: str, at: int) -> Phrase:
    if text.upper() in ("AND", "OR", "NOT"):
        raise _wrong(at, f"an operator is written in capitals, {text.upper()}; put quotation marks around the word")
    if text == "NEAR" or re.match(r"near/", text, re.IGNORECASE):
        raise _wrong(at, "NEAR needs a number of words and capitals: NEAR/10")
    named = re.match(r"([^\W\d_]+):", text)
    if named:
        near = get_close_matches(named[1].lower(), get_args(FieldOperator), n=1)
        hint = f"did you mean {near[0]}:?" if near else "there are title:, author:, url: and source:"
        raise _wrong(at, f"there is no such field; {hint} Put quotation marks around a text with a colon")
    if text.endswith("~"):
        word = text[:-1]
        if len(Words(fold_text(word).text)) != 1:
            raise _wrong(at + len(word), "“~” stands after a single word")
        if len(word) < SHORTEST_FUZZY:
            raise _wrong(at, f"a word tolerates typos from {SHORTEST_FUZZY} letters on; leave “~” out")
        return Phrase(word, "~", at)
    return _ended(text, at)


def _ended(text: str, at: int) -> Phrase:
    """Return the phrase, which may end in ``*``."""
    ending: Ending = "*" if text.endswith("*") else ""
    bare = text.removesuffix("*")
    if "*" in bare:
        raise _wrong(at, "“*” stands at the end only, after the beginning of a word: dox*")
    words = Words(fold_text(bare).text)
    if not words:
        raise _wrong(at, "a word needs a letter or a digit")
    if ending and (not bare[-1:].isalnum() or len(words[-1].text) < SHORTEST_PREFIX):
        raise _wrong(at, f"“*” needs at least {SHORTEST_PREFIX} letters right before it")
    return Phrase(bare, ending, at)


def _check(tree: Node) -> None:
    """Raise TermError for a tree whose parts do not go together."""
    waiting: list[tuple[Node, FieldOperator | None, int]] = [(tree, None, 0)]
    while waiting:
        node, within, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _wrong(node.at, f"the query is nested more than {_DEEPEST} deep")
        match node:
            case Near():
                if within == "source":
                    raise _wrong(node.at, "NEAR does not go inside source:")
                for side in (node.left, node.right):
                    if not _has_places(side):
                        raise _wrong(
                            side.at, "NEAR joins words, phrases, @ operands and alternatives of these (a OR b)"
                        )
            case Mention() if within == "source":
                raise _wrong(node.at, "inside source: only words and phrases are looked for")
            case Within():
                if within is not None:
                    raise _wrong(node.at, f"{node.name}: does not go inside {within}:")
                within = node.name
        waiting.extend((part, within, depth + 1) for part in reversed(children(node)))


def _has_places(node: Node) -> bool:
    """Return whether the node stands at places of the text, so that words can be counted from them."""
    match node:
        case Phrase() | Mention():
            return True
        case Or():
            return all(map(_has_places, node.parts))
        case Within():
            return node.name in FIELD_NAMES and _has_places(node.part)
        case _:
            return False


def _loose_part(node: Node) -> Node | None:
    """Return the part because of which the node may hold where no word and no match of it stands, or None."""
    match node:
        case Phrase():
            return None
        case Mention():
            return node if node.name in ("person", "pii") else None
        case Not():
            return node
        case Within():
            return node if node.name == "source" else _loose_part(node.part)
        case Or():
            return next((loose for part in node.parts if (loose := _loose_part(part))), None)
        case And() | Near():
            all_loose = [_loose_part(part) for part in children(node)]
            return all_loose[0] if all(all_loose) else None


def _why_loose(node: Node) -> str:
    match node:
        case Not():
            return "this holds for nearly every text; join it by AND with a word that must stand there"
        case Within():
            return "this holds for everything from a source; join it by AND with a word that must stand there"
        case _:
            return "this holds wherever people are named; join it by AND or NEAR with a word or @pseudonym"


def _not_well_formed(text: str, error: UnexpectedInput) -> TermError:
    match error:
        case UnexpectedCharacters():
            return _odd_character(text, error.pos_in_stream or 0)
        case UnexpectedToken():
            return _odd_token(text, error.token, error.accepts)
        case _:
            raise error


def _odd_character(text: str, at: int) -> TermError:
    if text[at] == '"':
        return _wrong(at, "the quotation mark is not closed")
    return _wrong(at, "“-” stands right before what is not wanted: -word; put quotation marks around a dash")


def _odd_token(text: str, token: Token, accepted: set[str]) -> TermError:
    at = _start(token)
    if token.type == "$END":
        opened = _open_parentheses(text)
        if opened and "_CLOSE" in accepted:
            return _wrong(opened[-1], "the parenthesis is not closed")
        at = len(text.rstrip())
        return _wrong(max(at - 1, 0), "the query ends too early; a word, a phrase or a parenthesis must follow")
    if token.type == "_CLOSE":
        if "$END" in accepted:
            return _wrong(at, "no parenthesis is open that this could close")
        if text[:at].rstrip().endswith("("):
            return _wrong(at, "the parenthesis is empty")
        return _wrong(at, "before this a word, a phrase or a parenthesis is missing")
    name = text[at : token.end_pos].strip()
    if token.type in ("_AND", "_OR", "NEAR"):
        return _wrong(at, f"{name} joins two operands, and before it one is missing")
    return _wrong(at, f"{name} does not go here; a word, a phrase or a parenthesis must follow first")


def _open_parentheses(text: str) -> Sequence[int]:
    opened: list[int] = []
    for found in re.finditer(r'"[^"]*"|[()]', text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")":
            del opened[-1:]
    return opened


def _wrong(at: int, sentence: str) -> TermError:
    return TermError(sentence, place=at + 1)
