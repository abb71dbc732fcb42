"""Values of JSON as hostile places write them, and the memory of what they gave."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.polling.given import Given, digest_of

ALL: list[Any] = [None, True, 0, 7, 1.5, 10**400, float("nan"), "", "  ", "text", "\ud800", [], [1, {}], {}, {"a": 1}]


@pytest.mark.parametrize("value", ALL, ids=repr)
def test_a_value_of_another_type_counts_as_absent(value: Any) -> None:
    assert (text_of(value) is not None) == (isinstance(value, str) and bool(value.strip()))
    assert (number_of(value) is not None) == (type(value) is int)
    assert object_of(value) == (value if isinstance(value, dict) else {})
    assert objects_of(value) == ([{}] if value == [1, {}] else [])
    assert moment_of(value) in (None, datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(7, UTC))


def test_text_can_be_encoded() -> None:
    assert text_of("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    "value", ["2026-11-20T12:00:00+02:00", "2026-11-20T10:00:00.000Z", "2026-11-20T10:00:00", 1795168800], ids=str
)
def test_moments_are_read_as_aware_utc(value: str | int) -> None:
    moment = moment_of(value)
    assert moment == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("value", ["yesterday", "0001-01-01T00:00:00+10:00", -(10**18)])
def test_moments_beyond_the_calendar_are_none(value: str | int) -> None:
    assert moment_of(value) is None


def test_what_was_given_is_known_until_more_came() -> None:
    given = Given().and_also(["a", "b", "c"], at_most=3)
    stored = Given.read(json.loads(json.dumps(given.written())))
    assert stored == given
    later = stored.and_also(["a", "d"], at_most=3)
    assert [digest in later for digest in "abcd"] == [True, False, True, True]


@pytest.mark.parametrize("written", [None, "text", 7, {"a": 1}])
def test_an_unreadable_memory_is_empty(written: Any) -> None:
    assert Given.read(written) == Given()


def test_an_item_and_its_edited_version_have_two_digests() -> None:
    assert len({digest_of("1", None), digest_of("1", "2026"), digest_of("12", "026"), digest_of("\ud800")}) == 4
