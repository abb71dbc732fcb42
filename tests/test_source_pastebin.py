"""The Pastebin source against a server that speaks the scraping API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from sources.pastebin import LISTING_SIZE, PastebinSource
from sources.polling.tries import MOST_TRIES
from tests.place_reader import Reader
from tests.service_fixtures import ManualClock

pytest_plugins = ["tests.place_fixtures"]

NOT_READY = b"File is not ready for scraping yet. Try again in 1 minute."
NOT_THERE = b"Error, we cannot find this paste."


class Pastebin:
    """The newest pastes first; ``answers`` replaces the content of a paste by a whole answer."""

    def __init__(self, server: HTTPServer) -> None:
        self.rows: list[Any] = []
        self.contents: dict[str, bytes] = {}
        self.answers: dict[str, Response] = {}
        self.asked: list[str] = []
        self.url = server.url_for("/")
        server.expect_request("/api_scraping.php").respond_with_handler(self._list)
        server.expect_request("/api_scrape_item.php").respond_with_handler(self._item)

    def add(self, key: str, content: bytes = b"text", **fields: Any) -> None:
        row = {
            "scrape_url": f"https://scrape.pastebin.com/api_scrape_item.php?i={key}",
            "full_url": f"https://pastebin.com/{key}",
            "date": "1763719200",
            "key": key,
            "size": str(len(content)),
            "expire": "0",
            "title": "",
            "syntax": "text",
            "user": "",
        }
        self.rows.insert(0, {**row, **fields})
        self.contents[key] = content

    def add_many(self, count: int) -> list[str]:
        keys = [f"many{number}" for number in range(count)]
        for key in keys:
            self.add(key)
        return keys

    def _list(self, request: Request) -> Response:
        assert request.args["limit"] == str(LISTING_SIZE)
        return Response(json.dumps(self.rows[:LISTING_SIZE]), content_type="application/json")

    def _item(self, request: Request) -> Response:
        key = request.args["i"]
        self.asked.append(key)
        return self.answers.get(key) or Response(self.contents.get(key, NOT_THERE), content_type="text/plain")


@pytest.fixture
def pastebin(httpserver: HTTPServer) -> Pastebin:
    return Pastebin(httpserver)


@pytest.fixture
def reader(pastebin: Pastebin, context: SourceContext) -> Reader:
    return Reader(PastebinSource, context, url=pastebin.url)


async def test_a_paste_becomes_a_document(pastebin: Pastebin, reader: Reader, clock: ManualClock) -> None:
    pastebin.add("0CeaNm8Y", "Grüße\r\nfrom <b>here</b>".encode(), title="A list", user="nightowl")
    (document,) = await reader.read()
    assert (document.id, document.source, document.external_id) == ("Place:0CeaNm8Y", "Place", "0CeaNm8Y")
    assert document.text == "Grüße\r\nfrom <b>here</b>"
    assert (document.title, document.author) == ("A list", "nightowl")
    assert document.url == "https://pastebin.com/0CeaNm8Y"
    assert document.published_at == datetime(2025, 11, 21, 10, tzinfo=UTC)
    assert document.fetched_at == clock.now()


async def test_the_recorded_listing_is_understood(pastebin: Pastebin, reader: Reader, shared: Path) -> None:
    (row,) = json.loads((shared / "data/protocols/api_samples/pastebin_scraping.json").read_text())
    pastebin.rows, pastebin.contents = [row], {row["key"]: b"x" * int(row["size"])}
    (document,) = await reader.read()
    assert document.title == row["title"]
    assert document.author == row["user"]
    assert document.published_at == datetime.fromtimestamp(int(row["date"]), UTC)


async def test_only_new_pastes_are_asked_for(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("first")
    pastebin.add("second")
    assert await reader.ids() == ["first", "second"]
    assert await reader.ids() == []
    pastebin.add("third")
    assert await reader.ids() == ["third"]
    assert pastebin.asked == ["first", "second", "third"]


async def test_many_pastes_come_in_pages_the_oldest_first(pastebin: Pastebin, reader: Reader) -> None:
    keys = pastebin.add_many(120)
    assert await reader.ids() == keys
    assert [len(page.documents) for page in reader.pages] == [50, 50, 20]
    assert await reader.ids() == []


async def test_stopping_after_any_paste_neither_skips_nor_repeats(
    pastebin: Pastebin, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.polling.listed_items.PAGE_SIZE", 1)
    keys = pastebin.add_many(8)
    given = []
    for number in range(12):
        given += [document.external_id for document in (await reader.poll()).documents]
        pastebin.add(f"meanwhile{number}")
    assert given == [*keys, *(f"meanwhile{number}" for number in range(4))]


async def test_a_poll_ends_in_time_and_goes_on_where_it_was(
    pastebin: Pastebin, reader: Reader, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = pastebin.add_many(5)
    monkeypatch.setattr(clock, "monotonic", lambda: 25.0 * len(pastebin.asked))
    first = await reader.poll()
    assert (len(first.documents), first.more) == (3, True)
    assert [document.external_id for document in first.documents] + await reader.ids() == keys


async def test_a_paste_that_is_not_ready_comes_later(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("early", b"early text")
    pastebin.add("late", b"late text")
    pastebin.answers["late"] = Response(NOT_READY)
    assert await reader.ids() == ["early"]
    assert not reader.pages[-1].more
    assert await reader.ids() == []
    pastebin.answers.clear()
    assert await reader.ids() == ["late"]


@pytest.mark.parametrize("answer", [Response(NOT_THERE), Response(status=404), Response(status=403)])
async def test_a_paste_that_is_gone_is_passed_over(pastebin: Pastebin, reader: Reader, answer: Response) -> None:
    pastebin.add("gone", b"there once was text")
    pastebin.answers["gone"] = answer
    pastebin.add("there")
    assert await reader.ids() == ["there"]
    assert await reader.ids() == []
    assert pastebin.asked == ["gone", "there"]


async def test_a_paste_that_reads_like_a_message_is_read(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("quote", NOT_THERE)
    (document,) = await reader.read()
    assert document.text == NOT_THERE.decode()


async def test_a_paste_that_fails_is_tried_again_and_holds_up_no_other(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("broken")
    pastebin.add("whole")
    pastebin.answers["broken"] = Response(status=502)
    assert await reader.ids() == ["whole"]
    assert await reader.ids() == []
    pastebin.add("later")
    assert await reader.ids() == ["later"]
    pastebin.answers.clear()
    assert await reader.ids() == ["broken"]
    assert all(page.gap is None for page in reader.pages)


async def test_pastes_that_take_all_the_time_of_a_poll_come_after_the_others(
    pastebin: Pastebin, reader: Reader, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = pastebin.add_many(5)
    hangs = keys[:2]
    pastebin.answers = {key: Response(status=504) for key in hangs}
    monkeypatch.setattr(clock, "monotonic", lambda: 30.0 * sum(key in hangs for key in pastebin.asked))
    with pytest.raises(SourceUnavailable, match="504") as caught:
        await reader.poll()
    reader.cursor = caught.value.cursor
    assert await reader.ids() == keys[2:]
    pastebin.answers.clear()
    assert await reader.ids() == hangs


async def test_a_paste_that_always_fails_is_given_up_and_told(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("broken")
    pastebin.answers["broken"] = Response(status=502)
    gaps = []
    for number in range(MOST_TRIES + 1):
        pastebin.add(f"whole{number}")
        page = await reader.poll()
        assert [document.external_id for document in page.documents] == [f"whole{number}"]
        gaps.append(page.gap)
    told = f"items of 127.0.0.1 that could not be read in {MOST_TRIES} tries: 1"
    assert gaps == [*[None] * (MOST_TRIES - 1), told, None]
    assert pastebin.asked.count("broken") == MOST_TRIES


async def test_a_place_that_gives_no_paste_at_all_loses_none(pastebin: Pastebin, reader: Reader) -> None:
    keys = pastebin.add_many(4)
    pastebin.answers = {key: Response(status=502) for key in keys}
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(SourceUnavailable, match="502") as caught:
            await reader.poll()
        reader.cursor = caught.value.cursor
    pastebin.answers.clear()
    assert sorted(filter(None, await reader.ids())) == keys


async def test_a_paste_that_always_asks_to_wait_holds_up_no_other(
    pastebin: Pastebin, reader: Reader, clock: ManualClock
) -> None:
    pastebin.add("slow")
    pastebin.add("whole")
    pastebin.answers["slow"] = Response(status=503, headers={"Retry-After": "60"})
    with pytest.raises(SourceUnavailable) as caught:
        await reader.poll()
    assert caught.value.retry_after == timedelta(seconds=60)
    reader.cursor = caught.value.cursor
    clock.moment += timedelta(seconds=60)
    page = await reader.poll()
    assert [document.external_id for document in page.documents] == ["whole"]


async def test_a_limit_within_a_page_keeps_what_was_read_and_waits(
    pastebin: Pastebin, reader: Reader, clock: ManualClock
) -> None:
    for key in ("first", "second", "third"):
        pastebin.add(key)
    pastebin.answers["second"] = Response(status=429, headers={"Retry-After": "60"})
    page = await reader.poll()
    assert [document.external_id for document in page.documents] == ["first"]
    assert page.not_before == clock.now() + timedelta(seconds=60)
    clock.moment = page.not_before
    pastebin.answers.clear()
    assert await reader.ids() == ["second", "third"]
    assert "third" not in pastebin.asked[:2]


async def test_a_place_that_refuses_every_paste_is_broken(pastebin: Pastebin, reader: Reader) -> None:
    for key in ("first", "second", "third"):
        pastebin.add(key)
        pastebin.answers[key] = Response(status=403)
    with pytest.raises(SourceBroken, match=r"^127\.0\.0\.1 forbids reading \(status 403\)$"):
        await reader.poll()
    pastebin.answers.clear()
    assert await reader.ids() == ["first", "second", "third"]


async def test_more_pastes_than_the_listing_holds_are_a_gap(
    pastebin: Pastebin, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.polling.listed_items.PAGE_SIZE", 5)
    pastebin.add_many(10)
    await reader.poll()
    assert reader.pages[0].gap is None
    pastebin.rows = pastebin.rows[:2]  # the others leave before they are read
    assert (await reader.poll()).gap == "items that left the list of 127.0.0.1 before they were read: 3"
    for number in range(LISTING_SIZE):
        pastebin.add(f"flood{number}")
    assert (await reader.poll()).gap == f"127.0.0.1 lists {LISTING_SIZE} items, and more came since the last poll"
    assert (await reader.poll()).gap is None


async def test_a_list_that_is_empty_for_once_repeats_nothing(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("first")
    await reader.read()
    rows, pastebin.rows = pastebin.rows, []
    assert await reader.ids() == []
    pastebin.rows = rows
    assert await reader.ids() == []


async def test_an_address_without_access_is_said_to_need_it(httpserver: HTTPServer, context: SourceContext) -> None:
    refusal = "YOUR IP: 203.0.113.7 DOES NOT HAVE ACCESS. VISIT: https://pastebin.com/doc_scraping_api TO GET ACCESS!"
    httpserver.expect_request("/api_scraping.php").respond_with_data(refusal)
    with pytest.raises(SourceBroken, match=r"^Pastebin gives no access to this address: enter it at pastebin\.com/"):
        await Reader(PastebinSource, context, url=httpserver.url_for("")).poll()


@pytest.mark.parametrize("body", ["<html>Just a moment</html>", "", "{}", "null", "[" * 50_000, '"text"'])
async def test_an_answer_that_is_no_list_is_tried_again(
    httpserver: HTTPServer, context: SourceContext, body: str
) -> None:
    httpserver.expect_request("/api_scraping.php").respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 "):
        await Reader(PastebinSource, context, url=httpserver.url_for("")).poll()


async def test_rows_of_another_shape_are_passed_over(pastebin: Pastebin, reader: Reader) -> None:
    pastebin.add("good", b"\xff\x00 binary", title=7, user=["x"], date="soon", size=None)
    pastebin.add("odd", title="lone \ud800 surrogate", date="9" * 6000)
    pastebin.rows += [None, 5, "key", [], {}, {"key": None}, {"key": "../etc"}, {"key": "a&b=c"}, {"key": "x" * 99}]
    good, odd = await reader.read()
    assert (good.title, good.author, good.published_at) == (None, None, None)
    assert (odd.title, odd.published_at) == ("lone \N{REPLACEMENT CHARACTER} surrogate", None)
    assert pastebin.asked == ["good", "odd"]
