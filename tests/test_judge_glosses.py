"""Words of other languages, said in English for the judge."""

from __future__ import annotations

from importlib.resources import files

import pytest

from alerting.judge.glosses import LATIN, glossed, language_of

LANGUAGES = (*(language for language in LATIN if language != "en"), "ru", "ar", "zh")


def read(text: str) -> str:
    return " ".join("".join(gloss.written for gloss in glossed(text, language_of(text))).split())


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("\x01 heißt bei uns im Büro \x02", "de", "\x01 is called at us in the office \x02"),
        ("el vecino que escribe como \x01", "es", "the neighbor that writes as \x01"),
        ("c'est l'adresse de mon voisin", "fr", "it is the address of my neighbor"),
        ("\x01就是我的同事\x02", "zh", "\x01 is exactly my colleague \x02"),
        ("моя соседка сказала, это \x02", "ru", "my neighbour said , this is \x02"),
    ],
)
def test_a_text_is_read_word_by_word_in_english(text: str, language: str, expected: str) -> None:
    assert language_of(text) == language
    assert read(text) == expected


@pytest.mark.parametrize("text", ["night_heron is really Maria Lopez, no doubt", "", "\x01 \x02", "12345", "Ἑλληνικά"])
def test_english_and_languages_without_a_table_are_read_as_they_are(text: str) -> None:
    assert language_of(text) is None
    assert "".join(gloss.written for gloss in glossed(text, None)) == text


def test_a_stretch_keeps_its_place_in_the_text() -> None:
    text = "Zzyx ist mein Nachbar, \x02!"
    for gloss in glossed(text, "de"):
        if gloss.is_original:
            assert text[gloss.start : gloss.start + len(gloss.written)] == gloss.written
    starts = [gloss.start for gloss in glossed(text, "de")]
    assert starts == sorted(set(starts))


def test_an_arabic_word_is_known_with_what_is_written_onto_it() -> None:
    assert read("اسمه") == "his name"
    assert "his name" in read("واسمه")


def test_an_ending_that_is_not_listed_hides_no_word() -> None:
    assert "neighbour" in read("мой сосед сказал")
    assert "neighbour" in read("моему соседушке сказали")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_line_of_a_table_is_a_word_and_its_meaning(language: str) -> None:
    lines = (files("alerting.judge") / "glosses" / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    assert all(len(row) == 2 and all(row) and " " not in row[0] and row[1].isascii() for row in rows)
    assert len(rows) > 800
    assert len({row[0] for row in rows}) == len(rows)
