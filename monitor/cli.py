"""The command line. Commands import what they need when they run, so that ``--help`` answers at once.

Exit status: 0 all well (``scan``: nothing raised; ``try``: it matches), 1 something was raised (``try``: no
match; ``doctor``: something does not work; ``destination test``: it did not arrive), 2 the command could not do its
work, 3 some input of ``scan``, ``entities`` or ``source import`` could not be read, 130 interrupted, 141 nobody reads
the output any more.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.errors import LeakwatchError, WatchlistError
from core.types import DeliveryState, Scope, Sensitivity, TermKind
from monitor.cli_canaries import canary
from monitor.cli_destinations import destination
from monitor.cli_on_call import moderator, rotation
from monitor.cli_options import CommunityName, Given
from monitor.cli_routes import maintenance, quiet, route
from monitor.commands.streams import STANDARD_OUTPUT, written

FAILED = 2
INTERRUPTED = 130

app = typer.Typer(
    name="leakwatch",
    help="Watches public places for leaks from your community.",
    epilog="Every command takes --debug, which shows the whole traceback of an error.",
    add_completion=False,
    rich_markup_mode=None,
)
watchlist = typer.Typer(help="Check, import or export a watchlist.", rich_markup_mode=None)
source = typer.Typer(help="Set up what is read.", rich_markup_mode=None)
delivery = typer.Typer(help="See what was not delivered, and deliver it after all.", rich_markup_mode=None)
key = typer.Typer(help="Make keys to the API.", rich_markup_mode=None)
app.add_typer(watchlist, name="watchlist")
app.add_typer(source, name="source")
app.add_typer(destination, name="destination")
app.add_typer(route, name="route")
app.add_typer(quiet, name="quiet")
app.add_typer(maintenance, name="maintenance")
app.add_typer(moderator, name="moderator")
app.add_typer(rotation, name="rotation")
app.add_typer(delivery, name="delivery")
app.add_typer(canary, name="canary")
app.add_typer(key, name="key")

Input = Annotated[str, typer.Option("--input", metavar="FILE|-", help="File or directory; - is standard input.")]
Output = Annotated[str, typer.Option("--output", metavar="FILE|-", help="Where to write; - is standard output.")]
WatchlistPath = Annotated[Path, typer.Argument(metavar="FILE", help="Watchlist: .yaml, .json or .csv.")]


@app.command()
def scan(
    watchlist_file: Annotated[Path, typer.Option("--watchlist", metavar="FILE", help="What to look for.")],
    documents: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="JSON lines, text, HTML, mail, feed, each also as .gz, or a directory; "
            "- is standard input, the default without --feed.",
        ),
    ] = None,
    feed: Annotated[list[str] | None, typer.Option(metavar="URL", help="Feed to fetch; may be repeated.")] = None,
    output: Output = "-",
    everything: Annotated[bool, typer.Option("--all", help="Write a finding for every document.")] = False,
    minimum_score: Annotated[
        int | None, typer.Option("--min-score", min=0, max=100, metavar="N", help="Lowest score that raises an alert.")
    ] = None,
) -> int:
    """Look through documents for what a watchlist watches; needs no database."""
    from monitor.commands.scan import scan

    feeds = feed or []
    return scan(
        watchlist_file,
        documents=documents or (None if feeds else "-"),
        feeds=feeds,
        output=output,
        everything=everything,
        minimum_score=minimum_score,
    )


@app.command()
def entities(documents: Input = "-", output: Output = "-") -> int:
    """Write what the recognisers see in every document: names, addresses, numbers."""
    from monitor.commands.entities import entities

    return entities(documents, output)


@app.command("try")
def try_term(
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="Text to look through; - is standard input.")],
    term: Annotated[str | None, typer.Option("--term", metavar="VALUE", help="What to look for.")] = None,
    kind: Annotated[TermKind, typer.Option(help="What the term is.")] = TermKind.PSEUDONYM,
    sensitivity: Annotated[Sensitivity, typer.Option(help="How far off it may be written.")] = Sensitivity.BALANCED,
    watchlist_file: Annotated[
        Path | None, typer.Option("--watchlist", metavar="FILE", help="Look for what this file watches instead.")
    ] = None,
) -> int:
    """Show whether a term would match a text, how, and what nearly did."""
    from monitor.commands.trial import try_term, try_watchlist

    if (term is None) == (watchlist_file is None):
        raise typer.BadParameter("say what to look for with --term or with --watchlist")
    return try_watchlist(watchlist_file, text) if watchlist_file else try_term(term or "", kind, sensitivity, text)


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    terms: Annotated[str, typer.Option(metavar="N,N,…", help="With how many terms.")] = "100,1000,10000,100000",
    rounds: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="How many rounds; medians are shown.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, metavar="N", help="About how long to measure in all.")] = 120,
    texts: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Posts as JSON lines; may be repeated. Without: generated ones."),
    ] = None,
    characters: Annotated[
        int, typer.Option(min=0, metavar="N", help="Join the texts given to posts of at least N characters.")
    ] = 0,
    handles: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Handles as JSON lines, in their text. Without: generated ones."),
    ] = None,
) -> int:
    """Measure the matching engine beside what one would write instead."""
    from monitor.commands.bench import bench

    return bench(
        as_json=as_json,
        term_counts=_counts(terms),
        rounds=rounds,
        seconds=seconds,
        texts=texts or [],
        characters=characters,
        handles=handles,
    )


@watchlist.command("check")
def check_watchlist(
    file: WatchlistPath,
    posts: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Ordinary posts: say how many matches and alerts a week they would bring."),
    ] = None,
    posts_a_week: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How many posts will be read a week; by default as their times say."),
    ] = None,
) -> int:
    """Read a watchlist, name every mistake with its line, and warn of what will make noise."""
    from monitor.commands.watchlists import check

    return check(file, posts, posts_a_week)


@watchlist.command("import")
def import_watchlist(file: WatchlistPath) -> int:
    """Save a watchlist, sealed, in the database. Nothing is saved where anything is wrong."""
    from monitor.commands.watchlists import import_file

    return import_file(file)


@watchlist.command("export")
def export_watchlist(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write: .yaml or .csv.")],
    community: CommunityName = None,
) -> int:
    """Write the watchlists of a community to a file, in clear: keep it as you keep passwords."""
    from monitor.commands.watchlists import export_file

    return export_file(file, community)


@source.command("add")
def add_source(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What kind of place; docs/sources.md names all.")],
    settings: Given = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="How people call it; by default its kind.")] = None,
    interval: Annotated[
        int, typer.Option(min=10, max=30 * 24 * 3600, metavar="SECONDS", help="Shortest time between two polls.")
    ] = 300,
    maximum_interval: Annotated[
        int | None,
        typer.Option(
            min=10,
            max=30 * 24 * 3600,
            metavar="SECONDS",
            help="Longest time between two polls while nothing new comes; by default four times the shortest.",
        ),
    ] = None,
    community: CommunityName = None,
) -> int:
    """Add a source: leakwatch source add feed url=https://forum.example/feed.xml"""
    from monitor.commands.setup import source_add

    return source_add(community, kind, name or kind, settings or [], interval, maximum_interval)


@source.command("edit")
def edit_source(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Its name or id.")],
    settings: Given = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="How people call it from now on.")] = None,
    interval: Annotated[
        int | None, typer.Option(min=10, max=30 * 24 * 3600, metavar="SECONDS", help="Shortest time between two polls.")
    ] = None,
    maximum_interval: Annotated[
        int | None,
        typer.Option(
            min=10,
            max=30 * 24 * 3600,
            metavar="SECONDS",
            help="Longest time between two polls while nothing new comes.",
        ),
    ] = None,
    community: CommunityName = None,
) -> int:
    """Change settings of a source, which keeps the others: leakwatch source edit SOURCE 'subreddits=[a, b]'"""
    from monitor.commands.setup import source_edit

    return source_edit(community, source, name, settings or [], interval, maximum_interval)


@source.command("import")
def import_sources(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="List of feeds (OPML), as feed readers export it.")],
    interval: Annotated[
        int, typer.Option(min=10, max=30 * 24 * 3600, metavar="SECONDS", help="Shortest time between two polls.")
    ] = 300,
    community: CommunityName = None,
) -> int:
    """Add every feed of a list that is not a source yet."""
    from monitor.commands.setup import source_import

    return source_import(community, file, interval)


@delivery.command("list")
def list_deliveries(
    state: Annotated[DeliveryState, typer.Option(help="Where they stand; dead ones were given up.")] = (
        DeliveryState.DEAD
    ),
    community: CommunityName = None,
) -> int:
    """List the deliveries that were given up, or those in another state."""
    from monitor.commands.delivery import delivery_list

    return delivery_list(community, state)


@delivery.command("replay")
def replay_deliveries(
    deliveries: Annotated[
        list[str] | None, typer.Argument(metavar="DELIVERY", help="Which of them; all that were given up by default.")
    ] = None,
    community: CommunityName = None,
) -> int:
    """Have deliveries that were given up tried again, under the same id."""
    from monitor.commands.delivery import delivery_replay

    return delivery_replay(community, deliveries or [])


@key.command("create")
def create_key(
    name: Annotated[str, typer.Option(metavar="NAME", help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; may be repeated.")],
    community: CommunityName = None,
) -> int:
    """Make a key to the API and show it, once."""
    from monitor.commands.setup import key_create

    return key_create(community, name, scope)


@app.command()
def up() -> int:
    """Start the service: API, sources and delivery in one process, on ./data."""
    from monitor.commands.service import up

    return up()


@app.command()
def demo() -> int:
    """Start the service on a throw-away database, with an invented community and sample sources."""
    from monitor.commands.service import demo

    return demo()


@app.command()
def doctor() -> int:
    """Show the settings, and what works, what does not, what is off, and why."""
    from monitor.commands.doctor import doctor

    return doctor()


def _counts(written: str) -> list[int]:
    counts = [int(part) for part in written.split(",") if part.strip().isdecimal()]
    if not counts or len(counts) < len(written.split(",")) or not all(0 < count <= 1_000_000 for count in counts):
        raise typer.BadParameter("--terms takes numbers from 1 to 1000000, with commas between them")
    return counts


def main() -> None:
    """Run the command line of this process, and exit with the command's status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status. Errors become one sentence on stderr."""
    options = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    debug = "--debug" in options
    kept = [option for option in options if option != "--debug"] + list(arguments[len(options) :])
    if kept[-1:] == ["--help"] and (text := _help(kept[:-1])) is not None:
        print(text)
        return 0
    try:
        status = app(kept, prog_name="leakwatch", standalone_mode=False)
        with written(sys.stdout, STANDARD_OUTPUT):
            sys.stdout.flush()
    except typer.Exit as left:
        return left.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last resort: a traceback would show document text
        if debug:
            traceback.print_exc()
        for sentence in _sentences(error):
            print(f"leakwatch: {sentence}", file=sys.stderr)
        return FAILED
    return int(status or 0)


def _help(words: Sequence[str]) -> str | None:
    """Return the help of the command that the words name, None where they name none. Typer's own way there loads
    pydantic first, which takes longer than all the rest."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="leakwatch")
    for word in words:
        named = command.get_command(context, word) if isinstance(command, typer.core.TyperGroup) else None
        if named is None:
            return None
        command, context = named, typer.Context(named, info_name=word, parent=context)
    return command.get_help(context)


def _sentences(error: Exception) -> Iterator[str]:
    match error:
        case WatchlistError():
            yield from map(str, error.problems)
        case LeakwatchError():
            yield str(error)
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "leakwatch"
            yield f"{error.format_message().rstrip('.')}; '{command} --help' shows what there is"
        case ExceptionGroup():
            for part in error.exceptions:
                yield from _sentences(part)
        case _:
            yield f"unexpected {type(error).__name__}; run again with --debug and report what it shows"
