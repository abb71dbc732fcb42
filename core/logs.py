"""Structured logs, one JSON object a line on stderr, that cannot hold a term, a name or crawled text.

An event is a fixed sentence in the code; what goes with it must be named in ``ALLOWED_KEYS``. Anything else
is replaced by ``[withheld]``. An exception is written as its type and place, without its message, unless the
type is one of ours: our messages are written to be shown. Records of other libraries keep only the logger's
name, the level and the exception's type; so do warnings, and errors that end a thread or come too late to be raised,
which Python itself would write out in full.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from core.errors import LeakwatchError

ALLOWED_KEYS = frozenset(
    {
        # structlog's own
        "event", "level", "timestamp", "logger",
        # identifiers
        "community_id", "watchlist_id", "term_id", "source_id", "destination_id", "delivery_id", "incident_id",
        "alert_id", "canary_id", "request_id", "key_id", "kind", "name_of_setting",
        # numbers and enumerations
        "documents", "alerts", "matches", "duration_seconds", "status", "method", "route", "attempts", "rows",
        "state", "broken_link", "revision", "terms", "more", "host", "port", "signal",
        # errors
        "error", "error_type", "error_place",
    }
)  # fmt: skip
WITHHELD = "[withheld]"


def configure_logs(level: str) -> None:
    """Make every logger of this process, ours and other libraries', write safe JSON lines to stderr."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_exception,
            withhold,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Relay()]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.captureWarnings(True)
    threading.excepthook = lambda lost: logger().error("an error ended a thread", exc_info=lost.exc_value)
    sys.unraisablehook = lambda lost: logger().error("an error came too late to be raised", exc_info=lost.exc_value)


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger; bind identifiers to it with ``.bind(source_id=…)``."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return bound


def describe_exception(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn ``exc_info`` into a type, a place, and the message only where it is ours."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)
        if frames:
            event["error_place"] = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"
        if isinstance(error, LeakwatchError):
            event["error"] = str(error)
    return event


def withhold(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that is not allowed."""
    return {key: value if key in ALLOWED_KEYS else WITHHELD for key, value in event.items()}


class _Relay(logging.Handler):
    """Passes on that another library logged something, and nothing of what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        write = {logging.CRITICAL: "critical", logging.ERROR: "error", logging.WARNING: "warning"}
        getattr(structlog.get_logger(), write.get(record.levelno, "info"))(
            "another library logged", logger=record.name, exc_info=error
        )
