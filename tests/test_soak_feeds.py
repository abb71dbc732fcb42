"""Real feeds are read whole, and broken ones break nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from core.types import Document
from sources.parsing.feed_entries import read_feed


def test_recorded_feeds_give_all_their_entries_and_mutated_ones_break_nothing(shared: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak_feeds", str(shared), "500"], capture_output=True, check=False, text=True
    )
    report = json.loads(done.stdout or "{}")
    assert report["wrong"] == []
    assert report["feeds"] > 3500
    assert report["well_formed"] > 1400
    assert report["slowest_seconds"] < 2
    assert report["megabytes"] < 256


def entries_of(items: str) -> list[Document]:
    body = f'<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>{items}</channel></rss>'
    return read_feed(body.encode(), "http://feed.example/", None)


def test_a_date_that_cannot_be_read_costs_nothing_but_the_date() -> None:
    (entry,) = entries_of("<item><guid>1</guid><title>x</title><pubDate>one of these days</pubDate></item>")
    assert (entry.title, entry.published_at) == ("x", None)


def test_a_link_that_cannot_be_read_costs_nothing_but_the_link() -> None:
    first, second = entries_of("<item><guid>2</guid><link>http://[::1</link></item><item><guid>1</guid></item>")
    assert (first.id, second.id, second.url) == ("1", "2", None)


def test_damage_that_the_parser_trips_over_does_not_cost_the_feed() -> None:
    half_a_character = "<item><guid>1</guid><title>a &#xD800; b</title></item><item><guid>2</guid><b></item>"
    assert {entry.id for entry in entries_of(half_a_character)} == {"1", "2"}
    end_without_start = "<item><guid>1</guid></category><title>x</title></item>"
    assert [entry.id for entry in entries_of(end_without_start)] == ["1"]
