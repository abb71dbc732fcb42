"""What a file is."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePath

from sources.parsing.decoding import decode, unicode_encoding


class Format(StrEnum):
    """What can be read."""

    JSON_LINES = "JSON lines"
    TEXT = "text"
    HTML = "HTML"
    MAIL = "mail"
    FEED = "feed"
    WEB_PAGE = "web page"
    """HTML of which the main text is wanted: no file is taken for one."""


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

# Possessive (*+): what stands before the first element can be read as a sequence of these in very many ways.
_FEED_START = re.compile(r"(?:<!--.*?-->|<\?[^>]*>|<!DOCTYPE[^>]*>|\s)*+<(?:rss|feed|rdf:RDF|\w+:feed)\b", re.S)
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
