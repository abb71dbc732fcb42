"""What a watchlist would bring in a week: reckoned from posts, and said by ``watchlist check``."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.types import Document, Finding, Match, Span, TermKind
from tests.programs import run_forked
from watchlists.forecast import Tally, bounds

MONDAY = datetime(2026, 11, 16, 8, tzinfo=UTC)
WATCHLIST = """version: 1
community: Harbor Commons
context: [harbor commons]
watchlists:
  - name: Members
    terms:
      - {id: t1, kind: pseudonym, value: night_heron}
      - {id: t2, kind: keyword, value: ferry times}
      - {id: t3, kind: keyword, value: boat}
      - {id: t4, kind: keyword, value: lighthouse supper}
"""


# 95 % bounds of a Poisson mean (Garwood 1936), as printed in tables.
@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.69), (1, 0.0253, 5.57), (2, 0.242, 7.22), (10, 4.80, 18.39), (100, 81.4, 121.6)]
)
def test_the_bounds_are_those_of_a_poisson_mean(count: int, low: float, high: float) -> None:
    assert bounds(count).low == pytest.approx(low, abs=0.02, rel=0.02)
    assert bounds(count).high == pytest.approx(high, rel=0.02)


def test_bounds_are_said_in_whole_numbers_and_never_promise_too_little() -> None:
    assert str(bounds(10).times(0.5)) == "2 to 10"
    assert str(bounds(0)) == "up to 4"
    assert str(bounds(4000)) == "3,876 to 4,126"


def findings(count: int, *, days: float, dated: bool = True) -> list[Finding]:
    match = Match(term_id="t1", kind=TermKind.KEYWORD, span=Span("text", 0, 4), found="tide")
    return [
        Finding(
            document=Document(
                id=str(number),
                text="tide, tide",
                published_at=MONDAY + timedelta(days=days) * (number / (count - 1)) if dated else None,
            ),
            matches=(match, match) if number % 2 else (),
        )
        for number in range(count)
    ]


def test_a_term_counts_once_a_post() -> None:
    tally = Tally()
    tally.add(findings(10, days=1))
    assert tally.post_count == 10
    assert tally.posts_of_term == {"t1": 5}


def test_posts_a_week_are_told_by_their_times_where_most_have_one_and_they_are_of_more_than_a_day() -> None:
    def pace(*groups: list[Finding]) -> float | None:
        tally = Tally()
        for group in groups:
            tally.add(group)
        return tally.posts_a_week()

    assert pace(findings(10, days=14)) == 5
    assert pace(findings(10, days=3.5), findings(5, days=1, dated=False)) == 30
    assert pace(findings(10, days=0.9)) is None
    assert pace(findings(10, days=14), findings(11, days=1, dated=False)) is None
    assert pace() is None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "members.yaml").write_text(WATCHLIST)
    texts = ["the boat is late"] * 40 + ["harbor commons has a boat"] * 2 + ["ferry times, again"] * 5 + ["hello"] * 53
    (tmp_path / "posts.jsonl").write_text(
        "".join(
            json.dumps({"text": text, "published_at": (MONDAY + timedelta(hours=3.5) * number).isoformat()}) + "\n"
            for number, text in enumerate(texts)
        )
    )
    return tmp_path


def check(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = ("watchlist", "check", "members.yaml", *arguments)
    return run_forked(words, folder=folder, environment={**os.environ, "COLUMNS": "160"})


def test_check_says_what_a_week_would_bring_ordinary_words_first(folder: Path) -> None:
    done = check(folder, "--posts", "posts.jsonl")
    assert done.returncode == 0, done.stderr
    assert "100 posts were looked through, published from 2026-11-16 to 2026-11-30" in done.stdout
    assert "Expected in a week of 48 posts like these" in done.stdout
    rows = [re.split(r"  +", line.strip()) for line in done.stdout.splitlines()]
    members = next(row for row in rows if row[0] == "Members")
    assert members[1] == "16 to 31"
    t3, t2 = (row for row in rows if row[0] in ("t2", "t3"))
    assert t3 == ["t3", "9", "14 to 28", "14 to 28", "an ordinary word; needs_context: true leaves up to 4"]
    assert t2 == ["t2", "8", "up to 6", "up to 6", "needs_context: true leaves up to 2"]
    assert "2 terms were not found" in done.stdout


def test_check_reckons_with_the_posts_a_week_that_it_is_told(folder: Path) -> None:
    done = check(folder, "--posts", "posts.jsonl", "--posts-a-week", 10_000)
    assert done.returncode == 0, done.stderr
    assert "Expected in a week of 10,000 posts like these" in done.stdout
    assert re.search(r"t3 +9 +3,0\d\d to 5,6\d\d", done.stdout)


def test_check_of_posts_without_times_says_so(folder: Path) -> None:
    (folder / "undated.jsonl").write_text('{"text": "the boat is late"}\n')
    done = check(folder, "--posts", "undated.jsonl")
    assert done.returncode == 0, done.stderr
    assert "--posts-a-week" in done.stdout
    assert "Expected in 10,000 posts like these" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--posts-a-week", "10"], "--posts-a-week needs --posts"),
        (["--posts", "empty.jsonl"], "empty.jsonl holds no posts"),
    ],
)
def test_check_refuses_to_reckon_from_nothing(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "empty.jsonl").write_text("")
    done = check(folder, *arguments)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
