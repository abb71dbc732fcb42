"""Entities: persons, e-mail addresses and phone numbers, and time that is linear in hostile text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import spacy

from core.errors import SettingsError
from core.types import Document, Entity, EntityType, Span
from matchers.entities import EntityPipeline, PersonRecogniser, pattern_recognisers
from matchers.entities.looking import NAMES_REACH
from matchers.surroundings import REACH, surroundings
from tests.timing import cpu_seconds

PATTERNS = EntityPipeline(pattern_recognisers(("US", "GB")))
PIPELINE = EntityPipeline([*pattern_recognisers(("US", "GB")), PersonRecogniser(None)])


def recognise(text: str, title: str | None = None) -> tuple[Entity, ...]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text, title=title)])
    return entities


def found(text: str, kind: EntityType) -> list[str]:
    return [entity.found for entity in recognise(text) if entity.type is kind]


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("night_heron is Maria Gonzalez from work", "Maria Gonzalez"),
        ("we saw Maria J. Gonzalez there", "Maria J. Gonzalez"),
        ("we saw María José González", "María José González"),
        ("signed: Sofia Garcia-Lopez", "Sofia Garcia-Lopez"),
        ("the mail of Daniel Quillfeather", "Daniel Quillfeather"),
        ("Gonzalez, Maria", "Gonzalez, Maria"),
        ("GONZALEZ Maria", "GONZALEZ Maria"),
        ("ask Dr. Quillfeather about it", "Quillfeather"),
        ("my name is Zorvek Quillfeather by the way", "Zorvek Quillfeather"),
        ("real name: Zorvek Quillfeather", "Zorvek Quillfeather"),
        ("harborlight is Zorvek Quillfeather", "Zorvek Quillfeather"),
        ("her real name is maria gonzalez lol", "maria gonzalez"),
        ("it was maria gonzalez again", "maria gonzalez"),
    ],
)
def test_a_person_is_seen(text: str, person: str) -> None:
    (entity,) = recognise(text)
    assert (entity.type, entity.found) == (EntityType.PERSON, person)
    assert text[entity.span.start : entity.span.end] == person
    assert 0.5 <= entity.confidence <= 0.95
    assert entity.recogniser


@pytest.mark.parametrize(
    "text",
    [
        "I will mark my words and may go on in april",
        "The Best Day Ever Is Here",
        "Will You Mark This Down, please? May The Rest Be Good",
        "Christmas Eve in New York and Puerto Rico",
        "I've Don't It's What's",
        "my name is not important",
        "he is known as the best",
        "night_heron likes harbor commons",
    ],
)
def test_ordinary_sentences_hold_no_person(text: str) -> None:
    assert found(text, EntityType.PERSON) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to maria.g+tag@mail.harbor.example!", "maria.g+tag@mail.harbor.example"),
        ("MARIA@HARBOR.EXAMPLE", "MARIA@HARBOR.EXAMPLE"),
        ("maria [at] harbor [dot] example", "maria [at] harbor [dot] example"),
        ("maria(at)harbor(dot)example", "maria(at)harbor(dot)example"),
        ("maria at harbor dot example", "maria at harbor dot example"),
        ("maria@harbor[.]example", "maria@harbor[.]example"),
        ("mаria＠harbor.example", "mаria＠harbor.example"),
        ("maria&#64;harbor.example", "maria&#64;harbor.example"),
        ("meet me at harbor. Example", None),
        ("look at this", None),
        ("@maria", None),
        ("a@b", None),
    ],
)
def test_an_email_address_is_seen_plain_and_written_out(text: str, address: str | None) -> None:
    assert found(text, EntityType.EMAIL) == ([address] if address else [])


@pytest.mark.parametrize(
    ("text", "number", "country"),
    [
        ("call +1 (202) 555-0143 now", "+1 (202) 555-0143", "US"),
        ("call 202-555-0143", "202-555-0143", "US"),
        ("ring 020 7946 0958 at night", "020 7946 0958", "GB"),
        ("+49 30 901820", "+49 30 901820", "DE"),
        ("at 2026-11-20 10 or 10.11.12.13 or order #2025550143", None, None),
        ("it costs $2025550143 and 1,202,555,014", None, None),
        ("12345678901234567890", None, None),
        ("abc2025550143", None, None),
    ],
)
def test_a_phone_number_is_seen_when_it_is_valid(text: str, number: str | None, country: str | None) -> None:
    phones = [entity for entity in recognise(text) if entity.type is EntityType.PHONE]
    assert [(entity.found, entity.country) for entity in phones] == ([(number, country)] if number else [])


def test_entities_come_in_order_from_title_and_text_without_overlap() -> None:
    entities = recognise("maria.gonzalez@harbor.example is Maria Gonzalez, 202-555-0143", "Maria Gonzalez")
    assert [(entity.span.field, entity.type) for entity in entities] == [
        ("text", EntityType.EMAIL),
        ("text", EntityType.PERSON),
        ("text", EntityType.PHONE),
        ("title", EntityType.PERSON),
    ]


def test_an_unknown_region_or_pipeline_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="phone_regions"):
        pattern_recognisers(("Narnia",))
    with pytest.raises(SettingsError, match="nlp_model"):
        PersonRecogniser("no_such_pipeline")


def test_an_installed_spacy_pipeline_takes_the_place_of_the_rules(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]
        [
            {"label": "PER", "pattern": "Zorvek"},
            {"label": "GPE", "pattern": "Harborville"},
            {"label": "ORG", "pattern": "Heron Shipping"},
            {"label": "DATE", "pattern": "today"},
        ]
    )
    nlp.to_disk(tmp_path / "pipeline")
    pipeline = EntityPipeline([PersonRecogniser(str(tmp_path / "pipeline"))])
    (entities,) = pipeline.recognise([Document(id="1", text="Zorvek of Heron Shipping left Harborville today")])
    assert [(entity.type, entity.found, entity.recogniser) for entity in entities] == [
        (EntityType.PERSON, "Zorvek", "spacy_model"),
        (EntityType.ORGANIZATION, "Heron Shipping", "spacy_model"),
        (EntityType.LOCATION, "Harborville", "spacy_model"),
    ]


def test_a_long_text_is_seen_to_its_end() -> None:
    text = "nothing here. " * 5_000 + "It was Maria Gonzalez."
    (entity,) = recognise(text)
    assert text[entity.span.start : entity.span.end] == "Maria Gonzalez"


def test_threads_may_share_a_pipeline() -> None:
    texts = [f"case {n}: Maria Gonzalez, 202-555-0143" for n in range(60)]
    alone = [recognise(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(recognise, texts)) == alone


@pytest.mark.parametrize(
    "pattern",
    ["a@", "a@a.", "1", "1(", "(", "((((1", "a.b-c", "x at ", "x [at] y [dot] ", "Maria ", "M. ", "'", "1 ", "\u0301"],
)
def test_hostile_text_takes_linear_time(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        document = Document(id="1", text=pattern * (length // len(pattern)))
        return cpu_seconds(lambda: PATTERNS.recognise([document]), enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(10_000), 0.005)
    assert seconds(80_000, bound) < bound


def test_around_matches_of_a_long_text_the_same_is_seen_as_in_the_whole_of_it() -> None:
    lines = [
        f"Case {n}: Maria Gonzalez, maria{n}@mail.example, +1 202-555-0{n % 1000:03}. And so on.\n" for n in range(900)
    ]
    document = Document(id="1", title="Members of Anna Novak", text="".join(lines))
    starts = [document.text.index(lines[n]) for n in (0, 333, 335, 620)]
    ((whole,), (around,)) = (
        PIPELINE.recognise([document]),
        PIPELINE.recognise([document], [[Span("text", start, start + 4) for start in starts]]),
    )

    def is_near(entity: Entity) -> bool:
        # Beyond its reach the model sees no word, so that a name there may be cut in two.
        reach = NAMES_REACH - 50 if entity.type is EntityType.PERSON else REACH
        return entity.span.field == "title" or any(abs(entity.span.start - start) <= reach for start in starts)

    assert [entity for entity in around if is_near(entity)] == [entity for entity in whole if is_near(entity)]
    assert len(around) < len(whole) / 4


def test_a_stretch_is_cut_at_white_space_and_holds_the_ends_of_a_field() -> None:
    text = "long words " * 2_000
    for start, end in surroundings(text, [(9_000, 9_010)], reach=100):
        assert start == 0 or text[start - 1] == " "
        assert end == len(text) or text[end] == " "
    assert list(surroundings("short", [(0, 2)])) == [(0, 5)]
    (first, middle, last) = surroundings(text, [(9_000, 9_010)], reach=100)
    assert (first[0], last[1]) == (0, len(text))
    assert middle[0] <= 8_900 < 9_110 <= middle[1]


def test_a_name_after_a_title_with_and_without_a_full_stop_is_seen() -> None:
    for text in ("we met Mr Zorvek there", "we met Mr. Zorvek there"):
        assert found(text, EntityType.PERSON) == ["Zorvek"]


def test_a_number_whose_check_digits_hold_is_not_part_of_what_only_may_be_a_street() -> None:
    assert found("Medicare number 2123 45670 1", EntityType.HEALTH_ID) == ["2123 45670 1"]
    assert not found("Medicare number 2123 45670 1", EntityType.ADDRESS)


def test_a_licence_plate_is_not_part_of_what_only_may_be_a_name() -> None:
    assert found("Kennzeichen B-MW 1234", EntityType.LICENCE_PLATE) == ["B-MW 1234"]
