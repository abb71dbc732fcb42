"""Whether the innermost loops run in machine code.

They do where numba is installed (``leakwatch[fast]``), once they are loaded. The answers are the same. Loading takes a
few seconds once on a machine and about one later, so it is worth it only for those who read much: it happens beside
the work when so many documents were looked at, or at once by :func:`load`.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from types import ModuleType
from typing import Any

import numpy as np

from matchers.hashing import Places

Loop = Callable[..., Any]

WORTH_LOADING_FROM = 50_000
"""Documents. Machine code saves about a hundredth of a millisecond on each."""

_compiled: ModuleType | None = None
_seen_count = 0


def compiled() -> ModuleType | None:
    """Return :mod:`matchers.kernels.loops` where it is loaded."""
    return _compiled


def load() -> bool:
    """Load the machine code, and return whether there is some."""
    global _compiled
    try:
        from matchers.kernels import loops as module
    except ImportError:
        return False
    _compiled = module
    return True


def note_documents(count: int) -> None:
    """Load the machine code beside the work as soon as so many documents were noted that it is worth it."""
    global _seen_count
    was_worth_it = _seen_count >= WORTH_LOADING_FROM
    _seen_count += count
    if _seen_count >= WORTH_LOADING_FROM and not was_worth_it and _compiled is None:
        # Not a daemon: a process that ended while the compiler runs would be killed by it.
        Thread(target=load, name="leakwatch-kernels").start()


def written(loop: Loop, *arguments: object) -> Places:
    """Return the three columns that a compiled loop writes, in an array that it filled."""
    found = np.empty((3, 64), dtype=np.int64)
    while (count := loop(found, *arguments)) > found.shape[1]:
        found = np.empty((3, count), dtype=np.int64)
    return found[:, :count]
