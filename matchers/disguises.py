"""The judgement: whether what stands at a place is a disguise of a watched value, and which.

A place comes from :mod:`matchers.pseudonyms`, where the skeletons are equal or a few typos apart. Here the folded
text decides: the separators inside, the words around, the digits, how ordinary the word is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

from core.types import Candidate, FieldName, FoldedText, MatchMode, Span, Term
from matchers.background import listed_chance
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
from matchers.odds import COMMON, masked_odds, odds
from matchers.phrases import is_unspaced
from matchers.skeleton import Skeleton, has_symbols, skeleton
from matchers.weights import weights
from matchers.words import is_ordinary

_HOMOGLYPH = str(Undone.HOMOGLYPH.name).lower()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sensitivity asks for: ``least_odds`` is the logarithm of how much likelier a place must be the watched
    value than chance; the rest is from which length, in letters and digits, a value is looked for with one typo, with
    two, or inside a word."""

    least_odds: float
    one_typo: int
    two_typos: int
    glued: int

    def typos(self, length: int) -> int:
        """Return how many typos a value of this length tolerates."""
        return (length >= self.one_typo) + (length >= self.two_typos)


_SHORTEST_GLUED = 4
LIMITS = {
    sensitivity: Limits(
        least_odds=least_odds,
        one_typo=weights().typos.one_from,
        two_typos=weights().typos.two_from,
        glued=_SHORTEST_GLUED,
    )
    for sensitivity, least_odds in weights().least_odds.items()
}
GLUED_OVER_SPACES_FROM = 10
_LONGEST_WORD = 32
_VOWELS = "aeiou"

_NUMBER = re.compile(r"\d{2,}|(?<![a-z])\d|\d(?![a-z])")
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
    def written_out(self) -> str:
        """The letters, each as often as it stands in the value."""
        return _written_out(self.letters, self.runs)

    @property
    def glued_from(self) -> int | None:
        """How long the value must be to count inside a longer word, None where it never does."""
        return None if self.ordinary else self.watched.limits.glued

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
        """Whether the place goes on with a word that begins before it."""
        start, text = self.folded_start, self.folded.text
        return start > 0 and _is_one_word(text[start], text[start - 1])

    @property
    def is_glued_after(self) -> bool:
        """Whether the word goes on after the place."""
        end, text = self.folded_end, self.folded.text
        return end < len(text) and _is_one_word(text[end - 1], text[end])

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

    def within(self) -> tuple[str, str]:
        """Return what goes on before and after the place in the same words, no more than a word may be long."""
        text, start, end = self.folded.text, self.folded_start, self.folded_end
        first, last = max(0, start - _LONGEST_WORD), min(len(text), end + _LONGEST_WORD)
        while start > first and _is_one_word(text[start], text[start - 1]):
            start -= 1
        while end < last and _is_one_word(text[end - 1], text[end]):
            end += 1
        return text[start : self.folded_start], text[self.folded_end : end]


def _is_one_word(edge: str, beside: str) -> bool:
    """Return whether a letter or digit stands beside the edge, and no word ends between them, as it does where one of
    the two is of a script written without spaces."""
    return beside.isalnum() and not (is_unspaced(edge) or is_unspaced(beside))


def forms_of(watched: Watched) -> Iterator[Form]:
    """Yield the forms of a term: equal letters in a row as one, and each by itself, for a value cut between them;
    signs such as ``$`` dropped, and read as letters."""
    for value in sorted(watched.values):
        folded = fold_text(value)
        ordinary = is_ordinary(folded.text) or listed_chance(folded.text) >= COMMON
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
    runs, gaps = place.runs, _gaps(place)
    typos = _typos(place, form, runs)
    return _described(place, form, runs, gaps, typos, _why_not(place, form, runs, gaps, typos))


def passing(place: Place, form: Form) -> Candidate | None:
    """Return the same where the place passed, and None where it failed, which takes a fraction of the time."""
    runs, gaps = place.runs, _gaps(place)
    typos = _typos(place, form, runs)
    return None if _why_not(place, form, runs, gaps, typos) else _described(place, form, runs, gaps, typos, None)


def _described(
    place: Place, form: Form, runs: list[str], gaps: Mapping[int, str], typos: int, reason: str | None
) -> Candidate:
    own = frozenset("".join(form.watched.values).casefold())
    undone = transformations(place.folded, place.folded_start, place.folded_end, own=own)
    glued = place.is_glued
    span = place.span(form)
    found = place.folded.original[span.start : span.end]
    disguises = [TYPO] if typos else _disguises(runs, form) if len(runs) == len(form.runs) else []
    undone.extend(name for name in disguises if name not in undone)
    if list(gaps.values()) != list(form.gaps.values()) or (not typos and gaps != form.gaps):
        undone.append(SEPARATORS)
    if glued:
        undone.append(GLUED)
    if found in form.watched.values:
        undone = [GLUED] if glued else []
    return Candidate(
        term_id=form.watched.term.id,
        span=span,
        found=found,
        similarity=max(0.0, 1 - typos / form.length),
        transformations=tuple(undone),
        passed=reason is None,
        reason=reason or "stands here",
    )


def _why_not(place: Place, form: Form, runs: list[str], gaps: Mapping[int, str], typos: int) -> str | None:
    glued = place.is_glued
    return (
        (_why_no_typo(place, form, typos, gaps) if typos else None)
        or _why_not_allowed(place, form, is_altered=bool(typos) or glued)
        or _why_not_apart(form, gaps)
        or (_why_not_glued(place, form, gaps) if glued else None)
        or _why_by_chance(place, form, runs, gaps)
    )


def judge_masked(place: Place, form: Form) -> Candidate:
    """Return what the place is for the form, some of whose letters stand as ``*`` there."""
    span = place.span(form)
    reason = None
    text = place.folded.text[place.folded_start : place.folded_end]
    if form.watched.mode is MatchMode.EXACT:
        reason = "is not written exactly so"
    elif any(gap.strip("_.-") for gap in _gaps(place).values()) or place.is_glued:
        reason = "the masked word is another one"
    elif any(place.letters[edge] == "*" and form.letters[edge] not in _VOWELS for edge in (0, -1)):
        # A star at the end of a word is mostly emphasis.
        reason = "only a vowel is masked at the end of a word"
    elif masked_odds("".join(form.runs), text) < form.watched.limits.least_odds:
        reason = "is more likely another word"
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
    return OSA.distance(_written_out(place.letters, runs), form.written_out)


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


def _why_no_typo(place: Place, form: Form, typos: int, gaps: Mapping[int, str]) -> str | None:
    if typos > form.typos_allowed:
        return "has more typos than the term allows"
    # The first letter is seldom mistyped (Yannakoudakis and Fawthrop, 1983), unless two change places.
    if place.letters[0] != form.letters[0] and place.letters[:2] != form.letters[1::-1]:
        return "begins with another letter"
    text = place.folded.text[place.folded_start : place.folded_end]
    if _is_another_number(_digits(text), _digits("".join(form.runs))):
        return "has another number"
    if any(gap.strip("_.-'") for gap in gaps.values()) or len(gaps) == len(place.letters) - 1:
        return "has typos and separators that no handle has"
    return None


def _why_not_allowed(place: Place, form: Form, *, is_altered: bool) -> str | None:
    mode = form.watched.mode
    if mode is MatchMode.EXACT:
        span = place.span(form)
        if place.folded.original[span.start : span.end] not in form.watched.values:
            return "is not written exactly so"
    if mode is not MatchMode.FUZZY and is_altered:
        return "has typos or is part of a longer word, and the term asks for no such matches"
    return None


def _why_not_apart(form: Form, gaps: Mapping[int, str]) -> str | None:
    if gaps != form.gaps and not all(_GAP.fullmatch(gap) for gap in gaps.values()):
        return "the letters stand too far apart"
    return None


def _why_not_glued(place: Place, form: Form, gaps: Mapping[int, str]) -> str | None:
    if form.glued_from is None or form.length < form.glued_from:
        return "is part of a longer word, and too short or too ordinary for that"
    if any(any(map(str.isspace, gap)) for gap in gaps.values()) and (
        (place.is_glued_before and place.is_glued_after) or form.length < GLUED_OVER_SPACES_FROM
    ):
        return "is made of parts of other words"
    return None


def _why_by_chance(place: Place, form: Form, runs: Sequence[str], gaps: Mapping[int, str]) -> str | None:
    """Return why the place is not likely enough to be the form rather than to stand there by chance."""
    if runs == list(form.runs) and gaps == form.gaps and not place.is_glued:
        return None
    if len(runs) == len(form.runs) and any(map(_is_another_digit, runs, form.runs)):
        return "has another number"
    before, after = place.within()
    likelier = odds(
        "".join(form.runs),
        "".join(runs),
        inside=place.folded.text[place.folded_start : place.folded_end],
        before=before,
        after=after,
        cuts=None if gaps == form.gaps or not (gaps or form.gaps) else len(gaps) - len(form.gaps),
    )
    if likelier >= form.watched.limits.least_odds:
        return None
    if place.is_glued:
        return "is part of a longer word that is more likely by chance"
    if len(gaps) > len(form.gaps):
        return "the letters are more likely those of other words"
    return "is more likely another word"


def _is_another_digit(written: str, meant: str) -> bool:
    return written != meant and written.isdecimal() and meant.isdecimal()


def _digits(text: str) -> str:
    """Return the digits that make numbers: a single one between letters is read as a letter."""
    return "".join(_NUMBER.findall(text))


def _is_another_number(written: str, meant: str) -> bool:
    """Return whether the digits are others than those meant: one may be missing, and one may be added where no number
    is meant."""
    if written == meant or (not meant and len(written) == 1):
        return False
    return not any(written == meant[:at] + meant[at + 1 :] for at in range(len(meant)))
