"""What every source plug-in keeps to, whoever wrote it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from core.clock import SystemClock
from core.errors import SourceError
from core.http import GuardedClient
from core.plugins import discover
from core.ports import SearchTerm, Source, SourceContext
from core.settings import HttpSettings
from sources.parsing.html_events import HtmlTarget, read_html
from tests.conftest import REPOSITORY
from tests.imap_server import Folder, imap_server

SOURCES = discover(Source, noun="source", package="sources", group="leakwatch.sources")  # type: ignore[type-abstract]
RSS = '<rss version="2.0"><channel><item><guid>1</guid><title>planted</title></item></channel></rss>'
TOKEN = '{"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": "*"}'
COMMENT = {"kind": "t1", "data": {"id": "c1", "name": "t1_c1", "created_utc": 1.0, "body": "planted"}}


@pytest.fixture(params=SOURCES.kinds())
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stream_url(tmp_path: Path) -> Iterator[str]:
    """The address of a stream that tells of one post, as long as the folder with the other places is there."""

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        return None if tmp_path.exists() else connection.respond(500, "")

    def speak(connection: ServerConnection) -> None:
        commit = {"collection": "app.bsky.feed.post", "operation": "create", "rkey": "1", "record": {"text": "planted"}}
        moment = round(SystemClock().now().timestamp() * 1_000_000)
        connection.send(json.dumps({"did": "did:plc:a", "time_us": moment, "commit": commit}))
        for _ in connection:
            pass

    with serve(speak, "127.0.0.1", 0, process_request=refuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def mail_folder() -> Folder:
    return Folder({1: b"Subject: planted\r\n\r\n"})


@pytest.fixture
def mail_port(mail_folder: Folder) -> Iterator[int]:
    with imap_server(mail_folder) as port:
        yield port


@pytest.fixture
def settings(kind: str, httpserver: HTTPServer, tmp_path: Path, mail_port: int, stream_url: str) -> dict[str, Any]:
    """Settings with which a source of this kind reads one document from this machine."""
    (tmp_path / "note.txt").write_text("planted")
    httpserver.expect_request("/feed").respond_with_data(RSS)
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/page").respond_with_data("<p>planted</p>", content_type="text/html")
    httpserver.expect_request("/api/v1/access_token").respond_with_data(TOKEN, content_type="application/json")
    listing = {"kind": "Listing", "data": {"children": [COMMENT], "after": None}}
    httpserver.expect_request("/r/sample/comments/").respond_with_json(listing)
    httpserver.expect_request("/search_by_date").respond_with_json(
        {"hits": [{"objectID": "1", "story_text": "planted"}]}
    )
    raw_url = httpserver.url_for("/raw/g1/note")
    gist = {"id": "g1", "files": {"note": {"raw_url": raw_url}}}
    httpserver.expect_request("/gists/public").respond_with_json([gist])
    httpserver.expect_request("/raw/g1/note").respond_with_data("planted")
    issue = {"html_url": "https://github.com/a/b/issues/1", "title": "planted"}
    httpserver.expect_request("/search/issues").respond_with_json({"items": [issue]})
    thread = {"no": 1, "com": "planted"}
    httpserver.expect_request("/po/catalog.json").respond_with_json([{"page": 1, "threads": [thread]}])
    post = {"post": {"id": 1, "body": "planted"}}
    httpserver.expect_request("/api/v3/post/list").respond_with_json({"posts": [post]})
    status = {"id": "1", "content": "<p>planted</p>"}
    httpserver.expect_request("/api/v1/timelines/public").respond_with_json([status])
    message = '<div data-post="sample/1"><div class="tgme_widget_message_text">planted</div></div>'
    httpserver.expect_request("/s/sample").respond_with_data(message)
    httpserver.expect_request("/thread").respond_with_data(httpserver.url_for("/2SMEV9JDB"))
    httpserver.expect_request("/2SMEV9JDB.txt").respond_with_data("planted", content_type="text/html")
    paste = {"key": "p1", "size": "7"}
    httpserver.expect_request("/api_scraping.php").respond_with_json([paste])
    httpserver.expect_request("/api_scrape_item.php", query_string="i=p1").respond_with_data("planted")
    found = {"url": "https://forum.example/1", "title": "planted"}
    httpserver.expect_request("/search", method="POST").respond_with_json({"results": [found]})
    httpserver.expect_request("/search", method="GET").respond_with_json(
        {"response": {"status": "OK", "results": [found]}}
    )
    httpserver.expect_request("/res/v1/web/search").respond_with_json({"type": "search", "web": {"results": [found]}})
    leak = {"Name": "planted", "AddedDate": "2026-11-20T00:00:00Z"}
    httpserver.expect_request("/api/v3/latestbreach").respond_with_json(leak)
    httpserver.expect_request("/api/v3/breaches").respond_with_json([leak])
    httpserver.expect_request("/api/v3/breacheddomain/harbor.example").respond_with_json({"mods": ["planted"]})
    url = httpserver.url_for("").rstrip("/")
    keys = {"client_id": "client", "client_secret": "secret", "reddit_url": url, "oauth_url": url}
    by_kind: dict[str, dict[str, Any]] = {
        "bluesky": {"url": stream_url, "stream_seconds": 1},
        "brave": {"url": url, "api_key": "secret"},
        "feed": {"url": f"{url}/feed"},
        "files": {"path": str(tmp_path)},
        "fourchan": {"boards": ["po"], "url": url, "site_url": url},
        "gist": {"url": url},
        "github": {"url": url, "token": "secret", "code": False},
        "hackernews": {"url": url},
        "hibp": {"domain": "harbor.example", "api_key": "secret", "url": f"{url}/api/v3"},
        "lemmy": {"url": url, "comments": False},
        "mailbox": {"host": "127.0.0.1", "port": mail_port, "tls": "none", "username": "mods", "password": "right ⚓"},
        "mastodon": {"url": url, "timelines": ["public"]},
        "mojeek": {"url": url, "api_key": "secret"},
        "paste": {"site": "dpaste", "url": url, "listing": f"{url}/thread"},
        "pastebin": {"url": url},
        "webpage": {"url": f"{url}/page"},
        "reddit": {"subreddits": ["sample"], "submissions": False, **keys},
        "searxng": {"url": url},
        "telegram": {"url": url, "channels": ["sample"]},
    }
    assert kind in by_kind, f"say here with which settings a source of kind {kind} reads one document"
    return by_kind[kind]


@asynccontextmanager
async def reaching(*networks: str) -> AsyncIterator[SourceContext]:
    """A context whose way out leads to the public internet and to these networks."""
    allowed = HttpSettings.model_validate({"allowed_networks": networks, "host_interval_seconds": 0})
    async with GuardedClient(allowed, SystemClock()) as http:
        term = SearchTerm(id="trm_1", text="night_heron", priority=3)
        yield SourceContext(name="Place", http=http, clock=SystemClock(), search_terms=(term,))


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with reaching("127.0.0.0/8") as context:
        yield context


def test_the_built_in_sources_are_found() -> None:
    assert set(SOURCES.kinds()) >= {"feed", "files", "reddit", "webpage"}


def test_every_module_of_the_folder_is_a_source_named_by_its_kind() -> None:
    modules = {path.stem for path in (REPOSITORY / "sources").glob("*.py")} - {"__init__"}
    assert modules == {name for name in SOURCES.kinds() if SOURCES.classes[name].__module__ == f"sources.{name}"}


async def test_a_document_is_given_once_and_the_cursor_is_json(
    kind: str, settings: dict[str, Any], context: SourceContext
) -> None:
    page = await SOURCES.build(kind, settings, context).poll(None)
    (document,) = page.documents
    assert document.source == "Place"
    assert document.id == f"Place:{document.external_id}"
    assert "planted" in (document.title or "") + document.text
    assert document.fetched_at is not None
    assert document.fetched_at.utcoffset() is not None
    stored = json.dumps(page.cursor, allow_nan=False)
    assert "planted" not in stored
    again = await SOURCES.build(kind, settings, context).poll(json.loads(stored))
    assert again.documents == ()
    assert not again.more


async def test_a_place_that_cannot_be_read_raises_a_source_error(
    kind: str,
    settings: dict[str, Any],
    context: SourceContext,
    httpserver: HTTPServer,
    tmp_path: Path,
    mail_folder: Folder,
) -> None:
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_data("", 500)
    httpserver.expect_request("/api/v1/access_token").respond_with_data("", 500)
    shutil.rmtree(tmp_path)
    mail_folder.garbles = True
    with pytest.raises(SourceError) as caught:
        await SOURCES.build(kind, settings, context).poll(None)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


# Of what these find, a few lines are read.
@pytest.mark.parametrize("kind", [kind for kind in SOURCES.kinds() if kind not in ("brave", "mojeek")], indirect=True)
async def test_no_source_reads_pages_where_they_would_hold_up_all_others(
    kind: str, settings: dict[str, Any], context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(text: str, target: HtmlTarget) -> None:
        threads.append(threading.current_thread())
        read_html(text, target)

    monkeypatch.setattr("sources.parsing.plain_text.read_html", noted)
    page = await SOURCES.build(kind, settings, context).poll(None)
    assert page.documents
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("kind", [kind for kind in SOURCES.kinds() if kind != "files"], indirect=True)
async def test_no_source_reaches_a_network_that_is_not_open(
    kind: str, settings: dict[str, Any], httpserver: HTTPServer
) -> None:
    async with reaching() as context:
        with pytest.raises(SourceError, match=r"^127\.0\.0\.1 is not a public address$"):
            await SOURCES.build(kind, settings, context).poll(None)
    assert httpserver.log == []


def test_unknown_settings_are_refused(kind: str, settings: dict[str, Any]) -> None:
    model = settings_model(kind)
    model.model_validate(settings)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate(settings | {"no_such_setting": 1})


def test_every_setting_is_described(kind: str) -> None:
    for name, field in settings_model(kind).model_fields.items():
        assert field.description, f"{kind}.{name} has no description"
        assert field.description.endswith("."), f"{kind}.{name} is not described by a sentence"


def test_secrets_are_hidden_and_errors_quote_no_value(kind: str, settings: dict[str, Any]) -> None:
    model = settings_model(kind)
    for name, field in model.model_fields.items():
        if field.annotation is SecretStr or SecretStr in get_args(field.annotation):
            shown = repr(model.model_validate(settings | {name: "planted-marker"}))
            assert "planted-marker" not in shown
    with pytest.raises(ValidationError) as caught:
        model.model_validate(settings | {"no_such_setting": "planted-marker"})
    assert "planted-marker" not in str(caught.value)


def settings_model(kind: str) -> type[BaseModel]:
    model: type[BaseModel] = SOURCES.classes[kind].Settings
    return model
