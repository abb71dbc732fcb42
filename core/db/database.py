"""The open database: its connections, its keys, and units of reading and writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import URL, CursorResult, Delete, Update, event, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session
from sqlmodel import col

from core.clock import Clock
from core.crypto import CommunityKeys, KeyEncryptionKey, load_key
from core.db.engine import WRITING, database_url, dispose, failures_of, make_engine, name_of
from core.db.migrate import upgrade
from core.db.tables import (
    AlertRow,
    CommunityRow,
    DeliveryRow,
    DestinationRow,
    IncidentKeyRow,
    IncidentRow,
    IncidentTermRow,
    OwnedRow,
    PieceRow,
    Row,
    SightingRow,
    StateRow,
    TraceRow,
    table_of,
)
from core.errors import NotFound, StoreError
from core.settings import Settings
from core.types import Destination, Rotation, Route

R = TypeVar("R", bound=OwnedRow)
T = TypeVar("T")

_UNIT = "unit"
CHUNK = 500
"""How many keys go into one statement: well below every database's limit of parameters."""


_INSERTED_IN_ORDER: tuple[type[Row], ...] = (
    IncidentRow,
    IncidentKeyRow,
    IncidentTermRow,
    TraceRow,
    SightingRow,
    AlertRow,
    PieceRow,
    DeliveryRow,
)
"""The tables whose rows are inserted many at once: each after those that its rows belong to."""

_IF_PRESENT: Mapping[type[Row], tuple[tuple[str, ...], tuple[str, ...]]] = {
    IncidentKeyRow: (("community_id", "join_key", "incident_id"), ("expires_at",)),
    IncidentTermRow: (("community_id", "term_key", "incident_id"), ()),
    SightingRow: (("incident_id", "document_key"), ()),
    PieceRow: (("community_id", "member_key", "piece_key"), ("expires_at",)),
}
"""By which columns a row is known to exist already, and which of the others are changed then."""


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return the items in runs short enough for one statement."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


class Keyring:
    """The key-encryption key, and the communities' keys that it has opened so far."""

    def __init__(self, key: KeyEncryptionKey) -> None:
        self.key = key
        # By the wrapped key, not by the community: one that was never committed must not leave its key behind.
        self._opened: dict[bytes, CommunityKeys] = {}

    def of(self, community: CommunityRow) -> CommunityKeys:
        """Return the community's keys. Raises CryptoError where they were wrapped by another key."""
        opened = self._opened.get(community.wrapped_key)
        if opened is None or opened.community_id != community.id:
            opened = self.key.unwrap(community.wrapped_key, community.id)
            self._opened[community.wrapped_key] = opened
        return opened


@dataclass(frozen=True)
class Unit:
    """One transaction of the database, and the keys to what it reads and writes."""

    session: AsyncSession
    keyring: Keyring
    clock: Clock
    destinations: dict[str, tuple[Destination, ...]] = field(default_factory=dict, init=False)
    """The destinations that are told, by community: a page would ask for them with every alert."""
    routes: dict[str, tuple[Route, ...]] = field(default_factory=dict, init=False)
    """The routes, by community."""
    rotations: dict[str, Rotation | None] = field(default_factory=dict, init=False)
    """The rotations, by community; None where there is none."""
    planned_for: dict[str, DestinationRow] = field(default_factory=dict, init=False)
    """The destinations whose sequence numbers this unit gives away, by id."""
    absent_keys: set[bytes] = field(default_factory=set, init=False)
    """Keyed hashes of join keys that no incident has."""
    _communities: dict[str, CommunityRow] = field(default_factory=dict, init=False)
    _added: dict[type[Row], list[Mapping[str, object]]] = field(default_factory=dict, init=False)

    async def keys(self, community_id: str) -> CommunityKeys:
        """Return the keys of the community. Raises NotFound."""
        return self.keyring.of(await self.community(community_id))

    async def community(self, community_id: str) -> CommunityRow:
        """Return the community's row, read once a unit. Raises NotFound."""
        if community_id not in self._communities:
            row = await self.session.get(CommunityRow, community_id)
            if row is None:
                raise NotFound("there is no such community")
            self._communities[community_id] = row
        return self._communities[community_id]

    async def one(self, row: type[R], community_id: str, row_id: str, *, to_change: bool = False) -> R:
        """Return the row of that id in the community; ``to_change`` keeps others from changing it meanwhile.

        Raises NotFound.
        """
        statement = select(row).where(col(row.id) == row_id, col(row.community_id) == community_id)
        if to_change:
            # What was read before the row was locked may have changed since.
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found = await self.session.scalar(statement)
        if found is None:
            raise NotFound(f"there is no such {str(row.__tablename__).replace('_', ' ')} in this community")
        return found

    def add(self, row: type[Row], **values: object) -> None:
        """Have the row inserted together with others of its table: before the next statement, whatever that is, or
        when the unit ends. A row that exists already, or belongs to something that does not, is refused there."""
        self._added.setdefault(row, []).append(values)

    def insert_added(self, session: Session) -> None:
        """Insert what was added so far."""
        added = dict(self._added)
        self._added.clear()
        for row in _INSERTED_IN_ORDER:
            if row in added:
                session.execute(self._insertion(row), added[row])

    def _insertion(self, row: type[Row]) -> sqlite.Insert | postgresql.Insert:
        insertion = self.insert(row)
        match _IF_PRESENT.get(row):
            case None:
                return insertion
            case unique_by, ():
                return insertion.on_conflict_do_nothing(index_elements=unique_by)
            case unique_by, changed:
                new = {name: insertion.excluded[name] for name in changed}
                return insertion.on_conflict_do_update(index_elements=unique_by, set_=new)

    def insert(self, row: type[Row]) -> sqlite.Insert | postgresql.Insert:
        """Return an insertion that can say what to do about rows that exist (ON CONFLICT)."""
        if self.session.get_bind().dialect.name == "postgresql":
            return postgresql.insert(table_of(row))
        return sqlite.insert(table_of(row))

    async def change(self, statement: Update | Delete) -> int:
        """Run the statement; return how many rows it changed. Rows read before do not show the change."""
        result = await self.session.execute(statement.execution_options(synchronize_session=False))
        return cast("CursorResult[Any]", result).rowcount

    async def watched_has_changed(self) -> int:
        """Let the catalogue's revision grow with this transaction; return the new one. Transactions that change what
        is watched wait for one another here, so that revisions become visible in their order."""
        revision = col(StateRow.catalogue_revision)
        grown = update(StateRow).values(catalogue_revision=revision + 1).returning(revision)
        return (await self.session.execute(grown.execution_options(synchronize_session=False))).scalar_one()


class _Session(Session):
    """A session that inserts what was added to its unit before it asks for anything."""


@event.listens_for(_Session, "do_orm_execute")
def _insert_added(execution: ORMExecuteState) -> None:
    execution.session.info[_UNIT].insert_added(execution.session)


class Database:
    """What the parts of the store stand on."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises SettingsError for a database address that cannot be used. Nothing is opened yet."""
        self._settings = settings
        self._clock = clock
        self._url: URL = database_url(settings.database_address)
        self._name = name_of(self._url)
        self._engine: AsyncEngine = make_engine(self._url)
        self._keyring: Keyring | None = None
        self._snapshot: ContextVar[Unit | None] = ContextVar("snapshot", default=None)

    async def open(self) -> None:
        """Create the database where there is none, migrate it, and check that the key opens it.

        Several processes may do so at once. Raises StoreError, CryptoError.
        """
        try:
            with failures_of(self._name):
                await self._migrate()
                async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                    communities = (await session.scalars(select(CommunityRow))).all()
            keyring = Keyring(await asyncio.to_thread(load_key, self._settings, may_create=not communities))
            for community in communities:
                keyring.of(community)
        except BaseException:
            await self.close()
            raise
        self._keyring = keyring

    async def close(self) -> None:
        """Close all connections. The database can be opened again."""
        self._keyring = None
        await dispose(self._engine)

    async def _migrate(self) -> None:
        if self._url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_make_private_file, Path(self._url.database or ""), self._name)
        engine = make_engine(self._url, foreign_keys=False)
        try:
            async with engine.execution_options(**WRITING).begin() as connection:
                await connection.run_sync(upgrade, self._name)
        finally:
            await dispose(engine)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """Have all that this task reads in the block be of one state of the database. What is written meanwhile, here
        too, does not show."""
        async with self.reading() as unit:
            token = self._snapshot.set(unit)
            try:
                yield
            finally:
                self._snapshot.reset(token)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Open a unit that reads one state of the database."""
        unit = self._snapshot.get()
        if unit is not None:
            yield unit
            return
        async with self._unit(self._engine) as unit:
            yield unit

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Unit]:
        """Open a unit that may write: all of it is kept, or nothing where the block raises."""
        async with self._unit(self._engine.execution_options(**WRITING)) as unit:
            yield unit

    @asynccontextmanager
    async def _unit(self, engine: AsyncEngine) -> AsyncIterator[Unit]:
        if self._keyring is None:
            raise StoreError(f"{self._name} is not open")
        with failures_of(self._name):
            sessions = AsyncSession(engine, expire_on_commit=False, sync_session_class=_Session)
            async with sessions as session, session.begin():
                unit = session.info[_UNIT] = Unit(session, self._keyring, self._clock)
                yield unit
                await session.run_sync(unit.insert_added)


def _make_private_file(path: Path, name: str) -> None:
    # SQLite would make the file readable by all that the umask lets; its log files take over the file's mode.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{name} cannot be made: {error.strerror}") from None
