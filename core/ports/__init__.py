"""The doors between the rooms: what a source, a matcher, a notifier and the store must offer."""

from __future__ import annotations

from core.ports.listing import AlertFilter, IncidentFilter, Listing, Slice
from core.ports.network import Approval, HttpClient, HttpResponse
from core.ports.pipeline import Intake, Pipeline
from core.ports.plug_ins import (
    SEARCH_PRIORITIES,
    Concealer,
    Finder,
    Matcher,
    Notifier,
    NotifierContext,
    SearchTerm,
    Source,
    SourceContext,
)
from core.ports.store import HEAVY_ITEMS_COUNTED_FOR, MOST_JOINABLE, REMOVALS_TOLD_FOR, RememberedAnswer, Store
from core.ports.transaction import Transaction

__all__ = [
    "AlertFilter",
    "Approval",
    "Concealer",
    "Finder",
    "HEAVY_ITEMS_COUNTED_FOR",
    "HttpClient",
    "HttpResponse",
    "IncidentFilter",
    "Intake",
    "Listing",
    "MOST_JOINABLE",
    "Matcher",
    "Notifier",
    "NotifierContext",
    "Pipeline",
    "REMOVALS_TOLD_FOR",
    "RememberedAnswer",
    "SEARCH_PRIORITIES",
    "SearchTerm",
    "Slice",
    "Source",
    "SourceContext",
    "Store",
    "Transaction",
]
