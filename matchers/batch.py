"""A batch of documents on their way through the finders: folded where somebody looks, and asked as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar, overload

import numpy as np

from core.types import FIELD_NAMES, Document, FieldName, FoldedDocument, FoldedText
from matchers.flat import Block, FlatText
from matchers.folding import fold_text
from matchers.hashing import HashSet, Places, hashes_of, stretch_hashes

T = TypeVar("T")


_TEXTS = attrgetter(*FIELD_NAMES)


class WordSet:
    """Folded words, and beginnings of words, that documents are asked for."""

    def __init__(self, words: Iterable[str], prefixes: Iterable[str] = ()) -> None:
        self._words = HashSet(hashes_of(sorted(set(words))))
        by_length: defaultdict[int, set[str]] = defaultdict(set)
        for prefix in prefixes:
            by_length[len(prefix)].add(prefix)
        self._prefixes = [(length, HashSet(hashes_of(sorted(rows)))) for length, rows in sorted(by_length.items())]

    def stand_in(self, block: Block) -> Places:
        """Return where words of the set start in the block, in no order."""
        starts, ends = block.words
        found = [starts[self._words.find(stretch_hashes(block.sums, starts, ends))[0]]]
        for length, prefixes in self._prefixes:
            long_enough = starts[ends - starts >= length]
            found.append(long_enough[prefixes.find(stretch_hashes(block.sums, long_enough, long_enough + length))[0]])
        return np.concatenate(found)


class FoldedBatch(Sequence[FoldedDocument]):
    """Documents whose fields are folded when they are first looked at: of most, nobody needs more than the answer
    that nothing stands in them. Lives as long as one call of a finder; not for several threads."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = tuple(documents)
        self._folded: list[FoldedDocument | None] = [None] * len(self._documents)
        self._done: dict[object, Any] = {}

    @classmethod
    def of(cls, documents: Sequence[FoldedDocument]) -> FoldedBatch:
        """Return the documents as a batch: themselves where they are one."""
        return documents if isinstance(documents, FoldedBatch) else cls(folded.document for folded in documents)

    def __len__(self) -> int:
        return len(self._documents)

    @overload
    def __getitem__(self, index: int) -> FoldedDocument: ...
    @overload
    def __getitem__(self, index: slice) -> list[FoldedDocument]: ...
    def __getitem__(self, index: int | slice) -> FoldedDocument | list[FoldedDocument]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        folded = self._folded[index]
        if folded is None:
            document = self._documents[index]
            folded = self._folded[index] = FoldedDocument(document=document, fields=_LazyFields(document))
        return folded

    def where(self, is_wanted: Callable[[str], bool]) -> list[int]:
        """Return the places of the documents of which one of the fields is wanted."""
        return [
            place
            for place, document in enumerate(self._documents)
            if any(text and is_wanted(text) for text in _TEXTS(document))
        ]

    @cached_property
    def flat(self) -> FlatText:
        """The folded fields of all documents as one text."""
        fields: list[tuple[int, FieldName]] = []
        texts: list[str] = []
        for place, document in enumerate(self._documents):
            for name, text in zip(FIELD_NAMES, _TEXTS(document), strict=True):
                if text:
                    fields.append((place, name))
                    texts.append(text)
        return FlatText(fields, texts, lambda place, name: self[place].fields[name].text)

    def once(self, asker: object, work: Callable[[FlatText], T]) -> T:
        """Return what the work makes of the flat text. It is done once for each asker, however many finders share
        it."""
        if asker not in self._done:
            self._done[asker] = work(self.flat)
        done: T = self._done[asker]
        return done

    def with_words(self, words: WordSet) -> list[int]:
        """Return the places in the batch, in order, of the documents in any of whose fields such a word stands
        (words as :class:`matchers.phrases.Words` has them)."""
        flat = self.flat
        found = [block.in_flat(words.stand_in(block)) for block in flat.blocks]
        return flat.documents(np.concatenate(found)) if found else []


class _LazyFields(Mapping[FieldName, FoldedText]):
    """The fields of a document that are not empty, each folded when it is first looked at."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._folded: dict[FieldName, FoldedText] = {}

    def __getitem__(self, name: FieldName) -> FoldedText:
        folded = self._folded.get(name)
        if folded is None:
            original = self._document.field(name)
            if not original:
                raise KeyError(name)
            folded = self._folded[name] = fold_text(original)
        return folded

    def __iter__(self) -> Iterator[FieldName]:
        return (name for name in FIELD_NAMES if self._document.field(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)
