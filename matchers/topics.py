"""Topic packs: what gives a match its meaning, looked for around the matches only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from core.errors import UsageError
from core.types import Document, FoldedDocument, Pack, Sensitivity, Span
from matchers.phrases import PhraseTable
from matchers.query_evaluation import Evaluation, Places
from matchers.query_gates import gate_of
from matchers.query_language import Mention, Node, Operand, Phrase, operands, parse
from matchers.query_words import QueryWords, tolerated
from matchers.segments import add_phrases
from matchers.surroundings import Stretch


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    """A query of a topic pack, with operands one of which stands wherever it holds."""

    pack: str
    tree: Node = field(repr=False)
    gate: frozenset[Operand] = field(repr=False)


class Topics:
    """What some topic packs look for, made ready for one pass. Safe to use from several threads."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        """Compile the packs. Raises TermError for a query that cannot be read, UsageError for one with an ``@``: what
        is watched differs between communities, and packs do not."""
        self._phrases: PhraseTable[str] = PhraseTable()
        for pack in packs:
            add_phrases(self._phrases, pack.phrases, pack.name)
        queries = [query for pack in packs for query in _queries_of(pack)]
        self._words = QueryWords(
            operand for query in queries for operand in operands(query.tree) if isinstance(operand, Phrase)
        )
        self._gated: defaultdict[Operand, list[_Query]] = defaultdict(list)
        for query in queries:
            for operand in query.gate:
                self._gated[operand].append(query)

    def __bool__(self) -> bool:
        """Return whether anything is looked for."""
        return bool(self._phrases or self._gated)

    def find(self, document: Document, stretch: Stretch) -> Iterator[tuple[str, Span]]:
        """Yield the names of the packs with where their phrases stand in the stretch of the document, and where what
        shows that one of their queries holds in it."""
        for stand in self._phrases.find(stretch.folded):
            span = stretch.span(stand.start, stand.end)
            yield from ((pack, span) for pack in stand.owners)
        if not self._gated:
            return
        folded = FoldedDocument(document=document, fields={stretch.field: stretch.folded})
        places: dict[Operand, Places] = {}
        places.update(tolerated(self._words.find(folded), Sensitivity.BALANCED).items())
        evaluation = Evaluation(document=folded, places=places, open=frozenset())
        due = {query: None for operand in places if operand in self._gated for query in self._gated[operand]}
        for query in due:
            if evaluation.holds(query.tree):
                for shown in evaluation.everywhere(query.tree):
                    start, end = shown.places[0].start, max(place.end for place in shown.places)
                    yield query.pack, Span(stretch.field, stretch.start + start, stretch.start + end)


@lru_cache(maxsize=16)
def topics_of(packs: tuple[Pack, ...]) -> Topics:
    """Return the packs compiled; the same ones are compiled once."""
    return Topics(packs)


@lru_cache(maxsize=64)
def _queries_of(pack: Pack) -> tuple[_Query, ...]:
    """Return the queries of a pack; they are read once, however packs are combined."""
    queries = []
    for query in pack.queries:
        tree = parse(query)
        if any(isinstance(operand, Mention) for operand in operands(tree)):
            raise UsageError(f"a query of the topic pack {pack.name} has an @; packs speak of words only")
        queries.append(_Query(pack.name, tree, gate_of(tree).operands))
    return tuple(queries)
