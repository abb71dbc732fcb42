"""``leakwatch doctor`` says of every source whether it is read, and what may have been missed."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import DOES_NOT_OPEN
from core.settings import load_settings
from core.types import BlindInterval, Community, SourceHealth, SourceRecord, SourceState
from monitor.commands.destinations import destination_list
from monitor.commands.doctor import doctor
from monitor.wiring import open_store
from tests.store_fixtures import audit, destination

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
READ = SourceRecord(
    id="src_read", community_id="com_a", kind="feed", name="Read", settings={"url": "https://read.example/feed"},
    state=SourceState.HEALTHY, due_at=NOW + DAY, last_success_at=NOW - timedelta(hours=7.5), created_at=NOW - 30 * DAY,
    updated_at=NOW,
    health=SourceHealth(
        last_new_at=NOW - DAY,
        newest_published_at=NOW - timedelta(hours=30),
        quota_left=41,
        blind_intervals=(
            BlindInterval(
                from_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), until_at=datetime(2026, 1, 2, 9, tzinfo=UTC),
                reason="more came than the place lists",
            ),
        ),
    ),
)  # fmt: skip
FAILING = replace(
    READ, id="src_failing", name="Failing", state=SourceState.FAILING, last_error="the place has closed this for good",
    due_at=NOW - timedelta(hours=2.5), health=SourceHealth(failing_since=NOW - 3.5 * DAY),
)  # fmt: skip
SILENT = replace(
    READ, id="src_silent", name="Silent", state=SourceState.SILENT,
    health=SourceHealth(last_new_at=NOW - 5.5 * DAY, usual_silence_seconds=8.5 * 3600),
)  # fmt: skip
NEW = replace(READ, id="src_new", name="New", state=SourceState.NEW, last_success_at=None, health=SourceHealth())


@pytest.fixture
def store_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


async def keep(*sources: SourceRecord) -> None:
    async with open_store(load_settings()) as store:
        await store.add_community(Community(id="com_a", name="Harbor Commons"), audit=audit("com_a"))
        for source in sources:
            await store.add_source(source, audit=audit("com_a"))


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Return what doctor prints, by the source's name."""
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("source ")]
    return {line.split()[1]: " ".join(line.split()[3:]) for line in lines}


def test_a_source_that_is_read_works_and_says_what_it_missed(
    store_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(keep(READ, NEW))
    assert doctor() == 0
    assert said(capsys) == {
        "Read": "works read 7 hours ago; newest document 1 day old; 41 requests left; "
        "blind intervals: 1, the last from 2026-01-02 03:04 to 2026-01-02 09:00 UTC (more came than the place lists)",
        "New": "works not read yet",
    }


def test_sources_that_fail_or_are_silent_do_not_work(store_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep(FAILING, SILENT))
    assert doctor() == 1
    assert said(capsys) == {
        "Failing": "does not work the place has closed this for good; failing for 3 days; read 7 hours ago; "
        "due for 2 hours",
        "Silent": "does not work nothing new for 5 days, usually at most 8 hours; read 7 hours ago",
    }


def test_a_source_that_does_not_open_is_named_by_its_id_beside_the_others(
    store_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(keep(NEW, READ))
    with closing(sqlite3.connect(store_in / "data" / "leakwatch.sqlite3")) as database, database:
        database.execute("update source set sealed = zeroblob(60) where id = 'src_read'")
    assert doctor() == 1
    assert said(capsys) == {"src_read": f"does not work {DOES_NOT_OPEN}", "New": "works not read yet"}


def test_a_destination_that_does_not_open_is_named_by_its_id_beside_the_others(
    store_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def keep_two() -> None:
        await keep()
        async with open_store(load_settings()) as store:
            for number in (1, 2):
                await store.add_destination(destination(f"dst_{number}", "com_a"), audit=audit("com_a"))

    asyncio.run(keep_two())
    with closing(sqlite3.connect(store_in / "data" / "leakwatch.sqlite3")) as database, database:
        database.execute("update destination set sealed = zeroblob(60) where id = 'dst_1'")
    assert doctor() == 1
    lines = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines() if line.startswith("destination ")]
    assert ["dst_1", f"does not work {DOES_NOT_OPEN}"] in [[name, " ".join(rest.split())] for _, name, _, rest in lines]
    assert len(lines) == 2
    assert destination_list(None) == 0
    assert f"failing: {DOES_NOT_OPEN}" in capsys.readouterr().out
