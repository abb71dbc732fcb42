"""The measurement itself. Every number of terms is measured in a process of its own, in one thread, so that what one
remembers does not help the next."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from types import FrameType
from typing import ParamSpec, TypeVar

from core.clock import Clock
from core.settings import load_settings
from core.types import Document
from matchers import kernels
from monitor.bench.texts import generated_handles, generated_posts
from monitor.bench.ways import ENGINE, Look, Way, ways
from monitor.parts import Parts, build_parts

P = ParamSpec("P")
T = TypeVar("T")

_SINGLE_POSTS = 2000
_WARM_UP_POSTS = 64
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast a way was: medians over the rounds. ``megabytes`` are 10^6 bytes of UTF-8."""

    posts_per_second: float
    megabytes_per_second: float
    post_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayResult:
    """What came of a way. ``skipped`` is why there is no speed."""

    way: str
    build_seconds: float | None = None
    speed: Speed | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeResult:
    """What was measured with one number of terms. ``repeated`` is the engine on the posts that it saw right before;
    ``p50_seconds`` and ``p99_seconds`` are what one post takes it in a call of its own."""

    term_count: int
    ways: tuple[WayResult, ...]
    repeated: Speed
    p50_seconds: float
    p99_seconds: float
    single_count: int
    uses_numba: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory in bytes: what the engine's index and first posts added, and the most the process had."""

    index_bytes: int
    peak_bytes: int


def in_new_process(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return what the work returns in a fresh process, whose libraries may use one thread."""
    for name in _THREAD_COUNTS:
        os.environ[name] = "1"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(work, *arguments, **named).result()


def measure(handles: Sequence[str], texts: Sequence[str], *, rounds: int, seconds: float) -> SizeResult:
    """Measure all ways on the same posts, in rounds that take turns; every round goes through other posts, each
    way through as many of them as its share of ``seconds`` allows. Takes at least ``rounds`` + 1 texts."""
    parts = build_parts(load_settings())
    clock = parts.clock
    kernels.load()
    _warm_up(parts)
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    single_count = min(_SINGLE_POSTS, len(documents) // (rounds + 1))
    singles, others = documents[:single_count], documents[single_count:]
    share = len(others) // rounds
    all_ways = ways(parts)
    way_seconds = seconds / len(all_ways)
    built: dict[str, tuple[Way, Look]] = {}
    results = {}
    for way in all_ways:
        result, look = _built(way, handles, documents[:1], clock, limit=None if way.name == ENGINE else way_seconds)
        results[way.name] = result
        if look is not None:
            built[way.name] = way, look
    runs: dict[str, list[Run]] = {name: [] for name in built}
    repeated = []
    for number in range(rounds):
        posts = others[number * share : (number + 1) * share]
        for name, (way, look) in built.items():
            run = _run(look, posts, way.together, clock, seconds=way_seconds / rounds)
            runs[name].append(run)
            if name == ENGINE:
                seen = posts[: run.post_count]
                repeated.append(_run(look, seen, way.together, clock, seconds=way_seconds / rounds))
    durations = _one_by_one(built[ENGINE][1], singles, clock, seconds=way_seconds)
    return SizeResult(
        term_count=len(handles),
        ways=tuple(
            WayResult(
                way=name,
                build_seconds=result.build_seconds,
                skipped=result.skipped,
                speed=_speed(runs[name]) if name in runs else None,
            )
            for name, result in results.items()
        ),
        repeated=_speed(repeated),
        p50_seconds=median(durations),
        p99_seconds=durations[min(len(durations) - 1, len(durations) * 99 // 100)],
        single_count=len(durations),
        uses_numba=kernels.compiled() is not None,
    )


def measure_memory(handles: Sequence[str], texts: Sequence[str]) -> Memory | None:
    """Return the memory that the engine takes; None where the system does not tell (it has no ``/proc``)."""
    if not _STATUS.exists():
        return None
    parts = build_parts(load_settings())
    kernels.load()
    _warm_up(parts)
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    before = _status_bytes("VmRSS")
    look = ways(parts)[0].build(handles)
    look(documents)
    return Memory(index_bytes=_status_bytes("VmRSS") - before, peak_bytes=_status_bytes("VmHWM"))


@dataclass(frozen=True, slots=True)
class Run:
    """How many posts were gone through, with how many bytes, in which time."""

    post_count: int
    byte_count: int
    seconds: float


def _built(
    way: Way, handles: Sequence[str], first: Sequence[Document], clock: Clock, *, limit: float | None
) -> tuple[WayResult, Look | None]:
    start = clock.monotonic()
    step = f"{len(handles):,} terms were not made ready"
    try:
        with _time_limit(limit):
            look = way.build(handles)
            build_seconds = clock.monotonic() - start
            step = "one post was not looked through"
            look(first)
    except ImportError as error:
        package = str(error.name).replace("_", "-")
        return WayResult(way=way.name, skipped=f"{package} is not installed: pip install {package}"), None
    except _OutOfTime:
        return WayResult(way=way.name, skipped=f"{step} within {limit:.2g} s"), None
    return WayResult(way=way.name, build_seconds=build_seconds), look


def _run(look: Look, posts: Sequence[Document], together: int, clock: Clock, *, seconds: float) -> Run:
    post_count, start = 0, clock.monotonic()
    elapsed = 0.0
    while post_count < len(posts) and elapsed < seconds:
        batch = posts[post_count : post_count + together]
        look(batch)
        post_count += len(batch)
        elapsed = clock.monotonic() - start
    return Run(post_count, sum(len(post.text.encode()) for post in posts[:post_count]), elapsed)


def _one_by_one(look: Look, posts: Sequence[Document], clock: Clock, *, seconds: float) -> list[float]:
    """Return what each post took, in seconds, the shortest first."""
    durations: list[float] = []
    end = clock.monotonic() + seconds
    for post in posts:
        start = clock.monotonic()
        look([post])
        now = clock.monotonic()
        durations.append(now - start)
        if now > end:
            break
    return sorted(durations)


def _speed(runs: Sequence[Run]) -> Speed:
    return Speed(
        posts_per_second=median(run.post_count / run.seconds for run in runs),
        megabytes_per_second=median(run.byte_count / run.seconds for run in runs) / 1e6,
        post_count=sum(run.post_count for run in runs),
    )


def _warm_up(parts: Parts) -> None:
    """Load and compile what is needed once a process, which no way is charged for."""
    handles = generated_handles(100, lambda _: True, seed=1)
    posts = generated_posts(_WARM_UP_POSTS, handles, seed=2)
    ways(parts)[0].build(handles)([Document(id=str(number), text=text) for number, text in enumerate(posts)])


class _OutOfTime(Exception):
    """A block took longer than it may."""


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise _OutOfTime in the block once the time is over. For the main thread of a process."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _status_bytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.M)
    return int(found[1]) * 1024 if found else 0
