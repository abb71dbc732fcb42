"""What may be shown of crawled text: names and terms blocked out, and nothing in it that acts on a screen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from alerting.pieces import Evidence
from alerting.places import RUNNING_TEXT, Place
from alerting.reading import UNKNOWN_WORDS, Reading
from alerting.signals import signal_table
from core.types import Alert, Entity, EntityType, FieldName, Match, Signal, Span, TermKind

BLOCK = "█"
MASKED_MATCH = BLOCK * 5
"""As wide for every term, so that its length tells nothing."""
ELLIPSIS = "…"
LONGEST_EXCERPT = 300
LONGEST_HEADER = 1000
"""Of a title, an author or an address: strangers write them as long as they like."""
_SHORTEST_NAME_PART = 2
_WORD = re.compile(r"[^\W_]+")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_TOLD: Set[FieldName] = {"title", "text"}
_NOT_COMPARED = frozenset({"Mn", "Me", "Cf"})


@dataclass(frozen=True, slots=True)
class _Mask:
    """What stands for a stretch. A lower ``rank`` wins where two overlap."""

    rank: int
    text: str | None = field(repr=False)

    def over(self, original: str) -> str:
        """Return what is shown in place of the original."""
        if self.text is not None:
            return self.text
        return re.sub(r"\S+", lambda word: word[0][0] + BLOCK * (len(word[0]) - 1), original)


_MATCH = _Mask(0, MASKED_MATCH)
_PERSON = _Mask(2, None)
_UNKNOWN = _Mask(3, BLOCK)


class Redaction:
    """What must be hidden in one document: the community's matches, and every entity, wherever they recur."""

    def __init__(self, matches: Iterable[Match], entities: Iterable[Entity], *, is_given_away: bool = False) -> None:
        """``is_given_away``: the title or the text tells who somebody is, and nothing there was recognised that tells
        it, so all words but those of ``links.yaml`` are hidden."""
        self._is_given_away = is_given_away
        self._spans: list[tuple[Span, _Mask]] = []
        self._recurring: dict[str, _Mask] = {}
        for match in matches:
            self._spans.append((_hidden(match), _MATCH))
            self._add(match.found, _MATCH)
            if match.kind is TermKind.NAME:
                self._add_name(match.found, _MATCH)
        for entity in entities:
            mask = _PERSON if entity.type is EntityType.PERSON else _Mask(1, f"[{_noun(entity.type)}]")
            self._spans.append((entity.span, mask))
            self._add(entity.found, mask)
            if entity.type is EntityType.PERSON:
                self._add_name(entity.found, mask)

    def _add(self, text: str, mask: _Mask) -> None:
        comparable = "".join(map(_comparable, text)).strip()
        if comparable:
            self._recurring.setdefault(comparable, mask)

    def _add_name(self, name: str, mask: _Mask) -> None:
        parts = _WORD.findall(name)
        self._add("".join(parts), mask)
        for part in parts:
            if len(part) >= _SHORTEST_NAME_PART:
                self._add(part, mask)

    def header(self, original: str, name: FieldName) -> str:
        """Return a title, an author or an address as :meth:`apply` shows it, its beginning where it is too long."""
        return _shortened(self.apply(original, name, end=LONGEST_HEADER + 1), LONGEST_HEADER)

    def apply(self, original: str, name: FieldName, *, start: int = 0, end: int | None = None) -> str:
        """Return the stretch of the field's original text, redacted and safe to show on one line."""
        stop = len(original) if end is None else min(end, len(original))
        pieces: list[str] = []
        position = start
        for masked_start, masked_end, mask in self._masked(original, name, start, stop):
            pieces += (
                safe_text(original[position:masked_start]),
                safe_text(mask.over(original[masked_start:masked_end])),
            )
            position = masked_end
        pieces.append(safe_text(original[position:stop]))
        return "".join(pieces)

    def _masked(self, original: str, name: FieldName, start: int, stop: int) -> Sequence[tuple[int, int, _Mask]]:
        """Return the stretches to hide, in order, apart from each other and inside the bounds."""
        found = [
            (max(span.start, start), min(span.end, stop), mask)
            for span, mask in self._spans
            if span.field == name and span.start < stop and span.end > start
        ]
        found += [
            (max(again_start, start), min(again_end, stop), mask)
            for again_start, again_end, mask in self._recurrences(original, name, start, stop)
        ]
        if self._is_given_away and name in _TOLD:
            words = Reading(original, 0, [Place(RUNNING_TEXT, start, stop)]).read()
            found += [(begin, end, _UNKNOWN) for begin, end, sign in words if sign in UNKNOWN_WORDS]
        merged: list[tuple[int, int, _Mask]] = []
        for one_start, one_end, mask in sorted(found, key=lambda row: (row[0], row[1], row[2].rank)):
            if merged and one_start < merged[-1][1]:
                last_start, last_end, last_mask = merged[-1]
                strictest = min(last_mask, mask, key=lambda one: one.rank)
                merged[-1] = (last_start, max(last_end, one_end), strictest)
            else:
                merged.append((one_start, one_end, mask))
        return merged

    def _recurrences(self, original: str, name: FieldName, start: int, stop: int) -> Iterable[tuple[int, int, _Mask]]:
        """Return where hidden texts stand again, however they are written there, across the bounds too."""
        first, last = max(0, start - LONGEST_EXCERPT), stop + LONGEST_EXCERPT
        compared: list[str] = []
        positions: list[int] = []
        for position, character in _characters(original[first:last], escaped=name == "url"):
            comparable = _comparable(character)
            compared.append(comparable)
            positions += [first + position] * len(comparable)
        positions.append(min(last, len(original)))
        text = "".join(compared)
        for hidden, mask in self._recurring.items():
            for again, end in _words_of_their_own(hidden, text):
                while positions[end] == positions[end - 1]:  # one character may be compared as two: ß
                    end += 1
                if positions[end] > start and positions[again] < stop:
                    yield positions[again], positions[end], mask


def redaction_of(alert: Alert) -> Redaction:
    """Return what must be hidden in the alert's document."""
    return Redaction(alert.matches, alert.entities, is_given_away=is_given_away(alert.signals))


def is_given_away(signals: Iterable[Signal | Evidence]) -> bool:
    """Return whether one of the signals says that somebody is given away by what nobody recognised."""
    return any(signal.name == "pseudonym_given_away" for signal in signals)


def _hidden(match: Match) -> Span:
    """Return what is hidden for a match. Beside a copied stretch, more of its passage may stand in other words."""
    span = match.span
    if match.kind is not TermKind.PASSAGE:
        return span
    margin = LONGEST_EXCERPT // 2
    return Span(span.field, max(0, span.start - margin), span.end + margin)


def excerpt(original: str, name: FieldName, around: tuple[int, int], redaction: Redaction) -> tuple[str, str]:
    """Return about 300 characters around a stretch of the original text, redacted and in clear."""
    start, end = around
    margin = max(0, (LONGEST_EXCERPT - (end - start)) // 2)
    start = max(0, start - margin)
    end = min(len(original), start + LONGEST_EXCERPT)
    shown = redaction.apply(original, name, start=start, end=end)
    clear = safe_text(original[start:end])
    before, after = ELLIPSIS if start > 0 else "", ELLIPSIS if end < len(original) else ""
    return (
        _shortened(f"{before}{shown}{after}", LONGEST_EXCERPT),
        _shortened(f"{before}{clear}{after}", LONGEST_EXCERPT),
    )


def safe_header(text: str) -> str:
    """Return a title, an author or an address in clear, as :func:`safe_text`, its beginning where it is too long."""
    return _shortened(safe_text(text[: LONGEST_HEADER + 1]), LONGEST_HEADER)


def safe_text(text: str) -> str:
    """Return the text without control, direction and invisible characters: line breaks become spaces, lone
    surrogates become U+FFFD, so that the text is one line and can be encoded (Unicode general categories)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_safe(character) for character in text)


def _safe(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf":
            return ""
        case "Cs" | "Co" | "Cn":
            return "\N{REPLACEMENT CHARACTER}"
        case _:
            return character


def _characters(text: str, *, escaped: bool) -> Iterator[tuple[int, str]]:
    """Yield each character and where it starts; ``escaped``: an address, which may write them as %C3%A9."""
    position = 0
    for run in _ESCAPES.finditer(text) if escaped else ():
        yield from enumerate(text[position : run.start()], position)
        position = run.start()
        for character in unquote_to_bytes(run[0]).decode(errors="surrogateescape"):
            yield position, character
            position += 3 * len(character.encode(errors="surrogateescape"))
    yield from enumerate(text[position:], position)


@lru_cache(maxsize=4096)
def _comparable(character: str) -> str:
    """Return what a character is compared as: without case, accent and width; nothing for one that is not seen."""
    plain = unicodedata.normalize("NFKD", character.casefold().replace("ı", "i"))
    return "".join(one for one in plain if unicodedata.category(one) not in _NOT_COMPARED)


def _words_of_their_own(hidden: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where the hidden text stands in another as a word of its own, but for numbers put to it: "Al" must not
    block out half of "also", and "mariagonzalez87" tells who it is."""
    start = text.find(hidden)
    while start >= 0:
        end = start + len(hidden)
        is_whole = not (
            _is_one_word(text[start - 1 : start], hidden[0]) or _is_one_word(hidden[-1], text[end : end + 1])
        )
        if is_whole:
            yield start, end
        start = text.find(hidden, end if is_whole else start + 1)


def _is_one_word(before: str, after: str) -> bool:
    """Return whether two neighbouring characters, or none, belong to one word or to one number."""
    return (before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit())


def _noun(entity_type: EntityType) -> str:
    row = signal_table().particulars.get(entity_type)
    return row.name.split(" ", 1)[1] if row else entity_type.value.replace("_", " ").lower()


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS
