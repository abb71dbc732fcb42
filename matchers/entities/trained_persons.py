"""What the trained model sees, with a confidence by what else speaks for it.

Importing this module imports spaCy, which takes a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

import yaml

from core.types import EntityType
from matchers.entities.model.reading import Tokens
from matchers.entities.model.trained import trained
from matchers.entities.persons import Sighting, pieces
from matchers.folding import fold_text
from matchers.words import forenames, is_name, places, rarer_forenames, rarer_surnames, surnames

_DRAWN_OUT = re.compile(r"(?i)(.)\1\1")
_TWO_LETTERS = re.compile(r"[^\W\d_]{2}")


class TrainedPersons:
    """Finds persons, places and organisations by the model. Not for several threads at once."""

    def __init__(self) -> None:
        self._nlp = trained()

    def find(self, texts: Sequence[str]) -> Iterator[Sighting]:
        """Yield what the model sees in the texts."""
        # The vocabulary forgets the words of a call afterwards.
        with self._nlp.memory_zone():
            read = ((Tokens(piece), place) for piece, place in pieces(texts) if _TWO_LETTERS.search(piece))
            docs = ((tokens.document(self._nlp.vocab), (tokens, place)) for tokens, place in read)
            for doc, (tokens, (text, offset)) in self._nlp.pipe(docs, as_tuples=True):
                for span in doc.ents:
                    kind, first = _reviewed(EntityType(span.label_), tokens.words[span.start : span.end])
                    if kind is not None:
                        first += span.start
                        evidence = _evidence(
                            kind, tokens.words[max(first - 2, 0) : first], tokens.words[first : span.end]
                        )
                        start, end = tokens.starts[first], tokens.ends[span.end - 1]
                        yield Sighting(text, offset + start, offset + end, kind, _CONFIDENCES[evidence], evidence)


def _reviewed(kind: EntityType, words: Sequence[str]) -> tuple[EntityType | None, int]:
    """Return what words that the model took for a kind are, and where among them its name begins; None for nothing.
    A person is named without the title before it, and not by a pseudonym or an exclamation; listed places are none."""
    if kind is not EntityType.PERSON:
        return kind, 0
    first = 0
    while first < len(words) and (words[first] == "." or words[first].lower() in _TITLES):
        first += 1
    name = words[first:]
    if not name or any("_" in word or "@" in word or any(map(str.isdigit, word)) for word in name):
        return None, 0
    if fold_text(" ".join(name)).text in places() and not is_name(fold_text(name[-1]).text):
        return EntityType.LOCATION, first
    if len(name) == 1 and not _is_listed(name[0]) and (_DRAWN_OUT.search(name[0]) or not _is_capitalised(name[0])):
        return None, 0
    return kind, first


def _evidence(kind: EntityType, before: Sequence[str], words: Sequence[str]) -> str:
    """Return what ``persons.yaml`` calls such words, which stand after those before."""
    if kind is not EntityType.PERSON:
        return f"model_{kind.value.lower()}"
    names = [word for word in words if word[0].isalpha() and len(word) > 1]
    if not names and len(words) > 1:
        # Names without spaces, whose signs are tokens.
        names = [words[0], "".join(words[1:])]
    listed = sum(map(_is_listed, names))
    if len(names) > 1:
        return ("model_unknown_full_name", "model_half_known_name", "model_full_name")[min(listed, 2)]
    if not _TITLES.isdisjoint(map(str.lower, before)):
        return "model_titled_name"
    return "model_single_name" if listed else "model_unknown_name"


def _is_capitalised(word: str) -> bool:
    # Letters of a script without capitals are neither small nor large.
    return not word.islower() and (len(word) == 1 or not word.isupper())


def _is_listed(word: str) -> bool:
    folded = fold_text(word).text
    return any(folded in names() for names in (forenames, surnames, rarer_forenames, rarer_surnames))


_ROWS = yaml.safe_load((files("matchers") / "entities" / "persons.yaml").read_text(encoding="utf-8"))
_TITLES = frozenset(_ROWS["titles"])
_CONFIDENCES: dict[str, float] = _ROWS["model"]
