"""The chat channels over the wire: real requests to servers that answer as each service documents it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from core.clock import SystemClock
from core.errors import DeliveryDeferred, DeliveryRefused, SettingsError
from core.http import GuardedClient
from core.ports import Notifier, NotifierContext
from core.settings import HttpSettings
from tests.channel_fixtures import CHANNELS, NOTICE
from tests.test_notifiers_contract import REGISTRY

KINDS = sorted(CHANNELS)

TAKEN: dict[str, tuple[int, Any]] = {
    "discord": (200, {"id": "1", "type": 0, "channel_id": "2", "content": "", "embeds": []}),
    "slack": (200, "ok"),
    "mattermost": (200, "ok"),
    "matrix": (200, {"event_id": "$YUwRidLecu:matrix.example"}),
    "telegram": (200, {"ok": True, "result": {"message_id": 7, "date": 0, "chat": {"id": -1001, "type": "channel"}}}),
    "ntfy": (200, {"id": "hwQ2YpKdmg", "time": 1, "event": "message", "topic": "leaks", "message": "…"}),
}  # fmt: skip

# The service's own answers: status, headers, body, what our sentence names besides the status, and whether that is for
# ever. A time to wait is given where one is asked for.
REFUSED: list[tuple[str, int, Any, str, bool]] = [
    ("discord", 400, {"code": 50035, "message": "Invalid Form Body", "errors": {}}, "50035", False),
    ("discord", 401, {"code": 50027, "message": "Invalid Webhook Token"}, "50027", True),
    ("discord", 404, {"code": 10015, "message": "Unknown Webhook"}, "10015", True),
    ("discord", 404, "<html>not Discord's own words</html>", "404", False),
    ("slack", 400, "invalid_payload", "invalid_payload", False),
    ("slack", 403, "action_prohibited", "action_prohibited", False),
    ("slack", 403, "invalid_token", "invalid_token", True),
    ("slack", 404, "no_service", "no_service", True),
    ("slack", 404, "channel_not_found", "channel_not_found", False),
    ("slack", 410, "channel_is_archived", "channel_is_archived", True),
    ("mattermost", 400, {"id": "web.incoming_webhook.invalid.app_error", "status_code": 400}, "invalid", False),
    ("mattermost", 403, {"id": "web.incoming_webhook.channel_locked.app_error", "status_code": 403}, "locked", False),
    ("mattermost", 404, "404 page not found", "404", False),
    ("matrix", 400, {"errcode": "M_BAD_JSON", "error": "Event content is not valid"}, "M_BAD_JSON", False),
    ("matrix", 401, {"errcode": "M_UNKNOWN_TOKEN", "error": "Unrecognised token"}, "M_UNKNOWN_TOKEN", True),
    ("matrix", 403, {"errcode": "M_FORBIDDEN", "error": "User is not in the room"}, "M_FORBIDDEN", False),
    ("matrix", 413, {"errcode": "M_TOO_LARGE", "error": "event too large"}, "M_TOO_LARGE", False),
    ("telegram", 400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}, "400", False),
    ("telegram", 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}, "401", True),
    ("telegram", 401, "a proxy asks for a login", "401", False),
    ("telegram", 403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was kicked"}, "403", False),
    ("telegram", 404, {"ok": False, "error_code": 404, "description": "Not Found"}, "404", False),
    ("ntfy", 400, {"code": 40009, "http": 400, "error": "invalid request: topic invalid"}, "40009", False),
    ("ntfy", 401, {"code": 40101, "http": 401, "error": "unauthorized"}, "40101", False),
    ("ntfy", 403, {"code": 40301, "http": 403, "error": "forbidden"}, "40301", False),
    ("ntfy", 413, {"code": 41303, "http": 413, "error": "JSON body too large"}, "41303", False),
]
LIMITED: list[tuple[str, int, dict[str, str], Any, float | None]] = [
    ("discord", 429, {}, {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}, 64.57),
    ("discord", 429, {"Retry-After": "65"}, {"message": "…", "retry_after": 64.57, "global": False}, 65),
    ("slack", 429, {"Retry-After": "30"}, "rate_limited", 30),
    ("mattermost", 429, {"Retry-After": "9"}, "limit exceeded", 9),
    ("matrix", 429, {}, {"errcode": "M_LIMIT_EXCEEDED", "error": "Too many requests", "retry_after_ms": 2500}, 2.5),
    ("matrix", 429, {"Retry-After": "3"}, {"errcode": "M_LIMIT_EXCEEDED"}, 3),
    ("telegram", 429, {}, {"ok": False, "error_code": 429, "description": "…", "parameters": {"retry_after": 14}}, 14),
    ("ntfy", 429, {}, {"code": 42901, "http": 429, "error": "limit reached: too many requests"}, None),
    ("discord", 502, {}, "<html>bad gateway</html>", None),
    ("slack", 500, {}, "rollup_error", None),
    ("mattermost", 501, {}, {"id": "web.incoming_webhook.disabled.app_error", "status_code": 501}, None),
    ("matrix", 504, {}, "", None),
    ("telegram", 500, {}, {"ok": False, "error_code": 500, "description": "Internal Server Error"}, None),
    ("ntfy", 507, {}, {"code": 50701, "http": 507, "error": "cannot publish"}, None),
]


@pytest.fixture
async def context() -> AsyncIterator[NotifierContext]:
    clock = SystemClock()
    settings = HttpSettings(allowed_networks=("127.0.0.0/8",), host_interval_seconds=0)
    async with GuardedClient(settings, clock) as http:
        yield NotifierContext(http=http, clock=clock)


def notifier(kind: str, base: str, context: NotifierContext) -> Notifier:
    return REGISTRY.build(kind, CHANNELS[kind].settings(base.rstrip("/")), context)


def answering(server: HTTPServer, kind: str, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
    """Have the server answer so where the channel's request belongs, and 500 anywhere else."""
    channel = CHANNELS[kind]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    server.expect_request(channel.path, method=channel.method).respond_with_data(text, status=status, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_notice_is_posted_as_json_where_it_belongs(
    kind: str, httpserver: HTTPServer, context: NotifierContext
) -> None:
    answering(httpserver, kind, *TAKEN[kind])
    await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
    ((request, _),) = httpserver.log
    assert request.headers["content-type"] == "application/json"
    assert "█████ is M████ G███████" in json.dumps(request.get_json(), ensure_ascii=False)


async def test_each_service_is_told_what_it_needs_to_know(httpserver: HTTPServer, context: NotifierContext) -> None:
    sent: dict[str, Request] = {}
    for kind in KINDS:
        httpserver.clear()
        answering(httpserver, kind, *TAKEN[kind])
        await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
        ((sent[kind], _),) = httpserver.log
    assert sent["discord"].args["wait"] == "true"
    assert sent["matrix"].headers["authorization"] == "Bearer zqxsecret"
    assert sent["ntfy"].headers["authorization"] == "Bearer tk_zqxsecret"
    assert sent["telegram"].get_json()["chat_id"] == "-1001"
    assert sent["ntfy"].get_json()["topic"] == "zqxsecret"
    assert "authorization" not in sent["slack"].headers


async def test_discord_may_be_given_a_thread_in_the_address(httpserver: HTTPServer, context: NotifierContext) -> None:
    answering(httpserver, "discord", *TAKEN["discord"])
    settings = {"url": httpserver.url_for("/hook/zqxsecret?thread_id=7&wait=false")}
    await REGISTRY.build("discord", settings, context).send(NOTICE)
    ((request, _),) = httpserver.log
    assert request.args.to_dict(flat=False) == {"thread_id": ["7"], "wait": ["true"]}


async def test_a_repeat_to_matrix_is_no_second_message(httpserver: HTTPServer, context: NotifierContext) -> None:
    room: dict[str, Any] = {}

    def keep(request: Request) -> Response:
        room.setdefault(request.path, request.get_json())
        return Response(json.dumps({"event_id": f"${len(room)}"}), content_type="application/json")

    httpserver.expect_request(CHANNELS["matrix"].path, method="PUT").respond_with_handler(keep)
    httpserver.expect_request(CHANNELS["matrix"].path.replace("msg_1", "msg_2")).respond_with_handler(keep)
    matrix = notifier("matrix", httpserver.url_for(""), context)
    for notice in (NOTICE, NOTICE, replace(NOTICE, idempotency_key="msg_2")):
        await matrix.send(notice)
    assert len(room) == 2


@pytest.mark.parametrize(("kind", "status", "answer", "named", "gone"), REFUSED)
async def test_what_trying_again_does_not_mend_is_refused(
    kind: str, status: int, answer: Any, named: str, gone: bool, httpserver: HTTPServer, context: NotifierContext
) -> None:
    answering(httpserver, kind, status, answer)
    with pytest.raises(DeliveryRefused, match=str(status)) as failure:
        await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
    assert named in str(failure.value)
    assert (failure.value.status, failure.value.gone) == (status, gone)


@pytest.mark.parametrize(("kind", "status", "headers", "answer", "seconds"), LIMITED)
async def test_what_passes_is_deferred_for_as_long_as_the_service_asks(
    kind: str,
    status: int,
    headers: dict[str, str],
    answer: Any,
    seconds: float | None,
    httpserver: HTTPServer,
    context: NotifierContext,
) -> None:
    answering(httpserver, kind, status, answer, headers)
    with pytest.raises(DeliveryDeferred, match=str(status)) as failure:
        await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
    assert failure.value.status == status
    assert failure.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "answer",
    [
        '{"retry_after": "soon"}', '{"retry_after": -1}', '{"retry_after": true}', '{"retry_after": NaN}', "[]", "5",
        '{"parameters": []}', '{"retry_after_ms": null}', "[" * 100_000, "\xff", '{"retry_after": ' + "9" * 5000 + "}",
    ],
    ids=range(11),
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_makes_no_sense_is_deferred_without_a_time(
    kind: str, answer: str, httpserver: HTTPServer, context: NotifierContext
) -> None:
    answering(httpserver, kind, 429, answer)
    with pytest.raises(DeliveryDeferred) as failure:
        await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
    assert failure.value.retry_after is None


async def test_an_endless_wait_is_bounded(httpserver: HTTPServer, context: NotifierContext) -> None:
    answering(httpserver, "discord", 429, '{"retry_after": 1e300}')
    with pytest.raises(DeliveryDeferred) as failure:
        await notifier("discord", httpserver.url_for(""), context).send(NOTICE)
    assert failure.value.retry_after == timedelta(seconds=10**9)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_redirect_is_not_followed(kind: str, httpserver: HTTPServer, context: NotifierContext) -> None:
    answering(httpserver, kind, 307, "", {"Location": "/elsewhere"})
    with pytest.raises(DeliveryRefused, match="307"):
        await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_service_on_this_machine_is_refused_unless_allowed(kind: str, httpserver: HTTPServer) -> None:
    clock = SystemClock()
    async with GuardedClient(HttpSettings(), clock) as http:
        with pytest.raises(DeliveryRefused, match="public"):
            await notifier(kind, httpserver.url_for(""), NotifierContext(http=http, clock=clock)).send(NOTICE)
    assert httpserver.log == []


@pytest.mark.parametrize("kind", KINDS)
async def test_no_secret_is_shown_or_logged_whatever_fails(
    kind: str, httpserver: HTTPServer, context: NotifierContext
) -> None:
    secret = CHANNELS[kind].secret
    said: list[str] = []
    with capture_logs() as logs:
        for status in (400, 404, 429, 500):
            httpserver.clear()
            answering(httpserver, kind, status, {"code": secret + "!", "errcode": secret + "!", "id": secret + "!"})
            with pytest.raises((DeliveryRefused, DeliveryDeferred)) as failure:
                await notifier(kind, httpserver.url_for(""), context).send(NOTICE)
            said += [str(failure.value), repr(failure.value)]
        with pytest.raises(DeliveryDeferred) as failure:
            await notifier(kind, "http://127.0.0.1:9", context).send(NOTICE)
    said += [str(failure.value), str(failure.value.__cause__), repr(logs)]
    said.append(repr(REGISTRY.check_settings(kind, CHANNELS[kind].settings("https://chat.example"))))
    assert not [one for one in said if secret in one]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "base", ["http://chat.example", "https://user:zqxword@chat.example", "ftp://chat.example", "chat"]
)
def test_only_https_addresses_are_taken_and_none_is_quoted(kind: str, base: str) -> None:
    with pytest.raises(SettingsError, match="url") as failure:
        REGISTRY.check_settings(kind, CHANNELS[kind].settings(base))
    assert "zqxsecret" not in str(failure.value)
    assert "zqxword" not in str(failure.value)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("telegram", {"token": "zqxsecret"}),
        ("telegram", {"token": "1:zqxsecret\r\nHost: evil.example"}),
        ("telegram", {"token": "1:zqxsecret/../getMe"}),
        ("telegram", {"chat": "somebody"}),
        ("matrix", {"access_token": "zqxsecret\r\nx: y"}),
        ("matrix", {"access_token": ""}),
        ("matrix", {"room": "#alias:matrix.example"}),
        ("matrix", {"room": "!a/../b:matrix.example"}),
        ("ntfy", {"topic": "zqxsecret/x"}),
        ("ntfy", {"token": "zqxsecret x"}),
        ("slack", {"surprise": 1}),
        ("discord", {"username": "Leakwatch"}),
        ("mattermost", {"channel": "town-square"}),
    ],
)
def test_wrong_settings_are_refused_by_name_without_their_value(kind: str, wrong: dict[str, Any]) -> None:
    settings = {**CHANNELS[kind].settings("https://chat.example"), **wrong}
    with pytest.raises(SettingsError, match=next(iter(wrong))) as failure:
        REGISTRY.check_settings(kind, settings)
    assert "zqxsecret" not in str(failure.value)
