"""Threats against a member by name, and calls to harm them: what ``threats.yaml`` knows, read around the member."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pydantic import BaseModel, ConfigDict, RootModel

from alerting.places import RUNNING_TEXT, Place
from alerting.reading import plain
from alerting.signals import read_table
from core.errors import SettingsError

_CHARACTERS = 120
"""Of a sentence, before and after the member."""
_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)|[\n。！？؟]")
_WORD = re.compile(r"[^\W_](?:[\w']*\w)?|'s\b|:")
_MIXED = re.compile(r"\b(?=[a-z0-9]*[a-z])(?=[a-z0-9]*[0-9])[a-z0-9]+")
_LETTERS = str.maketrans("013457", "oieast")
_MEMBER = "@"
_REMEMBERED = 4096


class _Language(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    pieces: dict[str, str]
    threats: tuple[str, ...]
    unless: str


class _Threats(RootModel[dict[str, _Language]]):
    """``threats.yaml``."""


def is_threatened(text: str, place: Place) -> bool:
    """Return whether the sentence of a running text in which a member stands threatens them, or calls for harm to them.
    Raises SettingsError naming what is wrong in the file."""
    if place.axis != RUNNING_TEXT:
        return False
    before = _SENTENCE_END.split(text[max(place.start - _CHARACTERS, 0) : place.start])[-1]
    after = _SENTENCE_END.split(text[place.end : place.end + _CHARACTERS], maxsplit=1)[0]
    return _is_threat(before, after)


@lru_cache(maxsize=_REMEMBERED)
def _is_threat(before: str, after: str) -> bool:
    sentence = f"{_words(before)} {_MEMBER} {_words(after)}".strip()
    return any(
        threats.search(sentence) is not None and unless.search(sentence) is None for threats, unless in _patterns()
    )


def _words(text: str) -> str:
    folded = text.casefold() if text.isascii() else plain(text)
    plainly = _MIXED.sub(lambda word: word[0].translate(_LETTERS), folded)
    return " ".join(_WORD.findall(plainly))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """Return, for each language, what finds a threat and what finds that it is none."""
    table = read_table("threats.yaml", _Threats)
    return tuple(_compiled(name, language) for name, language in table.root.items())


def _compiled(name: str, language: _Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    # Scripts without blanks between words have no edges to look for.
    start, end = ("", "") if name == "zh" else (r"(?<!\S)", r"(?!\S)")
    whole = "|".join(f"(?:{threat})" for threat in language.threats)
    for piece, pattern in reversed(language.pieces.items()):
        whole = whole.replace(f"{{{piece}}}", f"(?:{pattern})")
    try:
        return (
            re.compile(f"{start}(?:{plain(whole)}){end}"),
            re.compile(f"{start}(?:{plain(language.unless)}){end}"),
        )
    except re.error as error:
        raise SettingsError(f"alerting/threats.yaml: {name}: {error}") from None
