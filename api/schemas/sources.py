"""Sources."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Input, Moment, Name, PluginSettings, example
from core.types import SourceRecord, SourceState

LONGEST_INTERVAL_SECONDS = 30 * 24 * 3600


class NewSource(Input):
    """A source to read."""

    model_config = ConfigDict(
        json_schema_extra=example(
            kind="feed", name="Town forum", settings={"url": "https://forum.example/feed"}, interval_seconds=300
        )
    )

    kind: Name = Field(description="Which kind of source it is.")
    name: Name = Field(description="What people call this source; alerts say it.")
    settings: PluginSettings = Field(
        default={}, description="What this kind needs, such as an address or credentials. Never shown again."
    )
    interval_seconds: int = Field(300, ge=1, le=LONGEST_INTERVAL_SECONDS, description="Time from one poll to the next.")
    shared: bool = Field(
        False, description="Its documents count for every community of this deployment. Needs the scope `operate`."
    )


class SourceView(Answer):
    """A source, without the values of its settings."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="src_4q6wk2m7c5x3",
            kind="feed",
            name="Town forum",
            setting_names=["url"],
            interval_seconds=300,
            shared=False,
            state="healthy",
            due_at="2026-11-20T10:05:00Z",
            last_success_at="2026-11-20T10:00:00Z",
            last_error=None,
            failure_count=0,
            created_at="2026-11-01T08:00:00Z",
            updated_at="2026-11-20T10:00:00Z",
        )
    )

    id: str = Field(description="The source's identifier.")
    kind: str = Field(description="Which kind of source it is.")
    name: str = Field(description="What people call it.")
    setting_names: list[str] = Field(description="Which settings it was given; their values may be credentials.")
    interval_seconds: int = Field(description="Time from one poll to the next.")
    shared: bool = Field(description="Whether its documents count for every community.")
    state: SourceState = Field(description="How it fares. `failing`: the last poll failed and is tried again.")
    due_at: Moment | None = Field(description="When it is polled next.")
    last_success_at: Moment | None = Field(description="When a poll last succeeded.")
    last_error: str | None = Field(description="Why the last poll failed.")
    failure_count: int = Field(description="How many polls failed since the last that succeeded.")
    created_at: Moment = Field(description="When it was made.")
    updated_at: Moment = Field(description="When it last changed.")

    @classmethod
    def of(cls, source: SourceRecord) -> Self:
        """Return the source as it is shown."""
        return cls(
            id=source.id,
            kind=source.kind,
            name=source.name,
            setting_names=sorted(source.settings),
            interval_seconds=source.interval_seconds,
            shared=source.shared,
            state=source.state,
            due_at=source.due_at,
            last_success_at=source.last_success_at,
            last_error=source.last_error,
            failure_count=source.failure_count,
            created_at=source.created_at,
            updated_at=source.updated_at,
        )
