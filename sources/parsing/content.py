"""The documents in a whole file that is not JSON lines: text, HTML, a web page, mail or a feed."""

from __future__ import annotations

from core.types import Document
from sources.parsing.decoding import decode
from sources.parsing.feed_entries import read_feed
from sources.parsing.formats import Format
from sources.parsing.mail import read_mail
from sources.parsing.main_text import read_page
from sources.parsing.plain_text import html_to_text


def read_content(
    content: bytes, kind: Format, *, name: str, url: str | None = None, content_type: str | None = None
) -> list[Document]:
    """Return the documents, with no limit on what that takes: see ``sources.parsing.limited_reading``.

    ``name`` becomes the id of what is one document; ``url`` is where it was found, ``content_type`` the
    header it came with. Raises UnreadableFormat.
    """
    if kind is Format.FEED:
        return read_feed(content, url or "", content_type)
    if kind is Format.MAIL:
        return read_mail(content, name)
    if kind is Format.WEB_PAGE:
        return [read_page(content, name, url)]
    if kind is Format.HTML:
        page = html_to_text(content)
        return [Document(id=name, text=page.text, title=page.title, language=page.language)]
    return [Document(id=name, text=decode(content))]
