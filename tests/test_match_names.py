"""Names: both orders, what may stand between, and what is somebody else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.candidates import best_apart
from matchers.names import NameMatcher
from tests.conftest import REPOSITORY

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
        ("Gonzalez, Maria", ("case", "reordered")),
        ("GONZALEZ Maria", ("case", "reordered")),
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


@pytest.mark.parametrize(
    ("value", "written", "undone"),
    [
        ("Robert Smith", "Bob Smith", ("case", "nickname")),
        ("Bob Smith", "Robert Smith", ("case", "nickname")),
        ("Aleksandr Chaikovsky", "Alexander Tchaikovsky", ("case", "transliterated")),
        ("Yuri Gagarin", "Iurii Gagarin", ("case", "transliterated")),
        ("Juergen Mueller", "Jürgen Müller", ("case", "diacritics", "transliterated")),
        ("Sean McDonald", "Sean MacDonald", ("case", "transliterated")),
        ("Ivan Kovalchuk", "I. Kovalchuk", ("case", "initial")),
        ("Ivan Pavlo Kovalchuk", "I. P. Kovalchuk", ("case", "initial")),
        ("Jean-Pierre Dupont", "JP Dupont", ("case", "initial")),
        ("Jean-Pierre Dupont", "Jeanpierre Dupont", ("case", "separators")),
        ("María José García López", "Maria Garcia", ("case", "shortened")),
        ("María José García López", "García López, María José", ("case", "diacritics", "shortened", "reordered")),
        ("Maria Gonzalez", "Maria J. Gonzalez-Ruiz", ("case", "lengthened")),
        ("Maria Gonzalez", "Maria de la Gonzalez", ("case",)),
        ("Maria Gonzalez", 'Maria "Mimi" Gonzalez', ("case",)),
        ("Pieter van der Velden", "Velden, Pieter van der", ("case", "reordered")),
        ("Pieter van der Velden", "Pieter Vandervelden", ("case", "separators")),
        ("Sean O'Malley", "Sean OMalley", ("case", "separators")),
        ("Khalid al-Rashid", "Khaled Rashid", ("case", "transliterated")),
    ],
)
def test_a_name_is_found_as_others_write_it(value: str, written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"that is {written}!", name(value))
    assert (match.found, match.transformations) == (written, undone)


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("m4ria g0nzalez", ("leet",)),
        ("Gonzalez, M4ria", ("case", "reordered", "leet")),
        ("M@ria Gonz@lez", ("case", "leet")),
        ("mariagonzalez", ("separators",)),
        ("m.a.r.i.a g.o.n.z.a.l.e.z", ("separators",)),
        ("Maria\u200b Gonza\u200blez", ("zero_width",)),
    ],
)
def test_a_name_is_found_in_disguise(written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"that is {written}!", name("Maria Gonzalez"))
    assert (match.found, set(undone) <= set(match.transformations)) == (written, True)


@pytest.mark.parametrize(
    ("value", "text", "found", "undone"),
    [
        ("Yelena Tsaplina", "там Елена Цаплина была", "Елена Цаплина", ("transliterated",)),
        ("Елена Цаплина", "that is Yelena Tsaplina", "Yelena Tsaplina", ("case", "transliterated")),
        ("Елена Цаплина", "говорил с Еленой Цаплиной", "Еленой Цаплиной", ("inflected",)),
        ("Yuri Tchaikovsky", "Чайковский, Юрий", "Чайковский, Юрий", ("reordered", "transliterated")),
        ("Giorgos Papadopoulos", "ο Γιώργος Παπαδόπουλος ήταν", "Γιώργος Παπαδόπουλος", ("transliterated",)),
        ("Γιώργος Παπαδόπουλος", "that is Giorgos Papadopoulos", "Giorgos Papadopoulos", ("case", "transliterated")),
        ("Mohammed Hassan", "قال محمد حسن", "محمد حسن", ("transliterated",)),
        ("محمد حسن", "it is Muhammad Hasan", "Muhammad Hasan", ("case", "transliterated")),
        ("Wang Xiaoming", "我认识王小明吗", "王小明", ("transliterated",)),
        ("Xiaoming Wang", "我认识王小明吗", "王小明", ("transliterated",)),
        ("王小明", "我认识王小明吗", "王小明", ()),
        ("王小明", "so Xiaoming Wang it is", "Xiaoming Wang", ("case", "transliterated", "separators")),
        ("Hsieh Chun-hung", "謝俊宏來了", "謝俊宏", ("transliterated",)),
        ("Kim Min-jun", "김민준은 거기 산다", "김민준", ("transliterated",)),
        ("김민준", "it is Minjun Kim", "Minjun Kim", ("case", "transliterated")),
        ("Aoi Tanaka", "これは田中碧です", "田中碧", ("transliterated",)),
    ],
)
def test_a_name_is_found_in_another_script(value: str, text: str, found: str, undone: tuple[str, ...]) -> None:
    (match,) = find(text, name(value))
    assert (match.found, match.transformations) == (found, undone)
    assert text[match.span.start : match.span.end] == found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Will Power", "it takes will power to do so"),
        ("Will Power", "willpower is all you need"),
        ("Will Power", "WILL POWER IS ALL YOU NEED"),
        ("Mark Young", "a young mark on the wall"),
        ("Mark Young", "please mark young people as absent"),
        ("Mark Young", "Mark young people as absent"),
        ("Rose Hill", "we met at rose hill"),
        ("Ann He", "and ann he said no"),
        ("Maria Gonzalez", "Anna Gonzalez, Maria Lopez"),
        ("Maria Gonzalez", "Anna-Maria Gonzalez"),
        ("Helena Gomes", "Selena Gomes"),
        ("Maria Gonzalez", "Maria Honzalez"),
        ("Maria Elena Gonzalez", "Maria Luisa Gonzalez"),
        ("Maria Gonzalez", "M. Gonzalez said so"),
        ("Xiaoming Wang", "网小明"),
        ("王小明", "王明"),
        ("王小明", "王晓明"),
    ],
)
def test_ordinary_talk_and_other_people_do_not_count(value: str, text: str) -> None:
    assert find(text, name(value)) == []


@pytest.mark.parametrize("value", ["Will Power", "Mark Young", "Rose Hill"])
def test_ordinary_words_count_as_a_name_with_capitals(value: str) -> None:
    assert [match.found for match in find(f"so {value} lives there", name(value))] == [value]


def test_an_initial_with_a_frequent_surname_counts_beside_the_full_name_only() -> None:
    term = name("Maria Gonzalez")
    assert find("M. Gonzalez said so", term) == []
    found = find("Maria Gonzalez left. M. Gonzalez said so", term)
    assert [match.found for match in found] == ["Maria Gonzalez", "M. Gonzalez"]
    assert found[1].similarity < found[0].similarity


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
    with pytest.raises(UsageError, match="needs_context"):
        MATCHER.check(name("Maria Gonzalez", "Mimi"))


def test_an_alias_of_a_single_word_counts_where_the_term_needs_context() -> None:
    term = replace(name("Maria Gonzalez", "Mimi"), settings=TermSettings(needs_context=True))
    MATCHER.check(term)
    assert [match.found for match in find("so m1mi, I mean Mimi, not mini", term)] == ["m1mi", "Mimi"]


@pytest.mark.parametrize("written", ["M*ria Gonzalez", "Maria G*nz*lez", "M*ria G*nzalez", "G*nzalez, Maria"])
def test_a_name_is_found_with_letters_masked(written: str) -> None:
    (match,) = find(f"that is {written}!", name("Maria Gonzalez"))
    assert (match.found, match.transformations[-1]) == (written, "masked")


@pytest.mark.parametrize("text", ["M*rie Gonzalez", "Maria * Gonzales *", "*Maria* met *Gonzalez*", "a ***** b"])
def test_stars_around_other_words_mask_nothing(text: str) -> None:
    assert "masked" not in {way for match in find(text, name("Maria Gonzalez")) for way in match.transformations}


def _rows_of_the_page() -> list[tuple[str, str, tuple[str, ...]]]:
    lines = [line.split("|") for line in (REPOSITORY / "docs" / "names.md").read_text().splitlines() if "|" in line]
    return [
        (cells[1].strip(), written, tuple(re.findall("`([^`]+)`", cells[3])))
        for cells in lines[2:]
        for written in re.findall("`([^`]+)`", cells[2])
    ]


@pytest.mark.parametrize(("value", "written", "ways"), _rows_of_the_page())
def test_what_the_page_on_names_says_is_found(value: str, written: str, ways: tuple[str, ...]) -> None:
    (match,) = find(f"so {written} it is", name(value))
    assert match.found == written.removesuffix(".")
    assert not ways or set(ways).intersection(match.transformations)
