"""The tables of signals and of phrases that link."""

from __future__ import annotations

import re
from pathlib import Path

from alerting.signals import link_table, signal_table
from core.types import (
    EntityType,
)


def test_every_entity_type_but_a_person_has_its_points() -> None:
    assert set(signal_table().particulars) == set(EntityType) - {EntityType.PERSON}


def test_the_documentation_names_every_signal() -> None:
    page = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text(encoding="utf-8")
    table = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert set(re.findall("`([a-z_]+)`", table)) == set(signal_table().signals)


def test_words_that_make_a_signal_and_packs_are_those_of_the_tables() -> None:
    signs = {kind.sign for kind in link_table().kinds.values()}
    assert set(signal_table().words_nearby) <= signs
    assert set(signal_table().words_nearby.values()) <= set(signal_table().signals)


def test_no_phrase_says_two_things_in_one_language() -> None:
    said: dict[tuple[str, str], str] = {}
    for name, kind in link_table().kinds.items():
        for language, phrases in kind.phrases.items():
            for phrase in phrases:
                assert said.setdefault((language, phrase.lower()), name) == name, (language, phrase)


def test_every_kind_of_phrase_has_a_sign_of_its_own() -> None:
    signs = [kind.sign for kind in link_table().kinds.values()]
    assert len(set(signs)) == len(signs)
    assert not set(signs) & set("wWdNTHPE.?,:-()/'")
