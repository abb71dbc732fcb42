"""Who is asking, and what they may do: ``Authorization: Bearer lw_…``."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from pathlib import PurePath
from typing import Annotated, cast

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from api.services import Given, Services
from core.ids import new_id
from core.ports import Store
from core.types import ApiKey, AuditEntry, Scope

TOKEN_BYTES = 32
TOKEN_PREFIX = "lw_"  # noqa: S105  # how tokens start, not one of them

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""What can be asked without a key. Everything else needs one, whether it exists or not."""

FEEDS = "/v1/feeds/"
"""What stands here is read by programs that can send no header: the token is in the path, and the route asks for it."""

PAGES = "/incidents/"
"""What stands here is for people who follow a signed link, which is in the path and which the page asks for."""

IMPLIED = {Scope.ADMIN: frozenset({Scope.READ, Scope.WRITE, Scope.INGEST, Scope.REVEAL, Scope.FEED})}
"""What a scope gives besides itself."""

bearer = HTTPBearer(
    scheme_name="key",
    description="An API key of one community. It sees nothing of any other community.",
    bearerFormat="lw_ and 43 characters",
    auto_error=False,
)


def new_token() -> tuple[str, bytes]:
    """Return a fresh token, ``lw_`` and 32 random bytes in URL-safe base64, and the digest to keep of it."""
    token = TOKEN_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
    return token, digest_of(token)


def digest_of(token: str) -> bytes:
    """Return the SHA-256 of a token. A plain hash is enough for 256 random bits, and finding a key by it
    tells nothing by the time it takes."""
    return hashlib.sha256(token.encode()).digest()


def allows(key: ApiKey, scope: Scope) -> bool:
    """Return whether the key has the scope, by itself or through another."""
    return scope in key.scopes or any(scope in IMPLIED.get(held, ()) for held in key.scopes)


class Authentication:
    """Lets a request through with its key noted, before any of its body is read; else answers 401."""

    def __init__(self, app: ASGIApp, *, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path not in OPEN_PATHS and not path.startswith((FEEDS, PAGES)):
            scope["state"]["key"] = await self._key(Headers(scope=scope).get("authorization", ""))
        await self._app(scope, receive, send)

    async def _key(self, authorization: str) -> ApiKey:
        scheme, _, token = authorization.partition(" ")
        key = await self._store.api_key(digest_of(token.strip())) if scheme.lower() == "bearer" else None
        if key is None or key.revoked_at is not None:
            raise HTTPException(
                401, "This needs a valid key: send 'Authorization: Bearer lw_…'.", {"WWW-Authenticate": "Bearer"}
            )
        return key


def needs(scope: Scope) -> Callable[..., Awaitable[ApiKey]]:
    """Return a dependency that gives the caller's key, and answers 403 where it lacks the scope."""

    async def dependency(request: Request, _: object = Security(bearer, scopes=[scope])) -> ApiKey:
        key = cast(ApiKey, request.state.key)
        require(key, scope)
        return key

    return dependency


def require(key: ApiKey, scope: Scope) -> None:
    """Raise the 403 answer where the key lacks the scope."""
    if not allows(key, scope):
        raise HTTPException(403, f"This needs a key with the scope '{scope}'.")


def require_for_settings(key: ApiKey, settings: BaseModel) -> None:
    """Raise the 403 answer where a plug-in's settings reach into the server itself and the key may not operate it.

    A path leads to files that belong to no community: whoever may choose it could have any of them read out.
    """
    if any(isinstance(value, PurePath) for _, value in settings):
        require(key, Scope.OPERATE)


async def _feed_reader(
    token: Annotated[
        str, Path(description="The token of a key that has the scope `feed` and no other.", examples=["lw_x"])
    ],
    given: Given,
) -> ApiKey:
    """Return the key of a feed. One that may do more does not count: addresses are kept in too many places."""
    key = await given.store.api_key(digest_of(token))
    if key is None or key.revoked_at is not None or key.scopes != {Scope.FEED}:
        raise HTTPException(404, "There is no such feed.")
    return key


FeedReader = Annotated[ApiKey, Depends(_feed_reader)]
Reader = Annotated[ApiKey, Depends(needs(Scope.READ))]
Writer = Annotated[ApiKey, Depends(needs(Scope.WRITE))]
Ingester = Annotated[ApiKey, Depends(needs(Scope.INGEST))]
Admin = Annotated[ApiKey, Depends(needs(Scope.ADMIN))]
Operator = Annotated[ApiKey, Depends(needs(Scope.OPERATE))]


def audit_entry(services: Services, key: ApiKey, action: str, object_id: str) -> AuditEntry:
    """Return the entry that says that this key did this to the object, now."""
    return AuditEntry(
        id=new_id("aud"),
        community_id=key.community_id,
        actor=key.id,
        action=action,
        object_id=object_id,
        at=services.clock.now(),
    )
