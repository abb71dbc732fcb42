"""The Reddit source: the real PRAW against a loopback server that answers with Reddit's own recorded answers."""

from __future__ import annotations

import gzip
import json
import re
import socket
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.clock import SystemClock
from core.errors import FetchError, LeakwatchError, NotConfigured, SourceBroken, SourceUnavailable, TooLarge
from core.http import GuardedClient
from core.ports import SourceContext
from core.settings import HttpSettings
from core.types import Document, Page
from sources.reddit import RedditSettings, RedditSource
from sources.transport.guarded_session import guarded_session

Child = dict[str, Any]
EMPTY: list[Child] = []


def recorded(shared: Path, test: str) -> list[dict[str, Any]]:
    """The recorded exchanges of one of PRAW's own tests."""
    with tarfile.open(shared / "data/protocols/praw_cassettes.tar.gz") as archive:
        file = archive.extractfile(f"{test}.json")
        assert file is not None
        interactions: list[dict[str, Any]] = json.load(file)["interactions"]
        return interactions


def snapshots(interactions: list[dict[str, Any]]) -> list[list[Child]]:
    """The children of each listing answered, without the answers to "before"."""
    return [
        json.loads(one["response"]["body"]["string"])["data"]["children"]
        for one in interactions
        if one["request"]["method"] == "GET" and "before=" not in one["request"]["uri"]
    ]


@dataclass
class Reddit:
    """What the server answers: the children of a listing by its path, or a status instead of everything."""

    listings: dict[str, list[Child]] = field(default_factory=dict)
    token_answer: str = ""
    token_status: int = 200
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    page_size: int = 100

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if request.path == "/api/v1/access_token":
            if self.token_status != 200:
                return Response('{"error": 400, "message": "Bad Request"}', self.token_status)
            return Response(self.token_answer, content_type="application/json")
        if self.status != 200:
            return Response("{}", self.status, self.headers, content_type="application/json")
        children = self.listings.get(request.path.rstrip("/"))
        if children is None:
            return Response("{}", 404, content_type="application/json")
        names = [child["data"]["name"] for child in children]
        start = names.index(request.args["after"]) + 1 if "after" in request.args else 0
        page = children[start : start + self.page_size]
        after = page[-1]["data"]["name"] if start + self.page_size < len(children) else None
        body = {"kind": "Listing", "data": {"children": page, "after": after, "before": None}}
        return Response(json.dumps(body), headers=self.headers, content_type="application/json")

    def listing_requests(self) -> list[Request]:
        return [request for request in self.requests if request.method == "GET"]


@pytest.fixture
def reddit(httpserver: HTTPServer, shared: Path) -> Iterator[Reddit]:
    token = recorded(shared, "TestSubredditListings.test_new")[0]["response"]["body"]["string"]
    server = Reddit(token_answer=token)
    httpserver.expect_request(re.compile("")).respond_with_handler(server.answer)
    yield server
    httpserver.check_assertions()


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"], "contact": "admin@example.org"})
    async with GuardedClient(settings, SystemClock()) as http:
        yield SourceContext(name="Reddit here", http=http, clock=SystemClock())


@pytest.fixture
def base(httpserver: HTTPServer) -> dict[str, Any]:
    url = httpserver.url_for("").rstrip("/")
    return {"client_id": "client", "client_secret": "very-secret", "reddit_url": url, "oauth_url": url}


async def poll(base: dict[str, Any], context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    """Poll with a source made anew and a cursor as it comes from the database."""
    source = RedditSource(RedditSettings.model_validate(base | settings), context)
    return await source.poll(json.loads(json.dumps(cursor)))


def names(documents: tuple[Document, ...] | list[Document]) -> list[str | None]:
    return [document.external_id for document in documents]


def fullnames(children: list[Child]) -> set[str]:
    return {child["data"]["name"] for child in children}


async def test_every_submission_of_a_listing_is_given_once_oldest_first(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_new"))
    reddit.listings["/r/askreddit/new"] = children
    page = await poll(base, context, subreddits=["askreddit"], comments=False)
    assert len(page.documents) == 100
    assert set(names(page.documents)) == fullnames(children)
    times = [document.published_at for document in page.documents if document.published_at]
    assert len(times) == 100
    assert times == sorted(times)
    assert not page.more
    again = await poll(base, context, page.cursor, subreddits=["askreddit"], comments=False)
    assert again.documents == ()


async def test_a_submission_becomes_a_document(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubreddit.test_search"))
    reddit.listings["/r/all/search"] = children
    page = await poll(base, context, search=["praw oauth search"])
    by_name = {document.external_id: document for document in page.documents}
    assert set(by_name) == fullnames(children)
    for child in children:
        answered, document = child["data"], by_name[child["data"]["name"]]
        assert document.id == f"Reddit here:{answered['name']}"
        assert document.source == "Reddit here"
        assert document.title == answered["title"]
        assert document.text == (answered["selftext"] or answered["url"])
        assert document.author == answered["author"]
        assert document.url == base["reddit_url"] + answered["permalink"]
        assert document.published_at is not None
        assert document.published_at.timestamp() == answered["created_utc"]
        assert document.fetched_at is not None
    (request,) = reddit.listing_requests()
    assert request.args["q"] == "praw oauth search"
    assert request.args["sort"] == "new"
    assert "admin@example.org" in request.headers["User-Agent"]
    assert "praw oauth search" not in json.dumps(page.cursor)


async def test_growing_snapshots_of_a_listing_give_every_comment_once(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    over_time = snapshots(recorded(shared, "TestSubredditStreams.test_comments"))
    assert len(over_time) == 12
    given: list[Document] = []
    cursor = None
    for children in over_time:
        reddit.listings["/r/all/comments"] = children
        page = await poll(base, context, cursor, subreddits=["all"], submissions=False)
        given += page.documents
        cursor = page.cursor
    expected = {name for children in over_time for name in fullnames(children)}
    assert len(expected) > 150
    assert len(given) == len(expected)
    assert set(names(given)) == expected
    texts = {child["data"]["name"]: child["data"]["body"] for children in over_time for child in children}
    assert all(document.text == texts[document.external_id or ""] for document in given)
    assert all(document.url and "/comments/" in document.url for document in given)


async def test_a_first_poll_reads_all_that_reddit_keeps(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    pages = snapshots(recorded(shared, "TestListingGenerator.test_exhaust_items"))
    children = list({child["data"]["name"]: child for page in pages for child in page}.values())
    assert len(children) > 900
    reddit.listings["/r/announcements/new"] = children
    settings: dict[str, Any] = {"subreddits": ["announcements"], "comments": False}
    page = await poll(base, context, **settings)
    assert len(page.documents) == len(children)
    assert set(names(page.documents)) == fullnames(children)
    reddit.requests.clear()
    again = await poll(base, context, page.cursor, **settings)
    assert again.documents == ()
    assert len(reddit.listing_requests()) == 1


async def test_more_items_than_reddit_lists_are_a_gap(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    pages = snapshots(recorded(shared, "TestListingGenerator.test_exhaust_items"))
    by_name = {child["data"]["name"]: child for page in pages for child in page}
    children = sorted(by_name.values(), key=lambda child: child["data"]["created_utc"], reverse=True)
    settings: dict[str, Any] = {"subreddits": ["announcements"], "comments": False}
    reddit.listings["/r/announcements/new"] = children[-20:]
    first = await poll(base, context, **settings)
    reddit.listings["/r/announcements/new"] = children[100:-15]
    second = await poll(base, context, first.cursor, **settings)
    assert (len(second.documents), second.gap) == (len(children) - 120, None)
    reddit.listings["/r/announcements/new"] = children[:100]  # one request, and what was known is deleted
    assert (await poll(base, context, second.cursor, **settings)).gap is None
    reddit.listings["/r/announcements/new"] = children[:-20]
    page = await poll(base, context, first.cursor, **settings)
    assert page.gap == f"Reddit lists {len(children) - 20} items of number 1 of the subreddits, and more came since"


@pytest.mark.parametrize(
    ("login", "grant"),
    [
        ({"refresh_token": "planted"}, {"grant_type": "refresh_token", "refresh_token": "planted"}),
        (
            {"username": "harbor", "password": "planted"},
            {"grant_type": "password", "username": "harbor", "password": "planted"},
        ),
    ],
)
async def test_comments_that_mention_the_account_are_read_with_its_login(
    reddit: Reddit,
    base: dict[str, Any],
    context: SourceContext,
    shared: Path,
    login: dict[str, str],
    grant: dict[str, str],
) -> None:
    (children,) = snapshots(recorded(shared, "TestInbox.test_mentions"))
    reddit.listings["/message/mentions"] = children[4:]
    settings = {"mentions": True, **login}
    page = await poll(base, context, **settings)
    assert dict(reddit.requests[0].form) == grant
    assert set(names(page.documents)) == fullnames(children[4:])
    by_name = {document.external_id: document for document in page.documents}
    for child in children[4:]:
        answered, document = child["data"], by_name[child["data"]["name"]]
        assert (document.text, document.author) == (answered["body"], answered["author"])
        assert document.url == base["reddit_url"] + answered["context"]
    reddit.listings["/message/mentions"] = children
    later = await poll(base, context, page.cursor, **settings)
    assert set(names(later.documents)) == fullnames(children[:4])
    assert "planted" not in repr(RedditSettings.model_validate(base | settings))


@pytest.mark.parametrize("status", [400, 401])
async def test_a_login_that_reddit_refuses_is_said_without_it(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, status: int
) -> None:
    reddit.token_status = status
    with pytest.raises(SourceBroken) as caught:
        await poll(base, context, mentions=True, refresh_token="planted")
    sentence = "Reddit does not accept the client_id and client_secret, or not the login of the account"
    assert str(caught.value) == f"{sentence} (status {status})"


async def test_nothing_is_lost_when_the_newest_known_items_are_deleted(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_comments"))
    settings: dict[str, Any] = {"subreddits": ["askreddit"], "submissions": False}
    reddit.listings["/r/askreddit/comments"] = children[30:]
    first = await poll(base, context, **settings)
    reddit.listings["/r/askreddit/comments"] = children[:30] + children[60:]
    second = await poll(base, context, first.cursor, **settings)
    assert set(names(second.documents)) == fullnames(children[:30])


async def test_an_edited_item_is_given_again(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_comments"))
    settings: dict[str, Any] = {"subreddits": ["askreddit"], "submissions": False}
    reddit.listings["/r/askreddit/comments"] = children
    first = await poll(base, context, **settings)
    edited = children[5] | {"data": children[5]["data"] | {"edited": 1_700_000_000.0, "body": "another text"}}
    reddit.listings["/r/askreddit/comments"] = [*children[:5], edited, *children[6:]]
    second = await poll(base, context, first.cursor, **settings)
    assert [document.text for document in second.documents] == ["another text"]
    assert (await poll(base, context, second.cursor, **settings)).documents == ()


async def test_deleted_authors_and_removed_texts_are_left_empty_without_further_requests(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_comments"))
    gone = children[0] | {"data": children[0]["data"] | {"author": "[deleted]", "body": "[removed]"}}
    bare = {"kind": "t3", "data": {"id": "zz1", "name": "t3_zz1", "created_utc": 1.0, "title": "[deleted]"}}
    reddit.listings["/r/askreddit/comments"] = [gone, bare]
    page = await poll(base, context, subreddits=["askreddit"], submissions=False)
    assert [(document.author, document.title, document.text) for document in page.documents] == [(None, None, "")] * 2
    assert len(reddit.listing_requests()) == 1


async def test_listings_take_turns_and_share_what_is_known(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_new"))
    (comments,) = snapshots(recorded(shared, "TestSubredditListings.test_comments"))
    reddit.listings["/r/askreddit/new"] = children
    reddit.listings["/r/askreddit/comments"] = comments
    reddit.listings["/r/all/search"] = children[:10]
    settings: dict[str, Any] = {"subreddits": ["askreddit"], "search": ["anything"]}
    cursor, pages = None, []
    for _ in range(4):
        page = await poll(base, context, cursor, **settings)
        cursor = page.cursor
        pages.append(page)
    assert [len(page.documents) for page in pages] == [100, 100, 0, 0]
    assert [page.more for page in pages] == [True, True, False, True]


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (403, SourceBroken, "number 1 of the subreddits is private or forbidden (status 403)"),
        (404, SourceBroken, "number 1 of the subreddits does not exist or was banned (status 404)"),
        (302, SourceBroken, "number 1 of the subreddits does not exist"),
        (500, SourceUnavailable, "Reddit cannot answer now (status 500)"),
        (503, SourceUnavailable, "Reddit cannot answer now (status 503)"),
        (429, SourceUnavailable, "Reddit cannot answer now (status 429)"),
    ],
)
async def test_an_error_of_reddit_is_one_sentence_at_once(
    reddit: Reddit,
    base: dict[str, Any],
    context: SourceContext,
    status: int,
    error: type[LeakwatchError],
    sentence: str,
) -> None:
    reddit.status = status
    reddit.headers = {"Retry-After": "77", "Location": f"{base['oauth_url']}/subreddits/search?q=askreddit"}
    with pytest.raises(error) as caught:
        await poll(base, context, subreddits=["askreddit"], comments=False)
    assert str(caught.value) == sentence
    assert len(reddit.listing_requests()) == 1
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=77)


async def test_a_search_that_takes_the_place_of_another_lost_nothing(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    pages = snapshots(recorded(shared, "TestListingGenerator.test_exhaust_items"))
    by_name = {child["data"]["name"]: child for page in pages for child in page}
    children = sorted(by_name.values(), key=lambda child: child["data"]["created_utc"], reverse=True)
    reddit.listings["/r/all/search"] = children[-20:]
    first = await poll(base, context, search=["one"])
    reddit.listings["/r/all/search"] = children[:-20]
    second = await poll(base, context, first.cursor, search=["another"])
    assert (len(second.documents), second.gap) == (len(children) - 20, None)


async def test_what_reddit_asks_to_wait_holds_for_all_that_read_it_with_the_same_app(
    reddit: Reddit, base: dict[str, Any], context: SourceContext
) -> None:
    reddit.status, reddit.headers = 429, {"Retry-After": "77"}
    with pytest.raises(SourceUnavailable):
        await poll(base, context, subreddits=["askreddit"])
    reddit.status, reddit.headers = 200, {}
    reddit.requests.clear()
    with pytest.raises(SourceUnavailable, match="asked to be left alone for a while") as caught:
        await poll(base, context, subreddits=["redditdev"])
    assert caught.value.retry_after is not None
    assert timedelta(seconds=60) < caught.value.retry_after <= timedelta(seconds=77)
    assert reddit.requests == []
    await poll({**base, "client_id": "another"}, context, subreddits=["redditdev"])
    assert len(reddit.listing_requests()) == 1


async def test_a_subreddit_that_is_banned_holds_up_no_other_and_is_told_without_its_name(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_new"))
    reddit.listings["/r/askreddit/new"] = children[:5]
    settings: dict[str, Any] = {"subreddits": ["banned_one", "askreddit"], "comments": False}
    said = "number 1 of the subreddits does not exist or was banned (status 404)"
    first = await poll(base, context, **settings)
    assert (first.documents, first.more, first.failing) == ((), True, said)
    second = await poll(base, context, first.cursor, **settings)
    assert (set(names(second.documents)), second.failing) == (fullnames(children[:5]), said)
    reddit.listings["/r/banned_one/new"] = []
    assert (await poll(base, context, second.cursor, **settings)).failing is None


async def test_an_answer_that_is_no_json_is_one_sentence(
    reddit: Reddit, base: dict[str, Any], context: SourceContext
) -> None:
    reddit.token_answer = '{"error": "unauthorized_client"}'
    with pytest.raises(SourceBroken, match=r"^Reddit does not accept the client_id and client_secret$"):
        await poll(base, context, search=["hidden words"])


async def test_the_end_of_the_allowance_is_waited_for(
    reddit: Reddit, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    (children,) = snapshots(recorded(shared, "TestSubredditListings.test_new"))
    reddit.headers = {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "600", "x-ratelimit-reset": "123"}
    settings: dict[str, Any] = {"subreddits": ["askreddit"], "comments": False}
    reddit.listings["/r/askreddit/new"] = children[:50]
    page = await poll(base, context, **settings)
    assert page.not_before is not None
    assert timedelta(seconds=120) < page.not_before - context.clock.now() <= timedelta(seconds=123)
    reddit.listings["/r/askreddit/new"] = children + children
    with pytest.raises(SourceUnavailable, match="asked to be left alone"):
        await poll(base, context, **settings)
    with pytest.raises(SourceUnavailable, match="request limit is used up") as caught:
        await poll({**base, "client_id": "another"}, context, **settings)
    assert caught.value.retry_after == timedelta(seconds=123)


async def test_reddit_is_reached_by_the_rules_of_the_way_out(reddit: Reddit, base: dict[str, Any]) -> None:
    async with GuardedClient(HttpSettings(), SystemClock()) as http:
        closed = SourceContext(name="Reddit", http=http, clock=SystemClock())
        with pytest.raises(SourceBroken, match=r"^127\.0\.0\.1 is not a public address$"):
            await poll(base, closed, subreddits=["askreddit"], comments=False)
    assert reddit.requests == []


def test_the_session_checks_redirects_and_names_too(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    httpserver.expect_request("/away").respond_with_data("", 302, {"Location": "http://127.0.0.2:1/"})
    only_one = HttpSettings.model_validate({"allowed_networks": ["127.0.0.1/32"]})
    with guarded_session(only_one) as session:
        with pytest.raises(FetchError, match=r"^127\.0\.0\.2 is not a public address$"):
            session.get(httpserver.url_for("/away"), timeout=5)
        with pytest.raises(FetchError, match=r"^0x7f000001 is not written as a plain address$"):
            session.get("http://0x7f000001/", timeout=5)
    with guarded_session(HttpSettings()) as session, pytest.raises(FetchError, match=r"^localhost is not a public"):
        session.get(f"http://localhost:{httpserver.port}/away", timeout=5)


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\nX-Header: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_comes_byte_after_byte_is_ended(beginning: bytes) -> None:
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        with server, server.accept()[0] as connection, suppress(OSError):
            connection.sendall(beginning)
            while not ended.wait(0.05):
                connection.sendall(b"x")

    server = socket.create_server(("127.0.0.1", 0))
    dripping = threading.Thread(target=drip, args=(server,))
    dripping.start()
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.1/32"], "timeout_seconds": 0.5})
    try:
        with (
            guarded_session(settings) as session,
            pytest.raises(FetchError, match=r"gave no whole answer within 0\.5 seconds$"),
        ):
            session.get(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=5)
    finally:
        ended.set()
        dripping.join()


def test_an_answer_over_the_limit_is_not_read_to_its_end(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/plain").respond_with_data(b"x" * 100_001)
    httpserver.expect_request("/packed").respond_with_data(
        gzip.compress(b"x" * 100_001), headers={"Content-Encoding": "gzip"}
    )
    httpserver.expect_request("/whole").respond_with_data(b"x" * 100_000)
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.1/32"], "max_bytes": 100_000})
    with guarded_session(settings) as session:
        for path in ("/plain", "/packed"):
            with pytest.raises(TooLarge, match=r"^the answer of \S+ is larger than 100000 bytes$"):
                session.get(httpserver.url_for(path), timeout=5)
        assert len(session.get(httpserver.url_for("/whole"), timeout=5).content) == 100_000


async def test_missing_keys_and_nothing_to_read_turn_it_off(base: dict[str, Any], context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="client_id and a client_secret"):
        RedditSource(RedditSettings(subreddits=("askreddit",)), context)
    with pytest.raises(NotConfigured, match="names no subreddit and no search"):
        RedditSource(RedditSettings.model_validate(base), context)
    for login in ({}, {"username": "harbor"}):
        with pytest.raises(NotConfigured, match="for mentions it needs the account's username and password"):
            RedditSource(RedditSettings.model_validate(base | {"mentions": True} | login), context)


def test_settings_hide_the_secret_and_the_searches(base: dict[str, Any]) -> None:
    settings = RedditSettings.model_validate(base | {"search": ["hidden words"]})
    assert "very-secret" not in repr(settings)
    assert "hidden words" not in repr(settings)
