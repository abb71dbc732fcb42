"""The words of addresses: a text as a row of tokens, each with the kinds of words that it may be.

The lists are those of ``addresses.yaml`` and ``addresses_places.yaml``. A token's kinds are written as one letter of a
private alphabet, so that the forms of addresses are regular expressions over a string with a letter for each token.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.types import FoldedText
from matchers.folding import Undone, fold_text, folded_forms
from matchers.words import ordinary_words

_FIRST_LETTER = 0xE000
_BRIEF = 4
_CASE = int(Undone.CASE)
_SHORTEST_STEM = 3
_MOST_KNOWN = 65_536
# The lists whose words tell the country.
_TELLING = frozenset(
    (
        "after",
        "after_weak",
        "before",
        "before_weak",
        "first",
        "first_weak",
        "numbered",
        "between",
        "alone",
        "unit",
        "box",
    )
)
_NO_NAMES = frozenset(("stop", "counted", "particle", "adjective"))
_CONTRACTION = re.compile(r".*'(?:m|re|ll|ve|d|t)")
_SIGNS = {
    ",": "comma",
    "،": "comma", ".": "dot", ":": "colon", ";": "semicolon", "-": "dash", "/": "slash", "#": "hash", "|": "bar",
    "(": "open", ")": "close",
}  # fmt: skip
# A word, also with hyphens and apostrophes in it; an abbreviation with full stops in it; the line with its marks of
# quotation.
_WORD = r"'s-[^\W\d_]+|[cs]/[on]?(?![^\W_])|n°|[^\W\d_](?:\.[^\W\d_]{1,4})+(?!\w)|[^\W\d_]+(?:['-][^\W\d_]+)*+"
_PLAIN_WORD = r"[a-z]++(?![\w'./°-])"
_WORDS = frozenset(("plain", "word", "rest"))
_LINE = r"(?:\n|<br ?/?>)[\s>|*]*+"


@dataclass(slots=True)
class Reading:
    """The tokens of a text: the letter of each one's kinds, where it stands in the folded text, and what it is looked
    up as; and, as far as they are known, the parts of an address after a token: where they end, and what share of the
    doubt each of them leaves."""

    letters: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list, repr=False)
    parts_after: dict[int, tuple[int, tuple[float, ...]]] = field(default_factory=dict)


class AddressWords:
    """The lists of words. Safe to use from several threads."""

    def __init__(self, rules: Mapping[str, Any], places: Mapping[str, Any]) -> None:
        self._kinds: defaultdict[str, set[str]] = defaultdict(set)
        self._codes: set[str] = set()
        self._countries: dict[str, defaultdict[str, set[str]]] = {
            what: defaultdict(set) for what in ("country", "postcode", "state", "city", "street")
        }
        self._letters: dict[frozenset[str], str] = {}
        self._known: dict[str, tuple[str, str]] = {}
        self._endings = self._read_words(rules)
        self._all_endings = tuple(self._endings)
        self._read_places(places)
        self._shapes = [(f"shape{number}", row) for number, row in enumerate(rules["shapes"])]
        shapes = "|".join(f"(?P<{name}>{row[0]})" for name, row in self._shapes)
        # White space and plain words go first, as most of a text is these.
        self._token = re.compile(
            rf"[^\S\n]*+(?:(?P<plain>{_PLAIN_WORD})|(?P<word>{_WORD}(?![\w-]))|(?P<line>{_LINE})"
            rf"|(?<!\w)(?:{shapes})|(?P<rest>{_WORD})|(?P<sign>[^\w\s]|_))"
        )
        self._shape_letters = {name: self._letter(frozenset(row[1].split())) for name, row in self._shapes}
        self._countries["postcode"].update({name: set(row[2].split()) for name, row in self._shapes if len(row) > 2})
        self._sign_letters = {sign: self._letter(frozenset((name,))) for sign, name in _SIGNS.items()}
        self._line_letter = self._letter(frozenset(("line",)))
        self._other_letter = self._letter(frozenset())
        self._word_letters = {
            (word, shape): self._letter(self._word_kinds(word, shape))
            for word in list(self._kinds)
            for shape in ("small", "capital", "capitals")
        }
        # What the words in no list may be.
        self._unlisted_letters = {
            (length, shape, ending, is_contraction): self._letter(
                self._kinds_by_form(set(), length, shape, ending, is_contraction)
            )
            for length in range(1, _BRIEF + 2)
            for shape in ("small", "capital", "capitals")
            for ending in (None, *set(self._endings.values()))
            for is_contraction in (False, True)
        }
        self._state_letters = "".join(self.kinds[kind] for kind in ("state", "loud_state", "word_state", "province"))
        self._phrases: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for phrase in self._kinds:
            parts = tuple(phrase.split())
            if len(parts) > 1:
                self._phrases[parts[0]].append(parts)
        for phrases in self._phrases.values():
            phrases.sort(key=len, reverse=True)

    @property
    def kinds(self) -> Mapping[str, str]:
        """The letters of the tokens that may be of a kind, by its name."""
        kinds: defaultdict[str, str] = defaultdict(str)
        for names, letter in self._letters.items():
            for name in names:
                kinds[name] += letter
        return kinds

    def words_of(self, *kinds: str) -> list[str]:
        """Return the words, folded, that are of one of the kinds."""
        return sorted(word for word, ones in self._kinds.items() if not ones.isdisjoint(kinds))

    @property
    def endings(self) -> list[str]:
        """The endings of names of streets, folded."""
        return sorted(self._endings)

    def ends_street(self, word: str) -> bool:
        """Return whether a folded word may be the name of a street by its ending."""
        return self._ending(word) is not None

    def read(self, folded: FoldedText) -> Reading:
        """Return the tokens of a text. Time is linear in the text."""
        reading = Reading()
        letters: list[str] = []
        text, original, starts, ends, known = folded.text, folded.original, folded.starts, folded.ends, self._known
        is_plain = isinstance(starts, range)
        for token in self._token.finditer(text):
            what = token.lastgroup or ""
            start, end = token.span(token.lastindex or 0)
            if what in _WORDS:
                written = original[start:end] if is_plain else original[starts[start] : ends[end - 1]]
                letter, word = known.get(written) or self._learnt(written, text[start:end], folded.undone, start)
            elif what == "sign":
                word = text[start:end]
                letter = self._sign_letters.get(word, self._other_letter)
            elif what == "line":
                letter, word = self._line_letter, "\n"
            else:
                letter, word = self._shape_letters[what], what
            letters.append(letter)
            reading.starts.append(start)
            reading.ends.append(end)
            reading.words.append(word)
        if phrases := self._phrases_in(reading.words):
            reading, letters = self._with_phrases(reading, letters, folded, phrases)
        reading.letters = "".join(letters)
        return reading

    def _learnt(self, written: str, word: str, undone: Any, start: int) -> tuple[str, str]:
        """Return the letter of a word, and what it is looked up as."""
        shape = _shape(word, undone, start)
        if not word.isalpha():
            word = word.replace(".", "").replace("n°", "no")
        letter = self._word_letters.get((word, shape)) or self._unlisted_letter(word, shape)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[written] = letter, word
        return letter, word

    def country(self, reading: Reading, first: int, street_end: int, end: int) -> str | None:
        """Return the country (ISO 3166-1 alpha-2) that the tokens of an address tell, None where they leave it open.
        What tells more is asked first: the country's name, the shape of the postcode, state, city, kind of street."""
        left: set[str] = set()
        for what, countries in self._countries.items():
            for at in range(street_end if what in ("postcode", "state") else first, end):
                if what == "state" and reading.letters[at] not in self._state_letters:
                    continue
                word = reading.words[at]
                told = countries.get(word)
                if told is None and what == "street" and word.endswith(self._all_endings):
                    ending = self._longest_ending(word)
                    told = countries[f"-{ending}"] if ending else None
                if told:
                    left = (left & told) or left or set(told)
        return left.pop() if len(left) == 1 else None

    def _phrases_in(self, words: list[str]) -> list[tuple[int, int, str]]:
        """Return the phrases with the tokens where each starts and ends; full stops between words do not count."""
        found: list[tuple[int, int, str]] = []
        last_end = 0
        for at, word in enumerate(words):
            if word in self._phrases and at >= last_end:
                for phrase in self._phrases[word]:
                    if (end := _phrase_end(words, at, phrase)) is not None:
                        found.append((at, end, " ".join(phrase)))
                        last_end = end
                        break
        return found

    def _with_phrases(
        self, read: Reading, letters: list[str], folded: FoldedText, phrases: list[tuple[int, int, str]]
    ) -> tuple[Reading, list[str]]:
        """Return the tokens with one for the words of each phrase."""
        joined, joined_letters = Reading(), []
        at = 0
        for start, end, phrase in (*phrases, (len(letters), len(letters), "")):
            joined_letters += letters[at:start]
            joined.starts += read.starts[at:start]
            joined.ends += read.ends[at:start]
            joined.words += read.words[at:start]
            if phrase:
                first = read.starts[start]
                joined_letters.append(self._word_letters[phrase, _shape(read.words[start], folded.undone, first)])
                joined.starts.append(first)
                joined.ends.append(read.ends[end - 1])
                joined.words.append(phrase)
            at = end
        return joined, joined_letters

    def _read_words(self, rules: Mapping[str, Any]) -> dict[str, str]:
        endings: dict[str, str] = {}
        for language in rules["languages"].values():
            countries = language["countries"].split()
            for kind, words in language.items():
                for word in _listed(words) if kind != "countries" else ():
                    if kind in ("ending", "ending_weak"):
                        endings.setdefault(word, kind)
                        self._countries["street"][f"-{word}"].update(countries)
                    else:
                        self._kinds[word].add(kind)
                        if kind in _TELLING:
                            self._countries["street"][word].update(countries)
        for kind in rules["plain_lists"].split():
            for word in _listed(rules[kind]):
                self._kinds[word].add(kind)
        for phrases in rules["context"]:
            for word in phrases:
                if " " not in word:
                    self._kinds[fold_text(word).text].add("context")
        return endings

    def _read_places(self, places: Mapping[str, Any]) -> None:
        for code, country in places["countries"].items():
            for kind, what in (("country", "names"), ("state", "states"), ("city", "cities")):
                for word in _listed(country.get(what, "")):
                    self._kinds[word].add(kind)
                    self._countries[kind][word].add(code)
            for kind, what in (("state", "state_codes"), ("province", "provinces")):
                for word in country.get(what, "").split():
                    self._kinds[word].add(kind)
                    self._countries["state"][word].add(code)
            self._codes.update(country.get("state_codes", "").split())
        for word in _listed(places["elsewhere"]):
            self._kinds[word].add("country")

    def _word_kinds(self, word: str, shape: str) -> frozenset[str]:
        """Return the kinds of a listed word written small, with a capital, or in capitals."""
        kinds = set(self._kinds[word])
        is_name = kinds.isdisjoint(_NO_NAMES)
        if word in self._codes:
            kinds.discard("state")
            if shape == "capitals":
                kinds.add("state" if is_name else "loud_state")
            else:
                kinds.add("state" if is_name and word not in ordinary_words() else "word_state")
        if "province" in kinds and shape != "capitals":
            kinds.discard("province")
        if "country" in kinds and len(word) < 3 and shape != "capitals":
            kinds.discard("country")
        return self._kinds_by_form(kinds, len(word), shape, self._ending(word), False)

    def _unlisted_letter(self, word: str, shape: str) -> str:
        is_contraction = _CONTRACTION.fullmatch(word) is not None
        return self._unlisted_letters[min(len(word), _BRIEF + 1), shape, self._ending(word), is_contraction]

    def _kinds_by_form(
        self, kinds: set[str], length: int, shape: str, ending: str | None, is_contraction: bool
    ) -> frozenset[str]:
        """Return the kinds of a word with those that its form tells."""
        is_listed = bool(kinds) or ending is not None
        if is_contraction:
            kinds.add("stop")
        if ending is not None and (shape != "small" or ending == "ending"):
            kinds.add(f"{'small' if shape == 'small' else 'proper'}_{ending}")
        if length == 1:
            kinds |= {"letter"} if shape == "small" else {"letter", "caps_letter"}
        elif shape == "small":
            kinds |= {"small"} if kinds.isdisjoint(_NO_NAMES) else set()
        else:
            kinds |= {f"proper_{kind}" for kind in ("at_the", "particle", "qualifier") if kind in kinds}
            kinds |= {"brief_proper"} if length <= _BRIEF and "stop" not in kinds else set()
            kinds |= {"caps"} if length == 2 and shape == "capitals" else set()
            kinds |= {"unknown"} if not is_listed and not is_contraction else set()
            if "stop" not in kinds or not kinds.isdisjoint(("state", "city")):
                kinds |= {"proper"} if "counted" in kinds else {"proper", "proper_name"}
        return frozenset(kinds)

    def _ending(self, word: str) -> str | None:
        """Return which kind of ending of streets' names a word has, None where it has none or is another word."""
        if not word.endswith(self._all_endings) or "not_streets" in self._kinds.get(word, ()):
            return None
        if word in ordinary_words():
            return None
        longest = self._longest_ending(word)
        return None if longest is None else self._endings[longest]

    def _longest_ending(self, word: str) -> str | None:
        return next((word[at:] for at in range(_SHORTEST_STEM, len(word)) if word[at:] in self._endings), None)

    def _letter(self, kinds: frozenset[str]) -> str:
        return self._letters.setdefault(kinds, chr(_FIRST_LETTER + len(self._letters)))


def _shape(word: str, undone: Any, start: int) -> str:
    if not undone[start] & _CASE:
        # l'Église begins with a small letter.
        apostrophe = word.find("'") + 1
        return "capital" if apostrophe and apostrophe < len(word) and undone[start + apostrophe] & _CASE else "small"
    is_all = all(undone[start + at] & _CASE for at in range(len(word)) if word[at].isalpha())
    return "capitals" if is_all and len(word) > 1 else "capital"


def _phrase_end(words: list[str], at: int, phrase: tuple[str, ...]) -> int | None:
    for part in phrase[1:]:
        at += 1
        if at < len(words) and words[at] == ".":
            at += 1
        if at >= len(words) or words[at] != part:
            return None
    return at + 1


def _listed(words: str) -> Iterator[str]:
    for word in words.split(","):
        if stripped := word.strip():
            yield from folded_forms(stripped.replace(".", ""))
