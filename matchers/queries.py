"""Queries: an admin's own rules, made of words, operators, and what else is watched and recognised.

All words of all queries are looked for in one pass, and only in documents that hold a word or a match which some
query cannot do without. Of the queries, only those are evaluated whose such operand stands there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    Candidate,
    Entity,
    EntityType,
    FoldedDocument,
    Match,
    Sensitivity,
    Span,
    Term,
    TermKind,
    Watchlist,
)
from matchers.batch import FoldedBatch, WordSet
from matchers.candidates import best_first, matches_of
from matchers.folding import transformations
from matchers.query_evaluation import Area, Evaluation, Evidence, Place, Places
from matchers.query_gates import gate_of
from matchers.query_language import Mention, Near, Node, Not, Operand, Phrase, operands, parse
from matchers.query_words import QueryWords, tolerated

NOT_IDENTIFYING = frozenset(
    {EntityType.LOCATION, EntityType.ORGANIZATION, EntityType.AGE, EntityType.URL, EntityType.SOCIAL_HANDLE}
)
"""What tells nobody's identity by itself; every other type is ``@pii``."""

_PSEUDONYM, _NAME, _PERSON, _PII = Mention("pseudonym"), Mention("name"), Mention("person"), Mention("pii")
_MENTIONED: Mapping[TermKind, Mention] = {TermKind.PSEUDONYM: _PSEUDONYM, TermKind.NAME: _NAME}

_Key: TypeAlias = "Phrase | tuple[Mention, str]"
"""An operand that a query cannot do without; a mention is that of the query's own community."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What else is known of a document: its matches by community, and its entities, None as long as nobody has
    looked for them."""

    matches: Mapping[str, Sequence[Match]] = field(default_factory=dict, repr=False)
    entities: Sequence[Entity] | None = field(default=None, repr=False)


_NOTHING_ELSE = Beside()


@dataclass(frozen=True, slots=True)
class Answer:
    """The matches of the queries that hold for a document, and the terms that wait for its entities."""

    matches: tuple[Match, ...] = ()
    pending: tuple[str, ...] = ()

    def without(self, term_ids: Set[str]) -> Answer:
        """Return what is said for other terms than these."""
        if not term_ids:
            return self
        return Answer(
            tuple(match for match in self.matches if match.term_id not in term_ids),
            tuple(term_id for term_id in self.pending if term_id not in term_ids),
        )


class QueryMatcher:
    """Looks for what the queries of :mod:`matchers.query_language` ask for."""

    kind: ClassVar[str] = "queries"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.QUERY})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise TermError for a query that cannot be read or would hold for nearly everything, UsageError for one
        with aliases or a way to match, which are for the query itself to say."""
        if term.variants:
            raise UsageError("a query takes no aliases; join them to it with OR")
        if term.settings.match is not None:
            raise UsageError("a query says itself how its words may be written; leave match out")
        parse(term.value)

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> QueryFinder:
        """Return a finder for these terms."""
        return QueryFinder([_Query.of(term, watchlists[term.watchlist_id]) for term in terms])


@dataclass(frozen=True, slots=True)
class _Query:
    """A term that is a query, and for whom it is evaluated."""

    term_id: str
    tree: Node = field(repr=False)
    community_id: str
    sensitivity: Sensitivity

    @classmethod
    def of(cls, term: Term, watchlist: Watchlist) -> _Query:
        return cls(term.id, parse(term.value), watchlist.community_id, watchlist.sensitivity)


class QueryFinder:
    """All queries, made ready for one pass after the other finders. Safe to use from several threads."""

    def __init__(self, queries: Sequence[_Query]) -> None:
        self._queries = queries
        self._words = QueryWords(
            operand for query in queries for operand in operands(query.tree) if isinstance(operand, Phrase)
        )
        gates = [gate_of(query.tree) for query in queries]
        gated: defaultdict[_Key, list[_Query]] = defaultdict(list)
        for query, gate in zip(queries, gates, strict=True):
            for operand in gate.operands:
                gated[operand if isinstance(operand, Phrase) else (operand, query.community_id)].append(query)
        self._gated = dict(gated)
        self._gate_words = WordSet(
            (word for gate in gates for word in gate.words), (prefix for gate in gates for prefix in gate.prefixes)
        )
        self._is_gated_by_typos = any(isinstance(key, Phrase) and key.ending == "~" for key in self._gated)

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches as long as nothing else is known of it."""
        answers = self.answer(batch, {})
        return [list(answers[place].matches) if place in answers else [] for place in range(len(batch))]

    def answer(self, batch: Sequence[FoldedDocument], beside: Mapping[int, Beside]) -> dict[int, Answer]:
        """Return, by their places in the batch, what the queries say to the documents to which they say anything.
        ``beside`` has, by place too, what else is known of those of which anything is."""
        answers = {}
        for place in self._worth_a_look(FoldedBatch.of(batch), beside):
            sight = _Sight(batch[place], beside.get(place, _NOTHING_ELSE), self._words)
            answer = _judged(sight, self._due(sight))
            if answer.matches or answer.pending:
                answers[place] = answer
        return answers

    def settle(self, document: FoldedDocument, beside: Beside, pending: Iterable[str]) -> tuple[Match, ...]:
        """Return the matches of the pending terms among these queries, now that the entities are known."""
        waiting = frozenset(pending)
        queries = [query for query in self._queries if query.term_id in waiting]
        return _judged(_Sight(document, beside, self._words), queries).matches if queries else ()

    def explain(self, document: FoldedDocument, beside: Beside | None = None) -> list[Candidate]:
        """Return where queries hold, and of those that do not where parts stand and what is lacking."""
        sight = _Sight(document, beside or _NOTHING_ELSE, self._words)
        return best_first(candidate for query in self._queries for candidate in _explained(sight, query))

    def _worth_a_look(self, batch: FoldedBatch, beside: Mapping[int, Beside]) -> list[int]:
        """Return the places of the documents in which something stands that a query cannot do without."""
        places = set(batch.with_words(self._gate_words))
        places.update(place for place, known in beside.items() if not self._gated.keys().isdisjoint(_mentioned(known)))
        if self._is_gated_by_typos:
            places.update(place for place, document in enumerate(batch) if self._words.is_misspelt_in(document))
        return sorted(places)

    def _due(self, sight: _Sight) -> Iterable[_Query]:
        """Return the queries, each once, of which an operand stands that they cannot do without."""
        due = {}
        standing: tuple[_Key, ...] = (*sight.phrases, *_mentioned(sight.beside))
        for key in standing:
            for query in self._gated.get(key, ()):
                due[query.term_id] = query
        return due.values()


class _Sight:
    """A document as the queries see it."""

    def __init__(self, document: FoldedDocument, beside: Beside, words: QueryWords) -> None:
        self.document = document
        self.beside = beside
        self.phrases = words.find(document)
        self._evaluations: dict[tuple[str, Sensitivity], Evaluation] = {}

    def evaluation(self, query: _Query) -> Evaluation:
        """Return the evaluation for the query's community and sensitivity."""
        key = query.community_id, query.sensitivity
        if key not in self._evaluations:
            places: dict[Operand, Places] = {}
            places.update(tolerated(self.phrases, query.sensitivity).items())
            places.update(_mentions(self.beside, query.community_id).items())
            self._evaluations[key] = Evaluation(
                document=self.document,
                places=places,
                open=frozenset({_PERSON, _PII}) if self.beside.entities is None else frozenset(),
            )
        return self._evaluations[key]


def _mentioned(beside: Beside) -> Iterator[tuple[Mention, str]]:
    for community_id, matches in beside.matches.items():
        for kind in {match.kind for match in matches}:
            if kind in _MENTIONED:
                yield _MENTIONED[kind], community_id


def _mentions(beside: Beside, community_id: str) -> dict[Mention, Places]:
    """Return where the mentions stand. An entity that is a watched pseudonym tells nothing more than that."""
    found: defaultdict[Mention, defaultdict[Area, list[Place]]] = defaultdict(lambda: defaultdict(list))
    pseudonyms = []
    for match in beside.matches.get(community_id, ()):
        if match.kind in _MENTIONED:
            place = Place(match.span.start, match.span.end, match.similarity, match.transformations)
            found[_MENTIONED[match.kind]][match.span.field].append(place)
        if match.kind is TermKind.PSEUDONYM:
            pseudonyms.append(match.span)
    for entity in beside.entities or ():
        if not any(_overlaps(entity.span, span) for span in pseudonyms):
            place = Place(entity.span.start, entity.span.end)
            if entity.type is EntityType.PERSON:
                found[_PERSON][entity.span.field].append(place)
            if entity.type not in NOT_IDENTIFYING:
                found[_PII][entity.span.field].append(place)
    return {mention: dict(by_name) for mention, by_name in found.items()}


def _overlaps(one: Span, other: Span) -> bool:
    return one.field == other.field and one.start < other.end and other.start < one.end


def _judged(sight: _Sight, queries: Iterable[_Query]) -> Answer:
    passed, pending = [], []
    for query in queries:
        evaluation = sight.evaluation(query)
        holds = evaluation.holds(query.tree)
        if holds is None:
            pending.append(query.term_id)
        elif holds and (evidence := evaluation.evidence(query.tree)):
            passed.append(_candidate(sight, query, evidence))
    return Answer(tuple(matches_of(passed, TermKind.QUERY)), tuple(pending))


def _explained(sight: _Sight, query: _Query) -> Iterator[Candidate]:
    evaluation = sight.evaluation(query)
    holds = evaluation.holds(query.tree)
    if holds:
        if evidence := evaluation.evidence(query.tree):
            yield _candidate(sight, query, evidence)
        return
    lacking = evaluation.lacking(query.tree)
    at = f"character {lacking.at + 1} of the query"
    match lacking:
        case _ if holds is None:
            reason = f"whether the part at {at} stands here depends on what the recognisers see"
        case Not():
            reason = f"what must not stand here, at {at}, does"
        case Near():
            reason = f"the two sides of NEAR, at {at}, do not stand so near each other"
        case _:
            reason = f"the part at {at} does not stand here"
    for evidence in evaluation.standing(query.tree):
        yield _candidate(sight, query, evidence, lacking=reason)


def _candidate(sight: _Sight, query: _Query, evidence: Evidence, *, lacking: str | None = None) -> Candidate:
    folded = sight.document.fields[evidence.field]
    first, last = evidence.places[0], max(evidence.places, key=lambda place: place.end)
    undone: dict[str, None] = {}
    for place in evidence.places:
        if place.written is not None:
            undone.update(dict.fromkeys(transformations(folded, *place.written)))
        undone.update(dict.fromkeys(place.undone))
    return Candidate(
        term_id=query.term_id,
        span=Span(evidence.field, first.start, last.end),
        found=folded.original[first.start : last.end],
        similarity=min(place.similarity for place in evidence.places),
        transformations=tuple(undone),
        passed=lacking is None,
        reason=lacking or "the query holds, and this shows it",
    )
