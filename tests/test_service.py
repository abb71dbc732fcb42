"""The whole program, run as people run it: real processes, real HTTP, real SMTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from tests.programs import LEAKWATCH, leakwatch, running

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PSEUDONYM = "zephyrquill_marker"
PERSON = "Aurelia Markerwood"
WATCHLIST = f"""
version: 1
community: Harbor Commons
watchlists:
  - name: Members
    terms:
      - {{id: quill, kind: pseudonym, value: {PSEUDONYM}, person: p1, note: note-marker}}
      - {{id: aurelia, kind: name, value: {PERSON}, person: p1, basis: {{kind: consent, recorded_by: admins}}}}
"""
TEXT = f"so I found out: z3phyrquill_m4rker is really {PERSON}, ask anybody"
UNMATCHED = "unmatched-marker-words that concern nobody"
MARKERS = ("zephyrquill", "z3phyrquill", "aurelia", "markerwood", "note-marker", "unmatched-marker")


def test_the_demo_shows_explained_alerts_and_a_key_within_twenty_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    with running("demo", folder=tmp_path, environment={"TMPDIR": str(tmp_path)}) as program:
        program.wait_for(lambda text: "Sample feed" in text and "Sample documents" in text)
        address, key = program.wait_for(
            lambda text: (found := re.search(r"(http://\S+)/v1/incidents\s+Key\s+(lw_\S+)", text)) and found.groups()
        )
        assert time.monotonic() - started < 20
        text = "".join(program.lines)
        assert "two watched terms of one and the same person stand in one document" in text
        answer = httpx2.get(f"{address}/v1/incidents", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        assert answer.status_code == 200
        assert {item["class"] for item in answer.json()["items"]} >= {"linkage", "mention"}
    assert program.process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in "".join(program.lines)


class Mailbox:
    """Takes mail for a real SMTP server."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.arrived = threading.Event()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        self.arrived.set()
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


def test_a_leak_goes_from_a_file_to_a_webhook_and_a_mailbox_and_spreads_nowhere_else(
    tmp_path: Path, httpserver: HTTPServer, mailbox: tuple[Mailbox, int]
) -> None:
    environment = {
        "LEAKWATCH_API__PORT": "0",
        "LEAKWATCH_HTTP__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
        "LEAKWATCH_HTTP__HOST_INTERVAL_SECONDS": "0",
    }
    received: list[Request] = []

    def take(request: Request) -> Response:
        request.get_data()
        received.append(request)
        return Response(status=204)

    httpserver.expect_request("/hook", method="POST").respond_with_handler(take)
    inbox, port = mailbox
    (tmp_path / "members.yaml").write_text(WATCHLIST)
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "paste.txt").write_text(TEXT)
    (tmp_path / "read" / "talk.txt").write_text(UNMATCHED)

    def run(*arguments: str) -> str:
        return leakwatch(*arguments, folder=tmp_path, environment=environment)

    token = re.search(r"lw_\S+", run("watchlist", "import", "members.yaml"))
    assert token is not None
    run("source", "add", "files", f"path={tmp_path / 'read'}")
    run("destination", "add", "webhook", f"url={httpserver.url_for('/hook')}", f"secret={SECRET}")
    run(
        "destination", "add", "email", "host=127.0.0.1", f"port={port}", "tls=none",
        "sender=leakwatch@example.org", "recipients=[moderator@example.org]",
    )  # fmt: skip
    with running("up", folder=tmp_path, environment=environment) as program:
        assert inbox.arrived.wait(30), "".join(program.lines)
        address = program.wait_for(lambda text: re.search(r"http://[\d.:]+", text)).group()
        client = httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {token.group()}"}, trust_env=False)
        with client:
            incidents = client.get("/v1/incidents").json()["items"]
            alerts = client.get("/v1/alerts").json()["items"]
            unknown = client.get("/v1/alerts/alr_unknown")
            shown = json.dumps([incidents, alerts, unknown.json(), client.get("/metrics").text])
            deadline = time.monotonic() + 30
            while not received:
                assert time.monotonic() < deadline
                client.get("/readyz")

    assert [incident["class"] for incident in incidents] == ["linkage"]
    assert alerts[0]["severity"] == "critical"
    (request,) = received
    body = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
    assert body["type"] == "incident.opened"
    (message,) = inbox.messages
    assert "critical" in message["Subject"]
    written = {
        "the logs": "".join(program.lines),
        "the webhook": request.get_data(as_text=True),
        "the e-mail": message.as_string(),
        "the API": shown,
        **{path.name: path.read_bytes().decode("latin-1") for path in (tmp_path / "data").iterdir()},
    }
    for place, content in written.items():
        for marker in MARKERS:
            assert marker not in content.casefold(), f"{marker} stands in {place}"
    assert program.process.returncode == 0
    assert "Traceback" not in written["the logs"]


def test_a_request_that_never_ends_does_not_hold_up_the_end(tmp_path: Path) -> None:
    (tmp_path / "members.yaml").write_text(WATCHLIST)
    token = re.search(r"lw_\S+", leakwatch("watchlist", "import", "members.yaml", folder=tmp_path, environment={}))
    assert token is not None
    with running("up", folder=tmp_path, environment={"LEAKWATCH_API__PORT": "0"}) as program:
        host, port = program.wait_for(lambda text: re.search(r"http://([\d.]+):(\d+)", text)).groups()
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"POST /v1/documents HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token.group()}\r\n"
                "Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode()
            )
            assert b"100 Continue" in connection.recv(100)  # the body is being waited for
            program.process.send_signal(signal.SIGTERM)
            assert program.process.wait(timeout=15) == 0


def test_a_port_that_is_taken_gives_one_sentence(tmp_path: Path, httpserver: HTTPServer) -> None:
    outcome = subprocess.run(
        [LEAKWATCH, "up"],
        cwd=tmp_path,
        env={**os.environ, "LEAKWATCH_API__PORT": str(httpserver.port)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 2
    assert "cannot listen on 127.0.0.1" in outcome.stderr
    assert "Traceback" not in outcome.stderr
