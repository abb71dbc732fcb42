"""4chan: all posts of boards, by the read-only JSON API (https://github.com/4chan/4chan-API).

A board's catalogue shows every thread with its latest replies. A thread is fetched only where more came than these,
so that most posts cost no request of their own. Post numbers grow over a whole board. A thread that cannot be fetched
is tried again with the next polls, after the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.errors import NotConfigured, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.parsing.plain_text import html_to_text
from sources.polling.tries import MOST_FAILURES, Tries, given_up
from sources.polling.unreadable import Unreadable
from sources.transport.fetching import Gone, WebAddress, fetch
from sources.transport.validators import Validators

PAGE_SIZE = 200
THREADS_A_POLL = 20
"""How many threads are fetched in one poll, at the pace of one request a second that 4chan asks for."""

_Post = Mapping[str, Any]


class FourchanSettings(BaseModel):
    """Which boards are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    boards: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,10}$")], ...] = Field(
        (), description="Names of boards, without slashes."
    )
    url: WebAddress = Field("https://a.4cdn.org", description="Where catalogues and threads come from.")
    site_url: WebAddress = Field("https://boards.4chan.org", description="Where links lead to.")


@dataclass(frozen=True, slots=True)
class _Board:
    """What was read of a board: the last post of each of its threads, and the newest post there was at the first
    poll (None before it): of what is older, only what the catalogue shows is read. ``tries`` are of threads that
    could not be fetched."""

    last: Mapping[int, int] = field(default_factory=dict)
    began_at: int | None = None
    tries: Tries = field(default_factory=Tries)
    validators: Validators = field(default_factory=Validators)

    @classmethod
    def read(cls, written: Json) -> _Board:
        board = object_of(written)
        last = {int(thread): number_of(post) or 0 for thread, post in object_of(board.get("last")).items()}
        return cls(
            last,
            number_of(board.get("began_at")),
            Tries.read(board.get("tries")),
            Validators.read(object_of(board.get("validators"))),
        )

    def written(self) -> JsonObject:
        last = {str(thread): post for thread, post in self.last.items()}
        return {
            "last": last,
            "began_at": self.began_at,
            "tries": self.tries.written(),
            "validators": self.validators.written(),
        }


@dataclass(slots=True)
class _News:
    """What one poll gives of a board: new posts, and the board after them. ``ended``: there is no more to give now."""

    posts: list[_Post]
    board: _Board
    ended: bool = True
    failed: list[str] = field(default_factory=list)
    failure: SourceUnavailable | None = None
    fetched: int = 0
    given_up: int = 0

    @property
    def hides_threads(self) -> bool:
        """Whether every thread that was asked for could not be fetched."""
        return bool(self.failed) and not self.fetched

    @property
    def is_over(self) -> bool:
        """Whether the place asks to wait, or is in trouble."""
        asks_to_wait = self.failure is not None and self.failure.retry_after is not None
        return asks_to_wait or len(self.failed) >= MOST_FAILURES


class FourchanSource:
    """Boards. A poll reads the catalogue of one of them, and threads of which the catalogue does not show enough."""

    kind: ClassVar[str] = "fourchan"
    Settings: ClassVar[type[BaseModel]] = FourchanSettings

    def __init__(self, settings: FourchanSettings, context: SourceContext) -> None:
        if not settings.boards:
            raise NotConfigured("it names no board")
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the new posts of the next board, those of a thread in order; see :class:`core.ports.Source`."""
        names = self._settings.boards
        written = object_of((cursor or {}).get("boards"))
        boards = {name: _Board.read(written.get(name)) for name in names}
        position = number_of((cursor or {}).get("next")) or 0
        number = position if 0 <= position < len(names) else 0
        name = names[number]
        board = boards[name]
        unreadable = Unreadable.read((cursor or {}).get("unreadable"), names)
        try:
            answer = await fetch(self._context, self._url(name, "catalog"), headers=board.validators.headers())
        except SourceError as error:
            unreadable = unreadable.and_also(name, f"number {number + 1} of the boards: {error}")
            following = (number + 1) % len(names)
            skipped = _written(following, boards, unreadable)
            return unreadable.page_past(error, names, skipped, more=following != 0)
        unreadable = unreadable.without(name)
        now = self._context.clock.now()
        news = _News([], board)
        waits = [answer.not_before]
        if answer.response.status != 304:
            threads = [thread for page in objects_of(await answer.json()) for thread in objects_of(page.get("threads"))]
            news = await self._news(name, board, threads)
            boards[name] = replace(news.board, tries=news.board.tries.and_also(news.failed, counted=True))
            if news.ended and not news.failed:
                boards[name] = replace(boards[name], validators=Validators.of(answer.response))
        if news.failure is not None:
            if news.is_over and not news.posts:
                boards[name] = replace(board, tries=board.tries.and_also(news.failed, counted=False))
                news.failure.cursor = _written(number, boards, unreadable)
                raise news.failure
            waits.append(now + news.failure.retry_after if news.failure.retry_after else None)
            if news.hides_threads:
                reason = f"number {number + 1} of the boards: its threads cannot be read: {news.failure}"
                unreadable = unreadable.and_also(name, reason)
        following = (number + 1) % len(names) if news.ended else number
        return Page(
            documents=await asyncio.to_thread(self._documents, name, news.posts, now),
            cursor=_written(following, boards, unreadable),
            more=following != 0 or not news.ended,
            not_before=max(filter(None, waits), default=None),
            gap=given_up(answer.host, "threads", news.given_up) if news.given_up else None,
            failing=unreadable.sentence(),
        )

    async def _news(self, name: str, board: _Board, threads: Sequence[Mapping[str, Any]]) -> _News:
        """Return at most a page of new posts."""
        shown = {thread["no"]: _catalogued(thread) for thread in _numbered(threads)}
        newest = max((posts[-1]["no"] for posts in shown.values()), default=0)
        began_at = newest if board.began_at is None else board.began_at
        last, fetches, exhausted = dict(board.last), THREADS_A_POLL, board.tries.exhausted()
        news = _News([], board)
        waiting: set[str] = set()
        # Threads that left the catalogue are looked at a last time.
        for thread in sorted({*shown, *last}, key=lambda number: (board.tries.rank(str(number)), number)):
            key, known, posts = str(thread), last.get(thread, 0), shown.get(thread, [])
            if not posts or _hides(posts, known, began_at):
                if key in exhausted:
                    news.given_up += 1
                elif news.is_over or not fetches:
                    news.ended = news.ended and news.is_over
                    waiting.add(key)
                    continue
                else:
                    fetches -= 1
                    try:
                        posts = await self._thread(name, thread) or posts
                    except SourceUnavailable as error:
                        news.failure = error
                        news.failed.append(key)
                        waiting.add(key)
                        continue
                    news.fetched += 1
            fresh = [post for post in posts if post["no"] > known]
            given = fresh[: PAGE_SIZE - len(news.posts)]
            news.posts += given
            if given:
                last[thread] = given[-1]["no"]
            if len(given) < len(fresh):
                news.ended = False
                waiting |= board.tries.counts.keys()
                break
            if thread not in shown:
                del last[thread]
        news.board = _Board(last, began_at, board.tries.of(waiting))
        return news

    async def _thread(self, name: str, number: int) -> list[_Post]:
        try:
            answer = await fetch(self._context, self._url(name, f"thread/{number}"))
        except Gone:
            return []
        return _numbered(objects_of(object_of(await answer.json()).get("posts")))

    def _url(self, board: str, what: str) -> str:
        return f"{self._settings.url.rstrip('/')}/{board}/{what}.json"

    def _documents(self, board: str, posts: Iterable[_Post], now: datetime) -> tuple[Document, ...]:
        return tuple(self._document(board, post, now) for post in posts)

    def _document(self, board: str, post: _Post, now: datetime) -> Document:
        name, number = self._context.name, post["no"]
        identifier = f"{board}/{number}"
        thread = number_of(post.get("resto")) or number
        author = " ".join(filter(None, (_plain(post.get("name")), _plain(post.get("trip")))))
        file = None if post.get("filedeleted") else _plain(post.get("filename"))
        return Document(
            id=f"{name}:{identifier}",
            source=name,
            external_id=identifier,
            text="\n".join(filter(None, (_plain(post.get("com")), file and file + (text_of(post.get("ext")) or "")))),
            title=_plain(post.get("sub")),
            author=author or None,
            url=f"{self._settings.site_url.rstrip('/')}/{board}/thread/{thread}#p{number}",
            published_at=moment_of(post.get("time")),
            fetched_at=now,
        )


def _written(following: int, boards: Mapping[str, _Board], unreadable: Unreadable) -> JsonObject:
    written = {name: board.written() for name, board in boards.items()}
    return {"next": following, "boards": written, "unreadable": unreadable.written()}


def _numbered(posts: Iterable[Mapping[str, Any]]) -> list[_Post]:
    """Return the posts that have a number, in order of it."""
    by_number = {number: post for post in posts if (number := number_of(post.get("no"))) and number > 0}
    return [by_number[number] for number in sorted(by_number)]


def _catalogued(thread: Mapping[str, Any]) -> list[_Post]:
    """Return the posts of a thread that the catalogue shows, its first one first."""
    return _numbered([thread, *objects_of(thread.get("last_replies"))])


def _hides(posts: Sequence[_Post], known: int, began_at: int) -> bool:
    """Return whether there may be new posts between those that the catalogue shows."""
    first, *replies = posts
    if not number_of(first.get("omitted_posts")):
        return False
    if not known:
        return bool(first["no"] > began_at)
    return bool(replies and replies[0]["no"] > known)


def _plain(markup: object) -> str | None:
    """Return the text of a field, which all are HTML."""
    text = text_of(markup)
    return html_to_text(text).text or None if text else None
