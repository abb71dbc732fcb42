"""Trying a term before it is saved."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Writer
from api.schemas.documents import PreviewRequest, PreviewView
from api.services import Given
from api.watching import tried

router = APIRouter(prefix="/v1/preview", tags=["preview"])


@router.post("", summary="Try a term on a text")
async def preview(sent: PreviewRequest, given: Given, key: Writer) -> PreviewView:
    """Answers what the term would find in the text, how, and what nearly matched. Nothing is kept."""
    term, watchlist = tried(sent, key.community_id, given)
    finding, explanation = await given.pipeline.preview(key.community_id, term, watchlist, sent.text)
    return PreviewView.of(finding, explanation)
