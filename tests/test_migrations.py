from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, inspect

from core.db.engine import database_url, make_engine
from core.db.migrate import migrations
from core.db.tables import Row
from core.errors import StoreError
from tests.store_fixtures import opened

T = TypeVar("T")


async def on_database(path: Path, work: Callable[[Connection], T]) -> T:
    engine = make_engine(database_url(f"sqlite+aiosqlite:///{path}"), foreign_keys=False)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def migrate_up(connection: Connection) -> None:
    command.upgrade(migrations(connection), "head")


def migrate_down(connection: Connection) -> None:
    command.downgrade(migrations(connection), "base")


async def test_the_migrated_schema_is_that_of_the_tables(tmp_path: Path) -> None:
    await on_database(tmp_path / "new.sqlite3", migrate_up)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Row.metadata))

    assert await on_database(tmp_path / "new.sqlite3", differences) == []


async def test_the_migrated_constraints_are_those_of_the_tables(tmp_path: Path) -> None:
    """The comparison above does not look at primary keys, nor at what a foreign key does on deletion everywhere."""
    await on_database(tmp_path / "migrated.sqlite3", migrate_up)
    await on_database(tmp_path / "created.sqlite3", Row.metadata.create_all)

    def constraints(connection: Connection) -> dict[str, object]:
        inspector = inspect(connection)
        return {
            table: (
                inspector.get_pk_constraint(table),
                sorted(map(str, inspector.get_foreign_keys(table))),
                sorted(map(str, inspector.get_unique_constraints(table))),
                sorted(map(str, inspector.get_indexes(table))),
                [(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)],
            )
            for table in Row.metadata.tables
        }

    migrated = await on_database(tmp_path / "migrated.sqlite3", constraints)
    assert migrated == await on_database(tmp_path / "created.sqlite3", constraints)


async def test_migrating_down_leaves_no_table_and_up_again_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"

    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    await on_database(path, migrate_up)
    assert await on_database(path, tables) == set(Row.metadata.tables)
    await on_database(path, migrate_down)
    assert await on_database(path, tables) == set()
    await on_database(path, migrate_up)
    assert await on_database(path, tables) == set(Row.metadata.tables)


async def test_every_row_but_the_state_belongs_to_a_community_and_goes_with_it(tmp_path: Path) -> None:
    for name, table in Row.metadata.tables.items():
        if name not in {"state", "community"}:
            targets = {key.target_fullname: key.ondelete for key in table.c.community_id.foreign_keys}
            assert targets["community.id"] == "CASCADE", name
            assert set(targets.values()) == {"CASCADE"}, name


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    path = tmp_path / "leakwatch.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"leakwatch\.sqlite3 was written by a newer version"):
        async with opened(tmp_path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "leakwatch.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE term (id INTEGER)")  # the last table that the migration makes
    with pytest.raises(StoreError):
        async with opened(tmp_path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall() == [("term",)]


OPEN_ONCE = """
import asyncio, sys
from pathlib import Path
from tests.store_fixtures import opened

async def main():
    sys.stdin.readline()
    async with opened(Path(sys.argv[1])) as store:
        print(await store.catalogue_revision(), flush=True)

print("ready", flush=True)
asyncio.run(main())
"""


async def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path: Path) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", OPEN_ONCE, str(tmp_path / "new")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert ended == [(b"0\n", b"")] * 4


async def test_rows_of_the_first_version_are_kept_by_every_migration(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"

    def fill(connection: Connection) -> dict[str, dict[str, object]]:
        """Make the first tables, with a row in each; return the rows."""
        command.upgrade(migrations(connection), "0001")
        first = MetaData()
        first.reflect(connection)
        kept: dict[str, dict[str, object]] = {}
        for table in first.sorted_tables:
            if table.name not in {"alembic_version", "state"}:
                row = {column.name: _value(table.name, column) for column in table.columns}
                connection.execute(table.insert().values(row))
                kept[table.name] = row
        return kept

    def rows(connection: Connection) -> dict[str, list[dict[str, object]]]:
        newest = MetaData()
        newest.reflect(connection)
        tables = newest.sorted_tables
        return {table.name: [dict(row._mapping) for row in connection.execute(table.select())] for table in tables}

    filled = await on_database(path, fill)
    await on_database(path, migrate_up)
    migrated = await on_database(path, rows)
    for table, row in filled.items():
        (found,) = migrated[table]
        assert {name: found[name] for name in row} == row, table


def _value(table: str, column: Column[Any]) -> object:
    """Return a value of the column's type; what refers to a row of another table is that row's id."""
    if column.name == "id":
        return f"{table}_1"
    if column.name.endswith("_id") and column.foreign_keys:
        return f"{column.name.removesuffix('_id')}_1"
    kinds: dict[type, object] = {bytes: b"sealed", int: 1, bool: True, str: "some"}
    return kinds[column.type.python_type]
