"""The way of a document, from a page to rows, on a real database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import LeakwatchError, UsageError
from core.ids import new_id
from core.ports import AlertFilter, Listing
from core.types import AuditEntry, Document, Term, TermKind, Watchlist
from monitor.parts import build_parts
from monitor.setup import import_watchlist
from monitor.wiring import Service, open_service
from tests.service_fixtures import WATCHLIST, ManualClock, import_sample, settings_for

LEAK = Document(id="paste:1", source="paste", external_id="1", text="n1ght_h3ron is Ana Bell, call 212-555-0143")
TALK = Document(id="paste:2", source="paste", external_id="2", text="the ferry was late again")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with open_service(build_parts(settings_for(tmp_path))) as service:
        yield service


async def test_documents_handed_in_become_alerts_and_incidents(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    intake = await service.pipeline.ingest(community.id, [LEAK, TALK])
    assert (intake.new_count, intake.known_count) == (2, 0)
    (alert,) = intake.alerts
    assert alert.alert_class == "linkage"
    assert alert.incident_id is not None
    stored = await service.store.alert(community.id, alert.id)
    assert stored.document.text == ""
    assert stored.signals == alert.signals


async def test_a_document_handed_in_again_is_known(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    await service.pipeline.ingest(community.id, [LEAK])
    again = await service.pipeline.ingest(community.id, [LEAK, LEAK])
    assert (again.new_count, again.known_count, again.alerts) == (0, 2, ())


async def test_the_same_document_handed_in_at_once_by_many_raises_one_alert(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    intakes = await asyncio.gather(*(service.pipeline.ingest(community.id, [LEAK]) for _ in range(8)))
    assert sum(len(intake.alerts) for intake in intakes) == 1
    assert len((await service.store.alerts(community.id, Listing(), AlertFilter())).items) == 1


async def test_a_document_counts_for_its_own_community_only(service: Service, tmp_path: Path) -> None:
    own = await import_sample(service, tmp_path)
    other = await import_sample(service, tmp_path, WATCHLIST.replace("Harbor Commons", "Pier Poets"))
    intake = await service.pipeline.ingest(own.id, [LEAK])
    assert {alert.community_id for alert in intake.alerts} == {own.id}
    assert (await service.store.alerts(other.id, Listing(), AlertFilter())).items == ()


async def test_a_term_added_later_finds_what_comes_later(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    assert (await service.pipeline.ingest(community.id, [TALK])).alerts == ()
    path = tmp_path / "more.yaml"
    path.write_text(
        "version: 1\ncommunity: Harbor Commons\nwatchlists:\n"
        "  - name: More\n    terms: [{kind: keyword, value: ferry}]\n"
    )
    assert await import_watchlist(service.store, service.parts, path) == community
    later = Document(id="paste:3", source="paste", external_id="3", text="no ferry today")
    assert len((await service.pipeline.ingest(community.id, [later])).alerts) == 1


async def test_a_deleted_term_finds_nothing_any_more(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    for term in (await service.store.terms(community.id, Listing())).items:
        entry = AuditEntry(
            id=new_id("aud"),
            community_id=community.id,
            actor="test",
            action="terms.delete",
            object_id=term.id,
            at=service.parts.clock.now(),
        )
        await service.store.delete_term(community.id, term.id, audit=entry)
    assert (await service.pipeline.ingest(community.id, [LEAK])).alerts == ()


async def test_a_failing_transaction_leaves_nothing_and_the_document_is_new_again(
    service: Service, tmp_path: Path
) -> None:
    community = await import_sample(service, tmp_path)
    with sqlite3.connect(tmp_path / "leakwatch.sqlite3") as database:
        database.execute(
            "create trigger refuse before insert on alert begin select raise(abort, 'refused by the test'); end"
        )
    with pytest.raises(LeakwatchError):
        await service.pipeline.ingest(community.id, [LEAK])
    with sqlite3.connect(tmp_path / "leakwatch.sqlite3") as database:
        assert database.execute("select count(*) from seen").fetchone() == (0,)
        assert database.execute("select count(*) from incident").fetchone() == (0,)
        database.execute("drop trigger refuse")
    database.close()
    assert len((await service.pipeline.ingest(community.id, [LEAK])).alerts) == 1


async def test_a_preview_explains_and_keeps_nothing(service: Service, tmp_path: Path) -> None:
    community = await import_sample(service, tmp_path)
    watchlist = Watchlist(id="wl_new", community_id=community.id, name="new")
    term = Term(
        id="trm_new", reference="new", watchlist_id=watchlist.id, kind=TermKind.PSEUDONYM, value="marigold_tide"
    )
    finding, explanation = await service.pipeline.preview(community.id, term, watchlist, "ask m4rigold tide")
    assert [match.found for match in finding.matches] == ["m4rigold tide"]
    assert any(candidate.passed for candidate in explanation.candidates)
    assert (await service.store.alerts(community.id, Listing(), AlertFilter())).items == ()


async def test_a_term_that_cannot_be_looked_for_is_refused(service: Service) -> None:
    term = Term(id="trm_q", reference="q", watchlist_id="wl", kind=TermKind.QUERY, value="(harbor")
    with pytest.raises(UsageError, match="parenthesis"):
        service.pipeline.conceal_term(term)


async def test_a_name_whose_consent_has_ended_is_looked_for_no_more(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
        end = clock.moment + timedelta(days=1)
        community = await import_sample(
            service, tmp_path, WATCHLIST.replace("recorded_by: admins", f"recorded_by: admins, until: {end:%Y-%m-%d}")
        )
        before = Document(id="a", text="Maria Gonzalez was seen")
        assert len((await service.pipeline.ingest(community.id, [before])).alerts) == 1
        clock.moment = end + timedelta(days=1)
        after = Document(id="b", text="Maria Gonzalez was seen")
        assert (await service.pipeline.ingest(community.id, [after])).alerts == ()
