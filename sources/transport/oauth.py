"""Access tokens from a refresh token (OAuth 2.0, RFC 6749, section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit

from core.errors import SourceBroken, SourceUnavailable
from core.ports import SourceContext
from core.types import Json
from sources.parsing.json_values import object_of, text_of
from sources.polling.given import digest_of
from sources.transport.fetching import RequestRefused, fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an account allowed an app, and where it gets its access tokens."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)

    def continued(self, written: Json) -> Grant:
        """Return the grant with the refresh token that came after this one, as :meth:`written` kept it."""
        kept = object_of(written)
        later = text_of(kept.get("refresh_token"))
        return replace(self, refresh_token=later) if later and kept.get("of") == digest_of(self.refresh_token) else self

    def written(self, given: Grant) -> Json:
        """Return it as a part of a cursor, which is sealed: a place may replace a refresh token at each use
        (RFC 6749, section 10.4). ``given`` is what the settings say: another refresh token there counts again."""
        return {"refresh_token": self.refresh_token, "of": digest_of(given.refresh_token)}


async def refreshed(context: SourceContext, grant: Grant) -> tuple[Grant, str]:
    """Return the grant as it is after this, and an access token, good for an hour or so. Raises SourceUnavailable, and
    SourceBroken where the grant is not accepted any more."""
    host = urlsplit(grant.token_url).hostname or ""
    asked = {"grant_type": "refresh_token", "client_id": grant.client_id, "refresh_token": grant.refresh_token}
    if grant.client_secret:
        asked["client_secret"] = grant.client_secret
    refusal = SourceBroken(f"{host} gives no access token: it does not accept the client_id or the refresh_token")
    try:
        answer = await fetch(
            context,
            grant.token_url,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urlencode(asked).encode(),
            follow_redirects=False,
        )
    except RequestRefused:
        raise refusal from None
    content = object_of(await answer.json())
    access_token, refresh_token = text_of(content.get("access_token")), text_of(content.get("refresh_token"))
    if access_token is None or not (access_token.isascii() and access_token.isprintable()):
        raise SourceUnavailable(f"{host} answers with something else than an access token")
    return replace(grant, refresh_token=refresh_token or grant.refresh_token), access_token
