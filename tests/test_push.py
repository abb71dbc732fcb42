"""The ways in which other systems hand documents in, as the manual shows them, against a real server."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from api.schemas.documents import MAXIMUM_DOCUMENTS
from core.types import Community, Scope
from tests.api_service import Api, assert_problem
from tests.conftest import REPOSITORY

pytest_plugins = ["tests.api_fixtures"]

MANUAL = (REPOSITORY / "docs" / "push.md").read_text()
LEAK = "so n1ght_h3ron is really Maria Gonzalez"


@pytest.fixture
async def feeder(api: Api, harbor: Community, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Somebody who may hand documents in and nothing else; the community watches a pseudonym."""
    watchlist = {"name": "Members", "terms": [{"kind": "pseudonym", "value": "night_heron"}]}
    assert (await admin.post("/v1/watchlists", json=watchlist)).status_code == 201
    return await api.member(harbor, Scope.INGEST)


@pytest.fixture
def program() -> ModuleType:
    (shown,) = re.findall(r"```python\n(.*?)```", MANUAL, re.S)
    module = ModuleType("hand_in")
    exec(compile(shown, "push.md", "exec"), module.__dict__)  # noqa: S102
    return module


def rendered(values: dict[str, str]) -> str:
    """The body for changedetection.io with these values, as its templates (Jinja) write them."""
    (template,) = re.findall(r"```jinja\n(.*?)```", MANUAL, re.S)
    return re.sub(r"\{\{ (\w+)\|tojson \}\}", lambda found: json.dumps(values[found[1]]), template)


async def test_what_changedetection_sends_is_taken_and_looked_at_again_when_it_changed(
    feeder: httpx2.AsyncClient,
) -> None:
    (target,) = re.findall(r"posts://\S+", MANUAL)
    # Its handler sends what begins with a plus as headers, and JSON as what it is.
    headers = {name[1:]: value for name, value in parse_qsl(urlsplit(target.replace("+", "%2B")).query)}
    assert headers == {"Authorization": "Bearer lw_…"}
    assert urlsplit(target).path == "/v1/documents"
    values = {
        "watch_uuid": "cc0cfffa-f449-477b-83ea-0caafd1dc091",
        "watch_url": "https://forum.example/?a=1&b=2",
        "watch_title": 'News "from" the harbour',
        "current_snapshot": f"line one\n\t{LEAK} </script> \\ ⚓",
    }
    kind = {"Content-Type": "application/json; charset=utf-8"}
    first = await feeder.post("/v1/documents", content=rendered(values), headers=kind)
    assert (first.json()["new_count"], len(first.json()["alert_ids"])) == (1, 1)
    assert (await feeder.post("/v1/documents", content=rendered(values), headers=kind)).json()["known_count"] == 1
    values["current_snapshot"] += " and more"
    assert (await feeder.post("/v1/documents", content=rendered(values), headers=kind)).json()["new_count"] == 1


async def test_the_program_hands_in_what_ail_stored_once(
    feeder: httpx2.AsyncClient, address: str, program: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "PASTES" / "archive" / "2026" / "11" / "20"
    folder.mkdir(parents=True)
    (folder / "one.gz").write_bytes(gzip.compress(f"\0 {LEAK} \xff".encode("latin-1")))
    for number in range(450):
        (folder / f"{number}.gz").write_bytes(gzip.compress(f"a quiet day {number}".encode()))
    key = feeder.headers["authorization"].removeprefix("Bearer ")
    documents = list(program.items(tmp_path / "PASTES"))
    assert documents[0]["id"] == "archive/2026/11/20/0.gz"
    alert_ids = await asyncio.to_thread(program.hand_in, address, key, documents)
    assert len(alert_ids) == 1
    assert await asyncio.to_thread(program.hand_in, address, key, [{"id": "w", "text": 1}, *documents]) == []
    assert capsys.readouterr().err == "w was not taken: text: Input should be a valid string\n"
    assert await asyncio.to_thread(program.hand_in, address, key, documents) == []
    with pytest.raises(HTTPError) as caught:
        await asyncio.to_thread(program.hand_in, address, "lw_wrong", documents)
    caught.value.close()
    assert caught.value.code == 401


async def test_a_batch_has_a_limit_that_is_told(feeder: httpx2.AsyncClient) -> None:
    assert f"up to {MAXIMUM_DOCUMENTS:,} documents" in MANUAL
    documents = [{"text": f"{number}"} for number in range(MAXIMUM_DOCUMENTS + 1)]
    assert_problem(await feeder.post("/v1/documents", json=documents), 422)
    lines = "\n".join(map(json.dumps, documents))
    answer = await feeder.post("/v1/documents", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert_problem(answer, 422)
    whole = await feeder.post("/v1/documents", json=documents[:-1])
    assert whole.json()["new_count"] == MAXIMUM_DOCUMENTS


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800", "\\udc00"])
@pytest.mark.parametrize("as_lines", [True, False])
async def test_a_character_that_no_text_can_hold_costs_neither_the_batch_nor_its_document(
    feeder: httpx2.AsyncClient, character: str, as_lines: bool
) -> None:
    bad = f'{{"id": "1", "text": "{character} {LEAK}", "author": "a{character}", "title": "{character}"}}'
    kind, body = ("x-ndjson", f'{bad}\n{{"text": "x"}}') if as_lines else ("json", f'[{bad}, {{"text": "x"}}]')
    answer = await feeder.post("/v1/documents", content=body, headers={"Content-Type": f"application/{kind}"})
    assert (answer.json()["new_count"], len(answer.json()["alert_ids"])) == (2, 1)


async def test_a_batch_that_is_repeated_gets_the_first_answer(feeder: httpx2.AsyncClient) -> None:
    documents = [{"text": LEAK}, {"text": "a quiet day"}]
    first = await feeder.post("/v1/documents", json=documents, headers={"Idempotency-Key": "batch-7"})
    again = await feeder.post("/v1/documents", json=documents, headers={"Idempotency-Key": "batch-7"})
    assert len(first.json()["alert_ids"]) == 1
    assert again.content == first.content
    assert (await feeder.post("/v1/documents", json=documents)).json()["known_count"] == 2


async def test_a_key_for_handing_in_may_do_nothing_else(feeder: httpx2.AsyncClient) -> None:
    for path in ("/v1/alerts", "/v1/terms", "/v1/sources"):
        assert_problem(await feeder.get(path), 403)
