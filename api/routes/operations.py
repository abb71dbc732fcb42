"""Whether the service lives, and how it fares."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ConfigDict, Field

from api.auth import needs
from api.schemas.common import Answer, example
from api.services import Given
from core.types import Scope

router = APIRouter(tags=["operations"])

METRICS = {
    "description": "Prometheus text: counts and durations by route template and status.",
    "content": {
        "text/plain": {
            "schema": {"type": "string"},
            "example": 'leakwatch_http_requests_total{method="GET",route="/v1/alerts",status="200"} 12.0\n',
        }
    },
}


class Health(Answer):
    """The service answers."""

    model_config = ConfigDict(json_schema_extra=example(status="ok"))

    status: str = Field("ok", description="Always `ok`: anything else is a problem answer.")


@router.get("/healthz", summary="Is the process alive")
async def alive() -> Health:
    """Answers as long as the process does. Needs no key."""
    return Health()


@router.get("/readyz", summary="Is the service ready")
async def ready(given: Given) -> Health:
    """Answers when the database does, else with 503. Needs no key."""
    await given.store.catalogue_revision()
    return Health()


@router.get(
    "/metrics",
    summary="Measures for Prometheus",
    response_class=Response,
    responses={200: METRICS},
    dependencies=[Depends(needs(Scope.READ))],
)
async def metrics(request: Request) -> Response:
    """Answers counts and durations of requests; no identifier and no term is in them. Needs a key that may read."""
    return Response(generate_latest(request.app.state.measures.registry), media_type=CONTENT_TYPE_LATEST)
