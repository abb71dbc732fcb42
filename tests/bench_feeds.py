"""Measures what polling many feeds costs: one process, a thousand feeds on loopback, ten times as often as in life.

``python -m tests.bench_feeds [SECONDS]`` runs the real scheduler on a real database for so long (30 by default) and
prints the share of one core that the feeds would take at intervals of five minutes. The feeds are served by another
process, which does not count; processes that read feeds do. Every feed has an address of its own (127.0.x.y), so that
the pace of hosts is kept.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from urllib.request import urlopen

from core.ids import new_id
from core.logs import configure_logs
from core.settings import HttpSettings, Settings
from core.types import Community, SourceRecord
from monitor.parts import build_parts
from monitor.setup import audit_entry
from monitor.wiring import Service, open_service
from sources.parsing.formats import Format
from sources.parsing.limited_reading import read_within_limits
from tests.programs import reading_processes

FEEDS = 1000
INTERVAL_SECONDS = 300
SPEED = 10
POSTS_A_DAY = 6
ENTRIES = 20
CHANGED_SHARE = POSTS_A_DAY * INTERVAL_SECONDS / 86_400
"""Of the polls, how many find something new."""


def serve() -> None:
    """Serve a feed at every address of 127.0.0.0/8 until killed, and at ``/count`` how often one was asked for and how
    often it had changed. Prints the port."""
    chance = random.Random(1)
    versions: Counter[str] = Counter()
    asked = changed = 0

    def answer(path: str, host: str) -> bytes:
        nonlocal asked, changed
        if path == "/count":
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + f"{asked} {changed}".encode()
        asked += 1
        if chance.random() >= CHANGED_SHARE:
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        changed += 1
        versions[host] += 1
        body = feed(host, versions[host]).encode()
        return f'HTTP/1.1 200 OK\r\nETag: "{versions[host]}"\r\nContent-Length: {len(body)}\r\n\r\n'.encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path, host = request.split()[1], request.lower().partition("host: ")[2].partition("\r\n")[0]
                writer.write(answer(path, host))
                await writer.drain()
                if path == "/count":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=FEEDS)
        port = server.sockets[0].getsockname()[1]
        others = [await asyncio.start_server(talk, address(number), port) for number in range(FEEDS)]
        print(port, flush=True)
        await asyncio.gather(server.serve_forever(), *(other.serve_forever() for other in others))

    asyncio.run(run())


def address(number: int) -> str:
    """Return the address of a feed."""
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


def feed(host: str, version: int) -> str:
    """Return a feed with a post more in each version."""
    entries = "".join(
        f"<entry><id>{host}/{number}</id><title>Ferry times, week {number}</title><content>The first boat leaves at ten"
        f" past six, and in week {number} the last one comes back before midnight.</content></entry>"
        for number in range(version, version + ENTRIES)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{host}</title>{entries}</feed>'


async def add_feeds(service: Service, port: int) -> None:
    """Add the feeds, due one after another over one interval, as they are once a service has run for a while."""
    store, clock = service.store, service.parts.clock
    community = Community(id=new_id("com"), name="Harbor Commons")
    entry = audit_entry(clock, community.id, "community.created", community.id)
    await store.add_community(community, audit=entry)
    now = clock.now()
    for number in range(FEEDS):
        source = SourceRecord(
            id=new_id("src"),
            community_id=community.id,
            kind="feed",
            name=f"feed {number}",
            settings={"url": f"http://{address(number)}:{port}/feed"},
            interval_seconds=INTERVAL_SECONDS // SPEED,
            maximum_interval_seconds=INTERVAL_SECONDS // SPEED,
            due_at=now + timedelta(seconds=number / FEEDS * INTERVAL_SECONDS / SPEED),
            created_at=now,
            updated_at=now,
        )
        await store.add_source(source, audit=audit_entry(clock, community.id, "source.created", source.id))


def processor_seconds() -> float:
    """Return the processor time of this process and of the one that reads the feeds for it."""
    times = os.times()
    (reading,) = reading_processes(os.getpid())
    # Of the process and of those that it waited for: proc_pid_stat(5), fields 14 to 17.
    fields = Path(f"/proc/{reading}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return times.user + times.system + sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def counts(port: int) -> tuple[int, int]:
    """Return how many polls the server has answered, and how many of them with something new."""
    with urlopen(f"http://127.0.0.1:{port}/count") as answer:
        asked, changed = answer.read().split()
    return int(asked), int(changed)


async def measure(folder: Path, port: int, seconds: float) -> str:
    """Return what was measured, in a sentence."""
    settings = Settings(data_directory=folder, http=HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),)))
    async with open_service(build_parts(settings)) as service:
        await add_feeds(service, port)
        # Compiling and loading what a start needs once is no part of polling.
        await service.pipeline.ingest((await service.store.communities())[0].id, ())
        await asyncio.to_thread(read_within_limits, feed("", 1).encode(), Format.FEED, name="feed", seconds=5)
        polling = asyncio.create_task(service.scheduler.run())
        begun = processor_seconds()
        await asyncio.wait([polling], timeout=seconds)
        spent = processor_seconds() - begun
        asked, changed = counts(port)
        polling.cancel()
        await asyncio.wait([polling])
    share = spent / asked * FEEDS / INTERVAL_SECONDS
    return (
        f"{asked:,} polls in {seconds:.0f} s, {changed} with something new: {1000 * spent / asked:.1f} ms of processor "
        f"time each; {FEEDS:,} feeds every {INTERVAL_SECONDS // 60} minutes take {share:.1%} of one core"
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    configure_logs("WARNING")
    server = subprocess.Popen([sys.executable, "-m", "tests.bench_feeds", "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with tempfile.TemporaryDirectory() as folder:
            print(asyncio.run(measure(Path(folder), port, seconds)))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
