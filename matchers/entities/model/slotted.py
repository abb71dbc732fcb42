"""Texts with slots for names, written for the judge of linkage (``alerting/judge/corpus.py`` says what the slots mean):
how people write where they give somebody away, and where they do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import yaml

_SLOT = re.compile(r"\[\[([PQRE]):((?:[^\]]|\](?!\]))*)\]\]|\{([HGPQRpqr])(?:\.(given|family))?\}")


class Filling(Enum):
    """What stands in a slot."""

    WRITTEN = auto()
    """The text between slots, as it is."""
    PSEUDONYM = auto()
    NAMED = auto()
    """A person's name that is written out."""
    PARTICULAR = auto()
    """An address, an employer …, written out."""
    FULL = auto()
    GIVEN = auto()
    FAMILY = auto()


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a text; ``written`` is empty where it is to be filled in."""

    filling: Filling
    written: str = ""


@dataclass(frozen=True, slots=True)
class SlottedText:
    """A text in parts, in order."""

    language: str
    slots: tuple[Slot, ...]


def slotted_texts(folder: Path) -> list[SlottedText]:
    """Return the texts of the YAML files in the folder, in order."""
    return [
        SlottedText(entry["language"], tuple(_slots(text)))
        for path in sorted(folder.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
        for text in (*entry["linked"], *entry["harmless"])
    ]


def _slots(text: str) -> Iterator[Slot]:
    last = 0
    for match in _SLOT.finditer(text):
        if match.start() > last:
            yield Slot(Filling.WRITTEN, text[last : match.start()])
        last = match.end()
        role, written, filled, part = match.groups()
        if role == "E":
            yield Slot(Filling.PARTICULAR, _SLOT.sub("name", written))
        elif role is not None and _SLOT.search(written) is None:
            yield Slot(Filling.NAMED, written)
        elif role is not None or filled in "HG":
            yield from _slots(written) if role is not None else (Slot(Filling.PSEUDONYM),)
        elif filled.islower():
            yield Slot(Filling.PARTICULAR, "name")
        else:
            yield Slot(_PARTS[part])
    if last < len(text):
        yield Slot(Filling.WRITTEN, text[last:])


_PARTS = {None: Filling.FULL, "given": Filling.GIVEN, "family": Filling.FAMILY}
