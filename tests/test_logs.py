"""Logs hold no term, no name and no crawled text, whoever writes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.errors import SourceBroken
from core.logs import configure_logs, logger

MARKER = "marker-night-heron"


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
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
