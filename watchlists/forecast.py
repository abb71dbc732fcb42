"""What a watchlist would bring in a week, reckoned from posts that it was tried on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.types import Finding, Severity

WEEK = timedelta(days=7)
_SHORTEST_SPAN = timedelta(days=1)
_NORMAL_QUANTILE = 1.96


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which numbers an expected number lies, with a certainty of 95 %."""

    low: float
    high: float

    def times(self, factor: float) -> Bounds:
        """Return the bounds of as many times the number."""
        return Bounds(self.low * factor, self.high * factor)

    def __str__(self) -> str:
        low, high = math.floor(self.low), math.ceil(self.high)
        return f"{low:,} to {high:,}" if low else f"up to {high:,}"


def bounds(count: int) -> Bounds:
    """Return the bounds of the number expected where ``count`` were seen, for events that come independently of one
    another (Poisson). Byar's approximation of the exact bounds (Breslow and Day, Statistical Methods in Cancer
    Research, volume 2, 1987); it is within 2 % of them from one event on."""
    low = count * (1 - 1 / (9 * count) - _NORMAL_QUANTILE / (3 * math.sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    high = above * (1 - 1 / (9 * above) + _NORMAL_QUANTILE / (3 * math.sqrt(above))) ** 3
    return Bounds(max(0.0, low), high)


@dataclass(slots=True)
class Tally:
    """What was found in posts: in how many of them each term, by term id; how many alerts were raised, by the ids of
    the terms that they are about, and by watchlist and severity."""

    post_count: int = 0
    posts_of_term: Counter[str] = field(default_factory=Counter)
    alerts_of_term: Counter[str] = field(default_factory=Counter)
    alerts_of_watchlist: Counter[tuple[str, Severity]] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    dated_count: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Count the findings of more posts, one finding a post."""
        for finding in findings:
            self.post_count += 1
            self.posts_of_term.update({match.term_id for match in finding.matches})
            for alert in finding.alerts:
                self.alerts_of_term.update({match.term_id for match in alert.matches})
                self.alerts_of_watchlist[alert.watchlist_id, alert.severity] += 1
            if at := finding.document.published_at:
                self.dated_count += 1
                self.first_at = min(self.first_at or at, at)
                self.last_at = max(self.last_at or at, at)

    def posts_a_week(self) -> float | None:
        """Return how many posts there are a week by the times at which they were published; None where less than
        half of them say so, or all are of one day."""
        if self.first_at is None or self.last_at is None or self.dated_count * 2 < self.post_count:
            return None
        span = self.last_at - self.first_at
        return self.post_count * (WEEK / span) if span >= _SHORTEST_SPAN else None
