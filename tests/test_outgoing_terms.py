"""Every byte that search sources send, watched at the socket: terms that may be sent are there, no other term is."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from core.ports import AlertFilter, Listing, Source
from monitor.parts import build_parts
from monitor.wiring import Service, open_service
from sources.search.source import SearchSource
from tests.search_fixtures import SOURCES
from tests.service_fixtures import ManualClock, add, import_sample, settings_for

SENT = ("night_heron", "harbourlark")
WATCHLIST = """
version: 1
community: Tidewater Circle
context: [tidewater circle]
watchlists:
  - name: Members
    packs: [doxxing]
    terms:
      - {id: a, kind: pseudonym, value: night_heron, aliases: [gullwatcher], person: p1, search_externally: true, note: ask ferdinanda}
      - {id: b, kind: keyword, value: harbourlark, search_externally: true}
      - {id: c, kind: pseudonym, value: zephyrquill}
      - {id: d, kind: name, value: Aurelia Markerwood, person: p1, basis: {kind: consent, recorded_by: hesperia}}
      - {id: e, kind: keyword, value: lanternhouse}
      - {id: f, kind: domain, value: quietcove.example}
      - {id: g, kind: query, value: periwinkle AND threat, search_externally: true}
      - {id: h, kind: regex, value: 'QX-\\d{4}-driftwood', search_externally: true}
      - {id: i, kind: passage, search_externally: true, value: "the oysterboat leaves the old quay at dawn with nobody but the two of us aboard"}
      - {id: j, kind: pseudonym, value: sandpiperess, search_externally: true, expires_at: 2026-11-19}
"""  # noqa: E501
OTHER_COMMUNITY = """
version: 1
community: Meadow Circle
watchlists: [{name: Members, terms: [{id: k, kind: pseudonym, value: cornflowerish, search_externally: true}]}]
"""
KEPT = (
    "gullwatcher", "ferdinanda", "zephyrquill", "aurelia", "markerwood", "hesperia", "lanternhouse", "quietcove",
    "periwinkle", "driftwood", "oysterboat", "sandpiperess", "cornflowerish", "tidewater", "meadow circle",
)  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "brave": {"api_key": "key"},
    "github": {"token": "key"},
    "mojeek": {"api_key": "key"},
    "searxng": {},
}


def searching_kinds() -> list[str]:
    """The kinds of sources whose code makes use of terms."""
    return [kind for kind, source in SOURCES.classes.items() if uses_terms(source)]


def uses_terms(source: type[Source]) -> bool:
    return issubclass(source, SearchSource) or "search_terms" in inspect.getsource(sys.modules[source.__module__])


def shapes(text: str) -> Iterator[bytes]:
    """Every way in which the text may be written into a request, in small letters where letters may be small."""
    for encoded in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), text[::-1].encode()):
        yield encoded
        yield encoded.hex().encode()
        yield "".join(f"%{byte:02x}" for byte in encoded).encode()
        for offset in range(3):  # base64 as it comes out wherever the text begins
            whole = base64.b64encode(b"\0" * offset + encoded)
            yield whole[4 if offset else 0 : len(whole) - 4]
    yield "".join(f"\\u{ord(sign):04x}" for sign in text).encode()
    yield quote(text).lower().encode()
    yield quote_plus(text).lower().encode()
    for name in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(name, text.encode()).digest()
        yield digest
        yield digest.hex().encode()
        yield base64.b64encode(digest)


class Listener(socketserver.ThreadingTCPServer):
    """Keeps every byte that comes in, and answers every request with results that the watchlist matches."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received = bytearray()
        super().__init__(("127.0.0.1", 0), _Connection)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def body(self) -> bytes:
        found = {
            "url": f"{self.url}/followed?who=zephyrquill",
            "title": "zephyrquill is Aurelia Markerwood",
            "content": "zephyrquill of tidewater circle",
        }
        item = {"html_url": found["url"], "title": found["title"], "body": found["content"]}
        lists = {"results": [found], "web": {"results": [found]}, "items": [item]}
        return json.dumps({"type": "search", "response": {"status": "OK", "results": [found]}, **lists}).encode()


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Listener)
        length = 0
        while (line := self.rfile.readline()).strip():
            self.server.received += line
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.server.received += self.rfile.read(length) + b"\n"
        body = self.server.body()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        self.wfile.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)


@contextmanager
def listening() -> Iterator[Listener]:
    with Listener() as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        try:
            yield listener
        finally:
            listener.shutdown()


async def poll_for(service: Service, clock: ManualClock, *, hours: int) -> None:
    """Poll whatever is due, for so many hours of the clock."""
    for _ in range(hours):
        while (lease := await service.store.take_due_source(clock.now(), timedelta(minutes=5))) is not None:
            await service.scheduler.poll(lease)
        clock.moment += timedelta(hours=1)


@pytest.mark.parametrize("kind", searching_kinds())
async def test_only_terms_whose_owner_opted_in_are_ever_sent(kind: str, tmp_path: Path) -> None:
    assert kind in SETTINGS, f"say here with which settings a source of kind {kind} searches this machine"
    clock = ManualClock()
    with listening() as listener:
        async with open_service(build_parts(settings_for(tmp_path), clock)) as service:
            community = await import_sample(service, tmp_path, WATCHLIST)
            await import_sample(service, tmp_path, OTHER_COMMUNITY)
            await add(service, community, kind, {"url": listener.url, **SETTINGS[kind]})
            await poll_for(service, clock, hours=12)
            alerts = (await service.store.alerts(community.id, Listing(), AlertFilter())).items
        assert "linkage" in {alert.alert_class for alert in alerts}
        received = bytes(listener.received)
    folded = received.lower()
    for term in SENT:
        assert term.encode() in folded
    for secret in KEPT:
        for shape in shapes(secret):
            assert shape not in received, secret
            assert shape not in folded, secret
    assert b"/followed" not in received


def test_a_term_in_any_of_these_shapes_would_be_seen() -> None:
    secret = "markerwood"
    for sent in (
        secret.encode(),
        quote("“markerwood”").encode(),
        base64.b64encode(b"?q=markerwood&x"),
        base64.b64encode(b"q=markerwood&x"),
        base64.b64encode(b"=markerwood&x"),
        b"6d61726b6572776f6f64",
        hashlib.sha256(b"markerwood").hexdigest().encode(),
        "markerwood".encode("utf-16"),
    ):
        assert any(shape in sent or shape in sent.lower() for shape in shapes(secret)), sent


def test_all_search_sources_are_watched() -> None:
    assert set(searching_kinds()) >= {"brave", "github", "mojeek", "searxng"}
