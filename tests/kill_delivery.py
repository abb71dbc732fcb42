"""Kills a service with SIGKILL at random moments while it reads and delivers, and tells what that cost.

``python -m tests.kill_delivery [KILLS]`` kills it 200 times by default, and as often in a variant that marks a notice
as delivered before it is sent. The service is a real process on a real SQLite file; the receiver counts a notice only
when it could answer it, as one does that keeps what it takes.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from core.listing import whole
from core.ports import AlertFilter, IncidentFilter
from core.types import Community, DeliveryState, Severity
from monitor.parts import build_parts
from monitor.setup import add_destination, add_source
from monitor.wiring import open_service, open_store
from tests.killed_service import pause, serve, settings_of
from tests.service_fixtures import handle, import_sample, watchlist_of_handles

DESTINATIONS = 2
LEAKS_A_ROUND = 2
HANDLES = 500
OTHERS_A_ROUND = 8
LONGEST_ROUND_SECONDS = 60
LONGEST_END_SECONDS = 1800
WORDS = ("ferry", "harbor", "market", "lantern", "bridge", "winter", "garden", "letter", "window", "kitchen", "silver")


@dataclass(frozen=True)
class Outcome:
    """What came of it: all of these but ``sent_twice`` must be empty or zero. ``sent_twice`` counts what arrived more
    than once under one id."""

    leaks: int
    deliveries: int
    missing_alerts: frozenset[str]
    untold_incidents: frozenset[str]
    undelivered: frozenset[str]
    never_arrived: frozenset[str]
    under_two_ids: frozenset[tuple[str, int]]
    sent_twice: int


@dataclass
class Receiver:
    """Takes notices at ``/0``, ``/1`` … and remembers what it could answer: path, sequence number and id."""

    chance: random.Random
    begun: int = 0
    taken: list[tuple[str, int, str]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split()[1]
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.begun += 1
            await pause(self.chance.uniform(0, 0.04))
            if not reader.at_eof():
                self.taken.append((path, body["sequence"], headers["webhook-id"]))
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def kill_and_look(folder: Path, kills: int, *, is_broken: bool = False, seed: int = 1) -> Outcome:
    """Kill the service so often while it works, let it end its work, and return what came of it."""
    chance = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.warm_service"])
    receiver = Receiver(chance)
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
    async with server:
        community = await _prepare(folder, server.sockets[0].getsockname()[1])
        leaks: set[str] = set()
        for number in range(kills):
            leaks |= _append(folder / "documents.jsonl", number, chance)
            process = processes.Process(target=serve, args=(folder, number, is_broken))
            process.start()
            begun = receiver.begun
            async with asyncio.timeout(LONGEST_ROUND_SECONDS):
                while receiver.begun == begun and process.is_alive():
                    await pause(0.002)
            await pause(chance.uniform(0, 0.15))
            process.kill()
            await asyncio.to_thread(process.join)
        last = processes.Process(target=serve, args=(folder, kills, is_broken))
        last.start()
        await asyncio.to_thread(last.join, LONGEST_END_SECONDS)
        assert last.exitcode == 0, "the service did not end its work in time"
        return await _outcome(folder, community, frozenset(leaks), receiver)


async def _prepare(folder: Path, port: int) -> Community:
    async with open_service(build_parts(settings_of(folder))) as service:
        community = await import_sample(service, folder, watchlist_of_handles(HANDLES))
        (folder / "documents.jsonl").touch()
        await add_source(
            service.store,
            service.parts,
            community.id,
            kind="files",
            name="posts",
            settings={"path": str(folder / "documents.jsonl")},
            interval=timedelta(seconds=1),
            maximum_interval=timedelta(seconds=1),
        )
        for number in range(DESTINATIONS):
            await add_destination(
                service.store,
                service.parts,
                community.id,
                kind="webhook",
                name=f"moderators {number}",
                settings={"url": f"http://127.0.0.1:{port}/{number}", "secret": "whsec_" + "A" * 32},
                minimum_severity=Severity.LOW,
            )
        return community


def _append(path: Path, number: int, chance: random.Random) -> set[str]:
    """Add the posts of a round to the file; return the ids of those that are leaks."""
    leaks = {f"leak-{number}-{leak}" for leak in range(LEAKS_A_ROUND)}
    posts = [
        (name, f"{_words(chance)} everybody knows {handle(LEAKS_A_ROUND * number + place)} now")
        for place, name in enumerate(sorted(leaks))
    ]
    posts += [(f"post-{number}-{post}", f"{_words(chance)} {number} {post}") for post in range(OTHERS_A_ROUND)]
    chance.shuffle(posts)
    with path.open("a") as lines:
        lines.writelines(json.dumps({"id": name, "text": text}) + "\n" for name, text in posts)
    return leaks


def _words(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=12))


async def _outcome(folder: Path, community: Community, leaks: frozenset[str], receiver: Receiver) -> Outcome:
    async with open_store(settings_of(folder)) as store:
        alerts = await whole(lambda listing: store.alerts(community.id, listing, AlertFilter()))
        incidents = await whole(lambda listing: store.incidents(community.id, listing, IncidentFilter()))
        deliveries = await whole(partial(store.deliveries, community.id))
    ids_at: dict[tuple[str, int], set[str]] = defaultdict(set)
    for path, sequence, message_id in receiver.taken:
        ids_at[path, sequence].add(message_id)
    arrived = Counter(message_id for _, _, message_id in receiver.taken)
    return Outcome(
        leaks=len(leaks),
        deliveries=len(deliveries),
        missing_alerts=leaks - {str(alert.document.external_id).rpartition(":")[2] for alert in alerts},
        untold_incidents=frozenset({one.id for one in incidents} - {str(one.incident_id) for one in deliveries}),
        undelivered=frozenset(one.id for one in deliveries if one.state is not DeliveryState.DELIVERED),
        never_arrived=frozenset({one.idempotency_key for one in deliveries} - arrived.keys()),
        under_two_ids=frozenset(place for place, ids in ids_at.items() if len(ids) > 1),
        sent_twice=sum(count > 1 for count in arrived.values()),
    )


def main(kills: int) -> None:
    """Print what came of it, for the service as it is and for the broken variant."""
    for is_broken in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            outcome = asyncio.run(kill_and_look(Path(folder), kills, is_broken=is_broken))
        print(
            f"{'marked before sent' if is_broken else 'as it is'}: {kills} kills, {outcome.leaks} leaks, "
            f"{outcome.deliveries} notices planned; alerts missing {len(outcome.missing_alerts)}, "
            f"never arrived {len(outcome.never_arrived)}, sent twice under one id {outcome.sent_twice}, "
            f"under two ids {len(outcome.under_two_ids)}",
            flush=True,
        )
        if is_lost(outcome) is not is_broken:
            sys.exit("This is not what must come of it.")


def is_lost(outcome: Outcome) -> bool:
    """Return whether something was lost, or came under two ids."""
    return any(
        (
            outcome.missing_alerts,
            outcome.untold_incidents,
            outcome.undelivered,
            outcome.never_arrived,
            outcome.under_two_ids,
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
