"""What a file is, and the documents in it: text, HTML, mail and feeds. JSON lines are read by ``sources.reading``."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import PurePath

from core.errors import SourceError
from core.types import Document
from sources.feed_parsing import parse_feed
from sources.plain_text import html_to_text


class Format(StrEnum):
    """What can be read."""

    JSON_LINES = "JSON lines"
    TEXT = "text"
    HTML = "HTML"
    MAIL = "mail"
    FEED = "feed"


class UnreadableFormat(Exception):
    """The content is nothing that can be read; the message says what it is, without a subject."""


_BY_SUFFIX = {
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".md": Format.TEXT,
    ".csv": Format.TEXT,
    ".tsv": Format.TEXT,
    ".log": Format.TEXT,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xhtml": Format.HTML,
    ".eml": Format.MAIL,
    ".rss": Format.FEED,
    ".atom": Format.FEED,
}

# First bytes (file(1) magic) and what they are, in the words of a message.
_BINARY = (
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "compressed twice"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image, a sound or a video"),
    (b"OggS", "a sound or a video"),
    (b"ID3", "a sound"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a database"),
)
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))
_LARGEST_SHARE_OF_CONTROL = 0.05

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_FEED_START = re.compile(r"(<\?xml[^>]*>|<!--.*?-->|<\?[^>]*>|<!DOCTYPE[^>]*>|\s)*<(rss|feed|rdf:RDF|\w+:feed)\b", re.S)
_HTML_START = re.compile(r"\s*<(!doctype html|html|head|body|\?xml|!--|[a-z][a-z0-9]*[\s/>])", re.I)
_HEADER = re.compile(r"(?:>?From .*\n)?(?:[A-Za-z][A-Za-z0-9-]*:.*\n(?:[ \t].*\n)*)+\s*\n?")
_MAIL_HEADERS = re.compile(r"^(?:message-id|received|return-path|mime-version|from|delivered-to):", re.I | re.M)
_JSON_FEED = re.compile(r'"version"\s*:\s*"https?:(?:\\?/){2}jsonfeed\.org')


def format_of(name: str, head: bytes) -> Format:
    """Return what the file is, by its name and its first bytes (decompressed). Raises UnreadableFormat."""
    _refuse_binary(head)
    known = _BY_SUFFIX.get(PurePath(name.removesuffix(".gz")).suffix.lower())
    if known is not None:
        return known
    text = decode(head)
    stripped = text.lstrip()
    if stripped.startswith("{"):
        return Format.FEED if _JSON_FEED.search(text) and not _is_json_line(stripped) else Format.JSON_LINES
    if stripped.startswith("[") and PurePath(name.removesuffix(".gz")).suffix.lower() == ".json":
        raise UnreadableFormat("is a JSON array where JSON lines are read, one object a line")
    if _FEED_START.match(text):
        return Format.FEED
    if _HTML_START.match(text):
        return Format.HTML
    header = _HEADER.match(text.replace("\r\n", "\n"))
    if header and len(_MAIL_HEADERS.findall(header[0])) > 1:
        return Format.MAIL
    return Format.TEXT


def unicode_encoding(head: bytes) -> str | None:
    """Return the Unicode encoding that the first bytes show by a mark or by where their zeros stand."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd * 5 > len(head) and even * 20 <= odd:
        return "utf-16-le"
    if even * 5 > len(head) and odd * 20 <= even:
        return "utf-16-be"
    return None


def decode(content: bytes) -> str:
    """Return the text of the bytes: as their mark says, as UTF-8, or else as Windows-1252 (WHATWG's fallback)."""
    encoding = unicode_encoding(content[:4096])
    if encoding is not None:
        return content.decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        # The head of a longer text may end within a character.
        if error.end == len(content) and error.start > 0 and len(content) - error.start < 4:
            return content.decode(errors="replace")
        return content.decode("cp1252", "replace")


def read_content(content: bytes, kind: Format, name: str) -> list[Document]:
    """Return the documents of a whole file that is not JSON lines. Raises UnreadableFormat."""
    if kind is Format.HTML:
        page = html_to_text(content)
        return [Document(id=name, text=page.text, title=page.title, language=page.language)]
    if kind is Format.MAIL:
        try:
            return [_mail(content, name)]
        except RecursionError:  # parts in parts in parts: made to hold up what comes after it
            raise UnreadableFormat("has parts nested too deeply to be read") from None
    if kind is Format.FEED:
        return _feed(content)
    return [Document(id=name, text=decode(content))]


def _feed(content: bytes) -> list[Document]:
    try:
        return [entry.document() for entry in parse_feed(content, name="the file")]
    except SourceError as error:
        raise UnreadableFormat(str(error).removeprefix("the file ")) from error


def _mail(content: bytes, name: str) -> Document:
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = [message.get_body(("plain", "html")), *message.iter_attachments()] if message.is_multipart() else [message]
    texts = [_text_of(part) for part in parts if isinstance(part, EmailMessage)]
    return Document(
        id=name,
        text="\n\n".join(filter(None, texts)),
        title=_header(message, "subject"),
        author=_header(message, "from"),
        external_id=_header(message, "message-id"),
        published_at=_date(_header(message, "date")),
    )


def _text_of(part: EmailMessage) -> str:
    if part.get_content_type() == "message/rfc822":
        return "\n\n".join(_text_of(inner) for inner in part.iter_parts() if isinstance(inner, EmailMessage))
    if part.get_content_maintype() != "text":
        return ""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        text = payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        text = decode(payload)
    text = text.replace("\r\n", "\n")
    return html_to_text(text).text if part.get_content_subtype() == "html" else text.strip()


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


def _refuse_binary(head: bytes) -> None:
    for mark, what in _BINARY:
        if head.startswith(mark):
            raise UnreadableFormat(f"is {what}, which is not read")
    if head[_TAR_MARK_AT:].startswith(_TAR_MARK):
        raise UnreadableFormat("is a tar archive, which is not read")
    if unicode_encoding(head) is not None:
        return
    control = len(head) - len(head.translate(None, _CONTROL))
    if control > len(head) * _LARGEST_SHARE_OF_CONTROL:
        raise UnreadableFormat("is binary, not text")


def _is_json_line(text: str) -> bool:
    """Return whether the first line is an object of its own, as in JSON lines."""
    line = text.partition("\n")[0].rstrip()
    return line.endswith("}") and '"text"' in line and '"items"' not in line
