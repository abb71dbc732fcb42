"""Places that list what is new, and give what an item says only when asked for it.

What is listed longest is read first, as it leaves the list first. What fails comes after all others, and is given up
after some tries, which is told. The cursor remembers what was read and what is still to be read, as digests, so that a
list is read in pages, and so that it is noticed when a place lists less than came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.polling.given import Given, digest_of
from sources.polling.tries import MOST_FAILURES, Tries, given_up
from sources.transport.fetching import Answer, Gone

PAGE_SIZE = 50
PAGE_CHARACTERS = 10_000_000
"""So many in the texts of a page end it: what is given together is examined together."""
READING_SECONDS = 60.0
"""With the slowest answer on top, still well within the lease of a poll."""

_REMEMBERED = 500


class NotYet(Exception):
    """The place has the item, and will give it later."""


@dataclass(frozen=True, slots=True)
class ListedItem:
    """``key`` names the item and, where the list tells, the state of its content: another key is read again.

    ``read`` asks for it; it returns None where there is nothing to read, and raises SourceError or NotYet.
    """

    key: str = field(repr=False)
    read: Callable[[], Awaitable[Document | None]] = field(repr=False)


async def read_listed(
    context: SourceContext, listing: Answer, items: Sequence[ListedItem], cursor: JsonObject | None, *, cut_off: bool
) -> Page:
    """Return a page of the items that were not read yet. ``items`` are what ``listing`` lists, the newest first;
    ``cut_off`` tells that the place lists no more than these, however much there is.

    An item that fails is tried again later, some times; one that is refused or too large is given up, and counted in
    the gap. Raises SourceError where the place gives none at all.
    """
    known = cursor or {}
    seen, waiting, tries = (
        Given.read(known.get("seen")),
        Given.read(known.get("waiting")),
        Tries.read(known.get("failed")),
    )
    listed = {digest_of(item.key): item for item in reversed(items)}
    if not listed:
        return Page(documents=(), cursor=cursor, not_before=listing.not_before, quota_left=listing.quota_left)
    unread = sorted((digest for digest in listed if digest not in seen), key=tries.rank)
    reading = _Reading(context, {digest: listed[digest] for digest in unread})
    await reading.run()
    if (
        reading.failure is not None
        and not reading.done
        and (reading.interrupted or len(reading.failed) >= MOST_FAILURES)
    ):
        reading.failure.cursor = {**known, "failed": tries.and_also(reading.failed, counted=False).written()}
        raise reading.failure
    tries = tries.and_also(reading.failed, counted=True)
    lost = tries.exhausted()
    left = [digest for digest in listed if digest not in seen and digest not in reading.done and digest not in lost]
    following = seen.and_also((digest for digest in listed if digest not in left), at_most=_REMEMBERED + len(listed))
    gaps = [_gap(listing.host, seen, waiting, listed, cut_off=cut_off)]
    if lost:
        gaps.append(given_up(listing.host, "items", len(lost)))
    if reading.refusals:
        gaps.append(f"items of {listing.host} that were refused or too large: {len(reading.refusals)}")
    return Page(
        documents=tuple(reading.documents),
        cursor={"seen": following.written(), "waiting": left, "failed": tries.of(left).written()},
        more=reading.interrupted and bool(reading.done),
        not_before=max((moment for moment in (listing.not_before, reading.not_before) if moment), default=None),
        gap="; ".join(filter(None, gaps)) or None,
        quota_left=listing.quota_left,
    )


class _Reading:
    """Reads items, the first first, until the page is full, the time is up, or the place asks to wait."""

    def __init__(self, context: SourceContext, items: Mapping[str, ListedItem]) -> None:
        self._context = context
        self._items = items
        self.documents: list[Document] = []
        self.done: set[str] = set()
        self.failed: list[str] = []
        self.refusals: list[SourceBroken] = []
        self.failure: SourceUnavailable | None = None
        self.interrupted = False
        self.not_before: datetime | None = None

    async def run(self) -> None:
        clock = self._context.clock
        end = clock.monotonic() + READING_SECONDS
        characters = 0
        for number, (digest, item) in enumerate(self._items.items()):
            if number == PAGE_SIZE or characters >= PAGE_CHARACTERS or clock.monotonic() >= end:
                self.interrupted = True
                break
            try:
                document = await item.read()
            except NotYet:
                continue
            except SourceUnavailable as error:
                self.failure = error
                if error.retry_after is None:
                    self.failed.append(digest)
                    continue
                self.interrupted = True
                self.not_before = clock.now() + error.retry_after
                if not self.done:  # it may be this item alone that is told to wait for: another is the first next time
                    self.failed.append(digest)
                break
            except Gone:
                document = None
            except SourceBroken as error:
                self.refusals.append(error)
                document = None
            self.done.add(digest)
            if document is not None:
                self.documents.append(document)
                characters += len(document.text)
        if len(self.refusals) >= MOST_FAILURES and len(self.refusals) == len(self.done):
            raise self.refusals[0]


def _gap(host: str, seen: Given, waiting: Given, listed: Mapping[str, ListedItem], *, cut_off: bool) -> str | None:
    if cut_off and seen.digests and not any(digest in listed for digest in seen.digests):
        return f"{host} lists {len(listed)} items, and more came since the last poll"
    lost = sum(digest not in listed for digest in waiting.digests)
    return f"items that left the list of {host} before they were read: {lost}" if lost else None
