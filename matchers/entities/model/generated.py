"""Training sentences that nobody wrote: templates and masked posts filled in with names of many cultures."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from core.tables import load_table
from matchers.background import listed_chance
from matchers.entities.model.corpus import LOCATION, ORGANIZATION, PERSON, Range, Sentence
from matchers.entities.model.slotted import Filling, SlottedText
from matchers.folding import fold_text
from matchers.words import (
    forenames,
    ordinary_words,
    places,
    rarer_forenames,
    rarer_surnames,
    surnames,
    words_of_places,
)

_SLOT = re.compile(r"\{(\w+)\}")
_MASKED = re.compile(r"\[NAME\]")
_CAPITALISED = re.compile(r"\b[A-Z]\w+|\[\w+\]")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_SIGN = re.compile(r"(?<![@/\w])[.,:;!?()](?!\w)|(?<=\w)[.,:;!?)](?=\s|\Z)|-")
_SIGNS_APART = 0.2
_NATIVE = {"ru": 0.9, "ar": 0.95, "zh": 1.0}
"""In which share of a language's sentences names are in its script."""
_WITHOUT_SPACES = "zh"
_NOUNS_HAVE_CAPITALS = "de"
_LONGEST_WITHIN = 4
"""Signs of a listed place that is looked for inside of a run without spaces."""
_ONE_SIGN, _MADE_FORENAMES = 0.3, 4_000
_IN_FULL = 0.6
_PHONES = ["+1 202-555-0{:03}", "(202) 555-0{:03}", "07700 900{:03}", "+49 30 1234{:03}"]
_FROM_THE_LIST_OF_PLACES = 0.35
_RARE_AS_A_WORD = -5.3
"""Logarithm to the base 10 of how often a word of a text is this one."""
_LISTED, _INVENTED = 0.72, 0.85
_ONSETS = [*"bcdfghjklmnprstvwyz", "br", "ch", "dr", "gr", "kl", "pr", "qu", "sh", "st", "th", "tr", "zh"]
_VOWELS = [*"aeiouyáéíöü", "ai", "ea", "ee", "ia", "io", "ou"]
_INITIALS = "ABCDEFGHJKLMNPRSTVW"
_CODAS = ["", "", "", "l", "n", "r", "s", "m", "k", "t", "x", "nd", "rk", "sh", "ck"]
_PARTICLES = {
    "es": ["de", "de la", "del"],
    "pt": ["da", "de", "dos"],
    "fr": ["de", "Le", "de la"],
    "de": ["von"],
    "it": ["De", "Di", "Della"],
    "nl": ["van", "de", "van der", "van den"],
    "en": ["al", "bin", "van", "de", "Mac", "Al"],
}


@dataclass
class Names:
    """Names of people by country and script, from ``names_by_country``."""

    random: Random
    forenames: defaultdict[tuple[str, bool], list[str]] = field(default_factory=lambda: defaultdict(list))
    surnames: defaultdict[tuple[str, bool], list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, shared: Path, random: Random) -> Names:
        """Return the names in the data of ``shared``."""
        names = cls(random)
        with gzip.open(shared / "data" / "names" / "names_by_country.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                listed = names.forenames if row["kind"] == "forename" else names.surnames
                listed[row["country"], False].append(row["text"])
                if row["localized"] and not _LATIN.match(row["localized"]):
                    # Without the marks that show where a Russian name is stressed.
                    listed[row["country"], True].append(row["localized"].replace("\u0301", ""))
        return names

    def first(self, country: str, *, native: bool) -> str:
        """Return a forename: mostly a frequent one of the country, else a rare or invented one."""
        return self._one(self.forenames, country, native, rarer_forenames)

    def last(self, country: str, *, native: bool) -> str:
        """Return a surname: mostly a frequent one of the country, else a rare or invented one."""
        return self._one(self.surnames, country, native, rarer_surnames)

    def _one(
        self,
        listed: defaultdict[tuple[str, bool], list[str]],
        country: str,
        native: bool,
        rarer: Callable[[], frozenset[str]],
    ) -> str:
        drawn = self.random.random()
        known = listed[country, native] or (self.forenames[country, native] if native else [])
        if known and (native or drawn < _LISTED):
            return self.random.choice(known)
        if drawn < _INVENTED:
            return self.random.choice(_sorted(rarer)).title()
        return self._invented()

    def _invented(self) -> str:
        parts = (
            self.random.choice(kind) for _ in range(self.random.randint(1, 3)) for kind in (_ONSETS, _VOWELS, _CODAS)
        )
        return "".join(parts).capitalize()


@cache
def _may_be_names() -> frozenset[str]:
    listed = forenames() | surnames() | rarer_forenames() | rarer_surnames() | places() | words_of_places()
    return listed - ordinary_words()


@cache
def _namesakes() -> list[str]:
    """Return the words of Latin letters that are rare surnames, too, in order."""
    names = rarer_surnames() - forenames() - surnames() - rarer_forenames()
    return sorted(word for word in names if word.isascii() and len(word) > 2 and listed_chance(word) > _RARE_AS_A_WORD)


_LISTS: dict[Callable[[], frozenset[str]], list[str]] = {}


def _sorted(rarer: Callable[[], frozenset[str]]) -> list[str]:
    """Return the list's words of Latin letters in order, as the order of a set changes from run to run."""
    if rarer not in _LISTS:
        _LISTS[rarer] = sorted(word for word in rarer() if word.isascii() and len(word) > 2)
    return _LISTS[rarer]


class Generator:
    """Makes sentences. The same seed makes the same ones in the same order."""

    def __init__(self, shared: Path, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311
        self._names = Names.read(shared, self._random)
        self._rows: dict[str, Any] = load_table(files("matchers.entities.model") / "templates.yaml")
        self._add_native_names()
        self._words = sorted(word for word in ordinary_words() if word.isascii() and word.isalpha() and len(word) > 3)
        self._posts = list(_posts_to_learn_from(shared))

    def _add_native_names(self) -> None:
        """Add the names that the shared data lacks. A Chinese forename is made of one or two signs."""
        for language, rows in self._rows["names"].items():
            forenames = rows.get("forenames") or [
                "".join(self._random.choices(rows["signs"], k=1 if self._random.random() < _ONE_SIGN else 2))
                for _ in range(_MADE_FORENAMES)
            ]
            for country in self._rows["countries"][language]:
                self._names.forenames[country, True] += forenames
                self._names.surnames[country, True] += rows["surnames"]

    def sentences(self, count: int) -> Iterator[Sentence]:
        """Yield sentences made from the templates, a third of them English."""
        by_language = self._rows["sentences"]
        languages = sorted(by_language)
        for _ in range(count):
            language = "en" if self._random.random() < 1 / 3 else self._random.choice(languages)
            sentence = self._filled(self._random.choice(by_language[language]), language)
            yield _with_signs_apart(sentence) if self._random.random() < _SIGNS_APART else sentence

    def texts(self, texts: Sequence[SlottedText], count: int) -> Iterator[Sentence]:
        """Yield texts drawn from those given, their slots filled in. What may be a name or place is unknown where
        nothing is said of it, and so is what a slot of particulars holds."""
        for text in self._random.choices(texts, k=count):
            yield self._slots_filled(text)

    def posts(self, masked: int, others: int) -> Iterator[Sentence]:
        """Yield posts with their masked names filled in, and others that held no name. A listed name or place with a
        capital is unknown, as places were not masked, and not every name."""
        for wanted, has_names in ((masked, True), (others, False)):
            posts = [post for post in self._posts if bool(_MASKED.search(post)) is has_names]
            for post in self._random.sample(posts, min(wanted, len(posts))):
                yield self._unmasked(post)

    def renamed(self, sentence: Sentence) -> Sentence:
        """Return the sentence with other names for its persons."""
        country = self._country("en")
        pieces: list[tuple[str, str | None]] = []
        last = 0
        for start, end, label in sentence.entities:
            if label == PERSON and sentence.text[start].isalpha():
                words = sentence.text[start:end].split()
                name = self._full("en", country, native=False) if len(words) > 1 else self._single(country)
                name = name.lower() if sentence.text[start:end].islower() else name
                pieces += [(sentence.text[last:start], None), (name, PERSON)]
            else:
                pieces += [(sentence.text[last:start], None), (sentence.text[start:end], label)]
            last = end
        return _joined([*pieces, (sentence.text[last:], None)])

    def _unmasked(self, post: str) -> Sentence:
        country = self._country("en")
        pieces: list[tuple[str, str | None]] = []
        last = 0
        for match in _MASKED.finditer(post):
            name = self._single(country) if self._random.random() < 0.75 else self._full("en", country, native=False)
            pieces += [(post[last : match.start()], None), (name, PERSON)]
            last = match.end()
        sentence = _joined([*pieces, (post[last:], None)])
        unknown = [
            match.span()
            for match in _CAPITALISED.finditer(sentence.text)
            if match.group().lower() in _may_be_names()
            and not any(match.start() < end and start < match.end() for start, end, _ in sentence.entities)
        ]
        return Sentence(sentence.text, sentence.entities, tuple(unknown))

    def _slots_filled(self, text: SlottedText) -> Sentence:
        native = self._random.random() < _NATIVE.get(text.language, 0.0)
        country = self._country(text.language, native=native)
        pieces: list[tuple[str, str | None]] = []
        unknown: list[Range] = []
        for slot in text.slots:
            start = sum(len(piece) for piece, _ in pieces)
            match slot.filling:
                case Filling.WRITTEN:
                    unknown += ((start + a, start + b) for a, b in _perhaps_names(slot.written, text.language))
                    pieces.append((slot.written, None))
                case Filling.PSEUDONYM:
                    pieces.append((self._other("handle"), None))
                case Filling.PARTICULAR:
                    unknown.append((start, start + len(slot.written)))
                    pieces.append((slot.written, None))
                case Filling.NAMED:
                    pieces.append((slot.written, PERSON))
                case Filling.FULL:
                    pieces.append((self._full(text.language, country, native=native), PERSON))
                case Filling.GIVEN:
                    pieces.append((self._names.first(country, native=native), PERSON))
                case Filling.FAMILY:
                    pieces.append((self._names.last(country, native=native), PERSON))
        sentence = _joined(pieces)
        return Sentence(sentence.text, sentence.entities, tuple(unknown))

    def _filled(self, template: str, language: str) -> Sentence:
        native = self._random.random() < _NATIVE.get(language, 0.0)
        country = self._country(language, native=native)
        pieces: list[tuple[str, str | None]] = []
        last = 0
        for match in _SLOT.finditer(template):
            pieces += [(template[last : match.start()], None), self._slot(match.group(1), language, country, native)]
            last = match.end()
        return _joined([*pieces, (template[last:], None)])

    def _slot(self, name: str, language: str, country: str, native: bool) -> tuple[str, str | None]:
        draw = self._random
        match name:
            case "full":
                return self._full(language, country, native=native), PERSON
            case "first":
                return self._names.first(country, native=native), PERSON
            case "initials":
                count = draw.choice([1, 1, 2])
                initials = " ".join(f"{draw.choice(_INITIALS)}." for _ in range(count))
                return f"{initials} {self._names.last(country, native=native)}", PERSON
            case "last":
                return self._names.last(country, native=native), PERSON
            case "person" if draw.random() < _IN_FULL:
                return self._full(language, country, native=native), PERSON
            case "person":
                return self._single(country, native=native), PERSON
            case "reversed":
                comma = ", " if not native else " "
                last = self._names.last(country, native=native)
                last = last.upper() if draw.random() < 0.2 else last
                return f"{last}{comma}{self._names.first(country, native=native)}", PERSON
            case "street":
                return self._street(language, country, native=native), None
            case "title":
                return draw.choice(self._rows["titles"]), None
            case "namesake":
                return draw.choice(_namesakes()), None
            case "place":
                return self._place(language), LOCATION
            case "organization":
                return self._organization(language), ORGANIZATION
            case _:
                return self._other(name), None

    def _single(self, country: str, *, native: bool = False) -> str:
        drawn = self._names.first if self._random.random() < 0.6 else self._names.last
        return drawn(country, native=native)

    def _full(self, language: str, country: str, *, native: bool) -> str:
        draw = self._random
        first, last = self._names.first(country, native=native), self._names.last(country, native=native)
        if native:
            if language == _WITHOUT_SPACES:
                return last + first
            return f"{last} {first}" if draw.random() < 0.15 else f"{first} {last}"
        manner = draw.random()
        if manner < 0.08:
            return f"{first} {draw.choice(_INITIALS)}. {last}"
        if manner < 0.12:
            return f"{first[0]}. {last}"
        if manner < 0.14:
            return f"{first[0]}. {draw.choice(_INITIALS)}. {last}"
        if manner < 0.20:
            return f"{first} {self._names.first(country, native=False)} {last}"
        if manner < 0.25:
            return f"{first} {last}-{self._names.last(country, native=False)}"
        if manner < (0.60 if language in ("es", "pt") else 0.28):
            joint = f"{draw.choice(_PARTICLES[language])} " if language in _PARTICLES and draw.random() < 0.3 else ""
            return f"{first} {last} {joint}{self._names.last(country, native=False)}"
        if manner > 0.94 and language in _PARTICLES:
            return f"{first} {draw.choice(_PARTICLES[language])} {last}"
        if manner > 0.91:
            return f"{first}-{self._names.first(country, native=False)} {last}"
        return f"{first} {last}"

    def _place(self, language: str) -> str:
        if language not in _NATIVE and self._random.random() < _FROM_THE_LIST_OF_PLACES:
            return self._random.choice(_sorted(places)).title()
        chosen: str = self._random.choice(self._rows["places"][language])
        return chosen

    def _street(self, language: str, country: str, *, native: bool) -> str:
        row: str = self._random.choice(self._rows["streets"][language])
        row = row.replace("{last}", self._names.last(country, native=native))
        row = row.replace("{word}", self._random.choice(self._words).title())
        return _SLOT.sub(lambda _: str(self._random.randint(1, 300)), row)

    def _organization(self, language: str) -> str:
        rows = self._rows["organizations"]
        if self._random.random() < 0.5:
            chosen: str = self._random.choice(rows["any"])
            return chosen
        made_up: str = self._random.choice(rows["made_up"])
        filled = made_up.replace("{place}", self._place(language))
        return _SLOT.sub(lambda _: self._names.last(self._country("en"), native=False), filled)

    def _other(self, name: str) -> str:
        draw = self._random
        words = [draw.choice(self._words) for _ in range(3)]
        number = draw.randint(1, 9999)
        match name:
            case "handle":
                manners = [
                    f"{words[0]}_{words[1]}",
                    f"{words[0]}{number}",
                    f"@{words[0]}{words[1]}",
                    words[0].title() + words[1].title(),
                    f"u/{words[0]}_{number}",
                    f"{words[0]}.{words[1]}",
                    f"x{words[0]}x",
                    f"@{words[0]}_{words[1]}{number % 100}",
                    words[0] + words[1],
                    f"[{words[0]}]",
                ]
                return draw.choice(manners)
            case "phone":
                return draw.choice(_PHONES).format(number % 1000)
            case "email":
                return f"{words[0]}.{words[1]}@{words[2]}.example"
            case "date":
                return draw.choice(["{} May 1990", "1/{}/1985", "12.{}.1979", "1998"]).format(number % 28 + 1)
            case _:
                return str(number)

    def _country(self, language: str, *, native: bool = False) -> str:
        countries: list[str] = self._rows["countries"][language]
        return self._random.choice([country for country in countries if self._names.forenames[country, native]])


def _perhaps_names(text: str, language: str) -> Iterator[Range]:
    """Yield the words that may be names or places: those with a capital that are no ordinary word, and where capitals
    tell nothing those of the lists."""
    for match in _WORD.finditer(text):
        word = match.group()
        folded = fold_text(word).text
        if word[0].isupper():
            if folded in _may_be_names() or (language != _NOUNS_HAVE_CAPITALS and folded not in ordinary_words()):
                yield match.span()
        elif not word[0].islower():
            yield from _listed_parts(word, match.start())


def _listed_parts(word: str, offset: int) -> Iterator[Range]:
    for start in range(len(word)):
        for end in range(min(len(word), start + _LONGEST_WITHIN), start + 1, -1):
            if fold_text(word[start:end]).text in places():
                yield offset + start, offset + end
                break
    if fold_text(word).text in _may_be_names():
        yield offset, offset + len(word)


def _with_signs_apart(sentence: Sentence) -> Sentence:
    """Return the sentence with spaces around its signs, as collections of labelled sentences are often written."""
    pieces: list[tuple[str, str | None]] = []
    last = 0
    for start, end, label in sentence.entities:
        pieces += [(_SIGN.sub(r" \g<0> ", sentence.text[last:start]), None)]
        pieces += [(" ".join(_SIGN.sub(r" \g<0> ", sentence.text[start:end]).split()), label)]
        last = end
    return _joined([*pieces, (_SIGN.sub(r" \g<0> ", sentence.text[last:]), None)])


def _joined(pieces: list[tuple[str, str | None]]) -> Sentence:
    text, entities = "", []
    for piece, label in pieces:
        if label:
            entities.append((len(text), len(text) + len(piece), label))
        text += piece
    return Sentence(text, tuple(entities))


def _posts_to_learn_from(shared: Path) -> Iterator[str]:
    """Yield every other post; the rest is for measuring."""
    with gzip.open(shared / "data" / "posts" / "goemotions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % 2 == 0:
                yield json.loads(line)["text"]
