"""Whatever way out of this program an address takes, it leads to no machine that is not public: a listener on this
machine counts the connections."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from alerting.notifiers.webhook import WebhookNotifier, WebhookSettings
from core.clock import SystemClock
from core.errors import AddressRefused, DeliveryDeferred, DeliveryRefused, FetchError, SourceBroken
from core.http import GuardedClient
from core.ports import NotifierContext, SourceContext
from core.settings import HttpSettings
from sources.feed import FeedSettings, FeedSource
from sources.transport.guarded_session import guarded_session
from tests.test_notifier_webhook import NOTICE, SECRET

# Ways to write addresses of this machine, of its network and of a cloud's metadata, beside those of the collection.
SPELLINGS = (
    *("http://localhost./", "http://LOCALHOST/", "http://127.0.0.1./", "http://0x7f.0.0.1/", "http://0x7F.1/"),
    *("http://0177.0.0.01/", "http://017700000001/", "http://0/", "http://00000177.0.0.1/", "http://127.0.0.0x1/"),
    *("http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/"),
    *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25lo]/", "http://[fd00::1]/"),
    *("http://[0:0:0:0:0:ffff:a9fe:a9fe]/", "http://[::ffff:0:127.0.0.1]/", "http://[fec0::1]/", "http://[ff02::1]/"),
    *("http://１２７.０.０.１/", "http://127。0。0。1/", "http://①②⑦.⓪.⓪.①/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://１６９．２５４．１６９．２５４/"),
    *("http://%31%32%37.0.0.1/", "http://127.0.0.1%2f@site.example/", "http://site.example@127.0.0.1/"),
    *("http://127.0.0.1\t/", "http://127.0.0.1\r\nHost: site.example/", "http://127.0.0.1 .site.example/"),
    *("//127.0.0.1/",),
    *("http://10.0.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://169.254.169.254/", "ftp://127.0.0.1/"),
)  # fmt: skip


def known_names(host: str, port: int) -> Sequence[str]:
    """Look up as a resolver with the usual entries of a machine's own does, and with names that attackers own."""
    known = {
        "localhost": ["127.0.0.1"],
        "localhost.": ["127.0.0.1"],
        "ip6-localhost": ["::1"],
        "ip6-loopback": ["::1"],
        "private.example": ["127.0.0.1"],
        "mixed.example": ["198.51.100.7", "127.0.0.1"],
        "mapped.example": ["::ffff:127.0.0.1"],
        "translated.example": ["64:ff9b::7f00:1"],
        "scoped.example": ["fe80::1%1"],
    }
    if host not in known:
        raise OSError("unknown name")
    return known[host]


@pytest.fixture(scope="module")
def addresses(shared: Path) -> list[str]:
    lines = gzip.decompress((shared / "data/protocols/ssrf_urls.jsonl.gz").read_bytes()).splitlines()
    collected = [row["text"] for row in map(json.loads, lines) if row["should_block"] in (True, "template")]
    assert len(collected) > 45
    owned = [f"http://{name}.example/" for name in ("private", "mixed", "mapped", "translated", "scoped")]
    return [*collected, *SPELLINGS, *owned]


class Listener:
    """Counts connections on this machine, answering each with a redirect or with nothing of interest."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self.location = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nLocation: {self.location}\r\n" if self.location else "HTTP/1.1 200 OK\r\n"
        writer.write(f"{head}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(host: str = "127.0.0.1") -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, host, 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


def client(resolver: Callable[[str, int], Sequence[str]] = known_names, *allowed: str) -> GuardedClient:
    settings = HttpSettings.model_validate({"allowed_networks": allowed, "host_interval_seconds": 0})
    return GuardedClient(settings, SystemClock(), resolver=resolver)


def at_port(url: str, port: int) -> str:
    """Return the address with the listener's port in place of its own, where that can be done by a look at it."""
    start, slashes, rest = url.partition("://")
    host = rest.partition("/")[0]
    bare = host if host.endswith("]") else host.rpartition(":")[0] or host
    return f"http{slashes}{bare}:{port}/" if slashes and start in ("http", "https") else url


async def test_the_client_connects_to_none_of_them(addresses: list[str]) -> None:
    async with listening() as listener, client() as http:
        for address in addresses:
            for url in (address, at_port(address, listener.port)):
                with pytest.raises(AddressRefused):
                    await http.request("GET", url)
        assert listener.connections == 0


async def test_no_redirect_leads_to_one_of_them(addresses: list[str]) -> None:
    async with listening() as inner, listening("127.0.0.2") as outer, client(known_names, "127.0.0.2/32") as http:
        for address in addresses:
            for location in (address, at_port(address, inner.port)):
                # What no header can hold is left out, and so is http:127.0.0.1, a path at the host that redirects.
                if location.isprintable() and location.isascii() and not location.startswith("http:127"):
                    outer.location = location
                    with pytest.raises(AddressRefused):
                        await http.request("GET", f"http://127.0.0.2:{outer.port}/")
        assert outer.connections > 100
        assert inner.connections == 0


async def test_no_source_reads_one_of_them(addresses: list[str]) -> None:
    async with listening() as listener, client() as http:
        context = SourceContext(name="Place", http=http, clock=SystemClock())
        for address in addresses:
            with pytest.raises((ValidationError, SourceBroken)):
                await FeedSource(FeedSettings(url=at_port(address, listener.port)), context).poll(None)
        assert listener.connections == 0


def webhook(url: str) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": url, "secret": SECRET})


async def test_no_webhook_is_sent_to_one_of_them(addresses: list[str]) -> None:
    async with listening() as listener, client() as http:
        context = NotifierContext(http=http, clock=SystemClock())
        for address in addresses:
            url = at_port(address, listener.port)
            for secured in (url, url.replace("http://", "https://")):
                with pytest.raises((ValidationError, DeliveryRefused, DeliveryDeferred)):
                    await WebhookNotifier(webhook(secured), context).send(NOTICE)
        assert listener.connections == 0


async def test_no_library_that_brings_its_own_client_reaches_one_of_them(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "core.addresses.socket.getaddrinfo",
        lambda host, port, **_: [(None, None, None, "", (address, port)) for address in known_names(host, port)],
    )
    async with listening() as listener:
        for address in addresses:
            with pytest.raises((FetchError, ValueError, OSError)):
                await asyncio.to_thread(guarded_session(HttpSettings()).get, at_port(address, listener.port), timeout=1)
        assert listener.connections == 0


async def test_an_answer_that_changes_between_two_look_ups_does_not_help() -> None:
    looked_up: list[str] = []

    def public_first(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return ["127.0.0.2"] if len(looked_up) == 1 else ["127.0.0.1"]

    async with listening() as inner, listening("127.0.0.2") as outer, client(public_first, "127.0.0.2/32") as http:
        outer.location = f"http://turning.example:{inner.port}/"
        with pytest.raises(AddressRefused, match=r"^turning\.example is not a public address$"):
            await http.request("GET", f"http://turning.example:{outer.port}/")
        assert (outer.connections, inner.connections) == (1, 0)
        assert looked_up == ["turning.example", "turning.example"]
