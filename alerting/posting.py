"""What the channels over HTTP share: which addresses they may be given, and what the other side's answer means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, HttpUrl, SecretStr

from core.addresses import is_loopback
from core.errors import AddressRefused, DeliveryDeferred, DeliveryRefused, FetchError, TooLarge
from core.ports import HttpResponse, NotifierContext
from core.rate_limits import parse_retry_after

_MOST_ANSWER_BYTES = 1_000_000
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_LONGEST_SECONDS = 10**9

ErrorCode = Callable[[HttpResponse], str | None]
_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")


def _is_private(url: HttpUrl) -> HttpUrl:
    if url.scheme != "https" and not is_loopback(url.host or ""):
        raise ValueError("must be an https address")
    if url.username or url.password:
        raise ValueError("must not hold a user name or password")
    return url


ReceiverUrl = Annotated[HttpUrl, AfterValidator(_is_private)]
"""The address of a receiver: https, or http on this machine (which the guarded client must be allowed to reach).
It is often all that is needed to post there, so settings leave it out of their ``repr``."""


def secret_like(pattern: str, rule: str) -> AfterValidator:
    """Return what refuses a secret that is not written like that, by a sentence that does not quote it: ``rule``."""

    def check(secret: SecretStr) -> SecretStr:
        if not re.fullmatch(pattern, secret.get_secret_value()):
            raise ValueError(rule)
        return secret

    return AfterValidator(check)


BearerToken = Annotated[SecretStr, secret_like(r"[\x21-\x7e]+", "must be a token: letters, digits and signs")]
"""A secret that goes into a header."""


async def post(
    context: NotifierContext,
    receiver: str,
    url: str,
    body: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    code: ErrorCode | None = None,
    gone_codes: frozenset[str] = frozenset(),
) -> None:
    """Send the JSON text, and return when the receiver answered with success. Redirects are not followed.

    ``receiver`` is what errors call the other side. Where its answers name an error by a code of their own, ``code``
    finds it; those of ``gone_codes`` say that it will never take anything again, as status 410 does.
    Raises DeliveryDeferred or DeliveryRefused, whose sentences hold the status and the code, and nothing else of the
    answer or the address.
    """
    try:
        response = await context.http.request(
            method,
            url,
            headers={"content-type": "application/json", **(headers or {})},
            body=body.encode(),
            follow_redirects=False,
            max_bytes=_MOST_ANSWER_BYTES,
        )
    except (AddressRefused, TooLarge) as error:
        raise DeliveryRefused(f"{receiver} cannot be used: {error}") from error
    except FetchError as error:
        raise DeliveryDeferred(f"{receiver} gave no answer: {error}") from error
    status = response.status
    if 200 <= status < 300:
        return
    found = None if code is None else code(response)
    # Anything but a plain code may be written by anybody.
    named = found if isinstance(found, str) and _CODE.fullmatch(found) else None
    sentence = f"{receiver} answered with status {status}{f' ({named})' if named else ''}"
    if status == HTTPStatus.GONE or named in gone_codes:
        raise DeliveryRefused(sentence, status=status, gone=True)
    if status >= 500 or status in _TRY_AGAIN:
        raise DeliveryDeferred(sentence, status=status, retry_after=retry_after(response, context.clock.now()))
    raise DeliveryRefused(sentence, status=status)


def retry_after(response: HttpResponse, now: datetime) -> timedelta | None:
    """Return how long the receiver asks to wait: by the Retry-After header, or in its JSON, as Discord and Mattermost
    (``retry_after``), Telegram (``parameters.retry_after``), both in seconds, and Matrix (``retry_after_ms``) do."""
    asked = parse_retry_after(response.headers.get("retry-after"), now)
    if asked is not None:
        return asked
    answer = _json_object(response)
    parameters = answer.get("parameters")
    inner = parameters.get("retry_after") if isinstance(parameters, Mapping) else None
    milliseconds = _number(answer.get("retry_after_ms"))
    seconds = _number(answer.get("retry_after")) or _number(inner) or (milliseconds and milliseconds / 1000)
    return None if seconds is None else timedelta(seconds=min(seconds, _LONGEST_SECONDS))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(min(value, _LONGEST_SECONDS * 1000)) if is_number and not math.isnan(value) and value >= 0 else None


def code_in_json(name: str) -> ErrorCode:
    """Return what finds an error code, a text or a number, under that name in an answer's JSON object."""

    def code(response: HttpResponse) -> str | None:
        found = _json_object(response).get(name)
        return str(found) if isinstance(found, str | int) else None

    return code


def code_as_text(response: HttpResponse) -> str | None:
    """Return the whole text of an answer that is nothing but an error code."""
    return response.body[:100].decode(errors="replace").strip()


def _json_object(response: HttpResponse) -> Mapping[str, Any]:
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, Mapping) else {}
