"""Mail (RFC 5322, MIME) to documents."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime

from core.types import Document
from sources.parsing.decoding import decode
from sources.parsing.formats import UnreadableFormat
from sources.parsing.google_alerts import SENDER, alerted_pages
from sources.parsing.plain_text import html_to_text


def read_mail(content: bytes, name: str) -> list[Document]:
    """Return what a mail says: its text parts, those of the mails attached to it, and its headers, as one document. A
    mail of Google Alerts is a document for each of its results. Raises UnreadableFormat."""
    try:
        return _read_mail(content, name)
    except RecursionError:  # parts in parts in parts: made to hold up what comes after it
        raise UnreadableFormat("has parts nested too deeply to be read") from None


def _read_mail(content: bytes, name: str) -> list[Document]:
    message = email.message_from_bytes(content, policy=email.policy.default)
    sender, sent_at = _header(message, "from"), _date(_header(message, "date"))
    if parseaddr(sender or "")[1].lower() == SENDER:
        body = message.get_body(("html",))
        pages = alerted_pages(_decoded(body)) if isinstance(body, EmailMessage) else []
        if pages:
            return [
                Document(
                    id=f"{name}:{number}",
                    text=page.text,
                    title=page.title or None,
                    author=page.publisher or None,
                    url=page.url,
                    published_at=sent_at,
                )
                for number, page in enumerate(pages, start=1)
            ]
    parts = [message.get_body(("plain", "html")), *message.iter_attachments()] if message.is_multipart() else [message]
    texts = [_text_of(part) for part in parts if isinstance(part, EmailMessage)]
    return [
        Document(
            id=name,
            text="\n\n".join(filter(None, texts)),
            title=_header(message, "subject"),
            author=sender,
            external_id=_header(message, "message-id"),
            published_at=sent_at,
        )
    ]


def _text_of(part: EmailMessage) -> str:
    if part.get_content_type() == "message/rfc822":
        return "\n\n".join(_text_of(inner) for inner in part.iter_parts() if isinstance(inner, EmailMessage))
    if part.get_content_maintype() != "text":
        return ""
    text = _decoded(part)
    return html_to_text(text).text if part.get_content_subtype() == "html" else text.strip()


def _decoded(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        text = payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, ValueError):  # a name may be of something that is no character set, too
        text = decode(payload)
    return text.replace("\r\n", "\n")


def _header(message: EmailMessage, name: str) -> str | None:
    """Return a header as text. The standard library raises many errors over headers that are malformed."""
    try:
        value = message[name]
        return " ".join(str(value).split()) or None if value is not None else None
    except Exception:  # no list of them exists; the raw header is still worth reading
        raw = next((value for key, value in message.raw_items() if key.lower() == name), None)
        return " ".join(str(raw).split()) or None


def _date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
