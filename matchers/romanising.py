"""Names in Latin letters, whatever script they are written in, and keys that are equal for romanisations of one name.

Single characters are romanised by anyascii; ``matchers/romanising.yaml`` holds what is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain, islice, product

from anyascii import anyascii
from pydantic import BaseModel, ConfigDict

from core.tables import load_table

Rules = tuple[tuple[str, str], ...]

_REMEMBERED = 65_536
_SHORTEST_STEM = 2
_MOST_WAYS = 64


class Script(StrEnum):
    """Scripts that names are read in, and how."""

    GREEK = "greek"
    CYRILLIC = "cyrillic"
    ABJAD = "abjad"
    KANA = "kana"
    HANGUL = "hangul"
    CHINESE = "chinese"
    OTHER = "other"


class Chances(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    letter: float
    consonant: float
    character: float
    chinese_surname: float
    chinese_syllable: float
    korean_surname: float
    korean_syllable: float
    capitals: float
    inflected: float
    between: float


class _Tables(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    letters: Rules
    from_script: Mapping[Script, Rules]
    alphabet: Rules
    plain_c: str
    endings: str
    consonants: Rules
    article: str
    servant: str
    korean: Rules
    korean_surnames: Mapping[str, tuple[str, ...]]
    korean_spellings: Rules
    chinese_surnames: str
    chinese_readings: Mapping[str, str]
    wade_giles: Rules
    chance: Chances


_GEORGIAN = re.compile("[\u10a0-\u10ff]")
UNSPACED_SCRIPTS = frozenset({Script.KANA, Script.HANGUL, Script.CHINESE})
WORDS = re.compile(
    "(?P<greek>[\u0370-\u037d\u0386\u0388-\u03ff\u1f00-\u1fff\u0300-\u036f]+)"
    "|(?P<cyrillic>[\u0400-\u0481\u048a-\u052f\u0300-\u036f]+)"
    "|(?P<abjad>[\u05d0-\u05f2\u05b0-\u05bd\u0620-\u0669\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f]+)"
    "|(?P<kana>[\u3041-\u3096\u30a1-\u30fa\u30fc]+)"
    "|(?P<hangul>[\uac00-\ud7a3]+)"
    "|(?P<chinese>[々\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+)"
    "|(?P<other>[\u0531-\u0587\u0900-\u0963\u0971-\u0dff\u10a0-\u10ff]+)"
)
"""Words of the scripts, each in a group of its script's name."""


@cache
def tables() -> _Tables:
    """Return the tables, read once."""
    return _Tables.model_validate(load_table(files("matchers") / "romanising.yaml"))


def script_of(word: str) -> Script | None:
    """Return the script of a word, None where it is none of these."""
    found = WORDS.fullmatch(word)
    return Script(str(found.lastgroup)) if found else None


def script_of_name(value: str) -> Script | None:
    """Return the script of a name, None where it is none of these."""
    found = WORDS.search(value)
    return Script(str(found.lastgroup)) if found else None


def is_unspaced_name(value: str) -> bool:
    """Return whether the value is a full name without spaces, in a script that is written so."""
    return len(value) > 1 and script_of(value) in UNSPACED_SCRIPTS


def latin(word: str) -> str:
    """Return a word of any script in small Latin letters without marks."""
    script = script_of(word)
    letters = re.sub("[^a-z]", "", anyascii(_reduced(word.lower(), tables().letters) if script else word).lower())
    return _reduced(letters, tables().from_script.get(script, ())) if script else letters


@lru_cache(_REMEMBERED)
def alphabet_keys(word: str) -> tuple[str, ...]:
    """Return the keys of a word by its letters."""
    letters = latin(word)
    if re.search("c(?![hzk])", letters):
        hard = re.sub("c(?![hzk])", tables().plain_c, letters)
        return _reduced(letters, tables().alphabet), _reduced(hard, tables().alphabet)
    return (_reduced(letters, tables().alphabet),)


def stem(key: str) -> str:
    """Return the key without what inflection may have added."""
    shorter = re.sub(tables().endings, "", key)
    return shorter if len(shorter) >= _SHORTEST_STEM else key


@lru_cache(_REMEMBERED)
def consonant_keys(word: str) -> tuple[str, ...]:
    """Return the keys of a word by its consonants, without the Arabic article too."""
    keys = [_reduced(latin(word), tables().consonants)]
    if (rest := word.removeprefix(tables().article)) != word:
        keys.append(_reduced(latin(rest), tables().consonants))
    return tuple(dict.fromkeys(key for key in keys if key))


@lru_cache(_REMEMBERED)
def korean_key(letters: str) -> str:
    """Return the key of a Korean given name, in Hangul or romanised."""
    return _reduced(latin(letters), tables().korean)


@cache
def korean_surnames() -> Mapping[str, tuple[str, ...]]:
    """Return for each romanised Korean surname the syllables it may be."""
    syllables: dict[str, tuple[str, ...]] = {}
    for syllable, spellings in tables().korean_surnames.items():
        for spelling in spellings:
            syllables[spelling] = (*syllables.get(spelling, ()), syllable)
    return syllables


@lru_cache(_REMEMBERED)
def chinese_syllables(character: str) -> tuple[str, ...]:
    """Return a Chinese character in Pinyin and, where that differs, in Wade-Giles without apostrophes."""
    pinyin = tables().chinese_readings.get(character) or latin(character)
    return tuple(dict.fromkeys((pinyin, _reduced(pinyin, tables().wade_giles))))


def romanised_names(value: str) -> Iterator[str]:
    """Yield how a full name in another script is written in Latin letters, forename first; nothing for one in Latin
    letters."""
    words = [found[0] for found in WORDS.finditer(value)]
    scripts = {script_of(word) for word in words}
    if scripts == {Script.CHINESE}:
        characters = "".join(words)
        yield from chain(_romanised_japanese(characters), _romanised_chinese(characters))
    elif scripts == {Script.HANGUL}:
        yield from _romanised_korean("".join(words))
    elif words:
        yield from map(" ".join, islice(product(*(_plain(word) for word in words)), _MOST_WAYS))


def _plain(word: str) -> Iterator[str]:
    yield latin(word)
    if _GEORGIAN.match(word):
        yield latin(word).removesuffix("i")
    if word.startswith(tables().article):
        yield f"al-{latin(word.removeprefix(tables().article))}"


def _romanised_japanese(characters: str) -> Iterator[str]:
    """Yield the readings of a name that is put together from a listed surname and a listed forename."""
    families, givens = japanese_names()
    for length in range(1, len(characters)):
        for family, given in product(families.get(characters[:length], ()), givens.get(characters[length:], ())):
            yield f"{given} {family}"


@cache
def japanese_names() -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """Return frequent Japanese surnames, and forenames, with their readings."""
    kinds: dict[str, dict[str, list[str]]] = {"surname": {}, "forename": {}}
    for line in (files("matchers") / "lexicon" / "japanese_names.txt").read_text(encoding="utf-8").splitlines():
        kind, written, *readings = line.split()
        kinds[kind][written] = readings
    return kinds["surname"], kinds["forename"]


@cache
def japanese_characters() -> tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]:
    """Return for the readings of Japanese surnames, and of forenames, the characters that are read so."""
    surnames_, forenames_ = (_turned(names) for names in japanese_names())
    return surnames_, forenames_


def _turned(names: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    turned: dict[str, list[str]] = {}
    for written, readings in names.items():
        for reading in readings:
            turned.setdefault(reading, []).append(written)
    return turned


def _romanised_chinese(characters: str) -> Iterator[str]:
    for system in (0, -1):
        syllables = [chinese_syllables(character)[system] for character in characters]
        surname_length = 2 if len(characters) > 3 else 1
        family, given = "".join(syllables[:surname_length]), "-".join(syllables[surname_length:])
        if given:
            yield f"{given} {family}"


def _romanised_korean(syllables: str) -> Iterator[str]:
    given = [latin(syllable) for syllable in syllables[1:]]
    if not given:
        return
    ways = product(*([*dict.fromkeys((one, *_korean_spellings(one)))] for one in given))
    families = tables().korean_surnames.get(syllables[0], (latin(syllables[0]),))
    for way, family in islice(product(ways, families), _MOST_WAYS):
        yield f"{'-'.join(way)} {family}"


def _korean_spellings(syllable: str) -> Iterator[str]:
    for pattern, instead in _compiled(tables().korean_spellings):
        yield pattern.sub(instead, syllable)


@cache
def _compiled(rules: Rules) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), instead) for pattern, instead in rules)


def _reduced(letters: str, rules: Rules) -> str:
    for pattern, instead in _compiled(rules):
        letters = pattern.sub(instead, letters)
    return letters
