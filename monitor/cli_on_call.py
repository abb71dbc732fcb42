"""The commands about moderators and the rotation. Like all, they import what they need when they run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from core.types import Severity
from monitor.cli_options import CommunityName

moderator = typer.Typer(help="Say who takes incidents on, and how they are reached.", rich_markup_mode=None)
rotation = typer.Typer(help="Say who is on call when.", rich_markup_mode=None)

ModeratorName = Annotated[str, typer.Argument(metavar="MODERATOR", help="Name or id of the moderator.")]


@moderator.command("add")
def add_moderator(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people call them.")],
    destinations: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="DESTINATION", help="Name or id of what reaches them; may be repeated."),
    ] = None,
    no_quotes: Annotated[bool, typer.Option("--no-quotes", help="Send them nothing that strangers wrote.")] = False,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="In which times are shown to them.")] = "UTC",
    community: CommunityName = None,
) -> int:
    """Add a moderator: leakwatch moderator add Ada --to "Ada's phone" """
    from monitor.commands.on_call import moderator_add

    return moderator_add(community, name, destinations or [], no_quotes=no_quotes, time_zone=time_zone)


@moderator.command("list")
def list_moderators(community: CommunityName = None) -> int:
    """List the moderators, how they are reached, and how much that is hard to read they were sent in seven days."""
    from monitor.commands.on_call import moderator_list

    return moderator_list(community)


@moderator.command("change")
def change_moderator(
    moderator: ModeratorName,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="How people call them.")] = None,
    destinations: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="DESTINATION", help="Name or id of what reaches them from now on; may be repeated."
        ),
    ] = None,
    no_quotes: Annotated[
        bool | None, typer.Option("--no-quotes/--quotes", help="Whether they are sent what strangers wrote.")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(metavar="ZONE", help="In which times are shown to them.")] = None,
    community: CommunityName = None,
) -> int:
    """Change a moderator; what is not named stays as it is."""
    from monitor.commands.on_call import moderator_change

    return moderator_change(community, moderator, name, destinations, no_quotes=no_quotes, time_zone=time_zone)


@moderator.command("delete")
def delete_moderator(moderator: ModeratorName, community: CommunityName = None) -> int:
    """Delete a moderator, who must not be in the rotation."""
    from monitor.commands.on_call import moderator_delete

    return moderator_delete(community, moderator)


@rotation.command("set")
def set_rotation(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people call it.")],
    moderators: Annotated[
        list[str],
        typer.Option("--moderator", metavar="MODERATOR", help="Name or id; repeated in the order of their turns."),
    ],
    starts_on: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", formats=["%Y-%m-%d"], help="When the first takes over; today without."),
    ] = None,
    handover_at: Annotated[str, typer.Option(metavar="TIME", help="Time of day at which the next takes over.")] = (
        "09:00"
    ),
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose clocks count.")] = "UTC",
    shift_days: Annotated[int, typer.Option(min=1, max=366, metavar="DAYS", help="How long each is on call.")] = 7,
    minimum_severity: Annotated[
        Severity, typer.Option(help="Slightest severity for which somebody is asked.")
    ] = Severity.HIGH,
    critical_minutes: Annotated[
        int, typer.Option(min=1, max=10080, metavar="MINUTES", help="Time to acknowledge a critical incident.")
    ] = 15,
    other_minutes: Annotated[
        int, typer.Option(min=1, max=10080, metavar="MINUTES", help="Time to acknowledge any other.")
    ] = 60,
    community: CommunityName = None,
) -> int:
    """Put a rotation in place of the one before: leakwatch rotation set Nights --moderator Ada --moderator Grace"""
    from monitor.commands.on_call import Turns, rotation_set

    turns = Turns(
        moderators=moderators,
        starts_on=None if starts_on is None else starts_on.date(),
        handover_at=handover_at,
        time_zone=time_zone,
        shift_days=shift_days,
        minimum_severity=minimum_severity,
        critical_minutes=critical_minutes,
        other_minutes=other_minutes,
    )
    return rotation_set(community, name, turns)


@rotation.command("show")
def show_rotation(community: CommunityName = None) -> int:
    """Show who is on call now, who is asked after them, and who is absent when."""
    from monitor.commands.on_call import rotation_show

    return rotation_show(community)


@rotation.command("delete")
def delete_rotation(community: CommunityName = None) -> int:
    """Delete the rotation: nobody is asked to take incidents on any more."""
    from monitor.commands.on_call import rotation_delete

    return rotation_delete(community)


@rotation.command("absent")
def say_absent(
    moderator: ModeratorName,
    from_at: Annotated[str, typer.Option("--from", metavar="MOMENT", help="From when: 2026-12-24T00:00+01:00.")],
    until_at: Annotated[str, typer.Option("--until", metavar="MOMENT", help="Until when.")],
    substitute: Annotated[
        str | None, typer.Option(metavar="MODERATOR", help="Who stands in; the next in the rotation without.")
    ] = None,
    community: CommunityName = None,
) -> int:
    """Say that a moderator is not on call for a while."""
    from monitor.commands.on_call import rotation_absent

    return rotation_absent(community, moderator, from_at, until_at, substitute)


@rotation.command("present")
def say_present(
    absence: Annotated[str, typer.Argument(metavar="ABSENCE", help="Id of the absence.")],
    community: CommunityName = None,
) -> int:
    """Take an absence back."""
    from monitor.commands.on_call import rotation_present

    return rotation_present(community, absence)
