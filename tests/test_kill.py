"""Killing the process at any moment loses no alert, raises none twice, and skips no page."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from core.listing import whole
from core.ports import AlertFilter, IncidentFilter
from core.types import Severity
from monitor.parts import build_parts
from monitor.setup import add_destination
from monitor.wiring import open_service, open_store
from tests.killed_service import pause, seen_count
from tests.replay import replay
from tests.service_fixtures import add, import_sample, settings_for, write_documents

DOCUMENT_COUNT = 2_000
KILLS_IN_A_REPLAY = 5
LONGEST_REPLAY_SECONDS = 60


def texts() -> list[str]:
    """Return posts of which every twentieth is a leak, and every hundredth the copy of an earlier leak."""
    posts = []
    for number in range(DOCUMENT_COUNT):
        if number % 100 == 99:
            posts.append("quiet-lantern is really Maria Gonzalez, pass it on")
        elif number % 20 == 19:
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


def started(folder: Path, start: int) -> ForkServerProcess:
    """Begin the replay in a process that has everything imported."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.warm_service"])
    process = processes.Process(target=replay, args=(folder, start))
    process.start()
    return process


async def kill_during_replay(folder: Path, moments: list[int], chance: random.Random) -> int:
    """Start the replay again and again, and kill it a little after each number of documents, anywhere in the work on
    a page; return the kills."""
    kills = 0
    for number, moment in enumerate(moments):
        process = started(folder, number)
        try:
            async with asyncio.timeout(LONGEST_REPLAY_SECONDS):
                while process.is_alive() and seen_count(folder) < moment:
                    await pause(0.01)
            await pause(chance.uniform(0, 0.15))
            kills += process.is_alive()
        finally:
            process.kill()
            process.join()
    return kills


def end(process: ForkServerProcess) -> None:
    """Let the replay come to its end, which must be a good one."""
    process.join(LONGEST_REPLAY_SECONDS)
    assert process.exitcode == 0


async def outcome(folder: Path, community_id: str) -> dict[str, object]:
    """Return everything that came of the replay, without the ids that differ from run to run."""
    async with open_store(settings_for(folder)) as store:
        alerts = await whole(lambda listing: store.alerts(community_id, listing, AlertFilter()))
        incidents = await whole(lambda listing: store.incidents(community_id, listing, IncidentFilter()))
        deliveries = await whole(partial(store.deliveries, community_id))
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
    end(started(folder, 0))
    return asyncio.run(outcome(folder, community_id))


def test_the_undisturbed_replay_raises_every_alert(undisturbed: dict[str, object]) -> None:
    assert len(undisturbed["alerts"]) == DOCUMENT_COUNT // 20  # type: ignore[arg-type]
    assert undisturbed["seen"] == DOCUMENT_COUNT


@pytest.mark.parametrize("seed", range(4))
async def test_a_replay_killed_at_random_moments_ends_with_the_same_alerts(
    seed: int, tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    chance = random.Random(seed)
    community_id = await prepare(tmp_path)
    moments = sorted(chance.sample(range(1, DOCUMENT_COUNT - 600), KILLS_IN_A_REPLAY))

    kills = await kill_during_replay(tmp_path, moments, chance)
    end(started(tmp_path, KILLS_IN_A_REPLAY))

    assert kills == KILLS_IN_A_REPLAY
    assert await outcome(tmp_path, community_id) == undisturbed
