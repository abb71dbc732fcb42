"""The 4chan source: a loopback server with catalogues and threads in the form of 4chan's API, and a recorded thread."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import NotConfigured, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Page
from sources.fourchan import PAGE_SIZE, THREADS_A_POLL, FourchanSettings, FourchanSource
from sources.polling.tries import MOST_TRIES
from tests.source_fixtures import loopback_context, poll_anew, poll_to_the_end

Post = dict[str, Any]
MODIFIED = "Fri, 20 Nov 2026 10:00:00 GMT"


@dataclass
class Fourchan:
    """What the server answers: threads by board and number; the catalogue is made of them."""

    boards: dict[str, dict[int, list[Post]]] = field(default_factory=lambda: defaultdict(dict))
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Last-Modified": MODIFIED})
    number: int = 0
    broken: dict[int, Response] = field(default_factory=dict)
    """Threads that are answered otherwise."""
    closed: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        if self.status != 200:
            return Response("", self.status, self.headers)
        _, board, *rest = request.path.removesuffix(".json").split("/")
        if rest == ["catalog"]:
            if board in self.closed:
                return Response("", 404)
            if request.headers.get("If-Modified-Since", "") == self.headers.get("Last-Modified"):
                return Response(status=304)
            return Response(json.dumps(self.catalogue(board)), headers=self.headers)
        if int(rest[1]) in self.broken:
            return self.broken[int(rest[1])]
        posts = self.boards[board].get(int(rest[1]))
        return Response(json.dumps({"posts": posts})) if posts else Response(status=404)

    def catalogue(self, board: str) -> list[dict[str, Any]]:
        threads = []
        for first, *replies in self.boards[board].values():
            more: Post = {"replies": len(replies)}
            if replies:
                more |= {"last_replies": replies[-5:]}
            if len(replies) > 5:
                more |= {"omitted_posts": len(replies) - 5}
            threads.append(first | more)
        return [{"page": 1, "threads": threads[::2]}, {"page": 2, "threads": threads[1::2]}]

    def open(self, board: str = "po", **more: Any) -> int:
        """Open a thread and return its number."""
        self.number += 1
        post = {"no": self.number, "resto": 0, "time": 1763632800, "name": "Anonymous", "com": f"Post {self.number}"}
        self.boards[board][self.number] = [post | more]
        self.headers = {"Last-Modified": f"{self.number}"}
        return self.number

    def reply(self, thread: int, count: int = 1, board: str = "po", **more: Any) -> None:
        for _ in range(count):
            self.number += 1
            post = {"no": self.number, "resto": thread, "time": 1763632800, "name": "Anonymous"}
            self.boards[board][thread].append(post | {"com": f"Post {self.number}"} | more)
        self.headers = {"Last-Modified": f"{self.number}"}

    def fetched(self) -> list[str]:
        """The threads that were asked for."""
        return [request.path for request in self.requests if "/thread/" in request.path]


@pytest.fixture
def fourchan(httpserver: HTTPServer) -> Iterator[Fourchan]:
    server = Fourchan()
    httpserver.expect_request(re.compile("")).respond_with_handler(server.answer)
    yield server
    httpserver.check_assertions()


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Boards") as made:
        yield made


@pytest.fixture
def base(httpserver: HTTPServer) -> dict[str, Any]:
    return {"boards": ["po"], "url": httpserver.url_for("/"), "site_url": "https://boards.example/"}


async def poll(base: dict[str, Any], context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    return await poll_anew(FourchanSource, FourchanSettings, base | settings, context, cursor)


async def rest(base: dict[str, Any], context: SourceContext, cursor: Any = None) -> tuple[list[int], Any]:
    documents, cursor = await poll_to_the_end(lambda after: poll(base, context, after), cursor)
    return numbers(documents), cursor


def numbers(documents: list[Document] | tuple[Document, ...]) -> list[int]:
    return [int((document.external_id or "").rpartition("/")[2]) for document in documents]


async def test_a_recorded_thread_becomes_documents(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext, shared: Path
) -> None:
    recorded = json.loads((shared / "data/protocols/api_samples/4chan_thread_po_570368.json").read_text())
    first, reply = recorded["posts"]
    fourchan.boards["po"][first["no"]] = [first, reply]
    opening, answer = (await poll(base, context)).documents
    assert (opening.id, opening.source, opening.external_id) == (f"Boards:po/{first['no']}", "Boards", "po/570368")
    assert opening.title == "Welcome to /po/!"
    assert opening.text.startswith("Welcome to /po/! We specialize in origami, papercraft, and everything that’s")
    assert opening.text.endswith("needlessly bump threads.\nyotsuba_folding.png")
    assert opening.author == "Anonymous"
    assert opening.url == "https://boards.example/po/thread/570368#p570368"
    assert opening.published_at == datetime.fromtimestamp(1546293948, UTC)
    assert answer.url == "https://boards.example/po/thread/570368#p570370"
    assert "\nhttp://papercraft.wikidot.com/papercraft\n" in answer.text
    assert "them to papercraft templates." in answer.text
    assert "<" not in answer.text


async def test_text_is_what_a_reader_sees(fourchan: Fourchan, base: dict[str, Any], context: SourceContext) -> None:
    fourchan.open(
        com='<a href="#p1" class="quotelink">&gt;&gt;1</a><br><span class="quote">&gt;be me</span><s>hidden?</s>'
        "<script>not shown</script>",
        sub="Fish &amp; ships",
        name="Ann &#039;A&#039;",
        trip="!tripcode",
        filename="scan &amp; copy",
        ext=".pdf",
    )
    fourchan.open(com="x", filename="gone", ext=".png", filedeleted=1)
    first, second = (await poll(base, context)).documents
    assert first.text == ">>1\n>be mehidden?\nscan & copy.pdf"
    assert (first.title, first.author) == ("Fish & ships", "Ann 'A' !tripcode")
    assert second.text == "x"


async def test_what_the_catalogue_shows_costs_no_request_of_its_own(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    threads = [fourchan.open() for _ in range(3)]
    fourchan.reply(threads[0], 20)
    found, cursor = await rest(base, context)
    assert sorted(found) == [1, 2, 3, *range(19, 24)]
    fourchan.reply(threads[0], 4)
    fourchan.reply(threads[1], 4)
    new = fourchan.open()
    found, cursor = await rest(base, context, cursor)
    assert sorted(found) == [*range(24, 32), new]
    assert (await rest(base, context, cursor))[0] == []
    assert fourchan.fetched() == []
    assert fourchan.requests[-1].headers["If-Modified-Since"] == "32"


async def test_a_thread_with_more_than_the_catalogue_shows_is_fetched(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    old = fourchan.open()
    fourchan.reply(old, 10)
    _, cursor = await rest(base, context)
    fourchan.reply(old, 7)
    new = fourchan.open()
    fourchan.reply(new, 8)
    found, cursor = await rest(base, context, cursor)
    assert sorted(found) == list(range(12, 28))
    assert fourchan.fetched() == [f"/po/thread/{old}.json", f"/po/thread/{new}.json"]
    assert (await rest(base, context, cursor))[0] == []


async def test_a_thread_that_left_the_catalogue_is_looked_at_a_last_time(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    archived, pruned = fourchan.open(), fourchan.open()
    _, cursor = await rest(base, context)
    fourchan.reply(archived, 2)
    full = fourchan.catalogue
    fourchan.catalogue = lambda board: []  # type: ignore[method-assign]
    del fourchan.boards["po"][pruned]
    found, cursor = await rest(base, context, cursor)
    assert found == [3, 4]
    fourchan.catalogue = full  # type: ignore[method-assign]
    fourchan.boards["po"].clear()
    fourchan.open()
    assert (await rest(base, context, cursor))[0] == [5]
    assert len(fourchan.fetched()) == 2


async def test_everything_that_comes_is_given_once_wherever_it_is_stopped(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    settings = base | {"boards": ["po", "g"]}
    threads = [(board, fourchan.open(board)) for board in ("po", "g") for _ in range(15)]
    given: list[int] = []
    cursor: Any = None
    for turn in range(12):
        page = await poll(settings, context, cursor)
        given, cursor = given + numbers(page.documents), page.cursor
        assert len(page.documents) <= PAGE_SIZE
        for place, (board, thread) in enumerate(threads):
            fourchan.reply(thread, (place * turn) % 11, board)
        threads.append(("g", fourchan.open("g")))
    for _ in range(2):  # the first begins in the middle of a round
        found, cursor = await rest(settings, context, cursor)
        given += found
    assert len(given) == len(set(given))
    # Of what was there at the first poll of a board, the catalogue may not show all.
    began = json.loads(json.dumps(cursor))["boards"]
    missing = set(range(1, fourchan.number + 1)) - set(given)
    assert all(number <= began["g"]["began_at"] for number in missing)
    assert (await rest(settings, context, cursor))[0] == []


async def test_threads_beyond_the_limit_of_a_poll_come_with_the_next(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    threads = [fourchan.open() for _ in range(THREADS_A_POLL + 5)]
    _, cursor = await rest(base, context)
    for thread in threads:
        fourchan.reply(thread, 7)
    page = await poll(base, context, cursor)
    assert page.more
    assert len(fourchan.fetched()) == THREADS_A_POLL
    found, cursor = await rest(base, context, page.cursor)
    count = len(threads)
    assert sorted(numbers(page.documents) + found) == list(range(count + 1, 8 * count + 1))
    assert len(fourchan.fetched()) == count


async def test_a_long_thread_is_given_in_pages(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    fourchan.open()
    _, cursor = await rest(base, context)
    thread = fourchan.open()
    fourchan.reply(thread, 2 * PAGE_SIZE)
    page = await poll(base, context, cursor)
    assert (len(page.documents), page.more) == (PAGE_SIZE, True)
    found, _ = await rest(base, context, page.cursor)
    assert numbers(page.documents) + found == list(range(2, 2 * PAGE_SIZE + 3))


async def test_the_first_poll_of_a_full_board_comes_in_pages_too(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    for _ in range(60):
        fourchan.reply(fourchan.open(), 5)
    page = await poll(base, context)
    assert (len(page.documents), page.more) == (PAGE_SIZE, True)
    found, _ = await rest(base, context, page.cursor)
    assert sorted(numbers(page.documents) + found) == list(range(1, 361))


@pytest.mark.parametrize(
    ("status", "error"), [(403, SourceBroken), (404, SourceBroken), (429, SourceUnavailable), (503, SourceUnavailable)]
)
async def test_an_error_status_says_whether_trying_again_helps(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext, status: int, error: type[SourceError]
) -> None:
    fourchan.status = status
    fourchan.headers = {} if status == 403 else {"Retry-After": "90"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .*\(status {status}\)$") as caught:
        await poll(base, context)
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


async def test_a_board_that_goes_away_holds_up_no_other_and_is_told(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    fourchan.closed.add("qa")
    cursor: Any = None
    failing: list[str] = []
    found: list[int] = []
    thread = fourchan.open()
    for _ in range(4):
        page = await poll(base, context, cursor, boards=["qa", "po"])
        cursor, found = page.cursor, found + numbers(page.documents)
        failing.append(str(page.failing).partition(":")[0])
    assert found == [thread]
    assert failing == ["number 1 of the boards"] * 4
    fourchan.closed.clear()
    assert (await poll(base, context, cursor, boards=["qa", "po"])).failing is None


async def test_a_thread_that_fails_holds_up_no_other_and_comes_later(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    broken, whole = fourchan.open(), fourchan.open()
    _, cursor = await rest(base, context)
    fourchan.reply(broken, 7)
    fourchan.reply(whole, 7)
    fourchan.broken[broken] = Response(status=500)
    found, cursor = await rest(base, context, cursor)
    assert found == list(range(10, 17))
    fourchan.reply(whole)
    found, cursor = await rest(base, context, cursor)
    assert found == [17]
    fourchan.broken.clear()
    assert (await rest(base, context, cursor))[0] == list(range(3, 10))


async def test_a_thread_that_always_fails_is_given_up_and_told(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    broken, gone = fourchan.open(), fourchan.open()
    cursor = (await poll(base, context)).cursor
    fourchan.reply(broken, 7)
    del fourchan.boards["po"][gone]
    fourchan.broken = {broken: Response(status=500), gone: Response("<html>")}
    gaps: list[str | None] = []
    for _ in range(MOST_TRIES + 1):
        page = await poll(base, context, cursor)
        cursor = page.cursor
        gaps.append(page.gap)
        assert not page.more
    assert gaps == [*[None] * MOST_TRIES, f"threads of 127.0.0.1 that could not be read in {MOST_TRIES} tries: 2"]
    assert numbers(page.documents) == list(range(5, 10))  # what the catalogue shows
    assert len(fourchan.fetched()) == 2 * MOST_TRIES
    assert (await rest(base, context, cursor))[0] == []


async def test_a_place_that_gives_no_thread_is_in_trouble_and_nothing_is_given_up(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    threads = [fourchan.open() for _ in range(5)]
    _, cursor = await rest(base, context)
    for thread in threads:
        fourchan.reply(thread, 7)
    fourchan.broken = dict.fromkeys(threads, Response(status=500))
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(SourceUnavailable, match="500") as caught:
            await poll(base, context, cursor)
        cursor = caught.value.cursor
    fourchan.broken = {threads[0]: Response(status=503)}
    found, cursor = await rest(base, context, cursor)
    fourchan.broken.clear()
    assert sorted(found + (await rest(base, context, cursor))[0]) == list(range(6, 41))


async def test_a_board_whose_threads_all_fail_is_failing_though_its_catalogue_is_read(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    threads = [fourchan.open() for _ in range(4)]
    _, cursor = await rest(base, context)
    for thread in threads:
        fourchan.reply(thread, 7)
    fourchan.broken = dict.fromkeys(threads, Response(status=500))
    latest = fourchan.open()
    page = await poll(base, context, cursor)
    assert numbers(page.documents) == [latest]
    assert page.failing == (
        "number 1 of the boards: its threads cannot be read: 127.0.0.1 cannot answer now (status 500)"
    )
    del fourchan.broken[threads[3]]
    page = await poll(base, context, page.cursor)
    assert (numbers(page.documents), page.failing) == (list(range(26, 33)), None)


async def test_a_wait_that_a_thread_asks_for_is_kept(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext
) -> None:
    threads = [fourchan.open() for _ in range(3)]
    _, cursor = await rest(base, context)
    for thread in threads:
        fourchan.reply(thread, 7)
    fourchan.broken[threads[1]] = Response(status=429, headers={"Retry-After": "90"})
    page = await poll(base, context, cursor)
    assert numbers(page.documents) == list(range(4, 11))
    assert page.not_before is not None
    assert timedelta(seconds=80) < page.not_before - context.clock.now() <= timedelta(seconds=90)
    assert len(fourchan.fetched()) == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
async def test_an_answer_that_is_no_json_is_one_sentence(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/po/catalog.json").respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 answers with something else than JSON$"):
        await poll(base, context)


@pytest.mark.parametrize("wrong", [None, 7, -1, 10**400, [], [{"no": -1}], {"x": {}}, "\ud800", "<" * 1000], ids=repr)
async def test_a_post_with_wrong_fields_does_not_lose_the_others(
    base: dict[str, Any], context: SourceContext, httpserver: HTTPServer, wrong: Any
) -> None:
    fields = ("resto", "name", "trip", "com", "sub", "time", "filename", "ext", "last_replies", "omitted_posts")
    threads = [
        wrong,
        {"no": None},
        {"no": "4"},
        {"no": -1},
        {"no": 1, **dict.fromkeys(fields, wrong)},
        {"no": 2, "com": "planted"},
    ]
    httpserver.expect_request("/po/catalog.json").respond_with_json([wrong, {"threads": threads}, {"threads": wrong}])
    httpserver.expect_request("/po/thread/1.json").respond_with_json({"posts": wrong})
    page = await poll(base, context)
    assert {1, 2} <= set(numbers(page.documents))
    assert "planted" in {document.text for document in page.documents}
    for document in page.documents:
        json.dumps([document.text, document.title, document.author, document.url], ensure_ascii=False).encode()
    assert (await rest(base, context, page.cursor))[0] == []


@pytest.mark.parametrize("cursor", [{}, {"next": -5, "boards": 7}, {"boards": {"po": {"last": 1}}}], ids=str)
async def test_a_cursor_of_another_form_begins_anew(
    fourchan: Fourchan, base: dict[str, Any], context: SourceContext, cursor: Any
) -> None:
    fourchan.open()
    assert numbers((await poll(base, context, cursor)).documents) == [1]


async def test_settings_are_checked(base: dict[str, Any], context: SourceContext) -> None:
    with pytest.raises(NotConfigured, match="names no board"):
        await poll(base, context, boards=[])
    for wrong in ({"boards": ["/po/"]}, {"url": "a.4cdn.org"}):
        with pytest.raises(ValidationError):
            FourchanSettings.model_validate(base | wrong)
