"""The Bluesky source: a loopback WebSocket server that plays events back as a Jetstream does, some of them recorded."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, Page
from sources.bluesky import DOCUMENTS_A_POLL, FIRST_LOOK_BACK, LONGEST_CATCH_UP, OVERLAP, BlueskySettings, BlueskySource
from tests.source_fixtures import loopback_context, poll_anew
from tests.stream_server import StreamServer, stream_server

SECOND = 1_000_000
AUTHOR = "did:plc:abcdefghijklmnopqrstuvwx"


@dataclass
class Jetstream(StreamServer):
    """Plays back, from the moment asked for, what happened, and then goes on living (or not)."""

    events: list[Any] = field(default_factory=list)
    ends: bool = True
    begins_early: bool = False

    def played(self) -> Iterable[str]:
        begin = int(self.query("cursor"))
        for event in self.events:
            if self.begins_early or not isinstance(event, dict) or event.get("time_us", begin) >= begin:
                yield event if isinstance(event, str) else json.dumps(event)

    def query(self, name: str) -> str:
        return parse_qs(urlsplit(self.requests[-1].path).query)[name][0]


@pytest.fixture
async def jetstream() -> AsyncIterator[Jetstream]:
    server = Jetstream()
    async with stream_server(server):
        yield server


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Sky") as made:
        yield made


async def poll(jetstream: Jetstream, context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    values = {"url": f"{jetstream.url}/subscribe", "stream_seconds": 1, **settings}
    return await poll_anew(BlueskySource, BlueskySettings, values, context, cursor)


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * SECOND)


def post(time_us: int, key: str, text: str = "", **more: Any) -> dict[str, Any]:
    record = {"$type": "app.bsky.feed.post", "text": text or key, "createdAt": "2026-11-20T10:00:00.000Z"} | more
    commit = {"rev": "r", "operation": "create", "collection": "app.bsky.feed.post", "rkey": key, "cid": f"cid{key}"}
    return {"did": AUTHOR, "time_us": time_us, "kind": "commit", "commit": commit | {"record": record}}


def keys(documents: list[Document] | tuple[Document, ...]) -> list[str]:
    return [(document.external_id or "").rpartition("/")[2] for document in documents]


async def test_recorded_posts_become_documents(jetstream: Jetstream, context: SourceContext, shared: Path) -> None:
    sample = (shared / "data/protocols/api_samples/jetstream_samples.jsonl").read_text()
    recorded = [json.loads(line) for line in sample.splitlines() if line]
    begin = microseconds(context.clock.now()) - 60 * SECOND
    jetstream.events = [{**event, "time_us": begin + number} for number, event in enumerate(recorded)]
    page = await poll(jetstream, context)
    posts = [event for event in recorded if event.get("commit", {}).get("collection") == "app.bsky.feed.post"]
    assert 0 < len(posts) < len(recorded)
    assert [document.text for document in page.documents] == [event["commit"]["record"]["text"] for event in posts]
    first, event = page.documents[0], posts[0]
    address = f"at://{event['did']}/app.bsky.feed.post/{event['commit']['rkey']}"
    assert (first.id, first.source, first.external_id) == (f"Sky:{address}", "Sky", address)
    assert first.author == event["did"]
    assert first.url == f"https://bsky.app/profile/{event['did']}/post/{event['commit']['rkey']}"
    assert first.language == "en"
    assert first.published_at == datetime(2025, 5, 20, 8, 15, 16, 553000, tzinfo=UTC)
    assert first.fetched_at is not None


async def test_a_jetstream_that_begins_before_what_it_was_asked_for_is_listened_to_from_there(
    jetstream: Jetstream, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sources.bluesky.DOCUMENTS_A_POLL", 10)
    now = microseconds(context.clock.now())
    old = [post(now - 3000 * SECOND + number, f"old{number}") for number in range(20)]
    jetstream.begins_early = True
    jetstream.events = [*old, post(now - SECOND, "new")]
    page = await poll(jetstream, context, stream_seconds=20)
    assert keys(page.documents) == ["new"]
    jetstream.events = [*old, post(now - SECOND, "new"), post(now - SECOND + 1, "newer")]
    assert keys((await poll(jetstream, context, page.cursor, stream_seconds=20)).documents) == ["newer"]
    jetstream.events, jetstream.ends = old, False
    with pytest.raises(SourceUnavailable, match="plays back from long before"):
        await poll(jetstream, context, page.cursor)


async def test_text_is_what_a_reader_sees_with_where_its_links_lead_to(
    jetstream: Jetstream, context: SourceContext
) -> None:
    now = microseconds(context.clock.now()) - SECOND
    link = {"features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example/a/long/way"}]}
    card = {"uri": "https://b.example/", "title": "Harbour", "description": "All about it", "thumb": {}}
    images = {"images": [{"alt": "A boat", "image": {}}, {"alt": ""}]}
    jetstream.events = [
        post(now, "1", "See a.example/a/lo...", facets=[link], embed={"external": card}),
        post(
            now + 1, "2", "Look", embed={"record": {"uri": "at://x"}, "media": images}, createdAt="2099-01-01T00:00:00Z"
        ),
        post(now + 2, "3", "Play", embed={"video": {}, "alt": "A film"}, createdAt="yesterday"),
    ]
    one, two, three = (await poll(jetstream, context)).documents
    assert one.text == "See a.example/a/lo...\nhttps://a.example/a/long/way\nhttps://b.example/\nHarbour\nAll about it"
    assert two.text == "Look\nA boat"
    assert three.text == "Play\nA film"
    for document in (two, three):
        assert document.published_at is not None
        assert document.published_at <= context.clock.now()


async def test_only_posts_are_asked_for_from_a_little_back(jetstream: Jetstream, context: SourceContext) -> None:
    jetstream.ends = False
    before = context.clock.now()
    page = await poll(jetstream, context)
    assert (page.documents, page.more, page.gap) == ((), False, None)
    assert jetstream.query("wantedCollections") == "app.bsky.feed.post"
    assert int(jetstream.query("maxMessageSizeBytes")) > 0
    begin = datetime.fromtimestamp(int(jetstream.query("cursor")) / SECOND, UTC)
    assert timedelta(0) <= begin - (before - FIRST_LOOK_BACK - OVERLAP) < timedelta(seconds=10)


async def test_everything_that_comes_is_given_once_wherever_it_is_stopped(
    jetstream: Jetstream, context: SourceContext
) -> None:
    """Each connection dates events a little differently, as several Jetstreams behind one name do."""
    chance = random.Random(7)
    begin = microseconds(context.clock.now()) - 250 * SECOND
    events: list[dict[str, Any]] = [post(begin + number * SECOND // 10, str(number)) for number in range(2000)]
    given: list[str] = []
    cursor: Any = None
    for reached in (1, 2, 50, 50, 400, 401, 1999, 2000, 2000):
        shift = chance.randint(-SECOND // 2, SECOND // 2)
        jetstream.events = [{**event, "time_us": event["time_us"] + shift} for event in events[:reached]]
        while True:
            try:
                page = await poll(jetstream, context, cursor)
            except SourceUnavailable:  # the server ended the stream, and nothing was new
                break
            assert len(page.documents) <= DOCUMENTS_A_POLL
            given, cursor = given + keys(page.documents), page.cursor
    assert given == [str(number) for number in range(2000)]
    assert len(json.dumps(cursor)) < 15_000


async def test_a_poll_ends_with_its_limit_and_asks_for_more(jetstream: Jetstream, context: SourceContext) -> None:
    begin = microseconds(context.clock.now()) - 100 * SECOND
    jetstream.events = [post(begin + number, str(number)) for number in range(DOCUMENTS_A_POLL + 10)]
    started = context.clock.monotonic()
    page = await poll(jetstream, context, stream_seconds=60)
    assert (len(page.documents), page.more) == (DOCUMENTS_A_POLL, True)
    assert context.clock.monotonic() - started < 20


async def test_a_changed_post_is_given_again_and_a_deleted_one_is_not(
    jetstream: Jetstream, context: SourceContext
) -> None:
    begin = microseconds(context.clock.now()) - 100 * SECOND
    jetstream.events = [post(begin, "1", "before"), post(begin + 1, "2")]
    cursor = (await poll(jetstream, context)).cursor
    changed = post(begin + 2, "1", "after")
    changed["commit"] |= {"operation": "update", "cid": "another"}
    deleted = post(begin + 3, "2")
    deleted["commit"] = {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": "2"}
    jetstream.events += [changed, deleted]
    page = await poll(jetstream, context, cursor)
    assert [(key, document.text) for key, document in zip(keys(page.documents), page.documents, strict=True)] == [
        ("1", "after")
    ]


async def test_languages_leave_out_posts_that_name_others_only(jetstream: Jetstream, context: SourceContext) -> None:
    now = microseconds(context.clock.now()) - SECOND
    named: list[Any] = [["en-GB"], ["ja"], ["ja", "de"], [], None, "ja", [7]]
    jetstream.events = [post(now + number, str(number), langs=langs) for number, langs in enumerate(named)]
    page = await poll(jetstream, context, languages=["en", "de"])
    assert keys(page.documents) == ["0", "2", "3", "4", "5", "6"]
    assert [document.language for document in page.documents] == ["en-GB", "ja", None, None, None, None]
    assert page.cursor is not None
    assert page.cursor["time_us"] == now + 6


async def test_a_pause_beyond_what_is_caught_up_with_is_said(jetstream: Jetstream, context: SourceContext) -> None:
    jetstream.events = [post(microseconds(context.clock.now()) - SECOND, "1")]
    old = microseconds(context.clock.now() - LONGEST_CATCH_UP - timedelta(hours=1))
    page = await poll(jetstream, context, {"time_us": old, "given": []})
    assert page.gap == "the pause was longer than is caught up with"
    assert keys(page.documents) == ["1"]
    begin = datetime.fromtimestamp(int(jetstream.query("cursor")) / SECOND, UTC)
    assert context.clock.now() - begin < LONGEST_CATCH_UP + OVERLAP + timedelta(minutes=1)
    jetstream.events += [post(microseconds(context.clock.now()), "2")]
    assert (await poll(jetstream, context, page.cursor)).gap is None


async def test_an_event_of_another_form_does_not_lose_the_others(jetstream: Jetstream, context: SourceContext) -> None:
    now = microseconds(context.clock.now()) - SECOND
    wrongs: list[Any] = [None, 7, [], [1], {"x": {}}, "\ud800", "<" * 1000, 10**400]
    fields = ("text", "createdAt", "langs", "facets", "embed")
    parts = ("uri", "title", "description")
    jetstream.events = ["[" * 50_000, "no json", "null", "{}"]
    for number, wrong in enumerate(wrongs):
        broken = post(now, f"a{number}", **dict.fromkeys(fields, wrong))
        card = {"external": dict.fromkeys(parts, wrong), "images": [wrong], "media": wrong}
        deeper = post(now, f"b{number}", embed=card, facets=[wrong, {"features": [wrong]}], langs=[wrong])
        bare = {**post(now, "c"), "commit": wrong}
        nameless = {**post(now, f"d{number}"), "did": wrong}
        timeless = json.dumps({**post(now, f"e{number}"), "time_us": wrong})
        jetstream.events += [broken, deeper, bare, nameless, timeless]
    jetstream.events += [post(now + 9999 * SECOND, "z", "planted")]
    page = await poll(jetstream, context)
    found = keys(page.documents)
    assert {f"{letter}{number}" for letter in "ab" for number in range(len(wrongs))} <= set(found)
    assert page.documents[-1].text == "planted"
    for document in page.documents:
        json.dumps([document.text, document.author, document.url, document.language], ensure_ascii=False).encode()
    assert page.cursor is not None
    latest = page.cursor["time_us"]
    assert isinstance(latest, int)
    assert latest <= microseconds(context.clock.now())


@pytest.mark.parametrize(
    ("status", "error"), [(401, SourceBroken), (404, SourceBroken), (429, SourceUnavailable), (503, SourceUnavailable)]
)
async def test_an_error_status_says_whether_trying_again_helps(
    jetstream: Jetstream, context: SourceContext, status: int, error: type[SourceError]
) -> None:
    jetstream.status, jetstream.headers = status, {"Retry-After": "90"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .*\(status {status}\)$") as caught:
        await poll(jetstream, context)
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize("cursor", [{}, {"time_us": "7", "given": 7}, {"given": "x"}], ids=str)
async def test_a_cursor_of_another_form_begins_anew(jetstream: Jetstream, context: SourceContext, cursor: Any) -> None:
    jetstream.events = [post(microseconds(context.clock.now()) - SECOND, "1")]
    assert keys((await poll(jetstream, context, cursor)).documents) == ["1"]


@pytest.mark.parametrize("url", ["https://a.example/", "wss://", "wss://user:pass@a.example/"])
def test_an_address_that_is_no_stream_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        BlueskySettings(url=url)
