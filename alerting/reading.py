"""A text as linkage reads it: one sign a word, by what the word or phrase says about who belongs to whom."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from alerting.places import Place
from alerting.signals import link_table

# Scripts that are written without spaces: every character is a word.
_UNSPACED = r"\u0e00-\u0e7f\u2e80-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|['’][sS]\b|\d[\w.,:/-]*\d|(?:(?![{_UNSPACED}])\w)+|\n|[^\w\s]")
_COUNTED_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|(?<=\w)['’](?=\w))+")
_WORD_BOUND_PREFIX = 3
_LONGEST_WORD = 60
_FULL_LINE = 70
"""Characters from which on a line may have been broken because it was full."""
_REMEMBERED = 65_536

WORD, CAPITAL, NUMBER, SENTENCE_END, LINE_END, TITLE_END = "w", "W", "d", ".", "N", "T"
UNKNOWN_WORDS = frozenset({WORD, CAPITAL, NUMBER})
"""The signs of words that no phrase of ``links.yaml`` begins with."""
_PUNCTUATION: Mapping[str, str] = {
    **dict.fromkeys("!;。！；…", SENTENCE_END),
    **dict.fromkeys("?؟？", "?"),
    **dict.fromkeys(",、،，", ","),
    **dict.fromkeys(":：", ":"),
    **dict.fromkeys("-–—~‐", "-"),
    **dict.fromkeys("([{（【", "("),
    **dict.fromkeys(")]}）】", ")"),
    **dict.fromkeys("/|\\•·¦", "/"),
    **dict.fromkeys(("'", "’", "'s", "’s", "'S", "’S"), "'"),
    "\n": LINE_END,
}


class Reading:
    """The stretches of a running text that matter, as signs.

    ``signs`` has one character for each word, phrase or mark that says something: the signs of ``links.yaml`` for
    the phrases there, else ``w`` (a word), ``W`` (a capitalised one), ``d`` (a number), ``.`` ``?`` ``,`` ``:`` ``-``
    ``(`` ``)`` ``/`` ``'``, ``N`` (the end of a line) and ``T`` (the end of the title).
    """

    def __init__(self, text: str, title_end: int, stretches: list[Place]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._phrases: dict[int, str] = {}
        signs: list[str] = []
        for stretch in stretches:
            for token in _read(text, max(stretch.start, 0), stretch.end):
                if token.phrase is not None:
                    self._phrases[token.start] = token.phrase
                self._starts.append(token.start)
                self._ends.append(token.end)
                is_title_end = token.sign == LINE_END and token.start == title_end and title_end > 0
                signs.append(TITLE_END if is_title_end else token.sign)
        self.signs = "".join(signs)

    def read(self) -> Iterator[tuple[int, int, str]]:
        """Yield the signs in order, each with the offsets of the text where it begins and ends."""
        yield from zip(self._starts, self._ends, self.signs, strict=True)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Return the first and the last sign (exclusive) that stand wholly between two offsets of the text."""
        return bisect_left(self._starts, start), bisect_right(self._ends, end)

    def last_phrase(self, first: int, last: int, kinds: str) -> str | None:
        """Return the last phrase among these signs whose sign is one of ``kinds``, as ``links.yaml`` has it."""
        for position in range(last - 1, first - 1, -1):
            if self.signs[position] in kinds and self._starts[position] in self._phrases:
                return self._phrases[self._starts[position]]
        return None


class _Token(NamedTuple):
    start: int
    end: int
    sign: str
    phrase: str | None


def word_count(text: str) -> int:
    """Return how many words a person would count in the text."""
    return sum(1 for _ in _COUNTED_WORD.finditer(text))


def plain(text: str) -> str:
    """Return the text in lower case, without accents and marks, with straight apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(one for one in decomposed if unicodedata.category(one) != "Mn")


def _read(text: str, start: int, end: int) -> Iterator[_Token]:
    found = list(_TOKEN.finditer(text, start, end))
    words = [_word(token[0]) for token in found]
    position = 0
    while position < len(found):
        first = found[position]
        phrase = _phrase_at(words, position)
        if phrase is not None:
            length, sign, written = phrase
            yield _Token(first.start(), found[position + length - 1].end(), sign, written)
            position += length
            continue
        position += 1
        sign = _sign(first[0])
        if sign == LINE_END and _is_wrapped(text, first.start()):
            continue
        if first[0] == ".":
            following = text[first.end() : first.end() + 1]
            sign = SENTENCE_END if not following or following.isspace() or not following.isalnum() else ""
        if sign:
            yield _Token(first.start(), first.end(), sign, None)


def _is_wrapped(text: str, newline: int) -> bool:
    """Return whether the line break stands within a paragraph: after a full line, and before more of it."""
    before = text.rfind("\n", max(0, newline - _FULL_LINE), newline)
    return before < 0 and newline >= _FULL_LINE and text[newline + 1 : newline + 2] not in ("", "\n")


def _phrase_at(words: list[str], position: int) -> tuple[int, str, str] | None:
    """Return length, sign and wording of the longest phrase that begins here."""
    following = words[position + 1] if position + 1 < len(words) else ""
    for phrase in _phrases_from(words[position], following):
        end = position + 1 + len(phrase.rest)
        if end <= len(words) and all(map(_fits, phrase.rest[1:], words[position + 2 : end])):
            return 1 + len(phrase.rest), phrase.sign, phrase.written
    return None


class _Phrase(NamedTuple):
    first: str
    rest: tuple[str, ...]
    sign: str
    written: str


def _fits(part: str, word: str) -> bool:
    return word.startswith(part[:-1]) if part.endswith("*") else part == word


@lru_cache(maxsize=_REMEMBERED)
def _phrases_from(word: str, following: str) -> tuple[_Phrase, ...]:
    """Return the phrases that may begin with the word and the one that follows, the longest first."""
    return tuple(phrase for phrase in _phrases_with(word) if not phrase.rest or _fits(phrase.rest[0], following))


@lru_cache(maxsize=_REMEMBERED)
def _phrases_with(word: str) -> tuple[_Phrase, ...]:
    """Return the phrases that may begin with the word, the longest first."""
    if len(word) > _LONGEST_WORD:
        return ()
    starting = _phrase_table().get(word[:_WORD_BOUND_PREFIX], ())
    return tuple(phrase for phrase in starting if _fits(phrase.first, word))


@cache
def _phrase_table() -> Mapping[str, tuple[_Phrase, ...]]:
    """Return all phrases by the first three characters of their first word, the longest first. A phrase that stands
    under two kinds is of the first."""
    known: dict[tuple[str, ...], _Phrase] = {}
    for kind in link_table().kinds.values():
        for phrases in kind.phrases.values():
            for written in phrases:
                words = _phrase_words(written)
                known.setdefault(words, _Phrase(words[0], words[1:], kind.sign, written.rstrip("*")))
    table: dict[str, list[_Phrase]] = {}
    for phrase in sorted(known.values(), key=lambda row: (-len(row.rest), -len(row.first))):
        table.setdefault(phrase.first.removesuffix("*")[:_WORD_BOUND_PREFIX], []).append(phrase)
    return {beginning: tuple(rows) for beginning, rows in table.items()}


def _phrase_words(written: str) -> tuple[str, ...]:
    words = [_word(token) for token in _TOKEN.findall(written)]
    joined: list[str] = []
    for word in words:
        if word == "*" and joined:
            joined[-1] += "*"
        else:
            joined.append(word)
    return tuple(joined)


@lru_cache(maxsize=_REMEMBERED)
def _word(token: str) -> str:
    # A single letter keeps its accent: "é" is not "e".
    return token.lower() if len(token) == 1 else plain(token) or token


@lru_cache(maxsize=_REMEMBERED)
def _sign(token: str) -> str:
    """Return the sign of a token that begins no phrase; an empty one where it says nothing."""
    if token in _PUNCTUATION:
        return _PUNCTUATION[token]
    first = token[0]
    if first.isdigit():
        return NUMBER
    if first.isalpha():
        return CAPITAL if first.isupper() and first.lower() != first else WORD
    return ""
