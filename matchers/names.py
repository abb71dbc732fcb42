"""Names of people: forename next to surname, in either order, on folded text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
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
from matchers.batch import FoldedBatch, WordSet
from matchers.candidates import best_first, matches_of
from matchers.folding import SEPARATORS, TYPO, fold_text, folded_forms, transformations
from matchers.nearby import NearbyWords
from matchers.phrases import Word, Words
from matchers.words import is_name, is_ordinary, ordinary_words

_SHORTEST_MISTYPED = 6
_MOST_BETWEEN = 2
# Words that belong to the surname after them.
_PARTICLES = frozenset({
    "al", "bin", "bint", "da", "dal", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el",
    "ibn", "la", "las", "le", "los", "ten", "ter", "van", "von", "y", "zu",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Name:
    """One way a watched name is given. ``between`` are its own middle names."""

    term: Term = field(repr=False)
    values: frozenset[str] = field(repr=False)
    forename: str = field(repr=False)
    between: tuple[str, ...] = field(repr=False)
    surname: tuple[str, ...] = field(repr=False)


class NameMatcher:
    """Looks for full names: both orders, with what may stand between, one typo in a long surname."""

    kind: ClassVar[str] = "names"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.NAME})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a name or an alias of a single word: a first name alone is nobody's."""
        for value in (term.value, *term.variants):
            if len(Words(fold_text(value).text)) < 2:
                raise UsageError("a name needs a forename and a surname; watch a single word as a keyword with context")

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> NameFinder:  # noqa: ARG002
        """Return a finder for these terms."""
        return NameFinder(terms)


class NameFinder:
    """All watched names, made ready for one pass: the forename is looked up, the surname looked for around it."""

    def __init__(self, terms: Sequence[Term]) -> None:
        names: defaultdict[str, defaultdict[str, list[_Name]]] = defaultdict(lambda: defaultdict(list))
        for term in terms:
            for name in _names_of(term):
                names[name.forename][name.surname[0]].append(name)
        self._names = {forename: dict(by_surname) for forename, by_surname in names.items()}
        self._forenames = WordSet(self._names)
        tolerant = {
            surname
            for by_surname in self._names.values()
            for surname, rows in by_surname.items()
            if any(row.term.settings.match in (None, MatchMode.FUZZY) for row in rows)
        }
        self._nearby_surnames = NearbyWords(tolerant, lambda surname: len(surname) >= _SHORTEST_MISTYPED)

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        folded = FoldedBatch.of(batch)
        found: list[list[Match]] = [[] for _ in batch]
        for place in folded.with_words(self._forenames):
            found[place] = matches_of(self._candidates(folded[place]), TermKind.NAME)
        return found

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the places where forename and surname stand together, those that do not count last."""
        return best_first(self._candidates(document))

    def _candidates(self, document: FoldedDocument) -> Iterator[Candidate]:
        for field_name, folded in document.fields.items():
            words = Words(folded.text)
            for index, text in enumerate(words.texts):
                if text in self._names:
                    yield from self._around(field_name, folded, words, index)

    def _around(
        self, field_name: FieldName, folded: FoldedText, words: Sequence[Word], index: int
    ) -> Iterator[Candidate]:
        by_surname = self._names[words[index].text]
        for at in range(index + 1, min(index + 2 + _MOST_BETWEEN, len(words))):
            if not _is_together(folded.text, words[at - 1], words[at]):
                break
            for name, typos in self._with_surname(by_surname, words[at].text):
                end = at + len(name.surname)
                if _stands_at(folded.text, words, at, name) and all(
                    _may_stand_between(folded, word, name) for word in words[index + 1 : at]
                ):
                    yield _judge(field_name, folded, words[index:end], name, typos)
        for name, typos in self._before(folded.text, words, index, by_surname):
            yield _judge(field_name, folded, words[index - len(name.surname) : index + 1], name, typos)

    def _before(
        self, text: str, words: Sequence[Word], index: int, by_surname: Mapping[str, list[_Name]]
    ) -> Iterator[tuple[_Name, int]]:
        """Yield the names whose surname stands right before the forename: ``Gonzalez, Maria``."""
        for length in range(1, _MOST_BETWEEN + 2):
            at = index - length
            if at < 0:
                return
            if length == 1 and not _is_together(text, words[at], words[index], comma=True):
                return
            for name, typos in self._with_surname(by_surname, words[at].text):
                if len(name.surname) == length and _stands_at(text, words, at, name):
                    yield name, typos

    def _with_surname(self, by_surname: Mapping[str, list[_Name]], written: str) -> Iterator[tuple[_Name, int]]:
        for surname, typos in {written: 0, **dict(self._nearby_surnames.near(written))}.items():
            if surname[0] == written[0]:
                for name in by_surname.get(surname, ()):
                    if not typos or written not in ordinary_words():
                        yield name, typos


def _names_of(term: Term) -> Iterator[_Name]:
    """Yield the ways the term's values name the person; of three words and more, the last is the surname, with the
    particles before it and whatever a hyphen joins to it."""
    values = frozenset((term.value, *term.variants))
    seen = set()
    for value in sorted(values):
        surname_first, _, rest = value.partition(",")
        for folded in sorted(folded_forms(f"{rest} {surname_first}" if rest.strip() else value)):
            words = Words(folded)
            texts = tuple(word.text for word in words)
            if texts in seen or len(texts) < 2:
                continue
            seen.add(texts)
            first = len(words) - 1
            if rest.strip():
                first = len(words) - len(Words(fold_text(surname_first).text))
            while first > 1 and (
                folded[words[first - 1].end : words[first].start] in ("-", "'") or texts[first - 1] in _PARTICLES
            ):
                first -= 1
            yield _Name(
                term=term, values=values, forename=texts[0], between=texts[1:first], surname=texts[max(first, 1) :]
            )


def _stands_at(text: str, words: Sequence[Word], at: int, name: _Name) -> bool:
    """Return whether the surname's other words follow the one at ``at``."""
    following = words[at : at + len(name.surname)]
    return tuple(word.text for word in following[1:]) == name.surname[1:] and all(
        _is_together(text, before, after) for before, after in pairwise(following)
    )


def _is_together(text: str, before: Word, after: Word, *, comma: bool = False) -> bool:
    """Return whether two words can belong to one name: an initial may have its full stop."""
    gap = text[before.end : after.start] if after.start - before.end <= 3 else "too far"
    if before.end - before.start == 1:
        gap = gap.removeprefix(".")
    if comma:
        gap = gap.removeprefix(",")
    return gap in ("", "-", "_", ".", "'") or gap.isspace()


def _may_stand_between(folded: FoldedText, word: Word, name: _Name) -> bool:
    """Return whether the word is an initial, one of the person's own middle names, or looks like a middle name."""
    if word.end - word.start == 1 or word.text in name.between:
        return True
    written = folded.original[folded.starts[word.start] : folded.ends[word.end - 1]]
    return written[0].isupper() and (word.text in _PARTICLES or is_name(word.text) or not is_ordinary(word.text))


def _judge(field_name: FieldName, folded: FoldedText, words: Sequence[Word], name: _Name, typos: int) -> Candidate:
    start, end = words[0].start, words[-1].end
    span = folded.span(field_name, start, end)
    found = folded.original[span.start : span.end]
    mode = name.term.settings.match or MatchMode.FUZZY
    undone = transformations(folded, start, end)
    reason = None
    if typos:
        undone.append(TYPO)
    if any(gap.strip() in ("-", "_", ".") for gap in _gaps(folded.text, words)):
        undone.append(SEPARATORS)
    if found in name.values:
        undone = []
    elif mode is MatchMode.EXACT:
        reason = "is not written exactly so"
    elif typos and mode is not MatchMode.FUZZY:
        reason = "has a typo, and the term asks for no such matches"
    return Candidate(
        term_id=name.term.id,
        span=span,
        found=found,
        similarity=1 - typos / len(name.forename + "".join(name.surname)),
        transformations=tuple(undone),
        passed=reason is None,
        reason=reason or "forename and surname stand together",
    )


def _gaps(text: str, words: Sequence[Word]) -> list[str]:
    return [text[before.end : after.start] for before, after in pairwise(words) if before.end - before.start > 1]
