"""The built-in spaCy pipeline: a blank one with the rules of ``persons.yaml`` over a gazetteer of names.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import spacy
import yaml
from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from matchers.folding import fold_text
from matchers.words import forenames, is_name, is_ordinary, ordinary_words, surnames

_COMPONENT = "persons"
_LONGEST_NAME = 40
_SHORTEST_SMALL = 3
_SIGNS = ("-", ",", ".")
_TOKEN = re.compile(r"(?s)\b[^\W\d_]\.|\w+(?:['’]\w+)*|->|.")


def person_pipeline() -> Language:
    """Return a spaCy pipeline that sees persons."""
    nlp = spacy.blank("xx")
    nlp.tokenizer = _Tokenizer(nlp.vocab)
    nlp.add_pipe(_COMPONENT)
    return nlp


def confidence_of(rule: str) -> float:
    """Return how certain a rule of ``persons.yaml`` is, 0 to 1."""
    return _CONFIDENCES[rule]


class _Tokenizer:
    """Cuts a text into words, initials with their full stop, and single other characters. spaCy's own tokenizer takes
    quadratic time on long runs of punctuation."""

    def __init__(self, vocab: Vocab) -> None:
        self._vocab = vocab

    def __call__(self, text: str) -> Doc:
        words: list[str] = []
        spaces: list[bool] = []
        for word in _TOKEN.findall(text):
            if word == " " and spaces and not spaces[-1]:
                spaces[-1] = True
            else:
                words.append(word)
                spaces.append(False)
        return Doc(self._vocab, words=words, spaces=spaces)


@Language.factory(_COMPONENT)
class PersonRules:
    """The pipeline's component: finds the patterns of ``persons.yaml`` and sets them as entities."""

    def __init__(self, nlp: Language, name: str) -> None:
        self._name = name
        flags = {word: nlp.vocab.add_flag(test) for word, test in _WORDS.items()}
        self._matcher = Matcher(nlp.vocab, validate=False)
        self._marked: dict[str, tuple[int, int]] = {}
        for row in _ROWS["patterns"]:
            pattern, self._marked[row["name"]] = _pattern(row["words"], flags)
            self._matcher.add(row["name"], [pattern], greedy="LONGEST")

    def __call__(self, doc: Doc) -> Doc:
        """Return the document with its persons as entities; a span's ``id_`` is the rule that saw it."""
        spans = []
        for match in self._matcher(doc, as_spans=True):
            before, after = self._marked[match.label_]
            start, end = match.start + before, match.end - after
            spans.append(Span(doc, start, end, label="PERSON", span_id=match.label_))
        # Of overlapping spans the longest is kept, of equally long ones the first.
        doc.ents = filter_spans(sorted(spans, key=lambda span: -_CONFIDENCES[span.id_]))
        return doc


def _pattern(words: str, flags: dict[str, int]) -> tuple[list[dict[Any, Any]], tuple[int, int]]:
    """Return a spaCy pattern, and how many tokens before and after the marked part are not the person."""
    pattern: list[dict[Any, Any]] = []
    before = after = 0
    parts = words.split()
    for part in parts:
        if part == "[":
            before = len(pattern)
        elif part == "]":
            after = len(pattern)
        else:
            word = part.removesuffix("?")
            token: dict[Any, Any]
            if word.startswith("'"):
                token = {"LOWER": word.strip("'")}
            elif word in _SIGNS:
                token = {"ORTH": word}
            else:
                token = {flags[word]: True}
            pattern.append(token | ({"OP": "?"} if part.endswith("?") else {}))
    return pattern, (before, len(pattern) - after if after else 0)


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


_ROWS = yaml.safe_load((files("matchers") / "entities" / "persons.yaml").read_text(encoding="utf-8"))
_CONFIDENCES: dict[str, float] = {row["name"]: row["confidence"] for row in _ROWS["patterns"]}
_NOT_NAMES = frozenset(_ROWS["not_names"])
_LINKS = frozenset(_ROWS["links"])
_HONORIFICS = frozenset(_ROWS["honorifics"])
_PARTICLES = frozenset(_ROWS["particles"])
_WORDS: dict[str, Callable[[str], bool]] = {
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
