"""What is hard to read in a message, said in a word or two before anybody reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, RootModel

from alerting.signals import read_table
from core.types import Alert, AlertClass, EntityType


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    signals: frozenset[str] = frozenset()
    packs: frozenset[str] = frozenset()
    classes: frozenset[AlertClass] = frozenset()
    entities: frozenset[EntityType] = frozenset()
    words: tuple[str, ...] = Field((), repr=False)
    heavy: bool = False


class _Notes(RootModel[dict[str, _Note]]):
    """``content_notes.yaml``."""


def content_notes(alerts: Sequence[Alert]) -> tuple[str, ...]:
    """Return the notes of ``content_notes.yaml`` that one of the alerts gives reason to, in the file's order.

    Raises SettingsError naming what is wrong in the file.
    """
    return tuple(name for name, (note, words) in _notes().items() if any(_applies(note, words, one) for one in alerts))


def is_heavy(notes: Iterable[str]) -> bool:
    """Return whether one of the notes is ``heavy`` in ``content_notes.yaml``: reading such things wears people out."""
    return any(note in _notes() and _notes()[note][0].heavy for note in notes)


def _applies(note: _Note, words: re.Pattern[str] | None, alert: Alert) -> bool:
    return (
        alert.alert_class in note.classes
        or any(signal.name in note.signals or signal.about in note.packs for signal in alert.signals)
        or any(entity.type in note.entities for entity in alert.entities)
        or (
            words is not None and words.search(f"{alert.document.title or ''}\n{alert.evidence}".casefold()) is not None
        )
    )


@cache
def _notes() -> dict[str, tuple[_Note, re.Pattern[str] | None]]:
    table = read_table("content_notes.yaml", _Notes)
    return {name: (note, _pattern(note.words)) for name, note in table.root.items()}


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds one of the words; scripts without blanks between words have no edges to look for."""
    if not words:
        return None
    return re.compile("|".join(map(_word, words)))


def _word(word: str) -> str:
    stem = word.rstrip("*").casefold()
    start = r"(?<!\w)" if stem[0].isalpha() and stem[0].upper() != stem[0] else ""
    end = "" if word.endswith("*") or not start else r"(?!\w)"
    return f"{start}{re.escape(stem)}{end}"
