"""Webhooks: signed as Standard Webhooks says, through the real guarded client, to a real receiver."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from werkzeug import Response

from alerting.notifiers.webhook import WebhookNotifier, WebhookSettings, signed_headers
from core.clock import SystemClock
from core.errors import DeliveryDeferred, DeliveryRefused
from core.http import GuardedClient
from core.ports import NotifierContext
from core.settings import HttpSettings
from core.types import Detail, EventType, Notice
from tests.alerting_fixtures import START

SECRET = "whsec_bGVha3dhdGNoLXRlc3Qtc2VjcmV0LW51bWJlci1vbmU="
OLD_SECRET = "whsec_bGVha3dhdGNoLXRlc3Qtc2VjcmV0LW51bWJlci10d28="
NOTICE = Notice(
    idempotency_key="msg_1",
    sequence=7,
    event=EventType.TEST_PING,
    sent_at=START,
    community="Harbor Commons ⚓",
    detail=Detail.REDACTED,
    summary="This is a test.",
    content_notes=("violence",),
)


@pytest.fixture
async def context() -> AsyncIterator[NotifierContext]:
    clock = SystemClock()
    settings = HttpSettings(allowed_networks=("127.0.0.0/8",), host_interval_seconds=0)
    async with GuardedClient(settings, clock) as http:
        yield NotifierContext(http=http, clock=clock)


def notifier(server: HTTPServer, context: NotifierContext, **settings: Any) -> WebhookNotifier:
    return WebhookNotifier(WebhookSettings(url=server.url_for("/hook"), secret=SECRET, **settings), context)


async def test_a_receiver_verifies_the_message_with_the_standard_package(
    httpserver: HTTPServer, context: NotifierContext
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data(status=204)
    await notifier(httpserver, context).send(NOTICE)
    request, _ = httpserver.log[0]
    body = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
    assert (body["version"], body["type"], body["sequence"]) == (1, "test.ping", 7)
    assert body["data"]["community"] == "Harbor Commons ⚓"
    assert body["data"]["content_notes"] == ["violence"]
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["content-type"] == "application/json"


async def test_both_secrets_sign_during_a_rotation_and_no_other_verifies(
    httpserver: HTTPServer, context: NotifierContext
) -> None:
    httpserver.expect_request("/hook").respond_with_data()
    await notifier(httpserver, context, previous_secret=OLD_SECRET).send(NOTICE)
    request, _ = httpserver.log[0]
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(request.get_data(), dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request.get_data(), dict(request.headers))


def test_signatures_are_those_of_the_published_vectors(shared: Path) -> None:
    with gzip.open(shared / "data/protocols/standard_webhooks_vectors.jsonl.gz", "rt") as lines:
        vectors = [json.loads(line) for line in lines]
    assert vectors
    for vector in vectors:
        at = datetime.fromtimestamp(int(vector["webhook-timestamp"]), UTC)
        headers = signed_headers([vector["secret"]], vector["webhook-id"], at, vector["payload"])
        assert headers["webhook-signature"] == vector["webhook-signature"]
        assert headers["webhook-timestamp"] == vector["webhook-timestamp"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_a_passing_failure_is_deferred_by_what_the_receiver_asks(
    status: int, httpserver: HTTPServer, context: NotifierContext
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=status, headers={"Retry-After": "77"})
    with pytest.raises(DeliveryDeferred, match=str(status)) as failure:
        await notifier(httpserver, context).send(NOTICE)
    assert failure.value.retry_after == timedelta(seconds=77)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 422])
async def test_what_trying_again_does_not_mend_is_refused(
    status: int, httpserver: HTTPServer, context: NotifierContext
) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(DeliveryRefused, match=str(status)) as failure:
        await notifier(httpserver, context).send(NOTICE)
    assert not failure.value.gone
    assert [request.path for request, _ in httpserver.log] == ["/hook"]


async def test_gone_is_gone(httpserver: HTTPServer, context: NotifierContext) -> None:
    httpserver.expect_request("/hook").respond_with_data(status=410)
    with pytest.raises(DeliveryRefused) as failure:
        await notifier(httpserver, context).send(NOTICE)
    assert failure.value.gone


async def test_a_receiver_that_cannot_be_reached_is_deferred(context: NotifierContext) -> None:
    settings = WebhookSettings(url="http://127.0.0.1:9/hook", secret=SECRET)
    with pytest.raises(DeliveryDeferred, match=r"127\.0\.0\.1"):
        await WebhookNotifier(settings, context).send(NOTICE)


async def test_an_address_inside_the_network_is_refused_unless_allowed(httpserver: HTTPServer) -> None:
    clock = SystemClock()
    async with GuardedClient(HttpSettings(), clock) as http:
        with pytest.raises(DeliveryRefused, match="public"):
            await notifier(httpserver, NotifierContext(http=http, clock=clock)).send(NOTICE)
    assert httpserver.log == []


async def test_an_endless_answer_is_refused(httpserver: HTTPServer, context: NotifierContext) -> None:
    httpserver.expect_request("/hook").respond_with_response(Response(b"x" * 1_000_001))
    with pytest.raises(DeliveryRefused, match="larger"):
        await notifier(httpserver, context).send(NOTICE)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://hooks.example/1", "secret": SECRET},
        {"url": "https://user:word@hooks.example/1", "secret": SECRET},
        {"url": "ftp://hooks.example/1", "secret": SECRET},
        {"url": "https://hooks.example/1", "secret": "whsec_c2hvcnQ="},
        {"url": "https://hooks.example/1", "secret": SECRET.removeprefix("whsec_")},
        {"url": "https://hooks.example/1", "secret": "whsec_!!!"},
        {"url": "https://hooks.example/1", "secret": SECRET, "surprise": 1},
    ],
)
def test_wrong_settings_are_refused_without_quoting_a_secret(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="WebhookSettings") as failure:
        WebhookSettings(**settings)
    assert "c2hvcnQ" not in str(failure.value)


def test_settings_show_no_secret_and_no_address() -> None:
    shown = repr(WebhookSettings(url="https://hooks.example/secret-path", secret=SECRET))
    assert "secret-path" not in shown
    assert "bGVh" not in shown
