"""``Idempotency-Key`` on POST: a request sent again gives the first answer again and does nothing new.

A key counts for 24 hours, for the API key that used it. Only answers that report success are kept, so that a
refused request can be mended and sent again. The answer is kept after the work is recorded: when the process
ends between the two, a repeat does the work again. A repeat that comes while the first is still being worked
on gives 409 in the same process; two processes do not know of each other's work and may both do it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.clock import Clock
from core.errors import Conflict, UsageError
from core.ports import RememberedAnswer, Store
from core.types import ApiKey

HEADER = "Idempotency-Key"
MAXIMUM_LENGTH = 255
KEPT_FOR = timedelta(hours=24)
NEEDLESS_FOR = frozenset({"/v1/preview", "/v1/routes/preview"})
"""Requests that change nothing: they can be repeated as they are, and nothing of them is kept."""


def keep_instead(request: Request, body: str) -> None:
    """Have a repeat of this request answered with ``body``: for answers that hold a secret shown once."""
    request.state.kept_body = body.encode()


class Idempotency:
    """Answers a repeated POST from what is remembered."""

    def __init__(self, app: ASGIApp, *, store: Store, clock: Clock) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._working: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counts = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] not in NEEDLESS_FOR
        wanted = Headers(scope=scope).get(HEADER) if counts else None
        if wanted is None or "key" not in scope["state"]:
            await self._app(scope, receive, send)
            return
        if not (0 < len(wanted) <= MAXIMUM_LENGTH and wanted.isascii() and wanted.isprintable()):
            raise UsageError(f"{HEADER} must have 1 to {MAXIMUM_LENGTH} printable ASCII characters")
        api_key: ApiKey = scope["state"]["key"]
        name = (api_key.community_id, f"{api_key.id}:{wanted}")
        if name in self._working:
            raise Conflict(f"a request with this {HEADER} is being worked on")
        self._working.add(name)
        try:
            await self._answer(name, scope, receive, send)
        finally:
            self._working.remove(name)

    async def _answer(self, name: tuple[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        digest = _digest(scope, body)
        remembered = await self._store.remembered_answer(*name, self._clock.now())
        if remembered is not None:
            if remembered.request_digest != digest:
                raise HTTPException(422, f"This {HEADER} was used for another request.")
            again = Response(remembered.body, remembered.status, media_type="application/json")
            again.headers["Idempotency-Replayed"] = "true"
            await again(scope, receive, send)
            return
        answer: list[Message] = []

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive_again, keep)
        status = answer[0]["status"]
        if 200 <= status < 300:
            sent = b"".join(message.get("body", b"") for message in answer[1:])
            await self._store.remember_answer(
                *name,
                RememberedAnswer(request_digest=digest, status=status, body=scope["state"].get("kept_body", sent)),
                until=self._clock.now() + KEPT_FOR,
            )
        for message in answer:
            await send(message)


def _digest(scope: Scope, body: bytes) -> bytes:
    content_type = Headers(scope=scope).get("content-type", "")
    parts = (scope["path"].encode(), scope["query_string"], content_type.encode(), body)
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()
