"""Which part of a listing is wanted, and what is given of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from core.types import (
    AlertClass,
    IncidentState,
    Severity,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Part of a listing. ``next_cursor`` continues it, None at its end."""

    items: tuple[T, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which part of a listing is wanted: ``cursor`` from an earlier slice, at most ``limit`` items,
    only what changed at ``updated_since`` or later."""

    cursor: str | None = None
    limit: int = 50
    updated_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """None, or empty, means any. ``delivery_id``: of the incidents that this delivery tells of."""

    states: frozenset[IncidentState] = frozenset()
    classes: frozenset[AlertClass] = frozenset()
    minimum_severity: Severity | None = None
    watchlist_id: str | None = None
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """None, or empty, means any."""

    classes: frozenset[AlertClass] = frozenset()
    minimum_severity: Severity | None = None
    watchlist_id: str | None = None
    incident_id: str | None = None
