"""Where commands write to: a file, a pipe or a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer
from rich.console import Console, RenderableType

from core.errors import LeakwatchError

NOBODY_READS = 141
"""What a shell reports for a program that a closed pipe ended."""


class Lines:
    """Lines of text on their way out. Raises LeakwatchError where they cannot be written."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, line: str) -> None:
        """Write the line and a line feed."""
        with self._guarded():
            self._stream.write(line + "\n")

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads along."""
        return self._stream.isatty()

    def show(self, view: RenderableType) -> None:
        """Write something made for a terminal."""
        with self._guarded():
            Console(file=self._stream, highlight=False).print(view)

    def flush(self) -> None:
        """Hand on what was written so far."""
        with self._guarded():
            self._stream.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            # What is left in the buffer must not fail once more when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(NOBODY_READS) from None
        except OSError as error:
            raise LeakwatchError(f"{self._name} cannot be written ({error.strerror})") from None


@contextmanager
def open_lines(output: str) -> Iterator[Lines]:
    """Open the file, or standard output for ``-``, for the time of the block; all is written at its end.

    Raises LeakwatchError where it cannot be opened or written.
    """
    if output == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        lines = Lines(sys.stdout, "standard output")
        yield lines
        lines.flush()
        return
    try:
        stream = Path(output).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115  # closed below
    except OSError as error:
        raise LeakwatchError(f"{output} cannot be written ({error.strerror})") from None
    lines = Lines(stream, output)
    try:
        yield lines
        lines.flush()
    finally:
        _close(stream)


def _close(stream: TextIO) -> None:
    try:
        stream.close()
    except OSError:
        # Closing writes what is left: it fails again where flushing did, and that was raised already.
        return
