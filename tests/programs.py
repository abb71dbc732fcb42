"""Runs the real program, as people run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEAKWATCH = Path(sys.executable).parent / "leakwatch"


@dataclass
class Program:
    """A running leakwatch program and what it writes."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for(self, wanted: Callable[[str], Any], timeout_seconds: float = 30) -> Any:
        """Return the first truthy answer of ``wanted`` to everything written so far."""
        deadline = time.monotonic() + timeout_seconds
        with self.changed:
            while True:
                if answer := wanted("".join(self.lines)):
                    return answer
                left = deadline - time.monotonic()
                assert left > 0, "".join(self.lines)
                self.changed.wait(left)


@contextmanager
def running(*arguments: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Program]:
    """Run leakwatch for the time of the block; it ends by SIGTERM and must end in order."""
    process = subprocess.Popen(
        [LEAKWATCH, *arguments],
        cwd=folder,
        env={**os.environ, **environment, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    program = Program(process)
    reader = threading.Thread(target=program.follow)
    reader.start()
    try:
        yield program
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
            reader.join()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def leakwatch(*arguments: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run leakwatch to its end, which must be a good one, and return what it wrote."""
    outcome = subprocess.run(
        [LEAKWATCH, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def reading_processes(owner: int) -> list[int]:
    """Return the processes that read for this one."""
    children = " ".join(path.read_text() for path in Path(f"/proc/{owner}/task").glob("*/children")).split()
    return [int(child) for child in children if b"reading_process" in Path(f"/proc/{child}/cmdline").read_bytes()]
