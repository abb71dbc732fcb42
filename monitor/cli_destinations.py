"""The commands about destinations. Like all, they import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from core.types import DigestPeriod, DigestSchedule, Severity, Weekday
from monitor.cli_options import CommunityName, Given

destination = typer.Typer(help="Set up who is told.", rich_markup_mode=None)

DestinationName = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the destination.")]


@destination.command("add")
def add_destination(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help="webhook, email, discord, slack, mattermost, matrix, telegram, ntfy, or a plug-in's."
        ),
    ],
    settings: Given = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="How people call it; by default its kind.")] = None,
    minimum_severity: Annotated[
        Severity, typer.Option(help="Slightest severity of an incident that it is told.")
    ] = Severity.MEDIUM,
    no_quotes: Annotated[bool, typer.Option("--no-quotes", help="Leave out what strangers wrote.")] = False,
    only_when_asked: Annotated[
        bool, typer.Option("--only-when-asked", help="Tell it only when a moderator who is reached there is asked.")
    ] = False,
    community: CommunityName = None,
) -> int:
    """Add a destination: leakwatch destination add webhook url=https://… secret=whsec_…"""
    from monitor.commands.setup import destination_add

    return destination_add(
        community,
        kind,
        name or kind,
        settings or [],
        minimum_severity,
        no_quotes=no_quotes,
        only_when_asked=only_when_asked,
    )


@destination.command("test")
def try_destination(
    name: DestinationName,
    community: CommunityName = None,
) -> int:
    """Send a sample the way that all notices take, and say what came of it."""
    from core.logs import configure_logs
    from monitor.commands.delivery import destination_test

    configure_logs("CRITICAL")  # what came of it is said
    return destination_test(community, name)


@destination.command("digest")
def digest_destination(
    name: DestinationName,
    when: Annotated[
        str | None,
        typer.Argument(metavar="daily|weekly|off", help="How often; without it, the next digest is shown."),
    ] = None,
    hour: Annotated[int, typer.Option(min=0, max=23, metavar="N", help="At which hour of the day.")] = 8,
    weekday: Annotated[Weekday, typer.Option(help="On which day, where it is weekly.")] = Weekday.MONDAY,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose clocks, such as Europe/Berlin.")] = "UTC",
    only: Annotated[bool, typer.Option("--only", help="Tell it nothing at once, however grave.")] = False,
    community: CommunityName = None,
) -> int:
    """Have a destination told once a day or a week of what can wait, or show what it would be told."""
    from monitor.commands.delivery import digest_preview, digest_set

    if when is None:
        return digest_preview(community, name)
    if when == "off":
        return digest_set(community, name, None)
    if when not in tuple(DigestPeriod):
        raise typer.BadParameter("say daily, weekly or off")
    schedule = DigestSchedule(period=DigestPeriod(when), hour=hour, weekday=weekday, time_zone=time_zone, is_only=only)
    return digest_set(community, name, schedule)


@destination.command("list")
def list_destinations(community: CommunityName = None) -> int:
    """List the destinations, and how they fare."""
    from monitor.commands.destinations import destination_list

    return destination_list(community)


@destination.command("enable")
def enable_destination(name: DestinationName, community: CommunityName = None) -> int:
    """Switch a destination on: what waits for it is sent."""
    from monitor.commands.destinations import destination_switch

    return destination_switch(community, name, enabled=True)


@destination.command("disable")
def disable_destination(name: DestinationName, community: CommunityName = None) -> int:
    """Switch a destination off: nothing is sent to it."""
    from monitor.commands.destinations import destination_switch

    return destination_switch(community, name, enabled=False)
