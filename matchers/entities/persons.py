"""Persons: by rules over a gazetteer of names, or by any installed spaCy pipeline."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from core.errors import SettingsError
from core.types import Entity, EntityType, Span
from matchers.entities.looking import LookedAt

if TYPE_CHECKING:
    from matchers.entities.person_rules import PersonRules

_See: TypeAlias = "Callable[[Sequence[str]], Iterator[Sighting]]"

_LONGEST_PIECE = 1_000
_MODEL_CONFIDENCE = 0.85
_LABELS = {
    "PERSON": EntityType.PERSON,
    "PER": EntityType.PERSON,
    "GPE": EntityType.LOCATION,
    "LOC": EntityType.LOCATION,
    "LOCATION": EntityType.LOCATION,
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
    """Sees persons, and with an installed pipeline places and organisations too."""

    gate = None

    def __init__(self, model: str | None) -> None:
        """``model`` None takes the rules of ``persons.yaml``. Raises SettingsError for a pipeline that cannot be
        loaded."""
        self._see = _built_in() if model is None else _installed(model)
        # spaCy's vocabulary is shared by all calls.
        self._lock = threading.Lock()

    def recognise(self, stretches: Sequence[LookedAt]) -> Iterator[tuple[LookedAt, Entity]]:
        """Yield what is seen in the stretches."""
        if not stretches:
            return
        with self._lock:
            sightings = list(self._see([stretch.original for stretch in stretches]))
        for sighting in sightings:
            stretch = stretches[sighting.text]
            span = Span(stretch.field, stretch.start + sighting.start, stretch.start + sighting.end)
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
    @cache
    def rules() -> PersonRules:
        # Imported where it is first needed, as importing spaCy takes a while.
        from matchers.entities.person_rules import PersonRules

        return PersonRules()

    return lambda texts: rules().find(texts)


def _installed(model: str) -> _See:
    import spacy

    try:
        nlp = spacy.load(model)
    except (OSError, ImportError, ValueError) as error:
        raise SettingsError(
            f"setting nlp_model: no spaCy pipeline of this name or path can be loaded ({type(error).__name__})"
        ) from None

    def find(texts: Sequence[str]) -> Iterator[Sighting]:
        # In pieces, as a pipeline may take quadratic time on hostile text. Its vocabulary forgets the words afterwards.
        pieces = (
            (piece[0], (text, piece.start())) for text, whole in enumerate(texts) for piece in _PIECE.finditer(whole)
        )
        with nlp.memory_zone():
            for doc, (text, offset) in nlp.pipe(pieces, as_tuples=True):
                for span in doc.ents:
                    if span.label_ in _LABELS:
                        start, end = offset + span.start_char, offset + span.end_char
                        yield Sighting(text, start, end, _LABELS[span.label_], _MODEL_CONFIDENCE, "spacy_model")

    return find
