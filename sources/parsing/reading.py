"""Files, directories and streams to documents: for the source ``files`` and for every ``--input``.

What cannot be read is given as an :class:`Unreadable` in its place, and reading goes on.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from core.types import Document
from sources.parsing.decoding import decode, unicode_encoding
from sources.parsing.formats import Format, UnreadableFormat, format_of
from sources.parsing.limited_reading import PARSING_SECONDS, read_within_limits

LARGEST_FILE_BYTES = 50_000_000
_HEAD_BYTES = 4096
_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
Stream: TypeAlias = "io.BufferedReader[Any] | gzip.GzipFile"

_OPTIONAL = ("title", "url", "author", "source", "language")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could not be read, or not wholly: where, and what is wrong with it. Quotes nothing. ``may_pass``:
    the fault is not in what is read, and the same may be read another time."""

    where: str
    sentence: str
    may_pass: bool = False

    def __str__(self) -> str:
        return f"{self.where} {self.sentence}"


class Step(NamedTuple):
    """What came next, and where reading goes on after it: ``offset`` in decompressed bytes (JSON lines), ``number``
    of lines or documents so far."""

    offset: int
    number: int
    item: Document | Unreadable


def read_documents(
    source: Path | BinaryIO, *, name: str | None = None, max_bytes: int = LARGEST_FILE_BYTES
) -> Iterator[Document | Unreadable]:
    """Yield the documents of a file, of a directory (with all below it, in alphabetical order) or of a stream.

    JSON lines without id take their line number, under a directory after the file's name. ``name`` is what a stream
    is called. ``max_bytes`` bounds a file after decompression and a line of JSON lines; JSON lines may be longer.
    """
    if not isinstance(source, Path):
        yield from (step.item for step in _read_stream(source, name or "standard input", max_bytes))
    elif not source.is_dir():
        yield from (step.item for step in read_file(source, name or source.name, max_bytes=max_bytes))
    else:
        for found in files_under(source):
            if isinstance(found, Unreadable):
                yield found
                continue
            relative, path = found
            for step in read_file(path, relative, max_bytes=max_bytes, number_prefix=f"{relative}:"):
                yield step.item


def files_under(directory: Path) -> Iterator[tuple[str, Path] | Unreadable]:
    """Yield the relative name and the path of every file below, in a stable order, without hidden ones and without
    links that lead out; and last the directories that cannot be listed."""
    root = directory.resolve()
    unlisted: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unlisted.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and os.path.isfile(path) and path.resolve().is_relative_to(root):  # noqa: PTH113  # Path.is_file raises
                yield path.relative_to(root).as_posix(), path
    for error in unlisted:
        relative = Path(error.filename).relative_to(root).as_posix()
        yield Unreadable(relative, f"cannot be listed ({type(error).__name__})", may_pass=True)


def read_file(
    path: Path,
    name: str,
    *,
    offset: int = 0,
    number: int = 0,
    max_bytes: int = LARGEST_FILE_BYTES,
    number_prefix: str = "",
    growing: bool = False,
) -> Iterator[Step]:
    """Yield what follows an earlier step with this ``offset`` and ``number``. ``growing``: a last line that has no end
    yet and says nothing is left for later."""
    try:
        with path.open("rb") as file:
            yield from _read_stream(file, name, max_bytes, offset, number, number_prefix, growing)
    except OSError as error:
        yield Step(offset, number, Unreadable(name, f"cannot be read ({type(error).__name__})", may_pass=True))


def _read_stream(
    raw: BinaryIO,
    name: str,
    max_bytes: int,
    offset: int = 0,
    number: int = 0,
    number_prefix: str = "",
    growing: bool = False,
) -> Iterator[Step]:
    stream = _decompressed(raw)
    try:
        head = stream.peek(_HEAD_BYTES)[:_HEAD_BYTES]
        kind = format_of(name, head)
        if kind is Format.JSON_LINES and unicode_encoding(head) in (None, "utf-8-sig"):
            for step in _read_lines(stream, name, max_bytes, offset, number, number_prefix, growing):
                offset, number, _ = step
                yield step
            return
        content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise UnreadableFormat(f"is larger than {max_bytes} bytes")
        if kind is Format.JSON_LINES:
            lines = io.BufferedReader(io.BytesIO(decode(content).encode()))
            yield from _read_lines(lines, name, max_bytes, offset, number, number_prefix, growing)
            return
        for position, document in enumerate(
            read_within_limits(content, kind, name=name, seconds=PARSING_SECONDS), start=1
        ):
            if position > number:
                yield Step(0, position, document)
    except UnreadableFormat as error:
        yield Step(offset, number, Unreadable(name, str(error)))
    except (gzip.BadGzipFile, EOFError, zlib.error):
        after = f" after line {number}" if number else ""
        yield Step(offset, number, Unreadable(name, f"is damaged{after}: it cannot be decompressed"))


def _decompressed(raw: BinaryIO) -> Stream:
    stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    if stream.peek(len(_GZIP)).startswith(_GZIP):
        return gzip.GzipFile(fileobj=stream)
    return stream


def _read_lines(
    stream: Stream,
    name: str,
    max_bytes: int,
    offset: int,
    number: int,
    number_prefix: str,
    growing: bool,
) -> Iterator[Step]:
    if offset:
        stream.seek(offset - 1)
        if stream.read(1) != b"\n":
            number -= 1  # the last line had no end then: what follows belongs to it
    while line := stream.readline(max_bytes):
        number += 1
        offset += len(line)
        where = f"{name}, line {number}"
        ended = line.endswith(b"\n")
        if not ended and len(line) == max_bytes:
            offset += _skip_line(stream, max_bytes)
            yield Step(offset, number, Unreadable(where, f"is longer than {max_bytes} bytes"))
            continue
        if line.isspace():
            continue
        if number == 1:
            line = line.removeprefix(_UTF8_MARK)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode(errors="replace")
            if ended or not growing:
                yield Step(offset, number, Unreadable(where, "holds bytes that are not UTF-8; they were replaced"))
        item = _document(text, number_prefix, number, where)
        if growing and not ended and isinstance(item, Unreadable):
            return
        yield Step(offset, number, item)


def _skip_line(stream: Stream, max_bytes: int) -> int:
    """Read to the end of the line; return how many bytes that were."""
    skipped = 0
    while rest := stream.readline(max_bytes):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped


def _document(line: str, number_prefix: str, number: int, where: str) -> Document | Unreadable:
    """Return the document of a line of JSON lines (docs: "Documents")."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(where, "is not JSON")
    if type(row) is not dict or type(row.get("text")) is not str:
        return Unreadable(where, "is not an object with a text")
    if "\\ud" in line or "\\uD" in line:
        row = {key: _well_formed(value) for key, value in row.items()}
    identifier = row.get("id")
    if identifier is None:
        identifier = f"{number_prefix}{number}"
    elif type(identifier) is not str:
        if type(identifier) is not int:
            return Unreadable(where, "has an id that is not a string")
        identifier = str(identifier)
    for key in _OPTIONAL:
        value = row.get(key)
        if value is not None and type(value) is not str:
            return Unreadable(where, f"has a {key} that is not a string")
    published_at = row.get("published_at")
    if published_at is not None:
        published_at = _moment(published_at)
        if published_at is None:
            return Unreadable(where, "has a published_at that is not a time (ISO 8601)")
    return Document(
        id=identifier,
        text=row["text"],
        source=row.get("source"),
        url=row.get("url"),
        author=row.get("author"),
        title=row.get("title"),
        language=row.get("language"),
        published_at=published_at,
    )


def _well_formed(value: object) -> object:
    """Return a string without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
