"""Brings a database to the tables of this program."""

from __future__ import annotations

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import StoreError


def migrations(connection: Connection) -> Config:
    """Return Alembic's configuration for the migrations of this package, run on the connection."""
    config = _configuration()
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, name: str) -> None:
    """Run the migrations that the database lacks, in the connection's transaction. ``name`` is for the error.

    Raises StoreError for a database that a newer program has migrated.
    """
    newest, *_ = known = _revisions()
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(f"{name} was written by a newer version of Leakwatch: install that version, or a later one")
    if current != newest:
        command.upgrade(migrations(connection), "head")


@cache  # Alembic runs every script to read its number
def _revisions() -> tuple[str, ...]:
    """Return the revisions that this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_configuration()).walk_revisions())


def _configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", "core.db:migrations")
    return config
