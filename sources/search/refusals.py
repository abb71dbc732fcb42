"""Which terms a search service does not take, told by their ids alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.ports import SearchTerm
from core.types import Json, JsonObject

_SUSPICIOUS = 3
"""So many terms refused one after another are not to blame: it is the key, or the service does not work any more."""
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """The terms whose latest query was refused. ``in_a_row`` are those refused since the last query that was taken,
    ``reason`` is what was said to the latest."""

    term_ids: tuple[str, ...] = ()
    in_a_row: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def read(cls, written: Json) -> Refusals:
        """Return what :meth:`written` gave; none for anything else."""
        if not isinstance(written, Mapping):
            return cls()
        term_ids, in_a_row, reason = (written[name] for name in ("term_ids", "in_a_row", "reason"))
        return cls(term_ids=tuple(term_ids), in_a_row=tuple(in_a_row), reason=reason)  # type: ignore[arg-type]  # as below

    def written(self) -> JsonObject:
        """Return the refusals as JSON."""
        return {"term_ids": list(self.term_ids), "in_a_row": list(self.in_a_row), "reason": self.reason}

    def and_also(self, term: SearchTerm, reason: str) -> Refusals:
        """Return the refusals after this one, for a ``reason`` that names no term."""
        return Refusals(
            term_ids=(*_others(self.term_ids, term), term.id),
            in_a_row=(*_others(self.in_a_row, term), term.id),
            reason=reason,
        )

    def without(self, term: SearchTerm) -> Refusals:
        """Return the refusals after this term was taken."""
        return Refusals(term_ids=_others(self.term_ids, term), reason=self.reason)

    def are_general(self, terms: Sequence[SearchTerm]) -> bool:
        """Whether it is not the terms that are refused but whoever asks."""
        return len(self.in_a_row) >= min(_SUSPICIOUS, len(terms))

    def sentence(self, terms: Sequence[SearchTerm]) -> str | None:
        """Return what is not searched for and why, None where every one of these terms is taken."""
        lasting = {term.id for term in terms}
        refused = [term_id for term_id in self.term_ids if term_id in lasting]
        if not refused:
            return None
        named = ", ".join(refused[:_NAMED]) + (", …" if len(refused) > _NAMED else "")
        return f"{self.reason}, for {len(refused)} of {len(terms)} terms: {named}"


def _others(term_ids: tuple[str, ...], term: SearchTerm) -> tuple[str, ...]:
    return tuple(one for one in term_ids if one != term.id)
