"""Machine-readable zones: the specimens of ICAO Doc 9303, and what only looks like one."""

from __future__ import annotations

import pytest

from core.types import Document, Entity, EntityType
from matchers.entities import EntityPipeline
from matchers.entities.mrz import MachineReadableZoneRecogniser
from tests.timing import cpu_seconds

PIPELINE = EntityPipeline([MachineReadableZoneRecogniser()])
PASSPORT = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
CARD = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
CARD_OF_TWO_LINES = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
VISA = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<"
PERMIT = CARD.replace("I<UTO", "ARD<<", 1)


def recognise(text: str) -> tuple[Entity, ...]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    return entities


@pytest.mark.parametrize(
    ("zone", "kind", "country"),
    [
        (PASSPORT, EntityType.PASSPORT, None),
        (PASSPORT.replace("UTO", "FRA"), EntityType.PASSPORT, "FR"),
        (PASSPORT.replace("UTO", "D<<"), EntityType.PASSPORT, "DE"),
        (PASSPORT.lower(), EntityType.PASSPORT, None),
        (PASSPORT.splitlines()[1], EntityType.PASSPORT, None),
        (CARD, EntityType.NATIONAL_ID, None),
        (CARD_OF_TWO_LINES, EntityType.NATIONAL_ID, None),
        (VISA, EntityType.IMMIGRATION_ID, None),
        (PERMIT, EntityType.IMMIGRATION_ID, "DE"),
    ],
)
def test_a_zone_is_seen_as_a_whole(zone: str, kind: EntityType, country: str | None) -> None:
    text = f"here it is:\n{zone}\nenjoy"
    (entity,) = recognise(text)
    assert (entity.found, entity.type, entity.country) == (zone, kind, country)
    assert text[entity.span.start : entity.span.end] == zone


def test_a_zone_in_a_page_of_html_is_seen() -> None:
    (entity,) = recognise(PASSPORT.replace("<", "&lt;"))
    assert entity.type is EntityType.PASSPORT


@pytest.mark.parametrize(
    "text",
    [
        PASSPORT.replace("7408122", "7408123"),
        PASSPORT.replace("L898902C3", "L898902C4"),
        PASSPORT.replace("1204159", "1204158"),
        "A" + PASSPORT.splitlines()[1],
        PASSPORT.splitlines()[0],
        "1234567F1234567",
    ],
)
def test_a_zone_with_a_wrong_check_digit_is_none(text: str) -> None:
    assert recognise(text) == ()


@pytest.mark.parametrize(
    "pattern", ["<", "P<UTO", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n", "7408122F1204159", "\n"]
)
def test_zones_take_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        text = f"{PASSPORT}\n{pattern * (length // len(pattern))}"
        return cpu_seconds(lambda: recognise(text), enough)

    bound = 24 * max(seconds(20_000), 0.01)
    assert seconds(160_000, bound) < bound
