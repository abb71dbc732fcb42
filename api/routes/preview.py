"""Trying a term before it is saved."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Writer
from api.schemas.documents import PreviewRequest, PreviewView
from api.services import Given
from core.ids import new_id
from core.types import Watchlist

router = APIRouter(prefix="/v1/preview", tags=["preview"])


@router.post("", summary="Try a term on a text")
async def preview(sent: PreviewRequest, given: Given, key: Writer) -> PreviewView:
    """Answers what the term would find in the text, how, and what nearly matched. Nothing is kept."""
    watchlist = Watchlist(
        id=new_id("wl"),
        community_id=key.community_id,
        name="preview",
        sensitivity=sent.sensitivity,
        packs=tuple(sent.packs),
    )
    finding, explanation = await given.pipeline.preview(
        key.community_id, sent.as_term(new_id("trm"), watchlist.id), watchlist, sent.text
    )
    return PreviewView.of(finding, explanation)
