"""Folding: a text as it is meant, with the way back to the text as it is written.

Undone, character by character: case, diacritics and other combining marks, look-alikes of other scripts
(Unicode Technical Standard #39), compatibility forms (fullwidth, mathematical, circled letters), format
characters, HTML character references, percent-encoding (RFC 3986) and Markdown backslash escapes. What can only
be judged together with a term (leet, separators, typos …) is left standing and is the matchers' business.

Folded text holds the same words, spaces and punctuation in the same order. Time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import IntFlag
from html.entities import html5
from importlib.resources import files
from typing import Any

import numpy as np

from core.tables import load_table
from core.types import FoldedText


class Undone(IntFlag):
    """The bits of ``FoldedText.undone``; their lower-case names stand in ``Match.transformations``."""

    CASE = 1
    DIACRITICS = 2
    HOMOGLYPH = 4
    COMPATIBILITY = 8
    ZERO_WIDTH = 16
    HTML_ENTITY = 32
    URL_ENCODING = 64
    MARKDOWN_ESCAPE = 128


# The transformations that matchers undo, beside the bits above.
LEET = "leet"
SEPARATORS = "separators"
REPEATED_LETTERS = "repeated_letters"
MASKED = "masked"
GLUED = "glued"
TYPO = "typo"
PLURAL = "plural"
NICKNAME = "nickname"
INITIAL = "initial"
TRANSLITERATED = "transliterated"
REORDERED = "reordered"
SHORTENED = "shortened"
LENGTHENED = "lengthened"
INFLECTED = "inflected"


def fold_text(text: str) -> FoldedText:
    """Return the folded text. Each folded character knows the range of code points it came from: the whole
    character reference or escape, and the combining marks after it. The order of ranges is that of the text."""
    if is_plain(text):
        return FoldedText(
            original=text,
            text=text.lower(),
            starts=range(len(text)),
            ends=range(1, len(text) + 1),
            undone=_plain_bits(text),
        )
    folded = _Folded([], array("q"), array("q"), bytearray())
    position = 0
    for special in _SPECIAL.finditer(text):
        folded.add_plain(text, position, special.start())
        position = special.end()
        for character, start, end, bits in _decode(special):
            folded.add(character, start, end, bits)
    folded.add_plain(text, position, len(text))
    return FoldedText(
        original=text,
        text="".join(folded.pieces),
        starts=folded.starts,
        ends=folded.ends,
        undone=bytes(folded.undone),
    )


def folded_bytes(text: str) -> bytes:
    """Return the text of :func:`fold_text` in UTF-8 without the way back, which takes a fraction of the time. Half of a
    character outside the basic plane becomes a question mark."""
    # Of what is folded already, only ASCII letters that stand for themselves may still be large: bytes have no others.
    return _SPECIAL.sub(_meant, text).encode("utf-8", "replace").lower()


def is_plain(text: str) -> bool:
    """Return whether folding changes nothing in the text but its case."""
    if not text.isascii():
        return False
    return ("&" not in text and "%" not in text and "\\" not in text) or _SPECIAL.search(text) is None


def folded_forms(value: str) -> frozenset[str]:
    """Return the value folded as written, and in small and capital letters: a letter of another script may look
    like one ASCII letter when small and like another when capital (η and Η)."""
    return frozenset(fold_text(form).text for form in {value, value.lower(), value.upper(), value.title()})


def fold_character(character: str) -> str:
    """Return what a single character, standing for itself, folds to: none, one or several characters."""
    return character.lower() if character.isascii() else _FOLDS[character].text


def transformations(folded: FoldedText, start: int, end: int, *, own: Set[str] = frozenset()) -> list[str]:
    """Return the names of what was undone in the folded characters ``start`` to ``end``. ``own`` are the letters, in
    lower case, with which is written what is looked for: where there are no others, Cyrillic is no disguise."""
    undone = 0
    for bits in set(folded.undone[start : end - 1]):
        undone |= bits
    # What is invisible after the last character is not part of what was found.
    undone |= folded.undone[end - 1] & _VISIBLE
    if own:
        written = folded.original[folded.starts[start] : folded.ends[end - 1]].casefold()
        if all(character in own for character in written if character.isalnum() or not character.isascii()):
            undone &= ~(Undone.HOMOGLYPH | Undone.DIACRITICS)
    return [name for bit, name in _NAMES if undone & bit]


@dataclass(slots=True)
class _Folded:
    pieces: list[str]
    starts: array[int]
    ends: array[int]
    undone: bytearray

    def add_plain(self, text: str, start: int, end: int) -> None:
        """Add ASCII characters that stand for themselves."""
        if start < end:
            piece = text[start:end]
            self.pieces.append(piece.lower())
            _append_range(self.starts, start, end)
            _append_range(self.ends, start + 1, end + 1)
            self.undone += _plain_bits(piece)

    def add(self, character: str, start: int, end: int, bits: int) -> None:
        fold = _FOLDS[character]
        if fold.text:
            self.pieces.append(fold.text)
            for _ in fold.text:
                self.starts.append(start)
                self.ends.append(end)
                self.undone.append(bits | fold.bits)
        elif self.starts:
            self.undone[-1] |= bits | fold.bits
            if fold.bits & _DIACRITICS:
                self._extend(end)

    def _extend(self, end: int) -> None:
        index = len(self.starts) - 1
        start = self.starts[index]
        while index >= 0 and self.starts[index] == start:
            self.ends[index] = end
            index -= 1


def _meant(special: re.Match[str]) -> str:
    if special.lastgroup == "other":
        return _FOLDS[special[0]].text
    return "".join([_FOLDS[character].text for character, *_ in _decode(special)])


def _append_range(places: array[int], start: int, end: int) -> None:
    if end - start < _LONG:
        places.extend(range(start, end))
    else:
        places.frombytes(np.arange(start, end, dtype=np.int64).tobytes())


def _plain_bits(text: str) -> bytes:
    return text.encode("ascii").translate(_CASE_BITS)


def _decode(special: re.Match[str]) -> Iterator[tuple[str, int, int, int]]:
    """Yield the characters meant by a stretch that does not stand for itself, with their ranges and bits."""
    start, end = special.span()
    stretch = special[0]
    match special.lastgroup:
        case "entity":
            meant = _character_reference(stretch)
            if meant is not None:
                for character in meant:
                    yield character, start, end, Undone.HTML_ENTITY
                return
        case "percent":
            meant = _percent_decoded(stretch)
            if meant is not None:
                for character in meant:
                    end = start + 3 * len(character.encode())
                    yield character, start, end, Undone.URL_ENCODING
                    start = end
                return
        case "escape":
            yield stretch[1], start, end, Undone.MARKDOWN_ESCAPE
            return
    for offset, character in enumerate(stretch):
        yield character, start + offset, start + offset + 1, 0


def _character_reference(stretch: str) -> str | None:
    if stretch[1] != "#":
        return html5.get(stretch[1:])
    digits = stretch[2:].rstrip(";")
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    return chr(code) if 32 <= code <= 0x10FFFF else None


def _percent_decoded(stretch: str) -> str | None:
    try:
        meant = bytes.fromhex(stretch.replace("%", "")).decode()
    except UnicodeDecodeError:
        return None
    return meant if meant.isprintable() else None


@dataclass(frozen=True, slots=True)
class _Fold:
    text: str
    bits: int


class _Folds(dict[str, _Fold]):
    """The fold of every character met so far; there are at most as many as Unicode has characters."""

    def __missing__(self, character: str) -> _Fold:
        fold = _fold_character(character)
        plain = self[character] = _Fold(fold.text, int(fold.bits))
        return plain


def _fold_character(character: str) -> _Fold:
    if character in _TABLE:
        return _TABLE[character]
    category = unicodedata.category(character)
    if category == "Cf":
        return _Fold("", Undone.ZERO_WIDTH)
    if category in ("Mn", "Me"):
        return _Fold("", Undone.DIACRITICS)
    decomposed = unicodedata.normalize("NFKD", character)
    bits = Undone.COMPATIBILITY if unicodedata.decomposition(character).startswith("<") else Undone(0)
    letters = []
    for part in decomposed:
        if unicodedata.category(part) in ("Mn", "Me"):
            bits |= Undone.DIACRITICS
        elif part in _TABLE:
            letters.append(_TABLE[part].text)
            bits |= _TABLE[part].bits
        else:
            lower = part.casefold()
            if lower != part:
                bits |= Undone.CASE
            letters.extend(_TABLE[letter].text if letter in _TABLE else letter for letter in lower)
    # Composed again, so that a Hangul syllable stays one character; marks that case folding made go too.
    text = unicodedata.normalize("NFKC", "".join(letters))
    return _Fold("".join(letter for letter in text if unicodedata.category(letter) not in ("Mn", "Me")), bits)


def _read_table(rows: dict[str, Any]) -> dict[str, _Fold]:
    table = {}
    for section, bits in (("look_alikes", Undone.HOMOGLYPH), ("strokes", Undone.DIACRITICS), ("punctuation", 0)):
        for meant, written in rows[section].items():
            for character in written:
                table[character] = _Fold(meant, bits)
    for alphabet in rows["alphabets"]:
        for offset in range(26):
            table[chr(alphabet["first"] + offset)] = _Fold(chr(ord("a") + offset), Undone.COMPATIBILITY)
    return table


def _leet_classes(rows: dict[str, str]) -> dict[str, str]:
    """Return, for every sign of the leet table, the letter that stands for its class."""
    return {sign: letter for letter, signs in rows.items() for sign in signs}


_ROWS = load_table(files("matchers") / "folding.yaml")
_TABLE = _read_table(_ROWS)
LEET_CLASSES = _leet_classes(_ROWS["leet"])
SYMBOLS = "".join(sign for sign in LEET_CLASSES if not sign.isalnum())
"""The signs that are neither letters nor digits but may stand for letters."""
_FOLDS = _Folds()
# Plain numbers: the operators of flags take many times as long.
_NAMES: Sequence[tuple[int, str]] = [(int(bit), str(bit.name).lower()) for bit in Undone]
_DIACRITICS = int(Undone.DIACRITICS)
_LONG = 64
"""Characters from which on it is quicker to make a row of places at once."""
_VISIBLE = ~int(Undone.ZERO_WIDTH)
_CASE_BITS = bytes(Undone.CASE if chr(code).isupper() and code < 128 else 0 for code in range(256))
# CommonMark lets a backslash escape any ASCII punctuation. HTML lets numbers go without their semicolon.
_REFERENCE = r"(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)"
_OCTETS = r"[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*"
_ESCAPED = r"[!-/:-@\[-`{-~]"
ENCODED = re.compile(rf"&{_REFERENCE}|%{_OCTETS}|\\{_ESCAPED}")
"""A stretch of text in which several characters are written for one."""
# One class of characters comes first, as only then are all others passed over quickly.
_SPECIAL = re.compile(
    r"[&%\\\x80-\U0010ffff](?:(?<=[^\x00-\x7f])(?P<other>)"
    rf"|(?<=&)(?P<entity>{_REFERENCE})|(?<=%)(?P<percent>{_OCTETS})|(?<=\\)(?P<escape>{_ESCAPED}))"
)
