"""The way of a document: drop what was seen, fold and find, recognise, score, and record in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alerting.incidents import raise_alert
from alerting.joining import Memory, look_up
from alerting.mosaic import add_to_mosaic
from alerting.scoring import Scorer
from alerting.traces import Shingler, Trace, trace_of
from core.clock import Clock
from core.logs import logger
from core.ports import Intake, Store, Transaction
from core.types import (
    Alert,
    Catalogue,
    CatalogueChange,
    Document,
    Entity,
    Explanation,
    Finding,
    Found,
    Page,
    SourceRecord,
    Term,
    Watchlist,
)
from matchers.entities import EntityPipeline
from matchers.index import Index


@dataclass(frozen=True)
class Examiner:
    """The synchronous middle of the pipeline, over one catalogue. Needs no database and no network."""

    index: Index
    entities: EntityPipeline
    scorer: Scorer
    clock: Clock

    def examine(self, documents: Sequence[Document], *, communities: frozenset[str] | None = None) -> list[Finding]:
        """Return a finding for each document, in order. ``communities`` limits whose terms may find
        something (None: everybody's)."""
        founds = [self._visible(found, communities) for found in self.index.find(documents)]
        entities = self._entities(documents, founds)
        at = self.clock.now()
        return [
            Finding(
                document=document,
                matches=found.matches,
                entities=entities.get(position, ()),
                alerts=self.scorer.alerts(document, found, entities[position], communities=communities, at=at)
                if position in entities
                else (),
            )
            for position, (document, found) in enumerate(zip(documents, founds, strict=True))
        ]

    def following(self, change: CatalogueChange) -> Examiner:
        """Return the examiner after the change. Takes as long as the terms of the change take to compile."""
        return replace(self, index=self.index.following(change), scorer=self.scorer.following(change))

    def without(self, term_ids: Set[str]) -> Examiner:
        """Return the examiner for which these terms count no more. Nothing is compiled for that."""
        return replace(self, index=self.index.without(term_ids), scorer=self.scorer.without(term_ids))

    def explain(self, document: Document) -> Explanation:
        """Return how the document was looked at, and why each place passed or failed."""
        (found,) = self.index.find([document])
        entities = self.entities.recognise([document])[0] if found.pending else None
        return self.index.explain(document, entities)

    def _entities(self, documents: Sequence[Document], founds: list[Found]) -> dict[int, tuple[Entity, ...]]:
        """Return the entities of the documents with a match, by position; settle in ``founds`` what waits for them."""
        promising = [position for position, found in enumerate(founds) if found.matches or found.pending]
        recognised = self.entities.recognise(
            [documents[position] for position in promising],
            # What waits for entities may ask for them anywhere.
            [
                None if founds[position].pending else [match.span for match in founds[position].matches]
                for position in promising
            ],
        )
        entities = dict(zip(promising, recognised, strict=True))
        for position in promising:
            if founds[position].pending:
                founds[position] = self.index.settle(documents[position], founds[position], entities[position])
        return {position: found for position, found in entities.items() if founds[position].matches}

    def _visible(self, found: Found, communities: frozenset[str] | None) -> Found:
        if communities is None or not (found.matches or found.pending):
            return found

        def is_visible(term_id: str) -> bool:
            return self.index.watchlist(self.index.term(term_id)).community_id in communities

        return replace(
            found,
            matches=tuple(match for match in found.matches if is_visible(match.term_id)),
            pending=tuple(term_id for term_id in found.pending if is_visible(term_id)),
        )


Finish = Callable[[Transaction, int, str | None], Awaitable[None]]
"""What is written last, in the transaction of a page; it is told how many of the page's documents were new, and what
of them was not examined, where there is something."""


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was found in each document that was not seen before, by its fingerprint, and what was not examined."""

    findings: Mapping[str, Finding] = field(default_factory=dict)
    gap: str | None = None


class LivePipeline:
    """The pipeline of a running service: examines what comes, and records what it finds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        examiner: Callable[[], Awaitable[Examiner]],
        examiner_for: Callable[[Catalogue], Examiner],
        shingler: Shingler,
        seen_for: timedelta,
        memory: Memory,
        max_characters: int,
        raised: Callable[[Sequence[Alert]], None],
    ) -> None:
        """``examiner`` returns the one for a page that begins; ``examiner_for`` compiles a catalogue, for previews;
        ``shingler`` cuts a text into keyed hashes, for knowing a leak again; ``seen_for`` is how long a document read
        is remembered, and ``memory`` how long what alerts have in common is; ``max_characters`` of a document are
        examined; ``raised`` is told of new alerts after they are recorded."""
        self._store = store
        self._clock = clock
        self._examiner = examiner
        self._examiner_for = examiner_for
        self._shingler = shingler
        self._seen_for = seen_for
        self._memory = memory
        self._max_characters = max_characters
        self._raised = raised
        self._checking = examiner_for(Catalogue()).index

    async def process_page(self, source: SourceRecord, page: Page, finish: Finish) -> Intake:
        """Put a page of the source through the whole way, and record it all in one transaction.

        Raises StoreError, or what ``finish`` raises; then nothing of the page was recorded.
        """
        return await self._process(
            source.community_id, page.documents, shared=source.shared, given_once=page.given_once, finish=finish
        )

    async def ingest(self, community_id: str, documents: Sequence[Document]) -> Intake:
        """Put documents that another system read through the whole way, for this community only."""
        return await self._process(community_id, documents, shared=False, given_once=False, finish=None)

    async def preview(
        self, community_id: str, term: Term, watchlist: Watchlist, text: str
    ) -> tuple[Finding, Explanation]:
        """Return what the term, not yet saved, would find in the text, and why. Nothing is kept.

        Raises UsageError for a term that cannot be looked for.
        """
        community = await self._store.community(community_id)
        examiner = self._examiner_for(Catalogue(communities=(community,), watchlists=(watchlist,), terms=(term,)))
        examiner.index.check(term)
        document = Document(id="preview", text=text)
        (finding,) = await asyncio.to_thread(examiner.examine, [document])
        return finding, await asyncio.to_thread(examiner.explain, document)

    def conceal_term(self, term: Term) -> Term:
        """Return the term as it may be kept: its value concealed where the matcher asks for it.

        Raises UsageError where no matcher looks for terms of this kind, or this value cannot be looked for.
        """
        return self._checking.conceal(term)

    async def _process(
        self,
        community_id: str,
        documents: Sequence[Document],
        *,
        shared: bool,
        given_once: bool,
        finish: Finish | None,
    ) -> Intake:
        # Most polls find nothing new.
        examined = await self._examined(community_id, documents, shared=shared) if documents else _Examined()
        findings = examined.findings
        traces = await asyncio.to_thread(self._traces, findings.values())
        at = self._clock.now()
        alerts: list[Alert] = []
        async with self._store.transaction() as transaction:
            marked = {key for key, finding in findings.items() if finding.alerts} if given_once else findings.keys()
            new = await transaction.mark_seen(community_id, marked, until=at + self._seen_for)
            new |= findings.keys() - marked
            found = [alert for key, finding in findings.items() if key in new for alert in finding.alerts]
            await look_up(transaction, found, traces)
            for alert in found:
                incident = await raise_alert(transaction, alert, at=at, trace=traces[alert.id], memory=self._memory)
                alerts.append(replace(alert, incident_id=incident.id))
                alerts += await add_to_mosaic(transaction, alert, at=at, remember=self._memory.of_pieces)
            if finish is not None:
                await finish(transaction, len(new), examined.gap)
        if alerts:
            self._raised(alerts)
        return Intake(new_count=len(new), known_count=len(documents) - len(new), alerts=tuple(alerts), gap=examined.gap)

    def _traces(self, findings: Iterable[Finding]) -> dict[str, Trace]:
        return {alert.id: self._trace(alert) for finding in findings for alert in finding.alerts}

    def _trace(self, alert: Alert) -> Trace:
        try:
            return trace_of(alert, self._shingler)
        except Exception as error:  # as above: an alert is worth more than knowing its text again
            logger().error("the text of an alert leaves no trace", alert_id=alert.id, exc_info=error)
            return Trace()

    async def _examined(self, community_id: str, documents: Sequence[Document], *, shared: bool) -> _Examined:
        by_fingerprint = {_fingerprint(document): document for document in documents}
        unseen = await self._store.unseen(community_id, list(by_fingerprint), self._clock.now())
        whole = {fingerprint: document for fingerprint, document in by_fingerprint.items() if fingerprint in unseen}
        fresh = {fingerprint: document.cut(self._max_characters) for fingerprint, document in whole.items()}
        examiner = await self._examiner()
        communities = None if shared else frozenset({community_id})
        findings = await asyncio.to_thread(_examine_all, examiner, fresh, communities)
        cut_count = sum(document is not whole[fingerprint] for fingerprint, document in fresh.items())
        gaps = (
            (cut_count, f"documents of which only the first {self._max_characters} characters were examined"),
            (len(fresh) - len(findings), "documents that could not be examined"),
        )
        return _Examined(findings, "; ".join(f"{what}: {count}" for count, what in gaps if count) or None)


def _examine_all(
    examiner: Examiner, fresh: Mapping[str, Document], communities: frozenset[str] | None
) -> dict[str, Finding]:
    """Examine the documents together; where one of them breaks the examination, one by one without that one.

    What is read is written by adversaries: a document made to break a matcher must not hold up what comes
    after it.
    """
    try:
        return dict(zip(fresh, examiner.examine(list(fresh.values()), communities=communities), strict=True))
    except Exception as error:
        if len(fresh) == 1:
            logger().error("a document cannot be examined and is left out", exc_info=error)
            return {}
        return {
            fingerprint: finding
            for one, document in fresh.items()
            for fingerprint, finding in _examine_all(examiner, {one: document}, communities).items()
        }


def _fingerprint(document: Document) -> str:
    """Tell one version of a document at one place from every other."""
    return f"{document.id}\0{document.content_hash}"
