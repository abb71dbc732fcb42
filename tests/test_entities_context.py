"""Words of context: whose word is near a place."""

from __future__ import annotations

import pytest

from matchers.entities.context import ContextWords
from matchers.folding import fold_text
from tests.timing import cpu_seconds

WORDS = ContextWords(
    {
        "passport": ["passport*", "número de pasaporte", "паспорт*", "护照", "หนังสือเดินทาง", "जन्म पत्र"],
        "phone": ["phone", "tel", "电话", "mo*"],
    }
)


def nearest(text: str) -> str | None:
    """Return whose word is nearest to the ``[…]`` of a text."""
    place = fold_text(text).text
    start, end = place.index("["), place.index("]") + 1
    return WORDS.read(fold_text(text)).nearest(start, end)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("passport [123]", "passport"),
        ("PASSPORTS: [123]", "passport"),
        ("my Número  de\nPasaporte is [123]", "passport"),
        ("passport_number=[123]", "passport"),
        ("Паспорта [123]", "passport"),
        ("我的护照号码是[123]", "passport"),
        ("หนังสือเดินทาง[123]", "passport"),
        ("जन्म पत्र [123]", "passport"),
        ("passport | phone [123]", "phone"),
        ("phone | passport [123]", "passport"),
        ("[123] is my passport", "passport"),
        ("tel [123] passport", "phone"),
        ("mob. [123]", "phone"),
        ("tels [123]", "phone"),
        ("[123] passport: 456", None),
        ("[123] passport no 456", None),
        ("[123], phone 456", None),
        ("[123]\npassport", None),
        ("número de [123]", None),
        ("telling [123]", None),
        ("[passport 123]", None),
        (f"passport {'x ' * 40}[123]", None),
        (f"[123] {'x ' * 20}passport", None),
        ("[123]", None),
    ],
)
def test_the_nearest_word_says_what_stands_at_a_place(text: str, owner: str | None) -> None:
    assert nearest(text) == owner


def test_every_owner_within_reach_is_told_with_its_distance() -> None:
    folded = fold_text("phone or passport: 123")
    assert WORDS.read(folded).distances(19, 22) == {"passport": 2, "phone": 14}


@pytest.mark.parametrize("pattern", ["passport ", "passport 123 ", "número de ", "护照", "a ", "1 "])
def test_context_takes_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        folded = fold_text(pattern * (length // len(pattern)))

        def ask() -> None:
            near = WORDS.read(folded)
            for place in range(0, len(folded.text), 10):
                near.nearest(place, place + 1)

        return cpu_seconds(ask, enough)

    bound = 24 * max(seconds(2_000), 0.01)
    assert seconds(16_000, bound) < bound
