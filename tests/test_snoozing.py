"""A snoozed incident is told to nobody until what was chosen has come, or harm is imminent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from alerting.incidents import acknowledge, decide, raise_alert, resolve
from alerting.snoozing import Snoozes, snooze, unsnooze
from core.errors import Conflict, NotFound, UsageError
from core.ids import new_id
from core.ports import Listing
from core.types import AlertClass, Document, EventType, Incident, Snooze, SnoozeEnd
from tests.alerting_fixtures import START, HandClock, alert, audit, open_store
from tests.api_service import Api, assert_problem, audited
from tests.delivery_service import Service, hook, service_at

pytest_plugins = ["tests.api_fixtures"]

HOUR = timedelta(hours=1)
OPENED, UPDATED = EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED
CHOSEN = Snooze(began_at=START)
MEDIUM: dict[str, Any] = {"score": 50, "alert_class": AlertClass.EXPOSURE}


@pytest.fixture
async def service(tmp_path: Path, httpserver: HTTPServer) -> AsyncIterator[Service]:
    httpserver.expect_request("/hook").respond_with_data()
    async with service_at(tmp_path, HandClock()) as service:
        await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
        yield service


async def seen(service: Service, number: int, site: str = "blog.example", **changes: Any) -> Incident:
    """Raise an alert about the same leak at a place of that number on that site."""
    document = Document(
        id=f"feed:{number}", source="feed", external_id=str(number), text="one leak", url=f"https://{site}/{number}"
    )
    one = alert(**{"id": new_id("alt"), "document": document, "raised_at": service.clock.now(), **MEDIUM, **changes})
    async with service.store.transaction() as transaction:
        return await raise_alert(transaction, one, at=service.clock.now())


async def snoozed(service: Service, incident: Incident, **chosen: Any) -> Incident:
    async with service.store.transaction() as transaction:
        return await snooze(
            transaction, "com_1", incident.id, replace(CHOSEN, **chosen), actor="key_1", at=service.clock.now()
        )


async def told(service: Service) -> list[EventType]:
    return [delivery.event for delivery in await service.deliveries()]


def snoozes(service: Service) -> Snoozes:
    return Snoozes(service.store, service.clock, planned=service.dispatcher.wake)


async def test_an_incident_is_told_to_nobody_while_it_is_snoozed_and_alerts_go_on_joining_it(service: Service) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    again = await seen(service, 2, "other.example")
    graver = await seen(service, 3, "third.example", score=75, alert_class=AlertClass.LINKAGE)
    assert (again.id, graver.id, graver.sighting_count, graver.site_count) == (first.id, first.id, 3, 3)
    assert graver.is_snoozed
    assert await told(service) == [OPENED]


@pytest.mark.parametrize(
    ("chosen", "silent", "ending", "by"),
    [
        ({"sighting_count": 3}, {"number": 2}, {"number": 3}, SnoozeEnd.SIGHTINGS),
        ({"new_site": True}, {"number": 2}, {"number": 3, "site": "other.example"}, SnoozeEnd.NEW_SITE),
        (
            {"higher_severity": True},
            {"number": 2, "site": "other.example"},
            {"number": 3, "score": 75},
            SnoozeEnd.HIGHER_SEVERITY,
        ),
        (
            {"new_site": True, "sighting_count": 9, "until": START + HOUR},
            {"number": 2, "score": 75},
            {"number": 3, "site": "other.example"},
            SnoozeEnd.NEW_SITE,
        ),
        ({"until": START + HOUR}, {"number": 2, "score": 75}, {"number": 3, "score": 95}, SnoozeEnd.IMMINENT_HARM),
        (
            {"until": START + HOUR},
            {"number": 2, "score": 75},
            {"number": 3, "alert_class": AlertClass.THREAT},
            SnoozeEnd.IMMINENT_HARM,
        ),
    ],
)
async def test_whichever_was_chosen_comes_first_ends_it_and_that_is_told(
    service: Service,
    httpserver: HTTPServer,
    chosen: dict[str, Any],
    silent: dict[str, Any],
    ending: dict[str, Any],
    by: SnoozeEnd,
) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, **chosen)
    assert (await seen(service, **silent)).is_snoozed
    assert await told(service) == [OPENED]
    after = await seen(service, **ending)
    assert (after.id, after.is_snoozed) == (first.id, False)
    assert after.snooze is not None
    assert after.snooze.ended_by is by
    assert await told(service) == [OPENED, UPDATED]
    while await service.deliver_next():
        pass
    assert json.loads(httpserver.log[-1][0].get_data())["data"]["summary"].startswith("Snooze ended, ")
    service.clock.advance(HOUR)
    await seen(service, 9, "ninth.example")
    while await service.deliver_next():
        pass
    assert json.loads(httpserver.log[-1][0].get_data())["data"]["summary"].startswith("Seen again: ")


async def test_a_snooze_until_a_moment_ends_then_and_that_is_told_once(
    service: Service, tmp_path: Path, httpserver: HTTPServer
) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    service.clock.advance(HOUR - timedelta(seconds=1))
    assert await snoozes(service).end_due() == 0
    service.clock.advance(timedelta(seconds=1))
    async with open_store(tmp_path, service.clock) as other:
        both = (snoozes(service), Snoozes(other, service.clock, planned=lambda: None))
        assert sum(await asyncio.gather(*(one.end_due() for one in both))) == 1
    assert await told(service) == [OPENED, UPDATED]
    assert await snoozes(service).end_due() == 0
    while await service.deliver_next():
        pass
    sent = json.loads(httpserver.log[-1][0].get_data())["data"]
    assert sent["summary"] == "Snooze ended, its time has come: 1 exposure alert, medium (50), Members"
    assert len(sent["alerts"]) == 1


async def test_a_snooze_survives_a_restart_and_ends_though_nothing_ran_at_its_moment(tmp_path: Path) -> None:
    clock = HandClock()
    async with service_at(tmp_path, clock) as service:
        first = await seen(service, 1)
        kept = await snoozed(service, first, until=START + HOUR, new_site=True, sighting_count=7)
        assert await service.store.incident("com_1", first.id) == kept
    clock.advance(3 * HOUR)
    async with service_at(tmp_path, clock) as service:
        assert await snoozes(service).end_due() == 1
        assert not (await service.store.incident("com_1", first.id)).is_snoozed


async def test_a_sighting_after_the_moment_ends_it_before_anybody_looked(service: Service) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    service.clock.advance(HOUR)
    assert not (await seen(service, 2)).is_snoozed
    assert await snoozes(service).end_due() == 0
    assert await told(service) == [OPENED, UPDATED]


async def test_a_threat_can_be_snoozed_until_it_is_made_at_another_place(service: Service) -> None:
    first = await seen(service, 1, alert_class=AlertClass.THREAT)
    await snoozed(service, first, until=START + HOUR)
    edited = await seen(service, 1, alert_class=AlertClass.THREAT)
    assert (edited.id, edited.is_snoozed) == (first.id, True)
    assert not (await seen(service, 2, alert_class=AlertClass.THREAT)).is_snoozed


async def test_whoever_ended_it_by_hand_is_told_nothing_but_of_the_next_sighting(service: Service) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    async with service.store.transaction() as transaction:
        after = await unsnooze(transaction, "com_1", first.id, actor="key_1", at=START + timedelta(seconds=1))
    assert not after.is_snoozed
    assert await snoozes(service).end_due() == 0
    assert await told(service) == [OPENED]
    await seen(service, 2, "other.example")
    assert await told(service) == [OPENED, UPDATED]
    async with service.store.transaction() as transaction:
        with pytest.raises(Conflict, match="is not snoozed"):
            await unsnooze(transaction, "com_1", first.id, actor="key_1", at=START)
    log = [entry.action for entry in (await service.store.audit_log("com_1", Listing(limit=100))).items]
    assert [action for action in log if "snooze" in action] == ["incident.snoozed", "incident.unsnoozed"]


async def test_what_happened_meanwhile_is_told_when_a_moderator_ends_it(
    service: Service, httpserver: HTTPServer
) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + 3 * HOUR)
    service.clock.advance(HOUR)
    assert (await seen(service, 2, "other.example", score=75)).is_snoozed
    assert await told(service) == [OPENED]
    service.clock.advance(HOUR)
    async with service.store.transaction() as transaction:
        await unsnooze(transaction, "com_1", first.id, actor="key_1", at=service.clock.now())
    assert await told(service) == [OPENED, UPDATED]
    while await service.deliver_next():
        pass
    summary = json.loads(httpserver.log[-1][0].get_data())["data"]["summary"]
    assert summary.startswith("Snooze ended, a moderator ended it: ")


async def test_a_linkage_that_a_threat_joined_is_snoozed_like_a_threat(service: Service) -> None:
    first = await seen(service, 1, alert_class=AlertClass.LINKAGE)
    await seen(service, 1, alert_class=AlertClass.THREAT)
    await snoozed(service, first, until=START + HOUR)
    assert (await seen(service, 1, alert_class=AlertClass.THREAT)).is_snoozed
    assert not (await seen(service, 2, alert_class=AlertClass.THREAT)).is_snoozed


async def test_a_linkage_with_a_threat_ends_the_snooze_of_a_linkage_where_it_stands(service: Service) -> None:
    first = await seen(service, 1, alert_class=AlertClass.LINKAGE)
    await snoozed(service, first, until=START + HOUR)
    edited = await seen(service, 1, alert_class=AlertClass.LINKAGE, holds_threat=True)
    assert (edited.id, edited.is_snoozed, edited.snooze and edited.snooze.ended_by) == (
        first.id,
        False,
        SnoozeEnd.IMMINENT_HARM,
    )
    assert await told(service) == [OPENED, UPDATED]


async def test_a_snooze_that_is_chosen_anew_replaces_the_one_before(service: Service) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    await snoozed(service, first, until=START + 3 * HOUR)
    service.clock.advance(2 * HOUR)
    assert await snoozes(service).end_due() == 0
    service.clock.advance(HOUR)
    assert await snoozes(service).end_due() == 1


async def test_acknowledging_leaves_a_snooze_and_closing_ends_it(service: Service) -> None:
    first = await seen(service, 1)
    await snoozed(service, first, until=START + HOUR)
    for decision in (partial(acknowledge, assignee="sam", at=START), partial(resolve, reason=None, at=START)):
        async with service.store.transaction() as transaction:
            decided = await decide(transaction, "com_1", first.id, decision, actor="key_1", at=START)
        assert decided.is_snoozed is not decided.state.is_closed
    service.clock.advance(HOUR)
    assert await snoozes(service).end_due() == 0
    with pytest.raises(Conflict, match="resolved"):
        await snoozed(service, first, until=START + 3 * HOUR)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [({}, "say what ends the snooze"), ({"until": START}, "is past"), ({"until": START - HOUR}, "is past")],
)
async def test_a_snooze_that_never_ends_or_has_ended_is_refused(
    service: Service, chosen: dict[str, Any], sentence: str
) -> None:
    first = await seen(service, 1)
    with pytest.raises(UsageError, match=sentence):
        await snoozed(service, first, **chosen)
    assert not (await service.store.incident("com_1", first.id)).is_snoozed
    with pytest.raises(NotFound):
        await snoozed(service, replace(first, id="inc_9"), new_site=True)


async def test_an_incident_is_snoozed_and_unsnoozed_over_the_api(api: Api, admin: httpx2.AsyncClient) -> None:
    terms = [{"id": "t1", "kind": "pseudonym", "value": "night_heron"}]
    await admin.post("/v1/watchlists", json={"name": "Members", "terms": terms})
    leak = {"id": "1", "source": "forum", "text": "so night_heron is really Maria Gonzalez, she lives at 12 Elm Street"}
    await admin.post("/v1/documents", json=leak)
    (incident,) = (await admin.get("/v1/incidents")).json()["items"]
    assert incident["snooze"] is None
    path = f"/v1/incidents/{incident['id']}"
    assert_problem(await admin.post(f"{path}/snooze", json={}), 422)
    assert_problem(await admin.post(f"{path}/snooze", json={"until": "2020-01-01T00:00:00Z"}), 422)
    answer = await admin.post(f"{path}/snooze", json={"more_sightings": 2, "new_site": True})
    assert answer.status_code == 200, answer.text
    expected = {
        "began_at": "2026-11-20T10:00:00Z", "until": None, "sighting_count": 3, "new_site": True,
        "higher_severity": False,
    }  # fmt: skip
    assert answer.json()["snooze"] == expected
    assert (await admin.get(path)).json()["snooze"] == expected
    ended = await admin.post(f"{path}/unsnooze")
    assert (ended.status_code, ended.json()["snooze"]) == (200, None)
    assert_problem(await admin.post(f"{path}/unsnooze"), 409)
    counted = await audited(admin)
    assert counted["incident.snoozed", incident["id"]] == counted["incident.unsnoozed", incident["id"]] == 1
