"""Passages: copied stretches are found with their place, however they are wrapped, quoted or lightly edited."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Sensitivity, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.fingerprints import WINDOW
from matchers.flat import BLOCK_LENGTH
from matchers.passages import PassageFinder, PassageMatcher
from tests.timing import cpu_seconds

MATCHER = PassageMatcher(PassageMatcher.Settings()).keyed(bytes(range(32)))
WATCHLISTS = {
    level: Watchlist(id=level, community_id="harbor", name=level, sensitivity=Sensitivity(level))
    for level in ("strict", "balanced", "wide")
}
PASSAGE = (
    "Dear friends, the kitchen light stays on until the last of us has crossed the harbor bridge. Bring only what "
    "fits under a coat, leave your telephone with Wren, and ask at the green door for the tide table. Whoever is "
    "followed walks on to the ferry and comes back with the second boat, never with the first."
)
WORDS = PASSAGE.split()
TALK = "I watched the match with my cousins yesterday and nobody of us could believe the second goal counted. "


def passage(value: str = PASSAGE, level: str = "balanced", term_id: str = "p", match: MatchMode | None = None) -> Term:
    return Term(
        id=term_id,
        reference=term_id,
        watchlist_id=level,
        kind=TermKind.PASSAGE,
        value=value,
        settings=TermSettings(match=match),
    )


def finder(*terms: Term) -> PassageFinder:
    return MATCHER.compile([MATCHER.conceal(term) for term in terms or (passage(),)], WATCHLISTS)


def found(text: str, *terms: Term) -> list[Match]:
    return finder(*terms).find(FoldedBatch([Document(id="d", text=text)]))[0]


def one(text: str, *terms: Term) -> Match:
    (match,) = found(text, *terms)
    return match


def test_a_copied_passage_is_found_whole() -> None:
    match = one(TALK + PASSAGE + " " + TALK)
    assert match.found == PASSAGE.removesuffix(".")
    assert (match.similarity, match.transformations) == (1.0, ())


def test_a_quoted_and_wrapped_stretch_is_found() -> None:
    lines = [" ".join(WORDS[at : at + 6]) for at in range(0, 30, 6)]
    match = one("she wrote this:\n\n" + "\n".join(f"> {line}" for line in lines) + "\n\nwhat now?")
    assert match.transformations == ("quoted",)
    assert match.similarity == 1.0
    assert match.found.startswith("Dear friends")
    assert one("look\n>> " + " ".join(WORDS[:20])).transformations == ("quoted",)
    assert one("a > b, " + " ".join(WORDS[:20])).transformations == ()
    assert one(" \t\n".join(WORDS)).transformations == ()


def test_a_stretch_with_changed_words_is_one_edited_match() -> None:
    words = WORDS[:40]
    words[9], words[22] = "somebody", "perhaps"
    match = one(TALK + " ".join(words) + ". " + TALK)
    assert match.transformations == ("edited",)
    assert 0.85 < match.similarity < 1
    assert len(match.found.split()) >= 38


def test_case_punctuation_and_look_alikes_change_nothing() -> None:
    written = PASSAGE.upper().replace(",", " …").replace("O", "О")
    match = one(written)
    assert match.similarity == 1.0
    assert match.transformations == ("homoglyph",)


def test_a_passage_in_another_script_is_not_called_disguised() -> None:
    text = (
        "Дорогие друзья, свет на кухне горит до тех пор, пока последний из нас не перейдёт мост через гавань, "
        "и спросите у зелёной двери таблицу приливов"
    )
    match = one(text, passage(text))
    assert (match.found, match.transformations) == (text, ())


def test_a_passage_in_the_title_is_found_there() -> None:
    document = Document(id="d", text="see above", title=PASSAGE)
    ((match,),) = finder().find(FoldedBatch([document]))
    assert match.span.field == "title"


def test_two_passages_are_told_apart_and_stretches_far_from_each_other_too() -> None:
    other = "The list of donors hangs behind the map of the old mill, and only Juniper has the number of the safe."
    text = " ".join(WORDS[:20]) + "\n" + TALK * 3 + " ".join(WORDS[-20:]) + "\n" + TALK + other
    matches = found(text, passage(), passage(other, term_id="q"))
    assert [match.term_id for match in matches] == ["p", "p", "q"]


def test_a_document_of_words_that_everybody_uses_is_not_a_copy() -> None:
    thanks = "Thank you so much for sharing this with all of us"
    term = passage(f"{thanks}! {PASSAGE} {thanks}!")
    assert found(f"{thanks}, I really needed it today", term) == []
    assert found(TALK * 20, term) == []
    folded = FoldedBatch([Document(id="d", text=thanks)])[0]
    assert {row.reason for row in finder(term).explain(folded)} == {
        "has only words in common with the passage that everybody uses"
    }


def test_a_shorter_stretch_fails_and_the_explanation_says_why() -> None:
    text = "she said: " + " ".join(WORDS[20:26]) + ", and left"
    assert found(text) == []
    (row,) = finder().explain(FoldedBatch([Document(id="d", text=text)])[0])
    assert not row.passed
    assert row.reason.startswith("has only ")
    assert "words in common with the passage" in row.reason


@pytest.mark.parametrize(("level", "least", "too_few"), [("strict", 20, 12), ("balanced", 12, 7), ("wide", 10, 5)])
def test_the_sensitivity_says_how_long_a_stretch_must_be(level: str, least: int, too_few: int) -> None:
    term = passage(level=level)
    for start in range(len(WORDS) - least):
        assert found(TALK + " ".join(WORDS[start : start + least]), term), start
        assert not found(TALK + " ".join(WORDS[start : start + too_few]), term), start


def test_a_short_passage_is_found_whole_at_every_sensitivity() -> None:
    short = " ".join(WORDS[:12])
    for level in WATCHLISTS:
        assert one(f"{TALK}{short} {TALK}", passage(short, level)).found == short


def test_a_term_that_is_matched_folded_takes_no_changed_word() -> None:
    words = WORDS[20:32]
    words[6] = "something"
    assert found(" ".join(words))
    assert not found(" ".join(words), passage(match=MatchMode.FOLDED))
    assert found(" ".join(WORDS[20:32]), passage(match=MatchMode.FOLDED))


def test_words_said_over_and_over_prove_no_more_than_once() -> None:
    rhyme = "row your boat gently "
    term = passage(f"{rhyme * 2} {PASSAGE}")
    assert found(rhyme * 50, term) == []


@pytest.mark.parametrize(
    ("value", "mode", "reason"),
    [
        (" ".join(WORDS[:11]), None, "at least 12 words; watch a shorter text as a keyword"),
        ("I do not know what to say to you but thank you for all this", None, "words that not everybody uses"),
        ("quiet one " * 10, None, "words that not everybody uses"),
        (PASSAGE, MatchMode.EXACT, "cannot be matched to the letter, as its text is not kept"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(value: str, mode: MatchMode | None, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        MATCHER.check(passage(value, match=mode))
    assert value not in str(caught.value)


def test_a_passage_takes_no_aliases() -> None:
    term = Term(id="p", reference="p", watchlist_id="balanced", kind=TermKind.PASSAGE, value=PASSAGE, variants=("x",))
    with pytest.raises(UsageError, match="no aliases"):
        MATCHER.conceal(term)


def test_a_concealed_term_stays_as_it_is_and_is_known_to_its_key_only() -> None:
    concealed = MATCHER.conceal(passage())
    assert not set(concealed.value.split()) & set(WORDS)
    assert MATCHER.conceal(concealed) == concealed
    with pytest.raises(UsageError, match="another key"):
        PassageMatcher(PassageMatcher.Settings()).check(concealed)
    keyed = MATCHER.keyed(bytes(32))
    assert keyed.conceal(passage()) == MATCHER.keyed(bytes(32)).conceal(passage())


# Words of small letters that folding leaves alone, few enough that stretches agree by chance.
vocabulary = [f"{first}{second}o" for first in "bdfgklmnprstvz" for second in "aeiou"]
sentences = st.builds(
    lambda seed, length: random.Random(seed).choices(vocabulary, k=length), st.integers(0, 2**32), st.integers(12, 40)
)


def longest_common_run(one: Sequence[str], other: Sequence[str]) -> int:
    """The plain way: the longest run of words that stands in both."""
    best = 0
    before = [0] * (len(other) + 1)
    for word in one:
        row = [0] * (len(other) + 1)
        for place, rival in enumerate(other, start=1):
            if word == rival:
                row[place] = before[place - 1] + 1
                best = max(best, row[place])
        before = row
    return best


@given(sentences, sentences, sentences, st.data())
def test_every_stretch_of_twelve_words_is_found_where_it_stands(
    secret: list[str], before: list[str], after: list[str], data: st.DataObject
) -> None:
    length = data.draw(st.integers(12, len(secret)))
    start = data.draw(st.integers(0, len(secret) - length))
    copied = secret[start : start + length]
    matches = found(" ".join([*before, *copied, *after]), passage(" ".join(secret)))
    if len(set(copied)) < length:
        return  # words said over and over prove less
    first = sum(len(word) + 1 for word in before)
    end = first + len(" ".join(copied))
    edge = 4 * (WINDOW - 1)  # no fingerprint need cover the outermost word, which has three letters and a space
    assert any(match.span.start <= first + edge and match.span.end >= end - edge for match in matches)


@given(sentences, sentences)
def test_what_has_no_six_words_in_a_row_in_common_is_not_found(secret: list[str], other: list[str]) -> None:
    if longest_common_run(secret, other) < 4:
        assert found(" ".join(other), passage(" ".join(secret))) == []


def test_a_stretch_is_found_anywhere_in_a_text_of_several_blocks() -> None:
    stretch = " ".join(WORDS[5:25])
    filler = (TALK * (BLOCK_LENGTH // len(TALK) + 1))[: BLOCK_LENGTH + 2000]
    look = finder()
    for cut in (0, BLOCK_LENGTH - 60, BLOCK_LENGTH - 512, BLOCK_LENGTH - 570, BLOCK_LENGTH, BLOCK_LENGTH + 300):
        text = f"{filler[:cut]} {stretch} {filler[cut:]}"
        ((match,),) = look.find(FoldedBatch([Document(id="d", text=text)]))
        assert abs(match.span.start - text.index(stretch)) <= len("until") + 1
        assert match.similarity == 1.0


@pytest.mark.parametrize("kind", ["talk", "copies", "one word"])
def test_time_grows_with_the_text_and_no_faster(kind: str) -> None:
    piece = {"talk": TALK, "copies": PASSAGE + " ", "one word": "kitchen "}[kind]
    look = finder()

    def seconds(size: int, enough: float = 0) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        return cpu_seconds(lambda: look.find(FoldedBatch([Document(id="d", text=text)])), enough)

    bound = 10 * seconds(100_000)
    assert seconds(400_000, bound) < bound


def test_time_hardly_grows_with_the_number_of_passages() -> None:
    dice = random.Random(4)
    many = [passage(" ".join(dice.choices(vocabulary, k=40)), term_id=str(number)) for number in range(400)]
    documents = [Document(id=str(number), text=TALK + str(number)) for number in range(500)]
    few, all_of_them = finder(*many[:10]), finder(*many)
    assert cpu_seconds(lambda: all_of_them.find(FoldedBatch(documents))) < 3 * cpu_seconds(
        lambda: few.find(FoldedBatch(documents))
    )
