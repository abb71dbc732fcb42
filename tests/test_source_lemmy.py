"""The Lemmy source: a loopback server that lists and pages as Lemmy's API v3 does."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Page
from sources.lemmy import LONGEST_ROUND, REQUEST_SIZE, LemmySettings, LemmySource
from tests.source_fixtures import loopback_context, poll_anew, poll_to_the_end

View = dict[str, Any]
BEGINNING = datetime(2026, 11, 20, 10, tzinfo=UTC)
CREATOR = {"id": 5, "name": "ann", "display_name": "Ann Example", "actor_id": "https://lemmy.example/u/ann"}


@dataclass
class Lemmy:
    """What the server answers: its posts and comments, in any order."""

    views: dict[str, list[View]] = field(default_factory=lambda: {"post": [], "comment": []})
    communities: dict[str, View] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    """Communities that the server does not know, and the status with which it says so."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        noun = request.path.split("/")[3]
        if noun == "community":
            return Response(json.dumps({"community_view": {"community": self.communities[request.args["name"]]}}))
        if self.status != 200:
            return Response('{"error": "couldnt_find_community"}', self.status, self.headers)
        community, limit = request.args.get("community_name"), int(request.args["limit"])
        if community in self.unknown:
            return Response('{"error": "couldnt_find_community"}', self.unknown[community])
        rows = [view for view in self.views[noun] if community in (None, view["community"]["name"])]
        rows.sort(key=lambda view: (view[noun].get("featured_local", False), view[noun]["published"]), reverse=True)
        start = limit * (int(request.args["page"]) - 1)
        return Response(json.dumps({f"{noun}s": rows[start : start + limit]}), headers=self.headers)

    def post(self, number: int, community: str = "harbor", **more: Any) -> View:
        """Write a post, by default a second after the one before."""
        published = (BEGINNING + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        item = {"id": number, "name": f"Title {number}", "body": f"Text {number}", "published": published, **more}
        item.setdefault("ap_id", f"https://lemmy.example/post/{number}")
        view = {"post": item, "creator": CREATOR, "community": {"id": 1, "name": community}, "counts": {"score": 1}}
        self.views["post"].append(view)
        return view

    def comment(self, number: int, community: str = "harbor", **more: Any) -> View:
        published = (BEGINNING + timedelta(seconds=number)).isoformat()[:19] + ".123456"
        item = {"id": number, "content": f"Answer {number}", "path": f"0.{number}", "published": published, **more}
        item.setdefault("ap_id", f"https://lemmy.example/comment/{number}")
        view = {"comment": item, "creator": CREATOR, "post": {"name": "Title"}, "community": {"name": community}}
        self.views["comment"].append(view)
        return view


@pytest.fixture
def lemmy(httpserver: HTTPServer) -> Iterator[Lemmy]:
    server = Lemmy()
    httpserver.expect_request(re.compile("")).respond_with_handler(server.answer)
    yield server
    httpserver.check_assertions()


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Lemmy here") as made:
        yield made


@pytest.fixture
def base(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "comments": False}


async def poll(base: dict[str, Any], context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    return await poll_anew(LemmySource, LemmySettings, base | settings, context, cursor)


async def rest(base: dict[str, Any], context: SourceContext, cursor: Any) -> tuple[list[str], Any]:
    documents, cursor = await poll_to_the_end(lambda after: poll(base, context, after), cursor, polls=200)
    return ids(documents), cursor


def ids(documents: list[Document] | tuple[Document, ...]) -> list[str]:
    return [document.external_id or "" for document in documents]


def posts(*numbers: int) -> list[str]:
    return [f"post/{number}" for number in numbers]


async def test_a_post_becomes_a_document(lemmy: Lemmy, base: dict[str, Any], context: SourceContext) -> None:
    lemmy.post(1, url="https://a.example/page", alt_text="A boat")
    (document,) = (await poll(base, context)).documents
    assert (document.id, document.source, document.external_id) == ("Lemmy here:post/1", "Lemmy here", "post/1")
    assert document.title == "Title 1"
    assert document.text == "https://a.example/page\nText 1\nA boat"
    assert document.author == "Ann Example (@ann@lemmy.example)"
    assert document.url == "https://lemmy.example/post/1"
    assert document.published_at == BEGINNING + timedelta(seconds=1)
    assert document.fetched_at is not None


async def test_a_comment_becomes_a_document_and_times_without_a_zone_are_utc(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.comment(7)
    (document,) = (await poll(base, context, posts=False, comments=True)).documents
    assert (document.external_id, document.title, document.text) == ("comment/7", None, "Answer 7")
    assert document.published_at == BEGINNING + timedelta(seconds=7, microseconds=123456)


async def test_posts_and_comments_of_communities_are_listings_of_their_own(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    for number, community in enumerate(("harbor", "ferry@b.example", "other")):
        lemmy.post(number, community)
        lemmy.comment(number, community)
    settings = base | {"communities": ["harbor", "ferry@b.example"], "comments": True}
    found, cursor = await rest(settings, context, None)
    assert found == ["post/0", "comment/0", "post/1", "comment/1"]
    assert (await rest(settings, context, cursor))[0] == []
    assert {request.args["type_"] for request in lemmy.requests} == {"All"}
    await poll(base, context, local=True)
    assert lemmy.requests[-1].args["type_"] == "Local"


async def test_the_first_poll_reads_the_newest_page_only(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    for number in range(120):
        lemmy.post(number)
    page = await poll(base, context)
    assert ids(page.documents) == posts(*range(70, 120))
    assert not page.more


async def test_everything_that_comes_is_given_once_wherever_it_is_stopped(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    """Posts come between any two polls, so that pages move on, and pauses of all lengths are in between."""
    lemmy.post(0, featured_local=True)
    given: list[str] = []
    cursor: Any = None
    number = 0
    for pause in (0, 3, 49, 50, 51, 170, 1, 400, 30, 0, 120):
        page = await poll(base, context, cursor)
        given, cursor = given + ids(page.documents), page.cursor
        for _ in range(pause):
            number += 1
            lemmy.post(number)
    found, cursor = await rest(base, context, cursor)
    again, cursor = await rest(base, context, cursor)
    assert sorted(given + found + again) == sorted(posts(*range(number + 1)))
    assert (await rest(base, context, cursor))[0] == []


async def test_what_was_there_before_the_first_poll_stays_unread(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    for number in range(220):
        lemmy.post(number)
    found, cursor = await rest(base, context, None)
    assert found == posts(*range(170, 220))
    lemmy.post(220)
    assert (await rest(base, context, cursor))[0] == posts(220)


async def test_a_comment_that_arrives_late_is_found_among_those_of_the_last_hour(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    settings = base | {"posts": False, "comments": True}
    _, cursor = await rest(settings, context, None)
    for number in range(0, 9000, 30):  # two a minute, for two hours and a half
        lemmy.comment(number)
        if number % 300 == 0:
            found, cursor = await rest(settings, context, cursor)
    found, cursor = await rest(settings, context, cursor)
    lemmy.comment(5500, path="0.12.5500")
    lemmy.requests.clear()
    found, cursor = await rest(settings, context, cursor)
    assert found == ["comment/5500"]
    assert len(lemmy.requests) <= 4
    assert (await rest(settings, context, cursor))[0] == []


@pytest.mark.parametrize("gone", ["removed", "deleted"])
@pytest.mark.parametrize("shows_posts", [False, True])
async def test_a_closed_community_is_told_and_holds_up_no_other(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext, gone: str, shows_posts: bool
) -> None:
    settings = base | {"communities": ["harbor", "ferry"]}
    lemmy.communities = {"harbor": {"id": 1, "name": "harbor", gone: True}}
    lemmy.post(1, "ferry")
    if shows_posts:
        lemmy.post(2)["community"][gone] = True
    cursor: Any = None
    found: list[str] = []
    for _ in range(4):
        page = await poll(settings, context, cursor)
        # Said with the pages of the others, too: what is well about them says nothing of this one.
        assert page.failing == "number 1 of the communities: 127.0.0.1 has closed or removed the community"
        cursor, found = page.cursor, found + ids(page.documents)
    assert found == posts(1)
    assert not page.more
    lemmy.communities = {"harbor": {"id": 1, "name": "harbor"}}
    for view in lemmy.views["post"]:
        view["community"].pop(gone, None)
    assert (await poll(settings, context, cursor)).failing is None


async def test_a_community_in_which_nothing_was_written_is_read(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.communities = {"harbor": {"id": 1, "name": "harbor", "removed": False, "deleted": False}}
    page = await poll(base, context, communities=["harbor"])
    assert (page.documents, page.more) == ((), False)
    lemmy.post(1)
    assert ids((await poll(base, context, page.cursor, communities=["harbor"])).documents) == posts(1)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_community_that_the_server_does_not_know_holds_up_no_other(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext, status: int
) -> None:
    lemmy.unknown = {"harbor": status}
    lemmy.post(1, "ferry")
    settings = base | {"communities": ["harbor", "ferry"]}
    page = await poll(settings, context)
    assert str(page.failing).startswith("number 1 of the communities: 127.0.0.1 ")
    assert ids((await poll(settings, context, page.cursor)).documents) == posts(1)
    with pytest.raises(SourceBroken):  # nothing is left to read
        await poll(settings | {"communities": ["harbor"]}, context)


async def test_what_is_passed_over_after_a_long_pause_is_said(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.post(0)
    cursor = (await poll(base, context)).cursor
    for number in range(1, REQUEST_SIZE * (LONGEST_ROUND + 3)):
        lemmy.post(number)
    gaps: list[str | None] = []
    count = 0
    while True:
        page = await poll(base, context, cursor)
        cursor, count = page.cursor, count + len(page.documents)
        gaps.append(page.gap)
        if not page.more:
            break
    assert count == REQUEST_SIZE * LONGEST_ROUND
    assert gaps[:-1] == [None] * (LONGEST_ROUND - 1)
    assert gaps[-1] == (
        "more came than is read back after a pause: "
        "items from 2026-11-20 10:00 to 2026-11-20 10:02 (UTC) were passed over"
    )
    assert (await rest(base, context, cursor))[0] == []


async def test_a_post_that_moves_up_past_a_page_is_found_all_the_same(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.post(0)
    cursor = (await poll(base, context)).cursor
    for number in range(1, 80):
        lemmy.post(number)
    page = await poll(base, context, cursor)
    lemmy.views["post"] = [view for view in lemmy.views["post"] if view["post"]["id"] != 50]
    found, cursor = await rest(base, context, page.cursor)
    lemmy.post(80)
    later, _ = await rest(base, context, cursor)
    assert sorted(ids(page.documents) + found + later) == sorted(posts(*range(1, 81)))


async def test_an_edited_item_is_given_again_and_a_deleted_one_is_not(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    views = [lemmy.post(number) for number in range(4)]
    cursor = (await poll(base, context)).cursor
    views[1]["post"].update(body="After", updated="2026-11-20T11:00:00Z")
    views[2]["post"].update(deleted=True, updated="2026-11-20T11:00:00Z")
    views[3]["post"].update(removed=True, updated="2026-11-20T11:00:00Z")
    page = await poll(base, context, cursor)
    assert [(document.external_id, document.text) for document in page.documents] == [("post/1", "After")]
    assert (await rest(base, context, page.cursor))[0] == []


async def test_a_page_of_removed_items_does_not_end_the_reading(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.post(0)
    cursor = (await poll(base, context)).cursor
    for number in range(1, 150):
        lemmy.post(number, removed=50 <= number < 120)
    found, _ = await rest(base, context, cursor)
    assert sorted(found) == sorted(posts(*range(1, 50), *range(120, 150)))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SourceBroken),
        (403, SourceUnavailable),
        (404, SourceBroken),
        (429, SourceUnavailable),
        (502, SourceUnavailable),
    ],
)
async def test_an_error_status_says_whether_trying_again_helps(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext, status: int, error: type[SourceError]
) -> None:
    lemmy.status, lemmy.headers = status, {"Retry-After": "90"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .*\(status {status}\)$") as caught:
        await poll(base, context, communities=["secret"])
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


async def test_a_wait_that_is_asked_for_with_an_answer_is_kept(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext
) -> None:
    lemmy.post(1)
    lemmy.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "120"}
    page = await poll(base, context)
    assert page.quota_left == 0
    assert page.not_before is not None
    assert timedelta(seconds=100) < page.not_before - context.clock.now() <= timedelta(seconds=120)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
async def test_an_answer_that_is_no_json_is_one_sentence(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/api/v3/post/list").respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 answers with something else than JSON$"):
        await poll(base, context)


@pytest.mark.parametrize(
    "body", [b"{}", b"null", b"[1]", b'{"posts": [1, null, {}, {"post": 7}, {"post": {"id": "1"}}]}']
)
async def test_an_answer_of_another_form_gives_nothing(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/api/v3/post/list").respond_with_data(body)
    page = await poll(base, context)
    assert (page.documents, page.more) == ((), False)


@pytest.mark.parametrize("wrong", [None, 7, [], {"x": {}}, "\ud800", "http://["], ids=repr)
async def test_an_item_with_wrong_fields_does_not_lose_the_others(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, wrong: Any
) -> None:
    keys = ("name", "body", "url", "ap_id", "updated", "published", "alt_text")
    creator = dict.fromkeys(("name", "display_name", "actor_id"), wrong)
    views = [
        {"post": {"id": 1, **dict.fromkeys(keys, wrong)}, "creator": wrong},
        {"post": {"id": 2, "body": "planted"}, "creator": creator},
    ]
    httpserver.expect_request("/api/v3/post/list").respond_with_json({"posts": views})
    page = await poll(base, context)
    assert ids(page.documents) == posts(2, 1)
    assert page.documents[0].text == "planted"
    for document in page.documents:
        json.dumps([document.text, document.title, document.author, document.url], ensure_ascii=False).encode()
    assert (await poll(base, context, page.cursor)).documents == ()


@pytest.mark.parametrize("cursor", [{}, {"next": -5, "listings": 7}, {"listings": {"All/posts": {"x": 1}}}], ids=str)
async def test_a_cursor_of_another_form_begins_anew(
    lemmy: Lemmy, base: dict[str, Any], context: SourceContext, cursor: Any
) -> None:
    lemmy.post(1)
    assert ids((await poll(base, context, cursor)).documents) == posts(1)


async def test_settings_are_checked(base: dict[str, Any], context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="reads neither posts nor comments"):
        await poll(base, context, posts=False)
    for wrong in ({"communities": ["!a b"]}, {"url": "lemmy.example"}):
        with pytest.raises(ValidationError):
            LemmySettings.model_validate(base | wrong)
