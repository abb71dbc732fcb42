"""Bluesky: all public posts of the network, by a Jetstream (https://github.com/bluesky-social/jetstream).

A Jetstream plays back from the moment that it is given. Several of them, which may stand behind one name, date the same
event a little differently, so each poll begins a little before the last event known, and remembers what was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from core.errors import AddressRefused, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.polling.given import Given, digest_of
from sources.transport.fetching import WebAddress
from sources.transport.guarded_websocket import MESSAGE_BYTES, check_websocket_url, listen

DOCUMENTS_A_POLL = 1000
OVERLAP = timedelta(seconds=2)
FIRST_LOOK_BACK = timedelta(minutes=5)
LONGEST_CATCH_UP = timedelta(hours=6)

_POST = "app.bsky.feed.post"
_REMEMBERED = 600
"""More posts than the whole network writes within the overlap."""
_MICROSECOND = timedelta(microseconds=1)


def _checked(url: str) -> str:
    try:
        check_websocket_url(url)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    return url


class BlueskySettings(BaseModel):
    """Which Jetstream is listened to."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_checked)] = Field(
        "wss://jetstream2.us-east.bsky.network/subscribe", description="Address of the Jetstream (ws or wss)."
    )
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")], ...] = Field(
        (), description="Only posts that name one of these languages (en, de …) or none; all if empty."
    )
    site_url: WebAddress = Field("https://bsky.app", description="Where links lead to.")
    stream_seconds: int = Field(20, ge=1, le=120, description="How long one poll listens.")


@dataclass(frozen=True, slots=True)
class _Post:
    """A post as the stream tells of it; ``version`` changes when it does."""

    author: str
    key: str
    version: str
    seen_at: datetime
    record: Mapping[str, Any]

    @property
    def address(self) -> str:
        """Its address in the network, which is its identifier."""
        return f"at://{self.author}/{_POST}/{self.key}"

    @property
    def languages(self) -> list[str]:
        """The languages that its author named."""
        named = self.record.get("langs")
        return [language for language in map(text_of, named) if language] if isinstance(named, list) else []


class BlueskySource:
    """The posts of the whole network. A poll listens for a while, from where the last one stopped."""

    kind: ClassVar[str] = "bluesky"
    Settings: ClassVar[type[BaseModel]] = BlueskySettings

    def __init__(self, settings: BlueskySettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the posts that are new or changed, in order; see :class:`core.ports.Source`."""
        now = self._context.clock.now()
        known = number_of((cursor or {}).get("time_us"))
        given = Given.read((cursor or {}).get("given"))
        latest = _microseconds(now - FIRST_LOOK_BACK) if known is None else known
        earliest = _microseconds(now - LONGEST_CATCH_UP)
        latest = max(latest, earliest)
        begin = latest - OVERLAP // _MICROSECOND
        is_early = False
        posts: dict[str, _Post] = {}
        try:
            async with aclosing(
                listen(self._context, self._url(begin), seconds=self._settings.stream_seconds)
            ) as events:
                async for text in events:
                    event = _event(text)
                    moment = number_of(event.get("time_us")) or 0
                    if (
                        0 < moment < begin
                    ):  # a Jetstream of version 2 may begin up to an hour before what it was asked for
                        is_early = True
                        continue
                    is_early = False
                    # A moment to come would be a place in the stream to which it has not played yet.
                    latest = max(latest, min(moment, _microseconds(self._context.clock.now())))
                    post = _post(event)
                    if post is None or not self._is_wanted(post):
                        continue
                    digest = digest_of(post.address, post.version)
                    if digest not in given:
                        posts[digest] = post
                    if len(posts) >= DOCUMENTS_A_POLL:
                        break
        except SourceError:
            if not posts:
                raise
        if is_early and not posts:
            raise SourceUnavailable(
                "the Jetstream plays back from long before, and does not come to what is new in time"
            )
        fetched_at = self._context.clock.now()
        return Page(
            documents=tuple(self._document(post, fetched_at) for post in posts.values()),
            cursor={"time_us": latest, "given": given.and_also(posts, at_most=_REMEMBERED).written()},
            more=bool(posts),
            gap="the pause was longer than is caught up with" if known is not None and known < earliest else None,
            given_once=True,
        )

    def _is_wanted(self, post: _Post) -> bool:
        named = {language.partition("-")[0].lower() for language in post.languages}
        return not self._settings.languages or not named or not named.isdisjoint(self._settings.languages)

    def _url(self, begin: int) -> str:
        query = {"wantedCollections": _POST, "maxMessageSizeBytes": MESSAGE_BYTES, "cursor": begin}
        return f"{self._settings.url}?{urlencode(query)}"

    def _document(self, post: _Post, fetched_at: datetime) -> Document:
        name, record = self._context.name, post.record
        # The author's own machine sets it; a later moment than the stream's is not true.
        claimed = moment_of(record.get("createdAt"))
        return Document(
            id=f"{name}:{post.address}",
            source=name,
            external_id=post.address,
            text="\n".join(dict.fromkeys(_texts(record))),
            author=post.author,
            url=f"{self._settings.site_url.rstrip('/')}/profile/{quote(post.author, ':')}/post/{quote(post.key, '')}",
            language=next(iter(post.languages), None),
            published_at=min(claimed, post.seen_at) if claimed else post.seen_at,
            fetched_at=fetched_at,
        )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _event(text: str) -> Mapping[str, Any]:
    try:
        return object_of(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _post(event: Mapping[str, Any]) -> _Post | None:
    """Return the post that was written or changed, None for any other event."""
    commit = object_of(event.get("commit"))
    if commit.get("collection") != _POST or commit.get("operation") not in ("create", "update"):
        return None
    author, key, version = map(text_of, (event.get("did"), commit.get("rkey"), commit.get("cid")))
    seen_at = moment_of((number_of(event.get("time_us")) or 0) // 1_000_000)
    if author is None or key is None or seen_at is None:
        return None
    return _Post(author, key, version or "", seen_at, object_of(commit.get("record")))


def _texts(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader sees of a post, and where its links lead to, which its text may show shortened."""
    embed = object_of(record.get("embed"))
    media = object_of(embed.get("media")) or embed  # one level more where the post quotes another one as well
    card = object_of(media.get("external"))
    features = (feature for facet in objects_of(record.get("facets")) for feature in objects_of(facet.get("features")))
    found = (
        record.get("text"),
        *(feature.get("uri") for feature in features),
        *(card.get(part) for part in ("uri", "title", "description")),
        *(image.get("alt") for image in objects_of(media.get("images"))),
        media.get("alt"),
    )
    yield from filter(None, map(text_of, found))
