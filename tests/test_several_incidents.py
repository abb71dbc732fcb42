"""A notice that tells of several incidents: what the outbox keeps of it, what is told, and what stays of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from alerting.messages import PLAIN_TEXT, fitted, message
from alerting.planning import plan_group, plan_notice
from alerting.rendering import MOST_INCIDENTS, notice
from core.errors import NotFound
from core.ports import IncidentFilter, Listing
from core.types import (
    AlertClass,
    Community,
    Delivery,
    DeliveryState,
    Detail,
    EventType,
    Incident,
    IncidentState,
    Notice,
    Severity,
    ToldIncident,
    Watchlist,
)
from tests.alerting_fixtures import PERSON, PSEUDONYM, START, HandClock, alert, audit, destination
from tests.channel_fixtures import INCIDENT, NOTICE, many
from tests.delivery_service import Service, hook, service_at

pytest_plugins = ["tests.delivery_fixtures"]

MINUTE = timedelta(minutes=1)
OPENED, UPDATED, RESOLVED = EventType.INCIDENT_OPENED, EventType.INCIDENT_UPDATED, EventType.INCIDENT_RESOLVED
GROUP = Delivery(
    id="dlv_1", community_id="com_1", destination_id="dst_1", incident_id=None, event=EventType.INCIDENT_GROUPED,
    sequence=3, idempotency_key="msg_1", state=DeliveryState.PENDING, attempts=0, created_at=START,
    next_attempt_at=START,
)  # fmt: skip


def incident(number: int, *, score: int = 88, alert_class: AlertClass = AlertClass.LINKAGE) -> Incident:
    return replace(INCIDENT, id=f"inc_{number}", score=score, alert_class=alert_class, reason=f"it is {PERSON}")


def told(number: int, *, score: int = 88, event: EventType = OPENED) -> ToldIncident:
    return ToldIncident(incident=incident(number, score=score), event=event, since=START)


def rendered(several: Sequence[ToldIncident], *, detail: Detail = Detail.REDACTED) -> Notice:
    alerts = [alert(id=f"alt_{one.incident.id}", incident_id=one.incident.id) for one in several]
    watchlists = {"wl_1": Watchlist(id="wl_1", community_id="com_1", name="Members")}
    community = Community(id="com_1", name="Harbor Commons")
    return notice(
        GROUP, destination({}, detail=detail), community, watchlists, None, alerts, START, told=several
    )  # fmt: skip


async def raised(service: Service, count: int) -> list[Incident]:
    for number in range(count):
        await service.plan(number)
    return list((await service.store.incidents("com_1", Listing(), IncidentFilter())).items)


async def grouped(service: Service, several: Sequence[ToldIncident]) -> Delivery:
    to = await service.store.destination("com_1", "dst_1")
    async with service.store.transaction() as transaction:
        return await plan_group(transaction, to, several, service.clock.now())


async def test_a_group_arrives_as_one_notice_with_the_gravest_incident_first(
    httpserver: HTTPServer, service: Service
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    mild, grave, closed = await raised(service, 3)
    grave = replace(grave, score=95)
    async with service.store.transaction() as transaction:
        await transaction.save_incident(grave, ())
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    several = [
        ToldIncident(incident=one, event=event, since=START)
        for one, event in ((mild, OPENED), (closed, RESOLVED), (grave, UPDATED))
    ]
    planned = await grouped(service, several)
    assert await service.deliver_next()
    assert not await service.deliver_next()
    assert (await service.store.delivery("com_1", planned.id)).state is DeliveryState.DELIVERED
    body = json.loads(httpserver.log[0][0].get_data())
    assert (body["version"], body["type"]) == (1, "incident.grouped")
    shown = body["data"]
    assert shown["summary"] == "3 incidents, the gravest critical (95): 3 linkage"
    assert (shown["incident"], shown["alerts"], shown["more_incident_count"]) == (None, [], 0)
    assert shown["content_notes"] == ["private data"]
    assert shown["incidents"][0]["type"] == "incident.updated"
    assert shown["incidents"][0]["incident"]["id"] == grave.id
    assert [len(one["alerts"]) for one in shown["incidents"] if one["type"] != "incident.resolved"] == [1, 1]
    assert shown["incidents"][0]["alerts"][0]["excerpt"] == "█████ is Z███████ Z██████"
    assert [one["alerts"] for one in shown["incidents"] if one["type"] == "incident.resolved"] == [[]]


async def test_all_incidents_that_a_delivery_tells_of_are_listed_by_it(service: Service) -> None:
    first, second, other = await raised(service, 3)
    await service.store.add_destination(destination({}), audit=audit("dst_1"))
    several = [ToldIncident(incident=one, event=OPENED, since=START) for one in (first, second)]
    planned = await grouped(service, several)
    by_group = await service.store.incidents("com_1", Listing(), IncidentFilter(delivery_id=planned.id))
    assert {one.id for one in by_group.items} == {first.id, second.id}
    async with service.store.transaction() as transaction:
        await plan_notice(transaction, destination({}), other, OPENED, START)
    (alone,) = [one for one in await service.deliveries() if one.incident_id == other.id]
    by_notice = await service.store.incidents("com_1", Listing(), IncidentFilter(delivery_id=alone.id))
    assert [one.id for one in by_notice.items] == [other.id]
    with pytest.raises(NotFound):
        await service.store.incidents("com_1", Listing(), IncidentFilter(delivery_id="dlv_9"))


async def test_what_a_group_tells_of_survives_a_restart_and_is_told_as_it_stands_when_it_is_sent(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    async with service_at(tmp_path, HandClock()) as service:
        (one, other) = await raised(service, 2)
        await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
        await grouped(service, [ToldIncident(incident=each, event=OPENED, since=START) for each in (one, other)])
        async with service.store.transaction() as transaction:
            await transaction.save_incident(replace(other, state=IncidentState.ACKNOWLEDGED, assignee="sam"), ())
    async with service_at(tmp_path, HandClock()) as service:
        assert await service.deliver_next()
    shown = json.loads(httpserver.log[0][0].get_data())["data"]["incidents"]
    assert {each["incident"]["id"]: each["incident"]["state"] for each in shown} == {
        one.id: "open",
        other.id: "acknowledged",
    }


async def test_an_incident_is_told_once_with_its_later_event_since_the_earlier_moment(
    httpserver: HTTPServer, service: Service
) -> None:
    new, seen, closed = await raised(service, 3)
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))

    def at(one: Incident, event: EventType, minutes: int) -> ToldIncident:
        return ToldIncident(incident=one, event=event, since=START + minutes * MINUTE)

    planned = await grouped(service, [at(new, OPENED, 1), at(seen, UPDATED, 1), at(closed, OPENED, 1)])
    async with service.store.transaction() as transaction:
        await transaction.tell_of(planned, [at(new, UPDATED, 2), at(seen, UPDATED, 0), at(closed, RESOLVED, 2)])
    kept = await service.store.told_incidents("com_1", planned.id)
    assert {one.incident.id: (one.event, one.since - START) for one in kept} == {
        new.id: (OPENED, MINUTE),
        seen.id: (UPDATED, timedelta(0)),
        closed.id: (RESOLVED, MINUTE),
    }


async def test_no_delivery_tells_of_an_incident_that_its_community_does_not_have(
    httpserver: HTTPServer, service: Service
) -> None:
    await service.store.add_destination(hook(httpserver), audit=audit("dst_1"))
    with pytest.raises(NotFound):
        await grouped(service, [told(9)])
    assert await service.deliveries() == []
    with pytest.raises(NotFound):
        await service.store.told_incidents("com_2", "dlv_1")


@pytest.mark.parametrize("detail", [Detail.COUNTS, Detail.REDACTED])
def test_nothing_crawled_is_told_in_clear_below_full_detail(detail: Detail) -> None:
    everything = str(asdict(rendered([told(1), told(2)], detail=detail))).lower()
    assert not [marker for marker in (PSEUDONYM, *PERSON.split()) if marker.lower() in everything]


def test_each_detail_shows_of_each_incident_what_it_shows_of_one() -> None:
    counts = rendered([told(1), told(2)], detail=Detail.COUNTS)
    assert [one.alerts for one in counts.incidents] == [(), ()]
    assert counts.content_notes == ()
    full = rendered([told(1), told(2)], detail=Detail.FULL)
    assert [one.alerts[0].id for one in full.incidents] == ["alt_inc_1", "alt_inc_2"]
    assert {one.alerts[0].excerpt for one in full.incidents} == {f"{PSEUDONYM} is {PERSON}"}
    assert full.content_notes == rendered([told(1)]).content_notes == ("private data",)


def test_the_rest_of_very_many_incidents_is_counted() -> None:
    shown = rendered([told(number) for number in range(MOST_INCIDENTS + 12)])
    assert (len(shown.incidents), shown.more_count) == (MOST_INCIDENTS, 12)
    listing = f"GET /v1/incidents?delivery_id={GROUP.id} lists all."
    assert f"And 12 more incidents. {listing}" in PLAIN_TEXT.text(message(shown))


@pytest.mark.parametrize(
    ("several", "summary"),
    [
        ([], "Several incidents that have been deleted since"),
        ([told(1)], "1 incident, high (88): linkage"),
        ([told(1, score=95), told(2, score=20)], "2 incidents, the gravest critical (95): 2 linkage"),
    ],
)
def test_the_summary_of_a_group_is_one_short_sentence(several: list[ToldIncident], summary: str) -> None:
    assert rendered(several).summary == summary


def test_a_group_is_as_grave_as_its_gravest_incident() -> None:
    assert rendered([told(1, score=95), told(2, score=20)]).severity is Severity.CRITICAL
    assert NOTICE.severity is Severity.HIGH
    assert replace(NOTICE, incident=None).severity is None


def test_a_message_says_of_each_incident_what_happened_and_why() -> None:
    (one,) = many("x", incidents=1).incidents
    (told_alert,) = NOTICE.alerts
    group = replace(
        many("x", incidents=1),
        community="Harbor Commons",
        summary="2 incidents, the gravest high (88): 2 linkage",
        content_notes=("violence",),
        incidents=(
            replace(one, watchlist="Members", incident=INCIDENT, alerts=(told_alert, told_alert)),
            replace(one, watchlist="Posts", incident=replace(INCIDENT, id="inc_2"), event=RESOLVED, alerts=()),
        ),
        more_count=1,
    )
    assert PLAIN_TEXT.text(message(group)).splitlines() == [
        "Content note: violence",
        "2 incidents, the gravest high (88): 2 linkage",
        "",
        "Community: Harbor Commons",
        "",
        "New: HIGH (88) linkage, Members: inc_1 (open, seen once)",
        "- the watched pseudonym stands 2 words before a name (+55)",
        "Published: 2026-11-20 10:00 UTC",
        "Where: r/pets",
        "Title: About █████",
        "Author: somebody",
        "Link: https[:]//blog[.]example/█████",
        "Text: █████ is M████ G███████",
        "",
        "Closed: HIGH (88) linkage, Posts: inc_2 (open, seen once)",
        "",
        "And 1 more incident.",
        "",
        "Detail level of this destination: redacted",
    ]


@pytest.mark.parametrize("limit", range(700, 9000, 100))
def test_every_incident_keeps_its_first_line_or_is_counted(limit: int) -> None:
    group = replace(many("x", incidents=15), more_count=7)
    text = PLAIN_TEXT.text(fitted(message(group), limit, PLAIN_TEXT.size))
    assert len(text) <= limit
    shown = text.count("New: ")
    left_out = 22 - shown
    assert f"And {left_out} more incidents." in text
    assert "Shortened; the incidents have the rest." in text
    whole = PLAIN_TEXT.text(message(group))
    room_for_all = sum(len(line) + 2 for line in whole.splitlines() if line.startswith("New: "))
    assert shown == 15 or limit < room_for_all + 700
    if shown < 15:
        assert "- the watched pseudonym" not in text
