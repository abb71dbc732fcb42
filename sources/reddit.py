"""Reddit by PRAW: new submissions and comments of subreddits, searches, and comments that mention an account.

A listing is read from its newest item back to one that is known, or to the end of the 1,000 that Reddit keeps.
Reading again what is known costs little; asking for what came "before" an item would lose everything once that
item is deleted.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

import praw
import prawcore
import requests
from praw.models import Comment, Submission
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from core.errors import (
    AddressRefused,
    AskedToWait,
    FetchError,
    NotConfigured,
    SourceBroken,
    SourceError,
    SourceUnavailable,
)
from core.http import user_agent
from core.ports import SourceContext
from core.rate_limits import parse_retry_after
from core.types import Document, Json, JsonObject, Page
from sources.polling.given import digest_of
from sources.polling.unreadable import Unreadable
from sources.transport.guarded_session import guarded_session

LISTING_SIZE = 1024
"""A little more than the 1,000 items or so that Reddit's listings go back."""

_REQUEST_SIZE = 100
_GONE = frozenset({"[removed]", "[deleted]"})
_REASONS = {
    403: "is private or forbidden",
    404: "does not exist or was banned",
}

_LOGIN_PATH = "/api/v1/access_token"

Item: TypeAlias = Comment | Submission


class RedditSettings(BaseModel):
    """Which parts of Reddit are read, and the keys that Reddit gave."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: str = Field("", description="Client id of an app registered at reddit.com/prefs/apps.")
    client_secret: SecretStr = Field(SecretStr(""), description="Its secret.")
    subreddits: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{2,50}$")], ...] = Field(
        (), description="Names of subreddits, without r/. One that cannot be read is told, the others are read on."
    )
    submissions: bool = Field(True, description="Read new submissions of the subreddits.")
    comments: bool = Field(True, description="Read new comments of the subreddits.")
    search: tuple[Annotated[str, StringConstraints(min_length=1, max_length=512)], ...] = Field(
        (), repr=False, description="Searches over all of Reddit. Reddit learns what is searched for."
    )
    mentions: bool = Field(False, description="Read the comments that mention the account.")
    username: str = Field("", repr=False, description="Name of the account, for an app of the type script.")
    password: SecretStr = Field(SecretStr(""), description="Its password.")
    refresh_token: SecretStr = Field(
        SecretStr(""), description="In place of the password: a token that the account gave the app."
    )
    reddit_url: str = Field("https://www.reddit.com", description="Where tokens come from and links lead to.")
    oauth_url: str = Field("https://oauth.reddit.com", description="Where listings come from.")

    @property
    def has_login(self) -> bool:
        """Whether requests are made for an account."""
        by_password = bool(self.username and self.password.get_secret_value())
        return by_password or bool(self.refresh_token.get_secret_value())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """``key`` names it in the cursor, ``name`` in messages, which says where it stands in the settings. Without a
    subreddit, it is what mentions the account."""

    key: str
    name: str
    subreddit: str | None
    comments: bool = False
    query: str | None = field(default=None, repr=False)

    def items(self, reddit: praw.Reddit) -> Iterator[Any]:
        """Return the items, the newest first, requested as they are taken."""
        if self.subreddit is None:
            return reddit.inbox.mentions(limit=LISTING_SIZE)
        subreddit = reddit.subreddit(self.subreddit)
        if self.query is not None:
            return subreddit.search(self.query, sort="new", limit=LISTING_SIZE)
        return subreddit.comments(limit=LISTING_SIZE) if self.comments else subreddit.new(limit=LISTING_SIZE)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a listing: the newest creation time, and for each recent item when it was edited (0: never)."""

    newest: float = 0.0
    edited: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, written: Json) -> _Known:
        return cls(**written) if isinstance(written, Mapping) else cls()  # type: ignore[arg-type]  # as written below

    def written(self) -> JsonObject:
        return {"newest": self.newest, "edited": dict(self.edited)}


@dataclass(slots=True)
class _Allowance:
    """``pause`` is how long to wait once the answers so far have used up what Reddit allows, else None."""

    pause: timedelta | None = None


class _Requestor(prawcore.Requestor):
    """One request of PRAW, with our errors in place of its own retries: the scheduler decides when to try again."""

    def __init__(
        self, *, session: requests.Session, now: Callable[[], datetime], allowance: _Allowance, **options: Any
    ) -> None:
        super().__init__(session=session, **options)
        self._session = session
        self._now = now
        self._allowance = allowance

    def request(self, *args: Any, timeout: float | None = None, **options: Any) -> requests.Response:
        options["timeout"] = timeout or self.timeout
        try:
            response = self._session.request(*args, **options)
        except AddressRefused as error:
            raise SourceBroken(str(error)) from error
        except FetchError as error:
            raise SourceUnavailable(str(error)) from error
        except requests.RequestException as error:  # its message and fields hold the address with its query
            raise SourceUnavailable(f"Reddit gave no whole answer ({type(error).__name__})") from None
        reset = parse_retry_after(response.headers.get("x-ratelimit-reset"), self._now())
        status = response.status_code
        if status == 429 or status >= 500:
            wait = parse_retry_after(response.headers.get("retry-after"), self._now())
            raise SourceUnavailable(f"Reddit cannot answer now (status {status})", retry_after=wait or reset)
        remaining = response.headers.get("x-ratelimit-remaining", "")
        self._allowance.pause = reset if remaining.partition(".")[0] == "0" else None
        return response


class RedditSource:
    """Subreddits and searches. A poll reads one listing; an item is given again when it was edited."""

    kind: ClassVar[str] = "reddit"
    Settings: ClassVar[type[BaseModel]] = RedditSettings

    def __init__(self, settings: RedditSettings, context: SourceContext) -> None:
        if not settings.client_id or not settings.client_secret.get_secret_value():
            raise NotConfigured("it needs a client_id and a client_secret, which Reddit gives to registered apps")
        self._settings = settings
        self._context = context
        self._listings = tuple(_listings(settings))
        if not self._listings:
            raise NotConfigured("it names no subreddit and no search, and reads no mentions")
        if settings.mentions and not settings.has_login:
            raise NotConfigured("for mentions it needs the account's username and password, or a refresh_token")

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new or edited in the next listing, oldest first; see :class:`core.ports.Source`."""
        http, host = self._context.http, urlsplit(self._settings.oauth_url).hostname or ""
        try:
            async with http.turn(host, self._settings.client_id):
                pass  # PRAW keeps its own pace, by what Reddit says is left
            page = await asyncio.to_thread(self._poll, cursor or {})
        except AskedToWait as error:
            raise SourceUnavailable(str(error), retry_after=error.retry_after) from error
        except SourceUnavailable as error:
            if error.retry_after is not None:
                http.rest(host, self._settings.client_id, error.retry_after)
            raise
        if page.not_before is not None:  # Reddit counts all requests of an app together
            http.rest(host, self._settings.client_id, page.not_before - self._context.clock.now())
        return page

    def _poll(self, cursor: JsonObject) -> Page:
        written = cursor.get("listings")
        known = {key: _Known.read(value) for key, value in written.items()} if isinstance(written, Mapping) else {}
        position = cursor.get("next")
        number = position if isinstance(position, int) and position < len(self._listings) else 0
        listing = self._listings[number]
        before = known.get(listing.key, _Known())
        allowance = _Allowance()
        following = (number + 1) % len(self._listings)
        keys = [one.key for one in self._listings]
        unreadable = Unreadable.read(cursor.get("unreadable"), keys)
        try:
            with (
                closing(guarded_session(self._context.http.settings)) as session,
                _own_errors(listing.name, has_login=self._settings.has_login),
            ):
                items, reached = _read(listing.items(self._client(session, allowance)), before, allowance)
        except SourceError as error:
            unreadable = unreadable.and_also(listing.key, str(error))
            return unreadable.page_past(error, keys, _written(following, known, unreadable), more=following != 0)
        unreadable = unreadable.without(listing.key)
        given = {digest: edited for one in known.values() for digest, edited in one.edited.items()}
        fresh = [item for item in items if given.get(_digest(item)) != _edited_at(item)]
        known[listing.key] = _remember(before, items)
        now = self._context.clock.now()
        return Page(
            documents=tuple(self._document(item, now) for item in sorted(fresh, key=_created_at)),
            cursor=_written(following, known, unreadable),
            more=following != 0,
            not_before=now + allowance.pause if allowance.pause else None,
            gap=None if reached else f"Reddit lists {len(items)} items of {listing.name}, and more came since",
            failing=unreadable.sentence(),
        )

    def _client(self, session: requests.Session, allowance: _Allowance) -> praw.Reddit:
        """Return a client whose every setting is given here, so that no file and no variable has a say."""
        http = self._context.http.settings
        return praw.Reddit(
            "DEFAULT",
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            username=self._settings.username or None,
            password=self._settings.password.get_secret_value() or None,
            refresh_token=self._settings.refresh_token.get_secret_value() or None,
            redirect_uri=None,
            user_agent=user_agent(http),
            reddit_url=self._settings.reddit_url,
            oauth_url=self._settings.oauth_url,
            timeout=max(1, round(http.timeout_seconds)),
            ratelimit_seconds=0,
            check_for_updates=False,
            check_for_async=False,
            requestor_class=_Requestor,
            requestor_kwargs={"session": session, "now": self._context.clock.now, "allowance": allowance},
        )

    def _document(self, item: Item, now: datetime) -> Document:
        # By vars: PRAW fetches an attribute that an item lacks with a request of its own.
        fields = vars(item)
        text, title, author = fields.get("body"), fields.get("title"), fields.get("author")
        if isinstance(item, Submission):
            text = fields.get("selftext") or fields.get("url")
        return Document(
            id=f"{self._context.name}:{item.fullname}",
            source=self._context.name,
            external_id=item.fullname,
            text="" if text is None or text in _GONE else str(text),
            title=title if isinstance(item, Submission) and title not in _GONE else None,
            author=str(author) if author is not None else None,
            url=self._settings.reddit_url.rstrip("/")
            + (fields.get("permalink") or fields.get("context") or _permalink(item)),
            published_at=datetime.fromtimestamp(_created_at(item), UTC),
            fetched_at=now,
        )


def _written(following: int, known: Mapping[str, _Known], unreadable: Unreadable) -> JsonObject:
    written = {key: one.written() for key, one in known.items()}
    return {"next": following, "listings": written, "unreadable": unreadable.written()}


def _listings(settings: RedditSettings) -> Iterator[_Listing]:
    for place, subreddit in enumerate(settings.subreddits, start=1):
        key, name = f"r/{subreddit}", f"number {place} of the subreddits"
        if settings.submissions:
            yield _Listing(key=f"{key}/new", name=name, subreddit=subreddit)
        if settings.comments:
            yield _Listing(key=f"{key}/comments", name=name, subreddit=subreddit, comments=True)
    for number, query in enumerate(settings.search):
        name = f"number {number + 1} of the searches"
        # Not by its number: the searches may be changed while the cursor stays.
        yield _Listing(key=f"search/{digest_of(query)}", name=name, subreddit="all", query=query)
    if settings.mentions:
        yield _Listing(key="mentions", name="the inbox of mentions", subreddit=None)


def _read(items: Iterator[Any], before: _Known, allowance: _Allowance) -> tuple[list[Item], bool]:
    """Return the items from the newest back, whole requests of them, to one that is known or older than all known, and
    whether nothing is missing between: a listing of more than one request may end where Reddit cuts it off.

    Raises SourceUnavailable when Reddit's allowance ends before that.
    """
    read: list[Item] = []
    reached = False
    for number, item in enumerate(items, start=1):
        if not isinstance(item, Comment | Submission):
            continue
        read.append(item)
        reached = reached or _digest(item) in before.edited or _created_at(item) < before.newest
        if number % _REQUEST_SIZE == 0:
            if reached:
                break
            if allowance.pause:
                raise SourceUnavailable("Reddit's request limit is used up", retry_after=allowance.pause)
    return read, reached or not before.edited or len(read) <= _REQUEST_SIZE


def _remember(before: _Known, items: list[Item]) -> _Known:
    """Return what is known now, as many of the newest items as a listing holds."""
    edited = {_digest(item): _edited_at(item) for item in items}
    for digest, moment in before.edited.items():
        if len(edited) >= LISTING_SIZE:
            break
        edited.setdefault(digest, moment)
    return _Known(newest=max([before.newest, *map(_created_at, items)]), edited=edited)


def _digest(item: Item) -> str:
    return hashlib.blake2b(item.fullname.encode(), digest_size=8).hexdigest()


def _created_at(item: Item) -> float:
    return float(vars(item).get("created_utc") or 0.0)


def _edited_at(item: Item) -> float:
    """Return when the item was edited, 0 for never. Reddit says false, or true for very old edits, or the time."""
    return float(vars(item).get("edited") or 0.0)


def _permalink(item: Item) -> str:
    """Return the path of an item whose answer names none (comments of older answers)."""
    fields = vars(item)
    submission = str(fields.get("link_id") or item.fullname).removeprefix("t3_")
    comment = f"/_/{item.id}" if isinstance(item, Comment) else ""
    return f"/comments/{submission}{comment}"


@contextmanager
def _own_errors(name: str, *, has_login: bool) -> Iterator[None]:
    """Turn the errors of PRAW into ours. Their messages quote what was asked for."""
    refusal = "Reddit does not accept the client_id and client_secret"
    if has_login:
        refusal += ", or not the login of the account"
    try:
        yield
    except prawcore.exceptions.Redirect:
        raise SourceBroken(f"{name} does not exist") from None
    except prawcore.exceptions.OAuthException:
        raise SourceBroken(refusal) from None
    except prawcore.exceptions.BadJSON:
        raise SourceUnavailable("Reddit gave an answer that cannot be read") from None
    except prawcore.exceptions.ResponseException as error:
        status = error.response.status_code
        if status == 401 or error.response.url.endswith(_LOGIN_PATH):
            raise SourceBroken(f"{refusal} (status {status})") from None
        raise SourceBroken(f"{name} {_REASONS.get(status, 'cannot be read')} (status {status})") from None
    except (prawcore.exceptions.PrawcoreException, praw.exceptions.PRAWException) as error:
        raise SourceUnavailable(f"{name} cannot be read now ({type(error).__name__})") from None
