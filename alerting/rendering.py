"""What a destination is told: nothing beyond its detail level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerting.content_notes import content_notes
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
    NoticeDestination,
    NoticeSource,
    SourceRecord,
    SourceState,
    Watchlist,
)

_DELETED = "a deleted watchlist"
_HEADLINES: Mapping[EventType, str] = {
    EventType.INCIDENT_OPENED: "",
    EventType.INCIDENT_UPDATED: "Seen again: ",
    EventType.INCIDENT_RESOLVED: "Closed: ",
    EventType.TEST_PING: "This is a test, nothing happened: ",
}


def notice(
    delivery: Delivery,
    destination: Destination,
    community: Community,
    watchlists: Mapping[str, Watchlist],
    incident: Incident | None,
    alerts: Sequence[Alert],
    at: datetime,
    *,
    source: SourceRecord | None = None,
    about: Destination | None = None,
) -> Notice:
    """Return the notice for a delivery.

    ``watchlists`` are the community's by id; ``alerts`` those of the incident that the notice tells of; ``source``
    or ``about``, a destination, is what the delivery is about, unless it was deleted.
    ``counts`` tells numbers, classes and severities; ``redacted`` adds reasons and texts with everything
    found masked; ``full`` shows the evidence in clear.
    """
    names = {watchlist_id: safe_text(watchlist.name) for watchlist_id, watchlist in watchlists.items()}
    detail = destination.detail
    shown_source = None if source is None else _source(source, detail)
    shown_destination = None if about is None else _destination(about, detail)
    if delivery.source_id is not None:
        summary = _source_summary(delivery.event, shown_source)
    elif delivery.about_destination_id is not None:
        summary = _destination_summary(shown_destination)
    else:
        summary = _summary(delivery.event, incident, alerts, names)
    return Notice(
        idempotency_key=delivery.idempotency_key,
        sequence=delivery.sequence,
        event=delivery.event,
        sent_at=at,
        community=safe_text(community.name),
        detail=detail,
        summary=summary,
        incident=None if incident is None else _incident(incident, detail),
        alerts=() if detail is Detail.COUNTS else tuple(_alert(alert, detail, names) for alert in alerts),
        source=shown_source,
        destination=shown_destination,
        content_notes=() if detail is Detail.COUNTS else content_notes(alerts),
    )


def standing(
    community: Community, watchlists: Mapping[str, Watchlist], incident: Incident, alerts: Sequence[Alert], at: datetime
) -> Notice:
    """Return the notice of an incident as it stands, redacted, for those who ask instead of being told: its key is
    the incident's id, and no destination counts it."""
    names = {watchlist_id: safe_text(watchlist.name) for watchlist_id, watchlist in watchlists.items()}
    event = EventType.INCIDENT_RESOLVED if incident.state.is_closed else EventType.INCIDENT_OPENED
    return Notice(
        idempotency_key=incident.id,
        sequence=0,
        event=event,
        sent_at=at,
        community=safe_text(community.name),
        detail=Detail.REDACTED,
        summary=_summary(event, incident, (), names),
        incident=_incident(incident, Detail.REDACTED),
        alerts=tuple(_alert(alert, Detail.REDACTED, names) for alert in alerts),
        content_notes=content_notes(alerts),
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


def _source_summary(event: EventType, source: NoticeSource | None) -> str:
    """Return a sentence such as "Source silent: Town forum (feed), nothing new since 2026-11-20 10:00 UTC"."""
    if source is None:
        return "A source was in trouble and has been deleted since"
    named = f"{source.name} ({source.kind})" if source.name else f"one of kind {source.kind}"
    if event is EventType.SOURCE_RECOVERED:
        return f"Source works again: {named}"
    since = "" if source.since is None else f" since {source.since:%Y-%m-%d %H:%M} UTC"
    if source.state is SourceState.SILENT:
        return f"Source silent: {named}, nothing new{since}"
    error = "" if source.error is None else f": {source.error}"
    return f"Source failing: {named}{since}{error}"


def _destination_summary(destination: NoticeDestination | None) -> str:
    """Return a sentence such as "Destination switched off: Moderators (webhook), it is gone: …"."""
    if destination is None:
        return "A destination was switched off and has been deleted since"
    named = f"{destination.name} ({destination.kind})" if destination.name else f"one of kind {destination.kind}"
    reason = "" if destination.reason is None else f", {destination.reason}"
    return f"Destination switched off: {named}{reason}"


def _destination(destination: Destination, detail: Detail) -> NoticeDestination:
    is_counts = detail is Detail.COUNTS
    reason = destination.health.disabled_because
    return NoticeDestination(
        id=destination.id,
        kind=destination.kind,
        name=None if is_counts else safe_text(destination.name),
        reason=None if is_counts or reason is None else safe_text(reason),
    )


def _source(source: SourceRecord, detail: Detail) -> NoticeSource:
    is_counts = detail is Detail.COUNTS
    return NoticeSource(
        id=source.id,
        kind=source.kind,
        state=source.state,
        since=source.quiet_since if source.state is SourceState.SILENT else source.health.failing_since,
        name=None if is_counts else safe_text(source.name),
        error=None if is_counts or source.last_error is None else safe_text(source.last_error),
    )


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
