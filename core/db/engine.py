"""Connections to the database, and its failures as sentences."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import aiosqlite
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.db.sqlite_driver import connect
from core.errors import Conflict, NotFound, SettingsError, StoreError

WRITING = {"leakwatch_writing": True}
"""Execution options of connections that will write."""

_LOCK_TIMEOUT_SECONDS = 30
_LOG_TRIALS = 10

_SENTENCES = {
    "SQLITE_FULL": "the disk is full: {name} cannot be written",
    "SQLITE_BUSY": "{name} is locked by another process",
    "SQLITE_LOCKED": "{name} is locked by another process",
    "SQLITE_CANTOPEN": "{name} cannot be opened: its directory is missing or closed to this user",
    "SQLITE_READONLY": "{name} cannot be written: the file or its directory is read-only",
    "SQLITE_NOTADB": "{name} is not a database",
    "SQLITE_CORRUPT": "{name} is damaged: restore it from your backup",
    "SQLITE_IOERR": "{name} cannot be read or written: the disk reports an error",
}
_MISSING_PARENT = ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503")  # the second is PostgreSQL's code

_LONGEST_END_SECONDS = 5
_WORKERS: WeakKeyDictionary[Engine, WeakSet[Thread]] = WeakKeyDictionary()
"""The thread of each SQLite connection, as the driver has one for each."""


def database_url(address: str) -> URL:
    """Return the address as SQLAlchemy's, with the lock timeout where SQLite has none. Raises SettingsError."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise SettingsError("setting database_url: this is no SQLAlchemy address") from None
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise SettingsError("setting database_url: the address must name a file")
        url = url.update_query_dict({"timeout": str(_LOCK_TIMEOUT_SECONDS), **url.query})
    return url


def name_of(url: URL) -> str:
    """Return what people call the database: its file, or its address without the password."""
    return f"the database {url.database}" if url.get_backend_name() == "sqlite" else f"the database {url!r}"


def make_engine(url: URL, *, foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine whose SQLite connections are durable and take the write lock when they begin to write.

    ``foreign_keys`` False is for migrations, which may have to rebuild tables that others refer to.
    Raises SettingsError where the driver is not installed or not asynchronous.
    """
    workers: WeakSet[Thread] = WeakSet()

    def connected(place: str, **options: Any) -> aiosqlite.Connection:
        connection = connect(place, **options)
        workers.add(connection._thread)
        return connection

    of_sqlite = {"async_creator_fn": connected} if url.get_backend_name() == "sqlite" else {}
    try:
        engine = create_async_engine(url, hide_parameters=True, connect_args=of_sqlite)
    except (ArgumentError, InvalidRequestError, ImportError):
        raise SettingsError(
            f"setting database_url: there is no asynchronous driver {url.drivername!r} in this installation"
        ) from None
    if engine.dialect.name == "sqlite":
        _WORKERS[engine.sync_engine] = workers

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: Any, _: object) -> None:
            # The driver's own BEGIN comes late and never for a SELECT: begin() below takes its place.
            connection.isolation_level = None
            cursor = connection.cursor()
            _use_write_ahead_log(cursor)
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that reads first and writes later cannot wait for the lock: it would fail at once.
            writing = WRITING.items() <= connection.get_execution_options().items()
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


async def dispose(engine: AsyncEngine) -> None:
    """Close the engine's connections and wait until their threads have ended. One whose operation was cancelled
    ends by itself, some time later, and must not find the event loop closed."""
    await engine.dispose()
    for worker in tuple(_WORKERS.get(engine.sync_engine, ())):
        await asyncio.to_thread(worker.join, _LONGEST_END_SECONDS)


def _use_write_ahead_log(cursor: Any) -> None:
    for further_trials in reversed(range(_LOG_TRIALS)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or not further_trials:
                raise
            # Another process switches a new database at this moment, and SQLite does not wait for that,
            # but it does wait for the write lock.
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        else:
            return


@contextmanager
def failures_of(name: str) -> Iterator[None]:
    """Raise what fails in the block as StoreError, Conflict or NotFound: one sentence that quotes no value."""
    try:
        yield
    except IntegrityError as error:
        if _code_of(error) in _MISSING_PARENT:
            raise NotFound("what this belongs to does not exist in this community") from None
        raise Conflict("this exists already") from None
    except SQLAlchemyError as error:
        code = _code_of(error)
        # Extended codes add to the plain one: SQLITE_IOERR_WRITE, SQLITE_READONLY_DIRECTORY.
        sentence = next((text for plain, text in _SENTENCES.items() if code.startswith(plain)), "{name} failed: {code}")
        raise StoreError(sentence.format(name=name, code=code)) from None


def _code_of(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or type(error).__name__)
