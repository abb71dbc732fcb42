"""A POST sent again with its idempotency key does nothing new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from core.types import Community, Scope
from tests.api_service import Api, assert_problem

pytest_plugins = ["tests.api_fixtures"]

KEY = {"Idempotency-Key": "import-1"}


async def names(client: httpx2.AsyncClient) -> list[str]:
    return sorted(item["name"] for item in (await client.get("/v1/watchlists")).json()["items"])


async def test_a_repeat_gets_the_first_answer_and_nothing_is_done_twice(admin: httpx2.AsyncClient) -> None:
    first = await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)
    again = await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await names(admin) == ["Members"]


async def test_another_request_with_the_same_key_is_refused(admin: httpx2.AsyncClient) -> None:
    await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)
    assert_problem(await admin.post("/v1/watchlists", json={"name": "Others"}, headers=KEY), 422)
    assert_problem(await admin.post("/v1/documents", json={"name": "Members"}, headers=KEY), 422)
    assert await names(admin) == ["Members"]


async def test_a_key_counts_for_a_day(api: Api, admin: httpx2.AsyncClient) -> None:
    await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)
    api.forward(hours=23)
    assert (await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)).status_code == 201
    api.forward(hours=1)
    assert (await admin.post("/v1/watchlists", json={"name": "Others"}, headers=KEY)).status_code == 201
    assert await names(admin) == ["Members", "Others"]


async def test_a_refused_request_can_be_mended_and_sent_again(admin: httpx2.AsyncClient) -> None:
    assert_problem(await admin.post("/v1/watchlists", json={"name": ""}, headers=KEY), 422)
    assert (await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)).status_code == 201


async def test_keys_of_others_do_not_count(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    await admin.post("/v1/watchlists", json={"name": "Members"}, headers=KEY)
    colleague = await api.member(harbor, Scope.WRITE)
    assert (await stranger.post("/v1/watchlists", json={"name": "Theirs"}, headers=KEY)).status_code == 201
    assert (await colleague.post("/v1/watchlists", json={"name": "Others"}, headers=KEY)).status_code == 201
    assert await names(admin) == ["Members", "Others"]


async def test_documents_in_lines_can_be_repeated_too(admin: httpx2.AsyncClient) -> None:
    headers = {**KEY, "Content-Type": "application/x-ndjson"}
    first = await admin.post("/v1/documents", content=b'{"text": "one"}\n{"text": "two"}', headers=headers)
    again = await admin.post("/v1/documents", content=b'{"text": "one"}\n{"text": "two"}', headers=headers)
    assert first.json()["new_count"] == 2
    assert again.json() == first.json()


async def test_a_token_is_not_shown_again(admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient) -> None:
    for client, path, body in (
        (admin, "/v1/keys", {"name": "reader", "scopes": ["read"]}),
        (stranger, "/v1/communities", {"name": "New Moor"}),
    ):
        first = (await client.post(path, json=body, headers=KEY)).json()
        again = (await client.post(path, json=body, headers=KEY)).json()
        assert first.get("key", first)["token"].startswith("lw_")
        assert again.get("key", again)["token"] is None
        assert again.get("key", again)["id"] == first.get("key", first)["id"]


async def test_a_repeat_while_the_first_is_worked_on_is_told_so(admin: httpx2.AsyncClient) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"name": '
        begun.set()
        await go_on.wait()
        yield b'"Members"}'

    headers = {**KEY, "Content-Type": "application/json"}
    first = asyncio.create_task(admin.post("/v1/watchlists", content=slow_body(), headers=headers))
    await begun.wait()
    repeat: dict[str, Any] = {"content": b'{"name": "Members"}', "headers": headers}
    assert_problem(await admin.post("/v1/watchlists", **repeat), 409)
    go_on.set()
    assert (await first).status_code == 201
    assert (await admin.post("/v1/watchlists", **repeat)).content == (await first).content
    assert await names(admin) == ["Members"]


@pytest.mark.parametrize("key", ["", "k" * 256, "é", "a\tb"])
async def test_a_key_that_is_none_is_refused(admin: httpx2.AsyncClient, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    assert_problem(await admin.post("/v1/watchlists", json={"name": "Members"}, headers=headers), 422)
    assert await names(admin) == []


async def test_nothing_of_a_preview_is_kept_for_a_repeat(admin: httpx2.AsyncClient) -> None:
    wanted = {"term": {"kind": "pseudonym", "value": "night_heron"}, "text": "ask night_heron"}
    first = await admin.post("/v1/preview", json=wanted, headers=KEY)
    other = await admin.post("/v1/preview", json={**wanted, "text": "nobody"}, headers=KEY)
    assert (first.status_code, other.status_code) == (200, 200)
    assert "idempotency-replayed" not in other.headers
