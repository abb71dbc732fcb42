"""Canaries."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from alerting.canaries import LONGEST_WAIT, SHORTEST_WAIT, USUAL_WAIT, sentence
from api.schemas.common import Answer, Identifier, Input, Moment, example
from core.types import Canary, CanaryLink, CanaryState

_MINUTE_SECONDS = 60


class NewCanary(Input):
    """A document to be planted, and where it must arrive."""

    model_config = ConfigDict(
        json_schema_extra=example(destination_id="dst_5k2m7w4q6c3x", within_minutes=60, search_externally=False)
    )

    destination_id: Identifier = Field(description="The destination at which it must arrive.")
    within_minutes: int = Field(
        int(USUAL_WAIT.total_seconds()) // _MINUTE_SECONDS,
        ge=int(SHORTEST_WAIT.total_seconds()) // _MINUTE_SECONDS,
        le=int(LONGEST_WAIT.total_seconds()) // _MINUTE_SECONDS,
        description="Within how many minutes it must arrive. The source must be read meanwhile.",
    )
    search_externally: bool = Field(
        False, description="The phrase may be sent to search services: for sources that find only what they search for."
    )


class CanaryLinkView(Answer):
    """A link of the chain that held."""

    model_config = ConfigDict(json_schema_extra=example(link="given", at="2026-11-20T10:04:10Z", latency_seconds=250.0))

    link: CanaryLink = Field(
        description="`read`: the source was read; `given`: it gave the document; `raised`: an alert was raised; "
        "`planned`: its delivery was planned; `delivered`: it arrived."
    )
    at: Moment = Field(description="When it was first seen to hold.")
    latency_seconds: float = Field(description="How long it took after the link before.")


class CanaryView(Answer):
    """A canary, and how far it has come."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="cny_7c5x3q6wk2m4",
            source_id="src_4q6wk2m7c5x3",
            destination_id="dst_5k2m7w4q6c3x",
            phrase="mizalo tebuna rokesi",
            text="This is a test, please ignore it: mizalo tebuna rokesi",
            state="arrived",
            planted_at="2026-11-20T10:00:00Z",
            due_at="2026-11-20T11:00:00Z",
            finished_at="2026-11-20T10:04:20Z",
            read_count=1,
            links=[{"link": "read", "at": "2026-11-20T10:04:10Z", "latency_seconds": 250.0}],
            incident_id="inc_2m7w4q6c3x5k",
            broken_link=None,
            reason=None,
        )
    )

    id: str = Field(description="The canary's identifier.")
    source_id: str | None = Field(description="The source that must give it; none where it was handed in here.")
    destination_id: str = Field(description="The destination at which it must arrive.")
    phrase: str = Field(description="By what it is known: invented words, which mean nothing.")
    text: str = Field(description="What may be posted in the place that the source reads.")
    state: CanaryState = Field(description="`waiting`, `arrived`, or `failed` at its deadline.")
    planted_at: Moment = Field(description="When it was asked for.")
    due_at: Moment = Field(description="By when it must arrive.")
    finished_at: Moment | None = Field(description="When it was seen to have arrived or failed.")
    read_count: int = Field(description="How often its source was read since, successfully.")
    links: list[CanaryLinkView] = Field(description="The links of the chain that held, in order.")
    incident_id: str | None = Field(description="The incident of class `test` that it opened.")
    broken_link: CanaryLink | None = Field(description="The first link that did not hold.")
    reason: str | None = Field(description="Why it did not.")

    @classmethod
    def of(cls, canary: Canary) -> Self:
        """Return the canary as it is shown."""
        return cls(
            id=canary.id,
            source_id=canary.source_id,
            destination_id=canary.destination_id,
            phrase=canary.phrase,
            text=sentence(canary),
            state=canary.state,
            planted_at=canary.planted_at,
            due_at=canary.due_at,
            finished_at=canary.finished_at,
            read_count=canary.read_count,
            links=[
                CanaryLinkView(link=link, at=at, latency_seconds=canary.latencies[link].total_seconds())
                for link, at in canary.seen_at.items()
                if at is not None and link in canary.latencies
            ],
            incident_id=canary.incident_id,
            broken_link=canary.broken_link,
            reason=canary.reason,
        )
