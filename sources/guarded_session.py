"""A requests session that keeps to the rules of ``core.http``, for libraries that bring requests along."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from core.addresses import Network, checked_addresses
from core.settings import HttpSettings


def guarded_session(settings: HttpSettings) -> requests.Session:
    """Return a session that connects to checked addresses only and takes nothing from the environment.

    Its requests raise AddressRefused, and FetchError for a name without address, beside the errors of requests.
    """
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _GuardedAdapter(settings.allowed_networks))
    return session


class _GuardedAdapter(HTTPAdapter):
    """Replaces the step from a name to a connection, and nothing else: TLS stays on the name."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        super().__init__()

        class GuardedConnection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, allowed)

        class GuardedTlsConnection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, allowed)

        class Pool(HTTPConnectionPool):
            ConnectionCls = GuardedConnection

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = GuardedTlsConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}


def _connect(connection: HTTPConnection, allowed: Sequence[Network]) -> socket.socket:
    for address in checked_addresses(connection.host, connection.port, allowed):
        try:
            return create_connection(
                (address, connection.port), connection.timeout, socket_options=connection.socket_options
            )
        except OSError as error:
            failure = error
    raise NewConnectionError(connection, "no connection") from failure
