"""Builds real services for tests: a real SQLite file, the real sources, an invented community."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

from core.settings import ApiSettings, HttpSettings, MonitorSettings, Settings
from core.types import Community, JsonObject, SourceRecord
from monitor.setup import add_source, import_watchlist
from monitor.wiring import Service
from tests.fresh_database import place_database

WATCHLIST = """
version: 1
community: Harbor Commons
context: [harbor commons]
watchlists:
  - name: Members
    packs: [doxxing]
    terms:
      - {id: heron, kind: pseudonym, value: night_heron}
      - {id: lantern, kind: pseudonym, value: quiet-lantern, person: p1}
      - {id: maria, kind: name, value: Maria Gonzalez, person: p1, basis: {kind: consent, recorded_by: admins}}
      - {id: house, kind: keyword, value: heron street safe house}
"""


class ManualClock:
    """A clock that a test moves by hand. Waiting ends only when called."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        if moment is not None and moment <= self.moment:
            return
        await wake.wait()
        wake.clear()


def settings_for(folder: Path, **monitor: int) -> Settings:
    """Return settings that keep everything in the folder, whose database is ready, and may reach loopback."""
    place_database(folder)
    return Settings(
        data_directory=folder,
        api=ApiSettings(port=0),
        http=HttpSettings(allowed_networks=(IPv4Network("127.0.0.0/8"),), host_interval_seconds=0),
        monitor=MonitorSettings(**monitor),
    )


async def import_sample(service: Service, folder: Path, watchlist: str = WATCHLIST) -> Community:
    """Import the sample watchlist into the service's database."""
    path = folder / "watchlist.yaml"
    path.write_text(watchlist)
    return await import_watchlist(service.store, service.parts, path)


async def add(service: Service, community: Community, kind: str, settings: JsonObject) -> SourceRecord:
    """Add a source that is due at once."""
    return await add_source(
        service.store,
        service.parts,
        community.id,
        kind=kind,
        name=f"sample {kind}",
        settings=settings,
        interval=timedelta(hours=1),
    )


def write_documents(path: Path, texts: Iterable[str]) -> None:
    """Write the texts as JSON lines with the ids d0, d1 …"""
    with path.open("w") as lines:
        lines.writelines(json.dumps({"id": f"d{number}", "text": text}) + "\n" for number, text in enumerate(texts))


def handle(number: int) -> str:
    """Return a pseudonym that resembles no other: what is said of different members does not join."""
    return "".join(random.Random(number).choices("abdeghiklmnoprstuvz", k=11))


def watchlist_of_handles(count: int) -> str:
    """Return a watchlist file with so many of them."""
    terms = "".join(f"      - {{id: h{number}, kind: pseudonym, value: {handle(number)}}}\n" for number in range(count))
    return f"version: 1\ncommunity: Harbor Commons\nwatchlists:\n  - name: Members\n    terms:\n{terms}"
