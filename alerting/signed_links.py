"""Links by which whoever was sent a notice can read its incident and take it on, without a key to the API.

A link is ``public_url``, ``/incidents/``, and a token: identifiers, until when it counts, and a keyed hash over both
(HMAC-SHA-256, 128 bits), all separated by ``~``, which stands in no identifier. It says nothing to whoever has no
access, and it stops counting when its destination or its moderator is deleted.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from alerting.incidents import acknowledge, decide
from core.errors import Conflict, LinkRefused, NotFound
from core.ids import new_id
from core.ports import Store, Transaction
from core.types import AuditEntry, Incident, IncidentState

VALID_FOR = timedelta(days=7)
PATH = "incidents"

_SEPARATOR = "~"
_NOBODY = "-"
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]{1,600}")
_REFUSED = "This link is not one that Leakwatch made, or it was cut on its way: copy all of it from the message."
_EXPIRED = "This link has expired: links count for {days} days. Use that of a later message, or ask an admin."
GONE = "This link no longer counts: what it is about, or whom it was sent to, has been deleted."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLink:
    """What a link stands for: this incident, as it was told to this destination, and to this moderator where only one
    is reached there. It counts before ``expires_at``, in whole seconds."""

    community_id: str
    incident_id: str
    destination_id: str
    moderator_id: str | None
    expires_at: datetime

    @property
    def actor(self) -> str:
        """Whom the audit log names for what is done by the link: the moderator, or else the destination."""
        return self.moderator_id or self.destination_id


async def address_of(store: Store, public_url: str, link: SignedLink) -> str:
    """Return the link as an address. Raises NotFound for its community, StoreError."""
    expires = str(int(link.expires_at.timestamp()))
    parts = (link.community_id, link.incident_id, link.destination_id, link.moderator_id or _NOBODY, expires)
    payload = _SEPARATOR.join(parts)
    signature = await store.signature(link.community_id, payload)
    return f"{public_url.rstrip('/')}/{PATH}/{payload}{_SEPARATOR}{signature.hex()}"


async def read_token(store: Store, token: str, at: datetime) -> SignedLink:
    """Return what the token of a link stands for. Raises LinkRefused where it is not ours or has expired, and
    StoreError."""
    if not _TOKEN.fullmatch(token):
        raise LinkRefused(_REFUSED)
    payload, _, given = token.rpartition(_SEPARATOR)
    try:
        community_id, incident_id, destination_id, moderator_id, expires = payload.split(_SEPARATOR)
        expected = await store.signature(community_id, payload)
    except (ValueError, NotFound):
        raise LinkRefused(_REFUSED) from None
    if not hmac.compare_digest(expected.hex().encode(), given.encode()):
        raise LinkRefused(_REFUSED)
    link = SignedLink(
        community_id=community_id,
        incident_id=incident_id,
        destination_id=destination_id,
        moderator_id=None if moderator_id == _NOBODY else moderator_id,
        expires_at=datetime.fromtimestamp(int(expires), UTC),
    )
    if at >= link.expires_at:
        raise LinkRefused(_EXPIRED.format(days=VALID_FOR.days))
    return link


async def acknowledge_by_link(transaction: Transaction, link: SignedLink, *, assignee: str, at: datetime) -> Incident:
    """Put the incident into the hands of ``assignee``, and write to the audit log who did so by which destination's
    link. Returns the incident. Raises Conflict where it is closed or in somebody's hands, NotFound or StoreError."""
    incident = await decide(
        transaction,
        link.community_id,
        link.incident_id,
        partial(_take_on, assignee=assignee, at=at),
        actor=link.actor,
        at=at,
    )
    await transaction.record(
        AuditEntry(
            id=new_id("aud"),
            community_id=link.community_id,
            actor=link.actor,
            action="destination.link_used",
            object_id=link.destination_id,
            at=at,
        )
    )
    return incident


def _take_on(incident: Incident, *, assignee: str, at: datetime) -> Incident:
    if incident.state is IncidentState.ACKNOWLEDGED:
        raise Conflict(f"incident {incident.id} is acknowledged already")
    return acknowledge(incident, assignee=assignee, at=at)
