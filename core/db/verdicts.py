"""What moderators said of the incidents that terms had a part in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, select
from sqlmodel import col

from core.crypto import HashPurpose
from core.db.database import Database, Unit, chunks
from core.db.tables import IncidentRow, IncidentTermRow
from core.types import Incident, IncidentState, Verdicts

_LEAKS = (IncidentState.RESOLVED, IncidentState.REGRESSED)


class TermVerdicts(Database):
    """The part of the store about how often a term was right."""

    async def verdicts(self, community_id: str, term_ids: Sequence[str]) -> Mapping[str, Verdicts]:
        """Return what moderators said of the incidents that each of the terms had a part in. Raises NotFound for the
        community."""
        async with self.reading() as unit:
            keys = await unit.keys(community_id)
            by_key = {keys.hash(HashPurpose.TERM, term_id): term_id for term_id in term_ids}
            said: dict[str, Verdicts] = dict.fromkeys(term_ids, Verdicts())
            for chunk in chunks(list(by_key)):
                counts = (
                    select(
                        col(IncidentTermRow.term_key),
                        func.count().filter(col(IncidentRow.state).in_(_LEAKS)),
                        func.count().filter(col(IncidentRow.state) == IncidentState.DISMISSED),
                    )
                    .join(IncidentRow, col(IncidentRow.id) == col(IncidentTermRow.incident_id))
                    .where(col(IncidentTermRow.community_id) == community_id, col(IncidentTermRow.term_key).in_(chunk))
                    .group_by(col(IncidentTermRow.term_key))
                )
                for key, leak_count, false_alarm_count in await unit.session.execute(counts):
                    said[by_key[key]] = Verdicts(leak_count=leak_count, false_alarm_count=false_alarm_count)
        return said


async def add_incident_terms(unit: Unit, incident: Incident, term_ids: Iterable[str]) -> None:
    """Remember that the terms had a part in the incident. Raises NotFound for its community, and for the incident
    when the unit ends."""
    keys = await unit.keys(incident.community_id)
    for key in sorted({keys.hash(HashPurpose.TERM, term_id) for term_id in term_ids}):
        unit.add(IncidentTermRow, community_id=incident.community_id, term_key=key, incident_id=incident.id)
