"""The pipeline, as the API sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.types import (
    Alert,
    Document,
    Explanation,
    Finding,
    Term,
    Watchlist,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What came of documents handed in: how many were new, how many known, and the alerts raised. ``gap`` says in a
    sentence, which quotes nothing, what of them was not examined."""

    new_count: int
    known_count: int
    alerts: tuple[Alert, ...]
    gap: str | None = None


class Pipeline(Protocol):
    """Documents in, alerts out."""

    async def ingest(self, community_id: str, documents: Sequence[Document]) -> Intake:
        """Put documents that another system read through the whole way, for this community only."""

    async def preview(
        self, community_id: str, term: Term, watchlist: Watchlist, text: str
    ) -> tuple[Finding, Explanation]:
        """Return what the term, not yet saved, would find in the text, and why. Nothing is kept.

        Raises UsageError for a term that cannot be looked for.
        """

    def conceal_term(self, term: Term) -> Term:
        """Return the term as it may be kept: its value concealed where the matcher asks for it.

        Raises UsageError where no matcher looks for terms of this kind, or this value cannot be looked for.
        """
