"""Bytes to text."""

from __future__ import annotations

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


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
