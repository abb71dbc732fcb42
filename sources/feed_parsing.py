"""Feeds (RSS, Atom, JSON Feed) to entries, parsed in a process of their own with limits of time and memory.

A feed is written by strangers and the parser can be made to hang or to swell; nothing of that reaches this process.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import SourceBroken, SourceUnavailable
from core.types import Document

MEMORY_BYTES = 1_500_000_000
"""Address space of the parsing process; the largest feed that is fetched (20 MB) needs about half of it."""

# Waiting for a processor on a busy machine is not the feed's fault.
_WALL_SECONDS_PER_SECOND = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """An entry as plain text. ``id`` is its own, else its link, else a digest of its content."""

    id: str
    text: str = field(repr=False)
    title: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    author: str | None = field(default=None, repr=False)
    language: str | None = None
    published_at: datetime | None = None

    def document(self) -> Document:
        """Return the document that the entry is, outside any source."""
        return Document(
            id=self.id,
            external_id=self.id,
            text=self.text,
            title=self.title,
            url=self.url,
            author=self.author,
            language=self.language,
            published_at=self.published_at,
        )


def parse_feed(
    body: bytes, *, name: str, seconds: int = 10, url: str | None = None, content_type: str | None = None
) -> tuple[FeedEntry, ...]:
    """Return the entries, the oldest first as far as they are dated or in the usual order (newest first).

    ``name`` is what messages call the feed, ``seconds`` the processor time it may take, ``url`` what relative links
    stand on, ``content_type`` the header it came with. Raises SourceBroken for what is no feed, and
    SourceUnavailable for one that takes too much time or memory.
    """
    request = json.dumps({"seconds": seconds, "memory_bytes": MEMORY_BYTES, "url": url, "content_type": content_type})
    try:
        finished = subprocess.run(
            [sys.executable, "-I", "-m", "sources.feed_process"],
            input=request.encode() + b"\n" + body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds * _WALL_SECONDS_PER_SECOND,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceUnavailable(f"{name} takes longer than {seconds} seconds to read") from None
    if finished.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise SourceUnavailable(f"{name} takes longer than {seconds} seconds to read")
    if finished.returncode != 0:
        raise SourceUnavailable(f"{name} cannot be read: the feed parser failed")
    answer = json.loads(finished.stdout)
    if answer is None:
        raise SourceBroken(f"{name} is not a feed")
    entries = [_entry(row) for row in reversed(answer)]
    return tuple(sorted(entries, key=lambda entry: entry.published_at.timestamp() if entry.published_at else 0.0))


def _entry(row: dict[str, str | None]) -> FeedEntry:
    text, title, url, published_at = row["text"] or "", row["title"], row["url"], row["published_at"]
    return FeedEntry(
        id=row["id"] or url or hashlib.sha256(f"{title or ''}\0{text}".encode()).hexdigest(),
        text=text,
        title=title,
        url=url,
        author=row["author"],
        language=row["language"],
        published_at=datetime.fromisoformat(published_at) if published_at else None,
    )
