"""Alerts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Reader, audit_entry, require
from api.schemas.alerts import AlertQuery, AlertView, RevealQuery
from api.schemas.common import Identifier, Items
from api.services import Given
from core.types import Scope

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


@router.get("", summary="List the alerts")
async def list_alerts(wanted: Annotated[AlertQuery, Query()], given: Given, key: Reader) -> Items[AlertView]:
    """Answers the alerts, redacted. Keep the time of a listing and send it as `updated_since` to follow on."""
    part = await given.store.alerts(key.community_id, wanted.listing(), wanted.wanted())
    return Items[AlertView].of(part, AlertView.of)


@router.get("/{alert_id}", summary="Read an alert")
async def read_alert(
    alert_id: Identifier, wanted: Annotated[RevealQuery, Query()], given: Given, key: Reader
) -> AlertView:
    """Answers the alert, redacted unless asked to reveal what was found and where."""
    if wanted.reveal:
        require(key, Scope.REVEAL)
    alert = await given.store.alert(key.community_id, alert_id)
    if wanted.reveal:
        await given.store.record(audit_entry(given, key, "alert.revealed", alert.id))
    return AlertView.of(alert, reveal=wanted.reveal)
