"""``leakwatch source add``, ``edit`` and ``import``, ``leakwatch destination add`` and ``leakwatch key create``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import yaml

from core.db.store import SqlStore
from core.errors import SettingsError, UsageError
from core.listing import whole
from core.settings import load_settings
from core.types import Community, Json, JsonObject, Scope, Severity
from monitor.commands.scan import UNREADABLE
from monitor.parts import Parts, build_parts
from monitor.setup import add_destination, add_source, change_source, community_named, create_key, source_named
from monitor.wiring import open_store
from sources.parsing.formats import UnreadableFormat
from sources.parsing.opml import FeedOutline, read_opml


def source_add(
    community: str | None,
    kind: str,
    name: str,
    settings: Sequence[str],
    interval_seconds: int,
    maximum_interval_seconds: int | None,
) -> int:
    """Save a source, due at once. A running service sees it within seconds."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        source = await add_source(
            store,
            parts,
            owner.id,
            kind=kind,
            name=name,
            settings=given(settings),
            interval=timedelta(seconds=interval_seconds),
            maximum_interval=None if maximum_interval_seconds is None else timedelta(seconds=maximum_interval_seconds),
        )
        print(f"{source.id} is saved.")

    return with_community(community, work)


def source_edit(
    community: str | None,
    source: str,
    name: str | None,
    settings: Sequence[str],
    interval_seconds: int | None,
    maximum_interval_seconds: int | None,
) -> int:
    """Change what is given of the source of that name or id. A running service sees it within seconds."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        changed = await change_source(
            store,
            parts,
            await source_named(store, owner.id, source),
            name=name,
            changes=given(settings),
            interval=None if interval_seconds is None else timedelta(seconds=interval_seconds),
            maximum_interval=None if maximum_interval_seconds is None else timedelta(seconds=maximum_interval_seconds),
        )
        print(f"{changed.id} is changed.")

    return with_community(community, work)


def source_import(community: str | None, path: Path, interval_seconds: int) -> int:
    """Save every feed of an OPML file that is not a source yet, and return the exit status: UNREADABLE where one of
    them cannot be read, which is named, by its number, as its address may hold a secret."""
    feeds = _listed_feeds(path)
    left_out = 0

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        nonlocal left_out
        sources = await whole(partial(store.sources, owner.id))
        known = {source.settings.get("url") for source in sources if source.kind == "feed"}
        saved = 0
        for number, feed in enumerate(feeds, start=1):
            if feed.url in known:
                continue
            try:
                await add_source(
                    store,
                    parts,
                    owner.id,
                    kind="feed",
                    name=feed.title or "feed",
                    settings={"url": feed.url},
                    interval=timedelta(seconds=interval_seconds),
                )
                saved += 1
            except SettingsError as error:
                left_out += 1
                print(f"leakwatch: {path}, feed {number}: {error}", file=sys.stderr)
        print(f"{saved} of {len(feeds)} feeds are saved, {len(feeds) - saved - left_out} were there already.")

    with_community(community, work)
    return UNREADABLE if left_out else 0


def _listed_feeds(path: Path) -> list[FeedOutline]:
    try:
        return read_opml(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from None
    except UnreadableFormat as error:
        raise UsageError(f"{path} {error}") from None


def destination_add(
    community: str | None,
    kind: str,
    name: str,
    settings: Sequence[str],
    minimum_severity: Severity,
    *,
    no_quotes: bool,
    only_when_asked: bool,
) -> int:
    """Save a destination that is told redacted incidents from a severity on."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        destination = await add_destination(
            store,
            parts,
            owner.id,
            kind=kind,
            name=name,
            settings=given(settings),
            minimum_severity=minimum_severity,
            no_quotes=no_quotes,
            only_when_asked=only_when_asked,
        )
        print(f"{destination.id} is saved.")

    return with_community(community, work)


def key_create(community: str | None, name: str, scopes: Sequence[Scope]) -> int:
    """Make a key to the API and show its token, once."""

    async def work(store: SqlStore, parts: Parts, owner: Community) -> None:
        token = await create_key(store, parts.clock, owner.id, name=name, scopes=frozenset(scopes))
        print(f"The key, shown this once: {token}")

    return with_community(community, work)


def given(settings: Sequence[str]) -> JsonObject:
    """Return settings written as ``name=value``; a value is read as YAML, so ``[a, b]`` is a list.

    Raises UsageError, which does not quote the value.
    """
    read: dict[str, Json] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError("a setting is written name=value")
        try:
            read[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"the value of {name} cannot be read; put it in quotes") from None
    return read


def with_community(name: str | None, work: Callable[[SqlStore, Parts, Community], Awaitable[None]]) -> int:
    """Do the work on the settings' database for the community of that name, or the only one; return 0."""
    settings = load_settings()
    parts = build_parts(settings)

    async def opened() -> None:
        async with open_store(settings, parts.clock) as store:
            await work(store, parts, await community_named(store, name))

    asyncio.run(opened())
    return 0
