from __future__ import annotations

import asyncio
import base64
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from core.db.store import SqlStore
from core.errors import Conflict, CryptoError, NotFound, SettingsError, StoreError
from core.ports import Listing, Store
from core.settings import Settings
from core.types import Community, IncidentState
from tests.store_fixtures import (
    NOON,
    StandingClock,
    add_community,
    api_key,
    audit,
    document,
    incident,
    opened,
    sighting,
)


def test_the_store_keeps_to_its_port() -> None:
    store: Store = SqlStore(Settings(), StandingClock())
    assert isinstance(store, SqlStore)


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
    async with opened(tmp_path) as store:
        assert await store.communities() == (Community(id="com_a", name="Harbor Commons", context=("harbor commons",)),)


async def test_one_store_can_be_closed_and_opened_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.close()
        with pytest.raises(StoreError, match="is not open"):
            await store.communities()
        await store.open()
        assert len(await store.communities()) == 1


async def test_directory_database_and_key_are_closed_to_other_users(tmp_path: Path) -> None:
    async with opened(tmp_path / "new") as store:
        await add_community(store)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert modes == dict.fromkeys(
        ["leakwatch.sqlite3", "leakwatch.sqlite3-wal", "leakwatch.sqlite3-shm", "leakwatch.key"], 0o600
    )


async def test_connections_are_durable_and_check_foreign_keys(tmp_path: Path) -> None:
    async with opened(tmp_path) as store, store.reading() as unit:
        connection = await unit.session.connection()
        settings = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


async def test_a_missing_key_file_is_not_replaced_once_there_are_communities(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
    (tmp_path / "leakwatch.key").rename(tmp_path / "kept.key")
    with pytest.raises(CryptoError, match=r"leakwatch\.key is missing"):
        async with opened(tmp_path):
            pass
    assert not (tmp_path / "leakwatch.key").exists()
    (tmp_path / "kept.key").rename(tmp_path / "leakwatch.key")
    async with opened(tmp_path) as store:
        assert len(await store.communities()) == 1


async def test_a_key_is_made_as_long_as_nothing_is_sealed(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    (tmp_path / "leakwatch.key").unlink()
    async with opened(tmp_path) as store:
        await add_community(store)


async def test_a_database_does_not_open_with_the_key_of_another(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
    (tmp_path / "leakwatch.key").write_bytes(base64.b64encode(bytes(32)))
    with pytest.raises(CryptoError, match=r"leakwatch\.key is not the one this database was written with"):
        async with opened(tmp_path):
            pass


async def test_sealed_values_exchanged_in_the_file_do_not_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file, file:
            file.execute("UPDATE incident SET sealed = (SELECT sealed FROM incident WHERE id = 'inc_com_b')")
        with pytest.raises(CryptoError, match=r"incident\.sealed does not open"):
            await store.incident("com_a", "inc_1")
        await store.incident("com_b", "inc_com_b")


async def test_data_keys_exchanged_in_the_file_do_not_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file, file:
        file.execute("UPDATE community SET wrapped_key = (SELECT wrapped_key FROM community WHERE id = 'com_b')")
    with pytest.raises(CryptoError):
        async with opened(tmp_path):
            pass


@pytest.mark.parametrize(
    "address",
    ["nonsense", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "sqlite:///x.sqlite3", "nosuch+driver://x/y"],
)
def test_an_address_that_cannot_be_used_is_a_settings_error(address: str) -> None:
    with pytest.raises(SettingsError, match="setting database_url"):
        SqlStore(Settings(database_url=address), StandingClock())


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "leakwatch.sqlite3").write_bytes(b"a letter to a friend, not a database. " * 100)
    with pytest.raises(StoreError, match=r"leakwatch\.sqlite3 is not a database"):
        async with opened(tmp_path):
            pass


async def test_a_directory_in_place_of_the_file_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "leakwatch.sqlite3").mkdir()
    with pytest.raises(StoreError, match=r"leakwatch\.sqlite3 cannot be opened"):
        async with opened(tmp_path):
            pass


async def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"leakwatch\.sqlite3 cannot be made: "):
        async with opened(tmp_path / "file" / "below"):
            pass


async def test_a_database_that_is_locked_says_so_and_serves_when_it_is_free(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_api_key(api_key("key_1", "com_a"), audit=audit("com_a"))
    path = tmp_path / "leakwatch.sqlite3"
    settings = Settings(data_directory=tmp_path, database_url=f"sqlite+aiosqlite:///{path}?timeout=0.05")
    refused, kept = audit("com_a"), audit("com_a")
    impatient = SqlStore(settings, StandingClock())
    await impatient.open()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"leakwatch\.sqlite3 is locked by another process"):
                await impatient.record(refused)
            assert len(await impatient.communities()) == 1
            assert await impatient.api_key(b"digest") == api_key("key_1", "com_a")  # its use is not noted
            other.execute("ROLLBACK")
        await impatient.record(kept)
        log = (await impatient.audit_log("com_a", Listing())).items
        assert kept in log
        assert refused not in log
    finally:
        await impatient.close()


async def test_opening_waits_for_a_process_that_holds_a_database_without_its_log_yet(tmp_path: Path) -> None:
    """SQLite refuses at once to switch such a database to its write-ahead log, whatever the timeout."""
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.1, other.execute, "ROLLBACK")
        async with opened(tmp_path) as store:
            await add_community(store)
        assert not other.in_transaction


async def _write_much(store: SqlStore) -> None:
    async with store.transaction() as transaction:
        await transaction.mark_seen("com_a", ["one"], until=NOON)
        await transaction.save_incident(incident("inc_1", "com_a", state=IncidentState.RESOLVED), [])
        for number in range(1000):
            await transaction.add_sighting(sighting(f"sig_{number}", "com_a", "inc_1", document(number)))


async def test_a_full_disk_leaves_nothing_behind_and_the_store_works_when_there_is_room(tmp_path: Path) -> None:
    pages = 0

    def limit(connection: Any, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count = {pages or 2**30}")
        cursor.close()

    event.listen(Pool, "checkout", limit)
    try:
        async with opened(tmp_path) as store:
            await add_community(store)
            with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file:
                (pages,) = file.execute("PRAGMA page_count").fetchone()
            before = await store.incident("com_a", "inc_1")
            with pytest.raises(StoreError, match=r"the disk is full: .*leakwatch\.sqlite3 cannot be written") as caught:
                await _write_much(store)
            assert "sig_" not in str(caught.value)
            assert "blog" not in str(caught.value)
            assert await store.incident("com_a", "inc_1") == before
            assert (await store.sightings("com_a", "inc_1", Listing())).items == ()

            pages = 0
            async with store.transaction() as transaction:
                await transaction.add_sighting(sighting("sig_1", "com_a", "inc_1", document()))
            assert len((await store.sightings("com_a", "inc_1", Listing())).items) == 1
    finally:
        event.remove(Pool, "checkout", limit)


async def _write_and_fail(store: SqlStore) -> None:
    async with store.transaction() as transaction:
        await transaction.save_incident(incident("inc_2", "com_a"), ["second"])
        await transaction.record(audit("com_a"))
        raise ZeroDivisionError


async def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        log = await store.audit_log("com_a", Listing())
        with pytest.raises(ZeroDivisionError):
            await _write_and_fail(store)
        with pytest.raises(NotFound):
            await store.incident("com_a", "inc_2")
        assert await store.audit_log("com_a", Listing()) == log
        async with store.transaction() as transaction:
            assert await transaction.joinable_incidents("com_a", ["second"]) == ()


async def test_an_id_that_exists_is_a_conflict_that_quotes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        with pytest.raises(Conflict, match="this exists already"):
            await store.add_community(Community(id="com_a", name="Other"), audit=audit("com_a"))
        assert (await store.community("com_a")).name == "Harbor Commons"


async def test_a_transaction_that_is_cancelled_leaves_nothing_and_holds_nobody_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        written, never = asyncio.Event(), asyncio.Event()

        async def write_and_wait() -> None:
            async with store.transaction() as transaction:
                await transaction.save_incident(incident("inc_2", "com_a"), [])
                written.set()
                await never.wait()

        writing = asyncio.create_task(write_and_wait())
        await written.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        with pytest.raises(NotFound):
            await store.incident("com_a", "inc_2")
        await store.record(audit("com_a"))


async def test_writing_that_is_cancelled_while_it_waits_for_the_lock_does_not_take_it_later(tmp_path: Path) -> None:
    cancelled, kept = audit("com_a"), audit("com_a")
    async with opened(tmp_path) as store:
        await add_community(store)
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3", isolation_level=None, timeout=5)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(store.record(cancelled))
            done, _ = await asyncio.wait([waiting], timeout=0.1)
            assert not done
            waiting.cancel()
            other.execute("ROLLBACK")
            with pytest.raises(asyncio.CancelledError):
                await waiting
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        await store.record(kept)
        log = (await store.audit_log("com_a", Listing())).items
        assert kept in log
        assert cancelled not in log


async def test_closing_waits_for_the_threads_of_cancelled_operations(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with opened(tmp_path) as store:
        await add_community(store)
        for turns in range(40):
            reading = asyncio.create_task(store.communities())
            for _ in range(turns):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
    workers = [thread for thread in set(threading.enumerate()) - before if "_connection_worker" in thread.name]
    assert workers == []
