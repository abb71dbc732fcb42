"""Topic packs: words and phrases that give a match its meaning, kept as YAML files in ``packs/``.

A phrase that ends with ``*`` stands for every word that begins so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from core.types import Pack

FOLDER = Path(__file__).parent / "packs"


class _PackFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    description: str
    phrases: dict[str, list[str]]


@cache
def load_packs() -> tuple[Pack, ...]:
    """Return the topic packs that exist, by name. A file gives its phrases by language (ISO 639-1); a pack has
    them all, as people mix languages."""
    packs = []
    for path in sorted(FOLDER.glob("*.yaml")):
        entry = _PackFile.model_validate(yaml.safe_load(path.read_text("utf-8")))
        phrases = dict.fromkeys(phrase for language in entry.phrases.values() for phrase in language)
        packs.append(Pack(name=path.stem, description=entry.description, phrases=tuple(phrases)))
    return tuple(packs)
