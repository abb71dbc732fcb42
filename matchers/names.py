"""Names of people, in the ways they are written: both orders, initials, nicknames, middle names and double surnames,
other spellings, typos, and the disguises that pseudonyms get."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import Candidate, FieldName, FoldedDocument, Match, MatchMode, Term, TermKind, Watchlist
from matchers.batch import FoldedBatch
from matchers.candidates import best_first, matches_of
from matchers.disguises import LIMITS, Limits, Watched
from matchers.folding import (
    GLUED,
    INITIAL,
    LEET,
    MASKED,
    REPEATED_LETTERS,
    SEPARATORS,
    fold_text,
)
from matchers.name_judgement import FieldWords, WatchedName, judge
from matchers.name_masks import MaskedWords
from matchers.name_pairs import NamePairs, Pair
from matchers.name_parts import NameParts, readings, readings_by_letter
from matchers.name_romanised import RomanisedNames
from matchers.name_scripts import NamesInScripts
from matchers.name_spellings import Spelling, forename_spellings, surname_spellings
from matchers.phrases import Words
from matchers.pseudonyms import PseudonymFinder

# In letters and digits. Whole names are longer than handles, and made of frequent words.
_ONE_TYPO_FROM = 10
_TWO_TYPOS_FROM = 16
_FARTHEST = 6
_DISGUISES = frozenset({GLUED, LEET, MASKED, REPEATED_LETTERS, SEPARATORS})


class NameMatcher:
    """Looks for full names."""

    kind: ClassVar[str] = "names"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.NAME})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a name of a single word, and for such an alias of a term that counts without context: a
        first name alone is nobody's."""
        if not readings(term.value):
            raise UsageError(
                "a name needs a forename and a surname; a single word may be an alias of one, with needs_context: true"
            )
        for alias in term.variants:
            if not readings(alias) and not (term.settings.needs_context and Words(fold_text(alias).text).texts):
                raise UsageError("an alias of a single word counts in context only: give the term needs_context: true")

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> NameFinder:
        """Return a finder for these terms."""
        return NameFinder([(term, LIMITS[watchlists[term.watchlist_id].sensitivity]) for term in terms])


class NameFinder:
    """All watched names, made ready for one pass: pairs of a forename and a surname that belong together are looked
    up, and whole names in disguise."""

    def __init__(self, terms: Sequence[tuple[Term, Limits]]) -> None:
        self._names: list[WatchedName] = []
        self._forenames: defaultdict[str, dict[int, list[Spelling]]] = defaultdict(dict)
        self._surnames: defaultdict[str, dict[int, list[Spelling]]] = defaultdict(dict)
        pairs, tolerant, by_letter = [], [], []
        for term, limits in terms:
            values = frozenset((term.value, *term.variants))
            for parts in sorted({parts for value in values for parts in readings(value)}, key=_in_order):
                row = len(self._names)
                self._names.append(WatchedName(term, values, limits.least_odds, parts))
                given, family = forename_spellings(parts), surname_spellings(parts)
                for spelling in given:
                    self._forenames[spelling.words[0]].setdefault(row, []).append(spelling)
                for spelling in family:
                    self._surnames[spelling.words[-1]].setdefault(row, []).append(spelling)
                pairs.append(({one.words[0] for one in given}, {one.words[-1] for one in family}))
                if term.settings.match in (None, MatchMode.FUZZY):
                    tolerant.append(({parts.forename[0]}, {unit[-1] for unit in parts.surnames}))
            if term.settings.match in (None, MatchMode.FUZZY):
                for parts in sorted({parts for value in values for parts in readings_by_letter(value)}, key=_in_order):
                    by_letter.append((len(self._names), parts))
                    self._names.append(WatchedName(term, values, limits.least_odds, parts))
        self._pairs = NamePairs(pairs, tolerant)
        self._romanised = RomanisedNames(by_letter)
        self._disguised = PseudonymFinder([_as_handle(term, limits) for term, limits in terms])
        self._alone = _alone(terms)
        self._masks = MaskedWords((*self._forenames, *self._surnames))
        self._in_scripts = NamesInScripts(self._names)

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        folded = FoldedBatch.of(batch)
        found: list[list[Match]] = [[] for _ in range(len(folded))]
        for place, candidates in self._candidates(folded, explaining=False).items():
            found[place] = matches_of(candidates, TermKind.NAME)
        return found

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places where forename and surname stand together, those that do not count last."""
        return best_first(self._candidates(FoldedBatch.of([document]), explaining=True)[0])

    def _candidates(self, batch: FoldedBatch, *, explaining: bool) -> defaultdict[int, list[Candidate]]:
        found: defaultdict[int, list[Candidate]] = defaultdict(list)
        texts: dict[tuple[int, FieldName], FieldWords] = {}
        for pair in self._pairs.find(batch, explaining=explaining):
            text = texts.get(pair[:2])
            if text is None:
                text = texts[pair[:2]] = FieldWords(pair.field, batch[pair.document].fields[pair.field])
            found[pair.document].extend(self._judged(pair, text))
        for row, pair in self._romanised.find(batch, explaining=explaining):
            text = texts.get(pair[:2])
            if text is None:
                text = texts[pair[:2]] = FieldWords(pair.field, batch[pair.document].fields[pair.field])
            at = text.indexes[pair.forename], text.indexes[pair.surname]
            found[pair.document].extend(
                self._judged_as(row, text, at, *self._romanised.spellings(row, text.words.texts, at))
            )
        for place, candidates in self._disguised.candidates(batch, explaining=explaining).items():
            found[place].extend(one for one in candidates if _DISGUISES.intersection(one.transformations))
        for place in batch.where(lambda text: "*" in text):
            found[place].extend(self._masked(place, batch[place]))
        if self._alone:
            for place, candidates in self._alone.candidates(batch, explaining=explaining).items():
                found[place].extend(candidates)
        for place in batch.where(lambda text: not text.isascii()):
            found[place].extend(self._in_scripts.candidates(batch[place].document))
        return defaultdict(list, {place: _with_initials(candidates) for place, candidates in found.items()})

    def _judged(self, pair: Pair, text: FieldWords) -> Iterator[Candidate]:
        at = text.indexes[pair.forename], text.indexes[pair.surname]
        forenames = self._forenames.get(pair.meant_forename or text.words.texts[at[0]], {})
        surnames = self._surnames.get(pair.meant_surname or text.words.texts[at[1]], {})
        fewer, more = sorted((forenames, surnames), key=len)
        for row in fewer:
            if row in more:
                yield from self._judged_as(row, text, at, forenames[row], surnames[row])

    def _judged_as(
        self,
        row: int,
        text: FieldWords,
        at: tuple[int, int],
        forenames: Sequence[Spelling],
        surnames: Sequence[Spelling],
    ) -> Iterator[Candidate]:
        for forename, surname in product(forenames, surnames):
            candidate = judge(self._names[row], text, at, forename, surname)
            if candidate is not None:
                yield candidate

    def _masked(self, place: int, document: FoldedDocument) -> Iterator[Candidate]:
        """Yield the names in a document of which a word has letters masked."""
        for name, folded in document.fields.items():
            for unmasked, starts in self._masks.unmasked(folded):
                text = FieldWords(name, unmasked)
                for start in starts:
                    at = text.indexes[start]
                    for other in range(max(0, at - _FARTHEST), min(len(text.words), at + _FARTHEST + 1)):
                        beside = text.words[other].start
                        for forename, surname in ((start, beside), (beside, start)):
                            for candidate in self._judged(Pair(place, name, forename, surname), text):
                                yield replace(candidate, transformations=(*candidate.transformations, MASKED))


def _with_initials(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates; those with an initial count wherever the full name stands in the same document."""
    in_full = {one.term_id for one in candidates if one.passed and INITIAL not in one.transformations}
    return [
        replace(one, passed=True, reason="an initial and the surname, and the full name stands here too")
        if not one.passed and one.term_id in in_full and INITIAL in one.transformations
        else one
        for one in candidates
    ]


def _in_order(parts: NameParts) -> tuple[object, ...]:
    return parts.forename, parts.middles, parts.surnames


def _alone(terms: Sequence[tuple[Term, Limits]]) -> PseudonymFinder | None:
    """Return what looks for the aliases of a single word, None where there are none."""
    rows = [
        (term, limits, frozenset(variant for variant in term.variants if not readings(variant)))
        for term, limits in terms
    ]
    watched = [
        Watched(term, MatchMode.EXACT if term.settings.match is MatchMode.EXACT else MatchMode.FOLDED, limits, aliases)
        for term, limits, aliases in rows
        if aliases
    ]
    return PseudonymFinder(watched) if watched else None


def _as_handle(term: Term, limits: Limits) -> Watched:
    """Return the name as the judgement on disguises takes it: its words in either order."""
    values = set()
    for value in (term.value, *term.variants):
        for parts in readings(value):
            if parts.script:
                continue
            given = " ".join(parts.forename)
            family = [*parts.particles, *("-".join(unit) for unit in parts.surnames)]
            values |= {" ".join((given, *family)), " ".join((*family, given))}
    mode = term.settings.match or MatchMode.FUZZY
    quiet = replace(limits, one_typo=_ONE_TYPO_FROM, two_typos=_TWO_TYPOS_FROM)
    return Watched(term, mode, quiet, frozenset(values))
