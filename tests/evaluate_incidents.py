"""Measures how well copies of one leak join: ``make evaluate-incidents`` (docs/evaluation.md holds the figures).

Pairs of real posts of which one holds much of the other get a leak where both say the same, at a place that is drawn;
posts that have nothing to do with each other get one each. Then all of them go through a store.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from alerting.incidents import raise_alert
from alerting.traces import Trace, trace_of
from core.db.store import SqlStore
from core.ids import new_id
from core.settings import Settings
from core.types import (
    Alert,
    AlertClass,
    AuditEntry,
    Community,
    Document,
    Incident,
    Match,
    Signal,
    Span,
    TermKind,
)
from matchers.fingerprints import Fingerprinter

DICE = random.Random(23)
START = datetime(2026, 11, 21, tzinfo=UTC)
SHINGLER = Fingerprinter(b"evaluation key of thirty-two byte").placed
LEAK_WORDS = 8
CONTAINED = 0.5
UNRELATED_BELOW = 0.02
"""Posts of which less than this stands in the other have nothing to do with each other."""
FOOTER = (
    "\n\n---\n\nI am a bot, and this action was performed automatically. Please contact the moderators of this place "
    "if you have any questions or concerns. Rule 4: no personal information, no links to the profiles of others, no "
    "screenshots with names in them; whoever breaks this rule is banned for ever, and there is no second warning."
)
DOX = "night_heron is Maria Gonzalez, she lives at 12 Quay Street in Harborton"
MOST_STORED = 300
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Text:
    """A text, its words in small letters, and the shingles of five that containment is counted by."""

    text: str
    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    shingles: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, text: str) -> Text:
        found = list(_WORD.finditer(text))
        words = tuple(one[0].casefold() for one in found)
        shingles = frozenset(words[at : at + 5] for at in range(len(words) - 4))
        return cls(text, words, tuple(one.span() for one in found), shingles)

    def containment(self, other: Text) -> float:
        """Return how much of the smaller text stands in the larger."""
        smaller = min(len(self.shingles), len(other.shingles))
        return len(self.shingles & other.shingles) / smaller if smaller else 0.0


def alert(text: str, places: Sequence[tuple[int, int]]) -> Alert:
    """Return an alert about what stands at the places of the text."""
    spans = tuple(Span("text", start, end) for start, end in places)
    matches = tuple(
        Match(term_id="t1", kind=TermKind.PSEUDONYM, span=span, found=text[span.start : span.end]) for span in spans
    )
    name = new_id("doc")
    return Alert(
        id=new_id("alt"),
        community_id="com_1",
        watchlist_id="wl_1",
        alert_class=AlertClass.LINKAGE,
        score=80,
        signals=(Signal(name="evaluated", points=80, text="", spans=spans),),
        matches=matches,
        entities=(),
        document=Document(id=name, external_id=name, source="evaluation", text=text),
        raised_at=START,
        excerpt="",
        evidence="",
    )


def shared_runs(one: Text, other: Text, length: int) -> list[tuple[int, int]]:
    """Return where runs of so many words stand in both."""
    there = {other.words[at : at + length]: at for at in range(len(other.words) - length + 1)}
    runs = ((at, there.get(one.words[at : at + length])) for at in range(len(one.words) - length + 1))
    return [(at, its) for at, its in runs if its is not None]


def copies(pairs: Sequence[tuple[Text, Text]]) -> None:
    """Measure the pairs of which one holds half of the other."""
    for what, words in (("a leak of 8 words", range(LEAK_WORDS)), ("a single word", range(4, 5))):
        joined_count = tried_count = 0
        for one, other in pairs:
            runs = shared_runs(one, other, LEAK_WORDS)
            if not runs:
                continue
            at, its = DICE.choice(runs)
            first = alert(one.text, [one.places[at + word] for word in words])
            second = alert(other.text, [other.places[its + word] for word in words])
            tried_count += 1
            joined_count += is_joined(trace_of(second, SHINGLER), trace_of(first, SHINGLER))
        print(f"copies, {what} in both: {joined_count} of {tried_count} joined ({joined_count / tried_count:.3f})")


def unrelated(texts: Sequence[Text]) -> None:
    """Measure pairs of posts that have nothing to do with each other."""
    pairs = [
        (index, other)
        for index, text in enumerate(texts)
        for other in range(index)
        if text.containment(texts[other]) < UNRELATED_BELOW
    ]
    for what, footer in (("as they are", ""), ("with one footer under all", FOOTER)):
        traces = []
        for text in texts:
            at = DICE.randrange(len(text.words) - LEAK_WORDS + 1)
            traces.append(trace_of(alert(text.text + footer, text.places[at : at + LEAK_WORDS]), SHINGLER))
        report(f"unrelated posts, {what}", traces, pairs)
    starts = [Text.of(text.text[:60]) for text in texts]
    traces = [trace_of(alert(text.text + FOOTER, text.places[2:4]), SHINGLER) for text in starts]
    different = [(one, other) for one, other in pairs if starts[one].words[:4] != starts[other].words[:4]]
    report("their first 60 characters over one footer", traces, different)


def report(what: str, traces: Sequence[Trace], pairs: Sequence[tuple[int, int]]) -> None:
    count = sum(is_joined(traces[one], traces[other]) for one, other in pairs)
    print(f"{what}: {count} of {len(pairs):,} pairs joined")


def is_joined(one: Trace, other: Trace) -> bool:
    """Return whether the store finds one by the other, and it is proved."""
    return not frozenset(one.candidates).isdisjoint(other.candidates) and one.is_same_leak(other)


def quoted(texts: Sequence[Text]) -> None:
    """Measure one line quoted in threads, beside lines of the same form about others."""
    first = trace_of(alert(f"Look.\n{DOX}\nSo it is.", _places(f"Look.\n{DOX}\nSo it is.", DOX)), SHINGLER)
    counts = {True: 0, False: 0}
    others = 0
    for text, following in pairwise(texts):
        thread = f"{text.text}\n> {DOX}\n{following.text}"
        counts[is_joined(trace_of(alert(thread, _places(thread, DOX)), SHINGLER), first)] += 1
        other = DOX.replace("Maria Gonzalez", " ".join(text.words[:2])).replace("12 Quay", " ".join(text.words[2:4]))
        other = other.replace("night_heron", text.words[4])
        thread = f"{text.text}\n> {other}\n{following.text}"
        others += is_joined(trace_of(alert(thread, _places(thread, other)), SHINGLER), first)
    total = sum(counts.values())
    print(f"one line quoted in {total} threads: {counts[True]} joined; lines of its form about others: {others}")


def _places(text: str, line: str) -> list[tuple[int, int]]:
    at = text.index(line)
    words = [(at + word.start(), at + word.end()) for word in re.finditer(r"\w+", line)]
    return [(words[0][0], words[0][1]), (words[2][0], words[3][1]), (words[7][0], words[9][1])]


async def cost(texts: Sequence[Text]) -> None:
    """Measure what knowing leaks again costs, in time and in the database."""
    alerts = []
    for text in texts:
        at = DICE.randrange(len(text.words) - LEAK_WORDS + 1)
        alerts.append(alert(text.text, text.places[at : at + LEAK_WORDS]))
    start = time.process_time()
    traces = [trace_of(one, SHINGLER) for one in alerts]
    tracing = (time.process_time() - start) / len(alerts)
    with_traces, with_size = await stored(alerts, traces)
    without, without_size = await stored(alerts, [Trace()] * len(alerts))
    print(
        f"an alert: {tracing * 1000:.2f} ms for its trace; {with_traces * 1000:.2f} ms of processor time to record it, "
        f"{without * 1000:.2f} ms without traces; {with_size - without_size:.0f} bytes an incident more"
    )
    paste = "\n".join(text.text for text in texts)
    paste = (paste * (5_000_000 // len(paste) + 1))[:5_000_000]
    start = time.process_time()
    trace = trace_of(alert(paste, [(100, 130)]), SHINGLER)
    print(f"a text of 5 MB: {time.process_time() - start:.2f} s, {len(trace.to_bytes()):,} bytes kept")


async def stored(alerts: Sequence[Alert], traces: Sequence[Trace]) -> tuple[float, float]:
    """Return the processor time in seconds and the bytes that an alert takes."""
    with tempfile.TemporaryDirectory() as directory:
        store = SqlStore(Settings(data_directory=Path(directory)), _Clock())
        await store.open()
        audit = AuditEntry(
            id="aud_1",
            community_id="com_1",
            actor="evaluation",
            action="community.created",
            object_id="com_1",
            at=START,
        )
        await store.add_community(Community(id="com_1", name="Evaluation"), audit=audit)
        incidents: set[str] = set()
        start = time.process_time()
        for one, trace in zip(alerts, traces, strict=True):
            incident: Incident
            async with store.transaction() as transaction:
                incident = await raise_alert(transaction, one, at=START, trace=trace)
            incidents.add(incident.id)
        seconds = (time.process_time() - start) / len(alerts)
        await store.close()
        with closing(sqlite3.connect(Path(directory) / "leakwatch.sqlite3")) as file:
            file.execute("VACUUM")
            (pages,), (size,) = (file.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
        return seconds, pages * size / len(incidents)


class _Clock:
    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return 0.0

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        raise AssertionError("nothing is waited for")


def main(shared: Path) -> None:
    with gzip.open(shared / "data" / "reposts" / "selfpost_pairs.dev.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    pairs = [(Text.of(row["a"]), Text.of(row["b"])) for row in rows]
    copies([pair for row, pair in zip(rows, pairs, strict=True) if row["containment5"] >= CONTAINED])
    texts = [text for pair in pairs for text in pair if len(text.words) > 2 * LEAK_WORDS]
    unrelated(texts[::2])
    quoted(texts)
    asyncio.run(cost(texts[:MOST_STORED]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
