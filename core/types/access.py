"""Who may do what, and who did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What an API key may do. ``admin`` may everything in its community; ``operate`` adds the
    deployment itself: communities and shared sources. ``feed`` stands alone: a token in an address gives no more."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    REVEAL = "reveal"
    FEED = "feed"
    ADMIN = "admin"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key to the API; the secret itself is never kept. ``digest`` is SHA-256 of the token."""

    id: str
    community_id: str
    name: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object, when. Holds identifiers, never values."""

    id: str
    community_id: str
    actor: str
    action: str
    object_id: str
    at: datetime
