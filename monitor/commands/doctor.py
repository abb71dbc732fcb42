"""``leakwatch doctor``: what works, what does not, what is off, and why."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.crypto import load_key
from core.errors import DOES_NOT_OPEN, LeakwatchError, NotConfigured
from core.http import GuardedClient
from core.listing import whole
from core.plugins import Registry
from core.ports import HttpClient, NotifierContext, SourceContext, Store
from core.settings import Settings, load_settings
from core.types import Canary, CanaryState, Destination, JsonObject, SourceRecord, SourceState
from monitor.commands.canaries import story
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts, build_parts
from monitor.wiring import open_store

OVERDUE = timedelta(minutes=5)
"""A running service ends a canary well before that."""
WORKS, DOES_NOT, OFF = "works", "does not work", "off"
_COLOURS = {WORKS: "green", DOES_NOT: "red", OFF: "dim"}
_TROUBLED = frozenset({SourceState.FAILING, SourceState.SILENT, SourceState.NOT_CONFIGURED})
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_SECRETS = frozenset({"key"})
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):[^@]*@")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at, how it fares, and why."""

    name: str
    state: str
    reason: str = ""


def doctor() -> int:
    """Show the settings and the checks; return 1 where something does not work, else 0."""
    settings = load_settings()
    checks = list(_checks(settings))
    with written(sys.stdout, STANDARD_OUTPUT):
        _show(settings, checks)
    return int(any(check.state == DOES_NOT for check in checks))


def _show(settings: Settings, checks: Iterable[Check]) -> None:
    console = Console(highlight=False)
    shown = Table("setting", "value", box=None, pad_edge=False)
    for name, value in _rows(settings):
        shown.add_row(Text(name), Text(value))
    console.print(shown)
    console.print()
    table = Table("", "", "", box=None, pad_edge=False, show_header=False)
    for check in checks:
        table.add_row(Text(check.name), Text(check.state, style=_COLOURS[check.state]), Text(check.reason))
    console.print(table)


def _rows(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _rows(value, f"{prefix}{name}.")
        elif value is None or value == ():
            yield prefix + name, "not set"
        elif name in _SECRETS:
            yield prefix + name, "set, not shown"
        else:
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            yield prefix + name, _PASSWORD.sub(r"\1:***@", text)


def _checks(settings: Settings) -> Iterator[Check]:
    try:
        parts = build_parts(settings)
    except LeakwatchError as error:
        yield Check("plug-ins", DOES_NOT, str(error))
        return
    for registry in (parts.matchers, parts.sources, parts.notifiers):
        yield Check(f"{registry.noun}s", WORKS, ", ".join(registry.kinds()))
    yield Check("topic packs", WORKS, ", ".join(pack.name for pack in parts.packs))
    yield _recognisers(parts)
    yield _key(settings)
    if settings.database_url is None and not (settings.data_directory / "leakwatch.sqlite3").exists():
        yield Check("database", OFF, "it is made when the service starts first")
        return
    yield from asyncio.run(_stored(parts))


def _recognisers(parts: Parts) -> Check:
    try:
        _ = parts.entities
    except LeakwatchError as error:
        return Check("recognisers", DOES_NOT, str(error))
    return Check("recognisers", WORKS, parts.settings.nlp_model or "built in")


def _key(settings: Settings) -> Check:
    if settings.key is None and not settings.key_path.exists():
        return Check("key", OFF, f"{settings.key_path} is made when the service starts first")
    try:
        load_key(settings, may_create=False)
    except LeakwatchError as error:
        return Check("key", DOES_NOT, str(error))
    return Check("key", WORKS, f"in {settings.key_path}" if settings.key is None else "from the settings")


async def _stored(parts: Parts) -> list[Check]:
    try:
        async with (
            open_store(parts.settings, parts.clock) as store,
            GuardedClient(parts.settings.http, parts.clock) as http,
        ):
            return [Check("database", WORKS), *[check async for check in _configured(store, parts, http)]]
    except LeakwatchError as error:
        return [Check("database", DOES_NOT, str(error))]


async def _configured(store: Store, parts: Parts, http: HttpClient) -> AsyncIterator[Check]:
    for community in await store.communities():
        yield Check(f"community {community.name}", WORKS, community.id)
        for source in await whole(partial(store.sources, community.id)):
            name = f"source {source.name} ({source.kind})"
            context = SourceContext(name=source.name, http=http, clock=parts.clock)
            built = (
                _built(name, parts.sources, source.kind, source.settings, context)
                if source.opens
                else Check(name, DOES_NOT, DOES_NOT_OPEN)
            )
            yield _fares(source, built, parts.clock.now())
        for destination in await whole(partial(store.all_destinations, community.id)):
            name = f"destination {destination.name} ({destination.kind})"
            context_of_channel = NotifierContext(http=http, clock=parts.clock)
            built = (
                _built(name, parts.notifiers, destination.kind, destination.settings, context_of_channel)
                if destination.opens
                else Check(name, DOES_NOT, DOES_NOT_OPEN)
            )
            yield _takes(destination, built, parts.clock.now())
        for canary in _latest(await whole(partial(store.canaries, community.id))):
            yield _arrives(canary, parts.clock.now())


def _fares(source: SourceRecord, built: Check, now: datetime) -> Check:
    """Return the check of the source, by its state where it can be ``built``."""
    if source.state is SourceState.DISABLED:
        return Check(built.name, OFF, "disabled")
    if built.state != WORKS:
        return built
    reason = "; ".join(_story(source, now))
    return Check(built.name, DOES_NOT if source.state in _TROUBLED else WORKS, reason)


def _takes(destination: Destination, built: Check, now: datetime) -> Check:
    """Return the check of the destination, by how it fares where it can be ``built``."""
    health = destination.health
    if health.disabled_because is not None:
        return Check(built.name, DOES_NOT, f"switched off: {health.disabled_because}")
    if not destination.enabled:
        return Check(built.name, OFF, "disabled")
    if built.state != WORKS or health.failing_since is None:
        return built
    return Check(
        built.name, DOES_NOT, f"{health.last_error}; it has taken nothing for {_duration(now - health.failing_since)}"
    )


def _latest(canaries: Iterable[Canary]) -> Iterable[Canary]:
    """Return the canary planted last of each source and destination."""
    ordered = sorted(canaries, key=lambda canary: canary.planted_at)
    return {(canary.source_id, canary.destination_id): canary for canary in ordered}.values()


def _arrives(canary: Canary, now: datetime) -> Check:
    name = f"canary {canary.id}"
    ago = f"planted {_duration(now - canary.planted_at)} ago"
    if canary.state is CanaryState.FAILED:
        return Check(name, DOES_NOT, f"{ago}, it has not arrived: {canary.reason}")
    if canary.state is CanaryState.ARRIVED:
        return Check(name, WORKS, f"{ago}, it has arrived: {story(canary)}")
    overdue = now - canary.due_at
    if overdue > OVERDUE:
        return Check(name, DOES_NOT, f"due {_duration(overdue)} ago, and nobody looked: is the service running?")
    return Check(name, WORKS, f"{ago}, it is waited for until {canary.due_at:%Y-%m-%d %H:%M} UTC")


def _story(source: SourceRecord, now: datetime) -> Iterator[str]:
    health = source.health
    if source.state is SourceState.SILENT:
        usual = timedelta(seconds=health.usual_silence_seconds)
        known = f", usually at most {_duration(usual)}" if usual else ""
        yield f"nothing new for {_duration(now - source.quiet_since)}{known}"
    elif source.last_error is not None:
        yield source.last_error
    if health.failing_since is not None:
        yield f"failing for {_duration(now - health.failing_since)}"
    if source.last_success_at is None:
        yield "not read yet"
    else:
        yield f"read {_duration(now - source.last_success_at)} ago"
    if source.due_at is not None and source.due_at < now:
        yield f"due for {_duration(now - source.due_at)}"
    if health.newest_published_at is not None:
        yield f"newest document {_duration(now - health.newest_published_at)} old"
    if health.quota_left is not None:
        yield f"{health.quota_left} requests left"
    if health.blind_intervals:
        blind = health.blind_intervals[-1]
        last = f"{blind.from_at:%Y-%m-%d %H:%M} to {blind.until_at:%Y-%m-%d %H:%M} UTC ({blind.reason})"
        yield f"blind intervals: {len(health.blind_intervals)}, the last from {last}"


def _duration(time: timedelta) -> str:
    for unit, length in _UNITS:
        if time >= length:
            count = time // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "a moment"


def _built(name: str, registry: Registry[Any], kind: str, settings: JsonObject, context: object) -> Check:
    try:
        registry.build(kind, settings, context)
    except NotConfigured as error:
        return Check(name, OFF, str(error))
    except LeakwatchError as error:
        return Check(name, DOES_NOT, str(error))
    return Check(name, WORKS)
