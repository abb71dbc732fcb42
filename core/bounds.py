"""How often something may happen, by whom or what it happens to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock

_MOST_KEYS = 10_000


@dataclass(slots=True)
class _Window:
    ends_at: datetime
    count: int = 0


class Bound:
    """Counts by key. Known to this process only, and not after its end; of many keys, the oldest are forgotten."""

    def __init__(self, clock: Clock, *, most: int, within: timedelta) -> None:
        """``most`` is how often something may happen to a key ``within`` a time, which begins with the first."""
        self._clock = clock
        self._most = most
        self._within = within
        self._windows: dict[str, _Window] = {}

    def exceeded(self, key: str) -> timedelta | None:
        """Count once more for the key; return how long nothing more should happen where it was too often, else None."""
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            self._windows.pop(key, None)  # so that the order stays that of the beginnings
            if len(self._windows) >= _MOST_KEYS:
                del self._windows[next(iter(self._windows))]
            window = self._windows[key] = _Window(now + self._within)
        window.count += 1
        return window.ends_at - now if window.count > self._most else None
