"""The API behind a real server on loopback."""

from __future__ import annotations

import asyncio

import httpx2

from core.types import Community, Scope
from tests.api_service import MAXIMUM_BODY_BYTES, Api, assert_problem

pytest_plugins = ["tests.api_fixtures"]


async def test_a_leak_is_watched_found_and_closed_over_http(api: Api, harbor: Community, address: str) -> None:
    admin = await api.member(harbor, Scope.ADMIN)
    async with httpx2.AsyncClient(base_url=address, headers=admin.headers) as client:
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        watchlist = {"name": "Members", "terms": [{"kind": "pseudonym", "value": "night_heron"}]}
        assert (await client.post("/v1/watchlists", json=watchlist)).status_code == 201
        taken = await client.post("/v1/documents", json={"text": "so n1ght_h3ron is really Maria Gonzalez"})
        (alert_id,) = taken.json()["alert_ids"]
        incident = (await client.get(f"/v1/alerts/{alert_id}")).json()["incident_id"]
        closed = await client.post(f"/v1/incidents/{incident}/dismiss", json={"reason": "a namesake"})
        assert closed.json()["state"] == "dismissed"
        assert "server" not in closed.headers


async def test_a_body_over_the_limit_is_answered_before_it_ends(api: Api, harbor: Community, address: str) -> None:
    admin = await api.member(harbor, Scope.ADMIN)
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    authorization = admin.headers["authorization"]
    writer.write(
        b"POST /v1/watchlists HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + f"Authorization: {authorization}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b" " * 50_000
    for _ in range(MAXIMUM_BODY_BYTES // len(chunk) + 1):
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    await writer.drain()
    async with asyncio.timeout(10):
        status = await reader.readline()
    assert status.startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_many_ask_at_once_and_all_are_answered(api: Api, harbor: Community, address: str) -> None:
    admin = await api.member(harbor, Scope.ADMIN)
    async with httpx2.AsyncClient(base_url=address, headers=admin.headers, timeout=30) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/watchlists", json={"name": f"List {number}"}) for number in range(30))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len((await client.get("/v1/watchlists?limit=200")).json()["items"]) == 30
        assert_problem(await client.get("/nothing"), 404)
