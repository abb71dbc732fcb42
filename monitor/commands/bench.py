"""``leakwatch bench``: the engine's speed and memory beside what one would write instead, in one run."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.errors import UsageError
from core.settings import load_settings
from core.types import Catalogue, JsonObject, Term, TermKind
from monitor.bench.measuring import Memory, SizeResult, WayResult, in_new_process, measure, measure_memory
from monitor.bench.texts import completed_handles, generated_handles, generated_posts, joined
from monitor.bench.ways import ENGINE, PARTIAL_RATIO, ways
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.commands.week import is_ordinary_value
from monitor.findings import json_line
from monitor.parts import Parts, build_parts
from sources.parsing.reading import Unreadable, read_documents

_GENERATED_POST_COUNT = 50_000
_MEMORY_POST_COUNT = 2000
_PACKAGES = ("numpy", "rapidfuzz", "numba", "ahocorasick-rs")


def bench(
    *,
    as_json: bool,
    term_counts: Sequence[int],
    rounds: int,
    seconds: float,
    texts: Sequence[Path],
    characters: int,
    handles: Path | None,
) -> int:
    """Measure and print; return 0. ``seconds`` is for all numbers of terms together; ``characters``, unless it is 0,
    is how long posts are made by joining the texts. Raises UsageError for files that hold too little."""
    parts = build_parts(load_settings())
    watched = _handles(parts, handles, max(term_counts))
    if texts:
        posts = joined([text for path in texts for text in _texts(path)], characters)
    else:
        posts = generated_posts(_GENERATED_POST_COUNT, watched)
    if len(posts) <= rounds:
        raise UsageError(f"{rounds} rounds need at least {rounds + 1} texts, and there are {len(posts)}")
    console = Console(stderr=True)
    results = []
    for count in sorted(set(term_counts)):
        with console.status(f"measuring with {count:,} terms …"):
            chosen = watched[:count]
            memory = in_new_process(measure_memory, chosen, posts[:_MEMORY_POST_COUNT])
            result = in_new_process(measure, chosen, posts, rounds=rounds, seconds=seconds / len(set(term_counts)))
            results.append((result, memory))
    setting: dict[str, str | int | float | bool] = {
        "texts": ", ".join(path.name for path in texts) or "generated",
        "handles": handles.name if handles else "generated",
        "joined_to_characters": characters if texts else 0,
        "post_count": len(posts),
        "mean_characters": round(mean(map(len, posts)), 1),
        "rounds": rounds,
        "seconds": seconds,
        "uses_numba": any(result.uses_numba for result, _ in results),
        "python": platform.python_version(),
        **{name.replace("-", "_"): _version(name) for name in _PACKAGES},
    }
    with written(sys.stdout, STANDARD_OUTPUT):
        if as_json:
            print(json_line({**setting, "sizes": [_object(result, memory) for result, memory in results]}))
        else:
            _show(parts, setting, results)
    return 0


def _texts(path: Path) -> list[str]:
    found = []
    for item in read_documents(path, name=str(path)):
        if isinstance(item, Unreadable):
            raise UsageError(str(item))
        if item.text:
            found.append(item.text)
    return found


def _handles(parts: Parts, path: Path | None, count: int) -> list[str]:
    """Return the handles to watch, without ordinary words: a watchlist has those with a context."""
    index = parts.index(Catalogue())

    def is_usable(handle: str) -> bool:
        try:
            index.check(Term(id="", reference="", watchlist_id="", kind=TermKind.PSEUDONYM, value=handle))
        except UsageError:
            return False
        return not is_ordinary_value(handle)

    if path is None:
        return generated_handles(count, is_usable)
    found = completed_handles(_texts(path), count, is_usable)
    if len(found) < count:
        raise UsageError(f"{path} holds too few handles to make {count:,} of")
    return found


def _object(result: SizeResult, memory: Memory | None) -> JsonObject:
    return {
        "terms": result.term_count,
        "ways": [_way_object(way, result) for way in result.ways],
        "repeated_posts_per_second": round(result.repeated.posts_per_second, 1),
        "one_post": {
            "p50_milliseconds": round(result.p50_seconds * 1000, 4),
            "p99_milliseconds": round(result.p99_seconds * 1000, 4),
            "measured_posts": result.single_count,
        },
        "memory": {"index_bytes": memory.index_bytes, "peak_bytes": memory.peak_bytes} if memory else None,
    }


def _way_object(way: WayResult, result: SizeResult) -> JsonObject:
    if way.speed is None:
        return {"way": way.way, "skipped": way.skipped}
    return {
        "way": way.way,
        "posts_per_second": round(way.speed.posts_per_second, 3),
        "megabytes_per_second": round(way.speed.megabytes_per_second, 6),
        "ratio_to_partial_ratio": _ratio(way, result),
        "build_seconds": way.build_seconds,
        "measured_posts": way.speed.post_count,
    }


def _ratio(way: WayResult, result: SizeResult) -> float | None:
    [reference] = [row.speed for row in result.ways if row.way == PARTIAL_RATIO]
    if way.speed is None or reference is None:
        return None
    return round(way.speed.posts_per_second / reference.posts_per_second, 2)


def _show(
    parts: Parts, setting: dict[str, str | int | float | bool], results: Sequence[tuple[SizeResult, Memory | None]]
) -> None:
    console = Console(highlight=False)
    table = Table("terms", "way", box=None, pad_edge=False)
    for heading in ("posts/s", "MB/s", "× partial_ratio", "ready in", "measured"):
        table.add_column(heading, justify="right")
    for result, _ in results:
        for position, way in enumerate(result.ways):
            size = f"{result.term_count:,}" if position == 0 else ""
            style = "bold" if way.way == ENGINE else ""
            if way.speed is None:
                table.add_row(
                    size,
                    way.way,
                    Text("–", style="dim"),
                )
                continue
            ratio = _ratio(way, result)
            table.add_row(
                size,
                way.way,
                _figure(way.speed.posts_per_second),
                _figure(way.speed.megabytes_per_second),
                "–" if ratio is None else _figure(ratio),
                f"{way.build_seconds:.2f} s",
                f"{way.speed.post_count:,}",
                style=style,
            )
        table.add_section()
    console.print(table)
    console.print()
    engine = Table("terms", box=None, pad_edge=False)
    for heading in ("posts/s", "same posts again", "one post p50", "p99", "index", "peak memory"):
        engine.add_column(heading, justify="right")
    for result, memory in results:
        speed = result.ways[0].speed
        engine.add_row(
            f"{result.term_count:,}",
            _figure(speed.posts_per_second) if speed else "–",
            _figure(result.repeated.posts_per_second),
            f"{result.p50_seconds * 1000:.2f} ms",
            f"{result.p99_seconds * 1000:.2f} ms",
            f"{memory.index_bytes / 1e6:,.0f} MB" if memory else "–",
            f"{memory.peak_bytes / 1e6:,.0f} MB" if memory else "–",
        )
    console.print(engine)
    console.print()
    for known in ways(parts):
        console.print(f"{known.name}: {known.description}")
    for result, _ in results:
        for way in result.ways:
            if way.skipped:
                console.print(f"{way.way} at {result.term_count:,} terms is left out: {way.skipped}")
    console.print()
    numba = "used" if setting["uses_numba"] else "not used"
    made = ", joined to longer posts" if setting["joined_to_characters"] else ""
    console.print(
        f"Texts: {setting['texts']}{made} ({setting['post_count']:,} posts, {setting['mean_characters']} characters "
        f"on average). Handles: {setting['handles']}, without ordinary words. One thread, numba {numba}; "
        f"medians of {setting['rounds']} rounds, in which the ways take turns. Every round goes through other posts, "
        "and a slow way through as many of them as its time allows: posts/s is what that comes to."
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
