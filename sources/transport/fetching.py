"""Answers of a place's HTTP interface, and what its statuses and headers say about reading on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from json import decoder, scanner
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from core.errors import AddressRefused, AskedToWait, FetchError, SourceBroken, SourceError, SourceUnavailable, TooLarge
from core.http import check_url
from core.ports import Approval, HttpResponse, SourceContext
from core.rate_limits import asked_wait, quota_left

LARGEST_JSON_BYTES = 5_000_000
"""What is made to swell (empty lists) takes a hundred megabytes of memory at that size; places answer with less."""
_QUICK_JSON_BYTES = 500_000
"""Parsing so much takes 50 ms at most, and lets nothing else run meanwhile, in a thread neither."""

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
        """How many requests the place still allows, None where it does not say."""
        return quota_left(self.response.headers)

    async def json(self) -> Any:
        """Return the body as JSON. Raises SourceUnavailable: a place in trouble answers with a page for people. Raises
        SourceBroken where it is larger than LARGEST_JSON_BYTES."""
        if len(self.response.body) > LARGEST_JSON_BYTES:
            raise SourceBroken(f"{self.host} answers with more than {LARGEST_JSON_BYTES} bytes of JSON")
        try:
            if len(self.response.body) <= _QUICK_JSON_BYTES:
                return json.loads(self.response.body)
            return await asyncio.to_thread(self._parsed_slowly)
        except (ValueError, RecursionError):
            raise SourceUnavailable(f"{self.host} answers with something else than JSON") from None

    def _parsed_slowly(self) -> Any:
        return json.loads(self.response.body, cls=_InterruptibleDecoder)


class _InterruptibleDecoder(json.JSONDecoder):
    """Parses by the code in Python that :mod:`json` falls back to without its C code: it takes some ten times as long,
    and lets other threads run in between."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.parse_array, self.parse_object = decoder.JSONArray, decoder.JSONObject  # type: ignore[attr-defined]
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]


async def fetch(
    context: SourceContext,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    follow_redirects: bool = True,
    before_redirect: Approval | None = None,
) -> Answer:
    """Return the place's answer. A request that holds a term or a key must not follow redirects: they may lead to
    anybody. ``before_redirect`` is that of :class:`core.ports.HttpClient`, and what it raises is raised.

    Raises SourceUnavailable where it may be tried again, with the wait that the place asks for (Retry-After; or
    rate-limit headers with nothing left), Gone where nothing is there, RequestRefused where something else may be
    asked, SourceBroken otherwise where a person must look. Messages name the host only."""
    host = urlsplit(url).hostname or ""
    try:
        response = await context.http.request(
            method, url, headers=headers, body=body, follow_redirects=follow_redirects, before_redirect=before_redirect
        )
    except (AddressRefused, TooLarge) as error:
        raise SourceBroken(str(error)) from error
    except AskedToWait as error:
        raise SourceUnavailable(str(error), retry_after=error.retry_after) from error
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
    :func:`core.rate_limits.asked_wait` reads from its headers."""
    # Services answer 403 for "too many requests", too, and then say when to come back.
    if status in _UNAVAILABLE or status >= 500 or (status == 403 and wait):
        return SourceUnavailable(f"{host} cannot answer now (status {status})", retry_after=wait)
    return _KINDS.get(status, SourceBroken)(f"{host} {_BROKEN.get(status, 'gives no usable answer')} (status {status})")
