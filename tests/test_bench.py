"""``leakwatch bench``, run as its users run it, with little time."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.bench.texts import completed_handles, generated_handles, generated_posts, joined
from tests.programs import LEAKWATCH, run_forked

WAYS = {"leakwatch", "partial_ratio", "cdist", "aho_corasick", "regex"}


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LEAKWATCH, "bench", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


def measured(folder: Path, *arguments: object) -> Any:
    done = run(folder, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    path = tmp_path / "posts.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in generated_posts(300, []))
    return path


def test_all_ways_are_measured_on_the_same_texts_in_one_run(tmp_path: Path, posts: Path) -> None:
    handles = tmp_path / "handles.jsonl"
    handles.write_text('{"text": "night_heron"}\n{"text": "harborlight"}\n{"text": "ab"}\n')
    options = ("--texts", posts, "--handles", handles)
    found = measured(tmp_path, "--terms", 50, "--seconds", 1, "--rounds", 2, *options)
    assert (found["texts"], found["handles"]) == ("posts.jsonl.gz", "handles.jsonl")
    assert found["post_count"] == 300
    [size] = found["sizes"]
    assert size["terms"] == 50
    rows = {row["way"]: row for row in size["ways"]}
    assert set(rows) == WAYS
    assert all(row["posts_per_second"] > 0 and row["measured_posts"] > 0 for row in rows.values())
    assert rows["partial_ratio"]["ratio_to_partial_ratio"] == 1
    assert size["repeated_posts_per_second"] > 0
    assert 0 < size["one_post"]["p50_milliseconds"] <= size["one_post"]["p99_milliseconds"]
    assert 0 < size["memory"]["index_bytes"] < size["memory"]["peak_bytes"]


def test_a_way_that_cannot_finish_in_its_time_is_left_out_with_the_reason(tmp_path: Path, posts: Path) -> None:
    done = run(tmp_path, "--terms", 3000, "--seconds", 0.1, "--rounds", 1, "--texts", posts)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "regex at 3,000 terms is left out: 3,000 terms were not made ready within 0.02 s" in said


def test_handles_that_are_given_are_completed_by_mixing_them() -> None:
    mixed = completed_handles(["night_heron", "harborlight", "ab"], 20, lambda handle: len(handle) > 4)
    assert len(set(mixed)) == 20
    assert {"night_heron", "harborlight"} < set(mixed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--terms", "10,many"], "--terms takes numbers"),
        (["--terms", "10", "--texts", "none.jsonl"], "none.jsonl cannot be read"),
        (["--terms", "10", "--texts", "one.jsonl"], "5 rounds need at least 6 texts, and there are 1"),
        (["--terms", "10", "--handles", "one.jsonl"], "one.jsonl holds too few handles to make 10 of"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "one.jsonl").write_text('{"text": "night_heron"}\n')
    done = run_forked(("bench", *arguments), folder=tmp_path, environment=os.environ)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_texts_are_joined_to_posts_of_a_length() -> None:
    assert joined(["one", "two", "three", "four"], 6) == ["one\ntwo", "three\nfour"]
    assert joined(["one", "two"], 0) == ["one", "two"]


def test_generated_handles_and_posts_are_the_same_every_time() -> None:
    handles = generated_handles(5000, lambda _: True)
    assert handles == generated_handles(5000, lambda _: True)
    assert len({handle.casefold() for handle in handles}) == 5000
    posts = generated_posts(2000, handles)
    assert posts == generated_posts(2000, handles)
    assert 240 < sum(map(len, posts)) / len(posts) < 330
    assert any(handle in post for post in posts for handle in handles[:100])
