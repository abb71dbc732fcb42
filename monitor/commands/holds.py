"""``leakwatch quiet`` and ``leakwatch maintenance``: when destinations are not disturbed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import time
from functools import partial

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.db.store import SqlStore
from core.errors import UsageError
from core.ids import new_id
from core.listing import whole
from core.types import Community, MaintenanceWindow, QuietHours, Weekday
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.commands.times import check_time_zone, moment_of
from monitor.parts import Parts
from monitor.setup import audit_entry, destination_named

_TIMES = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


def quiet_add(community: str | None, destination: str, times: str, days: Sequence[Weekday], time_zone: str) -> int:
    """Save quiet hours, written as ``22:00-07:00``, on these days, or on every day where none is given."""
    found = _TIMES.fullmatch(times)
    if found is None:
        raise UsageError("quiet hours are written 22:00-07:00, from and until as clocks show it")
    check_time_zone(time_zone)
    from_hour, from_minute, until_hour, until_minute = map(int, found.groups())

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        hours = QuietHours(
            id=new_id("qth"),
            community_id=owner.id,
            destination_id=(await destination_named(store, owner.id, destination)).id,
            days=frozenset(days or Weekday),
            from_time=time(from_hour, from_minute),
            until_time=time(until_hour, until_minute),
            time_zone=time_zone,
        )
        await store.add_quiet_hours(hours, audit=audit_entry(parts.clock, owner.id, "quiet_hours.created", hours.id))
        print(f"{hours.id} is saved.")

    return with_community(community, work)


def quiet_list(community: str | None) -> int:
    """Show the quiet hours of all destinations, the oldest first."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:  # noqa: ARG001
        names = await _destination_names(store, owner)
        table = Table("quiet hours", "destination", "days", "from", "until", "time zone", box=None, pad_edge=False)
        for hours in await whole(partial(store.quiet_hours, owner.id)):
            days = [day for day in Weekday if day in hours.days]
            table.add_row(
                hours.id,
                Text(names[hours.destination_id]),
                "every day" if len(days) == len(Weekday) else ", ".join(days),
                f"{hours.from_time:%H:%M}",
                f"{hours.until_time:%H:%M}",
                hours.time_zone,
            )
        _show(table, "No destination has quiet hours.")

    return with_community(community, work)


def quiet_delete(community: str | None, hours_id: str) -> int:
    """Delete the quiet hours."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        entry = audit_entry(parts.clock, owner.id, "quiet_hours.deleted", hours_id)
        await store.delete_quiet_hours(owner.id, hours_id, audit=entry)
        print(f"{hours_id} are deleted.")

    return with_community(community, work)


def maintenance_add(
    community: str | None, reason: str, from_at: str | None, until_at: str, destination: str | None
) -> int:
    """Save a maintenance window of a destination, or of all where none is named."""
    begins_at, ends_at = None if from_at is None else moment_of(from_at), moment_of(until_at)

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        now = parts.clock.now()
        window = MaintenanceWindow(
            id=new_id("mnt"),
            community_id=owner.id,
            destination_id=None if destination is None else (await destination_named(store, owner.id, destination)).id,
            from_at=begins_at or now,
            until_at=ends_at,
            reason=reason,
        )
        if window.until_at <= max(now, window.from_at):
            raise UsageError("the window must end in the future, and later than it begins")
        await store.add_maintenance(window, audit=audit_entry(parts.clock, owner.id, "maintenance.created", window.id))
        print(f"{window.id} is saved.")

    return with_community(community, work)


def maintenance_list(community: str | None) -> int:
    """Show the maintenance windows that are open or to come."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        names = await _destination_names(store, owner)
        table = Table("window", "destination", "from", "until", "reason", box=None, pad_edge=False)
        for window in await whole(partial(store.maintenance, owner.id)):
            if window.until_at > parts.clock.now():
                table.add_row(
                    window.id,
                    Text("all" if window.destination_id is None else names[window.destination_id]),
                    f"{window.from_at:%Y-%m-%d %H:%M} UTC",
                    f"{window.until_at:%Y-%m-%d %H:%M} UTC",
                    Text(window.reason),
                )
        _show(table, "No maintenance is under way or planned.")

    return with_community(community, work)


def maintenance_delete(community: str | None, window_id: str) -> int:
    """Delete the maintenance window, which ends it."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        entry = audit_entry(parts.clock, owner.id, "maintenance.deleted", window_id)
        await store.delete_maintenance(owner.id, window_id, audit=entry)
        print(f"{window_id} is deleted.")

    return with_community(community, work)


async def _destination_names(store: SqlStore, owner: Community) -> dict[str, str]:
    return {each.id: each.name for each in await whole(partial(store.all_destinations, owner.id))}


def _show(table: Table, without_rows: str) -> None:
    if not table.row_count:
        print(without_rows)
        return
    with written(sys.stdout, STANDARD_OUTPUT):
        Console(highlight=False).print(table)
