"""A running service follows what is watched without keeping pages waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import StoreError
from core.ports import REMOVALS_TOLD_FOR, Listing, Matcher
from core.types import Alert, Basis, Document, Scope, Term, TermKind, TermSettings, Watchlist
from matchers.keywords import KeywordFinder, KeywordMatcher
from monitor.following import Follower
from monitor.parts import Parts, build_parts
from monitor.setup import create_key
from monitor.wiring import open_service
from tests.service_fixtures import ManualClock, add, import_sample, settings_for
from tests.store_fixtures import MINUTE, StandingClock, add_community, audit, opened, term

FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-11-20T10:00:00Z</updated>
<entry><id>e1</id><title>news</title><updated>2026-11-20T10:00:00Z</updated><content>meet at ferry landing</content>
</entry></feed>"""


class Keywords(KeywordMatcher):
    """Counts what it compiles, and compiles no terms while it is held."""

    def __init__(self) -> None:
        super().__init__(self.Settings())
        self.compiled: list[int] = []
        self.free = threading.Event()
        self.free.set()
        self.asked = threading.Event()

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> KeywordFinder:
        self.asked.set()
        assert self.free.wait(30)
        self.compiled.append(len(terms))
        return super().compile(terms, watchlists)


@dataclass
class Following:
    """A store, and a follower of it that looks for keywords only."""

    directory: Path
    clock: ManualClock = field(default_factory=ManualClock)
    keywords: Keywords = field(default_factory=Keywords)
    patience_seconds: float = 30

    def __post_init__(self) -> None:
        parts = build_parts(settings_for(self.directory), self.clock)
        self.parts: Parts = replace(parts, _matchers=(cast(Matcher, self.keywords),))

    async def __aenter__(self) -> Following:
        self._opened = opened(self.directory, StandingClock(self.clock.now()))
        self.store = await self._opened.__aenter__()
        await add_community(self.store, "com_a")
        await add_community(self.store, "com_b")
        self.follower = Follower(self.store, self.clock, self.parts.examiner, patience_seconds=self.patience_seconds)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.keywords.free.set()
        await self.follower.close()
        await self._opened.__aexit__(None, None, None)

    async def add(self, *words: str, settings: TermSettings = TermSettings()) -> list[Term]:  # noqa: B008  # frozen
        terms = [term(word, value=word, kind=TermKind.KEYWORD, settings=settings) for word in words]
        await self.store.add_terms("com_a", terms, audit=audit("com_a"))
        return terms

    async def remove(self, one: Term) -> None:
        await self.store.delete_term("com_a", one.id, audit=audit("com_a"))

    async def found(self, text: str) -> list[str]:
        examiner = await self.follower.examiner()
        (found,) = examiner.index.find([Document(id="1", text=text)])
        return [match.found for match in found.matches]


@pytest.fixture
async def following(tmp_path: Path) -> AsyncIterator[Following]:
    async with Following(tmp_path) as following:
        yield following


async def test_the_next_page_finds_what_was_added_and_not_what_was_removed(following: Following) -> None:
    heron, _ = await following.add("heron", "raven")
    assert await following.found("a heron, a raven, a crane") == ["heron", "raven"]
    await following.add("crane")
    await following.remove(heron)
    assert await following.found("a heron, a raven, a crane") == ["raven", "crane"]


async def test_only_what_was_added_is_compiled(following: Following) -> None:
    await following.add(*(f"word{number}" for number in range(300)))
    await following.found("")
    del following.keywords.compiled[:]
    for number in range(300, 303):
        await following.add(f"word{number}")
        assert len(await following.found(f"word{number} word7")) == 2
    assert following.keywords.compiled == [1, 2, 3]


async def test_pages_go_on_while_very_many_terms_are_compiled_and_removed_ones_stop_at_once(tmp_path: Path) -> None:
    async with Following(tmp_path, patience_seconds=0) as following:
        heron, _ = await following.add("heron", "raven")
        assert await following.found("a heron, a raven") == ["heron", "raven"]
        following.keywords.free.clear()
        await following.add("crane")
        assert await following.found("a heron, a raven, a crane") == ["heron", "raven"]
        await following.remove(heron)
        assert await following.found("a heron, a raven, a crane") == ["raven"]
        following.keywords.free.set()
        following.follower._patience_seconds = 30
        assert await following.found("a heron, a raven, a crane") == ["raven", "crane"]


async def test_changes_that_come_while_one_is_compiled_are_followed_in_their_turn(tmp_path: Path) -> None:
    async with Following(tmp_path) as following:
        await following.add("heron")
        await following.found("")
        following.keywords.free.clear()
        following.keywords.asked.clear()
        await following.add("crane")
        waiting = [asyncio.create_task(following.found("a heron, a crane, a raven"))]
        assert await asyncio.to_thread(following.keywords.asked.wait, 30)
        await following.add("raven")
        waiting += [asyncio.create_task(following.found("a heron, a crane, a raven")) for _ in range(3)]
        following.keywords.free.set()
        for found in await asyncio.gather(*waiting[1:]):
            assert found == ["heron", "crane", "raven"]
        assert (await waiting[0])[:2] == ["heron", "crane"]


async def test_a_term_ends_at_its_moment_and_nothing_is_compiled_for_that(following: Following) -> None:
    await following.add("heron", "raven", "gull", "owl", "finch")
    ending = TermSettings(basis=Basis(kind="consent", recorded_by="admin", until=following.clock.moment + MINUTE))
    await following.add("crane", settings=ending)
    assert await following.found("a heron, a crane") == ["heron", "crane"]
    del following.keywords.compiled[:]
    following.clock.moment += MINUTE
    assert await following.found("a heron, a crane") == ["heron"]
    await following.store.prune(following.clock.moment)
    assert await following.found("a heron, a crane") == ["heron"]
    assert following.keywords.compiled == []


async def test_a_watchlist_deleted_takes_its_terms_with_it(following: Following) -> None:
    await following.add("heron")
    assert await following.found("a heron") == ["heron"]
    await following.store.delete_watchlist("com_a", "wl_1", audit=audit("com_a"))
    assert await following.found("a heron") == []


async def test_who_has_not_looked_for_a_week_reads_everything_anew(following: Following) -> None:
    heron, _ = await following.add("heron", "raven")
    assert await following.found("a heron, a raven") == ["heron", "raven"]
    await following.remove(heron)
    following.clock.moment += REMOVALS_TOLD_FOR + MINUTE
    await following.store.prune(following.clock.moment)
    assert await following.found("a heron, a raven") == ["raven"]


async def test_small_segments_are_merged_while_pages_go_on(following: Following) -> None:
    await following.add("heron")
    await following.found("")
    for batch in range(6):
        await following.add(*(f"word{batch}x{number}" for number in range(300)))
        assert await following.found(f"a heron, word{batch}x7") == ["heron", f"word{batch}x7"]
    merging = following.follower._merging
    assert merging is not None
    await merging
    assert max(following.keywords.compiled) > 300
    assert await following.found("a heron, word0x7, word5x7") == ["heron", "word0x7", "word5x7"]


async def test_a_failing_database_fails_the_page_and_the_next_one_catches_up(following: Following) -> None:
    await following.add("heron")
    await following.found("")
    await following.add("crane")
    await following.store.close()
    with pytest.raises(StoreError):
        await following.found("a crane")
    await following.store.open()
    assert await following.found("a crane") == ["crane"]


async def test_a_term_added_over_the_api_while_a_source_is_being_read_is_found_in_what_is_read(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    """The feed answers only after the term was added: its page begins after that, and must know the term."""
    asked, answer = threading.Event(), threading.Event()

    def feed(_: Request) -> Response:
        asked.set()
        assert answer.wait(30)
        return Response(FEED, content_type="application/atom+xml")

    httpserver.expect_request("/feed").respond_with_handler(feed)
    raised: asyncio.Queue[Alert] = asyncio.Queue()

    def tell(alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            raised.put_nowait(alert)

    async with open_service(build_parts(settings_for(tmp_path)), raised=tell) as service:
        community = await import_sample(service, tmp_path)
        (watchlist,) = (await service.store.watchlists(community.id, Listing())).items
        token = await create_key(
            service.store, service.parts.clock, community.id, name="laptop", scopes=frozenset({Scope.ADMIN})
        )
        await service.pipeline.ingest(community.id, [Document(id="first", text="nothing of this concerns anybody")])
        await add(service, community, "feed", {"url": httpserver.url_for("/feed")})
        reading = asyncio.create_task(service.scheduler.run())
        assert await asyncio.to_thread(asked.wait, 30)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(service.app),
            base_url="http://leakwatch.example",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            term = {"watchlist_id": watchlist.id, "kind": "keyword", "value": "ferry landing"}
            added = await client.post("/v1/terms", json=term)
        assert added.status_code == 201, added.text
        answer.set()
        alert = await asyncio.wait_for(raised.get(), 30)
        assert [match.term_id for match in alert.matches] == [added.json()["id"]]
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
