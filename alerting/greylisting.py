"""Recipients whose mail server takes a message from them later only, as greylisting does (RFC 6647).

Who still waits for which message is remembered by this process alone: after a restart, everybody is sent it again, as
the same message.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

PATIENCE = timedelta(minutes=10)
"""How long a message is tried again for those who did not take it at once. Mail servers that greylist ask for one to
five minutes (RFC 6647, section 5)."""
_FORGOTTEN_AFTER = timedelta(days=1)
"""A message that was given up or deleted meanwhile is not asked for again."""


@dataclass(frozen=True, slots=True)
class _Partly:
    since: datetime
    waiting: frozenset[str]


class Greylisting:
    """Who still waits for which message, and for whom it is useless to wait."""

    def __init__(self) -> None:
        self._partly: dict[str, _Partly] = {}
        self._given_up: set[str] = set()

    def recipients(self, message: str, everybody: Sequence[str]) -> list[str]:
        """Return who has not taken the message yet, of ``everybody`` who is to have it."""
        partly = self._partly.get(message)
        return [one for one in everybody if partly is None or one in partly.waiting]

    def is_partly_taken(self, message: str) -> bool:
        """Return whether some have taken the message, and others wait for it."""
        return message in self._partly

    def note(self, message: str, *, taken: Collection[str], later: Collection[str], at: datetime) -> bool:
        """Return whether the message is to be tried again for those who are to take it ``later``. One for whom that was
        in vain is not waited for again before they take a message."""
        self._given_up.difference_update(taken)
        partly = self._partly.get(message) or _Partly(at, frozenset())
        oldest = at - _FORGOTTEN_AFTER
        self._partly = {key: kept for key, kept in self._partly.items() if key != message and kept.since > oldest}
        waiting = frozenset(later) - self._given_up
        if waiting and at - partly.since < PATIENCE:
            self._partly[message] = _Partly(partly.since, waiting)
            return True
        self._given_up |= waiting
        return False
