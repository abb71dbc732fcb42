"""Files and directories: what is dropped there, and what grows there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SourceBroken
from core.logs import logger
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.reading import LARGEST_FILE_BYTES, Step, Unreadable, files_under, read_file
from sources.polling.listed_items import PAGE_CHARACTERS

PAGE_SIZE = 200

_MARK_BYTES = 1024
# Positions in these are positions in something else: decompressed, or decoded.
_NOT_PLAIN = (b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")


class FilesSettings(BaseModel):
    """Which files are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: Path = Field(
        description="A file, or a directory that is read with all below it: text, HTML, mail (.eml), feeds, "
        "JSON lines, each also compressed (.gz)."
    )
    pattern: str | None = Field(
        None, min_length=1, description="Only files whose name matches, such as *.jsonl or reports/*.txt."
    )
    max_bytes: int = Field(
        LARGEST_FILE_BYTES, gt=0, description="Largest file after decompression; JSON lines may be longer."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far a file was read. ``mark`` is a digest of its beginning and of what stands before ``offset``: the same
    mark in a changed file means that it grew. ``done``: nothing was left at that size and time."""

    size: int = -1
    changed_at: int = -1
    offset: int = 0
    number: int = 0
    mark: str | None = None
    done: bool = False

    @classmethod
    def read(cls, written: Json) -> _Progress:
        return cls(**written) if isinstance(written, Mapping) else cls()  # type: ignore[arg-type]  # as written below

    def written(self) -> JsonObject:
        return {
            "size": self.size,
            "changed_at": self.changed_at,
            "offset": self.offset,
            "number": self.number,
            "mark": self.mark,
            "done": self.done,
        }


class _Paused:
    """Readings of files that stopped at the end of a page, to be gone on with: what is compressed, or parsed whole, has
    no place that can be gone to but by reading all before it. Where one is not there any more, that is done."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._readings: dict[tuple[Path, str, int, _Progress], Iterator[Step]] = {}
        self._lock = Lock()

    def keep(self, path: Path, name: str, max_bytes: int, progress: _Progress, steps: Iterator[Step]) -> None:
        """Keep what follows in the file after this; of too many, the one kept longest is given up."""
        with self._lock:
            self._readings[(path, name, max_bytes, progress)] = steps
            while len(self._readings) > self._at_most:
                del self._readings[next(iter(self._readings))]

    def take(self, path: Path, name: str, max_bytes: int, progress: _Progress) -> Iterator[Step] | None:
        """Return what follows in the file after this, once; None where that was not kept."""
        with self._lock:
            return self._readings.pop((path, name, max_bytes, progress), None)


_paused = _Paused(at_most=4)


class FilesSource:
    """A file or a directory. New files are read, lines added to JSON lines too, and changed files again."""

    kind: ClassVar[str] = "files"
    Settings: ClassVar[type[BaseModel]] = FilesSettings

    def __init__(self, settings: FilesSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what is new, in the order of the files' names; see :class:`core.ports.Source`."""
        return await asyncio.to_thread(self._poll, cursor or {})

    def _poll(self, cursor: JsonObject) -> Page:
        documents: list[Document] = []
        unreadable: list[Unreadable] = []
        progress: dict[str, Json] = {}
        more = False
        unlisted = False
        for found in self._files():
            if isinstance(found, Unreadable):
                self._report(found, alone=False)
                unreadable.append(found)
                unlisted = True
                continue
            name, path = found
            before = _Progress.read(cursor.get(name))
            if not more:
                before = self._read(name, path, before, documents, unreadable)
                more = _is_full(documents)
            progress[name] = before.written()
        if unlisted:  # what is there was not seen, and is not gone
            progress = {**cursor, **progress}
        # Files may never change, but where there are none, the path or the pattern may be wrong.
        return Page(
            documents=tuple(documents),
            cursor=progress,
            more=more,
            gap=f"files, lines or directories that could not be read, or not wholly: {len(unreadable)}"
            if unreadable
            else None,
            silence_is_usual=bool(progress),
        )

    def _files(self) -> Iterator[tuple[str, Path] | Unreadable]:
        path = self._settings.path
        if path.is_dir():
            pattern = self._settings.pattern
            for found in files_under(path):
                if isinstance(found, Unreadable) and found.where == ".":
                    raise SourceBroken(f"its path {found.sentence}")
                if isinstance(found, Unreadable) or pattern is None or PurePosixPath(found[0]).match(pattern):
                    yield found
        elif path.is_file():
            yield path.name, path
        else:
            raise SourceBroken("its path is neither a file nor a directory that can be read")

    def _read(
        self, name: str, path: Path, before: _Progress, documents: list[Document], unreadable: list[Unreadable]
    ) -> _Progress:
        """Add to the documents up to a page, and to what is unreadable; return how far the file was read with that."""
        try:
            status = path.stat()
        except OSError:  # it went away since it was listed
            return before
        now = replace(before, size=status.st_size, changed_at=status.st_mtime_ns)
        max_bytes, steps = self._settings.max_bytes, None
        if now == before:
            if before.done:
                return before
            steps = _paused.take(path, name, max_bytes, before)
        elif before.mark is None or before.mark != _mark(path, before.offset):
            now = replace(now, offset=0, number=0)
        now = replace(now, done=True)
        steps = steps or read_file(path, name, offset=now.offset, number=now.number, max_bytes=max_bytes, growing=True)
        for step in steps:
            now = replace(now, offset=step.offset, number=step.number)
            if isinstance(step.item, Unreadable):
                self._report(step.item, alone=not documents)
                unreadable.append(step.item)
                now = replace(now, done=now.done and not step.item.may_pass)
                continue
            documents.append(self._document(step.item, name))
            if _is_full(documents):
                now = replace(now, done=False, mark=_mark(path, now.offset))
                if now.mark is None:
                    _paused.keep(path, name, max_bytes, now, steps)
                return now
        return replace(now, mark=_mark(path, now.offset))

    def _report(self, unreadable: Unreadable, *, alone: bool) -> None:
        if alone and self._settings.path.is_file() and unreadable.where == self._settings.path.name:
            raise SourceBroken(f"the file {unreadable.sentence}")
        # Without the place: a member's name may be in it.
        logger().warning(
            "a file or directory could not be read, or not wholly", kind=self.kind, error=unreadable.sentence
        )

    def _document(self, document: Document, name: str) -> Document:
        external_id = name if document.id == name else f"{name}:{document.id}"
        return replace(
            document,
            id=f"{self._context.name}:{external_id}",
            source=self._context.name,
            external_id=external_id,
            fetched_at=self._context.clock.now(),
        )


def _is_full(documents: Sequence[Document]) -> bool:
    return len(documents) == PAGE_SIZE or sum(len(document.text) for document in documents) >= PAGE_CHARACTERS


def _mark(path: Path, offset: int) -> str | None:
    """Return a digest of the first bytes and of those before the offset; None where the offset means something else."""
    if offset == 0:
        return None
    try:
        with path.open("rb") as file:
            head = file.read(min(_MARK_BYTES, offset))
            if head.startswith(_NOT_PLAIN):
                return None
            file.seek(max(0, offset - _MARK_BYTES))
            tail = file.read(min(_MARK_BYTES, offset))
    except OSError:
        return None
    return hashlib.blake2b(head + tail, digest_size=12).hexdigest()
