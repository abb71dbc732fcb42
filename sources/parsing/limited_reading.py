"""What strangers wrote, read with limits of time and memory: in a process of its own, unless it is harmless.

A feed, a page or a mail can be made to hang its parser or to make it swell; nothing of that reaches this process.
"""

from __future__ import annotations

import atexit
import json
import math
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from core.types import Document
from sources.parsing.content import read_content
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.reading_process import WALL_SECONDS_PER_SECOND

MEMORY_BYTES = 1_500_000_000
"""Address space of the process; the largest feed that is fetched (20 MB) needs about half of it."""

PARSING_SECONDS = 10
"""Processor time that reading one content may take."""

# The largest content that is read without a process of its own, which costs more than reading it: about half a second
# at these sizes. Reading a mail can take time that grows with the square of its size (quotation marks in an address). A
# feed's parser hangs or swells at any size, and what finds a page's main text is too large to trust.
_HARMLESS_BYTES = {
    Format.TEXT: math.inf,
    Format.HTML: 100_000,
    Format.MAIL: 8_000,
    Format.FEED: -1,
    Format.WEB_PAGE: -1,
}

# Beyond the reader's own limit of time: for starting the process that forks it, on a busy machine.
_GRACE_SECONDS = 30


class BeyondLimits(UnreadableFormat):
    """Reading takes too much time or memory."""


def read_within_limits(
    content: bytes,
    kind: Format,
    *,
    name: str,
    seconds: int,
    url: str | None = None,
    content_type: str | None = None,
) -> list[Document]:
    """Return the documents in the content, as :func:`sources.parsing.content.read_content` does.

    ``seconds`` is the processor time that it may take. Raises UnreadableFormat, and BeyondLimits.
    """
    if len(content) <= _HARMLESS_BYTES[kind]:
        return read_content(content, kind, name=name, url=url, content_type=content_type)
    documents, _ = read_alone(content, kind, name=name, seconds=seconds, url=url, content_type=content_type)
    return documents


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading a content took: seconds of processor time, and megabytes of memory at most."""

    seconds: float
    megabytes: int


def read_alone(
    content: bytes, kind: Format, *, name: str, seconds: int, url: str | None, content_type: str | None
) -> tuple[list[Document], Cost]:
    """Return what :func:`read_within_limits` does, in a process of its own however harmless it is, and what it cost."""
    request = {
        "seconds": seconds,
        "memory_bytes": MEMORY_BYTES,
        "kind": kind,
        "name": name,
        "url": url,
        "content_type": content_type,
    }
    answered = _ask(json.dumps(request).encode() + b"\n" + content, seconds * WALL_SECONDS_PER_SECOND + _GRACE_SECONDS)
    written, _, outcome = answered.rpartition(b"\n")
    ended = json.loads(outcome or b'{"status": 1}')
    if ended["status"] in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGALRM):
        raise BeyondLimits(f"takes longer than {seconds} seconds to read")
    if ended["status"] != 0:
        raise BeyondLimits("cannot be read: the parser failed")
    answer = json.loads(written)
    if "problem" in answer:
        raise UnreadableFormat(answer["problem"])
    return [_document(**row) for row in answer["documents"]], Cost(ended["seconds"], ended["megabytes"])


def _ask(request: bytes, wait_seconds: float) -> bytes:
    """Return the whole answer to the request, what came of it where the other side went away."""
    ours, theirs = socket.socketpair()
    with ours, suppress(OSError):
        ours.settimeout(wait_seconds)
        with theirs:
            _process.hand(theirs)
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        with ours.makefile("rb") as answer:
            return answer.read()
    return b""


class _ReadingProcess:
    """The process of ``sources.parsing.reading_process``, started when it is asked first, and anew where it died."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def hand(self, connection: socket.socket) -> None:
        """Give it a connection with a request. Raises OSError."""
        with self._lock:
            if self._started is not None and self._started[0].poll() is not None:
                self._end()
            if self._started is None:
                self._started = self._start()
            socket.send_fds(self._started[1], [b"\0"], [connection.fileno()])

    def _start(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "sources.parsing.reading_process"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                start_new_session=True,
            )
        return process, ours

    def _end(self) -> None:
        if self._started is not None:
            process, control = self._started
            control.close()
            process.wait()
            self._started = None

    def close(self) -> None:
        """End it; what it reads just now is given up."""
        with self._lock:
            self._end()


_process = _ReadingProcess()
atexit.register(_process.close)


def _document(published_at: str | None, **fields: Any) -> Document:
    return Document(published_at=datetime.fromisoformat(published_at) if published_at else None, **fields)
