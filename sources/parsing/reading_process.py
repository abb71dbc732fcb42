"""The process that reads what strangers wrote. It loads the parsers once, and forks itself for each content.

Its standard input is a socket, over which it is handed one connection a content. On a connection comes one line of JSON
(``seconds``, ``memory_bytes``, and what ``read_content`` asks for), then the content; the answer is one line with the
``documents`` or the ``problem`` in the words of UnreadableFormat, none where the reader died, and one with the
``status`` that the reader ended with (as ``subprocess`` tells it), its processor ``seconds`` and its ``megabytes``.

Every content has a reader of its own, so the limits count for it alone, and nothing of it lives on.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from types import FrameType

from sources.parsing.content import read_content
from sources.parsing.formats import Format, UnreadableFormat

# What one small thing in a content can be made to say again for every entry must not fill the process that asks.
_SMALL_ANSWER = 10_000_000
_LARGEST_GROWTH = 4
"""In JSON, most writing systems take three times their bytes."""

WALL_SECONDS_PER_SECOND = 4
"""Waiting for a processor on a busy machine is not the content's fault."""


def main() -> None:
    """Do the whole work of this process; it ends with the one that started it."""
    import feedparser  # type: ignore[import-untyped]  # noqa: F401  # loaded here, so that no reader has to
    import trafilatura  # noqa: F401

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGCHLD, _bury)
    gc.freeze()
    with socket.socket(fileno=sys.stdin.fileno()) as handed:
        while True:
            _, descriptors, _, _ = socket.recv_fds(handed, 1, 1)
            if not descriptors:
                return
            with socket.socket(fileno=descriptors[0]) as connection:
                if not os.fork():
                    handed.close()
                    _wait_for_reader(connection)
                    os._exit(0)


def _bury(_: int, __: FrameType | None) -> None:
    """Take note that some who waited for readers ended: what all this took then counts for this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait_for_reader(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    reader = os.fork()
    if not reader:
        _end_after_reading(connection)
    _, status, usage = os.wait4(reader, 0)
    outcome = {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss // 1024,
    }
    connection.sendall(b"\n" + json.dumps(outcome).encode())


def _end_after_reading(connection: socket.socket) -> None:
    """Read what comes, answer, and end, whatever happens: this process is a copy of another."""
    status = 1
    try:
        with connection.makefile("rb") as received:
            request = json.loads(received.readline())
            seconds, memory_bytes = request.pop("seconds"), request.pop("memory_bytes")
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
            signal.alarm(seconds * WALL_SECONDS_PER_SECOND)
            connection.sendall(_answer(received.read(), Format(request.pop("kind")), request).encode())
        status = 0
    finally:
        os._exit(status)


def _answer(content: bytes, kind: Format, request: dict[str, str]) -> str:
    try:
        answer = json.dumps({"documents": list(map(asdict, read_content(content, kind, **request)))}, default=_written)
        if len(answer) > max(_SMALL_ANSWER, _LARGEST_GROWTH * len(content)):
            raise UnreadableFormat("says much more than it holds: it is made to swell")
    except UnreadableFormat as error:
        answer = json.dumps({"problem": str(error)})
    return answer


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    main()
