"""A canary goes the way of every leak; where it does not arrive, the others are told which link broke."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from alerting.canaries import handed_in, is_in, planting, sentence
from alerting.messages import PLAIN_TEXT, message
from alerting.rendering import notice
from core.db.canaries import CANARIES_KEPT_FOR
from core.errors import Conflict, NotFound, UsageError
from core.listing import whole
from core.types import (
    AlertClass,
    Canary,
    CanaryLink,
    CanaryState,
    Community,
    Destination,
    Detail,
    Document,
    EventType,
    IncidentState,
    Scope,
    Severity,
    SourceRecord,
)
from monitor.canaries import CanaryWatch
from monitor.commands.canaries import canary_list, canary_plant
from monitor.commands.doctor import doctor
from monitor.parts import build_parts
from monitor.setup import add_destination, add_source, audit_entry
from monitor.wiring import Service, open_service
from tests import store_fixtures
from tests.api_service import Api, assert_problem, audited
from tests.service_fixtures import ManualClock, import_sample, settings_for
from tests.store_fixtures import audit, opened

pytest_plugins = ["tests.api_fixtures"]

HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)


@dataclass
class World:
    """A service with a source that reads a folder, and two webhooks."""

    service: Service
    clock: ManualClock
    community: Community
    source: SourceRecord
    folder: Path
    moderators: Destination
    phone: Destination

    async def plant(self, *, is_handed_in: bool = False) -> Canary:
        planted = planting(
            self.community.id,
            None if is_handed_in else self.source.id,
            self.moderators.id,
            at=self.clock.now(),
            wait=HOUR,
        )
        entry = audit_entry(self.clock, self.community.id, "canary.planted", planted.canary.id)
        await self.service.store.add_canary(planted.canary, planted.watchlist, planted.term, audit=entry)
        return planted.canary

    def post(self, canary: Canary, name: str = "canary.txt") -> None:
        (self.folder / name).write_text(f"Good morning.\n\n{sentence(canary)}\n")

    async def read(self, *, after: timedelta = timedelta(minutes=10)) -> None:
        """Poll the source when it is due."""
        self.clock.moment += after
        lease = await self.service.store.take_due_source(self.clock.now(), LEASE)
        assert lease is not None
        await self.service.scheduler.poll(lease)

    async def deliver(self, *, after: timedelta = timedelta(minutes=1)) -> None:
        """Attempt all that is due."""
        self.clock.moment += after
        while lease := await self.service.store.take_due_delivery(self.clock.now(), LEASE):
            await self.service.dispatcher.deliver(lease)

    async def look(self, canary: Canary, *, after: timedelta = timedelta(0)) -> Canary:
        self.clock.moment += after
        await self.service.canaries.look()
        return await self.service.store.canary(self.community.id, canary.id)

    async def failed(self, canary: Canary) -> tuple[CanaryLink | None, str | None]:
        """Let the time of the canary pass; return the link that broke, and why."""
        ended = await self.look(canary, after=canary.due_at - self.clock.now())
        assert ended.state is CanaryState.FAILED
        return ended.broken_link, ended.reason


@asynccontextmanager
async def a_world(folder: Path, server: HTTPServer, *, minimum_score: int = 20) -> AsyncIterator[World]:
    place = folder / "forum"
    place.mkdir()
    clock = ManualClock()
    settings = settings_for(folder, minimum_score=minimum_score)
    async with open_service(replace(build_parts(settings), clock=clock)) as service:
        community = await import_sample(service, folder)
        source = await add_source(
            service.store,
            service.parts,
            community.id,
            kind="files",
            name="forum",
            settings={"path": str(place)},
            interval=timedelta(minutes=2),
        )
        moderators, phone = [
            await add_destination(
                service.store,
                service.parts,
                community.id,
                kind="webhook",
                name=name,
                settings={"url": server.url_for(f"/{name}"), "secret": "whsec_" + "A" * 32},
                minimum_severity=Severity.MEDIUM,
            )
            for name in ("moderators", "phone")
        ]
        yield World(service, clock, community, source, place, moderators, phone)


@pytest.fixture
async def world(tmp_path: Path, httpserver: HTTPServer) -> AsyncIterator[World]:
    for name in ("/moderators", "/phone"):
        httpserver.expect_request(name).respond_with_data(status=204)
    async with a_world(tmp_path, httpserver) as world:
        yield world


def change_row(folder: Path, statement: str, row_id: str) -> None:
    """Change the database behind the service's back."""
    (path,) = folder.rglob("leakwatch.sqlite3")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA foreign_keys = ON")
        file.execute(statement, (row_id,))


def told(server: HTTPServer, path: str) -> list[dict[str, object]]:
    """Return the bodies that arrived at the path."""
    return [json.loads(request.data) for request, _ in server.log if request.path == path]


async def test_a_canary_that_arrives_is_recorded_with_the_time_that_every_link_took(
    world: World, httpserver: HTTPServer
) -> None:
    canary = await world.plant()
    await world.read()
    world.post(canary)
    assert (await world.look(canary)).latencies == {CanaryLink.READ: timedelta(minutes=10)}
    await world.read(after=HOUR / 2)
    await world.deliver(after=timedelta(minutes=2))

    arrived = await world.look(canary)
    assert (arrived.state, arrived.read_count, arrived.broken_link) == (CanaryState.ARRIVED, 2, None)
    assert arrived.latencies == {
        CanaryLink.READ: timedelta(minutes=10),
        CanaryLink.GIVEN: timedelta(minutes=30),
        CanaryLink.RAISED: timedelta(0),
        CanaryLink.PLANNED: timedelta(0),
        CanaryLink.DELIVERED: timedelta(minutes=2),
    }
    (body,) = told(httpserver, "/moderators")
    assert told(httpserver, "/phone") == []
    assert body["type"] == EventType.INCIDENT_OPENED
    assert str(body["data"]["summary"]).startswith("This is a test, nothing happened: 1 test alert, high (70), Canary")  # type: ignore[index]
    incident = await world.service.store.incident(world.community.id, str(arrived.incident_id))
    assert (incident.alert_class, incident.state) == (AlertClass.TEST, IncidentState.RESOLVED)


async def test_that_its_incident_is_closed_is_told_nobody(world: World, httpserver: HTTPServer) -> None:
    canary = await world.plant()
    world.post(canary)
    await world.read()
    await world.deliver()
    await world.look(canary)
    await world.deliver()
    assert len(httpserver.log) == 1


async def test_a_source_that_was_not_read_is_the_link_that_broke(world: World) -> None:
    assert await world.failed(await world.plant()) == (CanaryLink.READ, "the source was not read since")


async def test_a_source_that_fails_is_told_with_its_error(world: World) -> None:
    canary = await world.plant()
    world.folder.rmdir()
    await world.read()
    link, reason = await world.failed(canary)
    assert link is CanaryLink.READ
    assert str(reason).startswith("the source was not read since: ")


async def test_a_source_that_is_switched_off_or_deleted_is_told_as_that(world: World) -> None:
    store, source_id = world.service.store, world.source.id
    entry = audit_entry(world.clock, world.community.id, "source.disabled", source_id)
    await store.set_source_enabled(world.community.id, source_id, False, world.clock.now(), audit=entry)
    assert await world.failed(await world.plant()) == (CanaryLink.READ, "the source is switched off")
    gone = await world.plant()
    entry = audit_entry(world.clock, world.community.id, "source.deleted", source_id)
    await store.delete_source(world.community.id, source_id, audit=entry)
    assert await world.failed(gone) == (CanaryLink.READ, "the source was deleted")


async def test_a_document_that_the_source_does_not_give_is_told_with_how_often_it_was_read(world: World) -> None:
    canary = await world.plant()
    await world.read()
    await world.read(after=HOUR / 2)
    assert await world.failed(canary) == (
        CanaryLink.GIVEN,
        "the source was read 2 times since, the last time successfully, and the document was not in what it gave",
    )


async def test_a_document_that_raises_no_alert_is_told_as_given(tmp_path: Path, httpserver: HTTPServer) -> None:
    async with a_world(tmp_path, httpserver, minimum_score=95) as world:
        canary = await world.plant()
        world.post(canary)
        await world.read()
        link, reason = await world.failed(canary)
        assert link is CanaryLink.RAISED
        assert str(reason).startswith("the document was given, but no alert was raised")


async def test_an_alert_that_no_destination_takes_is_told_as_that(world: World) -> None:
    canary = await world.plant()
    world.post(canary)
    store, moderators = world.service.store, world.moderators
    entry = audit_entry(world.clock, world.community.id, "destination.disabled", moderators.id)
    await store.set_destination_enabled(world.community.id, moderators.id, False, audit=entry)
    await world.read()
    await world.deliver()
    assert await world.failed(canary) == (
        CanaryLink.PLANNED,
        "an alert was raised, but the destination is switched off",
    )


async def test_a_refused_delivery_is_told_to_the_other_destinations_alone(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/moderators").respond_with_data(status=404)
    httpserver.expect_request("/phone").respond_with_data(status=204)
    async with a_world(tmp_path, httpserver) as world:
        canary = await world.plant()
        world.post(canary)
        await world.read()
        await world.deliver()
        link, reason = await world.failed(canary)
        assert link is CanaryLink.DELIVERED
        assert str(reason).startswith("the delivery was tried once: the webhook answered with status 404")
        await world.deliver()
        (body,) = told(httpserver, "/phone")
        assert body["type"] == EventType.CANARY_FAILED
        data = body["data"]
        assert isinstance(data, dict)
        assert data["canary"] == {
            "id": canary.id,
            "planted_at": canary.planted_at.isoformat(),
            "broken_link": "delivered",
            "reason": reason,
        }
        assert data["summary"] == (f"A canary has not arrived: from forum (files) to moderators (webhook): {reason}")
        assert canary.phrase not in json.dumps(body)
        assert {each["type"] for each in told(httpserver, "/moderators")} == {EventType.INCIDENT_OPENED}
        deliveries = await whole(partial(world.service.store.deliveries, world.community.id))
        assert {each.destination_id for each in deliveries if each.canary_id} == {world.phone.id}


def test_a_destination_that_is_told_numbers_only_learns_no_names() -> None:
    canary = replace(
        planting("com_a", "src_1", "dst_1", at=store_fixtures.NOON, wait=HOUR).canary,
        state=CanaryState.FAILED,
        broken_link=CanaryLink.GIVEN,
        reason="the source was read once",
    )
    delivery = replace(store_fixtures.delivery("dlv_1", "com_a"), event=EventType.CANARY_FAILED, canary_id=canary.id)
    community = Community(id="com_a", name="Harbor Commons")

    def shown(detail: Detail) -> str:
        goal = replace(store_fixtures.destination("dst_1", "com_a"), detail=detail)
        source = store_fixtures.source("src_1", "com_a")
        told = notice(
            delivery, goal, community, {}, None, (), store_fixtures.NOON, source=source, about=goal, canary=canary
        )
        return PLAIN_TEXT.text(message(told))

    assert "the source was read once" in shown(Detail.REDACTED)
    assert store_fixtures.source("src_1", "com_a").name in shown(Detail.REDACTED)
    assert "it was not given" in shown(Detail.COUNTS)
    assert "the source was read once" not in shown(Detail.COUNTS)
    assert store_fixtures.source("src_1", "com_a").name not in shown(Detail.COUNTS)


async def test_its_phrase_is_in_no_list_and_is_watched_no_more_once_it_has_ended(world: World) -> None:
    store, community_id = world.service.store, world.community.id
    before = await whole(partial(store.watchlists, community_id)), await whole(partial(store.terms, community_id))
    canary = await world.plant()
    after = await whole(partial(store.watchlists, community_id)), await whole(partial(store.terms, community_id))
    assert before == after
    await world.failed(canary)
    with pytest.raises(NotFound):
        await store.watchlist(community_id, canary.watchlist_id)
    intake = await world.service.pipeline.ingest(community_id, [handed_in(canary)])
    assert (intake.new_count, intake.alerts) == (1, ())


async def test_what_is_written_beside_it_is_an_alert_of_its_own(world: World) -> None:
    canary = await world.plant(is_handed_in=True)
    text = f"{sentence(canary)} and night_heron is Wilma Sundqvist"
    alerts = (await world.service.pipeline.ingest(world.community.id, [Document(id="d1", text=text)])).alerts
    classes = {alert.watchlist_id == canary.watchlist_id: alert.alert_class for alert in alerts}
    assert classes[True] is AlertClass.TEST
    assert classes[False] is not AlertClass.TEST
    assert len({alert.incident_id for alert in alerts}) == 2


async def test_two_canaries_at_one_place_arrive_both(world: World) -> None:
    first = await world.plant()
    world.post(first)
    await world.read()
    second = await world.plant()
    world.post(second)
    await world.read()
    await world.deliver()
    ended = [await world.look(each) for each in (first, second)]
    assert [each.state for each in ended] == [CanaryState.ARRIVED] * 2
    assert ended[0].incident_id != ended[1].incident_id


async def test_another_process_ends_a_canary_whose_service_was_killed_and_only_one_does(world: World) -> None:
    canary = await world.plant()
    planned: list[None] = []
    watches = [CanaryWatch(world.service.store, world.clock, planned=lambda: planned.append(None)) for _ in range(2)]
    world.clock.moment = canary.due_at
    for watch in watches:
        await watch.look()
    assert len(planned) == 1
    ended = await world.service.store.canary(world.community.id, canary.id)
    with pytest.raises(Conflict):
        async with world.service.store.transaction() as transaction:
            await transaction.end_canary(ended, world.clock.now())


async def test_a_canary_that_ended_is_forgotten_after_three_months_and_one_that_waits_is_not(world: World) -> None:
    ended, waiting = await world.plant(), await world.plant()
    await world.read()
    world.post(ended)
    await world.read()
    await world.deliver()
    assert (await world.look(ended)).state is CanaryState.ARRIVED
    store = world.service.store
    await store.prune(world.clock.now() + CANARIES_KEPT_FOR - timedelta(minutes=1))
    assert (await store.canary(world.community.id, ended.id)).state is CanaryState.ARRIVED
    await store.prune(world.clock.now() + CANARIES_KEPT_FOR)
    with pytest.raises(NotFound):
        await store.canary(world.community.id, ended.id)
    assert (await store.canary(world.community.id, waiting.id)).state is CanaryState.WAITING


async def test_the_watchlist_of_a_canary_is_not_deleted_by_hand(world: World) -> None:
    canary = await world.plant()
    with pytest.raises(Conflict, match="this watchlist is a canary's and goes when the canary ends"):
        await world.service.store.delete_watchlist(world.community.id, canary.watchlist_id, audit=audit("com_a"))
    assert await world.service.store.watchlist(world.community.id, canary.watchlist_id)


async def test_a_canary_without_its_watchlist_ends_like_any(world: World, tmp_path: Path) -> None:
    canary = await world.plant()
    change_row(tmp_path, "DELETE FROM watchlist WHERE id = ?", canary.watchlist_id)
    assert await world.failed(canary) == (CanaryLink.READ, "the source was not read since")


async def test_a_canary_that_cannot_be_followed_holds_up_no_other(world: World, tmp_path: Path) -> None:
    unreadable, unfollowed, other = [await world.plant(is_handed_in=True) for _ in range(3)]
    await world.service.pipeline.ingest(world.community.id, [handed_in(unfollowed)])
    change_row(tmp_path, "UPDATE canary SET sealed = x'00' WHERE id = ?", unreadable.id)
    change_row(tmp_path, "UPDATE incident SET sealed = x'00' WHERE watchlist_id = ?", unfollowed.watchlist_id)
    await world.deliver()
    assert (await world.look(other, after=HOUR)).state is CanaryState.FAILED
    assert [each.id for each in await world.service.store.waiting_canaries()] == [unfollowed.id]


async def test_a_canary_that_is_handed_in_needs_no_source(world: World) -> None:
    canary = await world.plant(is_handed_in=True)
    await world.service.pipeline.ingest(world.community.id, [handed_in(canary)])
    await world.deliver()
    assert (await world.look(canary)).state is CanaryState.ARRIVED


async def test_what_a_test_found_counts_for_no_other_term(world: World) -> None:
    canary = await world.plant(is_handed_in=True)
    await world.service.pipeline.ingest(world.community.id, [handed_in(canary)])
    await world.deliver()
    await world.look(canary)
    terms = [term.id for term in await whole(partial(world.service.store.terms, world.community.id))]
    verdicts = await world.service.store.verdicts(world.community.id, terms)
    assert all(each.leak_count == each.false_alarm_count == 0 for each in verdicts.values())


def test_a_canary_takes_from_a_minute_to_a_week() -> None:
    for wait in (timedelta(seconds=59), timedelta(days=7, seconds=1)):
        with pytest.raises(UsageError, match="a minute to 7 days"):
            planting("com_a", None, "dst_1", at=store_fixtures.NOON, wait=wait)


def test_phrases_are_unlike_one_another_and_mean_nothing() -> None:
    phrases = {planting("com_a", None, "dst_1", at=store_fixtures.NOON, wait=HOUR).canary.phrase for _ in range(1000)}
    assert len(phrases) == 1000
    assert all(phrase.isascii() and len(phrase.split()) == 3 for phrase in phrases)


def test_a_document_is_known_as_the_canary_s_however_its_lines_are_broken() -> None:
    canary = planting("com_a", "src_1", "dst_1", at=store_fixtures.NOON, wait=HOUR).canary
    other = planting("com_a", "src_1", "dst_1", at=store_fixtures.NOON, wait=HOUR).canary
    document = Document(id="d1", text=sentence(canary).upper().replace(" ", "\n"))
    assert is_in(canary, document)
    assert not is_in(other, document)


async def test_canaries_are_planted_and_read_by_the_api(api: Api, harbor: Community, tmp_path: Path) -> None:
    client = await api.member(harbor, Scope.ADMIN, Scope.OPERATE, Scope.WRITE)
    destination = {
        "kind": "webhook",
        "name": "moderators",
        "settings": {"url": "https://hooks.example/in", "secret": "whsec_" + "A" * 32},
    }
    destination_id = (await client.post("/v1/destinations", json=destination)).json()["id"]
    source = {"kind": "feed", "name": "Town forum", "settings": {"url": "https://forum.example/feed"}}
    source_id = (await client.post("/v1/sources", json=source)).json()["id"]

    answer = await client.post(f"/v1/sources/{source_id}/canaries", json={"destination_id": destination_id})
    assert answer.status_code == 201
    planted = answer.json()
    assert (planted["state"], planted["links"], planted["source_id"]) == ("waiting", [], source_id)
    assert planted["phrase"] in planted["text"]
    handed = (await client.post("/v1/canaries", json={"destination_id": destination_id, "within_minutes": 1})).json()
    assert [link["link"] for link in handed["links"]] == ["read", "given"]
    api.clock.at += timedelta(minutes=2)
    await api.service.canaries.look()
    read = (await client.get(f"/v1/canaries/{handed['id']}")).json()
    assert (read["state"], read["broken_link"]) == ("failed", "delivered")
    listed = (await client.get("/v1/canaries")).json()["items"]
    assert {each["id"]: each["state"] for each in listed} == {planted["id"]: "waiting", handed["id"]: "failed"}
    assert (await audited(client))["canary.planted", handed["id"]] == 1
    watchlist_id = (await api.service.store.canary(harbor.id, planted["id"])).watchlist_id
    assert_problem(await client.delete(f"/v1/watchlists/{watchlist_id}"), 409)
    watched = (await api.service.store.catalogue(api.clock.now())).terms
    (phrase,) = [term for term in watched if term.watchlist_id == watchlist_id]
    problem = assert_problem(await client.delete(f"/v1/terms/{phrase.id}"), 409)
    assert problem["detail"] == "this term is a canary's phrase and goes when the canary ends"
    assert phrase in (await api.service.store.catalogue(api.clock.now())).terms
    assert_problem(await client.post("/v1/sources/src_x/canaries", json={"destination_id": destination_id}), 404)
    assert_problem(await client.post("/v1/canaries", json={"destination_id": "dst_x"}), 404)
    assert_problem(await client.post("/v1/canaries", json={"destination_id": destination_id, "within_minutes": 0}), 422)


def test_canaries_are_planted_and_listed_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")

    async def set_up() -> None:
        async with opened(tmp_path / "data") as store:
            await store_fixtures.add_community(store)
            await store.add_source(replace(store_fixtures.source("src_9", "com_a"), name="forum"), audit=audit("com_a"))

    asyncio.run(set_up())
    assert canary_list(None) == 0
    assert "No canary was planted." in capsys.readouterr().out
    assert canary_plant(None, "forum", "dst_1", within_minutes=1, search_externally=False) == 0
    assert "This is a test, please ignore it: " in capsys.readouterr().out
    assert canary_list(None) == 0
    assert "waiting" in capsys.readouterr().out
    doctor()
    assert "it is waited for until" in capsys.readouterr().out
