"""Watchlists."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Input, Name, example
from api.schemas.terms import TermFields
from core.types import Sensitivity, Watchlist


class NewWatchlist(Input):
    """A watchlist to make, with its first terms."""

    model_config = ConfigDict(
        json_schema_extra=example(
            name="Members",
            sensitivity="balanced",
            packs=["doxxing"],
            terms=[{"id": "t1", "kind": "pseudonym", "value": "night_heron", "aliases": ["nheron"]}],
        )
    )

    name: Name = Field(description="What the watchlist is called; no other of the community has this name.")
    sensitivity: Sensitivity = Field(Sensitivity.BALANCED, description="How quiet is traded for finding more.")
    packs: list[Name] = Field(default=[], max_length=50, description="Topic packs that count as context.")
    terms: list[TermFields] = Field(default=[], max_length=10_000, description="Its terms: all are kept, or none.")


class WatchlistView(Answer):
    """A watchlist, without its terms."""

    model_config = ConfigDict(
        json_schema_extra=example(id="wl_4q6wk2m7c5x3", name="Members", sensitivity="balanced", packs=["doxxing"])
    )

    id: str = Field(description="The watchlist's identifier.")
    name: str = Field(description="What it is called.")
    sensitivity: Sensitivity = Field(description="How quiet is traded for finding more.")
    packs: list[str] = Field(description="Topic packs that count as context.")

    @classmethod
    def of(cls, watchlist: Watchlist) -> Self:
        """Return the watchlist as it is shown."""
        return cls(
            id=watchlist.id,
            name=watchlist.name,
            sensitivity=watchlist.sensitivity,
            packs=list(watchlist.packs),
        )
