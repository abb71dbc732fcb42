"""Measures work by processor time, which other processes on the machine hardly change."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONG_SECONDS = 0.5
"""What takes so long is measured twice only: what disturbs a run is a small part of it."""


def cpu_seconds(work: Callable[[], object], enough: float = 0) -> float:
    """Return the least processor time, in seconds, of three runs, or of two long ones, without rubbish
    collection. Where one takes less than ``enough``, which is all that is asked, none follows."""
    with without_collection():
        return least_seconds(work, enough)


@contextmanager
def without_collection() -> Iterator[None]:
    """Leave out rubbish collection, whose time grows with everything else that a test process holds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def least_seconds(work: Callable[[], object], enough: float = 0) -> float:
    """Return the least processor time, in seconds, of three runs, or of two long ones. Where one takes less than
    ``enough``, none follows."""
    least = math.inf
    for run in range(3):
        least = min(least, _once(work))
        if least < enough or (run == 1 and least >= LONG_SECONDS):
            break
    return least


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
