"""The tables. Nothing outside ``core.db`` sees them.

A ``sealed`` column holds JSON sealed for its row (:mod:`core.crypto`); ``…_key`` columns hold keyed hashes. What
stands in clear is identifiers, enumerations, numbers, times and our own sentences. Foreign keys lead through the
community, so that no row can belong to an object of another community.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlmodel import Field, SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(moment: datetime) -> int:
    """Return the aware time as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """Return the aware time. Raises OverflowError beyond what a datetime holds."""
    return _EPOCH + microseconds * _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """An aware time, kept as microseconds since 1970 so that every database orders and compares it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else microseconds_of(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else moment_of(value)


def _of(parent: str, column: str) -> ForeignKeyConstraint:
    """Return the constraint that ``column`` names a row of ``parent`` in the same community."""
    return ForeignKeyConstraint(
        ["community_id", column], [f"{parent}.community_id", f"{parent}.id"], ondelete="CASCADE"
    )


def _listed_by(moment: str) -> Index:
    """Return the index for a community's listing by that time."""
    return Index(None, "community_id", moment, "id")


class Row(SQLModel):
    """What all tables share: constraint names that every database and migration knows them by."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(row: type[Row]) -> Table:
    """Return the table behind the class, for statements that write many rows."""
    return Row.metadata.tables[str(row.__tablename__)]


class OwnedRow(Row):
    """What is found by its id, in its community only."""

    id: str = Field(primary_key=True)
    community_id: str = Field(foreign_key="community.id", ondelete="CASCADE")


class StateRow(Row, table=True):
    """The one row about the deployment as a whole."""

    __tablename__ = "state"
    id: int = Field(primary_key=True)
    catalogue_revision: int = Field(sa_type=BigInteger)


class CommunityRow(Row, table=True):
    __tablename__ = "community"
    id: str = Field(primary_key=True)
    wrapped_key: bytes
    sealed: bytes  # name, context
    created_at: datetime = Field(sa_type=Moment)


class ApiKeyRow(OwnedRow, table=True):
    __tablename__ = "api_key"
    __table_args__ = (_listed_by("created_at"),)
    digest: bytes = Field(unique=True)
    scopes: str  # separated by spaces
    sealed: bytes  # name
    created_at: datetime = Field(sa_type=Moment)
    last_used_at: datetime | None = Field(default=None, sa_type=Moment)
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)


class WatchlistRow(OwnedRow, table=True):
    __tablename__ = "watchlist"
    __table_args__ = (
        UniqueConstraint("community_id", "id"),
        UniqueConstraint("community_id", "name_key"),
        _listed_by("created_at"),
    )
    name_key: bytes
    sensitivity: str
    sealed: bytes  # name, packs
    created_at: datetime = Field(sa_type=Moment)
    is_test: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class TermRow(OwnedRow, table=True):
    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("community_id", "reference_key"),
        _of("watchlist", "watchlist_id"),
        _listed_by("created_at"),
        Index(None, "community_id", "search_externally"),
    )
    watchlist_id: str = Field(index=True)
    kind: str
    reference_key: bytes
    sealed: bytes  # reference, value, variants, settings
    ends_at: datetime | None = Field(default=None, sa_type=Moment, index=True)
    created_at: datetime = Field(sa_type=Moment)
    revision: int = Field(sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}, index=True)  # the catalogue's
    search_externally: bool | None = None  # whether it is worth unsealing for that; the sealed settings decide


class RemovedTermRow(OwnedRow, table=True):
    """Tells running processes that a term is gone."""

    __tablename__ = "removed_term"
    revision: int = Field(sa_type=BigInteger, index=True)  # the catalogue's
    expires_at: datetime = Field(sa_type=Moment, index=True)


class SourceRow(OwnedRow, table=True):
    __tablename__ = "source"
    __table_args__ = (_listed_by("updated_at"),)
    kind: str
    sealed: bytes  # name, settings
    sealed_cursor: bytes | None = None
    shared: bool
    interval_seconds: int
    state: str
    due_at: datetime | None = Field(default=None, sa_type=Moment, index=True)
    last_success_at: datetime | None = Field(default=None, sa_type=Moment)
    last_error: str | None = None
    failure_count: int = 0
    lease_token: str | None = None
    leased_until: datetime | None = Field(default=None, sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    sealed_health: bytes | None = None
    maximum_interval_seconds: int | None = None


class SeenRow(Row, table=True):
    __tablename__ = "seen"
    community_id: str = Field(primary_key=True, foreign_key="community.id", ondelete="CASCADE")
    document_key: bytes = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Moment, index=True)


class IncidentRow(OwnedRow, table=True):
    __tablename__ = "incident"
    __table_args__ = (UniqueConstraint("community_id", "id"), _listed_by("updated_at"))
    watchlist_id: str  # no foreign key: incidents and alerts outlive their watchlist
    alert_class: str
    score: int
    state: str
    first_seen_at: datetime = Field(sa_type=Moment)
    last_seen_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    sighting_count: int
    sealed: bytes  # assignee, reason, languages, whether it holds a threat, snooze
    site_count: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    snoozed_until: datetime | None = Field(default=None, sa_type=Moment, index=True)


class IncidentKeyRow(Row, table=True):
    __tablename__ = "incident_key"
    __table_args__ = (_of("incident", "incident_id"),)
    community_id: str = Field(primary_key=True, foreign_key="community.id", ondelete="CASCADE")
    join_key: bytes = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, index=True)
    expires_at: datetime | None = Field(default=None, sa_type=Moment, index=True)


class TraceRow(OwnedRow, table=True):
    """What is kept of a text to know its leak again."""

    __tablename__ = "trace"
    __table_args__ = (_of("incident", "incident_id"),)
    incident_id: str = Field(index=True)
    sealed: bytes  # keyed fingerprints
    created_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment, index=True)


class IncidentTermRow(Row, table=True):
    """Which terms had a part in an incident."""

    __tablename__ = "incident_term"
    __table_args__ = (_of("incident", "incident_id"),)
    community_id: str = Field(primary_key=True, foreign_key="community.id", ondelete="CASCADE")
    term_key: bytes = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, index=True)


class PieceRow(OwnedRow, table=True):
    """That something was told of a member."""

    __tablename__ = "piece"
    __table_args__ = (UniqueConstraint("community_id", "member_key", "piece_key"),)
    member_key: bytes
    piece_key: bytes
    sealed: bytes  # its kind, a keyed hash of the document, the site
    seen_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment, index=True)


class AlertRow(OwnedRow, table=True):
    __tablename__ = "alert"
    __table_args__ = (_of("incident", "incident_id"), _listed_by("raised_at"))
    watchlist_id: str
    incident_id: str = Field(index=True)
    alert_class: str
    score: int
    sealed: bytes  # signals, matches, entities, document without its text, excerpt, evidence
    raised_at: datetime = Field(sa_type=Moment)


class SightingRow(OwnedRow, table=True):
    __tablename__ = "sighting"
    __table_args__ = (
        UniqueConstraint("incident_id", "document_key"),
        _of("incident", "incident_id"),
        _listed_by("seen_at"),
    )
    incident_id: str
    document_key: bytes
    sealed: bytes  # document without its text
    seen_at: datetime = Field(sa_type=Moment)
    site_key: bytes | None = None
    last_seen_at: datetime | None = Field(default=None, sa_type=Moment)
    removed_at: datetime | None = Field(default=None, sa_type=Moment)
    returned_at: datetime | None = Field(default=None, sa_type=Moment)


class DestinationRow(OwnedRow, table=True):
    __tablename__ = "destination"
    __table_args__ = (UniqueConstraint("community_id", "id"), _listed_by("updated_at"))
    kind: str
    sealed: bytes  # name, settings, when it is sent digests
    detail: str
    minimum_severity: str
    enabled: bool
    last_sequence: int = 0
    updated_at: datetime = Field(sa_type=Moment)
    failing_since: datetime | None = Field(default=None, sa_type=Moment)
    failure_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    retry_at: datetime | None = Field(default=None, sa_type=Moment)
    last_error: str | None = None
    disabled_because: str | None = None
    digest_due_at: datetime | None = Field(default=None, sa_type=Moment, index=True)
    digest_since: datetime | None = Field(default=None, sa_type=Moment)


class RouteRow(OwnedRow, table=True):
    """Which incidents lead to which destinations. Of few rows, all are read for each incident."""

    __tablename__ = "route"
    __table_args__ = (_listed_by("updated_at"),)
    sealed: bytes  # all of it
    updated_at: datetime = Field(sa_type=Moment)


class QuietHoursRow(OwnedRow, table=True):
    """When a destination is not disturbed."""

    __tablename__ = "quiet_hours"
    __table_args__ = (_of("destination", "destination_id"), _listed_by("created_at"))
    destination_id: str = Field(index=True)
    sealed: bytes  # days, times, time zone
    created_at: datetime = Field(sa_type=Moment)


class MaintenanceRow(OwnedRow, table=True):
    """When nothing is sent, to one destination or to all of the community's."""

    __tablename__ = "maintenance"
    __table_args__ = (_of("destination", "destination_id"), _listed_by("from_at"))
    destination_id: str | None = None
    from_at: datetime = Field(sa_type=Moment)
    until_at: datetime = Field(sa_type=Moment, index=True)
    sealed: bytes  # reason


class DeliveryRow(OwnedRow, table=True):
    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("destination_id", "sequence"),
        _of("destination", "destination_id"),
        _of("incident", "incident_id"),
        _listed_by("updated_at"),
        Index(None, "state", "destination_id", "sequence"),
        Index(None, "community_id", "id", unique=True),
        Index(None, "state", "next_attempt_at"),
        Index(None, "destination_id", "route_id", "delivered_at"),
        Index(None, "destination_id", "leased_until"),
    )
    destination_id: str
    incident_id: str | None = Field(default=None, index=True)
    event: str
    sequence: int
    idempotency_key: str
    state: str
    attempts: int
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Moment)
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)
    last_error: str | None = None
    lease_token: str | None = None
    leased_until: datetime | None = Field(default=None, sa_type=Moment)
    # no foreign keys: that a source or destination failed is told even when it is deleted meanwhile
    source_id: str | None = None
    about_destination_id: str | None = None
    refusal_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    held_because: str | None = None
    since: datetime | None = Field(default=None, sa_type=Moment)
    route_id: str | None = None  # no foreign key: it is told also when the route is deleted meanwhile
    repeat_seconds: int | None = None
    canary_id: str | None = None
    sealed_progress: bytes | None = None


class DeliveryIncidentRow(Row, table=True):
    """One of several incidents that a delivery tells of."""

    __tablename__ = "delivery_incident"
    __table_args__ = (_of("delivery", "delivery_id"), _of("incident", "incident_id"))
    community_id: str = Field(foreign_key="community.id", ondelete="CASCADE")
    delivery_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, index=True)
    event: str
    since: datetime = Field(sa_type=Moment)


class DigestIncidentRow(Row, table=True):
    """An incident that a destination's next digest tells of."""

    __tablename__ = "digest_incident"
    __table_args__ = (_of("destination", "destination_id"), _of("incident", "incident_id"))
    community_id: str = Field(foreign_key="community.id", ondelete="CASCADE")
    destination_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, index=True)
    event: str
    since: datetime = Field(sa_type=Moment)


class RepetitionRow(Row, table=True):
    """That an incident is told to a destination again."""

    __tablename__ = "repetition"
    __table_args__ = (_of("destination", "destination_id"), _of("incident", "incident_id"))
    community_id: str = Field(foreign_key="community.id", ondelete="CASCADE")
    destination_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True, index=True)
    due_at: datetime = Field(sa_type=Moment, index=True)


class AttemptRow(OwnedRow, table=True):
    __tablename__ = "attempt"
    __table_args__ = (_of("delivery", "delivery_id"), Index(None, "delivery_id", "at", "id"))
    delivery_id: str
    number: int
    at: datetime = Field(sa_type=Moment)
    outcome: str
    status: int | None = None
    duration_milliseconds: int
    error: str | None = None
    expires_at: datetime = Field(sa_type=Moment, index=True)


class ModeratorRow(OwnedRow, table=True):
    __tablename__ = "moderator"
    __table_args__ = (UniqueConstraint("community_id", "id"),)
    sealed: bytes  # name, destinations, preferences
    created_at: datetime = Field(sa_type=Moment)


class RotationRow(OwnedRow, table=True):
    __tablename__ = "rotation"
    __table_args__ = (UniqueConstraint("community_id"), UniqueConstraint("community_id", "id"))
    sealed: bytes  # all of it but the overrides


class OverrideRow(OwnedRow, table=True):
    __tablename__ = "rotation_override"
    __table_args__ = (
        _of("rotation", "rotation_id"),
        _of("moderator", "moderator_id"),
        _of("moderator", "substitute_id"),
    )
    rotation_id: str = Field(index=True)
    moderator_id: str
    substitute_id: str | None = None
    from_at: datetime = Field(sa_type=Moment)
    until_at: datetime = Field(sa_type=Moment, index=True)


class EscalationRow(OwnedRow, table=True):
    """That an incident, whose id it has, waits to be acknowledged."""

    __tablename__ = "escalation"
    __table_args__ = (_of("incident", "id"), _of("rotation", "rotation_id"))
    rotation_id: str
    waiting_since: datetime = Field(sa_type=Moment)
    due_at: datetime | None = Field(default=None, sa_type=Moment, index=True)
    asked_ids: str  # separated by spaces
    round_number: int


class HeavyItemRow(OwnedRow, table=True):
    """That a moderator was sent something that is hard to read."""

    __tablename__ = "heavy_item"
    __table_args__ = (_of("moderator", "moderator_id"), Index(None, "community_id", "shown_at"))
    moderator_id: str
    shown_at: datetime = Field(sa_type=Moment)
    expires_at: datetime = Field(sa_type=Moment, index=True)


class CanaryRow(OwnedRow, table=True):
    """A document planted to see that it arrives. No foreign keys: that what it needs was deleted is told, too."""

    __tablename__ = "canary"
    __table_args__ = (
        _listed_by("updated_at"),
        Index(None, "community_id", "watchlist_id"),
        Index(None, "state", "source_id"),
    )
    source_id: str | None = None
    destination_id: str
    watchlist_id: str
    sealed: bytes  # its phrase
    planted_at: datetime = Field(sa_type=Moment)
    due_at: datetime = Field(sa_type=Moment)
    state: str
    read_count: int
    read_at: datetime | None = Field(default=None, sa_type=Moment)
    given_at: datetime | None = Field(default=None, sa_type=Moment)
    raised_at: datetime | None = Field(default=None, sa_type=Moment)
    planned_at: datetime | None = Field(default=None, sa_type=Moment)
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)
    incident_id: str | None = None
    broken_link: str | None = None
    reason: str | None = None
    updated_at: datetime = Field(sa_type=Moment)


class AuditRow(OwnedRow, table=True):
    __tablename__ = "audit"
    __table_args__ = (_listed_by("at"),)
    actor: str
    action: str
    object_id: str
    at: datetime = Field(sa_type=Moment)


class AnswerRow(Row, table=True):
    """An answer remembered for a repeated request."""

    __tablename__ = "answer"
    community_id: str = Field(primary_key=True, foreign_key="community.id", ondelete="CASCADE")
    request_key: bytes = Field(primary_key=True)
    sealed: bytes  # request digest, status, body
    expires_at: datetime = Field(sa_type=Moment, index=True)
