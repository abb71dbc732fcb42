"""Measures work by processor time, which other processes on the machine hardly change."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_SECONDS = 0.5
"""What takes so long is measured twice only: what disturbs a run is a small part of it."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the least processor time, in seconds, of three runs, or of two long ones, without rubbish
    collection."""
    with without_collection():
        return least_seconds(work)


@contextmanager
def without_collection() -> Iterator[None]:
    """Leave out rubbish collection, whose time grows with everything else that a test process holds."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def least_seconds(work: Callable[[], object]) -> float:
    """Return the least processor time, in seconds, of three runs, or of two long ones."""
    least = min(_once(work), _once(work))
    return min(least, _once(work)) if least < LONG_SECONDS else least


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
