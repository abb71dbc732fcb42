"""Many phrases looked for at once, word by word, on folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar, overload

from core.types import FoldedText

T = TypeVar("T")

# Arabic writes "and", "so", "by", "to", "as" and "the" onto the word that follows; "to" and "the" become one.
_CONJUNCTIONS = ("", "و", "ف")
_PREPOSITIONS = ("", "ب", "ل", "ك")
_ARTICLE, _TO_THE = "ال", "لل"
_SHORTEST_WITH_PARTICLES = 3
_ARABIC = re.compile("[\u0621-\u064a]+")

_FIRST_LETTERS = 3
_MOST_JUDGED = 4_096
# Scripts that are written without spaces: every character is a word.
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
# Spaces with a sign or two (a quoted line, a dash), or signs alone; not the end of a sentence.
_GAP = re.compile(r"\s{0,20}[^\w\s.!?;]{0,2}\s{0,20}|(?:[^\w\s]|_){1,2}")


def is_unspaced(character: str) -> bool:
    """Return whether the character belongs to a script written without spaces, where each is a word."""
    return _IS_UNSPACED.fullmatch(character) is not None


def with_particles(word: str) -> frozenset[str]:
    """Return the folded word, and if it is Arabic and has three letters or more, also what it looks like after the
    particles that are written onto it (Ryding, A Reference Grammar of Modern Standard Arabic, 2005, ch. 16 and 18)."""
    if len(word) < _SHORTEST_WITH_PARTICLES or not _ARABIC.fullmatch(word):
        return frozenset((word,))
    bare = word.removeprefix(_ARTICLE)
    bases = [f"{preposition}{form}" for preposition in _PREPOSITIONS for form in {word, f"{_ARTICLE}{bare}"}]
    bases.append(f"{_TO_THE}{bare}")
    return frozenset(f"{conjunction}{base}" for conjunction in _CONJUNCTIONS for base in bases)


class Word(NamedTuple):
    """A word of a folded text, with its place there."""

    text: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"Word(start={self.start}, end={self.end})"


class Words(Sequence[Word]):
    """The words of a folded text: runs of letters and digits; single characters of scripts without spaces.
    A megabyte has hundreds of thousands, so a :class:`Word` is made only where somebody looks; ``texts`` are the
    texts of all."""

    def __init__(self, folded: str) -> None:
        self.texts: list[str] = _WORD.findall(folded)
        self._spans = [found.span() for found in _WORD.finditer(folded)]

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Word: ...
    @overload
    def __getitem__(self, index: slice) -> list[Word]: ...
    def __getitem__(self, index: int | slice) -> Word | list[Word]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        return Word(self.texts[index], *self._spans[index])


@dataclass(frozen=True, slots=True)
class Stand(Generic[T]):
    """A place in the folded text where the phrases of some owners stand."""

    start: int
    end: int
    owners: tuple[T, ...]
    is_plural: bool


@dataclass(slots=True)
class _Node(Generic[T]):
    """What may follow after some words of a phrase."""

    next: dict[str, _Node[T]] = field(default_factory=dict)
    owners: list[T] = field(default_factory=list)
    owners_of_prefix: dict[str, list[T]] = field(default_factory=dict)
    prefix_lengths: set[int] = field(default_factory=set)

    def step(self, word: str) -> _Step[T]:
        """Return what one more word makes of a phrase."""
        stands: list[tuple[tuple[T, ...], bool]] = []
        for length in self.prefix_lengths:
            if owners := self.owners_of_prefix.get(word[:length]):
                stands.append((tuple(owners), False))
        for ending in ("s", "es"):
            singular = self.next.get(word.removesuffix(ending)) if word.endswith(ending) else None
            if singular and singular.owners:
                stands.append((tuple(singular.owners), True))
        following = self.next.get(word)
        if following is not None and following.owners:
            stands.append((tuple(following.owners), False))
        return _Step(tuple(stands), following)


@dataclass(frozen=True, slots=True)
class _Step(Generic[T]):
    """Whose phrases end with a word, and whether in its plural; and what may follow after it."""

    stands: tuple[tuple[tuple[T, ...], bool], ...]
    following: _Node[T] | None


class PhraseTable(Generic[T]):
    """Phrases and who asked for them. A phrase that ends in ``*`` stands for all that begin so; the last word of
    any other may take a plural ``s`` or ``es``, and the first one Arabic particles. Time does not grow with the number
    of phrases."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        # What the words begin with that phrases begin with: three letters, or a prefix of fewer.
        self._first_letters: set[str] = set()
        self._short_prefixes: tuple[str, ...] = ()
        # Words that were met, and what phrases begin with them.
        self._judged: dict[str, _Step[T]] = {}

    def add(self, folded_phrase: str, owner: T) -> None:
        """Add a phrase, folded. One without any letter or digit is never found."""
        words = Words(folded_phrase).texts
        if not words:
            return
        for first in with_particles(words[0]):
            self._add([first, *words[1:]], owner, is_prefix=folded_phrase.endswith("*"))

    def _add(self, words: Sequence[str], owner: T, *, is_prefix: bool) -> None:
        first = words[0]
        self._judged.clear()
        self._first_letters.update(f"{first}{ending}"[:_FIRST_LETTERS] for ending in ("", "s", "es"))
        if is_prefix and len(words) == 1 and len(first) < _FIRST_LETTERS:
            self._short_prefixes = (*self._short_prefixes, first)
        node = self._root
        for word in words[:-1] if is_prefix else words:
            node = node.next.setdefault(word, _Node())
        if is_prefix:
            node.owners_of_prefix.setdefault(words[-1], []).append(owner)
            node.prefix_lengths.add(len(words[-1]))
        else:
            node.owners.append(owner)

    def beginnings(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return words and beginnings of words, one of which stands in every text in which a phrase does."""
        root = self._root
        words = frozenset(f"{word}{ending}" for word in root.next for ending in ("", "s", "es"))
        return words, frozenset(root.owners_of_prefix)

    def __bool__(self) -> bool:
        """Return whether there is any phrase."""
        return bool(self._root.next or self._root.owners_of_prefix)

    def find(self, folded: FoldedText) -> Iterator[Stand[T]]:
        """Yield where phrases stand, in order of their starts."""
        judged, first_letters, short_prefixes = self._judged, self._first_letters, self._short_prefixes
        for found in _WORD.finditer(folded.text):
            word = found[0]
            if word[:_FIRST_LETTERS] in first_letters or word.startswith(short_prefixes):
                first = judged.get(word) or self._judge(word)
                if first.stands or first.following is not None:
                    yield from self._find_at(folded.text, *found.span(), first)

    def _judge(self, word: str) -> _Step[T]:
        """Return the first step of the phrases that begin with a word. Nearly every word of a text begins none, so that
        texts of megabytes are passed over without a thought for each word."""
        step = self._root.step(word)
        if len(self._judged) >= _MOST_JUDGED:
            self._judged.clear()
        self._judged[word] = step
        return step

    def _find_at(self, text: str, start: int, end: int, step: _Step[T]) -> Iterator[Stand[T]]:
        """Yield the phrases that begin with the word at a place."""
        for owners, is_plural in step.stands:
            yield Stand(start, end, owners, is_plural)
        if (node := step.following) is None or not (node.next or node.owners_of_prefix):
            return
        for found in _WORD.finditer(text, end):
            if not _GAP.fullmatch(text, end, found.start()):
                return
            step, end = node.step(found[0]), found.end()
            for owners, is_plural in step.stands:
                yield Stand(start, end, owners, is_plural)
            if step.following is None:
                return
            node = step.following
