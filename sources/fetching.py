"""Answers of a place's HTTP interface, and what its statuses and headers say about reading on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from core.errors import AddressRefused, FetchError, SourceBroken, SourceUnavailable, TooLarge
from core.http import check_url, parse_retry_after
from core.ports import HttpResponse, SourceContext

_BROKEN = {
    400: "does not understand the request",
    401: "asks for a login",
    403: "forbids reading",
    404: "has nothing there",
    410: "has closed this for good",
    451: "may not show this for legal reasons",
}
_UNAVAILABLE = frozenset({408, 425, 429})
_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_EPOCH_FROM = 1_000_000_000
"""Numbers from here on are moments (seconds since 1970), smaller ones seconds to wait."""
_LATEST = timedelta(days=366)


class Gone(SourceBroken):
    """The place has nothing at this address, or has it no more (status 404 or 410)."""


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
        """How many requests the place still allows, None where it does not say."""
        return _left(self.response.headers)

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
) -> Answer:
    """Return the place's answer. Raises SourceUnavailable where it may be tried again, with the wait that the place
    asks for (Retry-After; or rate-limit headers with nothing left), Gone where nothing is there, SourceBroken otherwise
    where a person must look. Messages name the host only."""
    host = urlsplit(url).hostname or ""
    try:
        response = await context.http.request(method, url, headers=headers, body=body)
    except (AddressRefused, TooLarge) as error:
        raise SourceBroken(str(error)) from error
    except FetchError as error:
        raise SourceUnavailable(str(error)) from error
    now = context.clock.now()
    wait = asked_wait(response.headers, now)
    status = response.status
    if status in (200, 304):
        return Answer(response, now + wait if wait else None)
    # Services answer 403 for "too many requests", too, and then say when to come back.
    if status in _UNAVAILABLE or status >= 500 or (status == 403 and wait):
        raise SourceUnavailable(f"{host} cannot answer now (status {status})", retry_after=wait)
    kind = Gone if status in (404, 410) else SourceBroken
    raise kind(f"{host} {_BROKEN.get(status, 'gives no usable answer')} (status {status})")


def asked_wait(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long the place asks to be left alone, None where it does not.

    ``Retry-After`` is RFC 9110, section 10.2.3. Of the many rate-limit headers (GitHub's ``X-RateLimit-*``,
    Mastodon's with a date, the IETF draft's ``RateLimit-*``) the reset counts where nothing is left.
    """
    wait = parse_retry_after(headers.get("retry-after"), now)
    if wait is not None:
        return wait or None
    if _left(headers) != 0:
        return None
    reset = next((headers[name] for name in _RESET if name in headers), "")
    return _until(reset, now)


def _left(headers: Mapping[str, str]) -> int | None:
    number = _number(next((headers[name] for name in _LEFT if name in headers), ""))
    return int(number) if number is not None and number < _EPOCH_FROM else None


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


def _number(text: str, *, at_least: float = 0) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= at_least else None
