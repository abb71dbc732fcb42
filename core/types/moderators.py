"""Who takes incidents on, whose turn it is, and who was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from core.types.findings import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderator:
    """Somebody who takes incidents on, reached by all of ``destination_ids``. With ``no_quotes`` they are shown nothing
    that strangers wrote. ``time_zone`` (IANA) is in which times are told to them; None: UTC."""

    id: str
    community_id: str
    name: str = field(repr=False)
    destination_ids: tuple[str, ...]
    no_quotes: bool = False
    time_zone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """From ``from_at`` until before ``until_at``, a moderator is not asked. Their shifts are ``substitute_id``'s then,
    or, where that is None, those of the next in the rotation."""

    id: str
    moderator_id: str
    from_at: datetime
    until_at: datetime
    substitute_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Who is on call: the moderators in turn, each for ``shift_days``, changing at ``handover_at`` (wall time) of
    ``time_zone`` (IANA). The first of them begins on ``starts_on``.

    Incidents of ``minimum_severity`` and above are to be acknowledged within ``critical_minutes`` where they are
    critical, else within ``other_minutes``.
    """

    id: str
    community_id: str
    name: str = field(repr=False)
    moderator_ids: tuple[str, ...]
    starts_on: date
    handover_at: time
    time_zone: str = field(repr=False)
    shift_days: int = 7
    minimum_severity: Severity = Severity.HIGH
    critical_minutes: int = 15
    other_minutes: int = 60
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEscalation:
    """That an incident waits, as a destination may see it. Times are in the reader's zone. ``moderator`` is who is
    asked now, None where that is nobody or not told; ``due_at`` is until when, None where nobody is asked any more."""

    waiting_since: datetime
    due_at: datetime | None
    moderator: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """That an incident waits for somebody to acknowledge it, since ``waiting_since``. In this round, counted from 1,
    ``asked_ids`` were asked, the last of them now. Who is next is asked at ``due_at``; None: nobody any more."""

    incident_id: str
    community_id: str
    rotation_id: str
    waiting_since: datetime
    due_at: datetime | None
    asked_ids: tuple[str, ...] = ()
    round_number: int = 1
