"""One pattern of a user, compiled by RE2 or refused with the reason in plain words.

RE2 reads any text in time that grows with its length only, whatever the pattern: so users may write their own, and
strangers their own texts (https://github.com/google/re2/wiki/WhyRE2, and its Syntax page for what may be written).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import re2  # type: ignore[import-untyped]  # ships no types

from core.errors import UsageError

PATTERN_MEMORY_BYTES = 512 << 10
"""Of one pattern: some 12,000 instructions, such as ten letters of any script."""
SET_MEMORY_BYTES = 64 << 20
SET_INSTRUCTIONS = 250_000
"""Of the patterns of one set together: far fewer than its memory holds, as what it has seen is kept there too."""
MOST_ORDINARY_SHARE = 0.2
"""Of ordinary sentences: a pattern that is found in more of them says nothing."""

_NO_BACKTRACKING = (
    "RE2 reads patterns without going back in the text, so that no text can keep it busy; "
    "write what must stand there as part of the pattern instead"
)
_TOO_LARGE = "pattern too large - compile failed"
# By the words of RE2's message before its colon; the fragment of the pattern after the colon is not repeated.
_REASONS = {
    "missing )": "a round bracket is never closed",
    "unexpected )": "a round bracket is closed that was not opened",
    "missing ]": "a square bracket is never closed",
    "invalid repetition size": "a repetition counts to more than 1000, multiplied through all brackets, or backwards",
    "no argument for repetition operator": "a repetition has nothing before it to repeat",
    "bad repetition operator": "a repetition stands right after another one; put the first one in brackets",
    "invalid character class range": "a character class holds a range or a name that RE2 does not know",
    "invalid escape sequence": "RE2 knows no such escape; for the sign itself, leave the backslash out",
    "trailing \\": "the backslash at the end has nothing to escape",
    "invalid named capture group": "a name of a group is not closed, or is no word, or is given twice",
    "invalid perl operator": "RE2 knows no group that begins so",
    _TOO_LARGE: "it is too large; lower its repetitions, or watch several smaller patterns",
}
_OPERATORS = {
    "(?<=": f"this is a look-behind, and RE2 has none: {_NO_BACKTRACKING}",
    "(?<!": f"this is a look-behind, and RE2 has none: {_NO_BACKTRACKING}",
    "(?=": f"this is a look-ahead, and RE2 has none: {_NO_BACKTRACKING}",
    "(?!": f"this is a look-ahead, and RE2 has none: {_NO_BACKTRACKING}",
    "(?P=": f"this is a back-reference, and RE2 has none: {_NO_BACKTRACKING}",
    "\\k": f"this is a back-reference, and RE2 has none: {_NO_BACKTRACKING}",
    **{f"\\{n}": f"this is a back-reference, and RE2 has none: {_NO_BACKTRACKING}" for n in range(1, 10)},
    "\\Z": "the end of the text is written \\z",
    "(?>": "RE2 needs no atomic group; write (?: instead",
    "(?#": "RE2 has no comments; put it in the term's note",
}


class Found(NamedTuple):
    """Where a pattern stands, in bytes of the text."""

    start: int
    end: int


class Pattern:
    """A compiled pattern; ``size`` counts its instructions. Safe to use from several threads."""

    def __init__(self, text: str, *, ignore_case: bool = False, memory_bytes: int = PATTERN_MEMORY_BYTES) -> None:
        """Raises UsageError where RE2 cannot read the pattern."""
        try:
            self._compiled = re2.compile(text, _options(memory_bytes, case_sensitive=not ignore_case))
        except UnicodeEncodeError as error:
            raise UsageError(f"the pattern has no character at place {error.start + 1}, only half of one") from None
        except re2.error as error:
            raise UsageError(_sentence(text, error.args[0].decode("utf-8", "replace"))) from None
        if self._compiled.reverseprogramsize < 0:
            # It would be found, but where it starts could not be said.
            raise UsageError(_sentence(text, _TOO_LARGE))
        self.text = text
        self.size: int = self._compiled.programsize

    def find(self, text: bytes) -> Iterator[Found]:
        """Yield where the pattern stands in UTF-8 text, apart from each other. Each step may read to the text's end."""
        for place in self._compiled.finditer(text):
            yield Found(*place.span())

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Return all that :meth:`find` yields."""
        return [place.span() for place in self._compiled.finditer(text)]

    def first(self, text: bytes, start: int = 0) -> Found | None:
        """Return where the pattern first stands in UTF-8 text from a byte on."""
        place = self._compiled.search(text, start)
        return None if place is None else Found(*place.span())


class PatternSet:
    """Patterns asked for all at once: which of them stand in a text. Safe to use from several threads."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._groups: list[_Group] = []
        for pattern in patterns:
            if not self._groups or not self._groups[-1].has_room_for(pattern):
                self._groups.append(_Group())
            self._groups[-1].add(pattern)
        for group in self._groups:
            group.compile()

    def found_in(self, text: bytes) -> Iterator[Pattern]:
        """Yield those patterns that stand in UTF-8 text."""
        for group in self._groups:
            yield from group.found_in(text)


class _Group:
    """Patterns that fit into one set of RE2."""

    def __init__(self) -> None:
        self._patterns: list[Pattern] = []
        self._set: Any = re2.Set.SearchSet(_options(SET_MEMORY_BYTES))
        self._size = 0

    def has_room_for(self, pattern: Pattern) -> bool:
        return self._size + pattern.size <= SET_INSTRUCTIONS

    def add(self, pattern: Pattern) -> None:
        self._set.Add(pattern.text)
        self._patterns.append(pattern)
        self._size += pattern.size

    def compile(self) -> None:
        # The last pattern is always found: an answer without it means that RE2 gave up for lack of memory.
        self._set.Add(r"\z")
        self._set.Compile()

    def found_in(self, text: bytes) -> Iterator[Pattern]:
        answer = sorted(self._set.Match(text) or ())
        if answer and answer[-1] == len(self._patterns):
            return (self._patterns[index] for index in answer[:-1])
        return iter(self._patterns)


def check_worth(text: str) -> None:
    """Raise UsageError for a pattern that RE2 cannot read, or that would be found nearly everywhere."""
    pattern = Pattern(text)
    sentences = _ordinary_sentences()
    places = [list(pattern.find(sentence)) for sentence in (b"", *sentences)]
    if any(place.start == place.end for found in places for place in found):
        raise UsageError("the pattern is found where nothing stands; make it ask for at least one character")
    count = sum(map(bool, places))
    if count > MOST_ORDINARY_SHARE * len(sentences):
        raise UsageError(
            f"the pattern is found in {count} of {len(sentences)} ordinary sentences; "
            "add letters or digits that only your own texts have"
        )


def _options(memory_bytes: int, *, case_sensitive: bool = True) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory_bytes
    options.case_sensitive = case_sensitive
    return options


def _sentence(text: str, message: str) -> str:
    code, _, fragment = message.partition(": ")
    if fragment == "(?P" and "(?P=" in text:
        fragment = "(?P="
    place = text.find(fragment) if fragment else -1
    reason = next(
        (sentence for operator, sentence in _OPERATORS.items() if place >= 0 and text.startswith(operator, place)),
        _REASONS.get(code, "RE2 cannot read it"),
    )
    # Of a bracket RE2 names the whole pattern, which is no place.
    where = f" at character {place + 1}" if place >= 0 and fragment != text else ""
    return f"the pattern cannot be used{where}: {reason}"


@cache
def _ordinary_sentences() -> tuple[bytes, ...]:
    text = (files("matchers") / "lexicon" / "ordinary_sentences.txt").read_text(encoding="utf-8")
    return tuple(line.encode() for line in text.splitlines())
