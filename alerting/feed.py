"""A community's incidents as an Atom feed (RFC 4287), for a reader of feeds. Redacted, whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5
from xml.etree import ElementTree

from alerting.messages import HTML, Markup, fitted, heading, inert, message
from core.types import Notice

LONGEST_ENTRY = 20_000
_ATOM = "http://www.w3.org/2005/Atom"
_MARKUP = Markup(HTML.plain, HTML.strong, HTML.quoted, line_break="<br>")


def feed(community_id: str, community: str, notices: Iterable[Notice], updated_at: datetime) -> bytes:
    """Return the feed, an entry a notice, each about an incident. ``updated_at`` is when the newest of them changed.

    It does not name its own address, which is a secret.
    """
    root = ElementTree.Element("feed", xmlns=_ATOM)
    _add(root, "id", _identifier(community_id))
    _add(root, "title", f"Leakwatch: {inert(community)}")
    _add(root, "updated", updated_at.isoformat())
    _add(ElementTree.SubElement(root, "author"), "name", "Leakwatch")
    for notice in notices:
        if notice.incident is not None:
            _add_entry(root, notice, notice.incident.id, notice.incident.first_seen_at, notice.incident.updated_at)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add_entry(root: ElementTree.Element, notice: Notice, id_: str, published: datetime, updated: datetime) -> None:
    entry = ElementTree.SubElement(root, "entry")
    _add(entry, "id", _identifier(id_))
    _add(entry, "title", heading(notice))
    _add(entry, "published", published.isoformat())
    _add(entry, "updated", updated.isoformat())
    text = _MARKUP.text(fitted(message(notice, is_headed=False), LONGEST_ENTRY, _MARKUP.size))
    _add(entry, "content", f"<p>{text}</p>", type="html")


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = text


def _identifier(id_: str) -> str:
    """Return the same address for the same object for ever (RFC 4287, section 4.2.6); it leads nowhere."""
    return uuid5(NAMESPACE_OID, id_).urn
