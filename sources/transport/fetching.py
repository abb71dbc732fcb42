"""Answers of a place's HTTP interface, and what its statuses and headers say about reading on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from core.errors import AddressRefused, FetchError, SourceBroken, SourceError, SourceUnavailable, TooLarge
from core.http import check_url, parse_retry_after
from core.ports import HttpResponse, SourceContext

_BROKEN = {
    400: "does not understand the request",
    401: "asks for a login",
    402: "asks to be paid",
    403: "forbids reading",
    404: "has nothing there",
    410: "has closed this for good",
    414: "does not take so long a request",
    422: "does not take this request",
    451: "may not show this for legal reasons",
}
_UNAVAILABLE = frozenset({408, 425, 429})
_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LIMIT = ("x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit")
_EPOCH_FROM = 1_000_000_000
"""Numbers from here on are moments (seconds since 1970), smaller ones seconds to wait."""
_LATEST = timedelta(days=366)


class Gone(SourceBroken):
    """The place has nothing at this address, or has it no more (status 404 or 410)."""


class RequestRefused(SourceBroken):
    """The place does not take what it was asked (status 400, 414 or 422); it may take another request."""


_KINDS = {404: Gone, 410: Gone, **dict.fromkeys((400, 414, 422), RequestRefused)}


def _checked(url: str) -> str:
    try:
        check_url(url)
    except AddressRefused as error:
        raise ValueError(str(error)) from None
    return url


WebAddress: TypeAlias = Annotated[str, AfterValidator(_checked)]
"""A setting that holds an http or https address with a host and without credentials."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of status 200 or 304. ``not_before`` is from when on the place may be asked again, where it said so."""

    response: HttpResponse = field(repr=False)
    not_before: datetime | None

    @property
    def host(self) -> str:
        """Whose answer it is."""
        return urlsplit(self.response.url).hostname or ""

    @property
    def quota_left(self) -> int | None:
        """How many requests the place still allows, None where it does not say. Of several windows (a second, a month)
        the last counts, which is the longest."""
        return next((left for left, _ in reversed(_windows(self.response.headers))), None)

    def json(self) -> Any:
        """Return the body as JSON. Raises SourceUnavailable: a place in trouble answers with a page for people."""
        try:
            return json.loads(self.response.body)
        except (ValueError, RecursionError):
            raise SourceUnavailable(f"{self.host} answers with something else than JSON") from None


async def fetch(
    context: SourceContext,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    follow_redirects: bool = True,
) -> Answer:
    """Return the place's answer. A request that holds a term or a key must not follow redirects: they may lead to
    anybody. Raises SourceUnavailable where it may be tried again, with the wait that the place
    asks for (Retry-After; or rate-limit headers with nothing left), Gone where nothing is there, RequestRefused where
    something else may be asked, SourceBroken otherwise where a person must look. Messages name the host only."""
    host = urlsplit(url).hostname or ""
    try:
        response = await context.http.request(
            method, url, headers=headers, body=body, follow_redirects=follow_redirects
        )
    except (AddressRefused, TooLarge) as error:
        raise SourceBroken(str(error)) from error
    except FetchError as error:
        raise SourceUnavailable(str(error)) from error
    now = context.clock.now()
    wait = asked_wait(response.headers, now)
    status = response.status
    if status in (200, 304):
        return Answer(response, now + wait if wait else None)
    raise refusal(host, status, wait)


def refusal(host: str, status: int, wait: timedelta | None) -> SourceError:
    """Return the error that says what an answer without the thing asked for means. ``wait`` is what
    :func:`asked_wait` reads from its headers."""
    # Services answer 403 for "too many requests", too, and then say when to come back.
    if status in _UNAVAILABLE or status >= 500 or (status == 403 and wait):
        return SourceUnavailable(f"{host} cannot answer now (status {status})", retry_after=wait)
    return _KINDS.get(status, SourceBroken)(f"{host} {_BROKEN.get(status, 'gives no usable answer')} (status {status})")


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
