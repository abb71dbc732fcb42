"""Passages from the hand that enters them to the alert: nothing of their text stays anywhere."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from core.errors import WatchlistError
from core.ports import AlertFilter, Listing
from core.types import AlertClass, Catalogue, Community, Document, Severity, Term
from monitor.parts import build_parts
from monitor.setup import import_watchlist
from monitor.wiring import Service, open_service
from tests.api_service import Api, assert_problem
from tests.service_fixtures import settings_for
from watchlists.checking import advise
from watchlists.export import to_yaml
from watchlists.files import parse
from watchlists.table import write_table

pytest_plugins = ["tests.api_fixtures"]

PASSAGE = (
    "Xyzzymark friends, the kitchen lantern stays lit until the last of us has crossed the harbor bridge. Bring only "
    "what fits under a coat, leave your telephone with Wren, and ask at the green door for the tide table."
)
# Long enough that chance writes none of them into what is sealed.
TELLING = ("Xyzzymark", "kitchen", "lantern", "telephone")
WATCHLIST = f"""
version: 1
community: Harbor Commons
watchlists:
  - name: Letters
    terms: [{{id: letter, kind: passage, value: "{PASSAGE}"}}]
"""
COPY = Document(
    id="paste:1", source="paste", external_id="1", text=f"Look what they write:\n> {PASSAGE}\nWhat a strange letter."
)


def assert_tells_nothing(shown: str | bytes, words: Iterable[str] = TELLING) -> None:
    content = shown.encode() if isinstance(shown, str) else shown
    for word in words:
        for form in (word, word.lower()):
            for encoded in (form.encode(), form.encode("utf-16-le"), form.encode().hex().encode()):
                assert encoded not in content, word
            assert base64.b64encode(form.encode())[:-2].rstrip(b"=") not in content, word


@asynccontextmanager
async def service_in(folder: Path, key: str) -> AsyncIterator[Service]:
    settings = settings_for(folder).model_copy(update={"key": key})
    async with open_service(build_parts(settings)) as service:
        yield service


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


async def imported(service: Service, folder: Path, watchlist: str, name: str = "watchlist.yaml") -> Community:
    path = folder / name
    path.write_text(watchlist)
    community = await import_watchlist(service.store, service.parts, path)
    path.unlink()
    return community


async def only_term(service: Service, community: Community) -> Term:
    (term,) = (await service.store.terms(community.id, Listing())).items
    return term


async def test_the_text_of_a_passage_is_in_no_file_after_it_was_imported_and_found(tmp_path: Path) -> None:
    async with service_in(tmp_path, new_key()) as service:
        community = await imported(service, tmp_path, WATCHLIST)
        term = await only_term(service, community)
        assert term.value.startswith("passage:v1:")
        assert_tells_nothing(term.value)
        written = contents(tmp_path)
        assert any(term.id.encode() in content for content in written)
        found = await service.pipeline.ingest(community.id, [COPY])
        (alert,) = found.alerts
        assert (alert.alert_class, alert.severity) == (AlertClass.CONTENT_LEAK, Severity.HIGH)
        (match,) = alert.matches
        assert match.found == PASSAGE.removesuffix(".")
        assert match.transformations == ("quoted",)
        written += contents(tmp_path)
    written += contents(tmp_path)
    for content in written:
        assert_tells_nothing(content)


async def test_an_alert_says_how_much_was_copied_and_shows_none_of_it(tmp_path: Path) -> None:
    words = PASSAGE.split()
    words[7] = "forever"
    async with service_in(tmp_path, new_key()) as service:
        community = await imported(service, tmp_path, WATCHLIST)
        (alert,) = (
            await service.pipeline.ingest(community.id, [replace(COPY, text=f"read: {' '.join(words[:30])}, ha")])
        ).alerts
    (reason,) = [signal.text for signal in alert.signals if signal.name == "passage_found"]
    told = re.fullmatch(
        r"a stretch of (\d+) words of a confidential passage stands here, at least (\d+) of them unchanged", reason
    )
    # The outermost words, and those beside a changed one, may be covered by no fingerprint.
    assert told is not None
    assert 28 <= int(told[1]) <= 30
    assert 25 <= int(told[2]) <= 29
    assert_tells_nothing(alert.excerpt)
    for signal in alert.signals:
        assert_tells_nothing(signal.text)


async def test_an_export_holds_fingerprints_and_comes_in_again_where_the_key_is_the_same(tmp_path: Path) -> None:
    key = new_key()
    async with service_in(tmp_path / "first", key) as first:
        community = await imported(first, tmp_path, WATCHLIST)
        (watchlist,) = (await first.store.watchlists(community.id, Listing())).items
        terms = (await first.store.terms(community.id, Listing())).items
    exported, table = to_yaml(community, [(watchlist, terms)]), write_table([(watchlist, terms)])
    for form in (exported, table):
        assert_tells_nothing(form)
    for name, form in (("again.yaml", exported), ("Harbor Commons.csv", table)):
        async with service_in(tmp_path / f"of {name}", key) as again:
            community = await imported(again, tmp_path, form, name)
            assert (await only_term(again, community)).value == terms[0].value
            assert len((await again.pipeline.ingest(community.id, [COPY])).alerts) == 1
    async with service_in(tmp_path / "elsewhere", new_key()) as elsewhere:
        with pytest.raises(WatchlistError, match=r"letter: .* were made with another key: enter its text again"):
            await imported(elsewhere, tmp_path, exported)
        assert await elsewhere.store.communities() == ()


async def test_a_passage_is_found_after_the_service_was_started_again(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    async with open_service(build_parts(settings)) as service:  # the key file is made here
        community = await imported(service, tmp_path, WATCHLIST)
    async with open_service(build_parts(settings)) as service:
        assert len((await service.pipeline.ingest(community.id, [COPY])).alerts) == 1


def test_the_check_of_a_file_names_passages_that_cannot_be_looked_for(tmp_path: Path) -> None:
    check = build_parts(settings_for(tmp_path)).index(Catalogue()).check

    def problems(value: str) -> list[str]:
        file = parse(WATCHLIST.replace(PASSAGE, value), file="letters.yaml")
        advice = advise(file, check_term=check, is_ordinary=lambda _: False, at=datetime(2026, 11, 20, 12, tzinfo=UTC))
        return [remark.sentence for remark in advice.problems]

    assert problems("the kitchen lantern stays lit until the last of us has gone") == []
    assert problems("the kitchen lantern stays lit until the last of us has") == [
        "letter: a passage needs at least 12 words; watch a shorter text as a keyword"
    ]


async def test_the_api_takes_a_passage_and_never_gives_it_back(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    made = await admin.post("/v1/watchlists", json={"name": "Letters"})
    term = {"watchlist_id": made.json()["id"], "kind": "passage", "value": PASSAGE}
    answer = await admin.post("/v1/terms", json=term)
    assert answer.status_code == 201
    assert_tells_nothing(answer.text)
    revealed = await admin.get(f"/v1/terms/{answer.json()['id']}?reveal=true")
    assert revealed.json()["protected"]["value"].startswith("passage:v1:")
    assert_tells_nothing(revealed.text)
    refused = await admin.post("/v1/terms", json={**term, "value": "Xyzzymark kitchen lantern"})
    assert_problem(refused, 422, without=["Xyzzymark", "lantern"])
    posted = await admin.post("/v1/documents", json={"text": COPY.text, "source": "paste"})
    assert len(posted.json()["alert_ids"]) == 1
    (alert,) = (await api.service.store.alerts(harbor.id, Listing(), AlertFilter())).items
    assert alert.alert_class is AlertClass.CONTENT_LEAK
    for path in ("/v1/alerts", "/v1/incidents", "/v1/audit", "/v1/terms", "/v1/watchlists"):
        assert_tells_nothing((await admin.get(path)).text)
    for content in contents(tmp_path):
        assert_tells_nothing(content)


async def test_a_preview_takes_a_passage_as_text(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/v1/preview", json={"term": {"kind": "passage", "value": PASSAGE}, "text": COPY.text})
    assert answer.status_code == 200
    (match,) = answer.json()["matches"]
    assert (match["kind"], match["transformations"]) == ("passage", ["quoted"])
