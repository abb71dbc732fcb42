"""Places that list what is new, and give what an item says only when asked for it.

What is listed longest is read first, as it leaves the list first. The cursor remembers what was read and what is still
to be read, as digests, so that a list is read in pages, and so that it is noticed when a place lists less than came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.polling.given import Given, digest_of
from sources.transport.fetching import Answer, Gone

PAGE_SIZE = 50
READING_SECONDS = 60.0
"""With the slowest answer on top, still well within the lease of a poll."""

_REMEMBERED = 500
_REFUSALS = 3
"""So many items that all are refused are not the items' fault, but the place's way to refuse everything."""


class NotYet(Exception):
    """The place has the item, and will give it later."""


@dataclass(frozen=True, slots=True)
class ListedItem:
    """``key`` names the item and, where the list tells, the state of its content: another key is read again.

    ``read`` asks for it; it returns None where there is nothing to read, and raises SourceError or NotYet.
    """

    key: str = field(repr=False)
    read: Callable[[], Awaitable[Document | None]] = field(repr=False)


def was_read(cursor: JsonObject | None, item: ListedItem) -> bool:
    """Return whether the item, in this state, was read before."""
    return digest_of(item.key) in Given.read((cursor or {}).get("seen"))


async def read_listed(
    context: SourceContext, listing: Answer, items: Sequence[ListedItem], cursor: JsonObject | None, *, cut_off: bool
) -> Page:
    """Return a page of the items that were not read yet. ``items`` are what ``listing`` lists, the newest first;
    ``cut_off`` tells that the place lists no more than these, however much there is.

    An item that fails is left for the next poll, one that is refused is given up. Raises SourceError where nothing
    could be read for that reason.
    """
    known = cursor or {}
    seen, waiting = Given.read(known.get("seen")), Given.read(known.get("waiting"))
    listed = {digest_of(item.key): item for item in reversed(items)}
    if not listed:
        return Page(documents=(), cursor=cursor, not_before=listing.not_before, quota_left=listing.quota_left)
    reading = _Reading(context, {digest: item for digest, item in listed.items() if digest not in seen})
    await reading.run()
    left = [digest for digest in listed if digest not in seen and digest not in reading.done]
    following = seen.and_also((digest for digest in listed if digest not in left), at_most=_REMEMBERED + len(listed))
    return Page(
        documents=tuple(reading.documents),
        cursor={"seen": following.written(), "waiting": left},
        more=reading.interrupted and bool(reading.done),
        not_before=max((moment for moment in (listing.not_before, reading.not_before) if moment), default=None),
        gap=_gap(listing.host, seen, waiting, listed, cut_off=cut_off),
        quota_left=listing.quota_left,
    )


class _Reading:
    """Reads items, the first first, until the page is full, the time is up, or the place asks to wait."""

    def __init__(self, context: SourceContext, items: Mapping[str, ListedItem]) -> None:
        self._context = context
        self._items = items
        self.documents: list[Document] = []
        self.done: set[str] = set()
        self.interrupted = False
        self.not_before: datetime | None = None

    async def run(self) -> None:
        clock = self._context.clock
        end = clock.monotonic() + READING_SECONDS
        failure: SourceUnavailable | None = None
        refusals: list[SourceBroken] = []
        for number, (digest, item) in enumerate(self._items.items()):
            if number == PAGE_SIZE or clock.monotonic() >= end:
                self.interrupted = True
                break
            try:
                document = await item.read()
            except NotYet:
                continue
            except SourceUnavailable as error:
                failure = error
                if error.retry_after is not None:
                    self.interrupted = True
                    self.not_before = clock.now() + error.retry_after
                    break
                continue
            except Gone:
                document = None
            except SourceBroken as error:
                refusals.append(error)
                document = None
            self.done.add(digest)
            if document is not None:
                self.documents.append(document)
        if failure is not None and not self.done:
            raise failure
        if len(refusals) >= _REFUSALS and len(refusals) == len(self.done):
            raise refusals[0]


def _gap(host: str, seen: Given, waiting: Given, listed: Mapping[str, ListedItem], *, cut_off: bool) -> str | None:
    if cut_off and seen.digests and not any(digest in listed for digest in seen.digests):
        return f"{host} lists {len(listed)} items, and more came since the last poll"
    lost = sum(digest not in listed for digest in waiting.digests)
    return f"items that left the list of {host} before they were read: {lost}" if lost else None
