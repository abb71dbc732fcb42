"""Sources."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.common import Answer, Input, Moment, Name, PluginSettings, example
from core.errors import UsageError
from core.types import BlindInterval, JsonObject, SourceRecord, SourceState

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
    interval_seconds: int = Field(
        300, ge=1, le=LONGEST_INTERVAL_SECONDS, description="Shortest time from one poll to the next."
    )
    maximum_interval_seconds: int | None = Field(
        None,
        ge=1,
        le=LONGEST_INTERVAL_SECONDS,
        description="Longest time from one poll to the next, while nothing new comes; four times the shortest "
        "unless given.",
    )
    shared: bool = Field(
        False, description="Its documents count for every community of this deployment. Needs the scope `operate`."
    )

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.maximum_interval_seconds is not None and self.maximum_interval_seconds < self.interval_seconds:
            raise ValueError("maximum_interval_seconds must not be less than interval_seconds")
        return self


class SourceChange(Input):
    """What is to be changed of a source; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra=example(settings={"subreddits": ["harborcommons", "ferrytalk"]}, interval_seconds=600)
    )

    name: Name = Field("", description="What people call this source.")
    settings: PluginSettings = Field(
        default={},
        description="The settings that change; null takes one away. Credentials stay unless they are given, but where "
        "something changes that may say where they are sent (any setting that is a single text), they must be given.",
    )
    interval_seconds: int = Field(
        0, ge=1, le=LONGEST_INTERVAL_SECONDS, description="Shortest time from one poll to the next."
    )
    maximum_interval_seconds: int | None = Field(
        None, ge=1, le=LONGEST_INTERVAL_SECONDS, description="Longest time; null is four times the shortest."
    )
    shared: bool = Field(False, description="Whether its documents count for every community. Needs `operate`.")

    def changed(self, source: SourceRecord, settings: JsonObject, at: datetime) -> SourceRecord:
        """Return the source with what was sent, and these settings, at that moment. Raises UsageError for intervals
        that do not fit."""
        sent = self.model_dump(include=self.model_fields_set - {"settings"})
        changed = replace(source, settings=settings, updated_at=at, **sent)
        if changed.longest_interval_seconds < changed.interval_seconds:
            raise UsageError("maximum_interval_seconds must not be less than interval_seconds")
        return changed


class BlindIntervalView(Answer):
    """A time of which something may have been missed."""

    model_config = ConfigDict(
        json_schema_extra=example(
            from_at="2026-11-12T01:00:00Z",
            until_at="2026-11-12T04:30:00Z",
            reason="it was not read: forum.example cannot answer now (status 503)",
        )
    )

    from_at: Moment = Field(description="Its beginning.")
    until_at: Moment = Field(description="Its end.")
    reason: str = Field(description="Why something may have been missed.")

    @classmethod
    def of(cls, blind: BlindInterval) -> Self:
        """Return the interval as it is shown."""
        return cls(from_at=blind.from_at, until_at=blind.until_at, reason=blind.reason)


class SourceView(Answer):
    """A source, without the values of its settings."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="src_4q6wk2m7c5x3",
            kind="feed",
            name="Town forum",
            setting_names=["url"],
            interval_seconds=300,
            maximum_interval_seconds=1200,
            present_interval_seconds=375,
            shared=False,
            state="healthy",
            due_at="2026-11-20T10:06:20Z",
            lag_seconds=0,
            last_success_at="2026-11-20T10:00:00Z",
            last_error=None,
            failure_count=0,
            failing_since=None,
            last_new_at="2026-11-20T09:54:00Z",
            usual_silence_seconds=28800,
            newest_published_at="2026-11-20T09:51:00Z",
            quota_left=None,
            blind_intervals=[
                {
                    "from_at": "2026-11-12T01:00:00Z",
                    "until_at": "2026-11-12T04:30:00Z",
                    "reason": "it was not read: forum.example cannot answer now (status 503)",
                }
            ],
            created_at="2026-11-01T08:00:00Z",
            updated_at="2026-11-20T10:00:00Z",
        )
    )

    id: str = Field(description="The source's identifier.")
    kind: str = Field(description="Which kind of source it is.")
    name: str = Field(description="What people call it.")
    setting_names: list[str] = Field(description="Which settings it was given; their values may be credentials.")
    interval_seconds: int = Field(description="Shortest time from one poll to the next.")
    maximum_interval_seconds: int = Field(description="Longest time from one poll to the next, but for failures.")
    present_interval_seconds: int = Field(description="Time from one poll to the next as things are now.")
    shared: bool = Field(description="Whether its documents count for every community.")
    state: SourceState = Field(
        description="How it fares. `failing`: the last poll failed and is tried again; `silent`: nothing new came for "
        "much longer than usual; `not_configured`: it lacks something."
    )
    due_at: Moment | None = Field(description="When it is polled next.")
    lag_seconds: int = Field(description="For how long it has been due.")
    last_success_at: Moment | None = Field(description="When a poll last succeeded.")
    last_error: str | None = Field(description="Why the last poll failed.")
    failure_count: int = Field(description="How many polls failed since the last that succeeded.")
    failing_since: Moment | None = Field(description="Since when every poll has failed.")
    last_new_at: Moment | None = Field(description="When something new last came.")
    usual_silence_seconds: int = Field(
        description="Longest time between two new documents, longer ago counting less; 0 where it is not known."
    )
    newest_published_at: Moment | None = Field(description="The newest date of publication among what it gave.")
    quota_left: int | None = Field(description="How many requests are left, where the place says so.")
    blind_intervals: list[BlindIntervalView] = Field(
        description="The latest times of which something may have been missed."
    )
    created_at: Moment = Field(description="When it was made.")
    updated_at: Moment = Field(description="When it last changed.")

    @classmethod
    def of(cls, source: SourceRecord, now: datetime) -> Self:
        """Return the source as it is shown at that moment."""
        health = source.health
        return cls(
            id=source.id,
            kind=source.kind,
            name=source.name,
            setting_names=sorted(source.settings),
            interval_seconds=source.interval_seconds,
            maximum_interval_seconds=source.longest_interval_seconds,
            present_interval_seconds=round(health.interval_seconds or source.interval_seconds),
            shared=source.shared,
            state=source.state,
            due_at=source.due_at,
            lag_seconds=0 if source.due_at is None else max(0, int((now - source.due_at).total_seconds())),
            last_success_at=source.last_success_at,
            last_error=source.last_error,
            failure_count=source.failure_count,
            failing_since=health.failing_since,
            last_new_at=health.last_new_at,
            usual_silence_seconds=round(health.usual_silence_seconds),
            newest_published_at=health.newest_published_at,
            quota_left=health.quota_left,
            blind_intervals=[BlindIntervalView.of(blind) for blind in health.blind_intervals],
            created_at=source.created_at,
            updated_at=source.updated_at,
        )
