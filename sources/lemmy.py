"""Lemmy: new posts and comments of a server or of communities, by API v3.

A listing has no cursor that lasts, only page numbers, and what comes in the meantime moves everything down. So it is
read in rounds, one page a poll, from the newest item back to where the last whole round began, with a memory of what
was given. What is written on other servers may arrive long after that, and is listed by when it was written: so a round
goes back an hour further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.errors import NotConfigured, SourceBroken, SourceError
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.polling.given import digest_of
from sources.polling.unreadable import Unreadable
from sources.transport.fetching import Answer, WebAddress, fetch

REQUEST_SIZE = 50
"""The most items that Lemmy gives at once."""
LONGEST_ROUND = 20
"""How many pages are read back after a pause."""
LATE_SECONDS = 3600.0
"""How far a round goes back before the newest item of the last one, for what arrives late."""

_REMEMBERED = 3 * REQUEST_SIZE
_MOST_REMEMBERED = 2 * REQUEST_SIZE * LONGEST_ROUND


class LemmySettings(BaseModel):
    """What of which server is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: WebAddress = Field("https://lemmy.world", description="Address of the server.")
    communities: tuple[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,100}(@[A-Za-z0-9.-]{1,200})?$")], ...
    ] = Field((), description="Names of communities, as name or name@server; everything the server shows if empty.")
    local: bool = Field(False, description="Without communities: what was written on this server only.")
    posts: bool = Field(True, description="Read new posts.")
    comments: bool = Field(True, description="Read new comments.")


@dataclass(frozen=True, slots=True)
class _Listing:
    """``key`` names it in the cursor; ``place`` is the place of its community in the settings, 0 without."""

    key: str
    noun: Literal["post", "comment"]
    query: Mapping[str, str]
    place: int = 0

    def url(self, server: str, page: int) -> str:
        query = {**self.query, "sort": "New", "limit": str(REQUEST_SIZE), "page": str(page)}
        return f"{server.rstrip('/')}/api/v3/{self.noun}/list?{urlencode(query)}"


_Read: TypeAlias = tuple[str, float]
"""The digest of an item, and when it was published, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Known:
    """``given`` is what was given at the top of the listing by the end of the last whole round, which was whole down
    from the moment ``whole_from``; ``page`` and ``read`` are of the round under way. What is older than ``began_at``
    was there before anything was read."""

    given: tuple[_Read, ...] = ()
    whole_from: float | None = None
    began_at: float = 0.0
    page: int = 1
    read: tuple[_Read, ...] = ()

    @classmethod
    def of(cls, written: Json) -> _Known:
        try:
            known = cls(**written) if isinstance(written, Mapping) else cls()  # type: ignore[arg-type]  # as written
            return replace(known, given=tuple(map(_pair, known.given)), read=tuple(map(_pair, known.read)))
        except (TypeError, ValueError):
            return cls()

    def written(self) -> JsonObject:
        return {
            "given": [list(one) for one in self.given],
            "whole_from": self.whole_from,
            "began_at": self.began_at,
            "page": self.page,
            "read": [list(one) for one in self.read],
        }

    def digests(self) -> frozenset[str]:
        """Return the digests of all that was given and is remembered."""
        return frozenset(digest for digest, _ in (*self.given, *self.read))

    def after(self, items: Sequence[_Read], *, fresh: bool) -> _Known:
        """Return what is known once the next page, of these items, was read; ``fresh`` where one of them was not
        known."""
        read = (*self.read, *items)
        if self.whole_from is None:
            began_at, back = min(map(_moment, items), default=0.0), True
        else:
            began_at, depth = self.began_at, max(self.whole_from - LATE_SECONDS, self.began_at)
            back = not items or (not fresh and items[-1][1] <= depth)
        if not back and self.page < LONGEST_ROUND:
            return replace(self, page=self.page + 1, read=read)
        whole_from = max(map(_moment, read), default=None)
        newest = sorted({*read, *self.given}, key=_moment, reverse=True)
        recent = (whole_from or 0.0) - 2 * LATE_SECONDS
        kept = [one for number, one in enumerate(newest) if number < _REMEMBERED or one[1] >= recent]
        # The first page holds, above the newest items, old ones that were pinned there.
        remembered = tuple(dict.fromkeys([*read[:REQUEST_SIZE], *kept[:_MOST_REMEMBERED]]))
        return _Known(given=remembered, whole_from=whole_from, began_at=began_at)


class LemmySource:
    """Listings of a server. A poll reads one page of one; an item is given again when it was edited."""

    kind: ClassVar[str] = "lemmy"
    Settings: ClassVar[type[BaseModel]] = LemmySettings

    def __init__(self, settings: LemmySettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._listings = tuple(_listings(settings))
        if not self._listings:
            raise NotConfigured("it reads neither posts nor comments")

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new or edited on the next page, oldest first; see :class:`core.ports.Source`."""
        written = object_of((cursor or {}).get("listings"))
        known = {listing.key: _Known.of(written.get(listing.key)) for listing in self._listings}
        position = number_of((cursor or {}).get("next")) or 0
        number = position if 0 <= position < len(self._listings) else 0
        listing = self._listings[number]
        before = known[listing.key]
        unreadable = Unreadable.read((cursor or {}).get("unreadable"), known.keys())
        try:
            views, answer = await self._views(listing, before.page)
        except SourceError as error:
            if not listing.place:
                raise
            unreadable = unreadable.and_also(listing.key, f"number {listing.place} of the communities: {error}")
            following = (number + 1) % len(self._listings)
            skipped = _written(following, known, unreadable)
            return unreadable.page_past(error, known.keys(), skipped, more=following != 0)
        unreadable = unreadable.without(listing.key)
        remembered = before.digests()
        by_digest = {
            _digest(view[listing.noun]): view
            for view in views
            if before.page == 1 or _published(view[listing.noun]) >= before.began_at
        }
        fresh = [view for digest, view in by_digest.items() if digest not in remembered]
        items = [(digest, _published(view[listing.noun])) for digest, view in by_digest.items()]
        after = known[listing.key] = before.after(items, fresh=bool(fresh))
        ended = after.page == 1
        following = (number + 1) % len(self._listings) if ended else number
        gap = None
        passed_over = ended and before.page >= LONGEST_ROUND and bool(fresh)
        if passed_over and before.whole_from is not None and items[-1][1] > before.whole_from:
            gap = (
                f"more came than is read back after a pause: {_span(before.whole_from, items[-1][1])} were passed over"
            )
        now = self._context.clock.now()
        return Page(
            documents=tuple(
                self._document(view, listing, now) for view in reversed(fresh) if _is_shown(view[listing.noun])
            ),
            cursor=_written(following, known, unreadable),
            more=following != 0 or not ended,
            not_before=answer.not_before,
            gap=gap,
            failing=unreadable.sentence(),
            quota_left=answer.quota_left,
        )

    async def _views(self, listing: _Listing, page: int) -> tuple[list[Mapping[str, Any]], Answer]:
        """Return the items of a page of the listing, with what is told of each, and the answer. Raises SourceError, as
        well for a community that is no more."""
        answer = await fetch(self._context, listing.url(self._settings.url, page))
        views = [
            view
            for view in objects_of(object_of(await answer.json()).get(f"{listing.noun}s"))
            if number_of(object_of(view.get(listing.noun)).get("id")) is not None
        ]
        if listing.place and page == 1 and await self._is_closed(listing, views):
            raise SourceBroken(f"{answer.host} has closed or removed the community")
        return views, answer

    async def _is_closed(self, listing: _Listing, views: Sequence[Mapping[str, Any]]) -> bool:
        """Return whether the listing's community is no more. Of one that is, a server may list nothing, as of one in
        which nothing was written."""
        communities = [object_of(view.get("community")) for view in views[:1]]
        if not views:
            query = urlencode({"name": listing.query["community_name"]})
            answer = await fetch(self._context, f"{self._settings.url.rstrip('/')}/api/v3/community?{query}")
            communities = [object_of(object_of(object_of(await answer.json()).get("community_view")).get("community"))]
        return not all(map(_is_shown, communities))

    def _document(self, view: Mapping[str, Any], listing: _Listing, now: datetime) -> Document:
        name, item = self._context.name, view[listing.noun]
        identifier = f"{listing.noun}/{item['id']}"
        texts = map(text_of, (item.get("url"), item.get("body"), item.get("alt_text"), item.get("content")))
        return Document(
            id=f"{name}:{identifier}",
            source=name,
            external_id=identifier,
            text="\n".join(filter(None, texts)),
            title=text_of(item.get("name")),
            author=_author(object_of(view.get("creator"))),
            url=text_of(item.get("ap_id")),
            published_at=moment_of(item.get("published")),
            fetched_at=now,
        )


def _written(following: int, known: Mapping[str, _Known], unreadable: Unreadable) -> JsonObject:
    written = {key: one.written() for key, one in known.items()}
    return {"next": following, "listings": written, "unreadable": unreadable.written()}


def _listings(settings: LemmySettings) -> Iterator[_Listing]:
    everything = {"type_": "Local" if settings.local else "All"}
    places = {f"c/{name}": {"type_": "All", "community_name": name} for name in settings.communities}
    first = 1 if places else 0
    nouns: tuple[tuple[Literal["post", "comment"], bool], ...] = (
        ("post", settings.posts),
        ("comment", settings.comments),
    )
    for number, (place, query) in enumerate((places or {everything["type_"]: everything}).items(), start=first):
        for noun, wanted in nouns:
            if wanted:
                yield _Listing(key=f"{place}/{noun}s", noun=noun, query=query, place=number)


def _is_shown(item: Mapping[str, Any]) -> bool:
    """Of what was deleted or removed, only the shell is left."""
    return not item.get("deleted") and not item.get("removed")


def _published(item: Mapping[str, Any]) -> float:
    moment = moment_of(item.get("published"))
    return moment.timestamp() if moment else 0.0


def _span(begin: float, end: float) -> str:
    first, last = (datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M") for moment in (begin, end))
    return f"items from {first} to {last} (UTC)"


def _moment(read: _Read) -> float:
    return read[1]


def _pair(written: Any) -> _Read:
    digest, moment = written
    return str(digest), float(moment)


def _digest(item: Mapping[str, Any]) -> str:
    return digest_of(item["id"], text_of(item.get("updated")))


def _author(creator: Mapping[str, Any]) -> str | None:
    """Return the name that is shown, and the one that is written to: ``Ann Example (@ann@lemmy.example)``."""
    name, shown = text_of(creator.get("name")), text_of(creator.get("display_name"))
    try:
        host = urlsplit(text_of(creator.get("actor_id")) or "").hostname
    except ValueError:
        host = None
    handle = f"@{name}@{host}" if name and host else name
    return f"{shown} ({handle})" if shown and handle else handle or shown
