"""Texts with slots for names, as the model of persons learns from them."""

from __future__ import annotations

from pathlib import Path

from matchers.entities.model.corpus import PERSON
from matchers.entities.model.generated import Generator
from matchers.entities.model.slotted import Filling, SlottedText, slotted_texts

TEXTS = """
- about: an invented slip
  language: en
  linked: ["{H} is {P}, see [[E:12 Elm Street]]", "[[P:Dr. {P.family}]] = {H}"]
  harmless: ["[[Q:Maria López]] thanked {H} in Leeds, not {q.given}"]
- about: 说法
  language: zh
  linked: ["{H}就是{P}，住在杭州"]
  harmless: []
"""


def texts(folder: Path) -> list[SlottedText]:
    (folder / "invented.yaml").write_text(TEXTS, encoding="utf-8")
    return slotted_texts(folder)


def test_slots_are_told_by_what_fills_them(tmp_path: Path) -> None:
    fillings = [[slot.filling for slot in text.slots] for text in texts(tmp_path)]
    written, pseudonym = Filling.WRITTEN, Filling.PSEUDONYM
    assert fillings == [
        [pseudonym, written, Filling.FULL, written, Filling.PARTICULAR],
        [written, Filling.FAMILY, written, pseudonym],
        [Filling.NAMED, written, pseudonym, written, Filling.PARTICULAR],
        [pseudonym, written, Filling.FULL, written],
    ]


def test_names_are_persons_and_what_may_be_one_is_unknown(tmp_path: Path, shared: Path) -> None:
    generator = Generator(shared, 17)
    english, title, thanks, chinese = (next(generator.texts([text], 1)) for text in texts(tmp_path))
    for sentence in (english, title, thanks, chinese):
        ((start, end, label),) = sentence.entities
        assert label == PERSON
        assert sentence.text[start:end].strip()
    assert [english.text[start:end] for start, end in english.unknown] == ["12 Elm Street"]
    assert [thanks.text[start:end] for start, end, _ in thanks.entities] == ["Maria López"]
    assert "Leeds" in [thanks.text[start:end] for start, end in thanks.unknown]
    name = next(chinese.text[start:end] for start, end, _ in chinese.entities)
    assert 2 <= len(name) <= 4
    assert name.isalpha()


def test_the_same_seed_fills_in_the_same_names(tmp_path: Path, shared: Path) -> None:
    given = texts(tmp_path)
    assert list(Generator(shared, 5).texts(given, 20)) == list(Generator(shared, 5).texts(given, 20))
