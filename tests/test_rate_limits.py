"""What the headers of an answer say about asking again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.rate_limits import asked_wait, parse_retry_after, quota_left

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "90"}, 90),
        ({"retry-after": "0"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 12:05:00 GMT"}, 300),
        ({"x-ratelimit-remaining": "12", "x-ratelimit-reset": "300"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "300"}, 300),
        ({"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "300"}, 300),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 60)}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-21T12:10:00.000Z"}, 600),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "5"}, 5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2020-01-01T00:00:00Z"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-remaining": "none", "x-ratelimit-reset": "300"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 40}, None),
        ({"x-ratelimit-remaining": "1, 1543", "x-ratelimit-reset": "1, 1419704"}, None),
        ({"x-ratelimit-remaining": "0, 1543", "x-ratelimit-reset": "1, 1419704"}, 1),
        ({"x-ratelimit-remaining": "0, 0", "x-ratelimit-reset": "1, 1419704"}, 1419704),
        (
            {
                "x-ratelimit-remaining": "0, 0",
                "x-ratelimit-reset": "1, 1419704",
                "x-ratelimit-limit": "50, 0",  # no limit a month
            },
            1,
        ),
        ({"x-ratelimit-remaining": "0, 0", "x-ratelimit-reset": "1"}, 1),
    ],
)
def test_the_wait_is_what_the_place_asks_for(headers: dict[str, str], wait: int | None) -> None:
    assert asked_wait(headers, NOW) == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"x-ratelimit-remaining": "12"}, 12),
        ({"ratelimit-remaining": "0"}, 0),
        ({"x-ratelimit-remaining": "994.0"}, 994),
        ({"x-ratelimit-remaining": "many"}, None),
        ({"x-ratelimit-remaining": "inf"}, None),
        ({"x-ratelimit-remaining": "1, 1543", "x-ratelimit-limit": "1, 2000"}, 1543),
        ({"x-ratelimit-remaining": "49, 0", "x-ratelimit-limit": "50, 0"}, 49),
        ({}, None),
    ],
)
def test_the_quota_is_what_the_place_says_is_left(headers: dict[str, str], left: int | None) -> None:
    assert quota_left(headers) == left


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 20 Nov 2026 12:01:30 GMT", 90),
        ("Friday, 20-Nov-26 12:00:10 GMT", 10),
        ("Fri Nov 20 12:00:05 2026", 5),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("9" * 400, 10**9),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: int) -> None:
    assert parse_retry_after(value, NOON) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "²",
        "Fri, 99 Nov 2026 12:00:00 GMT",
        "Fri, 20 Nov 2026 12:00:00 +99999999999999999999",
    ],
)
def test_a_retry_after_that_cannot_be_read_is_none(value: str | None) -> None:
    assert parse_retry_after(value, NOON) is None
