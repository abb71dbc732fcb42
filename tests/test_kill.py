"""Killing the process at any moment loses no alert, raises none twice, and skips no page."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from core.ports import AlertFilter, IncidentFilter, Listing, Slice
from core.types import Severity
from monitor.parts import build_parts
from monitor.setup import add_destination
from monitor.wiring import open_service, open_store
from tests.conftest import REPOSITORY
from tests.service_fixtures import add, import_sample, settings_for, write_documents

T = TypeVar("T")
DOCUMENT_COUNT = 4_000
KILLS_IN_A_REPLAY = 5
LONGEST_REPLAY_SECONDS = 60


def texts() -> list[str]:
    """Return posts of which every tenth is a leak, and every hundredth the copy of an earlier leak."""
    posts = []
    for number in range(DOCUMENT_COUNT):
        if number % 100 == 99:
            posts.append("quiet-lantern is really Maria Gonzalez, pass it on")
        elif number % 10 == 9:
            posts.append(f"post {number}: everybody knows n1ght_h3ron by now")
        else:
            posts.append(f"post {number}: the ferry was late again this morning")
    return posts


async def prepare(folder: Path) -> str:
    """Make a database with a community, a source of documents and a destination; return the community's id."""
    async with open_service(build_parts(settings_for(folder))) as service:
        community = await import_sample(service, folder)
        write_documents(folder / "documents.jsonl", texts())
        await add(service, community, "files", {"path": str(folder / "documents.jsonl")})
        await add_destination(
            service.store,
            service.parts,
            community.id,
            kind="webhook",
            name="moderators",
            settings={"url": "https://moderators.example/leaks", "secret": "whsec_" + "A" * 32},
            minimum_severity=Severity.LOW,
        )
        return community.id


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.replay", str(folder)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
    )


def seen_count(folder: Path) -> int:
    with sqlite3.connect(f"file:{folder / 'leakwatch.sqlite3'}?mode=ro", uri=True, timeout=10) as database:
        (count,) = database.execute("select count(*) from seen").fetchone()
    database.close()
    return int(count)


async def kill_during_replay(folder: Path, moments: list[int], chance: random.Random) -> int:
    """Start the replay again and again, and kill it a little after each number of documents; return the kills."""
    kills, pause = 0, asyncio.Event()
    for moment in moments:
        process = start(folder)
        try:
            async with asyncio.timeout(LONGEST_REPLAY_SECONDS):
                while process.poll() is None and seen_count(folder) < moment:
                    await wait(pause, 0.002)
            await wait(pause, chance.uniform(0, 0.03))
            if process.poll() is None:
                process.kill()
                kills += 1
        finally:
            process.kill()
            process.communicate()
    return kills


async def wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def everything(listed: Callable[[Listing], Awaitable[Slice[T]]]) -> list[T]:
    items: list[T] = []
    cursor = None
    while True:
        part = await listed(Listing(cursor=cursor, limit=200))
        items += part.items
        cursor = part.next_cursor
        if cursor is None:
            return items


async def outcome(folder: Path, community_id: str) -> dict[str, object]:
    """Return everything that came of the replay, without the ids that differ from run to run."""
    async with open_store(settings_for(folder)) as store:
        alerts = await everything(lambda listing: store.alerts(community_id, listing, AlertFilter()))
        incidents = await everything(lambda listing: store.incidents(community_id, listing, IncidentFilter()))
        deliveries = await everything(lambda listing: store.deliveries(community_id, listing))
        return {
            "alerts": sorted((alert.document.id, alert.alert_class, alert.score) for alert in alerts),
            "incidents": sorted(
                (incident.alert_class, incident.score, incident.sighting_count) for incident in incidents
            ),
            "deliveries": sorted(delivery.sequence for delivery in deliveries),
            "seen": seen_count(folder),
        }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return the outcome of a replay that nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    community_id = asyncio.run(prepare(folder))
    process = start(folder)
    _, errors = process.communicate(timeout=LONGEST_REPLAY_SECONDS)
    assert process.returncode == 0, errors.decode()
    return asyncio.run(outcome(folder, community_id))


def test_the_undisturbed_replay_raises_every_alert(undisturbed: dict[str, object]) -> None:
    assert len(undisturbed["alerts"]) == DOCUMENT_COUNT // 10  # type: ignore[arg-type]
    assert undisturbed["seen"] == DOCUMENT_COUNT


@pytest.mark.parametrize("seed", range(4))
async def test_a_replay_killed_at_random_moments_ends_with_the_same_alerts(
    seed: int, tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    chance = random.Random(seed)
    community_id = await prepare(tmp_path)
    moments = sorted(chance.sample(range(1, DOCUMENT_COUNT - 400), KILLS_IN_A_REPLAY))

    kills = await kill_during_replay(tmp_path, moments, chance)
    process = start(tmp_path)
    _, errors = process.communicate(timeout=LONGEST_REPLAY_SECONDS)

    assert kills == KILLS_IN_A_REPLAY
    assert process.returncode == 0, errors.decode()
    assert await outcome(tmp_path, community_id) == undisturbed
