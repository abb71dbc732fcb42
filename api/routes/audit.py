"""The audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import Admin
from api.schemas.common import Items, ListingQuery
from api.schemas.incidents import AuditEntryView
from api.services import Given

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="List the audit log")
async def list_audit_log(wanted: Annotated[ListingQuery, Query()], given: Given, key: Admin) -> Items[AuditEntryView]:
    """Answers who did what to which object, when."""
    part = await given.store.audit_log(key.community_id, wanted.listing())
    return Items[AuditEntryView].of(part, AuditEntryView.of)
