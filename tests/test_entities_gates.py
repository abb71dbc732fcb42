"""Gates: what they let in, and what of a long text is looked at."""

from __future__ import annotations

import random

import pytest

from core.types import Document
from matchers.entities import EntityPipeline, pattern_recognisers
from matchers.entities.gates import Gate, Gates
from matchers.entities.joined import JoinedTexts

PIPELINE = EntityPipeline(pattern_recognisers(("US", "GB")))
FILLER = "and so on "
PARTICULARS = (
    "call (202) 555-0143",
    "she lives at 12 Elm Street, Springfield",
    "maria at harbor dot example",
    "born on 3 May 1990",
    "мария@harbor.example",
    "phone ٠٢٠ ٧٩٤٦ ٠٩٥٨",
    "https://harbor.example/a",
    "password: hunter2!",
    "two zero two five five five zero one four three",
    "insta: maria.heron",
    "lindenstraße 12, 10969 berlin 🌊",
)


def parts(gate: Gate, text: str) -> list[str]:
    opened = Gates([gate]).open_to(JoinedTexts.of_folded([text]))
    return [text[start:end] for _, _, ranges in opened for start, end in ranges]


@pytest.mark.parametrize("around", ["", "\0", "é ", "🌊 ", "@ ", "1 ", "a@", "street ", FILLER * 60])
def test_a_text_is_seen_the_same_alone_and_among_others(around: str) -> None:
    chosen = random.Random(around)
    texts = [f"{around}{text}{around}" for text in (*PARTICULARS, "", "nothing here", "@", "12", "é")]
    chosen.shuffle(texts)
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    alone = [PIPELINE.recognise([document])[0] for document in documents]
    assert PIPELINE.recognise(documents) == alone
    assert sum(map(bool, alone)) > len(PARTICULARS) / 2


def test_nothing_is_seen_in_nothing() -> None:
    assert PIPELINE.recognise([]) == []
    assert PIPELINE.recognise([Document(id="1", text="")]) == [()]


def test_a_short_text_is_looked_at_whole() -> None:
    assert parts(Gate("heron", reach=1), "a night heron there") == ["a night heron there"]
    assert parts(Gate("heron", reach=1), "an owl") == []


def test_of_a_long_text_what_is_within_reach_of_a_place_is_looked_at_from_word_to_word() -> None:
    text = f"{FILLER * 60}the heron flew{FILLER * 60}and the heron sat"
    assert parts(Gate("heron", reach=6), text) == ["on the heron flewand", "and the heron sat"]


def test_parts_that_touch_are_one_and_a_long_word_is_never_cut() -> None:
    text = f"{FILLER * 60}heron and heron {'x' * 50}heron{'y' * 50} {FILLER * 60}"
    assert parts(Gate("heron", reach=6), text) == [f"so on heron and heron {'x' * 50}heron{'y' * 50}"]
    unbroken = "x" * 600 + "heron" + "y" * 600
    assert parts(Gate("heron", reach=6), unbroken) == [unbroken]


def test_a_part_is_given_in_characters_whatever_their_number_of_bytes() -> None:
    text = f"{'é 🌊 ' * 150}the heron flew {'é 🌊 ' * 150}"
    assert parts(Gate("heron", reach=6), text) == ["🌊 the heron flew é"]


def test_where_a_digit_is_asked_for_one_must_stand_within_reach() -> None:
    gate = Gate("street", reach=20, digitless="lives in")
    assert parts(gate, "12 elm street") == ["12 elm street"]
    assert parts(gate, "elm street") == []
    assert parts(gate, "lives in elm street") == ["lives in elm street"]
    assert parts(gate, f"12 {FILLER * 60}elm street {FILLER * 60}") == []
    assert parts(Gate("street", reach=20, digitless=""), "lives in elm street") == []


@pytest.mark.parametrize("digit", ["7", "٧", "७", "𝟕"])
def test_a_digit_is_one_in_every_script(digit: str) -> None:
    assert parts(Gate("street", reach=20, digitless=""), f"street {digit}") == [f"street {digit}"]


def test_many_signs_in_a_row_open_a_gate_that_asks_for_them() -> None:
    gate = Gate("heron", reach=1, unbroken=8)
    assert parts(gate, "an owl-and_8 sat") == ["an owl-and_8 sat"]
    assert parts(gate, "an owl and 8 sat") == []


def test_a_place_that_does_not_count_opens_no_gate() -> None:
    gate = Gate("heron", reach=1, counts=lambda text, _, end: not text.startswith("ry", end))
    assert parts(gate, "a heron") == ["a heron"]
    assert parts(gate, "a heronry") == []


@pytest.mark.parametrize("before", ["see u/night_heron", "my twitter", "password:", "iban"])
def test_what_begins_a_text_is_seen_after_a_text_that_ends_with_something(before: str) -> None:
    documents = [Document(id="1", text=before), Document(id="2", text="u/night_heron")]
    assert [entity.found for entity in PIPELINE.recognise(documents)[1]] == ["u/night_heron"]


def test_a_link_is_whole_where_spaces_are_encoded_in_it() -> None:
    link = "https://harbor.example/list%20of%20all%20the%20members%20with%20their%20names%20and%20streets%202026.txt"
    (entities,) = PIPELINE.recognise([Document(id="1", text=f"{FILLER * 60}{link} {FILLER * 60}")])
    assert [entity.found for entity in entities] == [link]
