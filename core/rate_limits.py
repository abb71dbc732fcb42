"""What an answer says about asking again: Retry-After, and the many headers that count requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LIMIT = ("x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit")
_EPOCH_FROM = 1_000_000_000
"""Numbers from here on are moments (seconds since 1970), smaller ones seconds to wait."""
_LATEST = timedelta(days=366)
_LONGEST_SECONDS = 10**9


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait (RFC 9110, section 10.2.3: seconds or a date),
    never negative; None where there is none or it cannot be read."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:20]), _LONGEST_SECONDS))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter for an offset of many digits
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))


def asked_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the place asks to be left alone, None where it does not.

    ``Retry-After`` is RFC 9110, section 10.2.3. Of the many rate-limit headers (GitHub's ``X-RateLimit-*``,
    Mastodon's with a date, the IETF draft's ``RateLimit-*``) the reset counts where nothing is left.
    """
    wait = parse_retry_after(headers.get("retry-after"), now)
    if wait is not None:
        return wait or None
    waits = [_until(reset, now) for left, reset in _windows(headers) if left == 0]
    return max(filter(None, waits), default=None)


def quota_left(headers: Mapping[str, str]) -> int | None:
    """Return how many requests the place still allows, None where it does not say. Of several windows (a second, a
    month) the last counts, which is the longest."""
    return next((left for left, _ in reversed(_windows(headers))), None)


def _windows(headers: Mapping[str, str]) -> list[tuple[int, str]]:
    """Return, for each window in which requests are counted, how many are left and when it begins anew. Most places
    have one; Brave lists several, separated by commas, with the limit 0 for one without limit."""
    lefts, resets, limits = (
        next((headers[name] for name in names if name in headers), "").split(",") for names in (_LEFT, _RESET, _LIMIT)
    )
    resets += [""] * len(lefts)
    limits += [""] * len(lefts)
    return [
        (int(number), reset.strip())
        for left, reset, limit in zip(lefts, resets, limits, strict=False)
        if (number := _number(left)) is not None and number < _EPOCH_FROM and limit.strip() != "0"
    ]


def _until(reset: str, now: datetime) -> timedelta | None:
    seconds = _number(reset)
    try:
        if seconds is None:
            moment = datetime.fromisoformat(reset.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif seconds >= _EPOCH_FROM:
            moment = datetime.fromtimestamp(seconds, UTC)
        else:
            moment = now + timedelta(seconds=seconds)
    except (ValueError, OverflowError, OSError):
        return None
    return min(moment - now, _LATEST) if moment > now else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= 0 else None
