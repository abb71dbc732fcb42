"""An empty database that was migrated once: to migrate one takes longer than most of what is tested on it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine

from core.db.migrate import upgrade


def place_database(directory: Path) -> None:
    """Put an empty database of the newest revision where the store will open it. A directory that is missing, or has
    a database, stays as it is."""
    path = directory / "leakwatch.sqlite3"
    if directory.is_dir() and not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "leakwatch.sqlite3")
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            upgrade(connection, "a database of tests")
            connection.commit()
        engine.dispose()
        return path.read_bytes()
