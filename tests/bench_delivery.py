"""Measures how long a notice takes from the moment its document enters until its receiver has it.

``python -m tests.bench_delivery [SECONDS] [LEAKS_IN_TEN]`` runs a real service on a real SQLite file for so long (30 by
default) with 50 documents a second, of which so many in ten (1 by default) are leaks of their own, each told to a
webhook on loopback.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from core.logs import configure_logs
from core.types import Document, Severity
from monitor.parts import build_parts
from monitor.setup import add_destination
from monitor.wiring import Service, open_service
from tests.killed_service import pause
from tests.service_fixtures import handle, import_sample, settings_for, watchlist_of_handles

DOCUMENTS_A_SECOND = 50
HANDLES = 2000
LONGEST_DRAIN_SECONDS = 60


@dataclass
class Receiver:
    """Takes notices, and remembers when each incident was first told."""

    arrived: dict[str, float] = field(default_factory=dict)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        self.arrived.setdefault(body["data"]["incident"]["id"], monotonic())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()


async def measure(seconds: float, leaks_in_ten: int) -> list[float]:
    """Return the seconds that each notice took. Documents are handed in as a stream's are: all that have come since."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        receiver = Receiver()
        server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0)
        async with server, open_service(build_parts(settings_for(folder))) as service:
            community = await import_sample(service, folder, watchlist_of_handles(HANDLES))
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
            await add_destination(
                service.store,
                service.parts,
                community.id,
                kind="webhook",
                name="moderators",
                settings={"url": url, "secret": "whsec_" + "A" * 32},
                minimum_severity=Severity.LOW,
            )
            # Not measured: the first document waits for the models to be loaded.
            await service.pipeline.ingest(community.id, [Document(id="warm", text="night_heron, a first word")])
            dispatcher = asyncio.create_task(service.dispatcher.run())
            took = await _measured(service, community.id, receiver, seconds, leaks_in_ten)
            dispatcher.cancel()
            await asyncio.wait([dispatcher])
            return took


async def _measured(
    service: Service, community_id: str, receiver: Receiver, seconds: float, leaks_in_ten: int
) -> list[float]:
    chance = random.Random(1)
    entered: dict[str, float] = {}
    count, handed_in, began = round(seconds * DOCUMENTS_A_SECOND), 0, monotonic()
    while handed_in < count:
        come = min(int((monotonic() - began) * DOCUMENTS_A_SECOND), count)
        if come == handed_in:
            await pause(began + (come + 1) / DOCUMENTS_A_SECOND - monotonic())
            continue
        page = [_document(number, chance, is_leak=number % 10 < leaks_in_ten) for number in range(handed_in, come)]
        for alert in (await service.pipeline.ingest(community_id, page)).alerts:
            number = int(str(alert.document.external_id))
            entered.setdefault(str(alert.incident_id), began + (number + 1) / DOCUMENTS_A_SECOND)
        handed_in = come
    async with asyncio.timeout(LONGEST_DRAIN_SECONDS):
        while not entered.keys() <= receiver.arrived.keys():
            await pause(0.05)
    return [receiver.arrived[incident_id] - began for incident_id, began in entered.items()]


def _document(number: int, chance: random.Random, *, is_leak: bool) -> Document:
    leak = f" everybody knows {handle(number % HANDLES)}" if is_leak else ""
    words = ["".join(chance.choices("abdeghiklmnoprstu", k=6)) for _ in range(30)]  # unlike any other post
    text = " ".join(words) + leak
    return Document(id=f"bench:{number}", source="bench", external_id=str(number), text=text)


def main(seconds: float, leaks_in_ten: int) -> None:
    """Print what was measured."""
    configure_logs("ERROR")
    took = asyncio.run(measure(seconds, leaks_in_ten))
    cuts = statistics.quantiles(took, n=100)
    print(
        f"{len(took)} notices at {DOCUMENTS_A_SECOND} documents a second, {leaks_in_ten} in ten a leak: "
        f"median {statistics.median(took):.3f} s, p99 {cuts[98]:.3f} s, longest {max(took):.3f} s"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
