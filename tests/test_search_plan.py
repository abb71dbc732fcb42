"""What a search service is asked next: within the budget, fairly, and without text of terms in the cursor."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ports import SearchTerm
from sources.search.plan import Budget, SearchPlan

MORNING = datetime(2026, 11, 2, 8, tzinfo=UTC)
HERON = SearchTerm(id="t1", text="night_heron", priority=3)
MARIA = SearchTerm(id="t2", text="Maria Gonzalez", priority=3)
HOUSE = SearchTerm(id="t3", text="safe house", priority=1)
TERMS = (HOUSE, HERON, MARIA)


def asked(
    plan: SearchPlan, terms: Sequence[SearchTerm], budget: Budget, moments: Sequence[datetime]
) -> tuple[list[tuple[datetime, str]], SearchPlan]:
    """Ask at each moment all that may be asked then, with the plan as it comes from the database."""
    queries = []
    for now in moments:
        while (term := plan.next(terms, budget, now)) is not None:
            queries.append((now, term.id))
            plan = SearchPlan.read(json.loads(json.dumps(plan.after(term, terms, budget, now).written())))
    return queries, plan


def every(minutes: int, *, days: float, start: datetime = MORNING) -> list[datetime]:
    return [start + timedelta(minutes=minutes) * step for step in range(round(days * 1440 / minutes))]


def test_at_first_every_term_is_asked_for_once_the_weightiest_first() -> None:
    queries, _ = asked(SearchPlan(), TERMS, Budget(60, 1000), [MORNING])
    assert [term_id for _, term_id in queries] == ["t1", "t2", "t3"]


def test_the_first_round_too_keeps_to_the_budget_of_the_day() -> None:
    many = [SearchTerm(id=f"t{number}", text="x", priority=1) for number in range(100)]
    queries, plan = asked(SearchPlan(), many, Budget(60, 1000), [MORNING])
    assert len(queries) == 60
    assert plan.free_at(Budget(60, 1000), MORNING) == datetime(2026, 11, 3, tzinfo=UTC)
    rest, _ = asked(plan, many, Budget(60, 1000), [MORNING + timedelta(days=1)])
    assert {term_id for _, term_id in (*queries, *rest)} == {term.id for term in many}


def test_a_day_s_queries_are_spread_over_the_day() -> None:
    queries, _ = asked(SearchPlan(), TERMS, Budget(24, 10_000), every(5, days=3))
    moments = [moment for moment, _ in queries[3:]]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert all(timedelta(minutes=55) <= gap <= timedelta(minutes=65) for gap in gaps)


def test_a_term_is_asked_for_as_often_as_it_has_priority() -> None:
    queries, _ = asked(SearchPlan(), TERMS, Budget(48, 10_000), every(10, days=10))
    counts = Counter(term_id for _, term_id in queries)
    assert abs(counts["t1"] - counts["t2"]) <= 1
    assert 2.9 < counts["t1"] / counts["t3"] < 3.1


def test_the_month_s_budget_lasts_to_its_end() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    queries, plan = asked(SearchPlan(), TERMS, Budget(1000, 90), every(30, days=30, start=start))
    assert 85 <= len(queries) <= 90
    assert max(Counter(moment.date() for moment, _ in queries).values()) <= 6
    later, _ = asked(plan, TERMS, Budget(1000, 90), [datetime(2026, 12, 1, 6, tzinfo=UTC)])
    assert later


def test_a_month_s_budget_that_is_used_up_is_waited_for() -> None:
    budget = Budget(10, 10)
    plan = SearchPlan(day="2026-11-02", day_count=10, month_count=10, turns={"t1": 1.0})
    assert plan.next(TERMS, budget, MORNING + timedelta(days=5)) is None
    assert plan.free_at(budget, MORNING) == datetime(2026, 12, 1, tzinfo=UTC)
    assert plan.left(budget, MORNING) == 0
    assert plan.left(budget, datetime(2026, 12, 1, tzinfo=UTC)) == 10


def test_what_was_missed_while_nothing_ran_is_made_up_for_in_part() -> None:
    budget = Budget(24, 10_000)
    _, plan = asked(SearchPlan(), TERMS, budget, every(60, days=1))
    queries, _ = asked(plan, TERMS, budget, [MORNING + timedelta(days=4, hours=1)])
    assert 5 <= len(queries) <= 7


def test_a_new_term_is_asked_for_at_once_and_one_that_is_gone_is_forgotten() -> None:
    budget = Budget(24, 10_000)
    _, plan = asked(SearchPlan(), TERMS, budget, [MORNING])
    lark = SearchTerm(id="t9", text="lark", priority=1)
    now = MORNING + timedelta(minutes=1)
    assert plan.next((HERON, lark), budget, now) == lark
    assert set(plan.after(lark, (HERON, lark), budget, now).turns) == {"t1", "t9"}


def test_a_clock_that_was_wrong_once_does_not_silence_the_source() -> None:
    budget = Budget(24, 10_000)
    _, plan = asked(SearchPlan(), TERMS, budget, [MORNING + timedelta(days=3650)])
    lark = SearchTerm(id="t9", text="lark", priority=1)
    plan = plan.after(lark, (*TERMS, lark), budget, MORNING)
    assert plan.free_at(budget, MORNING) <= MORNING + timedelta(days=1)


def test_the_plan_knows_no_term_s_text_and_nothing_is_asked_without_terms() -> None:
    budget = Budget(60, 1000)
    _, plan = asked(SearchPlan(), TERMS, budget, [MORNING])
    assert not any(term.text in json.dumps(plan.written()) for term in TERMS)
    assert plan.next((), budget, MORNING) is None
    assert SearchPlan.read(None) == SearchPlan.read("broken") == SearchPlan()


@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(1, 300),
    st.integers(1, 60),
    st.lists(st.integers(1, 4000), min_size=1, max_size=60),
)
def test_no_budget_is_ever_exceeded(a_day: int, a_month: int, term_count: int, minutes: list[int]) -> None:
    terms = [SearchTerm(id=f"t{number}", text="x", priority=1 + number % 3) for number in range(term_count)]
    moments = [MORNING]
    for step in minutes:
        moments.append(moments[-1] + timedelta(minutes=step))
    queries, _ = asked(SearchPlan(), terms, Budget(a_day, a_month), moments)
    assert max(Counter(moment.date() for moment, _ in queries).values()) <= a_day
    assert max(Counter(f"{moment:%Y-%m}" for moment, _ in queries).values()) <= a_month


@pytest.mark.parametrize("now", [datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)])
def test_the_next_month_begins_on_its_first_day(now: datetime) -> None:
    plan = SearchPlan(day=f"{now:%Y-%m-%d}", day_count=1, month_count=5)
    freed = plan.free_at(Budget(9, 5), now)
    assert (freed.day, freed.hour, freed.minute) == (1, 0, 0)
    assert timedelta() < freed - now <= timedelta(days=2)
