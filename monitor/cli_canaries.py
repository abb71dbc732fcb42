"""The commands about canaries. Like all, they import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli_options import CommunityName

canary = typer.Typer(help="See that what a source holds arrives.", rich_markup_mode=None)


@canary.command("plant")
def plant_canary(
    destination: Annotated[
        str, typer.Option("--to", metavar="DESTINATION", help="Name or id of the destination at which it must arrive.")
    ],
    source: Annotated[
        str | None,
        typer.Argument(metavar="[SOURCE]", help="Name or id of the source. Without: it is handed in here."),
    ] = None,
    within: Annotated[int, typer.Option(metavar="MINUTES", min=1, max=10080, help="Within how long.")] = 60,
    search: Annotated[
        bool,
        typer.Option("--search", help="Let its phrase be searched for: for sources that find only what they search."),
    ] = False,
    community: CommunityName = None,
) -> int:
    """Plant a canary: leakwatch canary plant "town forum" --to moderators"""
    from monitor.commands.canaries import canary_plant

    return canary_plant(community, source, destination, within_minutes=within, search_externally=search)


@canary.command("list")
def list_canaries(community: CommunityName = None) -> int:
    """List the canaries: which arrived, how fast, and which link broke."""
    from monitor.commands.canaries import canary_list

    return canary_list(community)
