"""E-mail addresses, plain and written so that programs do not see them: ``name [at] host [dot] org``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.types import EntityType
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table
from matchers.hosts import public_suffix
from matchers.patterns import Pattern
from matchers.phrases import UNSPACED
from matchers.words import ordinary_words

_PLAIN_CONFIDENCE = 0.98
_SIGNS_CONFIDENCE = 0.85
_WORDS_CONFIDENCE = 0.75

_RESERVED = frozenset({"example", "test", "invalid"})
"""Top labels that are on no list of suffixes, as they are kept for examples (RFC 2606)."""

_TABLE: dict[str, Any] = own_table("emails.yaml")


# The parts' lengths are those of RFC 5321, section 4.5.3.1; every repetition is bounded, and an address may start
# only where no other could, so that the time is linear in the text.
_WORD = rf"[^\W{UNSPACED}]"
_LETTER = rf"[^\W_{UNSPACED}]"
_LOCAL = rf"(?<!{_WORD})(?<![.+%-])(?P<local>{_WORD}(?:(?:{_WORD}|[.+%-]){{0,62}}(?:{_WORD}|[+%-]))?)"
_LABEL = rf"{_LETTER}(?:(?:{_LETTER}|-){{0,61}}{_LETTER})?"
_TOP_LABEL = rf"(?:xn--[a-z0-9-]{{2,59}}|[^\W\d_{UNSPACED}]{{2,24}})(?!{_LETTER}|-)"
_BEFORE_AT = re.compile(rf"{_LOCAL}\Z")
_LONGEST_LOCAL = 64
_FROM_AT = re.compile(rf"@(?:{_LABEL}\.){{1,8}}{_TOP_LABEL}")

_OPEN, _CLOSE = r"[\[({<*_~|/-]{1,2}\s?", r"\s?[\])}>*_~|/-]{1,2}"
_AT_WORDS, _DOT_WORDS = any_of(_TABLE["at"]), any_of(_TABLE["dot"])
_PROVIDERS = any_of(_TABLE["providers"])
_AT = rf"\s{{0,2}}(?:{_OPEN}(?:{_AT_WORDS}|@){_CLOSE}|@)\s{{0,2}}"
_DOT = rf"(?:\s{{0,2}}{_OPEN}(?:{_DOT_WORDS}|\.){_CLOSE}\s{{0,2}}|\s(?:{_DOT_WORDS}|\.)\s|\.)"
_SIGNS = re.compile(rf"{_LOCAL}{_AT}(?P<host>(?:{_LABEL}{_DOT}){{1,4}}(?P<top>{_TOP_LABEL}))")
_WORDS = re.compile(
    rf"{_LOCAL}\s(?:{_AT_WORDS})\s(?P<host>(?:{_LABEL}\s(?:{_DOT_WORDS})\s){{1,4}}(?P<top>{_TOP_LABEL}))"
)
_AT_PROVIDER = re.compile(
    rf"{_LOCAL}(?:{_AT}|\s(?:{_AT_WORDS})\s)(?P<host>(?:{_PROVIDERS})(?:\.(?P<top>{_TOP_LABEL}))?)(?![\w@]|\.{_LETTER})"
)
# What stands in every address that is not plain.
_HIDING = (
    rf"(?:@\s{{1,2}}|\s@)(?:{_PROVIDERS}|[^\s@.]+\.)|{_OPEN}(?:{_AT_WORDS}|@){_CLOSE}"
    rf"|@\s{{0,2}}[^\s@.]+(?:\s(?:{_DOT_WORDS}|\.)\s|\s{{0,2}}[\[({{<*_~|/])"
    rf"|\s(?:{any_of(_TABLE['telling'])})\s|[0-9a-z](?:\sat\s|@)(?:{_PROVIDERS})(?:[^.a-z0-9]|$)"
)
_HIDDEN = Pattern(_HIDING)
_IS_NO_WORD = re.compile(r"[\d._+]")


class EmailRecogniser(TextRecogniser):
    """Sees e-mail addresses on folded text, so in fullwidth letters and HTML references too. Of one in words alone the
    end must exist (Public Suffix List), and what stands before ``at`` be no ordinary word, unless a mailbox provider
    stands after it."""

    gate = Gate(rf"[^\s@]@[^\s@.]+\.|{_HIDING}", reach=80)

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the addresses in a stretch."""
        text = stretch.folded.text
        ends = set()
        for start, end in _plain(text):
            ends.add(end)
            yield Seen(EntityType.EMAIL, start, end, _PLAIN_CONFIDENCE, "email_address")
        if not any(_HIDDEN.find(text.encode("utf-8", "replace"))):
            return
        for place in _SIGNS.finditer(text):
            if place.end() not in ends and _exists(place["top"]):
                yield _seen(place, "email_written_out", _SIGNS_CONFIDENCE)
        for place in _WORDS.finditer(text):
            if _exists(place["top"]) and (_is_name(place["local"]) or place["host"].split()[0] in _TABLE["providers"]):
                yield _seen(place, "email_in_words", _WORDS_CONFIDENCE)
        for place in _AT_PROVIDER.finditer(text):
            if _is_name(place["local"]) and (place["top"] is None or _exists(place["top"])):
                yield _seen(place, "email_at_provider", _WORDS_CONFIDENCE)


def _plain(text: str) -> Iterator[tuple[int, int]]:
    """Yield the plain addresses: from their @ on, and back to where they begin, as most words are near none."""
    end = 0
    at = text.find("@")
    while at >= 0:
        before = _BEFORE_AT.search(text, max(at - _LONGEST_LOCAL, end), at)
        if before and (rest := _FROM_AT.match(text, at)):
            end = rest.end()
            yield before.start(), end
        at = text.find("@", max(at + 1, end))


def _seen(place: re.Match[str], recogniser: str, confidence: float) -> Seen:
    return Seen(EntityType.EMAIL, place.start(), place.end(), confidence, recogniser)


def _exists(top: str) -> bool:
    return top in _RESERVED or public_suffix((top,))[1]


def _is_name(local: str) -> bool:
    """Return whether the word before ``at`` looks like a mailbox rather than the end of a sentence."""
    return len(local) > 2 and (bool(_IS_NO_WORD.search(local)) or local not in ordinary_words())
