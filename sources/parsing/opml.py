"""Lists of feeds as feed readers export them: OPML (http://opml.org/spec2.opml)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from sources.parsing.formats import UnreadableFormat


@dataclass(frozen=True, slots=True)
class FeedOutline:
    """A feed of the list; ``title`` is what the list calls it, None where it does not."""

    url: str = field(repr=False)
    title: str | None = None


def read_opml(content: bytes) -> list[FeedOutline]:
    """Return the feeds of the list, of all its folders, each once. Raises UnreadableFormat for anything else."""
    # Readers write lists by hand, too: what is not well-formed is read as far as it can be.
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise UnreadableFormat("is not an OPML file")
    feeds: dict[str, FeedOutline] = {}
    for outline in _outlines(root):
        feeds.setdefault(outline.url, outline)
    return list(feeds.values())


def _outlines(root: etree._Element) -> Iterator[FeedOutline]:
    for element in root.iter("outline"):
        attributes = {name.lower(): value.strip() for name, value in element.attrib.items()}
        url = attributes.get("xmlurl")
        if url:
            title = " ".join((attributes.get("title") or attributes.get("text") or "").split())
            yield FeedOutline(url, title or None)
