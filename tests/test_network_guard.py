"""The guard of the tests themselves."""

from __future__ import annotations

import socket

import pytest


def test_a_test_cannot_connect_beyond_this_machine() -> None:
    with socket.socket() as connection, pytest.raises(RuntimeError, match="leave this machine"):
        connection.connect(("203.0.113.1", 80))


def test_a_test_cannot_look_names_up() -> None:
    with pytest.raises(RuntimeError, match="look a name up"):
        socket.getaddrinfo("example.org", 80)


def test_a_test_can_reach_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as connection:
        connection.connect(server.getsockname())
