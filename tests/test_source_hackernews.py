"""The Hacker News source against a server that speaks Algolia's search API."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from sources.hackernews import HackerNewsSource
from tests.place_reader import Reader
from tests.service_fixtures import ManualClock

pytest_plugins = ["tests.place_fixtures"]


class HackerNews:
    """All items; an answer lists the newest of a stretch of time first, and no more than ``limit``."""

    def __init__(self, server: HTTPServer, clock: ManualClock) -> None:
        self.rows: list[Any] = []
        self.limit = 1000
        self.clock = clock
        self.asked = 0
        self.url = server.url_for("/api/v1/")
        server.expect_request("/api/v1/search_by_date").respond_with_handler(self._list)

    def add(self, item: int, age: timedelta = timedelta(seconds=1), **fields: Any) -> None:
        created_at = int((self.clock.now() - age).timestamp())
        row = {
            "created_at": datetime.fromtimestamp(created_at, UTC).isoformat(),
            "created_at_i": created_at,
            "objectID": str(item),
            "author": "nightowl",
            "title": None,
            "url": None,
            "story_text": None,
            "comment_text": f"comment {item}",
            "_tags": ["comment"],
            "_highlightResult": {},
        }
        self.rows.append({**row, **fields})

    def _list(self, request: Request) -> Response:
        self.asked += 1
        bounds = re.fullmatch(r"created_at_i>=(\d+),created_at_i<(\d+)", request.args["numericFilters"])
        assert bounds is not None
        since, end = map(int, bounds.groups())
        rows = [row for row in self.rows if since <= row["created_at_i"] < end]
        rows.sort(key=lambda row: row["created_at_i"], reverse=True)
        size = min(self.limit, int(request.args["hitsPerPage"]))
        answer = {"hits": rows[:size], "nbHits": len(rows), "page": 0, "hitsPerPage": size}
        return Response(json.dumps(answer), content_type="application/json")


@pytest.fixture
def place(httpserver: HTTPServer, clock: ManualClock) -> HackerNews:
    return HackerNews(httpserver, clock)


@pytest.fixture
def reader(place: HackerNews, context: SourceContext) -> Reader:
    return Reader(HackerNewsSource, context, url=place.url)


async def test_a_comment_becomes_a_document(place: HackerNews, reader: Reader, clock: ManualClock) -> None:
    markup = (
        "Tom &amp; <i>Ann</i><p>wrote<script>x()</script> <a href='https://a.example'>https:&#x2F;&#x2F;a.example</a>"
    )
    place.add(12, comment_text=markup)
    (document,) = await reader.read()
    assert (document.id, document.source, document.external_id) == ("Place:12", "Place", "12")
    assert document.text == "Tom & Ann\nwrote https://a.example"
    assert (document.title, document.author) == (None, "nightowl")
    assert document.url == "https://news.ycombinator.com/item?id=12"
    assert document.published_at == clock.now() - timedelta(seconds=1)
    assert document.fetched_at == clock.now()


async def test_a_story_has_its_title_its_text_and_its_link(place: HackerNews, reader: Reader) -> None:
    place.add(1, title="Ask HN: where?", story_text="<p>Here", url="https://a.example/x", comment_text=None)
    (document,) = await reader.read()
    assert (document.title, document.text) == ("Ask HN: where?", "Here\nhttps://a.example/x")


async def test_the_recorded_answer_is_understood(httpserver: HTTPServer, context: SourceContext, shared: Path) -> None:
    answer = json.loads((shared / "data/protocols/api_samples/hn_algolia_search.json").read_text())
    httpserver.expect_request("/search_by_date").respond_with_json(answer)
    page = await Reader(HackerNewsSource, context, url=httpserver.url_for("")).poll()
    (document,) = page.documents
    (row,) = answer["hits"]
    assert (document.text, document.author) == (row["story_text"], row["author"])
    assert document.published_at == datetime.fromisoformat(row["created_at"])


async def test_only_new_and_edited_items_are_given_again(place: HackerNews, reader: Reader, clock: ManualClock) -> None:
    place.add(1)
    place.add(2)
    assert await reader.ids() == ["2", "1"]
    assert await reader.ids() == []
    clock.moment += timedelta(minutes=5)
    place.add(3)
    place.rows[0]["comment_text"] = "comment 1, edited"
    assert [document.text for document in await reader.read()] == ["comment 1, edited", "comment 3"]
    assert await reader.ids() == []


async def test_an_item_that_comes_into_the_index_late_is_not_missed(
    place: HackerNews, reader: Reader, clock: ManualClock
) -> None:
    place.add(2)
    await reader.read()
    clock.moment += timedelta(minutes=5)
    place.add(1, age=timedelta(minutes=7))
    assert await reader.ids() == ["1"]


async def test_the_first_poll_goes_back_a_quarter_of_an_hour(place: HackerNews, reader: Reader) -> None:
    for minutes in range(30):
        place.add(minutes, age=timedelta(minutes=minutes, seconds=1))
    assert await reader.ids() == [str(minutes) for minutes in range(14, -1, -1)]
    assert [page.gap for page in reader.pages] == [None]


async def test_what_came_since_the_last_poll_comes_in_stretches(
    place: HackerNews, reader: Reader, clock: ManualClock
) -> None:
    await reader.read()
    clock.moment += timedelta(hours=1)
    for minutes in range(60):
        place.add(minutes, age=timedelta(minutes=minutes, seconds=1))
    assert await reader.ids() == [str(minutes) for minutes in range(59, -1, -1)]
    assert [len(page.documents) for page in reader.pages] == [0, 15, 15, 15, 15]
    assert all(page.gap is None for page in reader.pages)


async def test_stopping_anywhere_neither_skips_nor_repeats(
    place: HackerNews, reader: Reader, clock: ManualClock
) -> None:
    expected: list[str | None] = []
    given: list[str | None] = []
    for number in range(30):
        clock.moment += timedelta(minutes=1 + 7 * (number % 4))
        place.add(number)
        expected.append(str(number))
        given += [document.external_id for document in (await reader.poll()).documents]
    assert given + await reader.ids() == expected


async def test_after_an_outage_a_day_is_caught_up_and_what_is_older_is_a_gap(
    place: HackerNews, reader: Reader, clock: ManualClock
) -> None:
    await reader.read()
    clock.moment += timedelta(hours=30)
    place.add(1, age=timedelta(hours=29))
    place.add(2, age=timedelta(hours=23))
    place.add(3)
    reader.pages.clear()
    assert await reader.ids() == ["2", "3"]
    gaps = [page.gap for page in reader.pages if page.gap]
    assert gaps == ["Hacker News was not read for more than 24 hours, and older items are passed over"]
    assert place.asked <= 110


async def test_a_stretch_of_more_items_than_one_answer_holds_is_shortened(
    place: HackerNews, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.hackernews._LIST_SIZE", 10)
    for number in range(60):
        place.add(number, age=timedelta(minutes=1, seconds=10 * number))
    assert await reader.ids() == [str(number) for number in range(59, -1, -1)]
    assert all(page.gap is None for page in reader.pages)


async def test_a_minute_of_more_items_than_one_answer_holds_is_a_gap(
    place: HackerNews, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.hackernews._LIST_SIZE", 10)
    for number in range(30):
        place.add(number, age=timedelta(minutes=5))
    assert len(await reader.ids()) == 10
    gaps = [page.gap for page in reader.pages if page.gap]
    assert gaps == ["Hacker News lists 10 items at once, and more came within a minute"]


@pytest.mark.parametrize(
    ("status", "error"), [(429, SourceUnavailable), (503, SourceUnavailable), (404, SourceBroken), (403, SourceBroken)]
)
async def test_an_error_status_leaves_the_cursor(
    place: HackerNews, reader: Reader, httpserver: HTTPServer, status: int, error: type[SourceError]
) -> None:
    place.add(1)
    httpserver.expect_oneshot_request("/api/v1/search_by_date").respond_with_data("", status)
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .* \(status {status}\)$"):
        await reader.poll()
    assert await reader.ids() == ["1"]


@pytest.mark.parametrize("body", ["<html>", "", "[]", "{}", '{"hits": {}}', "[" * 50_000])
async def test_an_answer_of_another_shape_is_tried_again(
    httpserver: HTTPServer, context: SourceContext, body: str
) -> None:
    httpserver.expect_request("/search_by_date").respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 "):
        await Reader(HackerNewsSource, context, url=httpserver.url_for("")).poll()


async def test_items_of_another_shape_are_passed_over(httpserver: HTTPServer, context: SourceContext) -> None:
    hits = [
        None,
        7,
        {},
        {"objectID": 5},
        {"objectID": "1 OR 1"},
        {"objectID": "9", "comment_text": ["x"], "author": {}, "title": 1, "created_at_i": "soon"},
        {"objectID": "8", "comment_text": "lone \ud800 surrogate" + "<div>" * 5000, "created_at_i": 10**30},
    ]
    httpserver.expect_request("/search_by_date").respond_with_data(json.dumps({"hits": hits}))
    page = await Reader(HackerNewsSource, context, url=httpserver.url_for("")).poll()
    assert [(document.external_id, document.text, document.author) for document in page.documents] == [
        ("8", "lone \N{REPLACEMENT CHARACTER} surrogate", None),
        ("9", "", None),
    ]
