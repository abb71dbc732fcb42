"""What the judge learns from: the texts under ``texts/``, and posts in which people talk about each other.

A text has slots: ``{H}`` the pseudonym, ``{P}`` the person who it is, ``{Q}`` and ``{R}`` persons who it is not (with
``.given`` and ``.family`` for a part of the name, as small letters for names in small letters), ``{G}`` another
pseudonym, and ``[[P:…]]``, ``[[Q:…]]``, ``[[E:…]]`` around a name or a particular that is written out.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from alerting.judge.marking import WINDOW, Kind, Mention, Range, question

TEXTS = Path(__file__).parent / "texts"
_SLOT = re.compile(r"\[\[([PQRE]):((?:[^\]]|\](?!\]))*)\]\]|\{([HGPQRpqr])(?:\.(given|family))?\}")
_NAMES = {"P": ("Perrin", "Palmerston"), "Q": ("Quentin", "Quimby"), "R": ("Rosalind", "Ravenhall")}
_PSEUDONYMS = {"H": "quiet_larch7", "G": "redkettle9"}
_KINDS = {"H": Kind.PSEUDONYM, "G": Kind.OTHER_PSEUDONYM, "E": Kind.PARTICULAR}
_BETWEEN_NAMES = frozenset({"", " ", ", "})
_MASKED_NAME = re.compile(r"\[NAME\]")
_TALK = 500
"""Posts of the shared data with two names, the first of which is taken for a pseudonym's: ordinary talk."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer. ``group`` is of those that share words on purpose, and stay together."""

    window: str
    is_linked: bool
    language: str
    group: str


@dataclass(frozen=True, slots=True)
class _Slot:
    role: str
    range: Range

    @property
    def mention(self) -> Mention:
        return Mention(self.range, _KINDS.get(self.role, Kind.PERSON))


def examples(shared: Path, random: Random) -> Iterator[Example]:
    """Yield all examples; ``shared`` is the folder of the shared data. Raises KeyError or TypeError for a text that
    has no place here."""
    for path in sorted(TEXTS.glob("*.yaml")):
        for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8"))):
            yield from _of_entry(entry, f"{path.stem} {number}")
    yield from _talk(shared, random)


def _of_entry(entry: dict[str, Any], group: str) -> Iterator[Example]:
    for is_linked in (True, False):
        for template in entry["linked" if is_linked else "harmless"]:
            text, slots = _filled(template)
            for window, role in _questions(text, slots):
                # An address in a text that names the person may be anybody's.
                if role == "E" and is_linked and any(slot.role == "P" for slot in slots):
                    continue
                yield Example(window, is_linked and role in "PE", entry["language"], group)


def _filled(template: str) -> tuple[str, list[_Slot]]:
    pieces: list[str] = []
    slots: list[_Slot] = []
    length = position = 0
    for found in _SLOT.finditer(template):
        before = template[position : found.start()]
        role = found[1] or found[3].upper()
        written = (
            _SLOT.sub(lambda inner: _name(inner[3], inner[4]), found[2]) if found[1] else _name(found[3], found[4])
        )
        pieces += (before, written)
        start = length + len(before)
        length = start + len(written)
        position = found.end()
        last = slots[-1] if slots else None
        if last is not None and last.role == role and role in "PQR" and before in _BETWEEN_NAMES:
            slots[-1] = _Slot(role, (last.range[0], length))
        else:
            slots.append(_Slot(role, (start, length)))
    pieces.append(template[position:])
    return "".join(pieces), slots


def _name(role: str, part: str | None) -> str:
    if role in _PSEUDONYMS:
        return _PSEUDONYMS[role]
    given, family = _NAMES[role.upper()]
    name = given if part == "given" else family if part == "family" else f"{given} {family}"
    return name.lower() if role.islower() else name


def _questions(text: str, slots: Sequence[_Slot]) -> Iterator[tuple[str, str]]:
    """Yield a question for each person and each particular, with the role of whom it is about."""
    pseudonyms = [slot.range for slot in slots if slot.role == "H"]
    mentions = [slot.mention for slot in slots]
    asked = {role: [slot for slot in slots if slot.role == role] for role in "PQR"}
    ones: Iterable[list[_Slot]] = [*asked.values(), *([slot] for slot in slots if slot.role == "E")]
    for one in ones:
        pairs = ((abs(slot.range[0] - pseudonym[0]), pseudonym, slot) for slot in one for pseudonym in pseudonyms)
        nearest = min(pairs, key=lambda pair: pair[0], default=None)
        if nearest is not None and nearest[0] < WINDOW:
            yield question(text, nearest[1], nearest[2].mention, mentions), nearest[2].role


def _talk(shared: Path, random: Random) -> Iterator[Example]:
    with gzip.open(shared / "data" / "posts" / "goemotions.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    named = [text for text in texts if len(_MASKED_NAME.findall(text)) > 1]
    for number, text in enumerate(random.sample(named, _TALK)):
        first, second, *others = (found.span() for found in _MASKED_NAME.finditer(text))
        asked = Mention(second, Kind.PERSON)
        # All masks read alike, and would be taken for one person.
        kinds = [Mention(other, Kind.OTHER_PSEUDONYM) for other in others]
        yield Example(question(text, first, asked, kinds), False, "en", f"talk {number}")
