"""The judgement: whether what stands at a place is a disguise of a watched value, and which.

A place comes from :mod:`matchers.pseudonyms`, where the skeletons are equal or a few typos apart. Here the folded
text decides: the separators inside, the words around, the digits, how ordinary the word is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

from core.types import Candidate, FieldName, FoldedText, MatchMode, Sensitivity, Span, Term
from matchers.folding import (
    GLUED,
    LEET,
    MASKED,
    REPEATED_LETTERS,
    SEPARATORS,
    TYPO,
    Undone,
    fold_text,
    transformations,
)
from matchers.skeleton import SYMBOLS, Skeleton, has_symbols, skeleton
from matchers.words import is_ordinary, ordinary_words, typos_from_ordinary

_HOMOGLYPH = str(Undone.HOMOGLYPH.name).lower()


@dataclass(frozen=True, slots=True)
class Limits:
    """From which length, in letters and digits, a term may be mistyped once, twice, or stand inside a word."""

    one_typo: int
    two_typos: int
    glued: int

    def typos(self, length: int) -> int:
        """Return how many typos a value of this length tolerates."""
        return (length >= self.one_typo) + (length >= self.two_typos)


LIMITS = {
    Sensitivity.STRICT: Limits(one_typo=8, two_typos=12, glued=9),
    Sensitivity.BALANCED: Limits(one_typo=6, two_typos=9, glued=7),
    Sensitivity.WIDE: Limits(one_typo=5, two_typos=8, glued=6),
}
_GLUED_OVER_SPACES_FROM = 10
_ORDINARY_PARTS_FROM = 8
_LONGEST_ORDINARY = 32
_LEAST_LETTER_SHARE = 1 / 3
_VOWELS = "aeiou"

# Spaces, or punctuation without spaces, or a bar or dash between spaces; not the end of a sentence.
_GAP = re.compile(r"\s{1,3}|\S{1,3}|\s?[-_*|/~•·+=]\s?")


@dataclass(frozen=True, slots=True)
class Watched:
    """A term as the judgement needs it. ``values`` are the value and its variants as they were given."""

    term: Term = field(repr=False)
    mode: MatchMode
    limits: Limits
    values: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """One way a watched value looks as a skeleton: ``letters[i]`` stands for the folded characters ``runs[i]``,
    and ``gaps[i]`` is what separates them from those before; ``before`` and ``after`` are separators at its ends."""

    watched: Watched
    letters: str = field(repr=False)
    runs: tuple[str, ...] = field(repr=False)
    gaps: Mapping[int, str] = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)
    ordinary: bool

    @property
    def length(self) -> int:
        """How many letters and digits the value has."""
        return sum(map(len, self.runs))

    @property
    def typos_allowed(self) -> int:
        """How many typos the form tolerates."""
        if self.watched.mode is not MatchMode.FUZZY or self.ordinary:
            return 0
        return self.watched.limits.typos(self.length)


@dataclass(frozen=True, slots=True)
class Place:
    """The letters ``start`` to ``end`` of a skeleton of a field's folded text."""

    name: FieldName
    folded: FoldedText = field(repr=False)
    skeleton: Skeleton = field(repr=False)
    start: int
    end: int

    @property
    def folded_start(self) -> int:
        """Where the place starts in the folded text."""
        return self.skeleton.starts[self.start]

    @property
    def folded_end(self) -> int:
        """Where the place ends in the folded text."""
        return self.skeleton.ends[self.end - 1]

    @property
    def letters(self) -> str:
        """The letters of the skeleton."""
        return self.skeleton.letters[self.start : self.end]

    @property
    def runs(self) -> list[str]:
        """The folded characters that each of the letters stands for."""
        indexes = range(self.start, self.end)
        return [self.folded.text[self.skeleton.starts[index] : self.skeleton.ends[index]] for index in indexes]

    @property
    def is_glued_before(self) -> bool:
        """Whether a letter or digit stands right before the place."""
        return self.folded_start > 0 and self.folded.text[self.folded_start - 1].isalnum()

    @property
    def is_glued_after(self) -> bool:
        """Whether a letter or digit stands right after the place."""
        return self.folded_end < len(self.folded.text) and self.folded.text[self.folded_end].isalnum()

    @property
    def is_glued(self) -> bool:
        """Whether the place is part of a longer word."""
        return self.is_glued_before or self.is_glued_after

    def span(self, form: Form) -> Span:
        """Return what the form covers here, in the original text: where the word goes on, no more repeated letters
        than the form has, and the form's own separators at its ends."""
        start, end = self.folded_start, self.folded_end
        if self.is_glued_before:
            start = max(start, self.skeleton.ends[self.start] - len(form.runs[0]))
        elif form.before and self.folded.text.endswith(form.before, 0, start):
            start -= len(form.before)
        if self.is_glued_after:
            end = min(end, self.skeleton.starts[self.end - 1] + len(form.runs[-1]))
        elif form.after and self.folded.text.startswith(form.after, end):
            end += len(form.after)
        return self.folded.span(self.name, start, end)

    def word_around(self) -> str:
        """Return the word that the place is part of, or no more of it than an ordinary word may be long."""
        text, start, end = self.folded.text, self.folded_start, self.folded_end
        first, last = max(0, start - _LONGEST_ORDINARY), end + _LONGEST_ORDINARY
        while start > first and text[start - 1].isalnum():
            start -= 1
        while end < min(last, len(text)) and text[end].isalnum():
            end += 1
        return text[start:end]


def forms_of(watched: Watched) -> Iterator[Form]:
    """Yield the forms of a term: equal letters in a row as one, and each by itself, for a value cut between them;
    signs such as ``$`` dropped, and read as letters."""
    for value in sorted(watched.values):
        folded = fold_text(value)
        ordinary = is_ordinary(folded.text)
        for symbols in {False, has_symbols(folded.text)}:
            whole = skeleton(folded.text, symbols=symbols)
            yield _form(watched, folded, whole, ordinary=ordinary)
            if len(whole.letters) < sum(end - start for start, end in zip(whole.starts, whole.ends, strict=True)):
                yield _form(watched, folded, _each_by_itself(whole), ordinary=ordinary)


def _form(watched: Watched, folded: FoldedText, letters: Skeleton, *, ordinary: bool) -> Form:
    place = Place("text", folded, letters, 0, len(letters.letters))
    return Form(
        watched=watched,
        letters=place.letters,
        runs=tuple(place.runs),
        gaps=_gaps(place),
        before=folded.text[: place.folded_start],
        after=folded.text[place.folded_end :],
        ordinary=ordinary,
    )


def _each_by_itself(whole: Skeleton) -> Skeleton:
    rows = [
        (letter, index)
        for letter, start, end in zip(whole.letters, whole.starts, whole.ends, strict=True)
        for index in range(start, end)
    ]
    return Skeleton("".join(letter for letter, _ in rows), [at for _, at in rows], [at + 1 for _, at in rows])


def judge(place: Place, form: Form) -> Candidate:
    """Return what the place is for the form: passed or not, the reason, and what was undone."""
    undone = transformations(place.folded, place.folded_start, place.folded_end)
    runs, gaps = place.runs, _gaps(place)
    glued = place.is_glued
    span = place.span(form)
    found = place.folded.original[span.start : span.end]
    typos = _typos(place, form, runs)
    if typos:
        disguises = [TYPO]
        reason = _why_no_typo(place, form, typos, gaps)
    else:
        disguises = _disguises(runs, form) if len(runs) == len(form.runs) else []
        reason = _why_no_disguise(place, form, runs) if disguises else None
    undone.extend(name for name in disguises if name not in undone)
    if list(gaps.values()) != list(form.gaps.values()) or (not typos and gaps != form.gaps):
        undone.append(SEPARATORS)
    if glued:
        undone.append(GLUED)
    if found in form.watched.values:
        undone = [GLUED] if glued else []
    reason = (
        reason
        or _why_not_allowed(form, undone, found)
        or _why_not_apart(place, form, gaps, is_disguised=bool(disguises))
        or (_why_not_glued(place, form, gaps) if glued else None)
    )
    return Candidate(
        term_id=form.watched.term.id,
        span=span,
        found=found,
        similarity=max(0.0, 1 - typos / form.length),
        transformations=tuple(undone),
        passed=reason is None,
        reason=reason or "stands here",
    )


def judge_masked(place: Place, form: Form) -> Candidate:
    """Return what the place is for the form, some of whose letters stand as ``*`` there."""
    span = place.span(form)
    reason = None
    if form.watched.mode is MatchMode.EXACT:
        reason = "is not written exactly so"
    elif any(gap.strip("_.-") for gap in _gaps(place).values()) or place.is_glued:
        reason = "the masked word is another one"
    elif any(place.letters[edge] == "*" and form.letters[edge] not in _VOWELS for edge in (0, -1)):
        # A star at the end of a word is mostly emphasis.
        reason = "only a vowel is masked at the end of a word"
    return Candidate(
        term_id=form.watched.term.id,
        span=span,
        found=place.folded.original[span.start : span.end],
        similarity=1.0,
        transformations=(*transformations(place.folded, place.folded_start, place.folded_end), MASKED),
        passed=reason is None,
        reason=reason or "stands here with letters masked",
    )


def _gaps(place: Place) -> dict[int, str]:
    """Return what stands between the letters, by the index of the letter after it."""
    text, skeleton_ = place.folded.text, place.skeleton
    return {
        index - place.start: text[skeleton_.ends[index - 1] : skeleton_.starts[index]]
        for index in range(place.start + 1, place.end)
        if skeleton_.starts[index] > skeleton_.ends[index - 1]
    }


def _typos(place: Place, form: Form, runs: Sequence[str]) -> int:
    """Return the number of edits between place and form, 0 where only letters of one class or repeated ones differ."""
    if place.letters == form.letters and all(
        len(written) >= len(meant) for written, meant in zip(runs, form.runs, strict=True)
    ):
        return 0
    return OSA.distance(_written_out(place.letters, runs), _written_out(form.letters, form.runs))


def _written_out(letters: str, runs: Sequence[str]) -> str:
    return "".join(letter * len(run) for letter, run in zip(letters, runs, strict=True))


def _disguises(runs: Sequence[str], form: Form) -> list[str]:
    """Return which disguises the letters of a place show whose skeleton is the form's."""
    shown = set()
    for written, meant in zip(runs, form.runs, strict=True):
        if len(written) > len(meant):
            shown.add(REPEATED_LETTERS)
        if different := set(written) ^ set(meant):
            shown.add(_HOMOGLYPH if all(map(str.isalpha, different)) else LEET)
    return sorted(shown)


def _why_no_disguise(place: Place, form: Form, runs: Sequence[str]) -> str | None:
    for written, meant in zip(runs, form.runs, strict=True):
        if written != meant and written.isdigit() and meant.isdigit():
            return "has another number"
    if place.folded.text[place.folded_start : place.folded_end] in ordinary_words():
        return "is an ordinary word"
    letter_count = sum(character.isalpha() for run in runs for character in run)
    if letter_count < min(form.length, max(2, _LEAST_LETTER_SHARE * form.length)) and form.letters != "".join(runs):
        return "is hardly more than digits and signs"
    return None


def _why_no_typo(place: Place, form: Form, typos: int, gaps: Mapping[int, str]) -> str | None:
    if typos > form.typos_allowed:
        return "has more typos than the term allows"
    # The first letter is seldom mistyped (Yannakoudakis and Fawthrop, 1983), unless two change places.
    if place.letters[0] != form.letters[0] and place.letters[:2] != form.letters[1::-1]:
        return "begins with another letter"
    text = place.folded.text[place.folded_start : place.folded_end]
    digits = [character for character in text if character.isdigit()]
    meant = [character for run in form.runs for character in run if character.isdigit()]
    if digits != meant and (len(digits) == len(meant) or abs(len(digits) - len(meant)) > 1):
        return "has another number"
    if any(gap.strip("_.-") for gap in gaps.values()):
        return "has typos and separators that no handle has"
    ordinary = typos_from_ordinary(place.letters)
    if ordinary is not None and ordinary <= typos:
        return "is as near to an ordinary word"
    return "is an ordinary word" if is_ordinary(text) else None


def _why_not_allowed(form: Form, undone: Sequence[str], found: str) -> str | None:
    mode = form.watched.mode
    if mode is MatchMode.EXACT and found not in form.watched.values:
        return "is not written exactly so"
    if mode is not MatchMode.FUZZY and (TYPO in undone or GLUED in undone):
        return "has typos or is part of a longer word, and the term asks for no such matches"
    return None


def _why_not_apart(place: Place, form: Form, gaps: Mapping[int, str], *, is_disguised: bool) -> str | None:
    if gaps == form.gaps:
        return None
    if not all(_GAP.fullmatch(gap) for gap in gaps.values()):
        return "the letters stand too far apart"
    if any(gap.isspace() and form.gaps.get(index) is None for index, gap in gaps.items()):
        parts = re.findall(rf"[^\W_{re.escape(SYMBOLS)}]+", place.folded.text[place.folded_start : place.folded_end])
        is_made_of_words = all(part in ("a", "i") or part in ordinary_words() for part in parts)
        if is_made_of_words and (form.ordinary or is_disguised or len(form.letters) < _ORDINARY_PARTS_FROM):
            return "the letters are spread over ordinary words"
    return None


def _why_not_glued(place: Place, form: Form, gaps: Mapping[int, str]) -> str | None:
    length = form.length
    if form.ordinary or length < form.watched.limits.glued:
        return "is part of a longer word, and too short or too ordinary for that"
    if any(gap.isspace() for gap in gaps.values()) and (
        (place.is_glued_before and place.is_glued_after) or length < _GLUED_OVER_SPACES_FROM
    ):
        return "is made of parts of other words"
    if is_ordinary(place.word_around()):
        return "is part of an ordinary word"
    return None
