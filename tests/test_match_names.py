"""Names: both orders, what may stand between, and what is somebody else."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.candidates import best_apart
from matchers.names import NameMatcher

MATCHER = NameMatcher(NameMatcher.Settings())
WATCHLISTS = {"names": Watchlist(id="names", community_id="harbor", name="Names")}


def name(value: str, *variants: str, match: MatchMode | None = None) -> Term:
    return Term(
        id=value,
        reference=value,
        watchlist_id="names",
        kind=TermKind.NAME,
        value=value,
        variants=variants,
        settings=TermSettings(match=match),
    )


def find(text: str, term: Term) -> list[Match]:
    (matches,) = MATCHER.compile([term], WATCHLISTS).find(FoldedBatch([Document(id="1", text=text)]))
    return best_apart(matches)


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("Maria Gonzalez", ()),
        ("maria gonzalez", ()),
        ("MARIA GONZÁLEZ", ("case", "diacritics")),
        ("Mаria Gоnzalez", ("case", "homoglyph")),
        ("Gonzalez, Maria", ("case",)),
        ("GONZALEZ Maria", ("case",)),
        ("Maria J. Gonzalez", ("case",)),
        ("Maria J Gonzalez", ("case",)),
        ("Maria Elena Gonzalez", ("case",)),
        ("Maria\nGonzalez", ("case",)),
        ("maria.gonzalez", ("separators",)),
        ("Maria Gonzales", ("case", "typo")),
        ("Maria Gonzaelz", ("case", "typo")),
    ],
)
def test_a_name_is_found_in_the_ways_it_is_written(written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"that is {written}!", name("Maria Gonzalez"))
    assert (match.found, match.transformations) == (written, undone)
    assert (match.span.start, match.span.end) == (8, 8 + len(written))
    assert (match.similarity < 1) == ("typo" in undone)


@pytest.mark.parametrize(
    "text",
    [
        "Maria",
        "Gonzalez",
        "I met Maria. Gonzalez was away",
        "Maria told Gonzalez",
        "Maria, Gonzalez and others",
        "Mario Gonzalez",
        "Maria Fernandez",
        "Mariana Gonzalez",
        "Maria and her friend Gonzalez",
    ],
)
def test_half_a_name_or_another_one_does_not_count(text: str) -> None:
    assert find(text, name("Maria Gonzalez")) == []


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("Ana Sofia Duarte", "with Ana Duarte", "Ana Duarte"),
        ("Duarte, Ana", "with Ana Duarte", "Ana Duarte"),
        ("Pieter van der Velden", "ask Pieter van der Velden", "Pieter van der Velden"),
        ("Maria Gonzalez-Ruiz", "GONZALEZ-RUIZ, Maria", "GONZALEZ-RUIZ, Maria"),
        ("Maria Gonzalez-Ruiz", "Maria Gonzalez Ruiz", "Maria Gonzalez Ruiz"),
        ("Sean O'Malley", "sean o’malley", "sean o’malley"),
        ("Елена Цаплина", "ЕЛЕНА ЦАПЛИНА", "ЕЛЕНА ЦАПЛИНА"),
    ],
)
def test_names_of_several_words_are_taken_apart(value: str, text: str, found: str) -> None:
    assert [match.found for match in find(text, name(value))] == [found]


def test_aliases_count_as_the_name() -> None:
    assert [match.found for match in find("Mimi Gonzalez", name("Maria Gonzalez", "Mimi Gonzalez"))] == [
        "Mimi Gonzalez"
    ]


def test_a_term_may_refuse_typos_or_folding() -> None:
    text = "Maria Gonzales, maria gonzalez, Maria Gonzalez"
    folded, exact = (name("Maria Gonzalez", match=mode) for mode in (MatchMode.FOLDED, MatchMode.EXACT))
    assert [match.found for match in find(text, folded)] == ["maria gonzalez", "Maria Gonzalez"]
    assert [match.found for match in find(text, exact)] == ["Maria Gonzalez"]


def test_a_single_word_is_refused() -> None:
    with pytest.raises(UsageError, match="forename and a surname"):
        MATCHER.check(name("Maria"))
    with pytest.raises(UsageError):
        MATCHER.check(name("Maria Gonzalez", "Mimi"))
