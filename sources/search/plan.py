"""What a search service is asked next: within a budget a day and a month, with a fair share of it for every term.

Plain calculation: nothing here reaches out or reads the clock. Days and months are those of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.ports import SearchTerm
from core.types import Json, JsonObject

CATCH_UP = timedelta(hours=6)
"""What was not asked while nothing ran is made up for, but for no longer than this."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """How many queries may be sent in a day and in a month."""

    a_day: int
    a_month: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """What was asked so far. It knows terms by their ids and survives as JSON.

    ``paced_until`` is until when the queries sent so far last when they are spread evenly, in seconds since 1970.
    ``turns`` counts each term's queries, each as the inverse of its priority: the term with the least is next (stride
    scheduling), so that one of three times the priority is asked for three times as often.
    """

    day: str = ""
    day_count: int = 0
    month_count: int = 0
    paced_until: float = 0.0
    turns: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, written: Json) -> SearchPlan:
        """Return the plan that :meth:`written` gave; an empty one for anything else."""
        return cls(**written) if isinstance(written, Mapping) else cls()  # type: ignore[arg-type]  # as written below

    def written(self) -> JsonObject:
        """Return the plan as JSON."""
        return {
            "day": self.day,
            "day_count": self.day_count,
            "month_count": self.month_count,
            "paced_until": self.paced_until,
            "turns": dict(self.turns),
        }

    def next(self, terms: Sequence[SearchTerm], budget: Budget, now: datetime) -> SearchTerm | None:
        """Return the term to ask for now, None where nothing may be asked now. One that was never asked for comes first
        and need not wait until the others' queries have lasted."""
        if not terms or self.left(budget, now) <= 0:
            return None
        fresh = [term for term in terms if term.id not in self.turns]
        if fresh:
            return max(fresh, key=lambda term: term.priority)
        return None if now.timestamp() < self.paced_until else min(terms, key=lambda term: self.turns[term.id])

    def after(self, term: SearchTerm, terms: Sequence[SearchTerm], budget: Budget, now: datetime) -> SearchPlan:
        """Return the plan after the term was asked for. Terms that are gone are forgotten."""
        day_count, month_count = self._counts(now)
        spread = max(_DAY / budget.a_day, _until_next_month(now) / max(1, budget.a_month - month_count)).total_seconds()
        begun = max(self.paced_until, (now - CATCH_UP).timestamp()) if self.turns else now.timestamp()
        lasting = {one.id for one in terms}
        turns = {key: turn for key, turn in self.turns.items() if key in lasting}
        turn = turns.get(term.id, min(turns.values(), default=0.0)) + 1 / term.priority
        return SearchPlan(
            day=_day_of(now),
            day_count=day_count + 1,
            month_count=month_count + 1,
            # Never more than a day's queries ahead, so that a clock that once went wrong does not silence the source.
            paced_until=min(begun + spread, now.timestamp() + spread * budget.a_day),
            turns=turns | {term.id: turn},
        )

    def left(self, budget: Budget, now: datetime) -> int:
        """Return how many queries may still be sent today."""
        day_count, month_count = self._counts(now)
        return min(budget.a_day - day_count, budget.a_month - month_count)

    def free_at(self, budget: Budget, now: datetime) -> datetime:
        """Return from when on a term that was asked for already may be asked for again."""
        day_count, month_count = self._counts(now)
        if month_count >= budget.a_month:
            return now + _until_next_month(now)
        if day_count >= budget.a_day:
            return _midnight(now) + _DAY
        return max(now, datetime.fromtimestamp(self.paced_until, UTC))

    def _counts(self, now: datetime) -> tuple[int, int]:
        today = _day_of(now)
        return (
            self.day_count if self.day == today else 0,
            self.month_count if self.day[:7] == today[:7] else 0,
        )


def _day_of(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _until_next_month(now: datetime) -> timedelta:
    some_day = _midnight(now).replace(day=28) + 4 * _DAY
    return some_day.replace(day=1) - now
