"""Moderators."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Id, Input, Name, TimeZone, example
from core.types import Moderator

MOST_DESTINATIONS = 20


class NewModerator(Input):
    """Somebody who takes incidents on."""

    model_config = ConfigDict(
        json_schema_extra=example(
            name="Ada", destinations=["dst_4q6wk2m7c5x3"], no_quotes=False, time_zone="Europe/Berlin"
        )
    )

    name: Name = Field(description="What the other moderators call them.")
    destinations: list[Id] = Field(
        default=[],
        max_length=MOST_DESTINATIONS,
        description="The destinations by which they are reached when it is their turn. All of them are told.",
    )
    no_quotes: bool = Field(
        False, description="Whether what strangers wrote is left out of what they are sent, and shown."
    )
    time_zone: TimeZone | None = Field(None, description="In which times are told to them; UTC without it.")


class ModeratorView(Answer):
    """A moderator."""

    model_config = ConfigDict(
        json_schema_extra=example(
            id="mod_4q6wk2m7c5x3",
            name="Ada",
            destinations=["dst_4q6wk2m7c5x3"],
            no_quotes=False,
            time_zone="Europe/Berlin",
            heavy_item_count=3,
        )
    )

    id: str = Field(description="The moderator's identifier.")
    name: str = Field(description="What the other moderators call them.")
    destinations: list[str] = Field(description="The destinations by which they are reached.")
    no_quotes: bool = Field(description="Whether what strangers wrote is left out of what they are shown.")
    time_zone: str | None = Field(description="In which times are told to them.")
    heavy_item_count: int | None = Field(
        description="How many notices with a content note of violence, self-harm, slurs or sexual content they were "
        "sent in the last seven days; null for keys without the scope `admin`."
    )

    @classmethod
    def of(cls, moderator: Moderator, heavy_item_count: int | None) -> Self:
        """Return the moderator as they are shown."""
        return cls(
            id=moderator.id,
            name=moderator.name,
            destinations=list(moderator.destination_ids),
            no_quotes=moderator.no_quotes,
            time_zone=moderator.time_zone,
            heavy_item_count=heavy_item_count,
        )
