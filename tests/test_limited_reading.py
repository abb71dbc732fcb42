"""What strangers wrote is read in a process of its own, with limits for it alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import BeyondLimits, read_alone, read_within_limits
from tests.conftest import REPOSITORY
from tests.programs import reading_processes

FEED = b'<rss version="2.0"><channel><item><guid>%d</guid><title>x</title></item></channel></rss>'
HANGING = b'<rss version="2.0"><channel><item><author>' + b"a" * 160_000 + b"</author></item></channel></rss>"
OWNER = """
import sys
from sources.parsing.formats import Format
from sources.parsing.limited_reading import read_within_limits

read_within_limits(b"<rss version='2.0'><channel/></rss>", Format.FEED, name="feed", seconds=5)
print("read", flush=True)
sys.stdin.read()
"""


def ids(content: bytes) -> list[str]:
    return [document.id for document in read_within_limits(content, Format.FEED, name="feed", seconds=1)]


def test_one_process_serves_all_and_each_content_has_limits_of_its_own() -> None:
    assert ids(FEED % 1) == ["1"]
    before = reading_processes(os.getpid())
    with ThreadPoolExecutor(8) as pool:
        hanging = pool.submit(ids, HANGING)
        assert list(pool.map(ids, [FEED % number for number in range(40)])) == [[str(number)] for number in range(40)]
        with pytest.raises(BeyondLimits, match=r"^takes longer than 1 seconds to read$"):
            hanging.result()
    assert reading_processes(os.getpid()) == before
    assert len(before) == 1


def test_a_process_that_died_is_replaced() -> None:
    assert ids(FEED % 1) == ["1"]
    (process,) = reading_processes(os.getpid())
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert ids(FEED % 2) == ["2"]
    assert reading_processes(os.getpid()) != [process]


def test_the_process_ends_with_its_owner_however_that_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "read\n"
        (process,) = reading_processes(owner.pid)
        owner.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{process}").exists()


def test_a_reader_is_told_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKWATCH_KEY", "planted")
    assert ids(FEED % 1) == ["1"]
    (process,) = reading_processes(os.getpid())
    assert Path(f"/proc/{process}/environ").read_bytes() == b""


def test_what_reading_cost_is_told() -> None:
    documents, cost = read_alone(FEED % 1, Format.FEED, name="feed", seconds=5, url=None, content_type=None)
    assert len(documents) == 1
    assert 0 < cost.seconds < 2
    assert 0 < cost.megabytes < 256


def test_a_content_that_is_none_is_said_so_in_words() -> None:
    with pytest.raises(UnreadableFormat, match=r"^is not a feed$"):
        ids(b"<html></html>")
