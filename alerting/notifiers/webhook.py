"""Webhooks, signed as Standard Webhooks lays down (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from standardwebhooks.webhooks import Webhook as Signer

from alerting.posting import ReceiverUrl, post
from core.ports import NotifierContext
from core.types import (
    Incident,
    Json,
    JsonObject,
    Notice,
    NoticeAlert,
    NoticeCanary,
    NoticeDestination,
    NoticeDigest,
    NoticeEscalation,
    NoticeIncident,
    NoticeSource,
)

BODY_VERSION = 1
_PREFIX = "whsec_"
_SHORTEST_KEY_BYTES = 24
_LONGEST_KEY_BYTES = 64


class WebhookSettings(BaseModel):
    """Where to, and what the receiver knows us by."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: ReceiverUrl = Field(repr=False, description="Address that takes the messages; https, or http on this machine.")
    secret: SecretStr = Field(description="Signing secret: whsec_ and 24 to 64 random bytes in base64.")
    previous_secret: SecretStr | None = Field(
        None, description="The secret before this one; both sign while receivers change over."
    )

    @field_validator("secret", "previous_secret")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            value = secret.get_secret_value()
            try:
                key = base64.b64decode(value.removeprefix(_PREFIX), validate=True)
            except binascii.Error:
                key = b""
            if not value.startswith(_PREFIX) or not _SHORTEST_KEY_BYTES <= len(key) <= _LONGEST_KEY_BYTES:
                raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
        return secret


class WebhookNotifier:
    """Posts each notice as a signed JSON body."""

    kind: ClassVar[str] = "webhook"
    Settings: ClassVar[type[BaseModel]] = WebhookSettings

    def __init__(self, settings: WebhookSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._context = context

    async def send(self, notice: Notice) -> None:
        """Return when the receiver answered with success. Raises DeliveryDeferred or DeliveryRefused."""
        body = json.dumps(_body(notice), separators=(",", ":"))
        secrets = [self._settings.secret, self._settings.previous_secret]
        headers = signed_headers(
            [one.get_secret_value() for one in secrets if one],
            notice.idempotency_key,
            self._context.clock.now(),
            body,
        )
        await post(self._context, "the webhook", str(self._settings.url), body, headers=headers)


def signed_headers(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers of Standard Webhooks, with a signature for each secret."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, at, body) for secret in secrets),
    }


def _body(notice: Notice) -> JsonObject:
    return {
        "version": BODY_VERSION,
        "type": notice.event.value,
        "sent_at": notice.sent_at.isoformat(),
        "sequence": notice.sequence,
        "data": {
            "community": notice.community,
            "detail": notice.detail.value,
            "summary": notice.summary,
            "content_notes": list(notice.content_notes),
            "incident": None if notice.incident is None else _incident(notice.incident),
            "alerts": [_alert(alert) for alert in notice.alerts],
            "incidents": [_told_incident(told) for told in notice.incidents],
            "more_incident_count": notice.more_count,
            "delivery_id": notice.delivery_id,
            "digest": None if notice.digest is None else _digest(notice.digest),
            "source": None if notice.source is None else _source(notice.source),
            "destination": None if notice.destination is None else _destination(notice.destination),
            "escalation": None if notice.escalation is None else _escalation(notice.escalation),
            "canary": None if notice.canary is None else _canary(notice.canary),
            "link": notice.link,
        },
    }


def _digest(digest: NoticeDigest) -> Json:
    return {
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "severity_counts": {severity.value: count for severity, count in digest.severity_counts.items()},
        "class_counts": {alert_class.value: count for alert_class, count in digest.class_counts.items()},
        "source_count": digest.source_count,
        "healthy_source_count": digest.healthy_count,
        "unhealthy_sources": [_source(source) for source in digest.unhealthy],
    }


def _told_incident(told: NoticeIncident) -> Json:
    return {
        "type": told.event.value,
        "watchlist": told.watchlist,
        "incident": _incident(told.incident),
        "alerts": [_alert(alert) for alert in told.alerts],
        "link": told.link,
    }


def _incident(incident: Incident) -> Json:
    return {
        "id": incident.id,
        "class": incident.alert_class.value,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "score": incident.score,
        "first_seen_at": incident.first_seen_at.isoformat(),
        "last_seen_at": incident.last_seen_at.isoformat(),
        "sighting_count": incident.sighting_count,
        "assignee": incident.assignee,
        "reason": incident.reason,
    }


def _escalation(escalation: NoticeEscalation) -> Json:
    return {
        "waiting_since": escalation.waiting_since.isoformat(),
        "due_at": None if escalation.due_at is None else escalation.due_at.isoformat(),
        "moderator": escalation.moderator,
    }


def _source(source: NoticeSource) -> Json:
    return {
        "id": source.id,
        "kind": source.kind,
        "state": source.state.value,
        "since": None if source.since is None else source.since.isoformat(),
        "name": source.name,
        "error": source.error,
    }


def _destination(destination: NoticeDestination) -> Json:
    return {
        "id": destination.id,
        "kind": destination.kind,
        "name": destination.name,
        "reason": destination.reason,
    }


def _canary(canary: NoticeCanary) -> Json:
    return {
        "id": canary.id,
        "planted_at": canary.planted_at.isoformat(),
        "broken_link": None if canary.broken_link is None else canary.broken_link.value,
        "reason": canary.reason,
    }


def _alert(alert: NoticeAlert) -> Json:
    return {
        "id": alert.id,
        "watchlist": alert.watchlist,
        "class": alert.alert_class.value,
        "severity": alert.severity.value,
        "score": alert.score,
        "reasons": [{"signal": one.name, "points": one.points, "text": one.text} for one in alert.reasons],
        "source": alert.source,
        "published_at": None if alert.published_at is None else alert.published_at.isoformat(),
        "excerpt": alert.excerpt,
        "title": alert.title,
        "author": alert.author,
        "url": alert.url,
    }
