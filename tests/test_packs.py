"""Topic packs."""

from __future__ import annotations

import unicodedata

import pytest

from core.types import Pack
from watchlists.packs import load_packs


def test_the_doxxing_pack_speaks_five_languages() -> None:
    [pack] = [pack for pack in load_packs() if pack.name == "doxxing"]
    assert {"dox*", "real name", "nombre real", "vrai nom", "klarname*", "nome verdadeiro"} <= set(pack.phrases)


@pytest.mark.parametrize("pack", load_packs(), ids=lambda pack: pack.name)
def test_phrases_are_words_that_may_end_with_a_star(pack: Pack) -> None:
    assert pack.description
    assert len(set(pack.phrases)) == len(pack.phrases)
    for phrase in pack.phrases:
        assert phrase == unicodedata.normalize("NFC", phrase).lower().strip()
        assert "*" not in phrase[:-1]
        assert len(phrase.rstrip("*")) >= 3
