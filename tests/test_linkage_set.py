"""The set of texts that linkage is measured on is what it says it is."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from tests.linkage_set import WATCHLIST, Family, Text, load_families

FAMILIES = load_families()
TEXTS = [text for family in FAMILIES for text in family.texts]
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


def count_by(families: list[Family]) -> Counter[str]:
    return Counter({family.name: len(family.texts) for family in families})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_family_is_larger_than_ten_texts(family: Family) -> None:
    assert 1 <= len(family.texts) <= 10


def test_families_and_texts_stand_there_once() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert len({(text.title, text.text) for text in TEXTS}) == len(TEXTS)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.id)
def test_every_text_holds_a_watched_pseudonym_or_says_which_it_disguises(text: Text) -> None:
    whole = f"{text.title or ''}\n{text.text}".casefold()
    is_plain = any(handle in whole for handle in HANDLES)
    assert is_plain == (text.handle is None)
    assert text.handle is None or text.handle.casefold() in HANDLES
