"""Persons: by rules over a gazetteer of names, or by any installed spaCy pipeline."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.types import Entity, EntityType, FieldName, FoldedText, Span

if TYPE_CHECKING:
    from spacy.language import Language

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


class PersonRecogniser:
    """Runs a spaCy pipeline over the text, in pieces, as an installed one may take quadratic time on hostile text."""

    def __init__(self, model: str | None) -> None:
        """``model`` None takes the rules of ``persons.yaml``. Raises SettingsError for a pipeline that cannot be
        loaded."""
        self._rule_confidence: Callable[[str], float] | None = None
        if model is None:
            self._nlp, self._rule_confidence = _built_in()
        else:
            self._nlp = _installed(model)
        # spaCy's vocabulary is shared by all calls; it forgets the words of a call afterwards.
        self._lock = threading.Lock()

    def recognise(self, field: FieldName, folded: FoldedText) -> Iterator[Entity]:
        """Yield persons, and with a model places and organisations too."""
        text = folded.original
        pieces = [(piece[0], piece.start()) for piece in _PIECE.finditer(text)]
        with self._lock, self._nlp.memory_zone():
            found = [
                (span.label_, span.id_, offset + span.start_char, offset + span.end_char)
                for doc, offset in self._nlp.pipe(pieces, as_tuples=True)
                for span in doc.ents
            ]
        for label, rule, start, end in found:
            if label in _LABELS:
                yield Entity(
                    type=_LABELS[label],
                    span=Span(field, start, end),
                    found=text[start:end],
                    confidence=self._rule_confidence(rule) if self._rule_confidence else _MODEL_CONFIDENCE,
                    recogniser=rule if self._rule_confidence else "spacy_model",
                )


def _installed(model: str) -> Language:
    import spacy

    try:
        return spacy.load(model)
    except (OSError, ImportError, ValueError) as error:
        raise SettingsError(
            f"setting nlp_model: no spaCy pipeline of this name or path can be loaded ({type(error).__name__})"
        ) from None


def _built_in() -> tuple[Language, Callable[[str], float]]:
    # Imported here, as commands that see no document need no spaCy.
    from matchers.entities.person_rules import confidence_of, person_pipeline

    return person_pipeline(), confidence_of
