"""SQLite connections that go to their thread once for a statement.

The driver goes there four times: to make a cursor, to execute, to fetch, to close. Each time two threads wait for one
another, which takes longer than most statements do.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import aiosqlite

T = TypeVar("T")

_FETCHED_AT_ONCE = 100
"""So many rows come with the statement; of a larger result the rest is fetched when it is asked for."""


def connect(database: str, **options: Any) -> aiosqlite.Connection:
    """Return a connection, opened when it is awaited, whose thread does not hold up the end of the program."""

    def connector() -> sqlite3.Connection:
        opened: sqlite3.Connection = sqlite3.connect(database, **options)
        return opened

    connection = _Connection(connector, iter_chunk_size=_FETCHED_AT_ONCE)
    connection._thread.daemon = True  # as SQLAlchemy does: a stuck thread must not hold up the end
    return connection


class _Connection(aiosqlite.Connection):
    def cursor(self) -> _Cursor:  # type: ignore[override]  # for SQLAlchemy, which enters what it is given
        return _Cursor(self)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what the function returns in the connection's thread."""
        result: T = await self._execute(function, *arguments)  # type: ignore[no-untyped-call]
        return result


class _Cursor:
    """What SQLAlchemy asks of a cursor, under its names."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: deque[Any] = deque()
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> None:
        await self._run(lambda cursor: cursor.execute(sql, tuple(parameters)))

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        await self._run(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchone(self) -> Any | None:
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        wanted = size or self.arraysize
        if len(self._rows) < wanted and self._cursor is not None:
            missing = wanted - len(self._rows)
            self._rows.extend(await self._connection.run(self._cursor.fetchmany, missing))
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        if self._cursor is not None:
            self._rows.extend(await self._connection.run(self._cursor.fetchall))
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def __aiter__(self) -> AsyncIterator[Any]:
        while rows := await self.fetchmany(_FETCHED_AT_ONCE):
            for row in rows:
                yield row

    async def close(self) -> None:
        self._rows.clear()
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.run(cursor.close)

    async def _run(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        await self.close()
        await self._connection.run(self._run_there, statement)

    def _run_there(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        """Run the statement in the connection's thread, and take its first rows along."""
        cursor = self._connection._conn.cursor()
        try:
            statement(cursor)
            self.description = cursor.description
            rows = [] if cursor.description is None else cursor.fetchmany(_FETCHED_AT_ONCE)
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        except BaseException:
            cursor.close()
            raise
        self._rows.extend(rows)
        if len(rows) < _FETCHED_AT_ONCE:
            cursor.close()
        else:
            self._cursor = cursor
