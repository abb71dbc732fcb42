"""``leakwatch entities``: what the recognisers see."""

from __future__ import annotations

from core.settings import load_settings
from monitor.commands.reading import Reading
from monitor.commands.scan import UNREADABLE
from monitor.commands.streams import open_lines
from monitor.findings import entity_object, json_line
from monitor.parts import build_parts


def entities(documents: str, output: str) -> int:
    """Write a JSON line for every document: its id and its entities. Return the exit status."""
    parts = build_parts(load_settings())
    reading = Reading(parts, documents=documents)
    with open_lines(output) as lines:
        for batch in reading.batches():
            for document, seen in zip(batch, parts.entities.recognise(batch), strict=True):
                lines.write(json_line({"id": document.id, "entities": [entity_object(entity) for entity in seen]}))
            lines.flush()
    return UNREADABLE if reading.unreadable_count else 0
