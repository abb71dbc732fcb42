"""Words of other languages said in English, word by word, as the pretrained network knows little but English.

``glosses/`` has a table for each language: a word and what it means in the texts that the judge reads, with a tab
between. ``en.tsv`` lists frequent English words, by which an English text is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from alerting.reading import plain

LATIN = ("en", "es", "fr", "de", "pt", "it", "nl", "pl")
_ENGLISH = "en"
_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CHINESE}]+|(?:[^\W\d_{_CHINESE}]|[\u0300-\u036f\u064b-\u0652])+(?:['’][^\W\d_]+)*")
_LONGEST_CHINESE_WORD = 4
_SHORTEST_STEM = 4
_LONGEST_ENDING = 3
_ARABIC_BEGINNINGS = ("وال", "بال", "فال", "كال", "لل", "ال", "و", "ف", "ب", "ل", "ك")
_FEWEST_KNOWN = 2
"""Words of a language that a text in Latin letters must hold to be of it."""


class Gloss(NamedTuple):
    """A stretch of a text as it is to be read: ``written`` stands for what begins at ``start``. Where it
    ``is_original``, it is the text itself."""

    start: int
    written: str
    is_original: bool


def glossed(text: str, language: str | None) -> Iterator[Gloss]:
    """Yield the text in stretches, in order; of None, a language that is not glossed, as it is."""
    position = 0
    if language is not None:
        table = _table(language)
        for start, end, gloss in _known(text, table):
            if start > position:
                yield Gloss(position, text[position:start], True)
            yield Gloss(start, f" {gloss} ", False)
            position = end
    if position < len(text):
        yield Gloss(position, text[position:], True)


def language_of(text: str) -> str | None:
    """Return the language of most of the text's words, None for English and those without a table."""
    words = [plain(found[0]) for found in _WORD.finditer(text)]
    scripts = Counter(_script(word) for word in words)
    if not scripts:
        return None
    script = max(scripts, key=lambda one: (scripts[one], one))
    if script != "latin":
        return script or None
    counts = {language: sum(word in _table(language).meanings for word in words) for language in LATIN}
    language = max(LATIN, key=lambda one: counts[one])
    return None if language == _ENGLISH or counts[language] < _FEWEST_KNOWN else language


class _Table(NamedTuple):
    """The words of a language by their spelling without accents, and by their stems."""

    meanings: Mapping[str, str]
    stems: Mapping[str, str]


@cache
def _table(language: str) -> _Table:
    meanings: dict[str, str] = {}
    for line in (files(__package__) / "glosses" / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        word, _, meaning = line.partition("\t")
        meanings.setdefault(plain(word), meaning)
    stems: dict[str, str] = {}
    for word, meaning in meanings.items():
        for stem in _stems(word):
            stems.setdefault(stem, meaning)
    return _Table(meanings, stems)


def _known(text: str, table: _Table) -> Iterator[tuple[int, int, str]]:
    for found in _WORD.finditer(text):
        if _script(found[0]) == "zh":
            yield from _chinese(found[0], found.start(), table)
        elif meaning := _meaning(plain(found[0]), table):
            yield found.start(), found.end(), meaning


def _chinese(run: str, offset: int, table: _Table) -> Iterator[tuple[int, int, str]]:
    """Yield the words of a run without spaces, the longest first."""
    position = 0
    while position < len(run):
        for end in range(min(len(run), position + _LONGEST_CHINESE_WORD), position, -1):
            if meaning := table.meanings.get(run[position:end]):
                yield offset + position, offset + end, meaning
                position = end
                break
        else:
            position += 1


def _meaning(word: str, table: _Table) -> str | None:
    if word in table.meanings:
        return table.meanings[word]
    before, apostrophe, after = word.rpartition("'")
    if apostrophe:
        parts = (table.meanings.get(f"{before}'"), _meaning(after, table))
        return " ".join(filter(None, parts)) or None
    for beginning in _ARABIC_BEGINNINGS:
        if word.startswith(beginning) and word[len(beginning) :] in table.meanings:
            return table.meanings[word[len(beginning) :]]
    return next((table.stems[stem] for stem in _stems(word) if stem in table.stems), None)


def _stems(word: str) -> Iterator[str]:
    """Yield the word without its last letters, the longest stem first."""
    for length in range(len(word), max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING) - 1, -1):
        yield word[:length]


def _script(word: str) -> str:
    """Return the language of a word's script, ``latin``, or nothing for another."""
    code = ord(word[0])
    if code < 0x0250 or 0x1E00 <= code < 0x1F00:
        return "latin"
    if 0x0400 <= code < 0x0530:
        return "ru"
    if 0x0600 <= code < 0x0700:
        return "ar"
    return "zh" if re.match(f"[{_CHINESE}]", word) else ""
