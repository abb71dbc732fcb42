"""The driver gives what SQLite gives, whatever the size of a result."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.db.engine import database_url, dispose, make_engine

SIZES = [0, 1, 99, 100, 101, 250]


@asynccontextmanager
async def _numbers(folder: Path, count: int) -> AsyncIterator[AsyncConnection]:
    """Open a database with a table of so many numbers, in a transaction."""
    engine = make_engine(database_url(f"sqlite+aiosqlite:///{folder}/numbers.sqlite3"))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE number (value INTEGER PRIMARY KEY)"))
            if count:
                rows = [{"value": value} for value in range(count)]
                await connection.execute(text("INSERT INTO number VALUES (:value)"), rows)
            yield connection
    finally:
        await dispose(engine)


@pytest.mark.parametrize("count", SIZES)
async def test_all_rows_come_at_once_or_one_after_the_other(tmp_path: Path, count: int) -> None:
    async with _numbers(tmp_path, count) as connection:
        every = text("SELECT value FROM number ORDER BY value")
        assert (await connection.execute(every)).scalars().all() == list(range(count))
        streamed = await connection.stream(every)
        assert [value async for value in streamed.scalars()] == list(range(count))
        parts = (await connection.stream(every)).scalars().partitions(60)
        assert [len(part) async for part in parts] == [60] * (count // 60) + [count % 60] * (count % 60 > 0)


@pytest.mark.parametrize("count", SIZES)
async def test_what_a_change_returns_comes_whole_and_every_row_is_changed(tmp_path: Path, count: int) -> None:
    async with _numbers(tmp_path, count) as connection:
        gone = await connection.execute(text("DELETE FROM number RETURNING value"))
        assert sorted(gone.scalars()) == list(range(count))
        assert await connection.scalar(text("SELECT count(*) FROM number")) == 0


async def test_a_result_that_is_left_before_its_end_does_not_hold_up_the_next(tmp_path: Path) -> None:
    async with _numbers(tmp_path, 250) as connection:
        async with connection.stream(text("SELECT value FROM number ORDER BY value")) as streamed:
            assert await streamed.scalars().first() == 0
        changed = await connection.execute(text("UPDATE number SET value = value + 1000"))
        assert changed.rowcount == 250


async def test_a_statement_that_fails_leaves_the_connection_usable(tmp_path: Path) -> None:
    async with _numbers(tmp_path, 2) as connection:
        with pytest.raises(IntegrityError) as failure:
            await connection.execute(text("INSERT INTO number VALUES (1)"))
        assert isinstance(failure.value.orig, sqlite3.IntegrityError)
        assert await connection.scalar(text("SELECT count(*) FROM number")) == 2
