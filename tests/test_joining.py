"""Alerts about one leak join through a real store, and others open incidents of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from alerting.incidents import decide, raise_alert, resolve
from alerting.joining import Memory
from alerting.traces import trace_of
from core.db.store import SqlStore
from core.ids import new_id
from core.types import (
    Alert,
    AlertClass,
    Document,
    Entity,
    EntityType,
    Incident,
    IncidentState,
    Match,
    Signal,
    Span,
    TermKind,
)
from matchers.fingerprints import Fingerprinter
from tests.alerting_fixtures import START, HandClock, open_store

SHINGLER = Fingerprinter(b"a key of thirty-two bytes, secret").placed
MEMORY = Memory(of_leaks=timedelta(days=30), of_members=timedelta(hours=24))
LEAK = "So here it is for all of you to read and pass on: raven is Karl Lindqvist, who works at the mill in Harborton."
NUMBERS = iter(range(1, 10_000))


@dataclass
class Desk:
    """A store, its clock, and the way alerts come in."""

    store: SqlStore
    clock: HandClock
    path: Path

    async def see(
        self, text: str, *, host: str = "forum.example", url: str | None = None, kind: EntityType | None = None,
        name: str = "Karl Lindqvist", members: tuple[tuple[str, str], ...] = (), watchlist_id: str = "wl_1",
    ) -> Incident:  # fmt: skip
        """Raise an alert about ``raven`` and what stands under ``name`` in the text, on a page of its own."""
        page = url or f"https://{host}/t/{next(NUMBERS)}"
        one = alert(text, page, name, kind or EntityType.PERSON, self.clock.now())
        one = replace(one, members=members, watchlist_id=watchlist_id)
        async with self.store.transaction() as transaction:
            return await raise_alert(
                transaction, one, at=self.clock.now(), trace=trace_of(one, SHINGLER), memory=MEMORY
            )

    async def resolve(self, incident: Incident) -> None:
        """Close the incident."""
        decision = partial(resolve, reason=None, at=self.clock.now())
        async with self.store.transaction() as transaction:
            await decide(transaction, "com_1", incident.id, decision, actor="test", at=self.clock.now())


def alert(text: str, url: str, name: str, kind: EntityType, at: datetime) -> Alert:
    spans = [Span("text", text.index(one), text.index(one) + len(one)) for one in ("raven", name) if one in text]
    return Alert(
        id=new_id("alt"),
        community_id="com_1",
        watchlist_id="wl_1",
        alert_class=AlertClass.LINKAGE,
        score=75,
        signals=(Signal(name="linked", points=75, text="", spans=tuple(spans)),),
        matches=(Match(term_id="t1", kind=TermKind.PSEUDONYM, span=spans[0], found="raven"),),
        entities=tuple(
            Entity(type=kind, span=span, found=name, confidence=1.0, recogniser="test") for span in spans[1:]
        ),
        document=Document(id=f"feed:{url}", source="feed", external_id=url, url=url, text=text),
        raised_at=at,
        excerpt="",
        evidence="",
    )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = HandClock(START)
    async with open_store(tmp_path, clock) as store:
        yield Desk(store, clock, tmp_path)


async def test_a_copy_inside_a_thread_joins_on_whatever_site_it_stands(desk: Desk) -> None:
    first = await desk.see(LEAK)
    thread = f"I do not believe my eyes.\n> {LEAK}\nWho would do such a thing? Please take it down, whoever you are."
    second = await desk.see(thread, host="other.example")
    assert (second.id, second.sighting_count, second.site_count) == (first.id, 2, 2)


async def test_another_leak_about_the_same_pseudonym_opens_its_own_incident(desk: Desk) -> None:
    first = await desk.see(LEAK)
    other = "I have seen raven in Westerby, at 4 Mill Lane to be exact, where the red door is, every single evening."
    assert (await desk.see(other, name="4 Mill Lane", kind=EntityType.ADDRESS)).id != first.id


async def test_the_same_text_for_another_watchlist_is_another_incident(desk: Desk) -> None:
    first = await desk.see(LEAK)
    assert (await desk.see(LEAK, watchlist_id="wl_2")).id != first.id


async def test_one_page_read_by_two_sources_is_one_leak(desk: Desk) -> None:
    page = "https://paste.example/abc"
    first = await desk.see(LEAK, url=page)
    cut = "raven is a member whom somebody found out"
    assert (await desk.see(cut, url="http://www.paste.example/abc/?utm_source=feed")).id == first.id


async def test_who_links_to_a_leak_joins_it_unless_more_is_told(desk: Desk) -> None:
    page = "https://paste.example/abc"
    first = await desk.see(LEAK, url=page)
    told = f"everything about raven is at {page} by now"
    assert (await desk.see(told, host="other.example")).id == first.id
    more = f"raven lives at 4 Mill Lane and the rest is at {page} by now"
    assert (await desk.see(more, host="third.example", name="4 Mill Lane", kind=EntityType.ADDRESS)).id != first.id


async def test_a_leak_joins_those_who_linked_to_it_before_it_was_read(desk: Desk) -> None:
    page = "https://paste.example/abc"
    first = await desk.see(f"raven is Karl Lindqvist, they say at {page} since today")
    assert (await desk.see("There is raven, there is the mill: Karl Lindqvist it is.", url=page)).id == first.id


async def test_one_member_within_the_window_is_one_incident_unless_more_is_told(desk: Desk) -> None:
    member = (("person", "p1"),)
    first = await desk.see("somebody said raven is called Karl Lindqvist", members=member)
    desk.clock.advance(timedelta(hours=20))
    second = await desk.see("Karl Lindqvist? raven?", members=member)
    assert second.id == first.id
    address = "raven? try 4 Mill Lane"
    more = await desk.see(address, members=member, name="4 Mill Lane", kind=EntityType.ADDRESS)
    assert more.id != first.id
    both = await desk.see("raven, and Karl Lindqvist", members=(*member, ("person", "p2")))
    assert both.id not in (first.id, more.id)
    desk.clock.advance(timedelta(hours=25))
    assert (await desk.see("it was Karl Lindqvist, raven", members=member)).id not in (first.id, more.id, both.id)


async def test_a_member_joins_no_closed_incident(desk: Desk) -> None:
    member = (("person", "p1"),)
    first = await desk.see("somebody said raven is called Karl Lindqvist", members=member)
    await desk.resolve(first)
    assert (await desk.see("Karl Lindqvist? raven?", members=member)).id != first.id


async def test_a_copy_of_a_resolved_leak_opens_it_again(desk: Desk) -> None:
    first = await desk.see(LEAK)
    await desk.resolve(first)
    again = await desk.see(f"FOUND THIS TODAY\n{LEAK}", host="other.example")
    assert (again.id, again.state) == (first.id, IncidentState.REGRESSED)


async def test_a_leak_is_forgotten_when_its_time_is_over_and_remembered_while_it_goes_on(desk: Desk) -> None:
    first = await desk.see(LEAK)
    desk.clock.advance(timedelta(days=29))
    assert (await desk.see(f"Again: {LEAK}")).id == first.id
    desk.clock.advance(timedelta(days=29))
    assert (await desk.see(f"And again, dear all. {LEAK}")).id == first.id
    desk.clock.advance(timedelta(days=31))
    assert (await desk.see(f"And again! {LEAK}")).id != first.id
    assert await desk.store.prune(desk.clock.now()) > 0


async def test_nothing_of_the_text_can_be_read_or_tested_in_the_database(desk: Desk) -> None:
    await desk.see(LEAK)
    with closing(sqlite3.connect(desk.path / "leakwatch.sqlite3")) as file:
        dump = b"".join(
            str(row).encode()
            for table in ("trace", "incident_key", "incident_term", "sighting", "alert", "incident")
            for row in file.execute(f"SELECT * FROM {table}")
        )
        sealed = [row[0] for row in file.execute("SELECT sealed FROM trace")]
    for word in LEAK.split():
        assert len(word) < 6 or word.encode() not in dump
    shingles = [int(one).to_bytes(8, "little") for one in SHINGLER(LEAK)[1]]
    assert len(sealed) == 1
    assert not any(one in sealed[0] or one in dump for one in shingles)
