"""Whose turn it is. Handovers are at a wall time, so a shift over a change of the clocks is an hour longer or shorter;
where the clocks skip or repeat that time, the handover is when it would have come, or comes first, by the clocks before
the change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.types import Rotation


def on_call(rotation: Rotation, at: datetime) -> str:
    """Return the id of the moderator who is on call at that time: whose shift it is, or who stands in for them.

    Where everybody is absent, absences do not count: somebody must be asked.
    """
    return order_of(rotation, at)[0]


def order_of(rotation: Rotation, at: datetime) -> tuple[str, ...]:
    """Return the ids of the moderators in the order in which they are asked at that time: first who is on call, then
    those whose turns follow. Who is absent is left out."""
    absent = {one.moderator_id: one.substitute_id for one in rotation.overrides if one.from_at <= at < one.until_at}
    turn = _shift(rotation, at) % len(rotation.moderator_ids)
    turns = rotation.moderator_ids[turn:] + rotation.moderator_ids[:turn]
    first = _stand_in(turns[0], absent)
    others = [one for one in turns if one not in absent and one != first]
    return tuple(others if first is None else [first, *others]) or turns


def shift_ends_at(rotation: Rotation, at: datetime) -> datetime:
    """Return when the shift of that time ends (UTC)."""
    next_shift = _shift(rotation, at) + 1
    return _handover(rotation, rotation.starts_on + timedelta(days=next_shift * rotation.shift_days))


def _stand_in(moderator_id: str, absent: dict[str, str | None]) -> str | None:
    """Return who is there in the moderator's place, themselves if they are; None where that is nobody."""
    passed = set()
    present: str | None = moderator_id
    while present is not None and present in absent and present not in passed:
        passed.add(present)
        present = absent[present]
    return None if present in passed else present


def _shift(rotation: Rotation, at: datetime) -> int:
    """Return the number of the shift at that time: 0 for the first, below it for times before that."""
    day = at.astimezone(ZoneInfo(rotation.time_zone)).date()
    if at < _handover(rotation, day):
        day -= timedelta(days=1)
    return (day - rotation.starts_on).days // rotation.shift_days


def _handover(rotation: Rotation, day: date) -> datetime:
    # In UTC: times of one zone are compared by their wall time, which says nothing on the day of a change.
    return datetime.combine(day, rotation.handover_at, ZoneInfo(rotation.time_zone)).astimezone(UTC)
