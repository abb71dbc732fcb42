"""What stands around every request: its identifier, safe headers, errors as problem details, one log line,
measures, and the limit on its size."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_answer
from core.clock import Clock
from core.ids import new_id
from core.logs import logger

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every answer, unless it sets one of them itself."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
ABANDONED = 499
"""Logged as the status of a request whose sender went away before it was answered."""


class Measures:
    """What ``/metrics`` tells: counts and durations by route template, never by path."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "leakwatch_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "leakwatch_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last.",
            ("method", "route"),
            registry=self.registry,
        )

    def record(self, *, method: str, route: str, status: int, duration_seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(duration_seconds)


class Frame:
    """The outermost: gives every request an identifier and an answer, and tells the log and the measures.

    Only the route's template is told, as paths and queries hold identifiers and cursors.
    """

    def __init__(self, app: ASGIApp, *, clock: Clock, measures: Measures) -> None:
        self._app = app
        self._clock = clock
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        started = self._clock.monotonic()
        status = ABANDONED

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            pass  # nobody is left to answer; the line below tells of it
        except Exception as error:
            answer = problem_answer(error, request_id)
            if answer.status_code >= 500:
                logger().error("a request failed", request_id=request_id, exc_info=error)
            await answer(scope, receive, send_safely)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            seconds = self._clock.monotonic() - started
            self._measures.record(method=method, route=route, status=status, duration_seconds=seconds)
            logger().info(
                "a request was answered",
                request_id=request_id,
                method=method,
                route=route,
                status=status,
                duration_seconds=round(seconds, 6),
            )


class BodyLimit:
    """Answers 413 to a body over the limit, having read no more than the limit of it."""

    def __init__(self, app: ASGIApp, *, maximum_bytes: int) -> None:
        self._app = app
        self._maximum_bytes = maximum_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._maximum_bytes:
            raise self._too_large()
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._maximum_bytes:
                raise self._too_large()
            return message

        await self._app(scope, receive_within_limit, send)

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"The body is over the limit of {self._maximum_bytes} bytes.")
