"""Many phrases looked for at once, word by word, on folded text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.types import FoldedText

T = TypeVar("T")

# Scripts that are written without spaces: every character is a word.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Spaces with a sign or two (a quoted line, a dash), or signs alone; not the end of a sentence.
_GAP = re.compile(r"\s{0,20}[^\w\s.!?;]{0,2}\s{0,20}|(?:[^\w\s]|_){1,2}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a folded text, with its place there."""

    text: str = field(repr=False)
    start: int
    end: int


def words_of(folded: str) -> list[Word]:
    """Return the words of folded text: runs of letters and digits; single characters of scripts without spaces."""
    return [Word(found[0], *found.span()) for found in _WORD.finditer(folded)]


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


class PhraseTable(Generic[T]):
    """Phrases and who asked for them. A phrase that ends in ``*`` stands for all that begin so; the last word of
    any other may take a plural ``s`` or ``es``. Time does not grow with the number of phrases."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, folded_phrase: str, owner: T) -> None:
        """Add a phrase, folded. One without any letter or digit is never found."""
        words = [word.text for word in words_of(folded_phrase)]
        if not words:
            return
        is_prefix = folded_phrase.endswith("*")
        node = self._root
        for word in words[:-1] if is_prefix else words:
            node = node.next.setdefault(word, _Node())
        if is_prefix:
            node.owners_of_prefix.setdefault(words[-1], []).append(owner)
            node.prefix_lengths.add(len(words[-1]))
        else:
            node.owners.append(owner)

    def find(self, folded: FoldedText) -> Iterator[Stand[T]]:
        """Yield where phrases stand, in order of their starts."""
        if not (self._root.next or self._root.owners_of_prefix):
            return
        words = words_of(folded.text)
        for index in range(len(words)):
            yield from self._find_at(folded.text, words, index)

    def _find_at(self, text: str, words: list[Word], first: int) -> Iterator[Stand[T]]:
        node = self._root
        start = words[first].start
        for index in range(first, len(words)):
            word = words[index]
            if index > first and not _GAP.fullmatch(text, words[index - 1].end, word.start):
                return
            for length in node.prefix_lengths:
                if owners := node.owners_of_prefix.get(word.text[:length]):
                    yield Stand(start, word.end, tuple(owners), is_plural=False)
            for ending in ("s", "es"):
                singular = node.next.get(word.text.removesuffix(ending)) if word.text.endswith(ending) else None
                if singular and singular.owners:
                    yield Stand(start, word.end, tuple(singular.owners), is_plural=True)
            following = node.next.get(word.text)
            if following is None:
                return
            node = following
            if node.owners:
                yield Stand(start, word.end, tuple(node.owners), is_plural=False)
