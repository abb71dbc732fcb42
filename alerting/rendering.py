"""What a destination is told: nothing beyond its detail level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerting.redaction import Redaction, safe_header, safe_text
from core.types import (
    Alert,
    Community,
    Delivery,
    Destination,
    Detail,
    EventType,
    FieldName,
    Incident,
    Notice,
    NoticeAlert,
    Watchlist,
)

_DELETED = "a deleted watchlist"
_HEADLINES: Mapping[EventType, str] = {
    EventType.INCIDENT_OPENED: "",
    EventType.INCIDENT_UPDATED: "Seen again: ",
    EventType.INCIDENT_RESOLVED: "Closed: ",
}


def notice(
    delivery: Delivery,
    destination: Destination,
    community: Community,
    watchlists: Mapping[str, Watchlist],
    incident: Incident | None,
    alerts: Sequence[Alert],
    at: datetime,
) -> Notice:
    """Return the notice for a delivery.

    ``watchlists`` are the community's by id; ``alerts`` those of the incident that the notice tells of.
    ``counts`` tells numbers, classes and severities; ``redacted`` adds reasons and texts with everything
    found masked; ``full`` shows the evidence in clear.
    """
    names = {watchlist_id: safe_text(watchlist.name) for watchlist_id, watchlist in watchlists.items()}
    detail = destination.detail
    return Notice(
        idempotency_key=delivery.idempotency_key,
        sequence=delivery.sequence,
        event=delivery.event,
        sent_at=at,
        community=safe_text(community.name),
        detail=detail,
        summary=_summary(delivery.event, incident, alerts, names),
        incident=None if incident is None else _incident(incident, detail),
        alerts=() if detail is Detail.COUNTS else tuple(_alert(alert, detail, names) for alert in alerts),
    )


def _summary(event: EventType, incident: Incident | None, alerts: Sequence[Alert], names: Mapping[str, str]) -> str:
    """Return a sentence such as "1 linkage alert, high (88), Members"."""
    if incident is None:
        return "This is a test of the destination."
    classes = Counter(alert.alert_class for alert in alerts) or Counter({incident.alert_class: 1})
    told = " and ".join(
        f"{count} {alert_class.replace('_', ' ')} alert{'s' if count > 1 else ''}"
        for alert_class, count in sorted(classes.items())
    )
    name = names.get(incident.watchlist_id, _DELETED)
    state = f", {incident.state}" if event is EventType.INCIDENT_RESOLVED else ""
    return f"{_HEADLINES.get(event, '')}{told}, {incident.severity} ({incident.score}), {name}{state}"


def _incident(incident: Incident, detail: Detail) -> Incident:
    # The reason is a moderator's own words and may name somebody.
    return incident if detail is Detail.FULL else replace(incident, reason=None)


def _alert(alert: Alert, detail: Detail, names: Mapping[str, str]) -> NoticeAlert:
    document = alert.document
    is_full = detail is Detail.FULL
    redaction = Redaction(alert.matches, alert.entities)

    def shown(name: FieldName) -> str | None:
        text = document.field(name)
        if not text:
            return None
        return safe_header(text) if is_full else redaction.header(text, name)

    return NoticeAlert(
        id=alert.id,
        watchlist=names.get(alert.watchlist_id, _DELETED),
        alert_class=alert.alert_class,
        severity=alert.severity,
        score=alert.score,
        reasons=alert.signals,
        source=None if document.source is None else safe_text(document.source),
        published_at=document.published_at,
        excerpt=alert.evidence if is_full else alert.excerpt,
        title=shown("title"),
        author=shown("author"),
        url=shown("url"),
    )
