"""Every error is problem details, and none repeats what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

import httpx2
import pytest
from _pytest.logging import LogCaptureHandler
from starlette.types import Message
from structlog.testing import capture_logs

from core.errors import CryptoError
from core.types import Community, Scope
from tests.api_service import MAXIMUM_BODY_BYTES, Api, assert_problem

pytest_plugins = ["tests.api_fixtures"]

JSON = {"Content-Type": "application/json"}
SAFE = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


async def test_an_unknown_route_and_a_wrong_method_are_problems(admin: httpx2.AsyncClient) -> None:
    assert_problem(await admin.get("/v1/nothing-of-maria"), 404, without=["maria"])
    assert_problem(await admin.get("/v1/watchlists/"), 404)
    answer = await admin.put("/v1/watchlists", json={})
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"] or "GET" in answer.headers["allow"]


async def test_every_answer_carries_safe_headers_and_an_identifier(api: Api, admin: httpx2.AsyncClient) -> None:
    nobody = await api.client()
    for answer in [
        await nobody.get("/healthz"),
        await nobody.get("/v1/alerts"),
        await admin.get("/v1/alerts"),
        await admin.get("/nothing"),
        await admin.post("/v1/watchlists", content=b"{" * 10, headers=JSON),
        await admin.post("/v1/watchlists", content=b" " * (MAXIMUM_BODY_BYTES + 1), headers=JSON),
    ]:
        for name, value in SAFE.items():
            assert answer.headers[name] == value
        assert answer.headers["x-request-id"].startswith("req_")


async def test_wrong_input_is_named_by_its_place_and_not_repeated(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/v1/watchlists", json={"name": 7112, "sensitivity": "SECRET", "pakcs": ["SECRET"]})
    problem = assert_problem(answer, 422, without=["7112", "SECRET"])
    assert {tuple(error["location"]) for error in problem["errors"]} == {
        ("body", "name"),
        ("body", "sensitivity"),
        ("body", "pakcs"),
    }
    assert all(set(error) == {"location", "message"} for error in problem["errors"])


async def test_a_misspelt_filter_is_refused_rather_than_ignored(admin: httpx2.AsyncClient) -> None:
    for path in ("/v1/alerts?severity=high", "/v1/terms?limit=0", "/v1/terms?limit=201", "/v1/alerts?class=SECRET"):
        assert_problem(await admin.get(path), 422, without=["SECRET"])


async def test_a_cursor_that_no_listing_gave_is_refused(admin: httpx2.AsyncClient) -> None:
    for cursor in ("x", "%00", "é", "a" * 1001):
        assert_problem(await admin.get(f"/v1/watchlists?cursor={cursor}"), 422)


async def test_broken_json_is_named_by_its_position_alone(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/v1/watchlists", content=b'{"name": Maria}', headers=JSON)
    problem = assert_problem(answer, 400, without=["Maria"])
    assert problem["errors"][0]["message"].endswith("at character 10")


@pytest.mark.parametrize("body", [b"[" * 90_000, b'{"a":' * 15_000, b"\xff\xfe", b'{"name": ' + b"9" * 5000 + b"}"])
async def test_json_made_to_break_a_parser_is_refused(admin: httpx2.AsyncClient, body: bytes) -> None:
    for path in ("/v1/watchlists", "/v1/documents"):
        answer = await admin.post(path, content=body, headers=JSON)
        assert answer.status_code in {400, 422}
        assert_problem(answer, answer.status_code)


@pytest.mark.parametrize("depth", [12, 200, 900])
async def test_settings_nested_too_deeply_are_refused(admin: httpx2.AsyncClient, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    body = f'{{"kind": "feed", "name": "forum", "settings": {{"url": {nested}}}}}'
    assert_problem(await admin.post("/v1/sources", content=body, headers=JSON), 422)


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b", "a\\udc00b"])
async def test_text_that_no_database_can_hold_is_refused(admin: httpx2.AsyncClient, text: str) -> None:
    for path, body in [
        ("/v1/watchlists", f'{{"name": "{text}"}}'),
        ("/v1/watchlists", f'{{"name": "Members", "terms": [{{"kind": "keyword", "value": "{text}"}}]}}'),
        ("/v1/sources", f'{{"kind": "feed", "name": "forum", "settings": {{"url": "{text}"}}}}'),
        ("/v1/sources", f'{{"kind": "feed", "name": "forum", "settings": {{"{text}": 1}}}}'),
        ("/v1/preview", f'{{"term": {{"kind": "keyword", "value": "safe house"}}, "text": "{text}"}}'),
    ]:
        problem = assert_problem(await admin.post(path, content=body, headers=JSON), 422)
        assert problem["errors"], path
    for path in ("/v1/alerts/a%00b", "/v1/alerts/%ED%A0%80", "/v1/terms?watchlist=%00"):
        assert_problem(await admin.get(path), 422)


async def test_numbers_that_are_none_and_moments_out_of_time_are_refused(admin: httpx2.AsyncClient) -> None:
    settings = '{"kind": "feed", "name": "forum", "settings": {"url": NaN}}'
    assert_problem(await admin.post("/v1/sources", content=settings, headers=JSON), 422)
    assert_problem(await admin.get("/v1/alerts?updated_since=0001-01-01T00:00:00%2B05:00"), 422)
    assert_problem(await admin.get("/v1/alerts?updated_since=2026-11-20T10:00:00"), 422)


async def test_a_body_of_another_kind_is_told_what_to_send(admin: httpx2.AsyncClient) -> None:
    for path in ("/v1/watchlists", "/v1/documents"):
        answer = await admin.post(path, content=b'{"name": "Members"}', headers={"Content-Type": "text/plain"})
        assert "application/json" in assert_problem(answer, 415)["detail"]
        assert_problem(await admin.post(path, content=b'{"name": "Members"}'), 415)


async def test_a_body_over_the_limit_is_not_read_to_its_end(admin: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b" " * 10_000

    for headers in (JSON, JSON | {"Idempotency-Key": "k1"}):
        sent = 0
        assert_problem(await admin.post("/v1/watchlists", content=endless(), headers=headers), 413)
        assert sent <= MAXIMUM_BODY_BYTES + 20_000
    announced = JSON | {"Content-Length": "99999999999999999999"}
    sent = 0
    assert_problem(await admin.post("/v1/watchlists", content=endless(), headers=announced), 413)
    assert sent == 0


async def test_a_body_without_a_key_is_not_read_at_all(api: Api) -> None:
    nobody = await api.client()

    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    assert_problem(await nobody.post("/v1/watchlists", content=body(), headers=JSON), 401)
    assert not read


async def test_a_sender_who_goes_away_is_no_failure(api: Api, admin: httpx2.AsyncClient) -> None:
    authorization = admin.headers["authorization"].encode()
    sent: list[Message] = []

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/documents",
        "query_string": b"",
        "headers": [(b"authorization", authorization), (b"idempotency-key", b"k1")],
    }
    with capture_logs() as logs:
        await api.service.app(scope, gone, send)
    assert sent == []
    assert [(entry["event"], entry["status"]) for entry in logs] == [("a request was answered", 499)]


async def test_a_failure_of_the_server_tells_its_identifier_and_nothing_else(
    api: Api, admin: httpx2.AsyncClient
) -> None:
    async def broken() -> None:
        raise RuntimeError("night_heron is Maria")

    async def sealed() -> None:
        raise CryptoError("the row cannot be opened")

    api.service.app.add_api_route("/broken", broken)
    api.service.app.add_api_route("/sealed", sealed)
    for path, kind in (("/broken", "RuntimeError"), ("/sealed", "CryptoError")):
        with capture_logs() as logs:
            problem = assert_problem(await admin.get(path), 500, without=["heron", "Maria", "row"])
        failed = logs[0]
        assert failed["request_id"] == problem["request_id"]
        assert type(failed["exc_info"]).__name__ == kind


async def test_a_database_that_fails_is_a_503(api: Api, admin: httpx2.AsyncClient) -> None:
    await api.service.store.close()
    nobody = await api.client()
    assert_problem(await nobody.get("/readyz"), 503)
    assert_problem(await admin.get("/v1/alerts"), 503)
    assert (await nobody.get("/healthz")).status_code == 200


async def test_the_log_tells_the_route_and_never_what_was_asked(api: Api, harbor: Community) -> None:
    reader = await api.member(harbor, Scope.READ)
    with capture_logs() as logs:
        await reader.get("/v1/watchlists/wl_maria?reveal=maria")
        await reader.get("/maria?maria=1")
        await reader.request("MARIA", "/v1/watchlists")
    told = [entry for entry in logs if entry["event"] == "a request was answered"]
    assert [(entry["method"], entry["route"], entry["status"]) for entry in told] == [
        ("GET", "/v1/watchlists/{watchlist_id}", 404),
        ("GET", "none", 404),
        ("other", "/v1/watchlists", 405),
    ]
    assert "maria" not in json.dumps(logs).lower()
    # pytest listens to every logger that a server cut off before.
    handlers = [
        each for each in logging.getLogger("uvicorn.access").handlers if not isinstance(each, LogCaptureHandler)
    ]
    assert handlers == []


async def test_the_measures_count_by_route_and_hold_no_identifier(api: Api, harbor: Community) -> None:
    reader = await api.member(harbor, Scope.READ)
    await reader.get("/v1/watchlists/wl_maria")
    await reader.get("/maria")
    measured = await reader.get("/metrics")
    assert measured.headers["content-type"].startswith("text/plain")
    assert (
        'leakwatch_http_requests_total{method="GET",route="/v1/watchlists/{watchlist_id}",status="404"} 1.0'
        in measured.text
    )
    assert "maria" not in measured.text
