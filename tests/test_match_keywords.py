"""Keywords and phrases: whole words, however they are spaced and folded."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.keywords import KeywordMatcher
from tests.timing import cpu_seconds

MATCHER = KeywordMatcher(KeywordMatcher.Settings())
WATCHLISTS = {"words": Watchlist(id="words", community_id="harbor", name="Words")}


def keyword(value: str, *variants: str, match: MatchMode | None = None) -> Term:
    settings = TermSettings(match=match)
    return Term(
        id=value,
        reference=value,
        watchlist_id="words",
        kind=TermKind.KEYWORD,
        value=value,
        variants=variants,
        settings=settings,
    )


def find(text: str, *terms: Term) -> list[Match]:
    finder = MATCHER.compile(terms or [keyword("safe house")], WATCHLISTS)
    (matches,) = finder.find(FoldedBatch([Document(id="1", text=text)]))
    return matches


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("safe house", ()),
        ("SAFE House", ("case",)),
        ("safe  house", ()),
        ("safe\n> house", ()),
        ("safe-house", ()),
        ("safe_house", ()),
        ("safe houses", ("plural",)),
        ("sаfe hоuse", ("homoglyph",)),
        ("safé house", ("diacritics",)),
        ("ｓａｆｅ house", ("compatibility",)),
        ("safe%20house", ("url_encoding",)),
    ],
)
def test_a_phrase_is_found_however_it_is_spaced_and_folded(written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"near the {written}'s door")
    assert (match.found, match.transformations, match.similarity) == (written, undone, 1.0)
    assert match.span.start == 9


@pytest.mark.parametrize("text", ["unsafe house", "safe household", "it is safe. House rules", "safe and house"])
def test_parts_of_words_and_ends_of_sentences_do_not_count(text: str) -> None:
    assert find(text) == []


def test_a_star_stands_for_all_words_that_begin_so() -> None:
    found = [match.found for match in find("dox, doxxed and a paradox", keyword("dox*"))]
    assert found == ["dox", "doxxed"]


def test_scripts_without_spaces_are_searched_inside() -> None:
    assert [match.found for match in find("他们知道安全屋在哪里", keyword("安全屋"))] == ["安全屋"]


def test_an_arabic_keyword_is_found_with_the_particles_written_onto_it() -> None:
    text = "مسيرة والمسيرة للمسيرة وبمسيرة ومسيرتنا"
    assert [match.found for match in find(text, keyword("مسيرة"))] == ["مسيرة", "والمسيرة", "للمسيرة", "وبمسيرة"]
    assert find("لرد", keyword("رد")) == []


def test_greek_capitals_and_small_letters_are_the_same() -> None:
    terms = [keyword("νύχτα ήλιος")]
    assert [match.found for match in find("ΝΎΧΤΑ ΉΛΙΟΣ, νύχτα ήλιος", *terms)] == ["ΝΎΧΤΑ ΉΛΙΟΣ", "νύχτα ήλιος"]


def test_exact_takes_the_value_to_the_letter_only() -> None:
    term = keyword("Safe House", match=MatchMode.EXACT)
    assert [match.found for match in find("safe house, Safe House, Safe Houses", term)] == ["Safe House"]


def test_a_keyword_without_letters_or_with_typos_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a letter"):
        MATCHER.check(keyword("--- !"))
    with pytest.raises(UsageError, match="cannot be matched fuzzily"):
        MATCHER.check(keyword("safe house", match=MatchMode.FUZZY))


@pytest.mark.parametrize("pattern", ["safe ", "safe\n", " ", "safe house ", ".", "house>"])
def test_hostile_text_takes_linear_time(pattern: str) -> None:
    finder = MATCHER.compile([keyword("safe house"), keyword("safe safe safe harbour")], WATCHLISTS)

    def seconds(length: int, enough: float = 0) -> float:
        folded = FoldedBatch([Document(id="1", text=f"safe{pattern * (length // len(pattern))}!!!! house")])
        return cpu_seconds(lambda: finder.find(folded), enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(20_000), 0.002)
    assert seconds(160_000, bound) < bound
