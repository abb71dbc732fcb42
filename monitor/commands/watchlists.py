"""``leakwatch watchlist``: check, import and export."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from core.clock import Clock, SystemClock
from core.errors import UsageError
from core.listing import whole
from core.ports import Store
from core.settings import load_settings
from core.types import Catalogue, Community, Scope, Term, Watchlist
from monitor.cli import FAILED
from monitor.commands.view import pointed_at
from monitor.commands.week import is_ordinary_value, show_week
from monitor.parts import build_parts
from monitor.setup import audit_entry, community_named, create_key, import_watchlist
from monitor.wiring import open_store
from watchlists.checking import advise
from watchlists.export import to_yaml
from watchlists.files import load
from watchlists.table import write_table

Watched = tuple[tuple[Watchlist, tuple[Term, ...]], ...]

_WRITERS: Mapping[str, Callable[[Community, Watched], str]] = {
    ".yaml": to_yaml,
    ".yml": to_yaml,
    ".csv": lambda _, watched: write_table(watched),
}


def check(path: Path, posts: str | None, posts_a_week: int | None) -> int:
    """Say what is wrong with a watchlist and what will make noise; return the exit status. ``posts`` is a file or
    directory of ordinary posts, of which ``posts_a_week`` are going to be read: then what a week would bring is said
    too. Raises WatchlistError for a file that cannot be read, UsageError where there are no posts."""
    if posts_a_week is not None and posts is None:
        raise UsageError("--posts-a-week needs --posts with a file of ordinary posts")
    parts = build_parts(load_settings()).keyed()
    file = load(path)
    at = parts.clock.now()
    advice = advise(file, check_term=parts.index(Catalogue()).check, is_ordinary=is_ordinary_value, at=at)
    for remark in advice.problems:
        print(f"{path}, line {remark.line}: {remark.sentence}", file=sys.stderr)
        if remark.value is not None and remark.place is not None:
            print(pointed_at(remark.value, remark.place), file=sys.stderr)
    for remark in advice.warnings:
        print(f"{path}, line {remark.line}: warning: {remark.sentence}")
    print(
        f"{path}: {len(file.watchlists)} watchlists, {len(file.terms)} terms, "
        f"{len(advice.problems)} problems, {len(advice.warnings)} warnings"
    )
    if advice.problems:
        return FAILED
    if posts is not None:
        show_week(parts, file, at, posts=posts, posts_a_week=posts_a_week)
    return 0


def import_file(path: Path) -> int:
    """Save a watchlist. For a community that is new, show a key to the API, once."""
    settings = load_settings()
    parts = build_parts(settings)

    async def work() -> None:
        async with open_store(settings, parts.clock) as store:
            known = {community.id for community in await store.communities()}
            community = await import_watchlist(store, parts, path)
            print(f"{path} is saved.")
            if community.id not in known:
                token = await create_key(
                    store, parts.clock, community.id, name="first key", scopes=frozenset({Scope.ADMIN})
                )
                print(f"The community is new. Its key to the API, shown this once: {token}")

    asyncio.run(work())
    return 0


def export_file(path: Path, community: str | None) -> int:
    """Write a community's watchlists to a new file that only its owner can read.

    Raises UsageError for a file that exists or whose name ends otherwise, NotFound for the community.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"{path}: the name of the file must end with {', '.join(_WRITERS)}")
    settings, clock = load_settings(), SystemClock()

    async def work() -> tuple[Community, Watched]:
        async with open_store(settings, clock) as store:
            return await _exported(store, clock, community)

    written = write(*asyncio.run(work()))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(written)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror})") from None
    print(f"{path} is written, in clear: keep it as you keep passwords.")
    return 0


async def _exported(store: Store, clock: Clock, name: str | None) -> tuple[Community, Watched]:
    community = await community_named(store, name)
    await store.record(audit_entry(clock, community.id, "watchlist.exported", community.id))
    watchlists = await whole(partial(store.watchlists, community.id))
    return community, tuple(
        [
            (watchlist, await whole(partial(store.terms, community.id, watchlist_id=watchlist.id)))
            for watchlist in watchlists
        ]
    )
