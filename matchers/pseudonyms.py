"""Pseudonyms: handles as they are written by people who do not want them found, or cannot spell them.

Candidates come from three look-ups, none of which goes through the terms: every stretch of the text's skeleton that
is a term's skeleton; words within a few typos of one; words with letters masked by ``*``. :mod:`matchers.disguises`
judges each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    Candidate,
    FieldName,
    FoldedDocument,
    FoldedText,
    Match,
    MatchMode,
    Term,
    TermKind,
    Watchlist,
)
from matchers.candidates import best_first, matches_of
from matchers.disguises import LIMITS, Form, Place, Watched, forms_of, judge, judge_masked
from matchers.folding import fold_text
from matchers.nearby import NearbyWords
from matchers.skeleton import SYMBOLS, Skeleton, has_symbols, skeleton
from matchers.words import ordinary_words

_SHORTEST = 4
_PREFIX_LENGTH = 3
_MOST_WORDS_OF_A_HANDLE = 4
_LONGEST_MASKED = 64
_FEWEST_UNMASKED = 5
_MASKED = re.compile(r"[\w*][\w*.\-]*[\w*]")


class PseudonymMatcher:
    """Looks for handles, disguised or mistyped as far as each term allows."""

    kind: ClassVar[str] = "pseudonyms"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.PSEUDONYM})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a value or an alias of fewer than four letters and digits."""
        for value in (term.value, *term.variants):
            folded = fold_text(value).text
            if len(skeleton(folded).letters) < _PREFIX_LENGTH or sum(map(str.isalnum, folded)) < _SHORTEST:
                raise UsageError(
                    f"a pseudonym needs at least {_SHORTEST} letters or digits, {_PREFIX_LENGTH} of them different "
                    "from the one before; watch a shorter one as a keyword with context"
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
        forms: defaultdict[str, list[Form]] = defaultdict(list)
        for row in watched:
            for form in forms_of(row):
                if len(form.letters) >= _PREFIX_LENGTH:
                    forms[form.letters].append(form)
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for letters in forms:
            lengths[letters[:_PREFIX_LENGTH]].add(len(letters))
        self._forms = dict(forms)
        self._lengths = {prefix: tuple(sorted(found)) for prefix, found in lengths.items()}
        self._nearby = NearbyWords(
            self._forms, lambda letters: max(form.typos_allowed for form in self._forms[letters])
        )
        self._longest = max(map(len, self._forms), default=0)

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        return [
            matches_of(self._candidates(document, ordinary_words_too=False), TermKind.PSEUDONYM) for document in batch
        ]

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places that were looked at, those that failed too, the best first, at most 20 a term."""
        return best_first(self._candidates(document, ordinary_words_too=True))

    def _candidates(self, document: FoldedDocument, *, ordinary_words_too: bool) -> Iterator[Candidate]:
        for name, folded in document.fields.items():
            plain = skeleton(folded.text)
            yield from self._disguised(name, folded, plain)
            yield from self._mistyped(name, folded, plain, ordinary_words_too=ordinary_words_too)
            if has_symbols(folded.text):
                yield from self._disguised(name, folded, skeleton(folded.text, symbols=True), needs=SYMBOLS)
            if "*" in folded.text:
                yield from self._masked(name, folded)

    def _disguised(
        self, name: FieldName, folded: FoldedText, text: Skeleton, *, needs: str | None = None
    ) -> Iterator[Candidate]:
        """Judge every stretch of the skeleton that is a form's; with ``needs``, only those that hold such a sign."""
        letters, lengths, forms = text.letters, self._lengths, self._forms
        for start in range(len(letters) - _PREFIX_LENGTH + 1):
            for length in lengths.get(letters[start : start + _PREFIX_LENGTH], ()):
                if start + length > len(letters):
                    break
                stretch = forms.get(letters[start : start + length])
                if stretch is None:
                    continue
                place = Place(name, folded, text, start, start + length)
                if needs and not any(sign in needs for sign in folded.text[place.folded_start : place.folded_end]):
                    continue
                for form in stretch:
                    yield judge(place, form)

    def _mistyped(
        self, name: FieldName, folded: FoldedText, text: Skeleton, *, ordinary_words_too: bool
    ) -> Iterator[Candidate]:
        """Judge the words, and runs of words without spaces between them, that are a few typos from a form."""
        for start, end in self._runs_of_words(folded, text, ordinary_words_too=ordinary_words_too):
            for letters, typos in self._nearby.near(text.letters[start:end]):
                if typos:
                    place = Place(name, folded, text, start, end)
                    for form in self._forms[letters]:
                        yield judge(place, form)

    def _runs_of_words(
        self, folded: FoldedText, text: Skeleton, *, ordinary_words_too: bool
    ) -> Iterator[tuple[int, int]]:
        longest = self._longest + 2
        words: list[tuple[int, bool]] = []  # where the words of the run so far start, and whether they are ordinary
        start = 0
        for end in range(1, len(text.letters) + 1):
            is_last = end == len(text.letters)
            if not is_last and text.starts[end] == text.ends[end - 1]:
                continue
            word = folded.text[text.starts[start] : text.ends[end - 1]] if end - start <= longest else ""
            words.append((start, not ordinary_words_too and word in ordinary_words()))
            del words[:-_MOST_WORDS_OF_A_HANDLE]
            all_ordinary = True
            for first, is_ordinary in reversed(words):
                all_ordinary = all_ordinary and is_ordinary
                if not all_ordinary and _FEWEST_UNMASKED - 1 <= end - first <= longest:
                    yield first, end
            if not is_last and any(map(str.isspace, folded.text[text.ends[end - 1] : text.starts[end]])):
                words.clear()
            start = end

    def _masked(self, name: FieldName, folded: FoldedText) -> Iterator[Candidate]:
        """Judge the words in which stars stand for letters."""
        for stretch in _MASKED.finditer(folded.text):
            stars = stretch[0].count("*")
            if not 0 < stars <= 2 or len(stretch[0]) > _LONGEST_MASKED:
                continue
            kept = [
                index for index in range(*stretch.span()) if folded.text[index] == "*" or folded.text[index].isalnum()
            ]
            pattern = "".join(skeleton(folded.text[index]).letters or "*" for index in kept)
            if len(pattern) - stars < _FEWEST_UNMASKED:
                continue
            place = Place(name, folded, Skeleton(pattern, kept, [index + 1 for index in kept]), 0, len(pattern))
            for letters, typos in self._nearby.near(pattern.replace("*", "")):
                if typos == stars and _fits(pattern, letters):
                    for form in self._forms[letters]:
                        yield judge_masked(place, form)


def _fits(pattern: str, letters: str) -> bool:
    return len(pattern) == len(letters) and all(
        sign in ("*", letter) for sign, letter in zip(pattern, letters, strict=True)
    )
