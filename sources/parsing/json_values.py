"""Values of JSON that somebody else wrote: what is not of the expected type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_EMPTY: Mapping[str, Any] = {}


def text_of(value: object) -> str | None:
    """Return a string that says something, without lone surrogates, which no encoding can hold."""
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number_of(value: object) -> int | None:
    """Return a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object, an empty one where there is none."""
    return value if isinstance(value, dict) else _EMPTY


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, passing over what else is in it."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def moment_of(value: object) -> datetime | None:
    """Return the moment (aware UTC) of an ISO 8601 text, UTC where it names no zone, or of seconds since 1970."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        seconds = number_of(value)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
