"""Reads very many feeds, the recorded ones and mutated ones, and says what became of them, as JSON.

``python -m tests.soak_feeds SHARED MUTATED [--alone]``: every recorded feed of SHARED, and MUTATED seeded mutations of
them. All in this process, with the source's limit of memory; ``--alone``: each in a process of its own, as the source
reads it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import signal
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from lxml import etree  # type: ignore[import-untyped]

from core.types import Document
from sources.parsing.content import read_content
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import MEMORY_BYTES, BeyondLimits, Cost, read_alone

SECONDS = 2
"""Processor time that one feed may take."""
_ARCHIVES = ("feedparser_tests", "gofeed_testdata", "huginn_feeds")
_SUFFIXES = (".xml", ".rss", ".atom", ".json")
_LARGEST_MUTATED = 300_000
_HOSTILE = (
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<!DOCTYPE r [<!ENTITY e '&e;&e;'>]>", b"&e;", b"&#x0;", b"&#xD800;"),
    *(b"<item>", b"</item>", b"<entry>", b"</channel>", b"<a href='", b'"', b">", b"&lt;", b"&", b"\0", b"\xff\xfe"),
    *(b"\xed\xa0\x80", b"<?xml version='1.0' encoding='utf-16'?>", b"<author>", b"a" * 200, b"@example.org ", b"\n"),
    *(b"<content type='application/xml' mode='base64'>", b"xmlns:x='", b"<pubDate>99999-99-99T99:99:99+99:99"),
    *(
        b"<dc:date>",
        b"2026-",
        b"<georss:point>1e999 nan</georss:point>",
        b'{"version":"https://jsonfeed.org/version/1"',
    ),
)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as a site would answer with it. ``entries`` is how many it holds, None where it is not well-formed."""

    name: str
    body: bytes = field(repr=False)
    content_type: str | None
    entries: int | None


@dataclass(slots=True)
class Report:
    """What became of the feeds. ``wrong`` names those that crashed the reader, took too long, or lost entries."""

    feeds: int = 0
    well_formed: int = 0
    """How many are well-formed and hold entries."""
    entries: int = 0
    no_feeds: int = 0
    slowest_seconds: float = 0
    megabytes: int = 0
    wrong: list[str] = field(default_factory=list)


def recorded(shared: Path) -> Iterator[Feed]:
    """Yield every feed of the recordings."""
    index = gzip.decompress((shared / "data/protocols/feedparser_index.jsonl.gz").read_bytes()).splitlines()
    headers = {row["id"]: row["headers"] for row in map(json.loads, index)}
    for archive_name in _ARCHIVES:
        with tarfile.open(shared / f"data/protocols/{archive_name}.tar.gz") as archive:
            for member in archive.getmembers():
                file = archive.extractfile(member)
                if file is not None and member.name.endswith(_SUFFIXES):
                    body = file.read()
                    declared = [
                        line for line in headers.get(member.name, ()) if line.lower().startswith("content-type:")
                    ]
                    content_type = declared[0].partition(":")[2].strip() if declared else None
                    yield Feed(f"{archive_name}/{member.name}", body, content_type, _entry_count(body))


def mutated(feeds: list[Feed], count: int, *, seed: int = 5) -> Iterator[Feed]:
    """Yield that many feeds that are broken in ways that chance, or somebody with bad intentions, would find."""
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        feed = chance.choice(feeds)
        body = bytearray(feed.body)
        for _ in range(chance.randint(1, 6)):
            _mutate(body, chance, chance.choice(feeds).body)
        yield Feed(f"{feed.name} mutated as {number}", bytes(body[:_LARGEST_MUTATED]), feed.content_type, None)


def _mutate(body: bytearray, chance: random.Random, other: bytes) -> None:
    start = chance.randrange(len(body) + 1)
    end = min(len(body), start + chance.randrange(1, 400))
    match chance.randrange(6):
        case 0:
            del body[start:end]
        case 1:
            body[start:end] = body[start:end] * chance.randrange(2, 300)
        case 2:
            body[start:start] = chance.choice(_HOSTILE) * chance.choice((1, 2, 50, 3000))
        case 3:
            body[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
        case 4:
            other_start = chance.randrange(len(other) + 1)
            body[start:end] = other[other_start : other_start + 2000]
        case _:
            del body[start:]


def _entry_count(body: bytes) -> int | None:
    """Return how many entries a well-formed feed holds, None for anything else."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    names = [etree.QName(element).localname.lower() for element in root.iter() if isinstance(element.tag, str)]
    return sum(name in ("item", "entry") for name in names)


def soak(feeds: Iterator[Feed], *, alone: bool) -> Report:
    """Read the feeds and return what became of them."""
    report = Report()
    read = _read_alone if alone else _read_here
    for feed in feeds:
        report.feeds += 1
        began, cost = time.process_time(), None
        try:
            documents, cost = read(feed)
            count = len(documents)
        except BeyondLimits as error:
            report.wrong.append(f"{feed.name}: {error}")
        except UnreadableFormat:
            report.no_feeds += 1
            if feed.entries:
                report.wrong.append(f"{feed.name}: is taken for no feed")
        except Exception as error:  # whatever the parser raises is what is looked for here
            report.wrong.append(f"{feed.name}: {type(error).__name__}")
        else:
            report.entries += count
            if feed.entries:
                report.well_formed += 1
                if count != feed.entries:
                    report.wrong.append(f"{feed.name}: {count} of {feed.entries} entries")
        # What is no feed tells no cost where it is read alone; it has the same limit of time.
        seconds = cost.seconds if cost else 0 if alone else time.process_time() - began
        report.slowest_seconds = max(report.slowest_seconds, round(seconds, 3))
        report.megabytes = max(report.megabytes, cost.megabytes if cost else 0)
        if seconds > SECONDS:
            report.wrong.append(f"{feed.name}: {seconds:.1f} seconds")
    if not alone:
        report.megabytes = _own_peak()
    return report


def _own_peak() -> int:
    """Return the most memory that this program held, in megabytes. What ``getrusage`` tells begins with the memory of
    the program that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


def _read_alone(feed: Feed) -> tuple[list[Document], Cost | None]:
    return read_alone(
        feed.body,
        Format.FEED,
        name="feed",
        seconds=SECONDS,
        url="http://feed.example/",
        content_type=feed.content_type,
    )


def _read_here(feed: Feed) -> tuple[list[Document], Cost | None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        documents = read_content(
            feed.body, Format.FEED, name="feed", url="http://feed.example/", content_type=feed.content_type
        )
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return documents, None


def _too_long(_: int, __: FrameType | None) -> None:
    raise BeyondLimits(f"takes longer than {SECONDS} seconds to read")


def _all(shared: Path, mutated_count: int) -> Iterator[Feed]:
    feeds = list(recorded(shared))
    yield from feeds
    yield from mutated([feed for feed in feeds if len(feed.body) < _LARGEST_MUTATED], mutated_count)


def main() -> None:
    """Read the feeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("mutated", type=int)
    parser.add_argument("--alone", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGVTALRM, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    report = soak(_all(given.shared, given.mutated), alone=given.alone)
    json.dump(asdict(report), sys.stdout, indent=1)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
