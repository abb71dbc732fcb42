"""The main text of a web page, without what surrounds it on every page of a site."""

from __future__ import annotations

from datetime import UTC, datetime

from core.types import Document
from sources.parsing.plain_text import html_to_text


def read_page(content: bytes, name: str, url: str | None) -> Document:
    """Return the page's main text with its comments, its title, author, language and day of publication as far as it
    names them; all of its text where no part of it is the main one."""
    import trafilatura  # where there is a page: it takes its time

    page = html_to_text(content)
    main = trafilatura.bare_extraction(
        content,
        url=url,
        with_metadata=True,
        favor_recall=True,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    if main is None or isinstance(main, dict):
        return Document(id=name, text=page.text, title=page.title, language=page.language)
    text = "\n".join(filter(None, (main.text, main.comments))).strip()
    return Document(
        id=name,
        text=text or page.text,
        title=main.title or page.title,
        author=main.author,
        language=page.language,
        published_at=_day(main.date),
    )


def _day(written: str | None) -> datetime | None:
    try:
        return datetime.strptime(written or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
