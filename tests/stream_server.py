"""A WebSocket server for tests of sources that listen."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response


@dataclass
class StreamServer:
    """A WebSocket server: what it was asked and told, and what it sends to each that comes."""

    url: str = ""
    messages: Iterable[str | bytes] = ()
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ends: bool = False
    expects: int = 0
    requests: list[Request] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return None if self.status is None else Response(self.status, "", Headers(self.headers), b"")

    def played(self) -> Iterable[str | bytes]:
        """What the one that came last is sent."""
        return self.messages

    async def speak(self, connection: ServerConnection) -> None:
        for _ in range(self.expects):
            self.told.append(str(await connection.recv()))
        for message in self.played():
            await connection.send(message)
            await asyncio.sleep(0)
        if not self.ends:
            await connection.wait_closed()


@asynccontextmanager
async def stream_server(
    server: StreamServer | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[StreamServer]:
    """A server on this machine."""
    server = server or StreamServer()
    async with serve(server.speak, "127.0.0.1", 0, process_request=server.refuse, ssl=tls) as listening:
        server.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
