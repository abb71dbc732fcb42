"""Folding: what is undone, and the way back to the original."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import Document, FoldedText
from matchers.batch import FoldedBatch
from matchers.folding import fold_text, transformations

DISGUISES = (
    "&#110; &amp; &amp;#105; &#x301; %C3%A9 %6e %ff \\_ \\\\ & % ﬁ ß İ é e\u0301 ё н Н η Η ｎ 𝗻 🅽 \u200d \ufeff \u0301 "
    "한 が \ud800 \U000e0041 ΐ ŉ Å"
)
disguises = st.sampled_from(DISGUISES.split())
texts = st.lists(st.one_of(st.text(max_size=4), disguises), max_size=30).map("".join)


def assert_leads_back(folded: FoldedText) -> None:
    assert len(folded.text) == len(folded.starts) == len(folded.ends) == len(folded.undone)
    places = list(zip(folded.starts, folded.ends, strict=True))
    for start, end in places:
        assert 0 <= start < end <= len(folded.original)
    for before, after in pairwise(places):
        assert after == before or after[0] >= before[1]
    for place in dict.fromkeys(places):
        together = "".join(character for character, other in zip(folded.text, places, strict=True) if other == place)
        assert fold_text(folded.original[slice(*place)]).text == together


@given(texts)
def test_every_folded_character_leads_back_to_what_folds_to_it(text: str) -> None:
    assert_leads_back(fold_text(text))


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_text_folds_to_small_letters_unless_it_is_escaped(text: str) -> None:
    if not set("&%\\") & set(text):
        assert fold_text(text).text == text.lower()


def test_naughty_strings_lead_back_too(shared: Path) -> None:
    with gzip.open(shared / "data/protocols/naughty_strings.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            assert_leads_back(fold_text(json.loads(line)["text"]))


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Night_Heron", ["case"]),
        ("nіght_hеrоn", ["homoglyph"]),
        ("ｎｉｇｈｔ＿ｈｅｒｏｎ", ["compatibility"]),
        ("𝗻𝗶𝗴𝗵𝘁_𝗵𝗲𝗿𝗼𝗻", ["compatibility"]),
        ("🅽🅸🅶🅷🆃_heron", ["compatibility"]),
        ("níght_hërön", ["diacritics"]),
        ("ni\u0301ght_hero\u0308n\u0303", ["diacritics"]),
        ("n\u200bight\u00ad_heron", ["zero_width"]),
        ("n&#105;ght&#x5f;heron", ["html_entity"]),
        ("night%5Fheron", ["url_encoding"]),
        ("night\\_heron", ["markdown_escape"]),
    ],
)
def test_a_disguise_is_undone_and_named(written: str, names: list[str]) -> None:
    folded = fold_text(written)
    assert folded.text == "night_heron"
    assert transformations(folded, 0, len(folded.text)) == names


def test_an_end_takes_in_combining_marks_and_the_whole_reference() -> None:
    folded = fold_text("n&#111;\u0301!")
    assert list(zip(folded.text, folded.starts, folded.ends, strict=True)) == [("n", 0, 1), ("o", 1, 8), ("!", 8, 9)]


def test_what_is_invisible_after_a_word_is_not_part_of_it() -> None:
    folded = fold_text("heron\u200b is")
    assert transformations(folded, 0, 5) == []
    assert folded.ends[4] == 5


def test_russian_text_folds_the_same_in_both_cases() -> None:
    assert fold_text("НОЧНАЯ ЦАПЛЯ В ПОРТУ").text == fold_text("ночная цапля в порту").text


def test_percent_signs_that_encode_nothing_stay() -> None:
    assert fold_text("100%access 50% %zz %ff").text == "100%access 50% %zz %ff"


def test_documents_fold_field_by_field_without_the_empty_ones() -> None:
    (folded,) = FoldedBatch([Document(id="1", text="Heron", title="", author="Ｑuiet")])
    assert {name: text.text for name, text in folded.fields.items()} == {"text": "heron", "author": "quiet"}
