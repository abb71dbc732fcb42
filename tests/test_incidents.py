"""Incidents: one for each leak, told to those who want to know, decided by moderators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from alerting.incidents import Decision, acknowledge, decide, dismiss, mark_removed, raise_alert, resolve
from alerting.routing import is_urgent
from core.db.store import SqlStore
from core.errors import Conflict, NotFound, UsageError
from core.ids import new_id
from core.ports import AlertFilter, Listing
from core.types import Alert, AlertClass, Delivery, Document, EventType, Incident, IncidentState, Route, Severity
from tests.alerting_fixtures import START, HandClock, alert, audit, destination, open_store

LATER = START + timedelta(hours=1)
ALL = Listing(limit=100)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(tmp_path, HandClock()) as opened:
        await opened.add_destination(destination({}), audit=audit("dst_1"))
        yield opened


async def raised(store: SqlStore, one: Alert) -> Incident:
    async with store.transaction() as transaction:
        return await raise_alert(transaction, one, at=LATER)


async def decided(
    store: SqlStore, incident: Incident, decision: Decision, *, actor: str = "key_1", community_id: str = "com_1"
) -> Incident:
    async with store.transaction() as transaction:
        return await decide(transaction, community_id, incident.id, decision, actor=actor, at=LATER)


async def told(store: SqlStore) -> list[Delivery]:
    return sorted((await store.deliveries("com_1", ALL)).items, key=lambda delivery: delivery.sequence)


def elsewhere(one: Alert, external_id: str) -> Alert:
    return replace(one, id=new_id("alt"), document=replace(one.document, external_id=external_id))


def on_site(one: Alert, host: str) -> Alert:
    """Return the alert about the same text on another site."""
    return elsewhere(replace(one, document=replace(one.document, source=host, url=f"https://{host}/1")), "1")


async def test_the_first_alert_opens_an_incident_and_tells_the_destination(store: SqlStore) -> None:
    incident = await raised(store, alert())
    assert (incident.state, incident.severity, incident.sighting_count) == (IncidentState.OPEN, Severity.HIGH, 1)
    assert await store.incident("com_1", incident.id) == incident
    (delivery,) = await told(store)
    assert (delivery.event, delivery.incident_id, delivery.sequence) == (EventType.INCIDENT_OPENED, incident.id, 1)
    (sighting,) = (await store.sightings("com_1", incident.id, ALL)).items
    assert sighting.document.text == ""
    (kept,) = (await store.alerts("com_1", ALL, AlertFilter(incident_id=incident.id))).items
    assert kept.raised_at == delivery.created_at


async def test_a_second_sighting_joins_the_open_incident(store: SqlStore) -> None:
    first = await raised(store, alert())
    second = await raised(store, elsewhere(alert(), "2"))
    assert second.id == first.id
    assert (second.sighting_count, second.site_count) == (2, 1)
    assert len(await told(store)) == 1


async def test_a_new_site_is_told(store: SqlStore) -> None:
    first = await raised(store, alert())
    second = await raised(store, on_site(alert(), "other.example"))
    assert second.id == first.id
    assert (second.sighting_count, second.site_count) == (2, 2)
    assert [delivery.event for delivery in await told(store)] == [EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED]
    await raised(store, elsewhere(on_site(alert(), "www.other.example"), "3"))
    assert len(await told(store)) == 2


async def test_an_edit_of_the_same_document_joins_without_another_message(store: SqlStore) -> None:
    first = await raised(store, alert())
    edited = alert(id="alt_2", document=replace(alert().document, text="something else"))
    second = await raised(store, edited)
    assert second.id == first.id
    assert second.sighting_count == 1
    assert len(await told(store)) == 1


async def test_a_higher_severity_is_told_and_never_falls_again(store: SqlStore) -> None:
    await raised(store, alert(score=50, alert_class=AlertClass.EXPOSURE))
    worse = await raised(store, alert(id="alt_2", score=95))
    better = await raised(store, alert(id="alt_3", score=30, alert_class=AlertClass.MENTION))
    assert (worse.severity, worse.alert_class) == (Severity.CRITICAL, AlertClass.LINKAGE)
    assert (better.score, better.alert_class) == (95, AlertClass.LINKAGE)
    assert [delivery.event for delivery in await told(store)] == [EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED]


async def test_the_first_threat_that_joins_a_leak_is_told_and_the_leak_is_urgent_from_then_on(store: SqlStore) -> None:
    first = await raised(store, alert(score=81))
    assert not is_urgent(first)
    threat = alert(score=45, alert_class=AlertClass.THREAT)
    joined = await raised(store, elsewhere(threat, "2"))
    assert (joined.id, joined.alert_class, joined.severity) == (first.id, AlertClass.LINKAGE, Severity.HIGH)
    assert is_urgent(await store.incident("com_1", first.id))
    assert [delivery.event for delivery in await told(store)] == [EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED]
    await raised(store, elsewhere(threat, "3"))
    assert len(await told(store)) == 2
    assert is_urgent(await raised(store, elsewhere(alert(), "4")))


async def test_a_threat_stays_one_when_a_graver_class_joins_it(store: SqlStore) -> None:
    await raised(store, alert(score=75, alert_class=AlertClass.THREAT))
    joined = await raised(store, elsewhere(alert(score=75), "2"))
    assert (joined.alert_class, is_urgent(joined)) == (AlertClass.LINKAGE, True)
    assert len(await told(store)) == 1


async def test_a_leak_in_whose_own_words_harm_is_threatened_is_urgent_from_the_first(store: SqlStore) -> None:
    first = await raised(store, alert(score=81, holds_threat=True))
    assert (first.alert_class, is_urgent(await store.incident("com_1", first.id))) == (AlertClass.LINKAGE, True)


async def test_a_linkage_with_a_threat_that_joins_a_linkage_is_told(store: SqlStore) -> None:
    first = await raised(store, alert(score=81))
    joined = await raised(store, elsewhere(alert(score=81, holds_threat=True), "2"))
    assert (joined.id, is_urgent(joined)) == (first.id, True)
    assert [delivery.event for delivery in await told(store)] == [EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED]


@pytest.mark.parametrize("closing", [resolve, dismiss])
async def test_a_closed_leak_that_a_first_threat_joins_is_open_again_and_told(
    store: SqlStore, closing: Callable[..., Incident]
) -> None:
    first = await raised(store, alert(score=81))
    await decided(store, first, partial(closing, reason="known", at=LATER))
    again = await raised(store, alert(id="alt_2", score=45, alert_class=AlertClass.THREAT))
    assert (again.id, again.state) == (first.id, IncidentState.REGRESSED)
    assert [delivery.event for delivery in await told(store)][-1] is EventType.INCIDENT_UPDATED


async def test_a_new_language_is_told_where_a_route_takes_the_leak_for_it(store: SqlStore) -> None:
    def written_in(language: str, external_id: str) -> Alert:
        document = replace(alert().document, language=language)
        return elsewhere(replace(alert(), document=document), external_id)

    route = Route(
        id="rte_1", community_id="com_1", name="French", destination_ids=("dst_1",), languages=frozenset({"fr"})
    )
    await store.add_route(route, audit=audit("rte_1"))
    await store.add_destination(replace(destination({}), id="dst_2"), audit=audit("dst_2"))
    await raised(store, written_in("en", "1"))
    assert [delivery.destination_id for delivery in await told(store)] == ["dst_2"]
    await raised(store, written_in("de", "2"))
    assert len(await told(store)) == 1
    await raised(store, written_in("fr", "3"))
    assert "dst_1" in [delivery.destination_id for delivery in await told(store)]
    told_count = len(await told(store))
    await raised(store, written_in("fr", "4"))
    assert len(await told(store)) == told_count


async def test_other_content_elsewhere_opens_an_incident_of_its_own(store: SqlStore) -> None:
    first = await raised(store, alert())
    other = Document(id="feed:9", source="feed", external_id="9", text="another leak")
    second = await raised(store, alert(id="alt_2", document=other))
    assert first.id != second.id


async def test_a_resolved_leak_that_is_seen_at_a_new_place_is_open_again_and_told(store: SqlStore) -> None:
    first = await raised(store, alert())
    await decided(store, first, partial(resolve, reason="taken down", at=LATER))
    again = await raised(store, elsewhere(alert(), "2"))
    assert (again.id, again.state, again.sighting_count) == (first.id, IncidentState.REGRESSED, 2)
    assert [delivery.event for delivery in await told(store)][-1] is EventType.INCIDENT_UPDATED
    taken = await decided(store, again, partial(acknowledge, assignee="key_1", at=LATER))
    assert taken.state is IncidentState.ACKNOWLEDGED


async def test_a_resolved_leak_that_is_edited_where_it_stands_stays_resolved(store: SqlStore) -> None:
    first = await raised(store, alert())
    await decided(store, first, partial(resolve, reason="the member knows", at=LATER))
    before = len(await told(store))
    edited = alert(id="alt_2", document=replace(alert().document, text="something else"))
    assert (await raised(store, edited)).state is IncidentState.RESOLVED
    assert len(await told(store)) == before


async def test_a_false_alarm_stays_one_wherever_it_is_copied_until_it_is_graver(store: SqlStore) -> None:
    first = await raised(store, alert())
    await decided(store, first, partial(dismiss, reason="a namesake", at=LATER))
    before = len(await told(store))
    copied = await raised(store, on_site(alert(), "other.example"))
    assert (copied.id, copied.state, copied.sighting_count) == (first.id, IncidentState.DISMISSED, 2)
    assert len(await told(store)) == before
    graver = await raised(store, on_site(alert(score=95), "third.example"))
    assert (graver.id, graver.state) == (first.id, IncidentState.REGRESSED)
    assert len(await told(store)) == before + 1


async def test_a_leak_that_was_removed_and_is_back_is_told(store: SqlStore) -> None:
    first = await raised(store, alert())
    (sighting,) = (await store.sightings("com_1", first.id, ALL)).items
    async with store.transaction() as transaction:
        removed = await mark_removed(transaction, "com_1", first.id, sighting.id, actor="key_1", at=LATER)
    assert removed.is_removed
    async with store.transaction() as transaction:
        with pytest.raises(Conflict, match="removed already"):
            await mark_removed(transaction, "com_1", first.id, sighting.id, actor="key_1", at=LATER)
    back = await raised(store, alert(id="alt_2", document=replace(alert().document, text="back again")))
    assert (back.id, back.sighting_count) == (first.id, 1)
    assert [delivery.event for delivery in await told(store)] == [EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED]
    (sighting,) = (await store.sightings("com_1", first.id, ALL)).items
    assert (sighting.removed_at, sighting.returned_at, sighting.is_removed) == (LATER, LATER, False)
    assert "sighting.removed" in {entry.action for entry in (await store.audit_log("com_1", ALL)).items}


async def test_the_score_rises_with_the_sites_that_a_leak_spreads_to(store: SqlStore) -> None:
    first = await raised(store, alert(score=68))
    assert first.severity is Severity.MEDIUM
    scores = [(await raised(store, on_site(alert(score=68), f"site{number}.example"))).score for number in range(9)]
    assert scores == [68, 73, 73, 78, 78, 78, 78, 78, 88]
    again = await raised(store, elsewhere(on_site(alert(score=68), "site1.example"), "9"))
    assert (again.score, again.site_count, again.sighting_count) == (88, 10, 11)


async def test_talk_that_goes_round_is_no_graver_for_it(store: SqlStore) -> None:
    mention = alert(score=40, alert_class=AlertClass.MENTION)
    for number in range(5):
        incident = await raised(store, on_site(mention, f"site{number}.example"))
    assert (incident.site_count, incident.score) == (5, 40)


async def test_a_destination_is_told_only_from_its_severity_on(store: SqlStore) -> None:
    await store.add_destination(destination({}, id="dst_2", minimum_severity=Severity.CRITICAL), audit=audit("dst_2"))
    await raised(store, alert())
    assert [delivery.destination_id for delivery in await told(store)] == ["dst_1"]
    await raised(store, alert(id="alt_2", score=90))
    assert [delivery.destination_id for delivery in await told(store)].count("dst_2") == 1


async def test_nothing_is_kept_of_a_transaction_that_fails(store: SqlStore) -> None:
    async def fails_late() -> None:
        async with store.transaction() as transaction:
            await raise_alert(transaction, alert(), at=LATER)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails_late()
    assert await told(store) == []


async def test_a_decision_is_kept_audited_and_told_when_it_closes_the_incident(store: SqlStore) -> None:
    incident = await raised(store, alert())
    taken = await decided(store, incident, partial(acknowledge, assignee="key_1", at=LATER))
    assert (taken.state, taken.assignee) == (IncidentState.ACKNOWLEDGED, "key_1")
    assert len(await told(store)) == 1
    await decided(store, incident, partial(dismiss, reason="a namesake", at=LATER), actor="key_2")
    kept = await store.incident("com_1", incident.id)
    assert (kept.state, kept.reason, kept.assignee) == (IncidentState.DISMISSED, "a namesake", "key_1")
    assert (await told(store))[-1].event is EventType.INCIDENT_RESOLVED
    log = [(entry.actor, entry.action) for entry in (await store.audit_log("com_1", ALL)).items]
    assert ("key_1", "incident.acknowledged") in log
    assert ("key_2", "incident.dismissed") in log


async def test_an_incident_of_another_community_does_not_exist(store: SqlStore) -> None:
    incident = await raised(store, alert())
    with pytest.raises(NotFound):
        await decided(store, incident, partial(resolve, reason=None, at=LATER), community_id="com_2")


@pytest.mark.parametrize("state", [IncidentState.RESOLVED, IncidentState.DISMISSED])
def test_a_closed_incident_takes_no_further_decision(state: IncidentState) -> None:
    closed = Incident(
        id="inc_1", community_id="com_1", watchlist_id="wl_1", alert_class=AlertClass.MENTION, score=1, state=state,
        first_seen_at=START, last_seen_at=START, updated_at=START,
    )  # fmt: skip
    for decision in (
        partial(acknowledge, assignee="key_1", at=LATER),
        partial(resolve, reason=None, at=LATER),
        partial(dismiss, reason="no", at=LATER),
    ):
        with pytest.raises(Conflict, match="inc_1"):
            decision(closed)


def test_dismissing_needs_a_reason() -> None:
    incident = Incident(
        id="inc_1", community_id="com_1", watchlist_id="wl_1", alert_class=AlertClass.MENTION, score=1,
        state=IncidentState.OPEN, first_seen_at=START, last_seen_at=START, updated_at=START,
    )  # fmt: skip
    with pytest.raises(UsageError, match="reason"):
        dismiss(incident, reason="  ", at=LATER)
