"""Mastodon: public and hashtag timelines of one server, and of any other that speaks its API, polled and streamed.

Posts of other servers can arrive late, with identifiers (which grow with the time of writing) older than the newest
known. So each poll reads on from a little before the newest, and remembers what it gave of that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from core.errors import NotConfigured, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.json_values import moment_of, object_of, objects_of, text_of
from sources.parsing.plain_text import html_to_text
from sources.polling.given import Given, digest_of
from sources.polling.unreadable import Unreadable, asks_to_wait
from sources.transport.fetching import Answer, WebAddress, fetch
from sources.transport.guarded_websocket import listen

REQUEST_SIZE = 40
"""The most posts that Mastodon gives at once."""
REQUESTS_A_POLL = 5
OVERLAP = 20
"""How many posts before the newest known are read again."""
LONGEST_CATCH_UP = 2000
"""After so many posts in a row with no end in sight, a timeline is read on from its newest page."""
STREAMED_A_POLL = 300

_GIVEN = 2 * REQUEST_SIZE * REQUESTS_A_POLL + STREAMED_A_POLL
_EVENTS = frozenset({"update", "status.update"})
_STREAM = "stream"


class MastodonSettings(BaseModel):
    """Which timelines of which server are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field("https://mastodon.social", description="Address of the server.")
    timelines: tuple[Literal["public", "local", "remote"], ...] = Field(
        (), description="Public timelines: everything the server knows, its own posts, or those of other servers."
    )
    hashtags: tuple[Annotated[str, StringConstraints(pattern=r"^\w{1,100}$")], ...] = Field(
        (), description="Hashtags, without #. The server learns which are read."
    )
    access_token: SecretStr = Field(
        SecretStr(""),
        description="Token of an app registered at the server, where it does not show posts to everybody.",
    )
    stream: bool = Field(False, description="Listen to the server's stream between polls; most ask for a token.")
    stream_seconds: int = Field(20, ge=1, le=120, description="How long one poll listens to the stream.")


@dataclass(frozen=True, slots=True)
class _Timeline:
    """``key`` names it in the cursor, ``stream`` is what the stream calls it."""

    key: str
    path: str
    query: Mapping[str, str]
    stream: tuple[str, ...]

    def subscription(self) -> str:
        """Return the message that asks the stream for it."""
        names = dict(zip(("stream", "tag"), self.stream, strict=False))
        return json.dumps({"type": "subscribe", **names})


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a timeline: ``recent`` are the newest identifiers, the newest last; ``behind`` is how many
    posts were read since its end was reached, and ``at`` the last one read where it was not reached."""

    recent: tuple[str, ...] = ()
    behind: int = 0
    at: str | None = None
    given: Given = field(default_factory=Given)

    @classmethod
    def read(cls, written: Json) -> _Known:
        if not isinstance(written, Mapping):
            return cls()
        recent, behind = written.get("recent"), written.get("behind")
        return cls(
            recent=tuple(map(str, recent)) if isinstance(recent, list) else (),
            behind=behind if isinstance(behind, int) else 0,
            at=text_of(written.get("at")),
            given=Given.read(written.get("given")),
        )

    def written(self) -> JsonObject:
        return {"recent": list(self.recent), "behind": self.behind, "at": self.at, "given": self.given.written()}


class MastodonSource:
    """Timelines of a server. A poll reads one of them, or listens to all; an edited post is given again."""

    kind: ClassVar[str] = "mastodon"
    Settings: ClassVar[type[BaseModel]] = MastodonSettings

    def __init__(self, settings: MastodonSettings, context: SourceContext) -> None:
        self._settings = settings
        self._server = settings.url.rstrip("/")
        self._context = context
        self._timelines = tuple(_timelines(settings))
        if not self._timelines:
            raise NotConfigured("it names no timeline and no hashtag")
        token = settings.access_token.get_secret_value()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new or edited in the next timeline, oldest first, or, once all are read to their ends, what
        comes by stream; see :class:`core.ports.Source`."""
        written = object_of((cursor or {}).get("timelines"))
        known = {timeline.key: _Known.read(written.get(timeline.key)) for timeline in self._timelines}
        position = (cursor or {}).get("next")
        number = position if isinstance(position, int) and 0 <= position <= len(self._timelines) else 0
        parts = {*known, *([_STREAM] if self._settings.stream else [])}
        unreadable = Unreadable.read((cursor or {}).get("unreadable"), parts)
        if number == len(self._timelines):
            return await self._listen(known, unreadable)
        timeline = self._timelines[number]
        before = known[timeline.key]
        passed_over = before.behind >= LONGEST_CATCH_UP
        try:
            statuses, answer, ended = await self._read(timeline, None if passed_over else before)
        except SourceError as error:
            unreadable = unreadable.and_also(timeline.key, f"number {number + 1} of the timelines: {error}")
            following = (number + 1) % len(self._timelines)
            skipped = _written(following, known, unreadable)
            return unreadable.page_past(error, known.keys(), skipped, more=following != 0)
        unreadable = unreadable.without(timeline.key)
        fresh = self._fresh(statuses, known)
        known[timeline.key] = _after(before, statuses, ended=ended)
        following = (number + 1) % len(self._timelines) if ended else number
        more = following != 0 or not ended
        gap = _gap(statuses) if passed_over else None
        if self._settings.stream and not more and answer.not_before is None:
            if not fresh and gap is None:
                return await self._listen(known, unreadable)
            # A stream that fails must not take with it what was read: it has the next poll to itself.
            following, more = len(self._timelines), True
        return Page(
            documents=await asyncio.to_thread(self._documents, fresh),
            cursor=_written(following, known, unreadable),
            more=more,
            not_before=answer.not_before,
            quota_left=answer.quota_left,
            gap=gap,
            failing=unreadable.sentence(),
        )

    async def _listen(self, known: dict[str, _Known], unreadable: Unreadable) -> Page:
        """Return what comes by stream. Where it ends early, the timelines are read before it is asked for again."""
        fresh: list[Mapping[str, Any]] = []
        ended_early = False
        try:
            async for key, status in self._streamed():
                fresh += self._fresh([status], known)
                known[key] = replace(known[key], given=known[key].given.and_also([_digest(status)], at_most=_GIVEN))
                if len(fresh) >= STREAMED_A_POLL:
                    break
        except SourceError as error:
            if fresh:
                unreadable = unreadable.without(_STREAM)
            else:
                unreadable = unreadable.and_also(_STREAM, f"the stream: {error}")
                error.cursor = _written(0, known, unreadable)
                if asks_to_wait(error):
                    raise
            ended_early = True
        else:
            unreadable = unreadable.without(_STREAM)
        documents = await asyncio.to_thread(self._documents, fresh)
        return Page(
            documents=documents,
            cursor=_written(0, known, unreadable),
            more=not ended_early,
            failing=unreadable.sentence(),
        )

    async def _read(self, timeline: _Timeline, before: _Known | None) -> tuple[list[Mapping[str, Any]], Answer, bool]:
        """Return posts of the timeline, oldest first, the last answer, and whether its end was reached."""
        found: list[Mapping[str, Any]] = []
        since = (before.at or next(iter(before.recent), None)) if before else None
        for _ in range(REQUESTS_A_POLL):
            query = {**timeline.query, "limit": str(REQUEST_SIZE), **({"min_id": since} if since else {})}
            url = f"{self._server}{timeline.path}?{urlencode(query)}"
            answer = await fetch(self._context, url, headers=self._headers)
            statuses = sorted(_readable(await answer.json()), key=_order)
            found += statuses
            # The first page of all is the newest: what is older is not read. Later ones are read until nothing follows,
            # however few posts one holds: servers have limits of their own, and leave out posts after counting.
            ended = since is None or not statuses or _order(statuses[-1]) <= _order({"id": since})
            if ended or answer.not_before:
                break
            since = str(statuses[-1]["id"])
        return found, answer, ended

    async def _streamed(self) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Yield the posts that come by stream, each with the key of its timeline."""
        url = f"{await self._streaming_address()}/api/v1/streaming"
        keys = {timeline.stream: timeline.key for timeline in self._timelines}
        messages = listen(
            self._context,
            url,
            seconds=self._settings.stream_seconds,
            headers=self._headers,
            says=[timeline.subscription() for timeline in self._timelines],
        )
        async with aclosing(messages):
            async for text in messages:
                message = object_of(_parsed(text))
                if "error" in message:
                    raise SourceBroken(f"{urlsplit(url).hostname} does not stream these timelines")
                stream, payload = message.get("stream"), message.get("payload")
                if message.get("event") not in _EVENTS or not isinstance(stream, list):
                    continue
                key = keys.get(tuple(map(str, stream)))
                for status in _readable([_parsed(payload) if isinstance(payload, str) else payload]):
                    if key is not None:
                        yield key, status

    async def _streaming_address(self) -> str:
        answer = await fetch(self._context, f"{self._server}/api/v2/instance", headers=self._headers)
        urls = object_of(object_of(object_of(await answer.json()).get("configuration")).get("urls"))
        address = text_of(urls.get("streaming"))
        if address is None:
            raise SourceUnavailable(f"{answer.host} names no stream")
        if self._server.startswith("https:") and not address.startswith("wss:"):
            raise SourceBroken(f"{answer.host} streams without encryption only")
        return address.rstrip("/")

    def _fresh(self, statuses: list[Mapping[str, Any]], known: Mapping[str, _Known]) -> list[Mapping[str, Any]]:
        by_digest = {_digest(status): status for status in statuses}
        return [
            status for digest, status in by_digest.items() if not any(digest in one.given for one in known.values())
        ]

    def _documents(self, statuses: list[Mapping[str, Any]]) -> tuple[Document, ...]:
        now = self._context.clock.now()
        return tuple(self._document(status, now) for status in statuses)

    def _document(self, status: Mapping[str, Any], now: datetime) -> Document:
        name, identifier, account = self._context.name, str(status["id"]), object_of(status.get("account"))
        handle, shown = text_of(account.get("acct")), text_of(account.get("display_name"))
        return Document(
            id=f"{name}:{identifier}",
            source=name,
            external_id=identifier,
            text="\n".join(_texts(status)),
            title=text_of(status.get("spoiler_text")),
            author=f"{shown} (@{handle})" if shown and handle else handle or shown,
            url=text_of(status.get("url")) or text_of(status.get("uri")),
            language=text_of(status.get("language")),
            published_at=moment_of(status.get("created_at")),
            fetched_at=now,
        )


def _written(following: int, known: Mapping[str, _Known], unreadable: Unreadable) -> JsonObject:
    written = {key: one.written() for key, one in known.items()}
    return {"next": following, "timelines": written, "unreadable": unreadable.written()}


def _timelines(settings: MastodonSettings) -> Iterator[_Timeline]:
    for name in settings.timelines:
        everything = name == "public"
        query = {} if everything else {str(name): "true"}
        stream = "public" if everything else f"public:{name}"
        yield _Timeline(key=name, path="/api/v1/timelines/public", query=query, stream=(stream,))
    for tag in settings.hashtags:
        path = f"/api/v1/timelines/tag/{quote(tag)}"
        yield _Timeline(key=f"#{tag}", path=path, query={}, stream=("hashtag", tag))


def _readable(statuses: object) -> list[Mapping[str, Any]]:
    """Return what can be told from other posts by its identifier."""
    return [status for status in objects_of(statuses) if text_of(status.get("id"))]


def _parsed(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed


def _order(status: Mapping[str, Any]) -> tuple[int, str]:
    """Numbers of growing length on Mastodon, and elsewhere texts of one length that sort by time."""
    identifier = str(status["id"])
    return len(identifier), identifier


def _digest(status: Mapping[str, Any]) -> str:
    return digest_of(status["id"], text_of(status.get("edited_at")))


def _after(before: _Known, statuses: list[Mapping[str, Any]], *, ended: bool) -> _Known:
    known = [_order({"id": identifier}) for identifier in before.recent]
    orders = sorted({*known, *map(_order, statuses)})
    return _Known(
        recent=tuple(identifier for _, identifier in orders[-OVERLAP:]),
        behind=0 if ended else before.behind + len(orders) - len(known),
        at=None if ended or not statuses else str(statuses[-1]["id"]),
        given=before.given.and_also(map(_digest, statuses), at_most=_GIVEN),
    )


def _gap(statuses: list[Mapping[str, Any]]) -> str:
    oldest = next(filter(None, (moment_of(status.get("created_at")) for status in statuses)), None)
    until = f" before {oldest:%Y-%m-%d %H:%M} (UTC)" if oldest else ""
    return f"more came than is read after a pause: posts{until} were passed over"


def _texts(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader sees of a post: text, the answers of a poll, descriptions of media, the preview of a link."""
    content, card = text_of(status.get("content")), object_of(status.get("card"))
    described = [
        html_to_text(content).text if content else None,
        *(text_of(option.get("title")) for option in objects_of(object_of(status.get("poll")).get("options"))),
        *(text_of(media.get("description")) for media in objects_of(status.get("media_attachments"))),
        text_of(card.get("title")),
        text_of(card.get("description")),
    ]
    yield from filter(None, described)
