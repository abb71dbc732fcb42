"""Topic packs: phrases and queries that give a match its meaning, kept as YAML files in ``packs/``."""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.tables import load_table
from core.types import Pack

FOLDER = Path(__file__).parent / "packs"


class _PackFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    description: str
    not_for: str
    phrases: dict[str, list[str]]
    queries: dict[str, list[str]]


@cache
def load_packs() -> tuple[Pack, ...]:
    """Return the topic packs that exist, by name. A file gives its phrases and queries by language (ISO 639-1); a
    pack has them all, as people mix languages."""
    packs = []
    for path in sorted(FOLDER.glob("*.yaml")):
        entry = _PackFile.model_validate(load_table(path))
        packs.append(
            Pack(
                name=path.stem,
                description=entry.description,
                not_for=entry.not_for,
                phrases=tuple(dict.fromkeys(chain.from_iterable(entry.phrases.values()))),
                queries=tuple(dict.fromkeys(chain.from_iterable(entry.queries.values()))),
            )
        )
    return tuple(packs)
