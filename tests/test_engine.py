"""The fast ways to find pseudonyms find what the plain, slow one finds."""

from __future__ import annotations

import gzip
import json
import random
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Document, Match, MatchMode, Sensitivity, Term, TermKind
from matchers import flat, kernels
from matchers.batch import FoldedBatch, WordSet
from matchers.disguises import LIMITS, Watched
from matchers.folding import fold_text
from matchers.phrases import Words
from matchers.pseudonyms import PseudonymFinder
from tests.plain_matcher import plain_matches

HANDLES = (
    "night_heron",
    "harborlight1985",
    "quietmaple",
    "annavee",
    "moss",
    "raven",
    "tall-tree-22",
    "l1ttle$tar",
    "bookkeeperette",
    "zz_top_fan",
    "xxxx",
    "o0oo0",
    "蓝色风筝",
)


@pytest.fixture(params=["numpy", "compiled"], scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine as it runs without numba, and with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_compiled", None)
        if request.param == "compiled":
            assert kernels.load()
        yield request.param


def watched(
    handles: tuple[str, ...] | list[str], sensitivity: Sensitivity = Sensitivity.BALANCED, mode: str = "fuzzy"
) -> list[Watched]:
    return [
        Watched(
            term=Term(id=handle, reference=handle, watchlist_id="members", kind=TermKind.PSEUDONYM, value=handle),
            mode=MatchMode(mode),
            limits=LIMITS[sensitivity],
            values=frozenset((handle,)),
        )
        for handle in handles
    ]


def found_in(finder: PseudonymFinder, texts: list[str]) -> list[set[Match]]:
    batch = FoldedBatch([Document(id=str(row), text=text) for row, text in enumerate(texts)])
    return [set(matches) for matches in finder.find(batch)]


def mangled(handle: str, chance: random.Random) -> str:
    """A handle as somebody might write it."""
    letters = list(handle)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(letters))
        letters[at : at + 1] = chance.choice(
            [
                [],
                [letters[at]] * 3,
                [letters[at], chance.choice(" .-_*|\n")],
                [letters[at], "\u200b"],
                ["*"],
                [chance.choice("aeiou0134$@!xz")],
                [letters[at].upper()],
                [f"&#{ord(letters[at])};"] if len(letters[at]) == 1 else [],
                [letters[at], "\u0301"],
            ]
        )
        letters = letters or ["x"]
    return "".join(letters)


FRAGMENTS = st.one_of(
    st.builds(mangled, st.sampled_from(HANDLES), st.randoms(use_true_random=False)),
    st.sampled_from(["ihate", "the", "s", "99", " a ", "u/", "@", "!", "$", "*", "_", "raven", "ravens", "…", "\0"]),
    st.sampled_from(["%41", "我", "是x"]),
    st.text(max_size=4),
)
TEXTS = st.lists(st.tuples(FRAGMENTS, st.sampled_from(["", " ", " ", "\n", "."])), max_size=8).map(
    lambda rows: "".join(part for row in rows for part in row)
)


@pytest.mark.parametrize("sensitivity", Sensitivity)
@given(texts=st.lists(TEXTS, max_size=3))
def test_both_engines_find_what_the_plain_matcher_finds(
    engine: str, sensitivity: Sensitivity, texts: list[str]
) -> None:
    terms = watched(HANDLES, sensitivity)
    expected = [plain_matches(terms, "text", text) for text in texts]
    assert found_in(PseudonymFinder(terms), texts) == expected


def test_both_engines_find_what_the_plain_matcher_finds_in_real_posts(engine: str, shared: Path) -> None:
    chance = random.Random(3)
    with gzip.open(shared / "data/names/handles.jsonl.gz", "rt", encoding="utf-8") as lines:
        handles = [handle for line in lines if len(handle := json.loads(line)["text"]) >= 6]
    with gzip.open(shared / "data/posts/goemotions.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    terms = watched(chance.sample(handles, 60))
    for number in range(3):
        posts = chance.sample(texts, 40)
        for row in range(0, 40, 2):
            posts[row] += f" {mangled(chance.choice(terms).term.value, chance)} {posts[row + 1]}"
        expected = [plain_matches(terms, "text", post) for post in posts]
        assert number or any(expected)
        assert found_in(PseudonymFinder(terms), posts) == expected


def test_a_run_that_failed_before_is_still_found_where_it_counts(engine: str) -> None:
    finder = PseudonymFinder(watched(["night_heron"]))
    texts = ["nigth_heron", "night hero", "nigth_heron nigth_heron", "nightheron"]
    first = found_in(finder, texts)
    assert first[0]
    assert first[2]
    assert found_in(finder, texts) == first


def test_a_text_longer_than_a_block_is_searched_to_its_end(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "BLOCK_LENGTH", 2_000)
    text = ("some words of no meaning " * 200 + "n1ght.h3ron ") * 5 + "x" * 5_000 + " night-heron"
    (matches,) = found_in(PseudonymFinder(watched(["night_heron"])), [text])
    spans = {(match.span.start, match.span.end) for match in matches}
    assert len(spans) == 6
    assert {text[start:end] for start, end in spans} == {"n1ght.h3ron", "night-heron"}


def test_machine_code_is_loaded_beside_the_work_once_much_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_compiled", None)
    monkeypatch.setattr(kernels, "_seen_count", 0)
    may_load, really_load = threading.Event(), kernels.load
    monkeypatch.setattr(kernels, "load", lambda: may_load.wait(60) and really_load())
    kernels.note_documents(kernels.WORTH_LOADING_FROM - 1)
    assert not loading()
    kernels.note_documents(1)
    (thread,) = loading()
    kernels.note_documents(1)
    assert loading() == [thread]
    may_load.set()
    thread.join()
    assert kernels.compiled() is not None


def loading() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "leakwatch-kernels"]


@given(texts=st.lists(st.one_of(st.text(), TEXTS), max_size=4))
def test_the_flat_text_is_the_folded_texts_in_a_row(texts: list[str]) -> None:
    filled = [text for text in texts if text]
    whole = FoldedBatch([Document(id="1", text=text) for text in filled]).flat
    bounds = [*whole.starts.tolist(), len(whole.codes) + 1]
    for row, text in enumerate(filled):
        piece = whole.codes[bounds[row] : bounds[row + 1] - 1]
        assert piece.tobytes().decode("utf-32-le", "surrogatepass") == fold_text(text).text.replace("\0", "\1")


def test_every_character_folds_in_the_flat_text_as_it_folds_alone() -> None:
    every = [chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) != "Cn"]
    texts = ["".join(every[at : at + 5_000]) for at in range(0, len(every), 5_000)]
    whole = FoldedBatch([Document(id="1", text=text) for text in texts]).flat
    bounds = [*whole.starts.tolist(), len(whole.codes) + 1]
    for row, text in enumerate(texts):
        piece = whole.codes[bounds[row] : bounds[row + 1] - 1]
        assert piece.tobytes().decode("utf-32-le", "surrogatepass") == fold_text(text).text


@given(texts=st.lists(st.text(alphabet="abß éxX.-日本&;", max_size=12), max_size=6))
def test_documents_are_asked_for_words_and_beginnings_of_words(texts: list[str]) -> None:
    batch = FoldedBatch([Document(id="1", text=text, title=text[:3]) for text in texts])
    expected = [
        row
        for row, text in enumerate(texts)
        if any(
            word in ("ab", "x", "日") or word.startswith("bb")
            for part in (text, text[:3])
            for word in Words(fold_text(part).text).texts
        )
    ]
    assert batch.with_words(WordSet(["ab", "x", "日"], ["bb"])) == expected
