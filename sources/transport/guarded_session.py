"""A requests session that keeps to the rules of ``core.http``, for libraries that bring requests along."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from core.addresses import checked_addresses
from core.errors import FetchError, TooLarge
from core.settings import HttpSettings

_CHUNK_BYTES = 65536


def guarded_session(settings: HttpSettings) -> requests.Session:
    """Return a session, for one thread, that connects to checked addresses only, takes nothing from the environment,
    and keeps to the settings' limits of size, and of time for a request and the body of its answer.

    Its requests raise AddressRefused, TooLarge, and FetchError for a name without address and for an answer that
    takes too long, beside the errors of requests.
    """
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _GuardedAdapter(settings))
    return session


class _GuardedAdapter(HTTPAdapter):
    """Replaces the step from a name to a connection, and reads the whole answer within the limits; TLS stays on the
    name."""

    def __init__(self, settings: HttpSettings) -> None:
        super().__init__()
        self._settings = settings
        self._open: WeakSet[socket.socket] = WeakSet()
        self._late = Event()
        adapter = self

        class GuardedConnection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return adapter._connected(self)

            def connect(self) -> None:
                super().connect()
                adapter._watch(self.sock)

        class GuardedTlsConnection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return adapter._connected(self)

            def connect(self) -> None:
                super().connect()
                adapter._watch(self.sock)

        class Pool(HTTPConnectionPool):
            ConnectionCls = GuardedConnection

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = GuardedTlsConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Return the answer with its whole body. The timeouts of requests are for one step each, so that an answer
        that comes byte after byte would never end."""
        host, seconds = urlsplit(request.url or "").hostname, self._settings.timeout_seconds
        self._late.clear()
        limit = Timer(seconds, self._cut)
        limit.daemon = True
        limit.start()
        try:
            response = super().send(request, **{**options, "stream": True})
            content = self._content(response, str(host))
        except requests.RequestException:
            if not self._late.is_set():
                raise
        finally:
            limit.cancel()
        if self._late.is_set():  # without an announced length, an answer that is cut off looks whole
            raise FetchError(f"{host} gave no whole answer within {seconds:g} seconds")
        response._content = content  # as requests does itself
        return response

    def _content(self, response: requests.Response, host: str) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > self._settings.max_bytes:
                response.close()
                raise TooLarge(f"the answer of {host} is larger than {self._settings.max_bytes} bytes")
        return bytes(content)

    def _connected(self, connection: HTTPConnection) -> socket.socket:
        """Connect to the first checked address that can be connected to."""
        allowed = self._settings.allowed_networks
        for address in checked_addresses(connection.host, connection.port, allowed):
            try:
                return create_connection(
                    (address, connection.port), connection.timeout, socket_options=connection.socket_options
                )
            except OSError as error:
                failure = error
        raise NewConnectionError(connection, "no connection") from failure

    def _watch(self, connection: socket.socket | None) -> None:
        """Have the connection, with TLS where there is any, end when time is up."""
        if connection is not None:
            self._open.add(connection)
        if self._late.is_set():
            self._cut()

    def _cut(self) -> None:
        self._late.set()
        for connection in list(self._open):
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
