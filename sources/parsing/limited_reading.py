"""What strangers wrote, read with limits of time and memory: in a process of its own, unless it is harmless.

A feed, a page or a mail can be made to hang its parser or to make it swell; nothing of that reaches this process.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

from core.types import Document
from sources.parsing.content import read_content
from sources.parsing.formats import Format, UnreadableFormat

MEMORY_BYTES = 1_500_000_000
"""Address space of the process; the largest feed that is fetched (20 MB) needs about half of it."""

PARSING_SECONDS = 10
"""Processor time that reading one content may take."""

# The largest content that is read without a process, whose start costs more than reading it. The time can grow with
# the square of the size (end tags without a start, quotation marks in an address): about half a second at these sizes.
# A feed's parser hangs or swells at any size, and what finds a page's main text is too large to trust.
_HARMLESS_BYTES = {
    Format.TEXT: math.inf,
    Format.HTML: 100_000,
    Format.MAIL: 8_000,
    Format.FEED: -1,
    Format.WEB_PAGE: -1,
}

# Waiting for a processor on a busy machine is not the content's fault.
_WALL_SECONDS_PER_SECOND = 4


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
    request = {
        "seconds": seconds,
        "memory_bytes": MEMORY_BYTES,
        "kind": kind,
        "name": name,
        "url": url,
        "content_type": content_type,
    }
    try:
        finished = subprocess.run(
            [sys.executable, "-I", "-m", "sources.parsing.limited_process"],
            input=json.dumps(request).encode() + b"\n" + content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds * _WALL_SECONDS_PER_SECOND,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BeyondLimits(f"takes longer than {seconds} seconds to read") from None
    if finished.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise BeyondLimits(f"takes longer than {seconds} seconds to read")
    if finished.returncode != 0:
        raise BeyondLimits("cannot be read: the parser failed")
    answer = json.loads(finished.stdout)
    if "problem" in answer:
        raise UnreadableFormat(answer["problem"])
    return [_document(**row) for row in answer["documents"]]


def _document(published_at: str | None, **fields: Any) -> Document:
    return Document(published_at=datetime.fromisoformat(published_at) if published_at else None, **fields)
