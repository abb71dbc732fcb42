"""Values as sealed JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from core.crypto import CommunityKeys
from core.db.tables import Row
from core.types import (
    Basis,
    BlindInterval,
    DigestPeriod,
    DigestSchedule,
    Document,
    Entity,
    EntityType,
    Match,
    MatchMode,
    Signal,
    Snooze,
    SnoozeEnd,
    SourceHealth,
    Span,
    TermKind,
    TermSettings,
    Weekday,
)


def seal(keys: CommunityKeys, row: type[Row], row_id: str, content: object, *, column: str = "sealed") -> bytes:
    """Return the content as JSON, sealed for that row and column. Dataclasses become objects of their fields."""
    # ASCII only: crawled text may hold lone surrogates, which UTF-8 cannot write.
    plaintext = json.dumps(content, default=_plain, separators=(",", ":")).encode("ascii")
    return keys.seal(plaintext, table=str(row.__tablename__), column=column, row_id=row_id)


def unseal(keys: CommunityKeys, row: type[Row], row_id: str, sealed: bytes, *, column: str = "sealed") -> Any:
    """Return the JSON content. Raises CryptoError where the value was not sealed for that row and column."""
    return json.loads(keys.open(sealed, table=str(row.__tablename__), column=column, row_id=row_id))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def without_text(document: Document) -> Document:
    """Return the reference to the document: all but its text, which is never kept."""
    return replace(document, text="")


def document_of(content: Mapping[str, Any]) -> Document:
    """Return the document that was sealed."""
    times = {name: _moment(content[name]) for name in ("published_at", "fetched_at")}
    return Document(**{**content, **times})


def match_of(content: Mapping[str, Any]) -> Match:
    """Return the match that was sealed."""
    return Match(
        **{
            **content,
            "kind": TermKind(content["kind"]),
            "span": Span(**content["span"]),
            "transformations": tuple(content["transformations"]),
        }
    )


def entity_of(content: Mapping[str, Any]) -> Entity:
    """Return the entity that was sealed."""
    return Entity(**{**content, "type": EntityType(content["type"]), "span": Span(**content["span"])})


def signal_of(content: Mapping[str, Any]) -> Signal:
    """Return the signal that was sealed."""
    return Signal(**{**content, "spans": tuple(Span(**span) for span in content["spans"])})


def term_settings_of(content: Mapping[str, Any]) -> TermSettings:
    """Return the settings of a term that were sealed."""
    match, basis = content["match"], content["basis"]
    return TermSettings(
        **{
            **content,
            "match": match and MatchMode(match),
            "never": tuple(content["never"]),
            "expires_at": _moment(content["expires_at"]),
            "basis": basis and Basis(**{**basis, "until": _moment(basis["until"])}),
        }
    )


_TIMES_OF_HEALTH = ("failing_since", "read_since", "last_new_at", "newest_published_at")


def digest_schedule_of(content: Mapping[str, Any] | None) -> DigestSchedule | None:
    """Return when digests are sent, as it was sealed."""
    if content is None:
        return None
    period, weekday = DigestPeriod(content["period"]), Weekday(content["weekday"])
    return DigestSchedule(**{**content, "period": period, "weekday": weekday})


def snooze_of(content: Mapping[str, Any] | None) -> Snooze | None:
    """Return the snooze that was sealed."""
    if content is None:
        return None
    times = {name: _moment(content[name]) for name in ("began_at", "until", "ended_at")}
    ended_by = content["ended_by"]
    return Snooze(**{**content, **times, "ended_by": ended_by and SnoozeEnd(ended_by)})


def health_of(content: Mapping[str, Any]) -> SourceHealth:
    """Return the health of a source that was sealed."""
    times = {name: _moment(content.get(name)) for name in _TIMES_OF_HEALTH}
    blind_intervals = tuple(
        BlindInterval(
            from_at=datetime.fromisoformat(blind["from_at"]),
            until_at=datetime.fromisoformat(blind["until_at"]),
            reason=blind["reason"],
        )
        for blind in content["blind_intervals"]
    )
    return SourceHealth(**{**content, **times, "blind_intervals": blind_intervals})


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
