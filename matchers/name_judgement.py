"""The judgement on names: whether a forename and a surname near each other are a watched person's name.

As for handles (:mod:`matchers.odds`), a place counts when it is so many times likelier to be the name, written in that
way, than to stand there by chance as the watchlist's sensitivity asks for. What speaks for and against is told in
``matchers/names.yaml``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from rapidfuzz.distance import OSA

from core.types import Candidate, FieldName, FoldedText, MatchMode, Term
from matchers.background import chance
from matchers.folding import (
    INITIAL,
    LEET,
    LENGTHENED,
    NICKNAME,
    REORDERED,
    SEPARATORS,
    TRANSLITERATED,
    TYPO,
    transformations,
)
from matchers.name_letters import IMPOSSIBLE, initials, likelihood
from matchers.name_parts import NameParts
from matchers.name_rules import name_rules
from matchers.name_spellings import Spelling
from matchers.phrases import Words
from matchers.skeleton import skeleton
from matchers.words import forenames, is_name, is_ordinary, names_that_are_words, ordinary_words
from matchers.writing import writing

_MOST_UNKNOWN_BETWEEN = 2
_LONGEST_GAP = 3
_JOINTS = frozenset({"", "-", "_", ".", "'", '"', "(", ")", "“", "”", "«", "»"})
_SENTENCE_ENDS = frozenset(".!?:;\n\"'“(")


@dataclass(frozen=True, slots=True)
class WatchedName:
    """One reading of a watched name. ``values`` are the term's value and variants as they were given."""

    term: Term = field(repr=False)
    values: frozenset[str] = field(repr=False)
    least_odds: float
    parts: NameParts = field(repr=False)

    @property
    def mode(self) -> MatchMode:
        """How freely the name may be written."""
        return self.term.settings.match or MatchMode.FUZZY


class FieldWords:
    """A field's folded text with its words."""

    def __init__(self, name: FieldName, folded: FoldedText) -> None:
        self.name = name
        self.folded = folded
        self.words = Words(folded.text)

    @cached_property
    def indexes(self) -> dict[int, int]:
        """The indexes of the words by where they start."""
        return {word.start: index for index, word in enumerate(self.words)}

    def gap(self, at: int) -> str:
        """Return what stands between a word and the next."""
        return self.folded.text[self.words[at].end : self.words[at + 1].start]

    def written(self, at: int) -> str:
        """Return a word as it stands in the original."""
        word = self.words[at]
        return self.folded.original[self.folded.starts[word.start] : self.folded.ends[word.end - 1]]

    def are_together(self, first: int, last: int, *, comma_after: int | None = None) -> bool:
        """Return whether the words from the first to the last can belong to one name: spaces between them or single
        signs, after an initial a full stop, and a comma after the one."""
        return all(self._is_together(at, comma=at == comma_after) for at in range(first, last))

    def _is_together(self, at: int, *, comma: bool) -> bool:
        gap = self.gap(at)
        if self.words[at].end - self.words[at].start == 1:
            gap = gap.removeprefix(".")
        if comma:
            gap = gap.removeprefix(",")
        return (
            len(gap) <= _LONGEST_GAP
            and (gap.isspace() or gap.strip() in _JOINTS)
            and (gap.strip() != "." or not any(map(str.isspace, gap)))
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """The words ``start`` to ``end`` that are the name, with what speaks against."""

    start: int
    end: int
    forename: range
    surname: range
    undone: list[str]
    costs: dict[str, float]


def judge(
    name: WatchedName, text: FieldWords, at: tuple[int, int], forename: Spelling, surname: Spelling
) -> Candidate | None:
    """Return what stands at a place for the name: passed or not, and why. None where the two do not even stand
    together. ``at`` tells where the forename begins and where the surname ends."""
    first, last = at
    placed = _in_order if first < last else _reversed
    place = placed(name, text, first, last, forename, surname)
    return _judged(name, text, place, forename, surname) if place else None


def _in_order(
    name: WatchedName, text: FieldWords, first: int, last: int, forename: Spelling, surname: Spelling
) -> _Place | None:
    given = range(first, first + len(forename.words))
    family = range(last + 1 - len(surname.words), last + 1)
    if given.stop > family.start or not _are_written(text, given, family, forename, surname):
        return None
    if not text.are_together(first, last):
        return None
    costs: dict[str, float] = {}
    unknown = 0
    for index in range(given.stop, family.start):
        cost = _between(name, text, index) if text.words.texts[index] not in surname.words else None
        if cost is None:
            return None
        if cost:
            unknown += 1
            costs["between"] = costs.get("between", 0.0) + cost
    if unknown > _MOST_UNKNOWN_BETWEEN:
        return None
    undone: list[str] = []
    end = _with_further_surnames(name, text, last + 1)
    if end == last + 1 and end < len(text.words) and text.gap(last) == "-" and len(text.words.texts[end]) > 1:
        end += 1
        undone.append(LENGTHENED)
        costs["lengthened"] = name_rules().costs.lengthened
    if first and text.gap(first - 1) in ("-", "'"):
        costs["other"] = name_rules().costs.part_of_other_name
    return _Place(first, end, given, family, undone, costs)


def _reversed(
    name: WatchedName, text: FieldWords, first: int, last: int, forename: Spelling, surname: Spelling
) -> _Place | None:
    given = range(first, first + len(forename.words))
    family = range(last + 1 - len(surname.words), last + 1)
    if family.start < 0 or given.stop > len(text.words) or not _are_written(text, given, family, forename, surname):
        return None
    own = _own_surnames(name)
    if not all(text.words.texts[index] in own for index in range(family.stop, first)):
        return None
    if not text.are_together(family.start, given.stop - 1, comma_after=first - 1):
        return None
    costs = name_rules().costs
    texts = text.words.texts
    start, end = family.start, given.stop
    before = {*name.parts.particles, *own}
    while start and texts[start - 1] in before and text.are_together(start - 1, start):
        start -= 1
    while end < len(texts) and _may_follow(name, texts[end]) and text.are_together(end - 1, end):
        end += 1
    has_comma = "," in text.gap(first - 1)
    is_telling = text.written(last).isupper() and not text.written(first).isupper()
    against = {"order": costs.reordered_by_comma if has_comma or is_telling else costs.reordered}
    if _belongs_to_other(text, start, end):
        against["other"] = costs.part_of_other_name
    return _Place(start, end, given, family, [REORDERED], against)


def _are_written(text: FieldWords, given: range, family: range, forename: Spelling, surname: Spelling) -> bool:
    """Return whether the words beside the two that were found are those of the spellings."""
    texts = text.words.texts
    return (
        tuple(texts[given.start + 1 : given.stop]) == forename.words[1:]
        and tuple(texts[max(family.start, 0) : family.stop - 1]) == surname.words[:-1]
    )


def _between(name: WatchedName, text: FieldWords, index: int) -> float | None:
    """Return what a word between forename and surname costs, None where no name has it there."""
    costs = name_rules().costs
    word = text.words.texts[index]
    if word in name_rules().particles or word in _own_surnames(name) or _is_own_middle(name, word):
        return 0.0
    if word in name.parts.particles and (text.gap(index) == "-" or not _is_word(word)):
        return 0.0
    another = costs.another_middle_name if name.parts.middles else 0.0
    if len(word) == 1:
        return costs.other_initial + another
    is_capital = text.written(index)[0].isupper()
    if is_capital:
        looks_like_name = is_name(word) or not is_ordinary(word)
    else:
        looks_like_name = word in forenames() and not _is_word(word)
    return costs.other_middle_name + another if looks_like_name else None


def _is_own_middle(name: WatchedName, word: str) -> bool:
    rest = (*name.parts.forename[1:], *name.parts.middles)
    if name.parts.script:
        script = name.parts.script
        return any(word in initials(middle) or likelihood(middle, script, word) > IMPOSSIBLE for middle in rest)
    return word in rest or any(len(word) == 1 and word == middle[0] for middle in rest)


def _may_follow(name: WatchedName, word: str) -> bool:
    """Return whether the word may follow the forename where the surname comes first."""
    return word in name.parts.particles or _is_own_middle(name, word)


def _own_surnames(name: WatchedName) -> frozenset[str]:
    return frozenset(word for unit in name.parts.surnames for word in unit)


def _with_further_surnames(name: WatchedName, text: FieldWords, end: int) -> int:
    """Return where the name ends with those of its surnames that follow."""
    own = _own_surnames(name)
    reached = end
    while reached < len(text.words) and text.are_together(reached - 1, reached):
        word = text.words.texts[reached]
        if word in own and word not in text.words.texts[end - 1 : reached]:
            end = reached + 1
        elif word not in name_rules().particles:
            break
        reached += 1
    return end


def _belongs_to_other(text: FieldWords, start: int, end: int) -> bool:
    """Return whether the words look like parts of two names: Anna Gonzalez, Maria Lopez."""
    is_after_forename = (
        start > 0
        and text.are_together(start - 1, start)
        and text.words.texts[start - 1] in forenames()
        and text.written(start - 1)[0].isupper() == text.written(start)[0].isupper()
    )
    is_before_name = (
        end < len(text.words)
        and text.are_together(end - 1, end)
        and is_name(text.words.texts[end])
        and not _is_word(text.words.texts[end])
    )
    return is_after_forename or is_before_name


def _judged(name: WatchedName, text: FieldWords, place: _Place, forename: Spelling, surname: Spelling) -> Candidate:
    rules = name_rules()
    folded, words = text.folded, text.words
    start, end = words[place.start].start, words[place.end - 1].end
    span = folded.span(text.name, start, end)
    found = folded.original[span.start : span.end]
    undone = transformations(folded, start, end)
    undone += [TRANSLITERATED] if name.parts.script else []
    undone += (way for way in (*forename.undone, *surname.undone, *place.undone) if way not in undone)
    meant_and_written = [
        (meant, written)
        for meant, written in (
            (forename.words[0], words.texts[place.forename.start]),
            (surname.words[-1], words.texts[place.surname.stop - 1]),
        )
        if meant != written
    ]
    mistyped = [pair for pair in meant_and_written if not _is_leet(*pair)]
    if len(mistyped) < len(meant_and_written):
        undone.append(LEET)
    if mistyped:
        undone.append(TYPO)
    gaps = (text.gap(at).strip() for at in range(place.start, place.end - 1) if len(words.texts[at]) > 1)
    if SEPARATORS not in undone and any(gap in ("-", "_", ".") for gap in gaps) and LENGTHENED not in undone:
        undone.append(SEPARATORS)
    is_exact = found in name.values
    if is_exact:
        undone = []
    costs = {
        **place.costs,
        "forename": forename.cost,
        "surname": surname.cost,
        "typo": sum(writing(meant, written) for meant, written in meant_and_written),
        "capitals": _capitals(text, place),
    }
    if INITIAL in forename.undone and name.parts.middles and _holds_initial(name, text, place):
        costs["forename"] += rules.costs.second_initial
    reason = (
        _why_not_allowed(name.mode, undone, is_exact=is_exact)
        or _why_no_typo(text, place, forename, mistyped)
        or _why_by_chance(name, text, place, costs)
    )
    letters = sum(map(len, (*forename.words, *surname.words)))
    typos = sum(OSA.distance(meant, written) for meant, written in mistyped)
    return Candidate(
        term_id=name.term.id,
        span=span,
        found=found,
        similarity=round((1 - typos / letters) * prod(rules.similarity.get(way, 1.0) for way in undone), 3),
        transformations=tuple(undone),
        passed=reason is None,
        reason=reason or "forename and surname stand together",
    )


def _holds_initial(name: WatchedName, text: FieldWords, place: _Place) -> bool:
    return any(
        _is_own_middle(name, text.words.texts[at])
        for at in range(place.start, place.end)
        if at not in place.forename and at not in place.surname
    )


def _why_not_allowed(mode: MatchMode, undone: Sequence[str], *, is_exact: bool) -> str | None:
    if mode is MatchMode.EXACT and not is_exact:
        return "is not written exactly so"
    if mode is not MatchMode.FUZZY and {TYPO, NICKNAME, INITIAL, TRANSLITERATED}.intersection(undone):
        return "is spelled otherwise, and the term asks for no such matches"
    return None


def _why_no_typo(
    text: FieldWords, place: _Place, forename: Spelling, mistyped: Sequence[tuple[str, str]]
) -> str | None:
    # The first letter is seldom mistyped (Yannakoudakis and Fawthrop, 1983).
    if any(meant[0] != written[0] for meant, written in mistyped):
        return "begins with another letter"
    written = text.words.texts[place.forename.start]
    return "has another forename" if written != forename.words[0] and is_name(written) else None


def _why_by_chance(name: WatchedName, text: FieldWords, place: _Place, costs: dict[str, float]) -> str | None:
    texts = text.words.texts
    counted = {*place.forename, *place.surname}
    others = _own_surnames(name).difference(texts[at] for at in counted)
    counted.update(at for at in range(place.start, place.end) if texts[at] in others)
    written = " ".join(texts[at] for at in sorted(counted))
    if sum(costs.values()) - chance(written) >= name.least_odds:
        return None
    return _REASONS[min(costs, key=costs.__getitem__)]


_REASONS = {
    "between": "has another middle name",
    "lengthened": "is more likely another name",
    "other": "looks like parts of other names",
    "order": "is more likely ordinary words, or another name",
    "forename": "a name so short or so frequent may be another person's",
    "surname": "a name so short or so frequent may be another person's",
    "typo": "is more likely another name, or other words",
    "capitals": "is more likely ordinary words",
}


def _capitals(text: FieldWords, place: _Place) -> float:
    """Return how much the capital and small letters speak for a name."""
    costs = name_rules().costs
    one, other = text.written(place.forename.start), text.written(place.surname.stop - 1)
    if not any(letter.isupper() or letter.islower() for letter in (one[0], other[0])):
        return 0.0
    are_ordinary = all(_is_word(text.words.texts[at]) for at in (place.forename.start, place.surname.stop - 1))
    article = 0.0
    if are_ordinary and place.start and text.words.texts[place.start - 1] in name_rules().articles:
        article = costs.ordinary_after_article
    capitals = one[0].isupper() + other[0].isupper()
    if capitals == 1:
        return costs.one_capital + article
    if not capitals:
        return (costs.ordinary_in_small_letters if are_ordinary else 0.0) + article
    if _is_all_capital(text, place):
        return article
    return (costs.capitals_at_start if _starts_sentence(text, place.start) else costs.capitals) + article


def _is_all_capital(text: FieldWords, place: _Place) -> bool:
    """Return whether the words beside the name have capitals too, as in a headline, though no name stands there."""
    beside = [
        text.written(at)
        for at in (*range(place.start - 2, place.start), *range(place.end, place.end + 2))
        if 0 <= at < len(text.words) and len(text.words.texts[at]) > 1 and not is_name(text.words.texts[at])
    ]
    if text.written(place.forename.start).isupper() and text.written(place.surname.start).isupper():
        return any(map(str.isupper, beside))
    return len(beside) > 1 and all(word[0].isupper() for word in beside)


def _is_word(word: str) -> bool:
    return word in ordinary_words() or word in names_that_are_words()


def _starts_sentence(text: FieldWords, start: int) -> bool:
    if not start:
        return True
    gap = text.gap(start - 1)
    return not _SENTENCE_ENDS.isdisjoint(gap)


def _is_leet(meant: str, written: str) -> bool:
    """Return whether a word is written with digits for letters, and nothing else is changed."""
    return not written.isalpha() and skeleton(meant).letters == skeleton(written).letters
