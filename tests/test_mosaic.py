"""Pieces about one member add up, in a real store; of none of them the value is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.mosaic import PIECE_SIGNAL, SIGNAL, add_to_mosaic, mosaic_table
from core.db.store import SqlStore
from core.ports import AlertFilter, IncidentFilter, Listing
from core.types import (
    Alert,
    AlertClass,
    Document,
    Entity,
    EntityType,
    EventType,
    Severity,
    Span,
)
from tests.alerting_fixtures import HandClock, alert, audit, destination, open_store

ALL = Listing(limit=100)
MEMBER = ("person", "p1")
REMEMBER = timedelta(days=30)


@dataclass
class Weeks:
    """A store, its clock, and what is told as time goes on."""

    store: SqlStore
    clock: HandClock
    path: Path
    number: int = 0

    async def tell(
        self, *things: tuple[EntityType, str], members: tuple[tuple[str, str], ...] = (MEMBER,), days: int = 0
    ) -> tuple[Alert, ...]:
        """Raise an alert, days later, in a document of its own, that links the things to the members."""
        self.clock.advance(timedelta(days=days))
        self.number += 1
        at = self.clock.now()
        entities = tuple(
            Entity(type=kind, span=Span("text", 0, 1), found=found, confidence=1.0, recogniser="test")
            for kind, found in things
        )
        url = f"https://site{self.number}.example/t"
        document = Document(id=f"feed:{self.number}", source="feed", external_id=str(self.number), text="x", url=url)
        one = replace(
            alert(), document=document, matches=(), entities=entities, linked=entities, members=members, raised_at=at
        )
        async with self.store.transaction() as transaction:
            return await add_to_mosaic(transaction, one, at=at, remember=REMEMBER)


NAME = (EntityType.PERSON, "Mirabella")
TOWN = (EntityType.LOCATION, "Harborton")
EMPLOYER = (EntityType.ORGANIZATION, "Quayside Mill")


@pytest.fixture
async def weeks(tmp_path: Path) -> AsyncIterator[Weeks]:
    clock = HandClock()
    async with open_store(tmp_path, clock) as store:
        await store.add_destination(destination({}), audit=audit("dst_1"))
        yield Weeks(store, clock, tmp_path)


async def test_pieces_that_identify_together_open_an_incident_that_shows_them_in_order(weeks: Weeks) -> None:
    assert await weeks.tell(NAME) == ()
    assert await weeks.tell(EMPLOYER, days=5) == ()
    (raised,) = await weeks.tell(TOWN, days=7)
    (incident,) = (await weeks.store.incidents("com_1", ALL, IncidentFilter())).items
    assert (incident.id, incident.alert_class, incident.severity) == (
        raised.incident_id,
        AlertClass.LINKAGE,
        Severity.HIGH,
    )
    (kept,) = (await weeks.store.alerts("com_1", ALL, AlertFilter(incident_id=incident.id))).items
    assert [signal.name for signal in kept.signals] == [SIGNAL, PIECE_SIGNAL, PIECE_SIGNAL, PIECE_SIGNAL]
    assert "told in 3 documents since 2026-11-20" in kept.signals[0].text
    assert [signal.text for signal in kept.signals[1:]] == [
        "a name was told on 2026-11-20 on site1.example",
        "an organisation was told on 2026-11-25 on site2.example",
        "a place was told on 2026-12-02 on site3.example",
    ]
    (delivery,) = (await weeks.store.deliveries("com_1", ALL)).items
    assert (delivery.event, delivery.incident_id) == (EventType.INCIDENT_OPENED, incident.id)


async def test_a_mosaic_opens_once(weeks: Weeks) -> None:
    for piece in (NAME, EMPLOYER):
        await weeks.tell(piece)
    assert len(await weeks.tell(TOWN)) == 1
    assert await weeks.tell(TOWN, days=1) == ()
    assert await weeks.tell((EntityType.LOCATION, "Westerby")) == ()


async def test_what_one_document_tells_alone_is_no_mosaic(weeks: Weeks) -> None:
    assert await weeks.tell(NAME, EMPLOYER, TOWN) == ()
    assert await weeks.tell(TOWN) == ()


async def test_pieces_of_different_members_do_not_add_up(weeks: Weeks) -> None:
    await weeks.tell(NAME)
    await weeks.tell(EMPLOYER, members=(("person", "p2"),))
    assert await weeks.tell(TOWN, members=(MEMBER, ("person", "p2"))) == ()
    assert await weeks.tell(TOWN) == ()


async def test_what_was_told_long_ago_is_forgotten(weeks: Weeks) -> None:
    await weeks.tell(NAME)
    await weeks.tell(EMPLOYER, days=20)
    assert await weeks.tell(TOWN, days=11) == ()
    assert await weeks.store.prune(weeks.clock.now()) == 1
    assert len(await weeks.tell(NAME)) == 1


async def test_nothing_that_was_told_stands_in_the_database_not_even_sealed(weeks: Weeks) -> None:
    for piece in (NAME, EMPLOYER):
        await weeks.tell(piece, days=1)
    async with weeks.store.transaction() as transaction:
        known = await transaction.pieces("com_1", '["wl_1", "person", "p1"]')
    assert [piece.kind for piece in known] == ["PERSON", "ORGANIZATION"]
    opened = repr([(piece.digest, piece.document_digest, piece.site) for piece in known]).lower()
    with closing(sqlite3.connect(weeks.path / "leakwatch.sqlite3")) as file:
        dump = str(file.execute("SELECT * FROM piece").fetchall()).lower()
    for value in ("mirabella", "quayside", "organization", "p1"):
        assert value not in dump
        assert value not in opened


def test_every_set_says_why() -> None:
    assert all(len(one.kinds) > 1 and one.why.strip() for one in mosaic_table().sets)
