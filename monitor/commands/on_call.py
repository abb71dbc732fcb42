"""``leakwatch moderator`` and ``leakwatch rotation``: who takes incidents on, and when."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from functools import partial
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.rotation import order_of, shift_ends_at
from core.db.store import SqlStore
from core.errors import NotFound, UsageError
from core.ids import new_id
from core.listing import whole
from core.types import Community, Moderator, Override, Rotation, Severity
from monitor.commands.setup import with_community
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.commands.times import check_time_zone, moment_of
from monitor.parts import Parts
from monitor.setup import audit_entry, destination_named, moderator_named

_NAME = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Turns:
    """A rotation as it was given: moderators by name or id, in the order of their turns; it starts today where no day
    is given."""

    moderators: Sequence[str]
    starts_on: date | None = None
    handover_at: str = "09:00"
    time_zone: str = "UTC"
    shift_days: int = 7
    minimum_severity: Severity = Severity.HIGH
    critical_minutes: int = 15
    other_minutes: int = 60


def moderator_add(
    community: str | None, name: str, destinations: Sequence[str], *, no_quotes: bool, time_zone: str
) -> int:
    """Save a moderator, reached by these destinations."""
    _check_name(name)
    check_time_zone(time_zone)

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        moderator = Moderator(
            id=new_id("mod"),
            community_id=owner.id,
            name=name,
            destination_ids=await _destination_ids(store, owner, destinations),
            no_quotes=no_quotes,
            time_zone=time_zone,
        )
        audit = audit_entry(parts.clock, owner.id, "moderator.created", moderator.id)
        await store.add_moderator(moderator, audit=audit)
        print(f"{moderator.id} is saved.")

    return with_community(community, work)


def moderator_list(community: str | None) -> int:
    """Show the moderators, the oldest first."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        names = {each.id: each.name for each in await whole(partial(store.all_destinations, owner.id))}
        counts = await store.heavy_counts(owner.id, parts.clock.now())
        table = Table("moderator", "name", "reached by", "quotes", "time zone", "heavy items", box=None, pad_edge=False)
        for one in await store.moderators(owner.id):
            table.add_row(
                one.id,
                Text(one.name),
                Text(", ".join(names[each] for each in one.destination_ids if each in names) or "nothing"),
                "no" if one.no_quotes else "yes",
                one.time_zone,
                str(counts.get(one.id, 0)),
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            if table.row_count:
                Console(highlight=False).print(table)
            else:
                print("There is no moderator.")

    return with_community(community, work)


def moderator_change(
    community: str | None,
    moderator: str,
    name: str | None,
    destinations: Sequence[str] | None,
    *,
    no_quotes: bool | None,
    time_zone: str | None,
) -> int:
    """Change of the moderator what is not None."""
    if name is not None:
        _check_name(name)
    if time_zone is not None:
        check_time_zone(time_zone)

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        before = await moderator_named(store, owner.id, moderator)
        reached_by = None if destinations is None else await _destination_ids(store, owner, destinations)
        after = replace(
            before,
            name=before.name if name is None else name,
            destination_ids=before.destination_ids if reached_by is None else reached_by,
            no_quotes=before.no_quotes if no_quotes is None else no_quotes,
            time_zone=before.time_zone if time_zone is None else time_zone,
        )
        await store.change_moderator(after, audit=audit_entry(parts.clock, owner.id, "moderator.changed", after.id))
        print(f"{after.id} is changed.")

    return with_community(community, work)


def moderator_delete(community: str | None, moderator: str) -> int:
    """Delete the moderator."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        one = await moderator_named(store, owner.id, moderator)
        audit = audit_entry(parts.clock, owner.id, "moderator.deleted", one.id)
        await store.delete_moderator(owner.id, one.id, audit=audit)
        print(f"{one.id} is deleted.")

    return with_community(community, work)


def rotation_set(community: str | None, name: str, turns: Turns) -> int:
    """Save the rotation in place of the one before, whose absences stay."""
    _check_name(name)
    if _TIME.fullmatch(turns.handover_at) is None:
        raise UsageError("the time of the handover is written 09:00, as clocks show it there")
    check_time_zone(turns.time_zone)

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        moderator_ids = [(await moderator_named(store, owner.id, each)).id for each in turns.moderators]
        if len(set(moderator_ids)) < len(moderator_ids):
            raise UsageError("name each moderator once")
        before = await store.rotation_of(owner.id)
        rotation = Rotation(
            id=new_id("rot") if before is None else before.id,
            community_id=owner.id,
            name=name,
            moderator_ids=tuple(moderator_ids),
            starts_on=turns.starts_on or parts.clock.now().astimezone(ZoneInfo(turns.time_zone)).date(),
            handover_at=time.fromisoformat(turns.handover_at),
            time_zone=turns.time_zone,
            shift_days=turns.shift_days,
            minimum_severity=turns.minimum_severity,
            critical_minutes=turns.critical_minutes,
            other_minutes=turns.other_minutes,
        )
        if before is None:
            audit = audit_entry(parts.clock, owner.id, "rotation.created", rotation.id)
            await store.add_rotation(rotation, audit=audit)
        else:
            audit = audit_entry(parts.clock, owner.id, "rotation.changed", rotation.id)
            await store.change_rotation(rotation, audit=audit)
        print(f"{rotation.id} is saved.")

    return with_community(community, work)


def rotation_show(community: str | None) -> int:
    """Show who is on call, in which order they are asked, and the absences."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        rotation = await store.rotation_of(owner.id)
        if rotation is None:
            print("There is no rotation: nobody is asked to take incidents on.")
            return
        now = parts.clock.now()
        names = {one.id: one.name for one in await store.moderators(owner.id)}
        first, *others = [names[one] for one in order_of(rotation, now)]
        table = Table("absence", "moderator", "from", "until", "substitute", box=None, pad_edge=False)
        for override in rotation.overrides:
            table.add_row(
                override.id,
                Text(names[override.moderator_id]),
                f"{override.from_at:%Y-%m-%d %H:%M} UTC",
                f"{override.until_at:%Y-%m-%d %H:%M} UTC",
                Text("" if override.substitute_id is None else names[override.substitute_id]),
            )
        with written(sys.stdout, STANDARD_OUTPUT):
            print(f"{rotation.id} {rotation.name}: from severity {rotation.minimum_severity} up")
            print(f"On call until {shift_ends_at(rotation, now):%Y-%m-%d %H:%M} UTC: {first}")
            print(f"Asked next: {', '.join(others) or 'nobody else'}")
            if table.row_count:
                Console(highlight=False).print(table)

    return with_community(community, work)


def rotation_delete(community: str | None) -> int:
    """Delete the rotation."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        rotation = await _rotation(store, owner)
        audit = audit_entry(parts.clock, owner.id, "rotation.deleted", rotation.id)
        await store.delete_rotation(owner.id, rotation.id, audit=audit)
        print(f"{rotation.id} is deleted.")

    return with_community(community, work)


def rotation_absent(community: str | None, moderator: str, from_at: str, until_at: str, substitute: str | None) -> int:
    """Save that the moderator is not on call for a while, and who stands in for them."""
    begins_at, ends_at = moment_of(from_at), moment_of(until_at)
    if ends_at <= begins_at:
        raise UsageError("an absence must end later than it begins")

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        rotation = await _rotation(store, owner)
        absent = await moderator_named(store, owner.id, moderator)
        stands_in = None if substitute is None else await moderator_named(store, owner.id, substitute)
        if stands_in is not None and stands_in.id == absent.id:
            raise UsageError("the substitute must be somebody else")
        override = Override(
            id=new_id("ovr"),
            moderator_id=absent.id,
            from_at=begins_at,
            until_at=ends_at,
            substitute_id=None if stands_in is None else stands_in.id,
        )
        audit = audit_entry(parts.clock, owner.id, "rotation.override_created", override.id)
        await store.add_override(owner.id, rotation.id, override, audit=audit)
        print(f"{override.id} is saved.")

    return with_community(community, work)


def rotation_present(community: str | None, absence: str) -> int:
    """Delete the absence of that id."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        rotation = await _rotation(store, owner)
        audit = audit_entry(parts.clock, owner.id, "rotation.override_deleted", absence)
        await store.delete_override(owner.id, rotation.id, absence, audit=audit)
        print(f"{absence} is deleted.")

    return with_community(community, work)


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise UsageError("a name has from 1 to 200 characters, all of them visible or blanks")


async def _destination_ids(store: SqlStore, owner: Community, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([(await destination_named(store, owner.id, name)).id for name in names]))


async def _rotation(store: SqlStore, owner: Community) -> Rotation:
    rotation = await store.rotation_of(owner.id)
    if rotation is None:
        raise NotFound("there is no rotation: leakwatch rotation set makes one")
    return rotation
