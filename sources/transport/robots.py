"""What a site's robots.txt lets us read (RFC 9309), for sources that read pages made for people."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from protego import Protego

from core.errors import AddressRefused, AskedToWait, FetchError, SourceBroken, SourceUnavailable, TooLarge
from core.ports import HttpClient, SourceContext
from core.rate_limits import asked_wait
from sources.transport.fetching import Answer, fetch

LARGEST_BYTES = 500 * 1024
"""What lies beyond is not read (RFC 9309, section 2.5: at least this much is)."""
KEPT_FOR = timedelta(hours=24)
"""RFC 9309, section 2.4: no longer than this."""
_MOST_SITES = 100

_PRODUCT = re.compile(r"[a-z][a-z0-9_-]*|\*", re.I)
_AGENT_LINE = re.compile(r"^[ \t]*user[- ]?agent[ \t]*[: \t][ \t]*(.*)$", re.I | re.M)
_EVERYBODY, _OTHERS = "*", "-"


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: Protego
    until: datetime


# By client, so that the rules live as long as the process talks to these sites, and no longer.
_kept: WeakKeyDictionary[HttpClient, dict[str, _Rules]] = WeakKeyDictionary()


async def fetch_page(context: SourceContext, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Return the page as :func:`sources.transport.fetching.fetch` does, where robots.txt allows it. Where a redirect
    leads to is asked about before it is read, too.

    Raises SourceBroken where it does not, and SourceUnavailable where the site's robots.txt cannot be had.
    """
    allowed = partial(require_allowed, context)
    await allowed(url)
    return await fetch(context, url, headers=headers, before_redirect=allowed)


async def require_allowed(context: SourceContext, url: str) -> None:
    """Raise SourceBroken where robots.txt does not allow reading the address, else what :func:`is_allowed` does."""
    if not await is_allowed(context, url):
        raise SourceBroken(f"the robots.txt of {urlsplit(url).hostname} does not allow reading this page")


async def is_allowed(context: SourceContext, url: str) -> bool:
    """Return whether the site's robots.txt lets us read the address; the file is kept for a day.

    A site without one (status 4xx) allows everything. Raises SourceUnavailable where the site is in trouble or there is
    no connection: then nothing may be read (RFC 9309, section 2.3.1.4); SourceBroken for an address that is refused.
    """
    site = urlunsplit((*urlsplit(url)[:2], "", "", ""))
    sites = _kept.setdefault(context.http, {})
    kept, now = sites.get(site), context.clock.now()
    product = _product(context.http.settings.user_agent) or _EVERYBODY
    if kept is None or kept.until <= now:
        text = await _text(context, f"{site}/robots.txt")
        kept = _Rules(await asyncio.to_thread(_parsed, text, product), now + KEPT_FOR)
        sites.pop(site, None)
        if len(sites) >= _MOST_SITES:
            del sites[next(iter(sites))]  # the one fetched longest ago
        sites[site] = kept
    return kept.rules.can_fetch(url, product)


async def _text(context: SourceContext, url: str) -> str:
    host = urlsplit(url).hostname
    try:
        response = await context.http.request("GET", url, headers={"Accept": "text/plain, */*;q=0.1"})
    except (AddressRefused, TooLarge) as error:
        raise SourceBroken(str(error)) from error
    except AskedToWait as error:
        raise SourceUnavailable(str(error), retry_after=error.retry_after) from error
    except FetchError as error:
        raise SourceUnavailable(str(error)) from error
    if response.status >= 500 or response.status == 429:
        raise SourceUnavailable(
            f"the robots.txt of {host} cannot be read now (status {response.status})",
            retry_after=asked_wait(response.headers, context.clock.now()),
        )
    return response.body[:LARGEST_BYTES].decode("utf-8-sig", "replace") if 200 <= response.status < 300 else ""


def _product(name: str) -> str | None:
    """Return the product token (RFC 9309, section 2.2.1) of a user agent or of a line that names one, None where
    there is none."""
    found = _PRODUCT.match(name.strip())
    return found[0].lower() if found else None


def _parsed(text: str, product: str) -> Protego:
    """Return the rules. Agents that are not ours share one name: the parser takes time for each agent times each rule,
    half a minute for the longest file."""

    def shared(line: re.Match[str]) -> str:
        name = _product(line[1])
        return f"User-agent: {name if name in (product, _EVERYBODY) else _OTHERS}"

    # Protego also takes other characters for line ends than an expression's ^ and $ do.
    return Protego.parse(_AGENT_LINE.sub(shared, "\n".join(text.splitlines())))
