"""What a destination is told: nothing beyond its detail level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerting.content_notes import content_notes
from alerting.redaction import redaction_of, safe_header, safe_text
from core.types import (
    Alert,
    AlertClass,
    Canary,
    Community,
    Delivery,
    Destination,
    Detail,
    EventType,
    FieldName,
    Incident,
    Notice,
    NoticeAlert,
    NoticeCanary,
    NoticeDestination,
    NoticeDigest,
    NoticeIncident,
    NoticeSource,
    SnoozeEnd,
    SourceRecord,
    SourceState,
    ToldIncident,
    Watchlist,
)

MOST_INCIDENTS = 20
"""In one notice; of the others it says how many they are."""
MOST_SOURCES = 20
"""That are not healthy, in one digest."""
_DELETED = "a deleted watchlist"
_TEST = "This is a test, nothing happened: "
_HEADLINES: Mapping[EventType, str] = {
    EventType.INCIDENT_OPENED: "",
    EventType.INCIDENT_UPDATED: "Seen again: ",
    EventType.INCIDENT_RESOLVED: "Closed: ",
    EventType.INCIDENT_ESCALATED: "Not acknowledged: ",
    EventType.INCIDENT_REPEATED: "Nobody has acknowledged it: ",
    EventType.TEST_PING: _TEST,
}


_SNOOZE_ENDS: Mapping[SnoozeEnd, str] = {
    SnoozeEnd.UNTIL: "its time has come",
    SnoozeEnd.SIGHTINGS: "seen as often as was chosen",
    SnoozeEnd.NEW_SITE: "seen on a new site",
    SnoozeEnd.HIGHER_SEVERITY: "it became graver",
    SnoozeEnd.IMMINENT_HARM: "harm is imminent",
    SnoozeEnd.BY_HAND: "a moderator ended it",
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
    told: Sequence[ToldIncident] = (),
    sources: Sequence[SourceRecord] = (),
    canary: Canary | None = None,
) -> Notice:
    """Return the notice for a delivery.

    ``watchlists`` are the community's by id; ``alerts`` those that the notice tells of, of the ``incident`` or of the
    several that are ``told``, the gravest first; ``source``, ``about``, a destination, or ``canary``, with both, is
    what the delivery is about, unless it was deleted; a digest tells of all the ``sources`` that count for the
    community.
    ``counts`` tells numbers, classes and severities; ``redacted`` adds reasons and texts with everything
    found masked; ``full`` shows the evidence in clear.
    """
    names = {watchlist_id: safe_text(watchlist.name) for watchlist_id, watchlist in watchlists.items()}
    detail = destination.detail
    shown_source = None if source is None else _source(source, detail)
    shown_destination = None if about is None else _destination(about, detail)
    shown_digest = None if delivery.since is None else _digest(delivery, delivery.since, told, sources, detail)
    if delivery.canary_id is not None:
        summary = _canary_summary(canary, shown_source, shown_destination, detail)
    elif delivery.source_id is not None:
        summary = _source_summary(delivery.event, shown_source)
    elif delivery.about_destination_id is not None:
        summary = _destination_summary(shown_destination)
    elif shown_digest is not None:
        summary = _digest_summary(shown_digest)
    elif delivery.event is EventType.INCIDENT_GROUPED:
        summary = _group_summary(told)
    else:
        summary = _summary(delivery.event, incident, alerts, names, planned_at=delivery.created_at)
    listed = told[:MOST_INCIDENTS]
    return Notice(
        idempotency_key=delivery.idempotency_key,
        sequence=delivery.sequence,
        event=delivery.event,
        sent_at=at,
        community=safe_text(community.name),
        detail=detail,
        summary=summary,
        incident=None if incident is None else _incident(incident, detail),
        alerts=() if told else _alerts(alerts, detail, names),
        source=shown_source,
        destination=shown_destination,
        canary=None if canary is None else _canary(canary, detail),
        content_notes=() if detail is Detail.COUNTS else content_notes(alerts),
        incidents=tuple(_told_incident(one, alerts, detail, names) for one in listed),
        more_count=len(told) - len(listed),
        delivery_id=delivery.id,
        digest=shown_digest,
    )


def standing(
    community: Community,
    watchlists: Mapping[str, Watchlist],
    incident: Incident,
    alerts: Sequence[Alert],
    at: datetime,
    *,
    detail: Detail = Detail.REDACTED,
) -> Notice:
    """Return the notice of an incident as it stands, redacted unless less is asked for (``detail``), for those who ask
    instead of being told: its key is the incident's id, and no destination counts it."""
    detail = Detail.COUNTS if detail is Detail.COUNTS else Detail.REDACTED
    names = {watchlist_id: safe_text(watchlist.name) for watchlist_id, watchlist in watchlists.items()}
    event = EventType.INCIDENT_RESOLVED if incident.state.is_closed else EventType.INCIDENT_OPENED
    return Notice(
        idempotency_key=incident.id,
        sequence=0,
        event=event,
        sent_at=at,
        community=safe_text(community.name),
        detail=detail,
        summary=_summary(event, incident, (), names),
        incident=_incident(incident, detail),
        alerts=() if detail is Detail.COUNTS else tuple(_alert(alert, detail, names) for alert in alerts),
        content_notes=() if detail is Detail.COUNTS else content_notes(alerts),
    )


def _summary(
    event: EventType,
    incident: Incident | None,
    alerts: Sequence[Alert],
    names: Mapping[str, str],
    *,
    planned_at: datetime | None = None,
) -> str:
    """Return a sentence such as "1 linkage alert, high (88), Members"."""
    if incident is None:
        return "This is a test of the destination."
    classes = Counter(alert.alert_class for alert in alerts) or Counter({incident.alert_class: 1})
    told = " and ".join(
        f"{count} {_kind(alert_class)} alert{'s' if count > 1 else ''}"
        for alert_class, count in sorted(classes.items())
    )
    headline = _HEADLINES.get(event, "")
    snooze = incident.snooze
    if snooze is not None and snooze.ended_by is not None and snooze.ended_at == planned_at:
        headline = f"Snooze ended, {_SNOOZE_ENDS[snooze.ended_by]}: "
    name = names.get(incident.watchlist_id, _DELETED)
    state = f", {incident.state}" if event is EventType.INCIDENT_RESOLVED else ""
    test = _TEST if incident.alert_class is AlertClass.TEST else ""
    return f"{test}{headline}{told}, {incident.severity} ({incident.score}), {name}{state}"


def _group_summary(told: Sequence[ToldIncident]) -> str:
    """Return a sentence such as "3 incidents, the gravest critical (95): 2 linkage, 1 threat"."""
    if not told:
        return "Several incidents that have been deleted since"
    if len(told) == 1:
        incident = told[0].incident
        return f"1 incident, {incident.severity} ({incident.score}): {_kind(incident.alert_class)}"
    gravest = told[0].incident
    classes = Counter(one.incident.alert_class for one in told)
    kinds = ", ".join(f"{count} {_kind(alert_class)}" for alert_class, count in sorted(classes.items()))
    return f"{len(told)} incidents, the gravest {gravest.severity} ({gravest.score}): {kinds}"


def _digest_summary(digest: NoticeDigest) -> str:
    """Return a sentence such as "Digest: 3 incidents (1 high, 2 medium), 11 of 12 sources healthy"."""
    count = sum(digest.severity_counts.values())
    severities = ", ".join(f"{each} {severity}" for severity, each in digest.severity_counts.items())
    found = f"{count} incident{'s' if count > 1 else ''} ({severities})" if count else "nothing found"
    return f"Digest: {found}, {digest.healthy_count} of {digest.source_count} sources healthy"


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


def _canary_summary(
    canary: Canary | None, source: NoticeSource | None, destination: NoticeDestination | None, detail: Detail
) -> str:
    """Return a sentence such as "A canary has not arrived: from Town forum (feed) to Moderators (webhook): …"."""
    if canary is None:
        return "A canary has not arrived"
    if detail is Detail.COUNTS:
        return f"A canary has not arrived: it was not {canary.broken_link}"
    begin = "" if source is None else f"from {source.name} ({source.kind}) "
    end = "a deleted destination" if destination is None else f"{destination.name} ({destination.kind})"
    return f"A canary has not arrived: {begin}to {end}: {canary.reason}"


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


def _canary(canary: Canary, detail: Detail) -> NoticeCanary:
    return NoticeCanary(
        id=canary.id,
        planted_at=canary.planted_at,
        broken_link=canary.broken_link,
        reason=None if detail is Detail.COUNTS or canary.reason is None else safe_text(canary.reason),
    )


def _kind(alert_class: AlertClass) -> str:
    return alert_class.replace("_", " ")


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


def _digest(
    delivery: Delivery,
    since: datetime,
    told: Sequence[ToldIncident],
    sources: Sequence[SourceRecord],
    detail: Detail,
) -> NoticeDigest:
    read = [source for source in sources if source.state is not SourceState.DISABLED]
    unhealthy = [source for source in read if source.state is not SourceState.HEALTHY]
    severities = Counter(one.incident.severity for one in told)
    classes = Counter(one.incident.alert_class for one in told)
    return NoticeDigest(
        since=since,
        until=delivery.created_at,
        severity_counts=dict(sorted(severities.items(), key=lambda row: -row[0].minimum_score)),
        class_counts=dict(sorted(classes.items(), key=lambda row: -row[0].gravity)),
        source_count=len(read),
        healthy_count=len(read) - len(unhealthy),
        unhealthy=tuple(_source(source, detail) for source in unhealthy[:MOST_SOURCES]),
    )


def _incident(incident: Incident, detail: Detail) -> Incident:
    # The reason is a moderator's own words and may name somebody.
    shown = incident if detail is Detail.FULL else replace(incident, reason=None)
    return replace(shown, assignee=None) if detail is Detail.COUNTS else shown


def _told_incident(
    told: ToldIncident, alerts: Sequence[Alert], detail: Detail, names: Mapping[str, str]
) -> NoticeIncident:
    incident = told.incident
    return NoticeIncident(
        event=told.event,
        watchlist=names.get(incident.watchlist_id, _DELETED),
        incident=_incident(incident, detail),
        alerts=_alerts([alert for alert in alerts if alert.incident_id == incident.id], detail, names),
    )


def _alerts(alerts: Sequence[Alert], detail: Detail, names: Mapping[str, str]) -> tuple[NoticeAlert, ...]:
    return () if detail is Detail.COUNTS else tuple(_alert(alert, detail, names) for alert in alerts)


def _alert(alert: Alert, detail: Detail, names: Mapping[str, str]) -> NoticeAlert:
    document = alert.document
    is_full = detail is Detail.FULL
    redaction = redaction_of(alert)

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
