"""A notice as those have it who read its destination: with the link by which they can act, whom the incident waits for,
in their times, and without quotes where somebody asked for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from alerting.redaction import safe_text
from alerting.signed_links import VALID_FOR, SignedLink, address_of
from core.ports import Store
from core.types import Delivery, Destination, Detail, Escalation, Moderator, Notice, NoticeEscalation


async def addressed(
    store: Store, public_url: str | None, notice: Notice, delivery: Delivery, destination: Destination
) -> Notice:
    """Return the notice of the delivery for the destination's readers. ``public_url`` is where people reach this
    service; None: there is no link. Raises NotFound or StoreError."""
    moderators = await store.moderators(destination.community_id)
    readers = [moderator for moderator in moderators if destination.id in moderator.destination_ids]
    notice = replace(notice, reader_ids=tuple(reader.id for reader in readers))
    if wants_no_quotes(destination, readers):
        notice = without_quotes(notice)
    only_reader = readers[0] if len(readers) == 1 else None
    if delivery.incident_id is not None:
        escalation = await store.escalation(destination.community_id, delivery.incident_id)
        if escalation is not None:
            notice = replace(notice, escalation=_shown(escalation, moderators, only_reader, notice.detail))
    if public_url is None:
        return notice

    async def link_to(incident_id: str) -> str:
        link = SignedLink(
            community_id=destination.community_id,
            incident_id=incident_id,
            destination_id=destination.id,
            moderator_id=None if only_reader is None else only_reader.id,
            expires_at=(notice.sent_at + VALID_FOR).replace(microsecond=0),
        )
        return await address_of(store, public_url, link)

    return replace(
        notice,
        link=None if delivery.incident_id is None else await link_to(delivery.incident_id),
        incidents=tuple([replace(one, link=await link_to(one.incident.id)) for one in notice.incidents]),
    )


def wants_no_quotes(destination: Destination, readers: Iterable[Moderator]) -> bool:
    """Return whether what strangers wrote is left out there: for the destination itself, or for one of its readers."""
    return destination.no_quotes or any(reader.no_quotes for reader in readers)


def without_quotes(notice: Notice) -> Notice:
    """Return the notice without the excerpts and titles of its alerts: what strangers wrote in sentences."""
    return replace(
        notice,
        alerts=tuple(replace(alert, excerpt=None, title=None) for alert in notice.alerts),
        incidents=tuple(
            replace(one, alerts=tuple(replace(alert, excerpt=None, title=None) for alert in one.alerts))
            for one in notice.incidents
        ),
        is_without_quotes=True,
    )


def _shown(
    escalation: Escalation, moderators: Sequence[Moderator], reader: Moderator | None, detail: Detail
) -> NoticeEscalation:
    zone = ZoneInfo("UTC" if reader is None or reader.time_zone is None else reader.time_zone)
    asked_id = escalation.asked_ids[-1] if escalation.asked_ids else None
    asked = next((one for one in moderators if one.id == asked_id), None)
    return NoticeEscalation(
        waiting_since=escalation.waiting_since.astimezone(zone),
        due_at=None if escalation.due_at is None else escalation.due_at.astimezone(zone),
        moderator=None if asked is None or detail is Detail.COUNTS else safe_text(asked.name),
    )
