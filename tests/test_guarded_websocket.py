"""Listening to a WebSocket: the real library, a real server on loopback."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from core.addresses import connected_socket
from core.errors import AddressRefused, SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from sources.transport.fetching import fetch
from sources.transport.guarded_websocket import MESSAGE_BYTES, check_websocket_url, listen
from tests.certificates import make_certificate
from tests.source_fixtures import loopback_context
from tests.stream_server import StreamServer, stream_server


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Stream", contact="admin@example.org") as made:
        yield made


@pytest.fixture
async def server() -> AsyncIterator[StreamServer]:
    async with stream_server() as made:
        yield made


async def heard(context: SourceContext, url: str, seconds: float = 0.5, **options: Any) -> list[str]:
    async with aclosing(listen(context, url, seconds=seconds, **options)) as messages:
        return [message async for message in messages]


async def test_what_is_said_is_heard_until_time_is_up(context: SourceContext, server: StreamServer) -> None:
    server.messages, server.expects = ["one", b"binary", "two"], 1
    found = await heard(context, f"{server.url}/s?a=b", headers={"Authorization": "Bearer t"}, says=["hello"])
    assert found == ["one", "two"]
    assert server.told == ["hello"]
    (request,) = server.requests
    assert request.path == "/s?a=b"
    assert request.headers["Authorization"] == "Bearer t"
    assert "admin@example.org" in request.headers["User-Agent"]


async def test_a_listener_may_leave_before_time_is_up(context: SourceContext, server: StreamServer) -> None:
    server.messages = ["one", "two"]
    started = context.clock.monotonic()
    async with aclosing(listen(context, server.url, seconds=60)) as messages:
        assert await anext(messages) == "one"
    assert context.clock.monotonic() - started < 5


async def test_a_stream_that_never_pauses_ends_in_time(context: SourceContext, server: StreamServer) -> None:
    server.messages = itertools.repeat("x")
    started = context.clock.monotonic()
    assert await heard(context, server.url, seconds=0.2)
    assert context.clock.monotonic() - started < 3


async def test_the_certificate_is_verified(
    context: SourceContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    async with stream_server(StreamServer(messages=["one"]), certificate.context) as server:
        with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 cannot be reached: its certificate is not valid$"):
            await heard(context, server.url)
        assert server.requests == []
        (tmp_path / "trusted.pem").write_text(certificate.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        assert await heard(context, server.url) == ["one"]


@pytest.mark.parametrize("beginning", ["ws", "wss"])
async def test_an_address_that_is_not_public_is_not_connected_to(server: StreamServer, beginning: str) -> None:
    async with loopback_context("Stream", allowed_networks=[]) as closed:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(SourceBroken, match=rf"^{host} is not a public address$"):
                await heard(closed, server.url.replace("ws://127.0.0.1", f"{beginning}://{host}"))
        with pytest.raises(SourceBroken, match=r"^0x7f000001 is not written as a plain address$"):
            await heard(closed, f"{beginning}://0x7f000001:80/")
    assert server.requests == []


async def test_a_redirect_is_not_followed(context: SourceContext, server: StreamServer) -> None:
    server.status, server.headers = 302, {"Location": "/secret"}
    with pytest.raises(SourceUnavailable) as caught:
        await heard(context, server.url)
    assert "secret" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(401, SourceBroken), (404, SourceBroken), (429, SourceUnavailable), (503, SourceUnavailable)]
)
async def test_a_refusal_says_whether_trying_again_helps(
    context: SourceContext, server: StreamServer, status: int, error: type[SourceError]
) -> None:
    server.status, server.headers = status, {"Retry-After": "90"}
    with pytest.raises(error, match=rf"^127\.0\.0\.1 .* \(status {status}\)$") as caught:
        await heard(context, f"{server.url}/secret")
    if isinstance(caught.value, SourceUnavailable):
        assert caught.value.retry_after == timedelta(seconds=90)


async def test_what_a_stream_is_asked_to_wait_holds_for_all_with_the_same_login(
    context: SourceContext, server: StreamServer
) -> None:
    server.status, server.headers = 429, {"Retry-After": "90"}
    with pytest.raises(SourceUnavailable):
        await heard(context, server.url, headers={"Authorization": "Bearer a"})
    server.status = None
    for ask in (
        heard(context, server.url, headers={"Authorization": "Bearer a"}),
        fetch(context, f"{server.url.replace('ws:', 'http:')}/list", headers={"Authorization": "Bearer a"}),
    ):
        with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 asked to be left alone for a while$") as caught:
            await ask
        assert caught.value.retry_after is not None
        assert timedelta(seconds=80) < caught.value.retry_after <= timedelta(seconds=90)
    assert len(server.requests) == 1
    await heard(context, server.url, seconds=0.1, headers={"Authorization": "Bearer b"})
    assert len(server.requests) == 2


async def test_a_message_over_the_limit_ends_the_stream(context: SourceContext, server: StreamServer) -> None:
    server.messages = ["a" * (MESSAGE_BYTES + 1)]  # compressed on the way, to a thousandth of it
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 ended the stream \(code 1009\)$"):
        await heard(context, server.url)


async def test_a_stream_that_the_other_side_ends_is_an_error(context: SourceContext, server: StreamServer) -> None:
    server.ends = True
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 ended the stream \(code 1000\)$"):
        await heard(context, server.url, seconds=60)


async def test_a_server_that_says_nothing_at_all_is_given_up() -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.set()

    async with (
        loopback_context("Stream", timeout_seconds=0.3) as hasty,
        await asyncio.start_server(silent, "127.0.0.1", 0) as listening,
    ):
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 gave no stream \(TimeoutError\)$"):
            await heard(hasty, f"ws://127.0.0.1:{port}/secret")
        await ended.wait()


async def test_no_connection_is_one_sentence(context: SourceContext) -> None:
    with pytest.raises(SourceUnavailable, match=r"^127\.0\.0\.1 cannot be reached: no connection$"):
        await heard(context, "ws://127.0.0.1:9/secret")


@pytest.mark.parametrize(
    "url", ["http://a.example/", "a.example", "ws://u:p@a.example/", "ws:///x", "wss://a.example\\b"]
)
def test_an_address_that_is_no_stream_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_websocket_url(url)


def test_a_checked_socket_tries_every_address_of_a_host() -> None:
    def both(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        loopback = [ip_network("127.0.0.0/8")]
        with connected_socket("a.example", port, loopback, timeout_seconds=5, resolver=both) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
        with pytest.raises(AddressRefused, match=r"^a\.example is not a public address$"):
            connected_socket("a.example", port, loopback[:0], timeout_seconds=5, resolver=both)
