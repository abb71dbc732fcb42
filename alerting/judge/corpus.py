"""What the judge learns from: the texts under ``texts/``, and posts in which people talk about each other.

A text has slots: ``{H}`` the pseudonym, ``{P}`` the person who it is, ``{Q}`` and ``{R}`` persons who it is not (with
``.given`` and ``.family`` for a part of the name, as small letters for names in small letters), ``{G}`` another
pseudonym, and ``[[P:…]]``, ``[[Q:…]]``, ``[[E:…]]`` around a name or a particular that is written out. Slots are filled
with names of many countries, as in use only the two who are asked about have marks.
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
_BETWEEN_NAMES = frozenset({"", " ", ", "})
_MASKED_NAME = re.compile(r"\[NAME\]")
_TALK = {1: 1000, 2: 500}
"""So many posts of the shared data with one name, and with more, are ordinary talk: the first name is taken for a
pseudonym's."""
_POSTS = 2000
"""So many posts in which a pseudonym stands anywhere are ordinary talk, too."""
_EVERY = 5
"""Of so many posts of the shared data, one is read."""
_PSEUDONYMS = ("quiet_larch7", "redkettle9", "Morrow.Vale", "TinLantern", "ash-and-ember", "sparrowhawk88", "xNimbusx")
_SCRIPTS = {"ru": "[\u0400-\u04ff]", "ar": "[\u0600-\u06ff]", "zh": "[\u4e00-\u9fff]"}
_WITHOUT_SPACES = "zh"


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its answer. ``is_pair``: it is not about the pseudonym alone. ``group`` is of those that share
    words on purpose, and stay together."""

    window: str
    is_linked: bool
    is_pair: bool
    language: str
    group: str


@dataclass(frozen=True, slots=True)
class _Slot:
    role: str
    range: Range

    @property
    def mention(self) -> Mention:
        return Mention(self.range, Kind.PARTICULAR if self.role == "E" else Kind.PERSON)


def examples(shared: Path, random: Random) -> Iterator[Example]:
    """Yield all examples; ``shared`` is the folder of the shared data. Raises KeyError or TypeError for a text that
    has no place here."""
    names = _Names(shared, random)
    for path in sorted(TEXTS.glob("*.yaml")):
        for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8"))):
            yield from _of_entry(entry, f"{path.stem} {number}", names)
    yield from _talk(shared, names, random)
    for number, window in enumerate(random.sample(list(posts(shared, random)), _POSTS)):
        yield Example(window, False, False, "en", f"post {number}")


def posts(shared: Path, random: Random) -> Iterator[str]:
    """Yield the question about a pseudonym alone that is written anywhere into a post, for each fifth post."""
    for path in sorted((shared / "data" / "posts").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts = [json.loads(line)["text"] for line in lines]
        for text in texts[::_EVERY]:
            words = text.split(" ")
            words.insert(random.randrange(len(words) + 1), _PSEUDONYMS[0])
            whole = " ".join(words)
            start = whole.index(_PSEUDONYMS[0])
            yield question(whole, (start, start + len(_PSEUDONYMS[0])))


class _Names:
    """Draws names of persons and pseudonyms."""

    def __init__(self, shared: Path, random: Random) -> None:
        with gzip.open(shared / "data" / "names" / "names_by_country.jsonl.gz", "rt", encoding="utf-8") as lines:
            self._rows = [json.loads(line) for line in lines]
        self._random = random
        self._listed: dict[str | None, tuple[list[str], list[str]]] = {}

    def drawn(self, language: str) -> dict[str, tuple[str, str]]:
        """Return a forename and a surname for each role, in the script of the language."""
        forenames, surnames = self._of_script(_SCRIPTS.get(language))
        return {role: (self._random.choice(forenames), self._random.choice(surnames)) for role in "PQR"}

    def pseudonyms(self) -> dict[str, str]:
        """Return one for each role."""
        return dict(zip("HG", self._random.sample(_PSEUDONYMS, 2), strict=True))

    def _of_script(self, script: str | None) -> tuple[list[str], list[str]]:
        """Return forenames and surnames whose first letter is of the script; None is for romanised ones."""
        if script not in self._listed:
            forenames: list[str] = []
            surnames: list[str] = []
            for row in self._rows:
                # Without the marks that show where a Russian name is stressed.
                written = row["text"] if script is None else row["localized"].replace("\u0301", "")
                if script is None or re.match(script, written):
                    (forenames if row["kind"] == "forename" else surnames).append(written)
            self._listed[script] = forenames, surnames or forenames
        return self._listed[script]


def _of_entry(entry: dict[str, Any], group: str, names: _Names) -> Iterator[Example]:
    for is_linked in (True, False):
        for template in entry["linked" if is_linked else "harmless"]:
            text, slots = _filled(template, entry["language"], names)
            for window, role in _questions(text, slots):
                # An address in a text that names the person may be anybody's.
                if role == "E" and is_linked and any(slot.role == "P" for slot in slots):
                    continue
                yield Example(window, is_linked and role in "HPE", role != "H", entry["language"], group)


def _filled(template: str, language: str, names: _Names) -> tuple[str, list[_Slot]]:
    persons, pseudonyms = names.drawn(language), names.pseudonyms()

    def name(role: str, part: str | None) -> str:
        if role in pseudonyms:
            return pseudonyms[role]
        given, family = persons[role.upper()]
        whole = family + given if language == _WITHOUT_SPACES else f"{given} {family}"
        written = given if part == "given" else family if part == "family" else whole
        return written.lower() if role.islower() else written

    pieces: list[str] = []
    slots: list[_Slot] = []
    length = position = 0
    for found in _SLOT.finditer(template):
        before = template[position : found.start()]
        role = found[1] or found[3].upper()
        written = _SLOT.sub(lambda inner: name(inner[3], inner[4]), found[2]) if found[1] else name(found[3], found[4])
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


def _questions(text: str, slots: Sequence[_Slot]) -> Iterator[tuple[str, str]]:
    """Yield a question for each person and each particular, with the role of whom it is about, and one about the
    pseudonym alone, with the pseudonym's role."""
    pseudonyms = [slot.range for slot in slots if slot.role == "H"]
    asked = {role: [slot for slot in slots if slot.role == role] for role in "PQR"}
    ones: Iterable[list[_Slot]] = [*asked.values(), *([slot] for slot in slots if slot.role == "E")]
    told = pseudonyms[:1]
    least = WINDOW
    for one in ones:
        pairs = ((abs(slot.range[0] - pseudonym[0]), pseudonym, slot) for slot in one for pseudonym in pseudonyms)
        nearest = min(pairs, key=lambda pair: pair[0], default=None)
        if nearest is not None and nearest[0] < WINDOW:
            yield question(text, nearest[1], nearest[2].mention), nearest[2].role
            if nearest[2].role in "PE" and nearest[0] < least:
                least, told = nearest[0], [nearest[1]]
    for pseudonym in told:
        yield question(text, pseudonym), "H"


def _talk(shared: Path, names: _Names, random: Random) -> Iterator[Example]:
    with gzip.open(shared / "data" / "posts" / "goemotions.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    named = {many: [text for text in texts if min(len(_MASKED_NAME.findall(text)), 2) == many] for many in _TALK}
    chosen = [text for many, count in _TALK.items() for text in random.sample(named[many], count)]
    for number, template in enumerate(chosen):
        text = _MASKED_NAME.sub("{R}", _MASKED_NAME.sub("{Q}", _MASKED_NAME.sub("{H}", template, count=1), count=1))
        filled, slots = _filled(text, "en", names)
        for window, role in _questions(filled, [slot for slot in slots if slot.role in "HQ"]):
            yield Example(window, False, role != "H", "en", f"talk {number}")
