"""Recipients whose mail server takes a message from them later only, as greylisting does (RFC 6647).

Who still waits for a message is kept with its delivery: neither a restart nor another process sends it to anybody
twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from core.types import JsonObject

PATIENCE = timedelta(minutes=10)
"""How long a message is tried again for those who did not take it at once. Mail servers that greylist ask for one to
five minutes (RFC 6647, section 5)."""


@dataclass(frozen=True, slots=True)
class Partly:
    """A message that some have taken, and others are ``waiting`` for, ``since`` the first attempt."""

    since: datetime
    waiting: frozenset[str]

    @classmethod
    def of(cls, progress: JsonObject) -> Partly:
        """Return what was noted as :attr:`progress`."""
        return cls(datetime.fromisoformat(str(progress["since"])), frozenset(cast(Sequence[str], progress["waiting"])))

    @property
    def progress(self) -> JsonObject:
        """What is kept with the delivery."""
        return {"since": self.since.isoformat(), "waiting": sorted(self.waiting)}


class Greylisting:
    """For whom it is useless to wait: one for whom a message was tried again in vain is not waited for before they take
    one. Known to this process only: it costs ten minutes to find out."""

    def __init__(self) -> None:
        self._given_up: set[str] = set()

    def note(
        self, partly: Partly | None, *, taken: Collection[str], later: Collection[str], at: datetime
    ) -> Partly | None:
        """Return who is to be tried again of those who are to take the message ``later``; None where nobody is.
        ``partly`` is what was noted at the attempt before."""
        self._given_up.difference_update(taken)
        since = at if partly is None else partly.since
        waiting = frozenset(later) - self._given_up
        if waiting and at - since < PATIENCE:
            return Partly(since, waiting)
        self._given_up |= waiting
        return None


def recipients(partly: Partly | None, everybody: Sequence[str]) -> list[str]:
    """Return who has not taken the message yet, of ``everybody`` who is to have it."""
    return [one for one in everybody if partly is None or one in partly.waiting]
