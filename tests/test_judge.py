"""The judge: how a text is marked, cut and judged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from alerting.judge import Kind, Mention, Range, glance, nearest, opinions, question
from alerting.judge.encoding import LONGEST, encode, padded
from alerting.judge.marking import WINDOW, Mark, read_marks
from alerting.judge.pieces import Vocabulary
from tests.conftest import REPOSITORY


def at(text: str, word: str, nth: int = 1) -> Range:
    start = -1
    for _ in range(nth):
        start = text.index(word, start + 1)
    return start, start + len(word)


def asked(text: str, pseudonym: str, person: str) -> str:
    return question(text, at(text, pseudonym), Mention(at(text, person), Kind.PERSON))


def asked_alone(text: str) -> str:
    return question(text, at(text, "night_heron"))


def shown(window: str) -> str:
    return "".join(text if mark is None else f"<{mark.name}>" for text, mark in read_marks(window))


def test_marks_stand_for_the_pseudonym_and_the_person() -> None:
    text = "so night_heron is Maria Lopez"
    assert shown(asked(text, "night_heron", "Maria Lopez")).split() == ["so", "<PSEUDONYM>", "is", "<PERSON>"]


def test_all_mentions_of_one_person_have_one_mark() -> None:
    text = "Maria Lopez? night_heron is Maria. Ask José."
    window = shown(asked(text, "night_heron", "Maria Lopez"))
    assert window.split() == ["<PERSON>", "?", "<PSEUDONYM>", "is", "<PERSON>", ".", "Ask", "José."]


def test_a_question_depends_on_the_text_and_the_two_alone() -> None:
    text = "Maria Lopez and MARIA: night_heron, Night_Heron, copperfinch"
    window = shown(asked(text, "night_heron", "Maria Lopez"))
    assert window.split() == ["<PERSON>", "and", "<PERSON>", ":", "<PSEUDONYM>", ",", "<PSEUDONYM>", ",", "copperfinch"]


def test_all_mentions_of_a_name_make_one_question() -> None:
    text = "Maria, Maria and maria know night_heron, but then Maria too"
    places = [at(text, "Maria", nth) for nth in (1, 2, 3)]
    assert {nearest(text, at(text, "night_heron"), place) for place in places} == {at(text, "maria")}
    assert nearest(text, at(text, "night_heron"), at(text, "know")) == at(text, "know")


def test_a_particular_has_a_mark_of_its_own_and_others_have_none() -> None:
    text = "night_heron, copperfinch: Maria Lopez, 12 Elm Street, 555 0100"
    window = question(text, at(text, "night_heron"), Mention(at(text, "555 0100"), Kind.PARTICULAR))
    assert shown(window).split() == [
        *("<PSEUDONYM>", ",", "copperfinch:", "Maria", "Lopez,", "12", "Elm", "Street,", "<PARTICULAR>")
    ]


def test_a_question_about_the_pseudonym_alone_marks_it_and_nothing_else() -> None:
    text = "Night_Heron? everybody knows that night_heron is Maria Lopez, 555 0100"
    assert shown(asked_alone(text)).split() == [
        *("<PSEUDONYM>", "?", "everybody", "knows", "that", "<PSEUDONYM>", "is", "Maria", "Lopez,", "555", "0100")
    ]


def test_a_question_about_the_pseudonym_alone_reads_the_part_around_it() -> None:
    window = asked_alone(f"{'before ' * 500}night_heron{' after' * 500}")
    assert len(window) == WINDOW
    assert 0.4 < window.index(Mark.PSEUDONYM) / WINDOW < 0.6


def test_characters_that_are_marks_are_read_as_blanks_in_a_text() -> None:
    text = "\x02 night_heron\x01 is Maria"
    marks = [mark for _, mark in read_marks(asked(text, "night_heron", "Maria")) if mark is not None]
    assert marks == [Mark.PSEUDONYM, Mark.PERSON]


def test_of_a_long_text_the_part_around_the_two_is_read() -> None:
    text = f"{'before ' * 500}night_heron is Maria{' after' * 500}"
    window = asked(text, "night_heron", "Maria")
    assert len(window) == WINDOW
    assert "<PSEUDONYM>  is  <PERSON>" in shown(window)
    assert len(encode(window).pieces) <= LONGEST


def cut(vocabulary: Vocabulary, text: str, *, after_blank: bool = True) -> list[tuple[int, int]]:
    return [(piece.number, piece.start) for piece in vocabulary.cut(text, after_blank=after_blank)]


def test_words_are_cut_into_known_pieces_with_their_places() -> None:
    pieces = {"▁real": -3.0, "ly": -4.0, ",": -2.0, "▁cafe": -5.0, "▁": -3.0, "夜": -6.0}
    vocabulary = Vocabulary(["[PAD]", "[UNK]"], pieces)
    assert cut(vocabulary, "really,  ｃafe\u200b z夜") == [
        (2, 0), (3, 4), (4, 6), (5, 9), (6, 15), (1, 15), (7, 16),
    ]  # fmt: skip


def test_of_several_cuts_the_most_probable_one_is_taken() -> None:
    pieces = {"▁un": -2.0, "▁unre": -2.5, "real": -2.0, "al": -3.0, "▁": -1.0}
    vocabulary = Vocabulary(["[UNK]"], pieces)
    assert cut(vocabulary, "unreal") == [(1, 0), (3, 2)]
    likelier = Vocabulary(["[UNK]"], {**pieces, "al": -1.0})
    assert cut(likelier, "unreal") == [(2, 0), (4, 4)]


def test_what_follows_without_a_blank_does_not_begin_a_word() -> None:
    vocabulary = Vocabulary(["[UNK]"], {"▁is": -2.0, "is": -3.0})
    assert cut(vocabulary, "is", after_blank=False) == [(2, 0)]
    assert cut(vocabulary, " is", after_blank=False) == [(1, 1)]


def test_a_word_without_an_end_is_cut_as_others_are() -> None:
    vocabulary = Vocabulary(["[UNK]"], {"▁": -1.0, "a": -2.0, "a" * 4: -3.0})
    assert len(cut(vocabulary, "a" * 100_000)) < 100_000 / 3


def test_a_lone_surrogate_does_not_stop_the_judge() -> None:
    (chance,) = opinions([asked("\ud83d night_heron is Maria Lopez", "night_heron", "Maria Lopez")])
    assert 0 <= chance <= 1


def test_a_mark_is_one_piece_and_shorter_texts_are_padded() -> None:
    short, longer = encode(" \x01  \x02 "), encode(" \x01 is really \x02 ")
    pieces, signs = padded([short, longer])
    assert len(short.pieces) == 4
    assert pieces.shape == signs.shape == (2, len(longer.pieces))
    assert not pieces[0, 4:].any()


def test_nothing_asked_is_nothing_answered() -> None:
    assert opinions([]) == []


@pytest.mark.parametrize(
    ("says", "does_not"),
    [
        ("guess who signs her parcels as Maria Lopez? yes, night_heron", "night_heron sent a parcel to Maria Lopez"),
        ("the parcel label of night_heron reads Maria Lopez", "night_heron had a bill from Maria Lopez for plumbing"),
        ("la que firma como night_heron no es otra que Maria Lopez", "night_heron saluda a Maria Lopez"),
        ("derrière night_heron il y a tout simplement Maria Lopez", "night_heron a répondu à Maria Lopez hier"),
        ("hinter night_heron verbirgt sich niemand anderes als Maria Lopez", "night_heron hat Maria Lopez gedankt"),
    ],
)  # fmt: skip
def test_a_claim_is_likelier_a_linkage_than_ordinary_talk(says: str, does_not: str) -> None:
    chances = opinions([asked(text, "night_heron", "Maria Lopez") for text in (says, does_not)])
    assert chances[0] > 0.6 > chances[1]


@pytest.mark.parametrize(
    ("says", "does_not"),
    [
        ("night_heron? it's dave from the bakery, he told me himself", "night_heron has the best bread recipe, thanks"),
        ("the woman with the chip van by the station is night_heron", "night_heron posted about the chip van again"),
        ("night_heron es el panadero de mi calle, lo he visto escribir", "night_heron tiene razón, como siempre"),
        ("hinter night_heron steckt unsere Hausmeisterin", "night_heron hat heute wieder einen guten Text geschrieben"),
    ],
)  # fmt: skip
def test_a_text_that_gives_a_pseudonym_away_without_a_name_is_told_from_one_that_does_not(
    says: str, does_not: str
) -> None:
    chances = opinions([asked_alone(text) for text in (says, does_not)])
    assert chances[0] > 0.8 > 0.2 > chances[1]


def test_a_first_glance_lets_those_pass_that_give_somebody_away_and_few_others() -> None:
    assert glance(asked_alone("so night_heron is our night nurse, second floor of the clinic in my street")) > 0
    assert glance(asked_alone("i love this so much night_heron lol")) < 0


def test_the_order_of_questions_does_not_change_the_answers() -> None:
    questions = [asked(f"{'so ' * times}night_heron is Maria Lopez", "night_heron", "Maria") for times in range(40)]
    assert opinions(questions) == pytest.approx(opinions(questions[::-1])[::-1], abs=0.02)


def test_the_library_that_runs_the_network_calls_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    # Later versions send telemetry, unless they think that they are run by tests.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    program = "from alerting.judge import opinions; opinions(['\\x01 is \\x02'])"
    subprocess.run([sys.executable, "-B", "-c", program], env=environment, cwd=REPOSITORY, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []
    libraries = [path for path in Path(onnxruntime.__file__).parent.rglob("*.so*") if path.is_file()]
    assert libraries
    assert not any(b"OneDsTelemetry" in path.read_bytes() for path in libraries)
