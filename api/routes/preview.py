"""Trying a term before it is saved."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Writer
from api.schemas.documents import PreviewRequest, PreviewView
from api.services import Given
from api.watching import tried
from matchers.undoing import undoings

router = APIRouter(prefix="/v1/preview", tags=["preview"])


@router.post("", summary="Try a term on a text")
async def preview(sent: PreviewRequest, given: Given, key: Writer) -> PreviewView:
    """Answers how the text is read, what the term would find in it, how, and what nearly matched. Nothing is kept."""
    term, watchlist = tried(sent, key.community_id, given)
    finding, explanation = await given.pipeline.preview(key.community_id, term, watchlist, sent.text)
    return PreviewView.of(finding, explanation, undoings(sent.text))
