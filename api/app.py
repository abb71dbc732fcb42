"""The application: its routes, and what stands around them."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.auth import Authentication
from api.idempotency import Idempotency
from api.middleware import BodyLimit, Frame, Measures
from api.openapi import describe
from api.problems import problem_answer
from api.routes import (
    alerts,
    audit,
    canaries,
    communities,
    deliveries,
    destinations,
    digests,
    documents,
    feeds,
    incidents,
    keys,
    maintenance,
    moderators,
    operations,
    pages,
    preview,
    quiet_hours,
    rotations,
    routes,
    sources,
    terms,
    watchlists,
)
from api.services import Services

ROUTES: tuple[ModuleType, ...] = (
    communities,
    keys,
    watchlists,
    terms,
    preview,
    sources,
    documents,
    alerts,
    incidents,
    feeds,
    destinations,
    routes,
    quiet_hours,
    maintenance,
    digests,
    canaries,
    deliveries,
    moderators,
    rotations,
    audit,
    operations,
)

DESCRIPTION = """Leakwatch watches public places for leaks from a community and tells its moderators.

Send `Authorization: Bearer lw_…`; a key belongs to one community and sees nothing of any other. Times are UTC
(ISO 8601 with Z). Listings answer `items` and `next_cursor`. Errors are problem details (RFC 9457)."""


def create_app(services: Services) -> FastAPI:
    """Return the application over these services, which must be open as long as it runs.

    FastAPI's own pages are left out, as they load scripts from third parties.
    """
    app = FastAPI(
        title="Leakwatch",
        version="1",
        description=DESCRIPTION,
        openapi_tags=[{"name": module.__name__.rpartition(".")[2], "description": module.__doc__} for module in ROUTES],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    measures = Measures()
    app.state.services = services
    app.state.measures = measures
    app.state.link_bounds = pages.LinkBounds(services.clock)
    for module in ROUTES:
        app.include_router(module.router)
    app.include_router(pages.router)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # FastAPI's documented way
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _problem)
    # the last added stands outermost
    app.add_middleware(Idempotency, store=services.store, clock=services.clock)
    app.add_middleware(Authentication, store=services.store)
    app.add_middleware(BodyLimit, maximum_bytes=services.settings.max_body_bytes)
    app.add_middleware(Frame, clock=services.clock, measures=measures)
    return app


async def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError) and _body_was_not_json(request, error):
        error = HTTPException(415, "Send the body as application/json.")
    return problem_answer(error, request.state.request_id)


def _body_was_not_json(request: Request, error: RequestValidationError) -> bool:
    """FastAPI hands on a body of another media type as it is, so that it fails as a whole."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    as_a_whole = any(tuple(row["loc"]) == ("body",) and row["type"] != "missing" for row in error.errors())
    return as_a_whole and media_type != "application/json" and not media_type.endswith("+json")
