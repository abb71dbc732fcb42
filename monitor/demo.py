"""A service on a throw-away database, with an invented community and sources that replay from this machine.

Everything goes the real way: the feed is fetched over HTTP from a server on loopback, the documents are read
from a directory, and the alerts are raised by the same scheduler and pipeline as in ``leakwatch up``.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from core.settings import Settings
from core.types import Alert, JsonObject, Scope
from monitor.commands.view import COLOURS
from monitor.parts import build_parts
from monitor.service import run_service
from monitor.setup import add_source, create_key, import_watchlist
from monitor.wiring import Service, open_service

SAMPLE = Path(__file__).parent / "sample"
POLL_INTERVAL = timedelta(minutes=1)


async def run_demo(settings: Settings, console: Console) -> None:
    """Run the demo until SIGINT or SIGTERM; nothing of it stays on disk."""
    with tempfile.TemporaryDirectory(prefix="leakwatch-demo-") as folder, _feed_server() as feed_url:
        parts = build_parts(_throw_away(settings, Path(folder)))
        async with open_service(parts, raised=lambda alerts: _show(console, alerts)) as service:
            key = await _fill(service, feed_url)

            async def ready(address: str) -> None:
                for line in (
                    "Leakwatch demo: Harbor Commons is invented, and so is everybody in it.",
                    f"API   {address}/v1/incidents",
                    f"Key   {key}   (for this run only)",
                    f"Try   curl -H 'Authorization: Bearer {key}' {address}/v1/incidents",
                    "Stop  Ctrl-C",
                ):
                    console.print(line, soft_wrap=True, markup=False)

            await run_service(service, ready=ready)


def _throw_away(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "data_directory": folder,
            "database_url": None,
            "key": None,
            "key_file": None,
            "api": settings.api.model_copy(update={"port": 0}),
            "http": settings.http.model_copy(
                update={"allowed_networks": (IPv4Network("127.0.0.0/8"),), "host_interval_seconds": 0}
            ),
        }
    )


async def _fill(service: Service, feed_url: str) -> str:
    """Put the sample community, its sources and a key into the database; return the key's token."""
    store, parts = service.store, service.parts
    community = await import_watchlist(store, parts, SAMPLE / "watchlist.yaml")
    samples: tuple[tuple[str, str, JsonObject], ...] = (
        ("files", "Sample documents", {"path": str(SAMPLE / "documents")}),
        ("feed", "Sample feed", {"url": feed_url}),
    )
    for kind, name, settings in samples:
        await add_source(store, parts, community.id, kind=kind, name=name, settings=settings, interval=POLL_INTERVAL)
    return await create_key(store, parts.clock, community.id, name="demo", scopes=frozenset(Scope))


def _show(console: Console, alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        reasons = Table.grid(padding=(0, 1))
        for signal in alert.signals:
            reasons.add_row(Text(f"+{signal.points}"), Text(signal.text))
        console.print(
            Panel(
                Group(Text(alert.excerpt, style="italic"), reasons),
                title=Text(f" {alert.severity} · {alert.alert_class} · score {alert.score} "),
                subtitle=Text(f" {alert.document.source} "),
                title_align="left",
                subtitle_align="right",
                border_style=COLOURS[alert.severity],
            )
        )


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Write nothing: the terminal belongs to the alerts."""


@contextmanager
def _feed_server() -> Iterator[str]:
    """Serve the sample folder on loopback for the time of the block; yield the feed's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(SAMPLE))) as server:
        threading.Thread(target=server.serve_forever, name="sample-feed", daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/feed.xml"
        finally:
            server.shutdown()
