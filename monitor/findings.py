"""Findings as JSON lines, the form that scripts and measurements read (FORMATS.md, "Findings")."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.types import Alert, Catalogue, Entity, Finding, JsonObject, Match, Span

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Names:
    """How people call what findings refer to by id: terms by their reference, watchlists by their name."""

    terms: Mapping[str, str]
    watchlists: Mapping[str, str]

    @classmethod
    def of(cls, catalogue: Catalogue) -> Names:
        """Return the names that stand in the catalogue."""
        return cls(
            terms={term.id: term.reference for term in catalogue.terms},
            watchlists={watchlist.id: watchlist.name for watchlist in catalogue.watchlists},
        )


def finding_line(finding: Finding, names: Names) -> str:
    """Return the finding as one line of JSON, without its line feed. It holds no lone surrogate: one in a
    document stands there as an escape."""
    places = {match: position for position, match in reversed([*enumerate(finding.matches)])}
    entity_places = {entity: position for position, entity in reversed([*enumerate(finding.entities)])}
    return json_line(
        {
            "id": finding.document.id,
            "matches": [_match(match, names) for match in finding.matches],
            "entities": [entity_object(entity) for entity in finding.entities],
            "alerts": [
                _alert(
                    alert,
                    names,
                    [places[match] for match in alert.matches],
                    [entity_places[entity] for entity in alert.entities],
                )
                for alert in finding.alerts
            ],
        }
    )


def json_line(value: JsonObject) -> str:
    """Return the value as one line of JSON that can be encoded whatever text it holds."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def entity_object(entity: Entity) -> JsonObject:
    """Return an entity as it stands in a finding; ``country`` only where one is known."""
    return {
        "type": entity.type,
        **_span(entity.span),
        "found": entity.found,
        "confidence": entity.confidence,
        "recogniser": entity.recogniser,
        **({"country": entity.country} if entity.country else {}),
    }


def _match(match: Match, names: Names) -> JsonObject:
    return {
        "term": names.terms[match.term_id],
        "kind": match.kind,
        **_span(match.span),
        "found": match.found,
        "similarity": match.similarity,
        "transformations": match.transformations,
    }


def _alert(alert: Alert, names: Names, matches: Sequence[int], entities: Sequence[int]) -> JsonObject:
    return {
        "watchlist": names.watchlists[alert.watchlist_id],
        "class": alert.alert_class,
        "score": alert.score,
        "severity": alert.severity,
        "reasons": [{"signal": signal.name, "points": signal.points, "text": signal.text} for signal in alert.signals],
        "matches": matches,
        "entities": entities,
        "excerpt": alert.excerpt,
    }


def _span(span: Span) -> dict[str, str | int]:
    return {"field": span.field, "start": span.start, "end": span.end}
