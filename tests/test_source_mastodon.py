"""The Mastodon source: a loopback server that answers, pages and streams as Mastodon does, with its recorded posts."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Page
from sources.mastodon import LONGEST_CATCH_UP, OVERLAP, MastodonSettings, MastodonSource
from tests.shifted_clock import ShiftedClock
from tests.source_fixtures import loopback_context, poll_anew, poll_to_the_end
from tests.stream_server import StreamServer, stream_server

Status = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[Status]:
    """The posts of a recorded answer, the newest first."""
    with tarfile.open(shared / "data/protocols/mastodon_cassettes.tar.gz") as archive:
        file = archive.extractfile("tests/cassettes/test_public_tl.yaml")
        assert file is not None
        for one in yaml.load(file, yaml.CSafeLoader)["interactions"]:
            if one["request"]["uri"].endswith("/api/v1/timelines/public"):
                statuses: list[Status] = json.loads(one["response"]["body"]["string"])
                return statuses
    raise AssertionError("the recording holds no public timeline")


@dataclass
class Mastodon:
    """What the server answers: the posts of a timeline by its path and query, in any order."""

    timelines: dict[str, list[Status]] = field(default_factory=dict)
    streaming: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    largest_page: int = 40
    """The most posts that the server gives at once, whatever it is asked for."""
    refused: str | None = None
    """The path of a timeline that asks for a login."""
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if request.path == self.refused:
            return Response('{"error": "no"}', 401, content_type="application/json")
        if self.status != 200:
            return Response('{"error": "no"}', self.status, self.headers, content_type="application/json")
        if request.path == "/api/v2/instance":
            body: Any = {"configuration": {"urls": {"streaming": self.streaming}}}
        else:
            kinds = [name for name in ("local", "remote") if request.args.get(name) == "true"]
            limit = min(int(request.args["limit"]), self.largest_page)
            body = self.page("?".join([request.path, *kinds]), request.args.get("min_id"), limit)
        return Response(json.dumps(body), headers=self.headers, content_type="application/json")

    def page(self, timeline: str, min_id: str | None, limit: int) -> list[Status]:
        """The newest posts, or those right after an identifier: the newest first, each way."""
        rows = sorted(self.timelines.get(timeline, []), key=lambda status: int(status["id"]))
        if min_id is not None:
            rows = [status for status in rows if int(status["id"]) > int(min_id)][:limit]
        return rows[-limit:][::-1]


PUBLIC, HOOT = "/api/v1/timelines/public", "/api/v1/timelines/tag/hoot"


@pytest.fixture
def mastodon(httpserver: HTTPServer) -> Iterator[Mastodon]:
    server = Mastodon()
    httpserver.expect_request(re.compile("")).respond_with_handler(server.answer)
    yield server
    httpserver.check_assertions()


@pytest.fixture
async def stream(mastodon: Mastodon) -> AsyncIterator[StreamServer]:
    async with stream_server() as server:
        mastodon.streaming = server.url
        yield server


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Fediverse") as made:
        yield made


@pytest.fixture
def base(httpserver: HTTPServer) -> dict[str, Any]:
    return {"url": httpserver.url_for("/"), "timelines": ["public"], "stream_seconds": 1}


async def poll(base: dict[str, Any], context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    return await poll_anew(MastodonSource, MastodonSettings, base | settings, context, cursor)


def post(number: int, text: str = "", **more: Any) -> Status:
    return {
        "id": str(number),
        "created_at": "2026-11-20T10:00:00.000Z",
        "edited_at": None,
        "content": f"<p>{text or number}</p>",
        "account": {"acct": "ann@social.example", "display_name": "Ann Example"},
        **more,
    }


def ids(documents: list[Document] | tuple[Document, ...]) -> list[int]:
    return [int(document.external_id or "") for document in documents]


async def test_a_recorded_post_becomes_a_document(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, recorded: list[Status]
) -> None:
    mastodon.timelines[PUBLIC] = recorded
    page = await poll(base, context)
    assert [document.external_id for document in page.documents] == [status["id"] for status in recorded][::-1]
    newest = page.documents[-1]
    assert newest.id == f"Fediverse:{recorded[0]['id']}"
    assert newest.source == "Fediverse"
    assert newest.author == recorded[0]["account"]["acct"]
    assert newest.url == recorded[0]["url"]
    assert newest.language == "ja"
    assert newest.published_at == datetime(2026, 8, 1, 13, 55, 50, 338000, tzinfo=UTC)
    assert newest.fetched_at is not None
    assert recorded[0]["content"] == f"<p>{newest.text}</p>"
    assert not page.more
    assert (await poll(base, context, page.cursor)).documents == ()


async def test_text_is_what_a_reader_sees(mastodon: Mastodon, base: dict[str, Any], context: SourceContext) -> None:
    mastodon.timelines[PUBLIC] = [
        post(
            1,
            'One<br/>two &amp; <a href="https://a.example/x"><span class="invisible">https://</span>a.example/x</a>'
            "<script>hidden()</script>",
            spoiler_text="Mind this",
            poll={"options": [{"title": "yes"}, {"title": "no"}]},
            media_attachments=[{"description": "A boat"}],
            card={"title": "Harbour", "description": "All about it"},
        )
    ]
    (document,) = (await poll(base, context)).documents
    assert document.text == "One\ntwo & https://a.example/x\nyes\nno\nA boat\nHarbour\nAll about it"
    assert document.title == "Mind this"
    assert document.author == "Ann Example (@ann@social.example)"


async def test_everything_that_comes_is_given_once_wherever_it_is_stopped(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    settings = base | {"timelines": ["public", "local", "remote"], "hashtags": ["hoot"]}
    given: list[int] = []
    cursor: Any = None
    for number in range(100, 1000, 3):
        mastodon.timelines.setdefault(PUBLIC, []).append(post(number))
        kind = f"{PUBLIC}?local" if number % 2 else f"{PUBLIC}?remote"
        mastodon.timelines.setdefault(kind, []).append(post(number))
        if number % 5 == 0:
            mastodon.timelines.setdefault(HOOT, []).append(post(number))
        if number % 20 == 0:
            page = await poll(settings, context, cursor)
            given, cursor = given + ids(page.documents), page.cursor
    rest: list[Document] = []
    for _ in range(2):  # the first begins in the middle of a round
        more, cursor = await poll_to_the_end(lambda after: poll(settings, context, after), cursor)
        rest += more
    assert sorted(given + ids(rest)) == list(range(100, 1000, 3))
    assert (await poll_to_the_end(lambda after: poll(settings, context, after), cursor))[0] == []


async def test_the_first_poll_reads_the_newest_page_only(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(number) for number in range(1, 101)]
    page = await poll(base, context)
    assert ids(page.documents) == list(range(61, 101))
    assert not page.more


async def test_a_pause_is_caught_up_page_by_page(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(number) for number in range(1, 31)]
    first = await poll(base, context)
    mastodon.timelines[PUBLIC] += [post(number) for number in range(31, 501)]
    second = await poll(base, context, first.cursor)
    assert second.more
    assert len(second.documents) <= 200
    rest, _ = await poll_to_the_end(lambda after: poll(base, context, after), second.cursor)
    assert ids(second.documents) + ids(rest) == list(range(31, 501))


@pytest.mark.parametrize("largest_page", [20, 10, 3])
async def test_a_server_that_gives_fewer_posts_at_once_is_kept_up_with(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, largest_page: int
) -> None:
    mastodon.largest_page = largest_page
    rows = mastodon.timelines[PUBLIC] = [post(number) for number in range(1, 31)]
    cursor = (await poll(base, context)).cursor
    given: list[int] = []
    for number in range(31, 331, 30):
        rows += [post(new) for new in range(number, number + 30)]
        found, cursor = await poll_to_the_end(lambda after: poll(base, context, after), cursor)
        given += ids(found)
    assert given == list(range(31, 331))


async def test_what_is_passed_over_after_a_long_pause_is_said(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(1)]
    cursor = (await poll(base, context)).cursor
    newest = 2 * LONGEST_CATCH_UP
    mastodon.timelines[PUBLIC] += [post(number) for number in range(2, newest + 1)]
    gaps, given = [], []
    for _ in range(20):
        page = await poll(base, context, cursor)
        given += ids(page.documents)
        gaps += [page.gap] if page.gap else []
        cursor = page.cursor
        if not page.more:
            break
    assert gaps == ["more came than is read after a pause: posts before 2026-11-20 10:00 (UTC) were passed over"]
    assert given[-1] == newest
    assert len(given) == len(set(given)) < LONGEST_CATCH_UP + 300
    assert (await poll(base, context, cursor)).documents == ()


async def test_a_post_that_arrives_late_is_found_behind_the_newest(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(number) for number in range(10, 400, 10)]
    cursor = (await poll(base, context)).cursor
    late = 10 * (39 - OVERLAP) + 15
    mastodon.timelines[PUBLIC].append(post(late))
    assert ids((await poll(base, context, cursor)).documents) == [late]


async def test_an_edited_post_is_given_again_and_a_deleted_one_loses_nothing(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    rows = mastodon.timelines[PUBLIC] = [post(1), post(2, "before"), post(3)]
    cursor = (await poll(base, context)).cursor
    rows[1] = post(2, "after", edited_at="2026-11-20T11:00:00.000Z")
    rows[2] = post(4)
    page = await poll(base, context, cursor)
    assert [(document.external_id, document.text) for document in page.documents] == [("2", "after"), ("4", "4")]
    assert (await poll(base, context, page.cursor)).documents == ()


async def test_identifiers_that_are_no_numbers_are_kept_in_order(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, httpserver: HTTPServer
) -> None:
    httpserver.clear()
    pages = {"": ["01JB", "01JA"], "&min_id=01JA": ["01JC", "01JB"], "&min_id=01JC": []}
    for query, rows in ((f"limit=40{since}", rows) for since, rows in pages.items()):
        body = [{**post(1), "id": identifier} for identifier in rows]
        httpserver.expect_request(PUBLIC, query_string=query).respond_with_json(body)
    page = await poll(base, context)
    assert [document.external_id for document in page.documents] == ["01JA", "01JB"]
    later = await poll(base, context, page.cursor)
    assert [document.external_id for document in later.documents] == ["01JC"]


async def test_the_stream_brings_what_comes_between_polls(
    mastodon: Mastodon, stream: StreamServer, base: dict[str, Any], context: SourceContext
) -> None:
    settings = base | {"hashtags": ["hoot"], "stream": True, "access_token": "t0ken"}
    mastodon.timelines[PUBLIC] = [post(1)]
    stream.expects = 2

    def event(name: str, payload: Any, *streams: str) -> str:
        return json.dumps({"stream": streams, "event": name, "payload": payload})

    stream.messages = [
        event("update", json.dumps(post(2, "planted")), "public"),
        event("update", json.dumps(post(3)), "hashtag", "hoot"),
        event("update", json.dumps(post(2, "planted")), "public"),
        event("status.update", json.dumps(post(2, "edited", edited_at="2026-11-20T11:00:00.000Z")), "public"),
        event("delete", "2", "public"),
        event("update", json.dumps(post(4)), "list", "7"),
        event("update", "no json", "public"),
        event("update", json.dumps([1]), "public"),
        event("update", json.dumps({"id": None}), "public"),
        "[" * 50_000,
    ]
    first = await poll(settings, context)
    assert (ids(first.documents), first.more) == ([1], True)
    second = await poll(settings, context, first.cursor)
    assert [(document.external_id, document.text) for document in second.documents] == [
        ("2", "planted"),
        ("3", "3"),
        ("2", "edited"),
    ]
    assert second.more
    assert [json.loads(text) for text in stream.told] == [
        {"type": "subscribe", "stream": "public"},
        {"type": "subscribe", "stream": "hashtag", "tag": "hoot"},
    ]
    assert stream.requests[0].path == "/api/v1/streaming"
    assert stream.requests[0].headers["Authorization"] == "Bearer t0ken"
    assert {request.headers["Authorization"] for request in mastodon.requests} == {"Bearer t0ken"}
    # What came by stream, and what came between the timeline's answer and the stream, is in the timeline now.
    stream.messages = []
    edited = post(2, "edited", edited_at="2026-11-20T11:00:00.000Z")
    mastodon.timelines[PUBLIC] += [edited, post(3), post(5, "in between")]
    third = await poll(settings, context, second.cursor)
    assert ids(third.documents) == [5]


async def test_a_stream_that_is_refused_while_posts_come_is_backed_off_from(
    mastodon: Mastodon, stream: StreamServer, base: dict[str, Any]
) -> None:
    rows = mastodon.timelines[PUBLIC] = [post(1)]
    stream.status, stream.headers = 429, {"Retry-After": "600"}
    cursor, given = None, []
    clock = ShiftedClock()
    async with loopback_context("Fediverse", clock) as context:
        for number in range(2, 6):  # posts come all the time
            page = await poll(base, context, cursor, stream=True)
            given += ids(page.documents)
            with pytest.raises(SourceUnavailable, match="429") as caught:
                await poll(base, context, page.cursor, stream=True)
            assert caught.value.retry_after == timedelta(seconds=600)
            cursor = caught.value.cursor
            rows.append(post(number))
            clock.advance(caught.value.retry_after)
    assert given == [1, 2, 3, 4]
    assert len(stream.requests) == 4


async def test_a_stream_that_ends_early_is_not_asked_for_again_at_once(
    mastodon: Mastodon, stream: StreamServer, base: dict[str, Any], context: SourceContext
) -> None:
    cursor = (await poll(base, context)).cursor
    stream.expects, stream.ends = 1, True
    stream.messages = [json.dumps({"stream": ["public"], "event": "update", "payload": json.dumps(post(1))})]
    page = await poll(base, context, cursor, stream=True)
    assert (ids(page.documents), page.more) == ([1], False)


async def test_a_stream_that_fails_loses_nothing_and_is_said_when_nothing_else_came(
    mastodon: Mastodon, stream: StreamServer, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(1)]
    stream.status = 401
    page = await poll(base, context, stream=True)
    assert ids(page.documents) == [1]
    refused = await poll(base, context, page.cursor, stream=True)
    assert refused.failing == "the stream: 127.0.0.1 asks for a login (status 401)"
    mastodon.timelines[PUBLIC].append(post(2))
    later = await poll(base, context, refused.cursor, stream=True)
    assert (ids(later.documents), later.failing) == ([2], refused.failing)
    stream.status, stream.expects, stream.messages = None, 1, ['{"error": "no such stream secret", "status": 400}']
    refused = await poll(base, context, page.cursor, stream=True)
    assert refused.failing == "the stream: 127.0.0.1 does not stream these timelines"
    for address in (None, 7, "ftp://127.0.0.1/", "ws://127.0.0.1:9"):
        mastodon.streaming = address  # type: ignore[assignment]
        refused = await poll(base, context, page.cursor, stream=True)
        assert re.match(
            r"the stream: (127\.0\.0\.1 names no stream|only ws|127\.0\.0\.1 cannot be reached)", str(refused.failing)
        )


async def test_a_hashtag_that_cannot_be_read_holds_up_no_other_and_is_told(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[HOOT] = [post(1)]
    mastodon.refused = PUBLIC
    settings: dict[str, Any] = {"hashtags": ["hoot"]}
    first = await poll(base, context, **settings)
    assert first.failing == "number 1 of the timelines: 127.0.0.1 asks for a login (status 401)"
    second = await poll(base, context, first.cursor, **settings)
    assert (ids(second.documents), second.failing) == ([1], first.failing)
    mastodon.refused = None
    assert (await poll(base, context, second.cursor, **settings)).failing is None


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, SourceBroken), (404, SourceBroken), (422, SourceBroken), (429, SourceUnavailable), (503, SourceUnavailable)],
)
async def test_an_error_status_says_whether_trying_again_helps(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, status: int, error: type[SourceError]
) -> None:
    mastodon.status = status
    reset = (context.clock.now() + timedelta(minutes=3)).isoformat().replace("+00:00", "Z")
    mastodon.headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .*\(status {status}\)$") as caught:
        await poll(base, context, hashtags=["secret"], timelines=[], access_token="secret")
    assert "secret" not in str(caught.value)
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after is not None
        assert timedelta(minutes=2) < caught.value.retry_after <= timedelta(minutes=3)


async def test_the_end_of_the_allowance_is_waited_for(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext
) -> None:
    mastodon.timelines[PUBLIC] = [post(1)]
    cursor = (await poll(base, context)).cursor
    mastodon.timelines[PUBLIC] = [post(number) for number in range(1, 101)]
    reset = (context.clock.now() + timedelta(minutes=3)).isoformat()
    mastodon.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    page = await poll(base, context, cursor)
    assert page.not_before is not None
    assert page.not_before > context.clock.now() + timedelta(minutes=2)
    assert (page.quota_left, page.more, len(page.documents)) == (0, True, 40)
    mastodon.headers = {}
    async with loopback_context("Fediverse") as later:
        rest, _ = await poll_to_the_end(lambda after: poll(base, later, after), page.cursor)
    assert ids(page.documents) + ids(rest) == list(range(2, 101))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
async def test_an_answer_that_is_no_json_is_one_sentence(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request(PUBLIC).respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 answers with something else than JSON$"):
        await poll(base, context)


@pytest.mark.parametrize("body", [b"{}", b"null", b'[1, null, "a", {"id": 7}, {}]'])
async def test_an_answer_of_another_form_gives_nothing(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request(PUBLIC).respond_with_data(body)
    page = await poll(base, context)
    assert page.documents == ()
    assert not page.more


@pytest.mark.parametrize("wrong", [None, 7, [], {"x": {}}, "\ud800", "<" * 10_000], ids=repr)
async def test_a_post_with_wrong_fields_does_not_lose_the_others(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, wrong: Any
) -> None:
    keys = ("created_at", "edited_at", "content", "account", "url", "language", "spoiler_text", "poll", "card")
    broken = post(1, **dict.fromkeys((*keys, "media_attachments"), wrong))
    mastodon.timelines[PUBLIC] = [broken, post(2, account={"acct": wrong, "display_name": wrong}), post(3)]
    page = await poll(base, context)
    assert ids(page.documents) == [1, 2, 3]
    for document in page.documents:
        document.content_hash.encode()
        json.dumps([document.text, document.author, document.url]).encode()
    assert (await poll(base, context, page.cursor)).documents == ()


@pytest.mark.parametrize(
    "cursor", [{}, {"next": -5, "timelines": 7}, {"timelines": {"public": {"recent": 1}}}], ids=str
)
async def test_a_cursor_of_another_form_begins_anew(
    mastodon: Mastodon, base: dict[str, Any], context: SourceContext, cursor: Any
) -> None:
    mastodon.timelines[PUBLIC] = [post(1)]
    assert ids((await poll(base, context, cursor)).documents) == [1]


async def test_settings_are_checked_and_hide_the_token(base: dict[str, Any], context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="names no timeline and no hashtag"):
        await poll(base, context, timelines=[])
    for wrong in ({"hashtags": ["#hoot"]}, {"timelines": ["home"]}, {"url": "social.example"}):
        with pytest.raises(ValidationError):
            MastodonSettings.model_validate(base | wrong)
    assert "t0ken" not in repr(MastodonSettings.model_validate(base | {"access_token": "t0ken"}))
