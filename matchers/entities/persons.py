"""Persons, places and organisations: by the trained model and a gazetteer of names, or by any installed spaCy
pipeline."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from core.errors import SettingsError
from core.types import Entity, EntityType, Span
from matchers.entities.looking import LookedAt

_See: TypeAlias = "Callable[[Sequence[str]], Iterable[Sighting]]"

_LONGEST_PIECE = 1_000
_INSTALLED_CONFIDENCE = 0.85
_LABELS = {
    "PERSON": EntityType.PERSON,
    "PER": EntityType.PERSON,
    "GPE": EntityType.LOCATION,
    "LOC": EntityType.LOCATION,
    "LOCATION": EntityType.LOCATION,
    "FAC": EntityType.LOCATION,
    "ORG": EntityType.ORGANIZATION,
    "ORGANIZATION": EntityType.ORGANIZATION,
}
# A piece ends at the last line break or end of a sentence that it holds, else at its last space.
_PIECE = re.compile(
    rf"(?s).{{1,{_LONGEST_PIECE}}}\Z|.{{1,{_LONGEST_PIECE - 1}}}(?:\n|(?<=[.!?])\s)"
    rf"|.{{1,{_LONGEST_PIECE - 1}}}\s|.{{{_LONGEST_PIECE}}}"
)


class Sighting(NamedTuple):
    """What was seen in which of the texts, and where there."""

    text: int
    start: int
    end: int
    type: EntityType
    confidence: float
    recogniser: str


class PersonRecogniser:
    """Sees persons, places and organisations."""

    gate = None

    def __init__(self, model: str | None) -> None:
        """``model`` names an installed spaCy pipeline, or is its path; None takes the built-in one, which is loaded
        when it is first needed. Raises SettingsError for a pipeline that cannot be loaded."""
        self._see = None if model is None else _installed(model)
        # spaCy's vocabulary is shared by all calls.
        self._lock = threading.Lock()

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield what is seen in the stretches."""
        if not stretches:
            return
        with self._lock:
            if self._see is None:
                self._see = _built_in()
            parts = [(stretch, *part) for stretch in stretches for part in stretch.near]
            sightings = list(self._see([stretch.part(start, end) for stretch, start, end in parts]))
        for sighting in sightings:
            stretch, start, _ = parts[sighting.text]
            span = Span(stretch.field, start + sighting.start, start + sighting.end)
            yield (
                stretch,
                Entity(
                    type=sighting.type,
                    span=span,
                    found=stretch.found(span),
                    confidence=sighting.confidence,
                    recogniser=sighting.recogniser,
                ),
            )


def pieces(texts: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the texts in pieces of at most 1,000 code points, each with the number of its text and its start there: a
    pipeline may take quadratic time on hostile text."""
    for number, text in enumerate(texts):
        for piece in _PIECE.finditer(text):
            yield piece[0], (number, piece.start())


def _built_in() -> _See:
    # Imported where it is first needed, as importing spaCy takes a while.
    from matchers.entities.listed_names import ListedNames
    from matchers.entities.trained_persons import TrainedPersons

    model, gazetteer = TrainedPersons(), ListedNames()
    return lambda texts: _merged(list(model.find(texts)), gazetteer.find(texts))


def _merged(model: list[Sighting], gazetteer: Iterable[Sighting]) -> list[Sighting]:
    """Return what the model saw, and what the gazetteer saw where the model saw nothing."""
    taken = {(row.text, place) for row in model for place in range(row.start, row.end)}
    free = (row for row in gazetteer if taken.isdisjoint((row.text, place) for place in range(row.start, row.end)))
    return [*model, *free]


def _installed(model: str) -> _See:
    import spacy

    try:
        nlp = spacy.load(model)
    except (OSError, ImportError, ValueError) as error:
        raise SettingsError(
            f"setting nlp_model: no spaCy pipeline of this name or path can be loaded ({type(error).__name__})"
        ) from None

    def find(texts: Sequence[str]) -> Iterator[Sighting]:
        # The vocabulary forgets the words of a call afterwards.
        with nlp.memory_zone():
            for doc, (text, offset) in nlp.pipe(pieces(texts), as_tuples=True):
                for span in doc.ents:
                    if span.label_ in _LABELS:
                        start, end = offset + span.start_char, offset + span.end_char
                        yield Sighting(text, start, end, _LABELS[span.label_], _INSTALLED_CONFIDENCE, "spacy_model")

    return find
