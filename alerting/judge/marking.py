"""Texts as the judge reads them: a stretch in which marks stand for the pseudonym and for whom it is asked about, so
that it reads what is said and not who they are.

A question is about one pseudonym and one person, or one particular such as an address: the pseudonym has one mark
wherever it stands in the stretch, the person or a part of the name another. Or it is about the pseudonym alone: whether
the text tells at all who or where its owner is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

Range = tuple[int, int]
"""Characters of a text, half-open."""

WINDOW = 420
"""Characters that are read, marks included, the pseudonym and what is asked about in the middle."""
_PART = re.compile(r"\w{3,}")
"""A part of a name that is taken for the same person where it stands alone."""


class Kind(Enum):
    """What it is asked about."""

    PERSON = "a person"
    PARTICULAR = "an address, a phone number, an employer …"


class Mark(StrEnum):
    """What stands for a mention. Where the characters stand in a text of themselves, they are read as blanks."""

    PSEUDONYM = "\x01"
    PERSON = "\x02"
    PARTICULAR = "\x03"


_BLANKS = str.maketrans(dict.fromkeys("".join(Mark), " "))


@dataclass(frozen=True, slots=True)
class Mention:
    """Where somebody or something is mentioned."""

    range: Range
    kind: Kind


def question(text: str, pseudonym: Range, asked: Mention | None = None) -> str:
    """Return the stretch around the pseudonym and the person or particular ``asked`` about, with marks for these two,
    wherever they stand there; without one, the stretch around the pseudonym. So the answer depends on the text and the
    two alone, and on nothing else that is found there."""
    middle = [pseudonym] if asked is None else [pseudonym, asked.range]
    start = max(0, min(middle)[0] - WINDOW)
    end = max(one[1] for one in middle) + WINDOW
    marks = {pseudonym: Mark.PSEUDONYM}
    if asked is not None:
        marks[asked.range] = Mark.PERSON if asked.kind is Kind.PERSON else Mark.PARTICULAR
    for again in _again(text, start, end, text[slice(*pseudonym)]):
        marks.setdefault(again, Mark.PSEUDONYM)
    if asked is not None and asked.kind is Kind.PERSON:
        name = text[slice(*asked.range)]
        for part in (name, *_PART.findall(name)):
            for again in _again(text, start, end, part):
                if not any(one[0] <= again[0] < one[1] for one in marks):
                    marks[again] = Mark.PERSON
    return _window(text[start:end], start, marks, middle)


def nearest(text: str, pseudonym: Range, name: Range) -> Range:
    """Return where what stands at ``name`` stands nearest to the pseudonym."""

    def apart(one: Range) -> int:
        return max(one[0] - pseudonym[1], pseudonym[0] - one[1])

    start, end = pseudonym[0] - apart(name), pseudonym[1] + apart(name)
    word = text[slice(*name)]
    again = _again(text, max(0, start - len(word)), end + len(word), word)
    return min((one for one in again if apart(one) >= 0), key=apart, default=name)


def _again(text: str, start: int, end: int, word: str) -> Iterator[Range]:
    """Yield where the word stands between two characters of the text, in any case."""
    for found in re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE).finditer(text, start, end):
        yield found.span()


def _window(text: str, offset: int, marks: dict[Range, Mark], around: Sequence[Range]) -> str:
    pieces: list[str] = []
    written = position = 0
    middle = 0
    for (start, end), mark in sorted(marks.items(), key=lambda row: (row[0][0], -row[0][1])):
        start, end = start - offset, end - offset
        if start < position:
            continue
        pieces += (text[position:start].translate(_BLANKS), f" {mark} ")
        written += start - position + 3
        if (start + offset, end + offset) in around:
            middle += written - 2
        position = end
    pieces.append(text[position:].translate(_BLANKS))
    first = max(0, middle // len(around) - WINDOW // 2)
    return "".join(pieces)[first : first + WINDOW]


def read_marks(window: str) -> Iterator[tuple[str, Mark | None]]:
    """Yield the pieces of a marked text in order, each a mark or the text between two."""
    for piece in re.split(f"([{''.join(Mark)}])", window):
        if piece:
            yield piece, Mark(piece) if len(piece) == 1 and piece in _OF_MARKS else None


_OF_MARKS = frozenset(Mark)
