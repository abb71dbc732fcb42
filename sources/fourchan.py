"""4chan: all posts of boards, by the read-only JSON API (https://github.com/4chan/4chan-API).

A board's catalogue shows every thread with its latest replies. A thread is fetched only where more came than these,
so that most posts cost no request of their own. Post numbers grow over a whole board.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.errors import NotConfigured
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.parsing.plain_text import html_to_text
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
    poll (None before it): of what is older, only what the catalogue shows is read."""

    last: Mapping[int, int] = field(default_factory=dict)
    began_at: int | None = None
    validators: Validators = field(default_factory=Validators)

    @classmethod
    def read(cls, written: Json) -> _Board:
        board = object_of(written)
        last = {int(thread): number_of(post) or 0 for thread, post in object_of(board.get("last")).items()}
        return cls(last, number_of(board.get("began_at")), Validators.read(object_of(board.get("validators"))))

    def written(self) -> JsonObject:
        last = {str(thread): post for thread, post in self.last.items()}
        return {"last": last, "began_at": self.began_at, "validators": self.validators.written()}


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
        answer = await fetch(self._context, self._url(name, "catalog"), headers=board.validators.headers())
        posts: list[_Post] = []
        ended = True
        if answer.response.status != 304:
            threads = [thread for page in objects_of(answer.json()) for thread in objects_of(page.get("threads"))]
            posts, boards[name], ended = await self._news(name, board, threads)
            if ended:
                boards[name] = replace(boards[name], validators=Validators.of(answer.response))
        following = (number + 1) % len(names) if ended else number
        now = self._context.clock.now()
        return Page(
            documents=tuple(self._document(name, post, now) for post in posts),
            cursor={"next": following, "boards": {key: one.written() for key, one in boards.items()}},
            more=following != 0 or not ended,
            not_before=answer.not_before,
        )

    async def _news(
        self, name: str, board: _Board, threads: Sequence[Mapping[str, Any]]
    ) -> tuple[list[_Post], _Board, bool]:
        """Return at most a page of new posts, the board after them, and whether they are all that there are."""
        shown = {thread["no"]: _catalogued(thread) for thread in _numbered(threads)}
        newest = max((posts[-1]["no"] for posts in shown.values()), default=0)
        began_at = newest if board.began_at is None else board.began_at
        last, fetches, ended = dict(board.last), THREADS_A_POLL, True
        news: list[_Post] = []
        # Threads that left the catalogue are looked at a last time.
        for thread in sorted({*shown, *last}):
            known, posts = last.get(thread, 0), shown.get(thread, [])
            if not posts or _hides(posts, known, began_at):
                if not fetches:
                    ended = False
                    continue
                fetches -= 1
                posts = await self._thread(name, thread) or posts
            fresh = [post for post in posts if post["no"] > known]
            given = fresh[: PAGE_SIZE - len(news)]
            news += given
            if given:
                last[thread] = given[-1]["no"]
            if len(given) < len(fresh):
                return news, _Board(last, began_at), False
            if thread not in shown:
                del last[thread]
        return news, _Board(last, began_at), ended

    async def _thread(self, name: str, number: int) -> list[_Post]:
        try:
            answer = await fetch(self._context, self._url(name, f"thread/{number}"))
        except Gone:
            return []
        return _numbered(objects_of(object_of(answer.json()).get("posts")))

    def _url(self, board: str, what: str) -> str:
        return f"{self._settings.url.rstrip('/')}/{board}/{what}.json"

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
