"""Which incident an alert belongs to: the one about the same leak, if there is one.

What two alerts must have in common, from the surest on: the same content, document or page; a text that is proved to be
the same (:mod:`alerting.traces`); a link from one to the other, or one and the same member within a window. Those last
two join only what tells nothing new of the member, or a second leak would hide in the incident of the first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerting.links import page_of, pages_linked
from alerting.traces import Trace
from core.ports import Transaction
from core.types import Alert, Incident


@dataclass(frozen=True, slots=True)
class Memory:
    """How long it is remembered what alerts have in common: a leak's text, places and links; a member; and
    what kinds of things were told of one."""

    of_leaks: timedelta = timedelta(days=90)
    of_members: timedelta = timedelta(hours=24)
    of_pieces: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class JoinKeys:
    """What another alert about the same leak would have in common with this one. The store keeps them as keyed hashes,
    per community."""

    exact: tuple[str, ...]
    """The same content, document or page."""
    candidates: tuple[str, ...]
    """Some of the same words around what was found."""
    links: tuple[str, ...]
    """A page that this one links to, or that links to this one."""
    members: tuple[str, ...]
    """The member that it is about, where it is one."""
    kept: tuple[str, ...]
    """All that others may find this one by."""


def join_keys(alert: Alert, trace: Trace) -> JoinKeys:
    """Return the keys of the alert; those of different watchlists have nothing in common."""
    document = alert.document

    def key(*parts: str) -> str:
        return json.dumps((parts[0], alert.watchlist_id, *parts[1:]))

    exact = [key("content", document.content_hash)]
    if document.external_id is not None:
        exact.append(key("document", document.source or "", document.external_id))
    candidates = [key("shingle", f"{shingle:x}") for shingle in trace.candidates]
    members = [key("member", *member) for member in alert.members if len(alert.members) == 1]
    linked = pages_linked(alert)
    links = [key("page", page) for page in linked]
    kept = [*exact, *candidates, *(key("link to", page) for page in linked), *members]
    own_page = page_of(document.url or "")
    if own_page is not None:
        exact.append(key("page", own_page))
        kept.append(key("page", own_page))
        links.append(key("link to", own_page))
    return JoinKeys(tuple(exact), tuple(candidates), tuple(links), tuple(members), tuple(kept))


async def look_up(transaction: Transaction, alerts: Iterable[Alert], traces: Mapping[str, Trace]) -> None:
    """Find out at once which of the alerts, whose traces are given by their ids, have nothing in common with any
    incident: each of them is quickly recorded then. Raises StoreError."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        found = join_keys(alert, traces[alert.id])
        keys[alert.community_id].update(found.exact, found.candidates, found.links, found.members)
    for community_id, asked in keys.items():
        await transaction.look_up_join_keys(community_id, asked)


async def find_incident(
    transaction: Transaction, alert: Alert, trace: Trace, keys: JoinKeys, memory: Memory
) -> Incident | None:
    """Return the incident that the alert joins, whatever its state; None where it opens one. Raises StoreError."""
    community_id = alert.community_id
    if found := await transaction.joinable_incidents(community_id, keys.exact):
        return _first_live(found)
    candidates = await transaction.joinable_incidents(community_id, keys.candidates)
    known = await known_traces(transaction, candidates)
    proved = [one for one in candidates if any(map(trace.is_same_leak, known[one.id]))]
    if proved:
        return _first_live(proved)
    by_link = await transaction.joinable_incidents(community_id, keys.links)
    by_member = [
        incident
        for incident in await transaction.joinable_incidents(community_id, keys.members)
        if alert.raised_at - incident.last_seen_at <= memory.of_members
    ]
    related = [incident for incident in (*by_link, *by_member) if not incident.state.is_closed]
    known = await known_traces(transaction, related)
    return next((one for one in related if trace.kinds <= _kinds(known[one.id])), None)


async def known_traces(transaction: Transaction, incidents: Sequence[Incident]) -> Mapping[str, Sequence[Trace]]:
    """Return what is known of the texts of the incidents, which are of one community, by their ids. Raises
    StoreError."""
    if not incidents:
        return {}
    kept = await transaction.traces(incidents[0].community_id, [incident.id for incident in incidents])
    return {incident_id: [Trace.from_bytes(one) for one in traces] for incident_id, traces in kept.items()}


def _kinds(traces: Iterable[Trace]) -> frozenset[str]:
    return frozenset[str]().union(*(one.kinds for one in traces))


def _first_live(incidents: Iterable[Incident]) -> Incident:
    return min(incidents, key=lambda incident: incident.state.is_closed)
