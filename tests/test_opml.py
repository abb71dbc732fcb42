"""A list of feeds becomes sources, each once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sources.parsing.formats import UnreadableFormat
from sources.parsing.opml import FeedOutline, read_opml
from tests.programs import run_forked

OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Subscriptions</title></head><body>
  <outline text="Boards"><outline text="Harbor board" title="Harbor &amp; Board" type="rss"
    xmlUrl="https://board.example/new.rss?a=1&amp;b=2" htmlUrl="https://board.example/"/>
    <outline text="Deeper"><outline text="Ferry" type="atom" xmlurl=" https://ferry.example/feed "/></outline></outline>
  <outline type="rss" xmlUrl="https://ferry.example/feed"/>
  <outline text="A link" type="link" url="https://link.example/"/>
  <outline xmlUrl="https://nameless.example/feed"/>
</body></opml>"""


def test_the_feeds_of_all_folders_are_listed_once() -> None:
    assert read_opml(OPML.encode()) == [
        FeedOutline("https://board.example/new.rss?a=1&b=2", "Harbor & Board"),
        FeedOutline("https://ferry.example/feed", "Ferry"),
        FeedOutline("https://nameless.example/feed"),
    ]


def test_a_list_with_mistakes_is_read_as_far_as_it_can_be() -> None:
    body = '<opml><body><outline text="Cats & dogs" xmlUrl="https://a.example/?x=1&y=2"><outline xmlUrl="https://b.example/"/>'
    assert [outline.url for outline in read_opml(body.encode())][-1] == "https://b.example/"


@pytest.mark.parametrize("content", [b"", b"hello", b"<rss/>", b"<html><body>x", b"\0\xff", b"{}"])
def test_what_is_no_list_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnreadableFormat, match=r"^is not an OPML file$"):
        read_opml(content)


def test_a_list_reads_no_file_and_does_not_swell() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "swell"}">' for n in range(10))
    body = (
        f'<!DOCTYPE opml [{entities}<!ENTITY file SYSTEM "file:///etc/passwd">]>'
        '<opml><body><outline text="&e9;" xmlUrl="https://a.example/"/>'
        '<outline text="x" xmlUrl="https://b.example/"/>&file;</body></opml>'
    )
    assert all(len(outline.title or "") < 1000 for outline in read_opml(body.encode()))


@pytest.fixture
def leakwatch(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEAKWATCH_")}
    environment = {**kept, "LEAKWATCH_DATA_DIRECTORY": str(tmp_path / "data")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_forked(arguments, folder=tmp_path, environment=environment)

    return run


def test_a_list_is_imported_once_and_what_cannot_be_read_is_named(
    tmp_path: Path, leakwatch: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "members.yaml").write_text(
        "version: 1\ncommunity: Harbor\nwatchlists: [{name: M, terms: [{kind: keyword, value: lighthouse supper}]}]\n"
    )
    assert leakwatch("watchlist", "import", "members.yaml").returncode == 0
    (tmp_path / "feeds.opml").write_text(OPML.replace("https://nameless.example/feed", "feed://planted-secret/"))
    first = leakwatch("source", "import", "feeds.opml", "--interval", "900")
    assert first.returncode == 3
    assert first.stdout == "2 of 3 feeds are saved, 0 were there already.\n"
    assert first.stderr == (
        "leakwatch: feeds.opml, feed 3: source feed: setting url: only http and https addresses are fetched\n"
    )
    (tmp_path / "feeds.opml").write_text(OPML)
    second = leakwatch("source", "import", "feeds.opml")
    assert (second.returncode, second.stdout) == (0, "1 of 3 feeds are saved, 2 were there already.\n")
    with sqlite3.connect(tmp_path / "data" / "leakwatch.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM source").fetchone() == (3,)


@pytest.mark.parametrize(("name", "said"), [("missing.opml", "cannot be read"), ("feeds.txt", "is not an OPML file")])
def test_a_file_that_cannot_be_imported_is_one_sentence(
    tmp_path: Path, leakwatch: Callable[..., subprocess.CompletedProcess[str]], name: str, said: str
) -> None:
    (tmp_path / "feeds.txt").write_text("https://a.example/")
    done = leakwatch("source", "import", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"leakwatch: {name} {said}")
    assert done.stderr.count("\n") == 1
