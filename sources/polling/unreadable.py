"""Sources of several places, one of which cannot be read while the others can.

What is wrong with one place must not keep the others from being read, and must not be forgotten when the next one is
read well: it stays in the cursor, and in what each page says, until the place is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.errors import SourceError, SourceUnavailable
from core.types import Json, JsonObject, Page

_MOST_SAID = 3
"""So many places are told of each by itself, the others as a number."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The places that could not be read when they were last tried, by their keys, and why: in a sentence each, which
    says where a place stands in the settings and does not name it."""

    reasons: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, written: Json, places: Collection[str]) -> Unreadable:
        """Return what :meth:`written` gave, of the places that are still read; nothing for anything else."""
        if not isinstance(written, Mapping):
            return cls()
        return cls({key: str(reason) for key, reason in written.items() if key in places})

    def written(self) -> Json:
        """Return it as a part of a cursor."""
        return dict(self.reasons)

    def and_also(self, place: str, reason: str) -> Unreadable:
        """Return what cannot be read once this place could not be."""
        return Unreadable({**self.reasons, place: reason})

    def without(self, place: str) -> Unreadable:
        """Return what cannot be read once this place could be."""
        return Unreadable({key: reason for key, reason in self.reasons.items() if key != place})

    def sentence(self) -> str | None:
        """Return what cannot be read, for :attr:`core.types.Page.failing`; None where everything can."""
        reasons = list(dict.fromkeys(self.reasons.values()))
        more = len(reasons) - _MOST_SAID
        said = [*reasons[:_MOST_SAID], *([f"and {more} more"] if more > 0 else [])]
        return "; ".join(said) or None

    def page_past(self, error: SourceError, places: Collection[str], cursor: JsonObject, *, more: bool) -> Page:
        """Return the empty page that passes by the place that raised this error and goes on at ``cursor``.

        Raises the error where the place asks to wait, which holds for the others too, and, with the cursor, where none
        of the places can be read.
        """
        if asks_to_wait(error):
            raise error
        if self.reasons.keys() >= set(places):
            error.cursor = cursor
            raise error
        return Page(documents=(), cursor=cursor, more=more, failing=self.sentence())


def asks_to_wait(error: SourceError) -> bool:
    """Return whether the place said how long it wants to be left alone."""
    return isinstance(error, SourceUnavailable) and error.retry_after is not None
