"""Where commands write to: a file, a pipe or a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from core.errors import LeakwatchError

if TYPE_CHECKING:
    from rich.console import RenderableType

STANDARD_OUTPUT = "standard output"

NOBODY_READS = 141
"""What a shell reports for a program that a closed pipe ended."""


class Lines:
    """Lines of text on their way out. Raises LeakwatchError where they cannot be written."""

    def __init__(self, stream: TextIO, name: str, *, is_terminal: bool = False) -> None:
        """``is_terminal``: a person reads along on standard output."""
        self.is_terminal = is_terminal
        self._stream = stream
        self._name = name

    def write(self, line: str) -> None:
        """Write the line and a line feed."""
        with written(self._stream, self._name):
            self._stream.write(line + "\n")

    def show(self, view: RenderableType) -> None:
        """Show something made for a terminal, above a progress bar that may be there."""
        from rich.console import Console

        with written(self._stream, self._name):
            Console(highlight=False).print(view)

    def flush(self) -> None:
        """Hand on what was written so far."""
        with written(self._stream, self._name):
            self._stream.flush()


@contextmanager
def written(stream: TextIO, name: str) -> Iterator[None]:
    """Turn the errors of writing to the stream into LeakwatchError; a pipe that nobody reads ends the program."""
    try:
        yield
    except OSError as error:
        # What is left in the buffer must not fail once more when the stream is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(NOBODY_READS) from None
        raise LeakwatchError(f"{name} cannot be written ({error.strerror})") from None


@contextmanager
def open_lines(output: str) -> Iterator[Lines]:
    """Open the file, or standard output for ``-``, for the time of the block; all is written at its end.

    Raises LeakwatchError where it cannot be opened or written.
    """
    if output == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        lines = Lines(sys.stdout, STANDARD_OUTPUT, is_terminal=sys.stdout.isatty())
        yield lines
        lines.flush()
        return
    try:
        stream = Path(output).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115  # closed below
    except OSError as error:
        raise LeakwatchError(f"{output} cannot be written ({error.strerror})") from None
    with stream:
        lines = Lines(stream, output)
        yield lines
        lines.flush()
