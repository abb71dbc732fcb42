"""Listening to a WebSocket by the rules of ``core.http``: checked addresses, bounded messages, a bounded time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from core.addresses import connected_socket
from core.errors import AddressRefused, AskedToWait, FetchError, SourceBroken, SourceUnavailable
from core.http import check_url, user_agent
from core.ports import SourceContext
from core.rate_limits import asked_wait
from sources.transport.fetching import refusal

MESSAGE_BYTES = 1_000_000
"""Largest message, after decompression."""

_SCHEMES = {"ws": "http", "wss": "https"}
_PORTS = {"ws": 80, "wss": 443}
_CLOSING_SECONDS = 1


def check_websocket_url(url: str) -> None:
    """Raise AddressRefused unless the text is a ws or wss address with a host and without credentials."""
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        raise AddressRefused("only ws and wss addresses are listened to")
    check_url(f"{_SCHEMES[scheme]}://{rest}")


async def listen(
    context: SourceContext,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    says: Sequence[str] = (),
) -> AsyncGenerator[str, None]:
    """Say something and yield the text messages that come within so many seconds after that. To be closed by the
    caller, as with ``contextlib.aclosing``.

    Raises SourceUnavailable and SourceBroken as :func:`sources.transport.fetching.fetch` does, the former also where
    the other side ends the stream before. Redirects are not followed.
    """
    settings, parts = context.http.settings, urlsplit(url)
    host, loop = parts.hostname or "", asyncio.get_running_loop()
    credentials = (headers or {}).get("Authorization")
    try:
        check_websocket_url(url)
        async with AsyncExitStack() as stack:
            async with context.http.turn(host, credentials):
                connection = await asyncio.to_thread(
                    connected_socket,
                    host,
                    parts.port or _PORTS[parts.scheme],
                    settings.allowed_networks,
                    timeout_seconds=settings.timeout_seconds,
                )
                socket = await stack.enter_async_context(
                    connect(
                        url,
                        sock=connection,
                        additional_headers=headers,
                        user_agent_header=user_agent(settings),
                        max_size=MESSAGE_BYTES,
                        open_timeout=settings.timeout_seconds,
                        close_timeout=_CLOSING_SECONDS,
                    )
                )
            for message in says:
                await socket.send(message)
            end = loop.time() + seconds
            while loop.time() < end:
                try:
                    async with asyncio.timeout_at(end):
                        received = await socket.recv()
                except TimeoutError:
                    return
                if isinstance(received, str):
                    yield received
    except AddressRefused as error:
        raise SourceBroken(str(error)) from error
    except AskedToWait as error:
        raise SourceUnavailable(str(error), retry_after=error.retry_after) from error
    except FetchError as error:
        raise SourceUnavailable(str(error)) from error
    except InvalidStatus as error:
        response = error.response
        headers_said = {name.lower(): value for name, value in response.headers.raw_items()}
        wait = asked_wait(headers_said, context.clock.now())
        if wait is not None:
            context.http.rest(host, credentials, wait)
        raise refusal(host, response.status_code, wait) from None
    except ConnectionClosed as error:
        reason = error.sent or error.rcvd
        raise SourceUnavailable(f"{host} ended the stream (code {reason.code if reason else 'none'})") from None
    except ssl.SSLCertVerificationError:
        raise SourceUnavailable(f"{host} cannot be reached: its certificate is not valid") from None
    except (WebSocketException, OSError, ValueError) as error:  # messages of these hold the address with its query
        raise SourceUnavailable(f"{host} gave no stream ({type(error).__name__})") from None
