"""The guarded way out: the only place that makes HTTP requests of our own.

Public addresses only, checked at connect time and again for every redirect; bounded in time, size and
redirects; to places that are read, one request at a time, at the pace of the settings, and none while a place wants
to be left alone; no proxies, cookies or credentials from the environment. Messages name the host only: paths and
queries may hold secrets or terms.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Self

import httpx2

from core.addresses import Resolver, checked_addresses, resolve
from core.clock import Clock
from core.errors import AddressRefused, FetchError, TooLarge
from core.ports import Approval, HttpResponse
from core.rate_limits import asked_wait
from core.settings import HttpSettings
from core.turns import Turns

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED_FROM = 400
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")
_OF_A_BODY = ("content-type", "content-length", "content-encoding")

# Parsers disagree about what follows these characters in an address, so that a check could see another host.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")


def user_agent(settings: HttpSettings) -> str:
    """Return how requests call themselves: the name, and where a site reaches the operator."""
    return f"{settings.user_agent} (+{settings.contact})" if settings.contact else settings.user_agent


@cache  # reading the certificates of all authorities takes a while, and several megabytes
def _system_trust() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


def check_url(url: str) -> None:
    """Raise AddressRefused unless the text is an http or https address with a host and without credentials."""
    _parse(url)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request to one host, before redirects."""

    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    body: bytes | None

    @property
    def host(self) -> str:
        return self.url.raw_host.decode("ascii")

    @property
    def credentials(self) -> str | None:
        """Who asks, as far as the host can tell: most limits are counted for each."""
        return self.headers.get("authorization")

    def redirected(self, status: int, location: str) -> _Exchange:
        """Return what the redirect asks for (RFC 9110, section 15.4). Raises AddressRefused."""
        url = _parse(location, base=self.url)
        headers, method, body = self.headers.copy(), self.method, self.body
        if _origin(url) != _origin(self.url):
            _remove(headers, _CREDENTIALS)
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", None
            _remove(headers, _OF_A_BODY)
        return _Exchange(method, url, headers, body)


class GuardedClient:
    """An HttpClient, used as ``async with GuardedClient(settings, clock) as http``.

    ``resolver`` looks names up; ``tls`` decides which certificates are trusted, by default those of the system.
    ``paced`` False keeps no pace, nor what places ask to wait: for those that asked to be told, whose deliveries have
    an order and back-off of their own.
    """

    def __init__(
        self,
        settings: HttpSettings,
        clock: Clock,
        *,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
        paced: bool = True,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._resolver = resolver
        self._turns = Turns(clock, timedelta(seconds=settings.host_interval_seconds)) if paced else None
        # A kept connection would be shared by all names of an address, past the check of the certificate.
        self._transport = httpx2.AsyncHTTPTransport(
            verify=tls or _system_trust(), trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    @property
    def settings(self) -> HttpSettings:
        return self._settings

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    def turn(self, host: str, credentials: str | None) -> AbstractAsyncContextManager[None]:
        """Wait for the turn; see :class:`core.ports.HttpClient`."""
        return self._turns.turn(host, credentials) if self._turns else nullcontext()

    def rest(self, host: str, credentials: str | None, wait: timedelta) -> None:
        """Let others wait, too; see :class:`core.ports.HttpClient`."""
        if self._turns is not None:
            self._turns.rest(host, credentials, wait)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        follow_redirects: bool = True,
        max_bytes: int | None = None,
        before_redirect: Approval | None = None,
    ) -> HttpResponse:
        """Return the answer, whatever its status; see :class:`core.ports.HttpClient`.

        The time limit covers look-ups, redirects and the body, not the wait for the host's turn.
        """
        limit = min(max_bytes or self._settings.max_bytes, self._settings.max_bytes)
        all_headers = httpx2.Headers({"User-Agent": user_agent(self._settings), "Accept-Encoding": "gzip, deflate"})
        all_headers.update(headers)
        exchange = _Exchange(method.upper(), _parse(url), all_headers, body)
        seconds_left = self._settings.timeout_seconds
        for _ in range(self._settings.max_redirects + 1):
            async with self.turn(exchange.host, exchange.credentials):
                started = self._clock.monotonic()
                response = await self._answer(exchange, seconds_left, limit)
                seconds_left -= self._clock.monotonic() - started
                self._note_wait(exchange, response)
            location = response.headers.get("location")
            if not follow_redirects or response.status not in _REDIRECTS or location is None:
                return response
            exchange = exchange.redirected(response.status, location)
            if before_redirect is not None:
                await before_redirect(str(exchange.url))
        raise FetchError(f"{exchange.host} was reached by more than {self._settings.max_redirects} redirects")

    def _note_wait(self, exchange: _Exchange, response: HttpResponse) -> None:
        """Let others wait, too, where the host answers nobody for a while. That nothing is left after a good answer may
        concern requests of its kind alone: GitHub counts each search by itself."""
        wait = asked_wait(response.headers, self._clock.now())
        if wait is not None and response.status >= _REFUSED_FROM:
            self.rest(exchange.host, exchange.credentials, wait)

    async def _answer(self, exchange: _Exchange, seconds: float, limit: int) -> HttpResponse:
        try:
            async with asyncio.timeout(seconds):
                response = await self._send(exchange)
                try:
                    content = await _content(response, exchange.host, limit)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise FetchError(
                f"{exchange.host} gave no whole answer within {self._settings.timeout_seconds:g} seconds"
            ) from None
        except httpx2.DecodingError as error:
            raise FetchError(f"the answer of {exchange.host} cannot be decompressed") from error
        except httpx2.HTTPError as error:
            raise FetchError(f"{exchange.host} gave no whole answer ({type(error).__name__})") from error
        return HttpResponse(
            status=response.status_code, headers=dict(response.headers), body=content, url=str(exchange.url)
        )

    async def _send(self, exchange: _Exchange) -> httpx2.Response:
        """Connect to the first checked address that can be connected to, and return the answer's beginning."""
        url, host = exchange.url, exchange.host
        port = url.port or _DEFAULT_PORTS[url.scheme]
        addresses = await asyncio.to_thread(
            checked_addresses, host, port, self._settings.allowed_networks, self._resolver
        )
        headers = exchange.headers.copy()
        headers["Host"] = url.netloc.decode("ascii")
        for address in addresses:
            request = httpx2.Request(
                exchange.method,
                url.copy_with(host=address),
                headers=headers,
                content=exchange.body,
                extensions={"sni_hostname": host},
            )
            try:
                response = await self._transport.handle_async_request(request)
            except httpx2.ConnectError as error:
                failure = error
            else:
                response.request = request
                return response
        reason = "its certificate is not valid" if _is_about_certificate(failure) else "no connection"
        raise FetchError(f"{host} cannot be reached: {reason}") from failure


async def _content(response: httpx2.Response, host: str, limit: int) -> bytes:
    """Return the body after decompression, reading no further than the limit. Raises TooLarge."""
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limit and response.request.method != "HEAD":
        raise TooLarge(f"the answer of {host} is larger than {limit} bytes")
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            raise TooLarge(f"the answer of {host} is larger than {limit} bytes")
    return bytes(content)


def _parse(url: str, *, base: httpx2.URL | None = None) -> httpx2.URL:
    if _AMBIGUOUS.search(url):
        raise AddressRefused("the address has blanks, backslashes or control characters")
    try:
        parsed = httpx2.URL(url) if base is None else base.join(url)
    except (httpx2.InvalidURL, ValueError):
        raise AddressRefused("the address cannot be read") from None
    if parsed.scheme not in _DEFAULT_PORTS:
        raise AddressRefused("only http and https addresses are fetched")
    if not parsed.host:
        raise AddressRefused("the address names no host")
    if parsed.userinfo:
        raise AddressRefused("the address holds credentials")
    return parsed.copy_with(fragment=None)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS[url.scheme]


def _remove(headers: httpx2.Headers, names: Sequence[str]) -> None:
    for name in names:
        headers.pop(name, None)


def _is_about_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
