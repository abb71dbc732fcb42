"""Runs the real program, as people run it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.cli import main

LEAKWATCH = Path(sys.executable).parent / "leakwatch"
LONGEST_RUN_SECONDS = 60


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
    outcome = run_forked(arguments, folder=folder, environment={**os.environ, **environment})
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


def run_forked(
    arguments: Sequence[object], *, folder: Path, environment: Mapping[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run leakwatch to its end and return what came of it. Its process is forked from one that has everything
    imported already, as that takes longer than most of what commands do."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.warm_service"])
    words = tuple(map(str, arguments))
    with tempfile.TemporaryDirectory() as directory:
        streams = [Path(directory, name) for name in ("stdin", "stdout", "stderr")]
        for stream in streams:
            stream.write_bytes(given if stream.name == "stdin" else b"")
        process = processes.Process(target=_run, args=(words, folder, dict(environment), streams))
        process.start()
        process.join(LONGEST_RUN_SECONDS)
        process.kill()
        process.join()
        written, said = (stream.read_bytes().decode() for stream in streams[1:])
    assert process.exitcode is not None
    return subprocess.CompletedProcess(("leakwatch", *words), process.exitcode, written, said)


def _run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[Path]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, stream in enumerate(streams):
        os.dup2(os.open(stream, os.O_RDWR), descriptor)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  # multiprocessing has put nothing in its place
    sys.argv = ["leakwatch", *arguments]
    main()


def reading_processes(owner: int) -> list[int]:
    """Return the processes that read for this one."""
    children = " ".join(path.read_text() for path in Path(f"/proc/{owner}/task").glob("*/children")).split()
    return [int(child) for child in children if b"reading_process" in Path(f"/proc/{child}/cmdline").read_bytes()]
