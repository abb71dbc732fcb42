"""The guarded way out, against real servers on loopback and resolvers that answer what an attacker would."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.addresses import checked_addresses, is_public
from core.clock import SystemClock
from core.errors import AddressRefused, AskedToWait, FetchError, TooLarge
from core.http import GuardedClient, check_url
from core.settings import HttpSettings
from core.turns import Turns

LOOPBACK = (IPv4Network("127.0.0.0/8"),)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Handler = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A raw HTTP server on loopback that counts its connections and keeps the requests' heads."""

    def __init__(self, answer: bytes | Handler) -> None:
        self.answer = answer
        self.connection_count = 0
        self.heads: list[bytes] = []
        self.port = 0

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if isinstance(self.answer, bytes):
                writer.write(self.answer)
                await writer.drain()
            else:
                await self.answer(head, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: bytes | Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def ok(body: bytes = b"hello", *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def names(**addresses: str | Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows these names only (``_`` stands for a dot)."""
    known = {name.replace("_", "."): [found] if isinstance(found, str) else found for name, found in addresses.items()}

    def resolver(host: str, port: int) -> Sequence[str]:
        if host not in known:
            raise OSError("unknown name")
        return known[host]

    return resolver


def settings(**changes: object) -> HttpSettings:
    return HttpSettings.model_validate(
        {"allowed_networks": ["127.0.0.0/8"], "host_interval_seconds": 0, "timeout_seconds": 10} | changes
    )


def client(resolver: Callable[[str, int], Sequence[str]] | None = None, **changes: object) -> GuardedClient:
    return GuardedClient(settings(**changes), SystemClock(), resolver=resolver or names())


# ── addresses ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.170", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
        *("192.88.99.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"),
        *(
            "2002:7f00:1::",
            "2002:808:808::1",
            "2002:a9fe:a9fe::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::808:808",
        ),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1", "fe80::1%1", "fec0::1", "fc00::1", "fd00:ec2::254"),
        *("ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "4000::1"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused):
        checked_addresses(address, 80)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_passes(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "8.8.8.010", "0x8.0x8.0x8.0x8"])
def test_an_address_in_another_notation_is_refused_without_a_look_up(host: str) -> None:
    with pytest.raises(AddressRefused):
        checked_addresses(host, 80, resolver=lambda *_: ["8.8.8.8"])


def test_a_mixed_answer_is_refused_as_a_whole() -> None:
    with pytest.raises(AddressRefused):
        checked_addresses("mixed.example", 80, resolver=lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_a_mapped_address_is_connected_to_as_what_it_is() -> None:
    assert checked_addresses("::ffff:127.0.0.1", 80, LOOPBACK) == (str(IPv4Address("127.0.0.1")),)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "http://user@example.org/", "http://user:pass@example.org/", "/path", "http:///x", ""]
)
def test_only_plain_http_addresses_are_accepted(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url)


# ── connecting ──────────────────────────────────────────────────────────────────────────────────


async def test_a_name_is_looked_up_once_and_connected_to_as_checked() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    looked_up: list[str] = []

    def changing(host: str, port: int) -> Sequence[str]:
        looked_up.append(host)
        return next(answers)

    async with serving(ok()) as server, client(changing) as http:
        response = await http.request("GET", server.url("/a?b=c", "rebinding.example"))
        assert (response.status, response.body) == (200, b"hello")
        assert response.url == server.url("/a?b=c", "rebinding.example")
        assert looked_up == ["rebinding.example"]
        assert server.heads[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
        assert f"host: rebinding.example:{server.port}".encode() in server.heads[0].lower()
        with pytest.raises(AddressRefused):
            await http.request("GET", server.url("/", "rebinding.example"))
        assert server.connection_count == 1


async def test_the_next_checked_address_is_tried_when_the_first_does_not_answer() -> None:
    async with serving(ok()) as server, client(names(two_example=["127.0.0.9", "127.0.0.1"])) as http:
        assert (await http.request("GET", server.url("/", "two.example"))).body == b"hello"


async def test_a_name_without_address_and_a_closed_port_are_told_apart() -> None:
    async with serving(ok()) as server:
        url = server.url("/secret?token=1")
    async with client() as http:
        with pytest.raises(FetchError, match=r"^nowhere\.example has no address$"):
            await http.request("GET", "http://nowhere.example/secret")
        with pytest.raises(FetchError, match=r"^127\.0\.0\.1 cannot be reached: no connection$"):
            await http.request("GET", url)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(ok(b"proxy")) as proxy, serving(ok(b"direct")) as server, client() as http:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        assert (await http.request("GET", server.url())).body == b"direct"
        assert proxy.connection_count == 0


async def test_requests_say_who_they_are() -> None:
    async with serving(ok()) as server, client(contact="https://example.org/about") as http:
        await http.request("GET", server.url())
    assert (
        b"User-Agent: Leakwatch/0.1 (leak monitor for online communities) (+https://example.org/about)"
        in (server.heads[0])
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for the name trusted.example."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trusted.example")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("trusted.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_the_certificate_is_verified_for_the_name(certificate: Path) -> None:
    asked_for: list[str | None] = []
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.load_cert_chain(certificate)
    identity.sni_callback = lambda _, name, __: asked_for.append(name)
    resolver = names(trusted_example="127.0.0.1", other_example="127.0.0.1")
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(ok(), tls=identity) as server:
        async with GuardedClient(settings(), SystemClock(), resolver=resolver, tls=trust) as http:
            response = await http.request("GET", server.url("/", "trusted.example", "https"))
            assert response.body == b"hello"
            for host in ("other.example", "127.0.0.1"):
                with pytest.raises(FetchError, match=f"^{host} cannot be reached: its certificate is not valid$"):
                    await http.request("GET", server.url("/", host, "https"))
        async with client(resolver) as http:
            with pytest.raises(FetchError, match="certificate is not valid"):
                await http.request("GET", server.url("/", "trusted.example", "https"))
    assert asked_for[:2] == ["trusted.example", "other.example"]


# ── redirects ───────────────────────────────────────────────────────────────────────────────────


async def test_a_redirect_to_loopback_is_refused_where_only_the_first_host_is_open() -> None:
    async with serving(ok()) as inner, serving(redirect(inner.url(host="127.0.0.1"))) as outer:
        resolver = names(open_example="127.0.0.2", inner_example="127.0.0.1")
        listener = await asyncio.start_server(outer.serve, "127.0.0.2", 0)
        outer.port = listener.sockets[0].getsockname()[1]
        async with listener, client(resolver, allowed_networks=["127.0.0.2/32"]) as http:
            for location in (inner.url(), inner.url(host="inner.example"), "file:///etc/passwd", "http://0x7f000001/"):
                outer.answer = redirect(location)
                with pytest.raises(AddressRefused):
                    await http.request("GET", outer.url(host="open.example"))
        assert inner.connection_count == 0


async def test_redirects_are_followed_up_to_the_limit() -> None:
    async def count_down(head: bytes, writer: asyncio.StreamWriter) -> None:
        left = int(head.split(b" ")[1].strip(b"/"))
        writer.write(redirect(f"/{left - 1}") if left else ok(b"arrived"))
        await writer.drain()

    async with serving(count_down) as server, client(max_redirects=3) as http:
        response = await http.request("GET", server.url("/3"))
        assert (response.body, response.url) == (b"arrived", server.url("/0"))
        with pytest.raises(FetchError, match=r"^127\.0\.0\.1 was reached by more than 3 redirects$"):
            await http.request("GET", server.url("/4"))
        assert (await http.request("GET", server.url("/3"), follow_redirects=False)).status == 302


async def test_credentials_do_not_travel_to_another_origin() -> None:
    async with serving(ok()) as other, serving(redirect(other.url())) as first, client() as http:
        secrets = {"Authorization": "Bearer one", "Cookie": "two=2", "X-Other": "three"}
        await http.request("GET", first.url(), headers=secrets)
    assert b"Bearer one" in first.heads[0]
    assert b"two=2" in first.heads[0]
    assert b"Bearer one" not in other.heads[0]
    assert b"two=2" not in other.heads[0]
    assert b"three" in other.heads[0]


@pytest.mark.parametrize(("status", "method"), [(301, b"GET"), (302, b"GET"), (303, b"GET"), (307, b"POST")])
async def test_a_redirected_post_keeps_its_body_only_where_the_status_says_so(status: int, method: bytes) -> None:
    async with serving(ok()) as other, serving(redirect(other.url(), status)) as first, client() as http:
        await http.request("POST", first.url(), body=b"{}", headers={"Content-Type": "application/json"})
    assert other.heads[0].startswith(method + b" / ")
    assert (b"content-type" in other.heads[0].lower()) is (method == b"POST")


async def test_a_cookie_that_a_site_sets_is_not_sent_back() -> None:
    async with serving(ok(b"", "Set-Cookie: a=b")) as server, client() as http:
        await http.request("GET", server.url())
        await http.request("GET", server.url())
    assert b"cookie" not in server.heads[1].lower()


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_gzip_bomb_is_given_up_at_the_limit() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000)))
    assert len(bomb) < 10_000
    async with serving(ok(bomb, "Content-Encoding: gzip, gzip")) as server, client(max_bytes=1_000_000) as http:
        with pytest.raises(TooLarge, match=r"^the answer of 127\.0\.0\.1 is larger than 1000000 bytes$"):
            await http.request("GET", server.url())


async def test_an_endless_body_is_given_up_at_the_limit() -> None:
    async def endless(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(10_000))
            await writer.drain()

    async with serving(endless) as server, client() as http:
        with pytest.raises(TooLarge):
            await http.request("GET", server.url(), max_bytes=50_000)


async def test_a_declared_length_over_the_limit_is_not_read() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") as server, client() as http:
        with pytest.raises(TooLarge):
            await http.request("GET", server.url())


async def test_an_answer_is_decompressed() -> None:
    async with serving(ok(gzip.compress(b"hello"), "Content-Encoding: gzip")) as server, client() as http:
        response = await http.request("GET", server.url())
    assert response.body == b"hello"
    assert response.headers["content-encoding"] == "gzip"


async def test_a_slow_drip_ends_at_the_time_limit() -> None:
    async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        clock, never = SystemClock(), asyncio.Event()
        while True:
            writer.write(b".")
            await writer.drain()
            await clock.wait_until(clock.now() + timedelta(milliseconds=20), never)

    async with serving(drip) as server, client(timeout_seconds=0.3) as http:
        with pytest.raises(FetchError, match=r"^127\.0\.0\.1 gave no whole answer within 0\.3 seconds$"):
            await http.request("GET", server.url())


async def test_the_time_limit_covers_the_look_up() -> None:
    released = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(host: str, port: int) -> Sequence[str]:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()
        return ["127.0.0.1"]

    async with client(slow, timeout_seconds=0.1) as http:
        with pytest.raises(FetchError, match="no whole answer within"):
            await http.request("GET", "http://slow.example/")
    released.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
        ok(b"no gzip", "Content-Encoding: gzip"),
    ],
)
async def test_a_broken_answer_is_one_sentence_with_the_host_only(answer: bytes) -> None:
    async with serving(answer) as server, client() as http:
        with pytest.raises(FetchError) as caught:
            await http.request("GET", server.url("/secret?term=hidden"))
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


# ── pace ────────────────────────────────────────────────────────────────────────────────────────


class JumpingClock:
    """Stands still, and jumps to whatever is waited for."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds()

    async def wait_until(self, moment: datetime | None, _: asyncio.Event) -> None:
        assert moment is not None
        self.at = max(self.at, moment)


async def test_requests_to_one_host_keep_their_distance() -> None:
    clock = JumpingClock()
    resolver = names(one_example="127.0.0.1", two_example="127.0.0.1")
    paced = GuardedClient(settings(host_interval_seconds=2.5), clock, resolver=resolver)
    async with serving(ok()) as server, paced as http:
        for _ in range(3):
            await http.request("GET", server.url("/", "one.example"))
        assert clock.at == NOON + timedelta(seconds=5)
        await http.request("GET", server.url("/", "two.example"))
        assert clock.at == NOON + timedelta(seconds=5)


def busy(*headers: str, status: int = 429) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Busy", "Content-Length: 0", *headers]).encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (busy("Retry-After: 600"), 600),
        (busy("Retry-After: 600", status=503), 600),
        (busy("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 90", status=403), 90),
        (busy("Retry-After: 99999"), 3600),
    ],
)
async def test_a_host_that_wants_to_be_left_alone_is_asked_by_nobody_until_then(answer: bytes, wait: int) -> None:
    clock = JumpingClock()
    resolver = names(one_example="127.0.0.1", two_example="127.0.0.1")
    async with serving(answer) as server, GuardedClient(settings(), clock, resolver=resolver) as http:
        await http.request("GET", server.url("/a", "one.example"))
        clock.at += timedelta(seconds=wait - 60)
        for _ in range(2):
            with pytest.raises(AskedToWait, match=r"^one\.example asked to be left alone for a while$") as caught:
                await http.request("GET", server.url("/b?secret", "one.example"))
            assert caught.value.retry_after == timedelta(seconds=60)
        assert server.connection_count == 1
        await http.request("GET", server.url("/a", "two.example"))
        clock.at += timedelta(seconds=60)
        await http.request("GET", server.url("/b", "one.example"))
        assert server.connection_count == 3


async def test_a_limit_of_one_account_holds_up_no_other() -> None:
    async with serving(busy("Retry-After: 600")) as server, client() as http:
        await http.request("GET", server.url(), headers={"Authorization": "Bearer one"})
        for headers in ({"Authorization": "Bearer two"}, {}):
            await http.request("GET", server.url(), headers=headers)
        for headers in ({"authorization": "Bearer one"}, {"Authorization": "Bearer two"}, {}):
            with pytest.raises(AskedToWait):
                await http.request("GET", server.url(), headers=headers)
    assert server.connection_count == 3


async def test_a_host_that_asks_for_a_few_seconds_is_waited_for() -> None:
    clock = JumpingClock()
    async with serving(busy("Retry-After: 4")) as server, GuardedClient(settings(), clock, resolver=names()) as http:
        for _ in range(3):
            assert (await http.request("GET", server.url())).status == 429
    assert clock.at == NOON + timedelta(seconds=8)


async def test_a_good_answer_after_which_nothing_is_left_holds_nobody_up() -> None:
    answer = ok(b"", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 90")
    async with serving(answer) as server, client() as http:
        for path in ("/search/code", "/search/issues"):
            assert (await http.request("GET", server.url(path))).status == 200


async def test_a_redirect_that_asks_to_wait_and_a_place_that_is_told_hold_nobody_up() -> None:
    async with serving(busy("Retry-After: 600", "Location: /b", status=302)) as server, client() as http:
        for _ in range(2):
            await http.request("GET", server.url(), follow_redirects=False)
    unpaced = GuardedClient(settings(), SystemClock(), resolver=names(), paced=False)
    async with serving(busy("Retry-After: 600")) as server, unpaced as http:
        for _ in range(2):
            assert (await http.request("GET", server.url())).status == 429


async def test_hosts_that_are_asked_once_are_forgotten_and_those_that_want_to_be_left_alone_are_not() -> None:
    clock = JumpingClock()
    turns = Turns(clock, timedelta(seconds=1))
    turns.rest("busy.example", None, timedelta(minutes=30))
    for number in range(3000):
        clock.at += timedelta(seconds=0.1)
        async with turns.turn(f"h{number}.example", None):
            pass
    assert len(turns._queues) <= 1001
    with pytest.raises(AskedToWait):
        async with turns.turn("busy.example", None):
            pass


async def test_one_request_at_a_time_goes_to_a_host() -> None:
    running = 0
    together: list[int] = []

    async def slow(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal running
        running += 1
        together.append(running)
        await SystemClock().wait_until(SystemClock().now() + timedelta(milliseconds=10), asyncio.Event())
        running -= 1
        writer.write(ok())
        await writer.drain()

    async with serving(slow) as server, client() as http:
        await asyncio.gather(*(http.request("GET", server.url()) for _ in range(5)))
    assert together == [1, 1, 1, 1, 1]
