"""What the schemas share: input that is strict, text that any database can hold, and listings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from zoneinfo import available_timezones

from fastapi import Path
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from core.ports import Listing, Slice

MAXIMUM_SETTINGS_DEPTH = 10

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_UNREADABLE = re.compile("[\0\ud800-\udfff]")

T = TypeVar("T")
S = TypeVar("S")


def example(**fields: object) -> dict[str, Any]:
    """Return the part of a model's configuration that carries its example."""
    return {"examples": [fields]}


def _check_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not hold half of a surrogate pair")
    return text


def _readable(value: object) -> object:
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def _check_settings(settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _check_json(settings, MAXIMUM_SETTINGS_DEPTH)
    return settings


def _check_json(value: JsonValue, depth: int) -> None:
    if depth < 0:
        raise ValueError(f"must not be nested deeper than {MAXIMUM_SETTINGS_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must not hold NaN or infinity")
    elif isinstance(value, list):
        for item in value:
            _check_json(item, depth - 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_json(item, depth - 1)


def _check_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin")
    return name


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a moment that exists in UTC") from None


def _check_moment(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("must be a moment from the year 2000 to 2199")
    return moment


def _check_day(day: date) -> date:
    if not _EARLIEST.date() <= day < _LATEST.date():
        raise ValueError("must be a day from the year 2000 to 2199")
    return day


Text = Annotated[str, AfterValidator(_check_text)]
Id = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
"""The identifier of another object, which may not exist."""
TextFromElsewhere = Annotated[Text, BeforeValidator(_readable)]
"""Text that the sender did not write: NUL and halves of surrogate pairs become U+FFFD, one for one."""
Name = Annotated[
    Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time: read with any offset, kept and answered in UTC (ISO 8601 with Z)."""
PlannedMoment = Annotated[Moment, AfterValidator(_check_moment)]
PlannedDay = Annotated[date, AfterValidator(_check_day)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
PluginSettings = Annotated[dict[str, JsonValue], AfterValidator(_check_settings)]
Identifier = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="The object's identifier.", examples=["wl_4q6wk2m7c5x3"]),
]

TimeZone = Annotated[Text, Field(max_length=100), AfterValidator(_check_time_zone)]
"""A time zone by its name in the IANA database, such as Europe/Berlin."""


class Input(BaseModel):
    """Something sent. Fields that nobody knows are refused, so that a slip is not taken for an omission."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """Something answered."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)


class ListingQuery(Input):
    """Which part of a listing is wanted."""

    cursor: Annotated[Text, Field(max_length=1000)] | None = Field(
        None, description="`next_cursor` of the part before; the listing starts at its beginning without it."
    )
    limit: int = Field(50, ge=1, le=200, description="The most items to answer.")

    def listing(self) -> Listing:
        """Return the wanted part as the store knows it."""
        return Listing(cursor=self.cursor, limit=self.limit)


class ChangesQuery(ListingQuery):
    """Which part of a listing that can be followed over time is wanted."""

    updated_since: Moment | None = Field(
        None, description="Only what changed at this moment or later.", examples=["2026-11-20T10:00:00Z"]
    )

    def listing(self) -> Listing:
        """Return the wanted part as the store knows it."""
        return Listing(cursor=self.cursor, limit=self.limit, updated_since=self.updated_since)


class Items(Answer, Generic[T]):
    """Part of a listing."""

    items: list[T] = Field(description="The items of this part.")
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` for the next part; null at the end.", examples=[None]
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(core_schema)
        (item,) = cls.__pydantic_generic_metadata__["args"]
        examples = item.model_config["json_schema_extra"]["examples"]
        handler.resolve_ref_schema(described).update(example(items=examples, next_cursor=None))
        return described

    @classmethod
    def of(cls, part: Slice[S], view: Callable[[S], T]) -> Self:
        """Return the slice, each item as ``view`` shows it."""
        return cls(items=[view(item) for item in part.items], next_cursor=part.next_cursor)
