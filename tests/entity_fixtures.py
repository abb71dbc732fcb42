"""What the pattern recognisers see in a text."""

from __future__ import annotations

from core.types import Document, Entity, EntityType
from matchers.entities import EntityPipeline, pattern_recognisers

PIPELINE = EntityPipeline(pattern_recognisers(("US", "GB")))


def seen(text: str) -> tuple[Entity, ...]:
    """Return the entities, each checked against the text that it stands in."""
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    for entity in entities:
        assert entity.found == text[entity.span.start : entity.span.end]
        assert 0.5 <= entity.confidence < 1
    return entities


def found(text: str, kind: EntityType) -> list[str]:
    """Return what is seen of a type, as it is written."""
    return [entity.found for entity in seen(text) if entity.type is kind]
