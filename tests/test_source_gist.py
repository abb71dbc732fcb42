"""The gist source against a server that speaks GitHub's API and serves raw files."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from sources.gist import FILES_OF_A_GIST, GistSource
from tests.place_reader import Reader
from tests.service_fixtures import ManualClock

pytest_plugins = ["tests.place_fixtures"]


class Gists:
    """All public gists, listed by their last change."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.rows: list[Any] = []
        self.contents: dict[str, bytes] = {}
        self.listings: list[Request] = []
        self.raw: list[Request] = []
        self.headers: dict[str, str] = {}
        self.changed_at = datetime(2026, 11, 20, 9, 29, 59, tzinfo=UTC)
        server.expect_request("/gists/public").respond_with_handler(self._list)

    def put(self, gist_id: str, files: dict[str, bytes], **fields: Any) -> None:
        """Create the gist, or change it, a second after the last one."""
        self.changed_at += timedelta(seconds=1)
        listed = {}
        for name, content in files.items():
            path = f"/raw/{gist_id}/{hashlib.sha1(content, usedforsecurity=False).hexdigest()}/{name}"
            self.contents[path] = content
            listed[name] = {
                "filename": name,
                "type": "text/plain",
                "language": "Text",
                "raw_url": self.server.url_for(path),
                "size": len(content),
            }
            self.server.expect_request(path).respond_with_handler(self._raw)
        row = {
            "url": f"https://api.github.com/gists/{gist_id}",
            "id": gist_id,
            "html_url": f"https://gist.github.com/nightowl/{gist_id}",
            "files": listed,
            "public": True,
            "created_at": "2026-11-01T08:00:00Z",
            "updated_at": self.changed_at.isoformat().replace("+00:00", "Z"),
            "description": None,
            "comments": 0,
            "user": None,
            "owner": {"login": "nightowl", "id": 1},
            "truncated": False,
        }
        self.rows = [known for known in self.rows if known["id"] != gist_id]
        self.rows.insert(0, {**row, **fields})

    def put_many(self, begin: int, end: int) -> list[str]:
        """Create gists, each of one file, and return how their documents are called."""
        for number in range(begin, end):
            self.put(f"many{number}", {"a": b"x"})
        return [f"many{number}/a" for number in range(begin, end)]

    def _list(self, request: Request) -> Response:
        self.listings.append(request)
        size = int(request.args["per_page"])
        begin = (int(request.args["page"]) - 1) * size
        return Response(
            json.dumps(self.rows[begin : begin + size]), content_type="application/json", headers=self.headers
        )

    def _raw(self, request: Request) -> Response:
        self.raw.append(request)
        return Response(self.contents[request.path], content_type="text/plain")


@pytest.fixture
def gists(httpserver: HTTPServer) -> Gists:
    return Gists(httpserver)


@pytest.fixture
def reader(gists: Gists, httpserver: HTTPServer, context: SourceContext) -> Reader:
    return Reader(GistSource, context, url=httpserver.url_for("/"), token="ghp_planted")


async def test_every_file_of_a_gist_becomes_a_document(gists: Gists, reader: Reader, clock: ManualClock) -> None:
    gists.put("aa5a", {"list.txt": "Grüße".encode(), "notes.md": b"# <b>Notes</b>"}, description="who is who")
    by_id = {document.external_id: document for document in await reader.read()}
    assert set(by_id) == {"aa5a/list.txt", "aa5a/notes.md"}
    document = by_id["aa5a/list.txt"]
    assert (document.id, document.source) == ("Place:aa5a/list.txt", "Place")
    assert (document.title, document.text) == ("list.txt: who is who", "Grüße")
    assert by_id["aa5a/notes.md"].text == "# <b>Notes</b>"
    assert document.author == "nightowl"
    assert document.url == "https://gist.github.com/nightowl/aa5a"
    assert document.published_at == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert document.fetched_at == clock.now()


async def test_only_the_api_is_told_the_token(gists: Gists, reader: Reader) -> None:
    gists.put("aa5a", {"a": b"x"})
    await reader.read()
    assert gists.listings[0].headers["Authorization"] == "Bearer ghp_planted"
    assert gists.listings[0].headers["Accept"] == "application/vnd.github+json"
    assert "ghp_planted" not in str(gists.raw[0].headers)


async def test_without_a_token_none_is_sent(gists: Gists, httpserver: HTTPServer, context: SourceContext) -> None:
    gists.put("aa5a", {"a": b"x"})
    await Reader(GistSource, context, url=httpserver.url_for("/")).read()
    assert "Authorization" not in gists.listings[0].headers


async def test_only_a_file_that_changed_is_read_again(gists: Gists, reader: Reader) -> None:
    gists.put("aa5a", {"one": b"1", "two": b"2"})
    assert len(await reader.read()) == 2
    assert await reader.read() == []
    gists.put("aa5a", {"one": b"1", "two": b"2, corrected"})
    assert [document.text for document in await reader.read()] == ["2, corrected"]
    assert len(gists.raw) == 3


async def test_the_first_poll_reads_the_newest_list_and_later_ones_read_back_to_what_is_known(
    gists: Gists, reader: Reader
) -> None:
    first = gists.put_many(0, 120)
    assert await reader.ids() == first[20:]
    later = gists.put_many(120, 260)
    assert await reader.ids() == later
    assert all(page.gap is None for page in reader.pages)
    assert await reader.ids() == []


async def test_stopping_after_any_file_neither_skips_nor_repeats(
    gists: Gists, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.polling.listed_items.PAGE_SIZE", 1)
    expected = gists.put_many(0, 4)
    given: list[str | None] = []
    for number in range(10):
        given += [document.external_id for document in (await reader.poll()).documents]
        expected += gists.put_many(100 + number, 101 + number)
    assert given + await reader.ids() == expected


async def test_more_gists_than_are_read_back_are_a_gap(
    gists: Gists, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.polling.listed_items.PAGE_SIZE", 1)
    gists.put("aa5a", {"a": b"x"})
    await reader.poll()
    gists.put_many(0, 310)
    page = await reader.poll()
    assert page.gap == "127.0.0.1 was read back 300 gists, and more had changed"
    assert len(gists.listings) == 4
    assert (await reader.poll()).gap is None  # what is left of these is read, and nothing was lost since


async def test_a_comment_on_a_gist_that_is_known_hides_nothing_behind_it(gists: Gists, reader: Reader) -> None:
    gists.put_many(0, 100)
    await reader.read()
    gists.put("known", {"a": b"x"})
    await reader.read()
    new = gists.put_many(100, 250)
    gists.put("known", {"a": b"x"})  # a comment changes when it was changed last, and no file
    assert await reader.ids() == new
    assert all(page.gap is None for page in reader.pages)


async def test_lists_are_read_back_as_far_while_files_of_them_still_wait(
    gists: Gists, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = gists.put_many(0, 40)
    monkeypatch.setattr("sources.polling.listed_items.PAGE_SIZE", 10)
    given = [document.external_id for document in (await reader.poll()).documents]
    new += gists.put_many(40, 140)  # those that wait are on the second list now
    assert given + await reader.ids() == new
    assert all(page.gap is None for page in reader.pages)


async def test_pictures_are_not_fetched_and_a_gist_of_very_many_files_is_read_in_part(
    gists: Gists, reader: Reader
) -> None:
    gists.put("aa5a", {"face.png": b"\x89PNG"})
    gists.rows[0]["files"]["face.png"]["type"] = "image/png"
    gists.put("bb5b", {f"file{number:03}": b"x" for number in range(FILES_OF_A_GIST + 5)})
    assert len(await reader.read()) == FILES_OF_A_GIST
    assert len(gists.raw) == FILES_OF_A_GIST


async def test_a_used_up_limit_is_waited_for(
    gists: Gists, reader: Reader, httpserver: HTTPServer, clock: ManualClock
) -> None:
    reset = str(int((clock.now() + timedelta(minutes=20)).timestamp()))
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    httpserver.expect_oneshot_request("/gists/public").respond_with_data("{}", 403, limit)
    with pytest.raises(SourceUnavailable) as caught:
        await reader.poll()
    assert caught.value.retry_after == timedelta(minutes=20)
    clock.moment += timedelta(minutes=20)
    gists.put("aa5a", {"a": b"x"})
    gists.headers = limit | {"X-RateLimit-Reset": str(int(clock.now().timestamp()) + 1200)}
    page = await reader.poll()
    assert len(page.documents) == 1
    assert page.not_before == clock.now() + timedelta(minutes=20)
    assert page.quota_left == 0


async def test_a_wrong_token_is_said_without_it(gists: Gists, reader: Reader, httpserver: HTTPServer) -> None:
    answer = {"message": "Bad credentials", "status": "401"}
    httpserver.expect_oneshot_request("/gists/public").respond_with_json(answer, 401)
    with pytest.raises(SourceBroken, match=r"^127\.0\.0\.1 asks for a login \(status 401\)$"):
        await reader.poll()


@pytest.mark.parametrize("body", ["<html>", "", "{}", '{"message": "x"}', "[" * 50_000])
async def test_an_answer_that_is_no_list_is_tried_again(
    httpserver: HTTPServer, context: SourceContext, body: str
) -> None:
    httpserver.expect_request("/gists/public").respond_with_data(body)
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 "):
        await Reader(GistSource, context, url=httpserver.url_for("")).poll()


async def test_gists_of_another_shape_are_passed_over(gists: Gists, reader: Reader) -> None:
    gists.put("good", {"a": b"\xff\xfe"}, owner=None, description=["x"], updated_at=7.5, html_url=None)
    files = {
        "b": None,
        "c": {"raw_url": 5},
        "d": {"raw_url": "file:///etc/passwd"},
        "e": {"raw_url": "http://10.0.0.1/"},
    }
    gists.rows += [None, 5, "gist", {}, {"id": 7}, {"id": "x", "files": []}, {"id": "y", "files": files}]
    (document,) = await reader.read()
    assert (document.author, document.title, document.published_at) == (None, "a", None)
    assert document.url == "https://gist.github.com/good"
