"""Incidents wait for somebody: who is on call is asked first, the next when they do not answer, until somebody does."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from alerting.escalation import MOST_ROUNDS, Escalator
from alerting.incidents import acknowledge, decide, dismiss, raise_alert, resolve
from core.db.store import SqlStore
from core.errors import StoreError
from core.ids import new_id
from core.logs import configure_logs
from core.ports import IncidentFilter, Listing
from core.types import (
    AlertClass,
    Destination,
    Document,
    Incident,
    IncidentState,
    Moderator,
    Override,
    Rotation,
)
from tests.alerting_fixtures import START, HandClock, alert, audit, destination, open_store

ANY = IncidentFilter()
MINUTE = timedelta(minutes=1)
NAMES = ("ada", "ben", "cleo")
ROTATION = Rotation(
    id="rot_1", community_id="com_1", name="Nights", moderator_ids=NAMES, starts_on=date(2026, 11, 16),
    handover_at=time(9), time_zone="UTC",
)  # fmt: skip


@dataclass
class Team:
    """A community with a channel for everybody, and three moderators with a destination each that only they read."""

    store: SqlStore
    clock: HandClock
    escalator: Escalator

    async def leak(self, number: int = 1, *, score: int = 88, **changes: Any) -> Incident:
        """Raise an alert about a leak of its own; return its incident."""
        document = Document(id=f"feed:{number}", source="feed", external_id=str(number), text=f"leak {number}")
        raised = alert(id=new_id("alt"), document=document, score=score, raised_at=self.clock.now(), **changes)
        async with self.store.transaction() as transaction:
            return await raise_alert(transaction, raised, at=self.clock.now())

    async def later(self, by: timedelta) -> None:
        """Let time pass, and whoever waits too long be escalated."""
        self.clock.advance(by)
        await self.escalator.escalate_due()

    async def incident(self) -> Incident:
        """Return the one incident."""
        (item,) = (await self.store.incidents("com_1", Listing(), ANY)).items
        return item

    async def told(self, *, since: datetime | None = None) -> list[tuple[str, str]]:
        """Return which destination is told what, in order; only what was planned at that time or later."""
        items = (await self.store.deliveries("com_1", Listing(limit=200))).items
        wanted = [one for one in items if since is None or one.created_at >= since]
        return sorted((one.destination_id, one.event.value) for one in wanted)

    async def asked(self) -> list[str]:
        """Return whom the audit log says to have been asked, in order."""
        entries = (await self.store.audit_log("com_1", Listing(limit=500))).items
        return [one.object_id for one in entries if one.action == "moderator.asked"]


async def set_up(store: SqlStore, *, rotation: Rotation = ROTATION) -> None:
    await store.add_destination(hook("channel"), audit=audit("com_1"))
    for name in NAMES:
        await store.add_destination(hook(name, only_when_asked=True), audit=audit("com_1"))
        moderator = Moderator(id=name, community_id="com_1", name=name.title(), destination_ids=(f"dst_{name}",))
        await store.add_moderator(moderator, audit=audit("com_1"))
    await store.add_rotation(rotation, audit=audit("com_1"))


def hook(name: str, **changes: Any) -> Destination:
    return destination({"url": "https://hooks.example", "secret": "whsec_x"}, id=f"dst_{name}", name=name, **changes)


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    clock = HandClock()
    async with open_store(tmp_path, clock) as store:
        await set_up(store)
        yield Team(store, clock, Escalator(store, clock, planned=lambda: None))


async def test_who_is_on_call_is_told_of_a_grave_incident_and_it_is_assigned_to_them(team: Team) -> None:
    incident = await team.leak()
    assert await team.told() == [("dst_ada", "incident.opened"), ("dst_channel", "incident.opened")]
    assert (incident.assignee, incident.state) == ("Ada", IncidentState.OPEN)
    assert await team.incident() == incident
    waiting = await team.store.escalation("com_1", incident.id)
    assert waiting is not None
    assert (waiting.waiting_since, waiting.due_at) == (START, START + timedelta(minutes=60))
    assert await team.asked() == ["ada"]


async def test_a_critical_incident_waits_no_longer_than_it_may(team: Team) -> None:
    incident = await team.leak(score=95)
    waiting = await team.store.escalation("com_1", incident.id)
    assert waiting is not None
    assert waiting.due_at == START + timedelta(minutes=15)


async def test_an_incident_of_less_than_the_rotation_s_severity_is_told_as_ever(team: Team) -> None:
    incident = await team.leak(score=60)
    assert await team.told() == [("dst_channel", "incident.opened")]
    assert incident.assignee is None
    assert await team.store.escalation("com_1", incident.id) is None


async def test_without_a_rotation_all_is_as_ever(team: Team) -> None:
    await team.store.delete_rotation("com_1", "rot_1", audit=audit("com_1"))
    incident = await team.leak()
    assert await team.told() == [("dst_channel", "incident.opened")]
    assert incident.assignee is None


async def test_nobody_is_told_twice_who_is_told_already(team: Team) -> None:
    changed = Moderator(id="ada", community_id="com_1", name="Ada", destination_ids=("dst_channel", "dst_ada"))
    await team.store.change_moderator(changed, audit=audit("com_1"))
    await team.leak()
    assert await team.told() == [("dst_ada", "incident.opened"), ("dst_channel", "incident.opened")]


async def test_an_incident_that_is_not_acknowledged_in_time_goes_to_the_next(team: Team) -> None:
    await team.leak()
    await team.later(59 * MINUTE)
    assert await team.asked() == ["ada"]
    await team.later(MINUTE)
    assert await team.asked() == ["ada", "ben"]
    assert await team.told(since=team.clock.now()) == [("dst_ben", "incident.escalated")]
    assert (await team.incident()).assignee == "Ben"
    await team.later(59 * MINUTE)
    assert await team.asked() == ["ada", "ben"]
    await team.later(MINUTE)
    assert await team.asked() == ["ada", "ben", "cleo"]


@pytest.mark.parametrize(
    "decision",
    [
        partial(acknowledge, assignee="Ben", at=START),
        partial(resolve, reason=None, at=START),
        partial(dismiss, reason="a namesake", at=START),
    ],
    ids=["acknowledge", "resolve", "dismiss"],
)
async def test_whoever_decides_ends_the_waiting(team: Team, decision: Any) -> None:
    incident = await team.leak()
    async with team.store.transaction() as transaction:
        await decide(transaction, "com_1", incident.id, decision, actor="key_1", at=team.clock.now())
    await team.later(timedelta(days=1))
    assert await team.asked() == ["ada"]
    assert await team.store.escalation("com_1", incident.id) is None


async def test_a_decision_that_fails_leaves_the_incident_waiting(team: Team) -> None:
    incident = await team.leak()

    async def fail() -> None:
        async with team.store.transaction() as transaction:
            decision = partial(acknowledge, assignee="Ben", at=START)
            await decide(transaction, "com_1", incident.id, decision, actor="key_1", at=team.clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await team.later(60 * MINUTE)
    assert await team.asked() == ["ada", "ben"]


async def test_once_all_were_asked_everybody_is_told_and_it_begins_anew_but_not_for_ever(team: Team) -> None:
    await team.leak()
    for _ in range(3):
        await team.later(60 * MINUTE)
    everybody = [(f"dst_{name}", "incident.escalated") for name in ("ada", "ben", "channel", "cleo")]
    assert await team.told(since=team.clock.now()) == everybody
    assert await team.asked() == ["ada", "ben", "cleo", "ada"]
    for _ in range(3 * MOST_ROUNDS):
        await team.later(60 * MINUTE)
    assert await team.asked() == list(NAMES) * MOST_ROUNDS
    assert len([one for one in await team.told() if one == ("dst_channel", "incident.escalated")]) == MOST_ROUNDS
    waiting = await team.store.escalation("com_1", (await team.incident()).id)
    assert waiting is not None
    assert (waiting.due_at, waiting.waiting_since) == (None, START)
    before = await team.told()
    await team.later(timedelta(days=2))
    assert await team.told() == before


async def test_one_alone_is_asked_again_and_again_within_bounds(tmp_path: Path) -> None:
    clock = HandClock()
    async with open_store(tmp_path, clock) as store:
        await set_up(store, rotation=replace(ROTATION, moderator_ids=("ben",)))
        team = Team(store, clock, Escalator(store, clock, planned=lambda: None))
        await team.leak()
        for _ in range(10):
            await team.later(60 * MINUTE)
        assert await team.asked() == ["ben"] * MOST_ROUNDS


async def test_a_moderator_who_cannot_be_reached_is_passed_over(team: Team) -> None:
    await team.store.set_destination_enabled("com_1", "dst_ada", False, audit=audit("com_1"))
    await team.leak()
    assert await team.asked() == ["ben"]


async def test_where_nobody_can_be_reached_everybody_else_is_told(team: Team) -> None:
    for name in NAMES:
        await team.store.set_destination_enabled("com_1", f"dst_{name}", False, audit=audit("com_1"))
    await team.leak()
    assert await team.told() == [("dst_channel", "incident.opened")]
    await team.later(60 * MINUTE)
    assert await team.told(since=team.clock.now()) == [("dst_channel", "incident.escalated")]
    await team.store.set_destination_enabled("com_1", "dst_cleo", True, audit=audit("com_1"))
    await team.later(60 * MINUTE)
    assert await team.asked() == ["cleo"]


async def test_who_is_absent_is_not_asked(team: Team) -> None:
    absence = Override(id="ovr_1", moderator_id="ada", from_at=START, until_at=START + 90 * MINUTE)
    await team.store.add_override("com_1", "rot_1", absence, audit=audit("com_1"))
    await team.leak()
    await team.later(60 * MINUTE)
    await team.later(60 * MINUTE)
    assert await team.asked() == ["ben", "cleo", "ada"]


async def test_an_incident_that_becomes_grave_later_is_assigned_then(team: Team) -> None:
    await team.leak(score=60)
    team.clock.advance(MINUTE)
    incident = await team.leak(score=75)
    assert incident.assignee == "Ada"
    assert await team.told(since=team.clock.now()) == [
        ("dst_ada", "incident.updated"),
        ("dst_channel", "incident.updated"),
    ]


async def test_an_incident_that_becomes_critical_waits_no_longer_than_a_critical_one(team: Team) -> None:
    incident = await team.leak(score=75)
    team.clock.advance(10 * MINUTE)
    await team.leak(score=95)
    waiting = await team.store.escalation("com_1", incident.id)
    assert waiting is not None
    assert (waiting.waiting_since, waiting.due_at) == (START, START + 25 * MINUTE)
    assert await team.asked() == ["ada"]


async def test_an_acknowledged_incident_is_not_taken_from_who_has_it(team: Team) -> None:
    incident = await team.leak(score=75)
    async with team.store.transaction() as transaction:
        decision = partial(acknowledge, assignee="Ben", at=START)
        await decide(transaction, "com_1", incident.id, decision, actor="key_1", at=team.clock.now())
    assert (await team.leak(score=95)).assignee == "Ben"
    assert await team.store.escalation("com_1", incident.id) is None


async def test_a_leak_that_comes_back_is_assigned_anew(team: Team) -> None:
    incident = await team.leak(score=75)
    async with team.store.transaction() as transaction:
        decision = partial(resolve, reason=None, at=START)
        await decide(transaction, "com_1", incident.id, decision, actor="key_1", at=team.clock.now())
    team.clock.advance(timedelta(days=7))
    again = await team.leak(score=95)
    assert (again.id, again.state, again.assignee) == (incident.id, IncidentState.REGRESSED, "Ben")


async def test_a_heavy_incident_goes_next_to_who_had_to_read_least(team: Team) -> None:
    async with team.store.transaction() as transaction:
        await transaction.add_heavy_items("com_1", ["ada", "ben", "ben"], START - timedelta(days=6))
        await transaction.add_heavy_items("com_1", ["cleo"] * 5, START - timedelta(days=8))
    await team.leak(alert_class=AlertClass.THREAT)
    for _ in range(2):
        await team.later(60 * MINUTE)
    assert await team.asked() == ["ada", "cleo", "ben"]


async def test_any_other_incident_goes_by_turns(team: Team) -> None:
    async with team.store.transaction() as transaction:
        await transaction.add_heavy_items("com_1", ["ben"] * 5, START)
    await team.leak()
    await team.later(60 * MINUTE)
    assert await team.asked() == ["ada", "ben"]


async def test_deleting_the_rotation_ends_the_waiting(team: Team) -> None:
    incident = await team.leak()
    await team.store.delete_rotation("com_1", "rot_1", audit=audit("com_1"))
    await team.later(timedelta(days=1))
    assert await team.store.escalation("com_1", incident.id) is None
    assert await team.asked() == ["ada"]


async def test_two_that_look_at_once_ask_one_moderator(team: Team, tmp_path: Path) -> None:
    await team.leak()
    team.clock.advance(60 * MINUTE)
    async with open_store(tmp_path, team.clock) as second:
        other = Escalator(second, team.clock, planned=lambda: None)
        await asyncio.gather(*(one.escalate_due() for one in (team.escalator, other) * 4))
    assert await team.asked() == ["ada", "ben"]
    assert await team.told(since=team.clock.now()) == [("dst_ben", "incident.escalated")]


async def test_a_database_that_fails_costs_no_incident_its_escalation(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await team.leak()

    async def failing(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("alerting.escalation.plan_notice", failing)
        await team.later(60 * MINUTE)
        assert await team.asked() == ["ada"]
        assert (await team.incident()).assignee == "Ada"
    await team.later(MINUTE)
    assert await team.asked() == ["ada", "ben"]


async def test_one_that_cannot_be_escalated_holds_up_no_other(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await team.leak()
    team.clock.advance(MINUTE)
    second = await team.leak(2, evidence="another", excerpt="another", matches=(), entities=())
    assert first.id != second.id
    alerts = team.store.alerts

    async def failing(community_id: str, listing: Listing, wanted: Any) -> Any:
        if wanted.incident_id == first.id:
            raise StoreError("a page is damaged")
        return await alerts(community_id, listing, wanted)

    monkeypatch.setattr(team.store, "alerts", failing)
    await team.later(60 * MINUTE)
    assert (await team.store.incident("com_1", second.id)).assignee == "Ben"
    assert (await team.store.incident("com_1", first.id)).assignee == "Ada"


def _escalate(folder: Path, now: datetime) -> None:
    """Escalate all that is due, in a process of its own."""
    configure_logs("CRITICAL")

    async def work() -> None:
        clock = HandClock(now)
        async with open_store(folder, clock) as store:
            await Escalator(store, clock, planned=lambda: None).escalate_due()

    asyncio.run(work())


async def test_an_escalator_that_is_killed_passes_nobody_over_and_asks_nobody_twice(team: Team, tmp_path: Path) -> None:
    count = 30
    for number in range(count):
        await team.leak(number, evidence=f"leak {number}", excerpt="x", matches=(), entities=())
    assert len((await team.store.incidents("com_1", Listing(limit=100), ANY)).items) == count
    team.clock.advance(60 * MINUTE)
    at = team.clock.now()
    killed = multiprocessing.get_context("spawn").Process(target=_escalate, args=(tmp_path, at))
    killed.start()
    while killed.is_alive() and len(await team.store.due_escalations(at)) > count - 3:
        await asyncio.to_thread(killed.join, 0.001)
    killed.kill()
    await asyncio.to_thread(killed.join)
    assert killed.exitcode == -signal.SIGKILL
    assert 0 < len(await team.store.due_escalations(at)) < count
    await team.escalator.escalate_due()
    assert await team.store.due_escalations(at) == ()
    assert await team.told(since=at) == [("dst_ben", "incident.escalated")] * count
    assert sorted(await team.asked()) == ["ada"] * count + ["ben"] * count
