"""What the trained model sees, with a confidence by what else speaks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.types import EntityType
from matchers.entities.model.network import Network, trained_weights
from matchers.entities.pieces import Piece, Sighting
from matchers.entities.tables import own_table
from matchers.folding import fold_text
from matchers.words import forenames, is_name, places, rarer_forenames, rarer_surnames, surnames

_DRAWN_OUT = re.compile(r"(?i)(.)\1\1")
_JOINED_BEFORE = re.compile(r"[a-z0-9][._/@][a-z0-9]")
_JOINED_AFTER = re.compile(r"[._@][a-z0-9]")


class TrainedPersons:
    """Finds persons, places and organisations by the model. Not for several threads at once."""

    def __init__(self) -> None:
        self._network = Network(trained_weights())

    def find(self, pieces: Sequence[Piece]) -> Iterator[Sighting]:
        """Yield what the model sees in the pieces."""
        texts = [piece.tokens.words for piece in pieces]
        for piece, words, entities in zip(pieces, texts, self._network.entities(texts), strict=True):
            for named in entities:
                first, end = _without_title(words, named.first, named.end), named.end
                if first == end:
                    continue
                kind = _reviewed(EntityType(named.label), words[first:end])
                start, stop = piece.tokens.starts[first], piece.tokens.ends[end - 1]
                if kind is not None and not _is_joined(piece.written, start, stop):
                    evidence = _evidence(kind, words[max(first - 2, 0) : first], words[first:end])
                    start, stop = piece.start + start, piece.start + stop
                    yield Sighting(piece.text, start, stop, kind, _CONFIDENCES[evidence], evidence)


def _without_title(words: Sequence[str], first: int, end: int) -> int:
    """Return the token at which a name begins that may have titles before it."""
    while first < end and (words[first] == "." or words[first].lower() in _TITLES):
        first += 1
    return first


def _is_joined(text: str, start: int, end: int) -> bool:
    """Return whether signs without space make the words a part of a handle or an address."""
    return bool(_JOINED_BEFORE.match(text, max(start - 2, 0)) or _JOINED_AFTER.match(text, end))


def _reviewed(kind: EntityType, words: Sequence[str]) -> EntityType | None:
    """Return what words are that the model took for a kind. A pseudonym or an exclamation is no person's name, nor is
    that of a listed place, nor a single character."""
    if kind is not EntityType.PERSON:
        return kind
    if len(words) == len(words[0]) == 1:
        return None
    if any("_" in word or "@" in word or any(map(str.isdigit, word)) for word in words):
        return None
    if fold_text(" ".join(words)).text in places() and not is_name(fold_text(words[-1]).text):
        return EntityType.LOCATION
    if len(words) == 1 and not _is_listed(words[0]) and (_DRAWN_OUT.search(words[0]) or not _is_capitalised(words[0])):
        return None
    return kind


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


_ROWS = own_table("persons.yaml")
_TITLES = frozenset(_ROWS["titles"])
_CONFIDENCES: dict[str, float] = _ROWS["model"]
