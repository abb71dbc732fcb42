"""What of a place could not be read yet, and how often that was tried."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.types import Json

MOST_TRIES = 8
"""After so many in vain a thing is given up: at usual intervals that is after an hour or two."""
MOST_FAILURES = 3
"""So many things that all fail are not their own fault, but the place's: it is in trouble, and nothing is counted."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries in vain of each thing that may be asked for again. What failed last comes last."""

    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, written: Json) -> Tries:
        """Return what :meth:`written` gave, nothing for anything else."""
        if not isinstance(written, Mapping):
            return cls()
        return cls({key: count for key, count in written.items() if isinstance(count, int)})

    def written(self) -> Json:
        """Return it as a part of a cursor."""
        return dict(self.counts)

    def __contains__(self, key: str) -> bool:
        return key in self.counts

    def rank(self, key: str) -> int:
        """Return where the thing stands among those that failed, so that all get their turn: 0 for one that did not."""
        return list(self.counts).index(key) + 1 if key in self.counts else 0

    def and_also(self, failed: Collection[str], *, counted: bool) -> Tries:
        """Return the tries after these, which failed now; without ``counted`` they only lose their turn."""
        kept = {key: count for key, count in self.counts.items() if key not in failed}
        return Tries({**kept, **{key: self.counts.get(key, 0) + counted for key in failed}})

    def of(self, keys: Collection[str]) -> Tries:
        """Return the tries of those of these things that failed."""
        return Tries({key: count for key, count in self.counts.items() if key in keys})

    def exhausted(self) -> frozenset[str]:
        """Return what was tried often enough."""
        return frozenset(key for key, count in self.counts.items() if count >= MOST_TRIES)


def given_up(place: str, things: str, count: int) -> str:
    """Return the sentence about ``count`` things that are not tried any more, for the gap of a page."""
    return f"{things} of {place} that could not be read in {MOST_TRIES} tries: {count}"
