"""The commands about who is told of what. Like all, they import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from core.types import AlertClass, Severity, Weekday
from monitor.cli_options import CommunityName

route = typer.Typer(help="Say which incidents lead to which destinations.", rich_markup_mode=None)
quiet = typer.Typer(help="Say when destinations are not disturbed.", rich_markup_mode=None)
maintenance = typer.Typer(help="Send nothing for a while.", rich_markup_mode=None)


@route.command("add")
def add_route(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people call it.")],
    destinations: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="DESTINATION", help="Name or id of where it leads; may be repeated. Without: nowhere."
        ),
    ] = None,
    watchlists: Annotated[
        list[str] | None,
        typer.Option("--watchlist", metavar="NAME", help="It takes incidents of this watchlist; may be repeated."),
    ] = None,
    classes: Annotated[
        list[AlertClass] | None,
        typer.Option("--class", help="It takes incidents of this class; may be repeated."),
    ] = None,
    languages: Annotated[
        list[str] | None,
        typer.Option(
            "--language", metavar="CODE", help="It takes incidents in this language, such as es; may be repeated."
        ),
    ] = None,
    minimum_severity: Annotated[
        Severity, typer.Option(help="Slightest severity of an incident that it takes.")
    ] = Severity.INFO,
    wait: Annotated[
        int, typer.Option(min=0, max=3600, metavar="SECONDS", help="How long the first notice waits for others.")
    ] = 0,
    interval: Annotated[
        int, typer.Option(min=0, max=7 * 24 * 3600, metavar="SECONDS", help="Least time between two notices.")
    ] = 0,
    repeat: Annotated[
        int | None,
        typer.Option(
            min=300, max=30 * 24 * 3600, metavar="SECONDS", help="Tell again what nobody has acknowledged so long."
        ),
    ] = None,
    community: CommunityName = None,
) -> int:
    """Add a route: leakwatch route add threats --class threat --to phone"""
    from monitor.commands.routes import Wanted, route_add

    wanted = Wanted(
        destinations=destinations or [],
        watchlists=watchlists or [],
        classes=classes or [],
        languages=languages or [],
        minimum_severity=minimum_severity,
        wait_seconds=wait,
        interval_seconds=interval,
        repeat_seconds=repeat,
    )
    return route_add(community, name, wanted)


@route.command("list")
def list_routes(community: CommunityName = None) -> int:
    """List the routes: what each takes, and where it leads."""
    from monitor.commands.routes import route_list

    return route_list(community)


@route.command("delete")
def delete_route(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="Id of the route.")], community: CommunityName = None
) -> int:
    """Delete a route."""
    from monitor.commands.routes import route_delete

    return route_delete(community, route)


@route.command("explain")
def explain_routing(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of the incident.")],
    community: CommunityName = None,
) -> int:
    """Say for every destination whether it is told of an incident, and why."""
    from monitor.commands.routes import route_explain

    return route_explain(community, incident)


@quiet.command("add")
def add_quiet_hours(
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="Name or id of the destination.")],
    times: Annotated[str, typer.Argument(metavar="FROM-UNTIL", help="As clocks show it there: 22:00-07:00.")],
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose clocks, such as Europe/Berlin.")],
    day: Annotated[
        list[Weekday] | None, typer.Option(help="Day on which they begin; may be repeated. Without: every day.")
    ] = None,
    community: CommunityName = None,
) -> int:
    """Add quiet hours: leakwatch quiet add phone 22:00-07:00 --time-zone Europe/Berlin"""
    from monitor.commands.holds import quiet_add

    return quiet_add(community, destination, times, day or [], time_zone)


@quiet.command("list")
def list_quiet_hours(community: CommunityName = None) -> int:
    """List the quiet hours of all destinations."""
    from monitor.commands.holds import quiet_list

    return quiet_list(community)


@quiet.command("delete")
def delete_quiet_hours(
    hours: Annotated[str, typer.Argument(metavar="QUIET_HOURS", help="Their id.")], community: CommunityName = None
) -> int:
    """Delete quiet hours; what waits for their end is sent."""
    from monitor.commands.holds import quiet_delete

    return quiet_delete(community, hours)


@maintenance.command("add")
def add_maintenance(
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why.")],
    until_at: Annotated[str, typer.Option("--until", metavar="MOMENT", help="When it ends: 2026-11-20T22:00+01:00.")],
    from_at: Annotated[
        str | None, typer.Option("--from", metavar="MOMENT", help="When it begins; now without.")
    ] = None,
    destination: Annotated[
        str | None, typer.Option(metavar="DESTINATION", help="Name or id of the destination; all without.")
    ] = None,
    community: CommunityName = None,
) -> int:
    """Send nothing for a while: leakwatch maintenance add "the server moves" --until …"""
    from monitor.commands.holds import maintenance_add

    return maintenance_add(community, reason, from_at, until_at, destination)


@maintenance.command("list")
def list_maintenance(community: CommunityName = None) -> int:
    """List the maintenance windows that are open or to come."""
    from monitor.commands.holds import maintenance_list

    return maintenance_list(community)


@maintenance.command("delete")
def delete_maintenance(
    window: Annotated[str, typer.Argument(metavar="WINDOW", help="Id of the window.")], community: CommunityName = None
) -> int:
    """End a maintenance window; what waits for its end is sent."""
    from monitor.commands.holds import maintenance_delete

    return maintenance_delete(community, window)
