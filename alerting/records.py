"""Lists, tables and forms: which findings stand in one entry, so that each member is joined with their own."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache

from alerting.places import Place
from alerting.reading import plain
from alerting.signals import link_table

_LONGEST_LINE = 600
_LONGEST_LABEL = 30
_LONGEST_HEADING = 14
"""In words: "here is everything on night_heron"."""
_LARGEST_RECORD = 40
"""In lines."""
_FEWEST_ROWS = 2
_MOST_LOOSE_WORDS = 3
_MARK = re.compile(r"[\s>*•·\-–—+#_.()\[\]{\"✅📌🔴➡️=|]*(?:\d{1,4}[.)\]]|\[[^\]\n]{0,3}\])?[\s*_>`]*")
_NUMBERED = re.compile(r"\s*[#(\[]?\d{1,4}[.)\]:]\s")
_DIVIDER = re.compile(r"\s*[-=_*~#+.\s|]{3,}\s*")
_LABELLED = re.compile(
    rf"([^:：=\t|\n]{{1,{_LONGEST_LABEL}}}?)[\s*_`]*(?:[:：=]+|\.{{3,}}|\s[-–—]+>?\s|->|→|\t)[\s*_`]*"
)
_STRONG = re.compile(r"\t|\s*\|\s*|\s*;\s*|\s*::\s*|\s+[-–—]\s+|\s+/\s+|\s*•\s*")
_COMMA = re.compile(r"\s*[,，、]\s*")
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.!?。！？]\s+\S|[.!?。！？]\s*$")
_TELLING = re.compile(r"\d{2}|@")


class Together(Enum):
    """What the layout says about two findings: they stand in ``ONE`` entry, in entries ``APART``, in one entry but
    under a label that joins nobody (``OTHERWISE``), or it says nothing."""

    ONE = 1
    APART = 2
    OTHERWISE = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class _Field:
    """A labelled or separated part of a line. ``label`` is a kind of ``links.yaml``, ``other`` for a label that is not
    there, None where there is none."""

    start: int
    end: int
    label: str | None


class Records:
    """The lines of a running text, and the entries of lists that they make up."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(newline.end() for newline in re.finditer(r"\n", text))]
        self._fields = lru_cache(maxsize=4096)(self._read_fields)
        self._record = lru_cache(maxsize=4096)(self._find_record)
        self._is_row = lru_cache(maxsize=4096)(self._find_row)
        self._cells = lru_cache(maxsize=4096)(self._count_cells)

    def row(self, place: Place) -> tuple[int, int] | None:
        """Return the bounds of the row of a table that a place stands in, None where it stands in none. A row of
        several says all about its own."""
        line = self._line(place)
        is_listed = self._is_row(line) and (self._is_row(line - 1) or self._is_row(line + 1))
        return self._bounds(line) if is_listed else None

    def together(self, one: Place, other: Place, kind: str) -> Together:
        """Return what the layout says about a pseudonym or a person and another finding of a ``kind`` of label:
        ``person`` or ``particular``."""
        first, second = sorted((self._line(one), self._line(other)))
        if second - first > _LARGEST_RECORD:
            return Together.UNKNOWN
        if first == second:
            return self._in_one_line(first, one, other, kind)
        return self._in_lines(self._line(one), self._line(other), one, other, kind)

    def _in_one_line(self, line: int, one: Place, other: Place, kind: str) -> Together:
        fields = self._fields(line)
        own, its = _field_of(fields, one), _field_of(fields, other)
        if own is None or its is None or own is its:
            return Together.UNKNOWN
        if its.label == kind and (own.label == "pseudonym" or self._fills(own, one)):
            return Together.ONE
        if "other" in (own.label, its.label):
            return Together.OTHERWISE if its.label == "other" and self._fills(its, other) else Together.UNKNOWN
        if own.label is not None or its.label is not None:
            is_own = own.label == "pseudonym" or (own.label == "person" and kind == "particular")
            return Together.ONE if is_own and self._fills(its, other) else Together.UNKNOWN
        if not (self._fills(own, one) and self._fills(its, other)):
            return Together.UNKNOWN
        return Together.ONE if self._is_row(line) else Together.UNKNOWN

    def _in_lines(self, line: int, its_line: int, one: Place, other: Place, kind: str) -> Together:
        own, its = _field_of(self._fields(line), one), _field_of(self._fields(its_line), other)
        if self._is_row(line) and self._is_row(its_line):
            return Together.APART
        if self._is_numbered(line) and self._is_numbered(its_line):
            return Together.APART
        record = self._record(line)
        if record != self._record(its_line):
            is_listed = record is not None and self._record(its_line) is not None
            return Together.APART if is_listed else Together.UNKNOWN
        if record is None:
            return Together.UNKNOWN
        is_heading = line == record and (own is None or own.label in (None, "pseudonym"))
        is_owner = own is not None and (own.label == "pseudonym" or (kind == "particular" and own.label == "person"))
        if its is not None and its.label == kind and (is_owner or is_heading):
            return Together.ONE
        if its is not None and its.label == "other":
            return Together.OTHERWISE
        if is_owner and its is not None and its.label is None and self._fills(its, other):
            return Together.ONE
        if its is None or own is None or its.label is not None or own.label not in (None, "pseudonym"):
            return Together.UNKNOWN
        is_stacked = self._fills(own, one) and self._fills(its, other) and self._is_telling(record)
        return Together.ONE if is_stacked else Together.UNKNOWN

    def _line(self, place: Place) -> int:
        return bisect_right(self._starts, place.start) - 1

    def _bounds(self, line: int) -> tuple[int, int]:
        end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self._text)
        return self._starts[line], end

    def _read_fields(self, line: int) -> tuple[_Field, ...]:
        """Return the fields of a line. A long line is prose and has none."""
        start, end = self._bounds(line)
        if end - start > _LONGEST_LINE:
            return ()
        strong = _split(self._text, start, end, _STRONG)
        if len(strong) == 1:
            strong = _split(self._text, start, end, _COMMA)
        elif (
            strong[0][1] - strong[0][0] <= _LONGEST_LABEL and _label(self._text[slice(*strong[0])]) and len(strong) == 2
        ):
            strong = [(start, end)]  # "name - Maria Lopez"
        fields = []
        for position, (first, last) in enumerate(strong):
            mark = _MARK.match(self._text, first, last)
            first = mark.end() if mark else first
            labelled = _LABELLED.match(self._text, first, last)
            label = _label(labelled[1]) if labelled else None
            if labelled and label is None and position == 0 and ":" in labelled[0]:
                label = "other" if len(_WORD.findall(labelled[1])) <= _MOST_LOOSE_WORDS else None
            if label is not None and labelled is not None:
                first = labelled.end()
            fields.append(_Field(first, last, label))
        return tuple(fields)

    def _fills(self, field: _Field, place: Place) -> bool:
        """Return whether little else than the finding stands in the field."""
        loose = self._text[field.start : place.start] + " " + self._text[place.end : field.end]
        return len(_WORD.findall(loose)) <= _MOST_LOOSE_WORDS - (field.label is None)

    def _is_numbered(self, line: int) -> bool:
        return _NUMBERED.match(self._text, *self._bounds(line)) is not None

    def _find_row(self, line: int) -> bool:
        """Return whether the line is a row of a table or an entry on its own: cells apart by strong signs, or by
        commas like those of a neighbouring line."""
        if not 0 <= line < len(self._starts):
            return False
        start, end = self._bounds(line)
        text = self._text[start:end]
        mark = _NUMBERED.match(text)
        if end - start > _LONGEST_LINE or _SENTENCE.search(text[mark.end() if mark else 0 :].strip()):
            return False
        if (
            "\t" in text.strip()
            or "|" in text.strip().strip("|")
            or (";" in text and " " not in text.split(";")[0].strip())
        ):
            return True
        if len(_split(self._text, start, end, _STRONG)) > _FEWEST_ROWS or mark:
            return len(self._fields(line)) > 1
        cells = len(_split(self._text, start, end, _COMMA))
        if cells < _FEWEST_ROWS:
            return False
        alike = any(self._cells(near) == cells for near in (line - 1, line + 1))
        return alike or (cells > _FEWEST_ROWS and _TELLING.search(text) is not None)

    def _count_cells(self, line: int) -> int:
        if not 0 <= line < len(self._starts):
            return 0
        start, end = self._bounds(line)
        return len(_split(self._text, start, end, _COMMA)) if end - start <= _LONGEST_LINE else 0

    def _find_record(self, line: int) -> int | None:
        """Return the first line of the entry of several lines that the line stands in, its heading too; None where it
        stands in none."""
        labels: set[str] = set()
        first = line
        for near in range(line, max(-1, line - _LARGEST_RECORD), -1):
            start, end = self._bounds(near)
            text = self._text[start:end]
            if not text.strip():
                continue
            if _DIVIDER.fullmatch(text):
                break
            name = self._label_text(near)
            if name is None:
                is_heading = near != line or self._labelled_below(near)
                if is_heading and len(_WORD.findall(text)) <= _LONGEST_HEADING and self._is_top(near):
                    first = near
                break
            if name in labels:
                break
            labels.add(name)
            first = near
            if _NUMBERED.match(text):
                break
        return first if labels or self._labelled_below(line) or first != line else self._stack(line)

    def _stack(self, line: int) -> int | None:
        """Return the first line of the paragraph of short lines that the line stands in, where there is one."""
        first = line
        while first > 0 and line - first < _LARGEST_RECORD and self._is_short(first - 1):
            first -= 1
        return first if self._is_short(line) and (first < line or self._is_short(line + 1)) else None

    def _is_short(self, line: int) -> bool:
        if not 0 <= line < len(self._starts):
            return False
        start, end = self._bounds(line)
        text = self._text[start:end].strip()
        return bool(text) and len(_WORD.findall(text)) <= 2 * _MOST_LOOSE_WORDS and not _DIVIDER.fullmatch(text)

    def _is_telling(self, record: int) -> bool:
        """Return whether numbers or an address stand in the paragraph of short lines."""
        line = record
        while line - record < _LARGEST_RECORD and self._is_short(line):
            if _TELLING.search(self._text, *self._bounds(line)):
                return True
            line += 1
        return False

    def _is_top(self, line: int) -> bool:
        """Return whether no labelled line stands right before it."""
        return line == 0 or self._label_text(line - 1) is None

    def _labelled_below(self, line: int) -> bool:
        for below in (line + 1, line + 2):
            if below < len(self._starts):
                start, end = self._bounds(below)
                if self._text[start:end].strip():
                    return self._label_text(below) is not None
        return False

    def _label_text(self, line: int) -> str | None:
        """Return the label at the beginning of a line, plain; None where there is none."""
        start, end = self._bounds(line)
        if end - start > _LONGEST_LINE:
            return None
        fields = self._fields(line)
        if not fields or fields[0].label is None:
            return None
        return plain(self._text[start : fields[0].start]).strip()


def _field_of(fields: tuple[_Field, ...], place: Place) -> _Field | None:
    return next((field for field in fields if field.start <= place.start and place.end <= field.end), None)


def _split(text: str, start: int, end: int, separator: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return the parts of a line between the separators, empty ones left out."""
    cuts = [start, *(edge for found in separator.finditer(text, start, end) for edge in found.span()), end]
    parts = [(first, last) for first, last in zip(cuts[::2], cuts[1::2], strict=True) if text[first:last].strip()]
    return parts or [(start, end)]


@cache
def _labels() -> Mapping[str, str]:
    return {plain(label): kind for kind, labels in link_table().labels.items() for label in labels}


@lru_cache(maxsize=4096)
def _label(text: str) -> str | None:
    """Return the kind of a label, None for one that is not in the table."""
    words = plain(text).strip(" \t*_`\"'.#-–—[](){}>").replace("_", " ")
    known = _labels()
    return known.get(words) or known.get(words.rsplit(" (", 1)[0])
