"""Logs hold no term, no name and no crawled text, whoever writes them."""

from __future__ import annotations

import ast
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from core.errors import SourceBroken
from core.logs import ALLOWED_KEYS, configure_logs, logger

MARKER = "marker-night-heron"
ROOT = Path(__file__).parent.parent
ROOMS = {"core", "matchers", "sources", "watchlists", "alerting", "api", "monitor"}
LOGGING = {"bind", "info", "warning", "error"}


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = threading.excepthook, sys.unraisablehook
    yield
    logging.captureWarnings(False)
    threading.excepthook, sys.unraisablehook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_identifiers_and_numbers_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    logger().info("a page was read", source_id="src_1", documents=3)
    (line,) = lines(capsys)
    assert line["event"] == "a page was read"
    assert line["source_id"] == "src_1"
    assert line["documents"] == 3


def test_a_key_that_is_not_allowed_is_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    logger().info("a page was read", text=MARKER)
    (line,) = lines(capsys)
    assert line["text"] == "[withheld]"


def test_no_key_that_the_code_logs_is_withheld() -> None:
    used: set[str] = set()
    for path in ROOT.glob("*/**/*.py"):
        code = path.read_text("utf-8")
        if path.relative_to(ROOT).parts[0] in ROOMS and "import logger" in code:
            for call in ast.walk(ast.parse(code)):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in LOGGING:
                    used |= {str(keyword.arg) for keyword in call.keywords}
    assert {"source_id", "canary_id"} <= used
    assert used - {"exc_info"} <= ALLOWED_KEYS


def test_an_exception_of_another_library_is_written_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    try:
        raise ValueError(MARKER)
    except ValueError as error:
        logger().error("a source failed unexpectedly", exc_info=error)
    (line,) = lines(capsys)
    assert line["error_type"] == "ValueError"
    assert str(line["error_place"]).startswith("test_logs.py:")
    assert MARKER not in json.dumps(line)


def test_our_own_errors_are_written_with_their_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    logger().warning("a source cannot be read", exc_info=SourceBroken("the answer is no feed"))
    (line,) = lines(capsys)
    assert line["error"] == "the answer is no feed"


def test_records_of_other_libraries_keep_only_their_name_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    logging.getLogger("other.library").warning("saw %s", MARKER, extra={"marker": MARKER})
    (line,) = lines(capsys)
    assert line["logger"] == "other.library"
    assert line["level"] == "warning"
    assert MARKER not in json.dumps(line)


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("WARNING")
    logger().info("a page was read")
    assert lines(capsys) == []


WRITTEN_BY_PYTHON = """
import threading, warnings
from core.logs import ALLOWED_KEYS, configure_logs

class Late:
    def __del__(self):
        raise ValueError(MARKER)

def fail():
    raise ValueError(MARKER)

MARKER = "marker-night-heron"
configure_logs("INFO")
warnings.warn(MARKER)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Late()
"""


def test_what_python_writes_itself_is_withheld_too() -> None:
    finished = subprocess.run(
        [sys.executable, "-W", "default", "-c", WRITTEN_BY_PYTHON],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert MARKER not in finished.stderr
    warning, thread, late = map(json.loads, finished.stderr.splitlines())
    assert warning["logger"] == "py.warnings"
    assert (thread["event"], thread["error_type"]) == ("an error ended a thread", "ValueError")
    assert (late["event"], late["error_type"]) == ("an error came too late to be raised", "ValueError")
