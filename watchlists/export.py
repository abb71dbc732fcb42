"""Writes watchlists as files that load back to the same."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from core.types import Community, Term, Watchlist
from watchlists.schema import VERSION, FileEntry, WatchlistEntry

_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def to_yaml(community: Community, watchlists: Iterable[tuple[Watchlist, Iterable[Term]]]) -> str:
    """Return the watchlist file. What has its default is left out."""
    entry = FileEntry.model_construct(
        version=VERSION,
        community=community.name,
        context=list(community.context) or None,
        watchlists=[WatchlistEntry.of(watchlist, terms) for watchlist, terms in watchlists],
    )
    plain = entry.model_dump(mode="json", exclude_defaults=True)
    written: str = yaml.dump(plain, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
    return written
