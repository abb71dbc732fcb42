"""The set of texts that linkage is measured on is what it says it is, and linkage is told from mentions in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.linkage_set import WATCHLIST, Family, load_families, measure, scan

LEAST_RECALL, LEAST_PRECISION = 0.95, 0.95
"""What is wanted and was reached must not be lost; docs/evaluation.md has the figures."""

FAMILIES = load_families()
TEXTS = [text for family in FAMILIES for text in family.texts]
LANGUAGES = sorted({family.language for family in FAMILIES})
TERMS = [
    term
    for watchlist in yaml.safe_load(WATCHLIST.read_text(encoding="utf-8"))["watchlists"]
    for term in watchlist["terms"]
]
HANDLES = {
    name.casefold()
    for term in TERMS
    if term["kind"] == "pseudonym"
    for name in (term["value"], *term.get("aliases", ()))
}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_family_is_larger_than_ten_texts(family: Family) -> None:
    assert 1 <= len(family.texts) <= 10


def test_families_and_texts_stand_there_once() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert len({(text.title, text.text) for text in TEXTS}) == len(TEXTS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_text_holds_a_watched_pseudonym_or_says_which_it_writes_otherwise(family: Family) -> None:
    for text in family.texts:
        whole = f"{text.author}\n{text.title}\n{text.text}".casefold()
        is_plain = any(handle in whole for handle in HANDLES)
        assert is_plain == (text.handle is None), text.id
        assert text.handle is None or text.handle.casefold() in HANDLES, text.id


def test_half_of_the_texts_join_and_half_only_seem_to() -> None:
    linked = sum(len(family.texts) for family in FAMILIES if family.is_linked)
    assert len(TEXTS) >= 480
    assert 0.45 <= linked / len(TEXTS) <= 0.55


def test_eight_languages_have_twenty_texts_each_and_english_is_at_most_half() -> None:
    texts = Counter(dict.fromkeys(LANGUAGES, 0))
    for family in FAMILIES:
        texts[family.language] += len(family.texts)
    assert sum(count >= 20 for count in texts.values()) >= 8
    assert 0.4 <= texts["en"] / len(TEXTS) <= 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_texts_of_both_kinds(language: str) -> None:
    assert {family.is_linked for family in FAMILIES if family.language == language} == {True, False}


def test_a_fifth_of_the_families_is_held_apart() -> None:
    held = [family for family in FAMILIES if family.is_held]
    assert 0.18 <= len(held) / len(FAMILIES) <= 0.22
    assert {family.is_linked for family in held} == {True, False}


def test_linkage_is_told_from_mentions_at_least_as_well_as_before(tmp_path: Path) -> None:
    figures = measure(FAMILIES, scan(WATCHLIST, (text.document() for text in TEXTS), tmp_path))
    assert figures.recall >= LEAST_RECALL
    assert figures.precision >= LEAST_PRECISION
