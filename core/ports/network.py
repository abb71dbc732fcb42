"""The network, as all that reaches out sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from core.settings import HttpSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A whole answer. ``headers`` have lower-case names; ``url`` is where redirects ended."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)


Approval = Callable[[str], Awaitable[None]]
"""Is called with an address that is about to be asked; raises whatever says why it must not be."""


class HttpClient(Protocol):
    """The guarded way out: public addresses only, bounded in size and time, one pace per host."""

    @property
    def settings(self) -> HttpSettings:
        """The rules of the way out, for a source whose library brings its own client: it keeps to them."""

    def turn(self, host: str, credentials: str | None) -> AbstractAsyncContextManager[None]:
        """Wait for the host's turn at the pace of the settings, for a source whose library brings its own client; the
        block is it. ``credentials`` tell the askers apart whose requests the host counts by themselves.

        Raises AskedToWait where the host told who asks with these credentials to come back later.
        """

    def rest(self, host: str, credentials: str | None, wait: timedelta) -> None:
        """Let nobody with these credentials ask the host for so long, as it asked such a source to wait."""

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
        """Return the answer, whatever its status. ``max_bytes`` (after decompression) lowers the limit
        of the settings; ``before_redirect`` is asked about the target of every redirect before that is.

        Raises AddressRefused, TooLarge, AskedToWait where the host told this or another source to come back later,
        FetchError for anything else that gave no whole answer, and what ``before_redirect`` raises.
        """
