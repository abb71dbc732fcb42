"""Who is on call: turns, handovers by the clocks on the wall, and whoever is absent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.rotation import on_call, order_of, shift_ends_at
from core.types import Override, Rotation

WEEKLY = Rotation(
    id="rot_1", community_id="com_1", name="Nights", moderator_ids=("ada", "ben", "cleo"),
    starts_on=date(2026, 11, 2), handover_at=time(9), time_zone="Europe/Berlin",
)  # fmt: skip
DAILY = replace(WEEKLY, shift_days=1, starts_on=date(2026, 3, 27), handover_at=time(2, 30))
HOUR = timedelta(hours=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def absent(moderator: str, first: str, last: str, substitute: str | None = None) -> Override:
    return Override(
        id=f"ovr_{moderator}", moderator_id=moderator, from_at=moment(first), until_at=moment(last),
        substitute_id=substitute,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-11-02T08:00", "ada"),  # 9 o'clock in Berlin
        ("2026-11-09T07:59:59.999999", "ada"),
        ("2026-11-09T08:00", "ben"),
        ("2026-11-16T08:00", "cleo"),
        ("2026-11-23T08:00", "ada"),
        ("2026-11-02T07:59", "cleo"),  # before the first day, the turns are as if it had gone on before
    ],
)
def test_moderators_take_turns_at_the_handover(at: str, who: str) -> None:
    assert on_call(WEEKLY, moment(at)) == who


def test_who_is_on_call_is_asked_first_and_then_those_whose_turns_follow() -> None:
    assert order_of(WEEKLY, moment("2026-11-10T12:00")) == ("ben", "cleo", "ada")


@pytest.mark.parametrize(
    ("before", "handover"),
    [
        ("2026-03-28T00:00", "2026-03-28T01:30"),  # 2:30 in winter
        ("2026-03-28T12:00", "2026-03-29T01:30"),  # on this day, the clocks skip from 2:00 to 3:00
        ("2026-03-29T12:00", "2026-03-30T00:30"),  # 2:30 in summer
        ("2026-10-24T12:00", "2026-10-25T00:30"),  # on this day, 2:30 comes twice: the first time counts
        ("2026-10-25T00:31", "2026-10-26T01:30"),
    ],
)
def test_the_handover_follows_the_clocks_on_the_wall(before: str, handover: str) -> None:
    ends = shift_ends_at(DAILY, moment(before))
    assert ends == moment(handover)
    order = DAILY.moderator_ids
    now = on_call(DAILY, ends - timedelta(microseconds=1))
    assert now == on_call(DAILY, moment(before))
    assert on_call(DAILY, ends) == order[(order.index(now) + 1) % len(order)]


@given(
    st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: moment("2025-01-01T00:00") + minutes * timedelta(minutes=1)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tehran", "UTC"]),
    st.times(),
    st.integers(1, 10),
)
def test_shifts_follow_one_another_without_gap_or_overlap(at: datetime, zone: str, handover: time, days: int) -> None:
    rotation = replace(WEEKLY, time_zone=zone, handover_at=handover.replace(second=0, microsecond=0), shift_days=days)
    ends = shift_ends_at(rotation, at)
    assert at < ends <= at + timedelta(days=days) + 2 * HOUR
    assert on_call(rotation, ends - timedelta(microseconds=1)) == on_call(rotation, at)
    turns = rotation.moderator_ids
    assert on_call(rotation, ends) == turns[(turns.index(on_call(rotation, at)) + 1) % 3]
    assert timedelta(days=days) - 2 * HOUR <= shift_ends_at(rotation, ends) - ends <= timedelta(days=days) + 2 * HOUR


def test_the_next_takes_the_place_of_who_is_absent() -> None:
    away = replace(WEEKLY, overrides=(absent("ada", "2026-11-03T00:00", "2026-11-05T00:00"),))
    assert order_of(away, moment("2026-11-02T23:59")) == ("ada", "ben", "cleo")
    assert order_of(away, moment("2026-11-03T00:00")) == ("ben", "cleo")
    assert order_of(away, moment("2026-11-05T00:00")) == ("ada", "ben", "cleo")
    assert order_of(away, moment("2026-11-03T00:00") + timedelta(days=7)) == ("ben", "cleo", "ada")


def test_a_substitute_takes_the_shifts_and_is_asked_once() -> None:
    swapped = replace(WEEKLY, overrides=(absent("ada", "2026-11-03T00:00", "2026-11-05T00:00", "cleo"),))
    assert order_of(swapped, moment("2026-11-04T00:00")) == ("cleo", "ben")


def test_somebody_outside_the_rotation_can_stand_in() -> None:
    helped = replace(WEEKLY, overrides=(absent("ada", "2026-11-03T00:00", "2026-11-05T00:00", "dora"),))
    assert order_of(helped, moment("2026-11-04T00:00")) == ("dora", "ben", "cleo")


def test_two_who_swap_have_each_other_s_shifts() -> None:
    swap = (
        absent("ada", "2026-11-02T08:00", "2026-11-09T08:00", "ben"),
        absent("ben", "2026-11-09T08:00", "2026-11-16T08:00", "ada"),
    )
    swapped = replace(WEEKLY, overrides=swap)
    assert on_call(swapped, moment("2026-11-04T00:00")) == "ben"
    assert on_call(swapped, moment("2026-11-11T00:00")) == "ada"


def test_a_substitute_who_is_absent_too_hands_on_to_theirs_or_else_to_the_next() -> None:
    both = (
        absent("ada", "2026-11-03T00:00", "2026-11-05T00:00", "ben"),
        absent("ben", "2026-11-03T00:00", "2026-11-05T00:00", "cleo"),
    )
    assert order_of(replace(WEEKLY, overrides=both), moment("2026-11-04T00:00")) == ("cleo",)
    circle = (both[0], replace(both[1], substitute_id="ada"))
    assert order_of(replace(WEEKLY, overrides=circle), moment("2026-11-04T00:00")) == ("cleo",)


def test_where_everybody_is_absent_somebody_is_asked_all_the_same() -> None:
    away = tuple(absent(one, "2026-11-03T00:00", "2026-11-05T00:00") for one in WEEKLY.moderator_ids)
    assert order_of(replace(WEEKLY, overrides=away), moment("2026-11-04T00:00")) == ("ada", "ben", "cleo")
