"""Pseudonyms: handles as they are written by people who do not want them found, or cannot spell them.

Candidates come from three look-ups, none of which goes through the terms: every stretch of the text's skeleton that
is a term's skeleton; words within a few typos of one; words with letters masked by ``*``. :mod:`matchers.disguises`
judges each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict
from rapidfuzz.distance import OSA

from core.errors import UsageError
from core.types import Candidate, FoldedDocument, Match, MatchMode, Term, TermKind, Watchlist
from matchers.batch import FoldedBatch
from matchers.candidates import best_first, matches_of
from matchers.disguises import (
    GLUED_OVER_SPACES_FROM,
    LIMITS,
    Form,
    Place,
    Watched,
    forms_of,
    judge,
    judge_masked,
    passing,
)
from matchers.flat import SYMBOL, Block, Flags
from matchers.folding import LEET_CLASSES, fold_text
from matchers.hashing import NO_HASHES, Places, RecentHashes
from matchers.letters import Letters
from matchers.lookup import MOST_TYPOS, Everywhere, Nearby, Rows
from matchers.odds import is_ordinary
from matchers.skeleton import Skeleton, skeleton
from matchers.words import ordinary_hashes

_SHORTEST = 4
# A Chinese character tells as much as two letters or three; three of them make a pseudonym, while two are too often a
# part of other words.
_IDEOGRAPH = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_FEWEST_MISTYPED = 4
_LONGEST_MASKED = 64
_KEPT_FORMS = 4096
_MAY_BE_MASKED = re.compile(r"[\w*.\-]").match


class PseudonymMatcher:
    """Looks for handles, disguised or mistyped as far as each term allows."""

    kind: ClassVar[str] = "pseudonyms"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.PSEUDONYM})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a value or an alias of fewer than four letters and digits, or three Chinese ones."""
        for value in (term.value, *term.variants):
            letters = skeleton(fold_text(value).text)
            counted = sum(end - start for start, end in zip(letters.starts, letters.ends, strict=True))
            if counted + len(_IDEOGRAPH.findall(value)) // 2 < _SHORTEST:
                raise UsageError(
                    f"a pseudonym needs at least {_SHORTEST} letters or digits, or 3 Chinese characters; watch a "
                    "shorter one as a keyword with context"
                )

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> PseudonymFinder:
        """Return a finder for these terms."""
        return PseudonymFinder(
            [
                Watched(
                    term=term,
                    mode=term.settings.match or MatchMode.FUZZY,
                    limits=LIMITS[watchlists[term.watchlist_id].sensitivity],
                    values=frozenset((term.value, *term.variants)),
                )
                for term in terms
            ]
        )


class PseudonymFinder:
    """All watched pseudonyms, made ready for one pass."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self._watched = watched
        owners: defaultdict[str, list[int]] = defaultdict(list)
        typos: defaultdict[str, int] = defaultdict(int)
        glued: defaultdict[str, int] = defaultdict(int)
        fewest: dict[str, int] = {}
        ordinary: set[str] = set()
        for row, one in enumerate(watched):
            for form in forms_of(one):
                letters = form.letters
                owners[letters].append(row)
                typos[letters] = max(typos[letters], form.typos_allowed)
                fewest[letters] = min(fewest.get(letters, form.length), form.length - form.typos_allowed)
                if form.ordinary:
                    ordinary.add(letters)
                if form.glued_from is not None and form.length >= form.glued_from:
                    glued[letters] = max(glued[letters], form.length)
        self._strings = list(owners)
        self._owners = [tuple(dict.fromkeys(rows)) for rows in owners.values()]
        self._longest_glued = np.array([glued[letters] for letters in self._strings], dtype=np.int64)
        self._fewest_letters = np.array([fewest[letters] for letters in self._strings], dtype=np.int64)
        self._is_ordinary = np.array([letters in ordinary for letters in self._strings], dtype=np.bool_)
        self._everywhere = Everywhere(self._strings)
        self._nearby = Nearby(self._strings, [typos[letters] for letters in self._strings])
        self._failed = RecentHashes()
        self._forms = lru_cache(_KEPT_FORMS)(self._forms_of)
        self._spellings = lru_cache(_KEPT_FORMS)(self._spellings_of)

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        folded = FoldedBatch.of(batch)
        found: list[list[Match]] = [[] for _ in range(len(folded))]
        for place, candidates in self.candidates(folded, explaining=False).items():
            matches = matches_of(candidates, TermKind.PSEUDONYM)
            found[place] = [replace(match, is_ordinary=is_ordinary(match.found)) for match in matches]
        return found

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places that were looked at, those that failed too, the best first, at most 20 a term."""
        return best_first(self.candidates(FoldedBatch.of([document]), explaining=True)[0])

    def candidates(self, batch: FoldedBatch, *, explaining: bool) -> defaultdict[int, list[Candidate]]:
        """Return the candidates of the documents that have any. Where nobody explains, those are left out whose
        failure is plain to see, and runs that were judged before and failed."""
        flat = batch.flat
        found: defaultdict[int, list[Candidate]] = defaultdict(list)
        for block in flat.blocks:
            letters = Letters(block)
            for place, candidate in chain(
                self._disguised(batch, letters, explaining=explaining),
                self._mistyped(batch, letters, explaining=explaining),
                self._with_symbols(batch, block, explaining=explaining),
                self._masked(batch, block),
            ):
                found[place].append(candidate)
        return found

    def _disguised(
        self, batch: FoldedBatch, letters: Letters, *, explaining: bool, symbols: bool = False
    ) -> Iterator[tuple[int, Candidate]]:
        """Judge every stretch of letters that is a form's; with ``symbols``, only those that hold a sign."""
        looked_at = np.arange(len(letters.letters))
        if symbols:
            looked_at = np.flatnonzero(letters.next_symbol - looked_at < self._everywhere.longest)
        begins, ends, strings = self._everywhere.find(letters.sums, letters.limits, looked_at, letters.beginnings)
        kept = np.flatnonzero(letters.next_symbol[begins] < ends) if symbols else np.arange(len(begins))
        if not explaining and len(kept):
            kept = kept[self._may_stand_there(letters, begins[kept], ends[kept], strings[kept])]
        places = _places(batch, letters, begins[kept], ends[kept])
        for (document, place), string in zip(places, strings[kept].tolist(), strict=True):
            for form in self._forms(string):
                candidate = judge(place, form) if explaining else passing(place, form)
                if candidate is not None:
                    yield document, candidate

    def _may_stand_there(self, letters: Letters, begins: Places, ends: Places, strings: Rows) -> Flags:
        """Return for each stretch of letters whether some form of the string may be meant there, as far as that is
        plain: enough letters; by itself or, where a form is long enough for that, as part of a longer word that is
        not ordinary; over white space with a longer word at one end only; not an ordinary word by itself, unless
        that is what is watched."""
        before, after = letters.is_glued_before(begins), letters.is_glued_after(ends)
        is_glued = before | after
        longest = self._longest_glued[strings]
        first = letters.words_of(begins)
        in_word = letters.word_ends[first] >= ends
        words = letters.written_hashes(letters.word_starts[first], letters.word_ends[first])
        in_ordinary = in_word & ordinary_hashes().holds(words)
        far = letters.holds_space(begins, ends)
        return (
            (letters.letter_counts[ends] - letters.letter_counts[begins] >= self._fewest_letters[strings])
            & (~is_glued | (longest > 0))
            & (~(is_glued & far) | (~(before & after) & (longest >= GLUED_OVER_SPACES_FROM)))
            & (~in_ordinary | (~is_glued & self._is_ordinary[strings]))
        )

    def _mistyped(self, batch: FoldedBatch, letters: Letters, *, explaining: bool) -> Iterator[tuple[int, Candidate]]:
        """Judge the words, and runs of words without spaces between them, that are a few typos from a form."""
        begins, ends, written = letters.runs(
            NO_HASHES if explaining else ordinary_hashes(),
            RecentHashes() if explaining else self._failed,
            shortest=_FEWEST_MISTYPED,
            longest=self._everywhere.longest + MOST_TYPOS,
        )
        different, firsts, which = np.unique(written, return_index=True, return_inverse=True)
        runs, strings, typos = self._nearby.near(letters.sums, begins[firsts], ends[firsts], letters.letters)
        is_near = np.flatnonzero(typos)
        has_passed = np.zeros(len(different), dtype=np.bool_)
        for run, string in zip(runs[is_near].tolist(), strings[is_near].tolist(), strict=True):
            if not explaining and not self._is_near(
                letters.written_out(begins[firsts[run]], ends[firsts[run]]), string
            ):
                continue
            occurrences = np.flatnonzero(which == run)
            for document, place in _places(batch, letters, begins[occurrences], ends[occurrences]):
                judged = (judge(place, form) if explaining else passing(place, form) for form in self._forms(string))
                candidates = [candidate for candidate in judged if candidate is not None]
                yield from ((document, candidate) for candidate in candidates)
                if not any(candidate.passed for candidate in candidates):
                    break
                has_passed[run] = True
        if not explaining:
            self._failed.add(different[~has_passed])

    def _with_symbols(self, batch: FoldedBatch, block: Block, *, explaining: bool) -> Iterator[tuple[int, Candidate]]:
        """Judge the stretches that are a form's where signs count as letters, in the pieces that hold a sign."""
        part = block.pieces_with((block.classes & SYMBOL) != 0)
        if part is not None:
            yield from self._disguised(batch, Letters(part, symbols=True), explaining=explaining, symbols=True)

    def _masked(self, batch: FoldedBatch, block: Block) -> Iterator[tuple[int, Candidate]]:
        """Judge the words in which stars stand for letters."""
        part = block.pieces_with(block.codes == ord("*"))
        if part is None:
            return
        text = part.codes.tobytes().decode("utf-32-le", "surrogatepass")
        patterns = [pattern for stretch in _starred(text) if (pattern := _pattern(text, *stretch))]
        unmasked = [pattern.letters.replace("*", "") for pattern in patterns]
        for row, string, typos in self._nearby.near_strings(unmasked):
            pattern = patterns[row]
            letters = self._strings[string]
            if typos == pattern.letters.count("*") and _fits(pattern.letters, letters):
                first = pattern.starts[0]
                ((document, name, start),) = batch.flat.places(part.in_flat(np.array([first])))
                moved = [start + at - first for at in pattern.starts]
                moved_pattern = Skeleton(pattern.letters, moved, [at + 1 for at in moved])
                place = Place(name, batch[document].fields[name], moved_pattern, 0, len(letters))
                for form in self._forms(string):
                    yield document, judge_masked(place, form)

    def _is_near(self, written: str, string: int) -> bool:
        """Return whether what is written, with repeated letters as they are, is a few typos from a form."""
        return any(
            OSA.distance(written, meant, score_cutoff=allowed) <= allowed for meant, allowed in self._spellings(string)
        )

    def _spellings_of(self, string: int) -> list[tuple[str, int]]:
        return [(form.written_out, form.typos_allowed) for form in self._forms(string)]

    def _forms_of(self, string: int) -> list[Form]:
        letters = self._strings[string]
        return [
            form for row in self._owners[string] for form in forms_of(self._watched[row]) if form.letters == letters
        ]


def _places(batch: FoldedBatch, letters: Letters, begins: Places, ends: Places) -> Iterator[tuple[int, Place]]:
    """Yield the stretches of letters as places in documents, each with the document's place in the batch."""
    firsts = letters.starts[begins]
    found = batch.flat.places(letters.block.in_flat(firsts))
    for (document, name, start), first, begin, end in zip(
        found, firsts.tolist(), begins.tolist(), ends.tolist(), strict=True
    ):
        starts = [at - first + start for at in letters.starts[begin:end].tolist()]
        lasts = [at - first + start for at in letters.ends[begin:end].tolist()]
        around = Skeleton(letters.text(begin, end), starts, lasts)
        yield document, Place(name, batch[document].fields[name], around, 0, end - begin)


def _starred(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words stand that hold a star and are not too long."""
    star = text.find("*")
    while star >= 0:
        start, end = star, star + 1
        while start > 0 and end - start <= _LONGEST_MASKED and _MAY_BE_MASKED(text[start - 1]):
            start -= 1
        while end < len(text) and end - start <= _LONGEST_MASKED and _MAY_BE_MASKED(text[end]):
            end += 1
        word = text[start:end]
        yield start + len(word) - len(word.lstrip(".-")), end - len(word) + len(word.rstrip(".-"))
        star = text.find("*", end)


def _pattern(text: str, start: int, end: int) -> Skeleton | None:
    """Return the masked word as a skeleton with ``*`` for masked letters, None where it is not to be looked for."""
    if end - start > _LONGEST_MASKED:
        return None
    kept = [index for index in range(start, end) if text[index] == "*" or text[index].isalnum()]
    letters = "".join(LEET_CLASSES.get(text[index], text[index]) for index in kept)
    stars = letters.count("*")
    if not 0 < stars <= MOST_TYPOS or len(letters) - stars < _FEWEST_MISTYPED + 1:
        return None
    return Skeleton(letters, kept, [index + 1 for index in kept])


def _fits(pattern: str, letters: str) -> bool:
    return len(pattern) == len(letters) and all(
        sign in ("*", letter) for sign, letter in zip(pattern, letters, strict=True)
    )
