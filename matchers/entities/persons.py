"""Persons, places and organisations: by the trained model and a gazetteer of names, or by any installed spaCy
pipeline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from core.errors import SettingsError
from core.types import Entity, EntityType, Span
from matchers.entities.looking import LookedAt
from matchers.entities.pieces import Sighting, pieces

_See: TypeAlias = "Callable[[Sequence[str]], Iterable[Sighting]]"

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


def _built_in() -> _See:
    # Imported where it is first needed, as reading the weights and lists takes a while.
    from matchers.entities.listed_names import listed_names
    from matchers.entities.trained_persons import TrainedPersons

    model = TrainedPersons()

    def find(texts: Sequence[str]) -> Iterable[Sighting]:
        read = list(pieces(texts))
        return _merged(list(model.find(read)), listed_names(read))

    return find


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
            for doc, piece in nlp.pipe(((piece.written, piece) for piece in pieces(texts)), as_tuples=True):
                for span in doc.ents:
                    if span.label_ in _LABELS:
                        start, end = piece.start + span.start_char, piece.start + span.end_char
                        kind = _LABELS[span.label_]
                        yield Sighting(piece.text, start, end, kind, _INSTALLED_CONFIDENCE, "spacy_model")

    return find
