"""The way of a document: drop what was seen, fold and find, recognise, score, and record in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerting.incidents import raise_alert
from alerting.scoring import Scorer
from core.clock import Clock
from core.logs import logger
from core.ports import Intake, Store
from core.types import (
    Alert,
    Catalogue,
    Document,
    Entity,
    Explanation,
    Finding,
    Found,
    Page,
    SourceLease,
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
        matched = [position for position, found in enumerate(founds) if found.matches]
        recognised = self.entities.recognise([documents[position] for position in matched])
        entities: dict[int, tuple[Entity, ...]] = dict(zip(matched, recognised, strict=True))
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

    def _visible(self, found: Found, communities: frozenset[str] | None) -> Found:
        if communities is None or not found.matches:
            return found
        return replace(
            found,
            matches=tuple(
                match
                for match in found.matches
                if self.index.watchlist(self.index.term(match.term_id)).community_id in communities
            ),
        )


class LivePipeline:
    """The pipeline of a running service: follows the catalogue, and records what it finds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        examiner_for: Callable[[Catalogue], Examiner],
        seen_for: timedelta,
        raised: Callable[[Sequence[Alert]], None],
    ) -> None:
        """``examiner_for`` compiles a catalogue; ``seen_for`` is how long a document read is remembered;
        ``raised`` is told of new alerts after they are recorded."""
        self._store = store
        self._clock = clock
        self._examiner_for = examiner_for
        self._seen_for = seen_for
        self._raised = raised
        self._compiled: _Compiled | None = None
        self._compiling = asyncio.Lock()
        self._checking = examiner_for(Catalogue()).index

    async def process_page(self, lease: SourceLease, page: Page, *, due_at: datetime) -> Intake:
        """Put a page through the whole way, and record it with the source's new cursor, all in one transaction.

        Raises LeaseLost or StoreError; then nothing of the page was recorded.
        """
        source = lease.source
        return await self._process(
            source.community_id, page.documents, shared=source.shared, finish=(lease, page, due_at)
        )

    async def ingest(self, community_id: str, documents: Sequence[Document]) -> Intake:
        """Put documents that another system read through the whole way, for this community only."""
        return await self._process(community_id, documents, shared=False, finish=None)

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
        return finding, await asyncio.to_thread(examiner.index.explain, document)

    def check_term(self, term: Term) -> None:
        """Raise UsageError where no matcher looks for terms of this kind, or this value cannot be looked for."""
        self._checking.check(term)

    async def _process(
        self,
        community_id: str,
        documents: Sequence[Document],
        *,
        shared: bool,
        finish: tuple[SourceLease, Page, datetime] | None,
    ) -> Intake:
        by_fingerprint = {_fingerprint(document): document for document in documents}
        unseen = await self._store.unseen(community_id, list(by_fingerprint), self._clock.now())
        fresh = {fingerprint: document for fingerprint, document in by_fingerprint.items() if fingerprint in unseen}
        examiner = await self._examiner()
        communities = None if shared else frozenset({community_id})
        findings = await asyncio.to_thread(_examine_all, examiner, fresh, communities)
        at = self._clock.now()
        alerts: list[Alert] = []
        async with self._store.transaction() as transaction:
            new = await transaction.mark_seen(community_id, findings, until=at + self._seen_for)
            for fingerprint, finding in findings.items():
                if fingerprint in new:
                    for alert in finding.alerts:
                        incident = await raise_alert(transaction, alert, at=at)
                        alerts.append(replace(alert, incident_id=incident.id))
            if finish is not None:
                lease, page, due_at = finish
                await transaction.finish_poll(lease, cursor=page.cursor, due_at=due_at, at=at)
        if alerts:
            self._raised(alerts)
        return Intake(new_count=len(new), known_count=len(documents) - len(new), alerts=tuple(alerts))

    async def _examiner(self) -> Examiner:
        async with self._compiling:
            now = self._clock.now()
            revision = await self._store.catalogue_revision()
            if self._compiled is None or not self._compiled.holds(revision, now):
                catalogue = await self._store.catalogue(now)
                self._compiled = _Compiled(
                    revision=catalogue.revision,
                    until=min(
                        (term.settings.ends_at for term in catalogue.terms if term.settings.ends_at), default=None
                    ),
                    examiner=await asyncio.to_thread(self._examiner_for, catalogue),
                )
            return self._compiled.examiner


@dataclass(frozen=True)
class _Compiled:
    """An examiner, and how long it is the right one: until the catalogue changes or the first term ends."""

    revision: int
    until: datetime | None
    examiner: Examiner

    def holds(self, revision: int, now: datetime) -> bool:
        return revision == self.revision and (self.until is None or now < self.until)


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
