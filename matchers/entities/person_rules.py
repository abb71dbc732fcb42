"""Persons by the rules of ``persons.yaml`` over a gazetteer of names.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, product
from typing import Any

import yaml
from spacy.matcher import Matcher
from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from core.types import EntityType
from matchers.entities.persons import Sighting
from matchers.folding import fold_text
from matchers.words import forenames, is_name, is_ordinary, ordinary_words, surnames

_LONGEST_NAME = 40
_SHORTEST_SMALL = 3
_FEWEST_TELLING = 2
_WORDS_AT_ONCE = 2_000
_REMEMBERED_WORDS = 65_536
# A word, an initial with its full stop, or any other character, each with the space after it. spaCy's own tokenizer
# takes quadratic time on long runs of punctuation.
_WORD = re.compile(r"(?s)(?:\b[^\W\d_]\.|\w+(?:['’]\w+)*|->|.) ?")
_BETWEEN_RUNS = "\n"


class PersonRules:
    """Finds the patterns of ``persons.yaml``. Not for several threads at once."""

    def __init__(self) -> None:
        self._vocab = Vocab()
        flags = {name: self._vocab.add_flag(_flag(bit)) for name, bit in _BITS.items()}
        self._matcher = Matcher(self._vocab, validate=False)
        self._patterns: dict[str, tuple[str, int]] = {}
        for row in _ROWS["patterns"]:
            for before, person in _variants(row["words"]):
                key = f"{row['name']} {len(before)}"
                self._patterns[key] = row["name"], len(before)
                self._matcher.add(key, [[_token(word, flags) for word in (*before, *person)]], greedy="LONGEST")

    def find(self, texts: Iterable[str]) -> Iterator[Sighting]:
        """Yield the persons in the texts; of overlapping ones the longest, of equally long ones the surest."""
        # The vocabulary forgets the words of a call afterwards.
        with self._vocab.memory_zone():
            for batch in _batches(texts):
                doc = Doc(self._vocab, words=batch.words, spaces=[False] * len(batch.words))
                for span in self._spans(doc):
                    first, last = span.start, span.end - 1
                    yield Sighting(
                        text=batch.texts[first],
                        start=batch.starts[first],
                        end=batch.starts[last] + len(batch.words[last]),
                        type=EntityType.PERSON,
                        confidence=_CONFIDENCES[span.id_],
                        recogniser=span.id_,
                    )

    def _spans(self, doc: Doc) -> list[Span]:
        spans = []
        for match in self._matcher(doc, as_spans=True):
            rule, before = self._patterns[match.label_]
            spans.append(Span(doc, match.start + before, match.end, span_id=rule))
        kept: list[Span] = filter_spans(sorted(spans, key=lambda span: _RANKS[span.id_]))
        return kept


@dataclass(slots=True)
class _Batch:
    """Words of several runs, one after another, with where each stands in which text."""

    words: list[str] = field(default_factory=list, repr=False)
    texts: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def _batches(texts: Iterable[str]) -> Iterator[_Batch]:
    """Yield the runs of words in which a pattern may stand, about 2,000 words at once. Most words of most texts are
    in none."""
    batch = _Batch()
    for text, original in enumerate(texts):
        words = _WORD.findall(original)
        starts = list(accumulate(map(len, words), initial=0))
        for first, last in _runs(list(map(_kinds, words))):
            batch.words.extend(word.removesuffix(" ") or word for word in words[first:last])
            batch.starts.extend(starts[first:last])
            batch.words.append(_BETWEEN_RUNS)
            batch.starts.append(starts[last])
            batch.texts.extend([text] * (last - first + 1))
            if len(batch.words) >= _WORDS_AT_ONCE:
                yield batch
                batch = _Batch()
    if batch.words:
        yield batch


def _runs(kinds: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the longest runs of words that may all stand in patterns, with enough that make a person among them; a
    very long one in parts."""
    first = telling = 0
    for at, kind in enumerate((*kinds, 0)):
        if kind and at - first < _WORDS_AT_ONCE:
            telling += kind & _TELLING != 0
            continue
        if telling >= _FEWEST_TELLING:
            yield first, at
        first, telling = (at, int(kind & _TELLING != 0)) if kind else (at + 1, 0)


def _variants(words: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the ways to fill in a pattern's part before the person, each with the person's part."""
    before, _, person = words.removesuffix("]").rpartition("[")
    options = [(word.removesuffix("?"), "") if word.endswith("?") else (word,) for word in before.split()]
    for chosen in product(*options):
        yield tuple(filter(None, chosen)), person.split()


def _token(word: str, flags: dict[str, int]) -> dict[Any, Any]:
    """Return spaCy's pattern for a word of ours."""
    return {flags[word.removesuffix("?")]: True} | ({"OP": "?"} if word.endswith("?") else {})


def _is_capitalised(text: str) -> bool:
    before, apostrophe, after = text.replace("’", "'").partition("'")
    # O'Brien is a name, I've is none.
    return (
        2 <= len(text) <= _LONGEST_NAME
        and text[0].isupper()
        and (before + after).isalpha()
        and (not apostrophe or after[:1].isupper())
    )


def _folded(text: str) -> str:
    return fold_text(text).text


def _among(names: Callable[[], frozenset[str]], *, capitalised: bool) -> Callable[[str], bool]:
    def is_capitalised_name(text: str) -> bool:
        if not _is_capitalised(text):
            return False
        folded = _folded(text)
        return folded in names() and not (text.isupper() and folded in ordinary_words()) and folded not in _NOT_NAMES

    def is_small_name(text: str) -> bool:
        if not text.islower() or len(text) < _SHORTEST_SMALL:
            return False
        folded = _folded(text)
        return folded in names() and folded not in ordinary_words()

    return is_capitalised_name if capitalised else is_small_name


def _is_capital(text: str) -> bool:
    if not _is_capitalised(text) or text.isupper():
        return False
    folded = _folded(text)
    if folded in ordinary_words():
        return folded in surnames()
    return is_name(folded) or not is_ordinary(folded)


def _is_initial(text: str) -> bool:
    # A capital I or A without its full stop is mostly a word.
    return text[:1].isupper() and (text[1:] == "." or (len(text) == 1 and text not in "IA"))


@lru_cache(maxsize=_REMEMBERED_WORDS)
def _kinds(word: str) -> int:
    """Return a bit for every kind of word of the patterns that this one is; a space may follow it."""
    word = word.removesuffix(" ")
    if not 0 < len(word) <= _LONGEST_NAME:
        return 0
    return sum(bit for name, bit in _BITS.items() if _TESTS[name](word))


def _flag(bit: int) -> Callable[[str], bool]:
    return lambda word: _kinds(word) & bit != 0


def _test(name: str) -> Callable[[str], bool]:
    if name.startswith("'"):
        meant = name.strip("'")
        return lambda word: word.lower() == meant
    return lambda word: word == name


_ROWS = yaml.safe_load((files("matchers") / "entities" / "persons.yaml").read_text(encoding="utf-8"))
_CONFIDENCES: dict[str, float] = {row["name"]: row["confidence"] for row in _ROWS["patterns"]}
_RANKS = {name: rank for rank, name in enumerate(sorted(_CONFIDENCES, key=lambda name: -_CONFIDENCES[name]))}
_NOT_NAMES = frozenset(_ROWS["not_names"])
_LINKS = frozenset(_ROWS["links"])
_HONORIFICS = frozenset(_ROWS["honorifics"])
_PARTICLES = frozenset(_ROWS["particles"])
_TESTS: dict[str, Callable[[str], bool]] = {
    "Forename": _among(forenames, capitalised=True),
    "Surname": _among(surnames, capitalised=True),
    "forename": _among(forenames, capitalised=False),
    "surname": _among(surnames, capitalised=False),
    "Capital": _is_capital,
    "Shouted": lambda text: text.isupper() and len(text) > 2 and _folded(text) in surnames(),
    "Particle": lambda text: text.lower() in _PARTICLES,
    "Initial": _is_initial,
    "Link": lambda text: text.lower() in _LINKS,
    "Honorific": lambda text: text[:1].isupper() and text.lower().rstrip(".") in _HONORIFICS,
}
_NAMED = dict.fromkeys(
    word.removesuffix("?") for row in _ROWS["patterns"] for word in row["words"].split() if word not in ("[", "]")
)
_TESTS |= {part: _test(part) for part in _NAMED if part not in _TESTS}
_BITS = {part: 1 << position for position, part in enumerate(_NAMED)}
# What stands between the words that make a person. Every pattern needs at least two that are more than that.
_JOINING = {"Link", "Particle", "-", ",", ".", "':'", "'is'", "'as'"}
_TELLING = sum(bit for part, bit in _BITS.items() if part not in _JOINING)
