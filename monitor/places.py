"""Which sources are read from one place, so that a place that hangs cannot keep the others from being read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from core.errors import SettingsError
from core.plugins import Registry
from core.ports import Source
from core.types import SourceRecord

MOST_POLLS_OF_A_PLACE = 2
"""A host is asked by one poll at a time anyway; another may work on its answer meanwhile."""

_SCHEMES = frozenset({"http", "https", "ws", "wss"})


class Places:
    """Counts the polls under way at each place. Where a source is read is known once it was taken."""

    def __init__(self, sources: Registry[Source]) -> None:
        self._sources = sources
        self._places: dict[str, frozenset[str]] = {}
        self._polls: Counter[str] = Counter()

    def enter(self, source: SourceRecord) -> bool:
        """Return whether the source may be polled now; then :meth:`leave` must follow."""
        places = self._places[source.id] = _places_of(source, self._sources)
        if not places.isdisjoint(self._full()):
            return False
        self._polls.update(places)
        return True

    def leave(self, source: SourceRecord) -> None:
        """The poll of the source is over."""
        self._polls.subtract(self._places[source.id])
        self._polls += Counter()  # drops what is at zero

    def kept_out(self) -> frozenset[str]:
        """Return the ids of the sources, as far as they are known, that must wait for other polls to end."""
        full = self._full()
        if not full:
            return frozenset()
        return frozenset(source_id for source_id, places in self._places.items() if not places.isdisjoint(full))

    def _full(self) -> frozenset[str]:
        return frozenset(place for place, count in self._polls.items() if count >= MOST_POLLS_OF_A_PLACE)


def _places_of(source: SourceRecord, sources: Registry[Source]) -> frozenset[str]:
    """Return the hosts of all addresses in the source's settings, with those that its kind adds; where there is none,
    its kind."""
    try:
        settings: object = sources.check_settings(source.kind, source.settings).model_dump()
    except SettingsError:  # its poll says so
        settings = None
    return frozenset(_hosts(settings)) or frozenset({source.kind})


def _hosts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        try:
            parts = urlsplit(value)
            if parts.scheme in _SCHEMES and parts.hostname:
                yield parts.hostname
        except ValueError:  # it is no address
            return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _hosts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _hosts(item)
