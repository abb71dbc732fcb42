"""Identifiers of persons: every row of the table counts with its context or check digits, and not without."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from core.types import Document, Entity, EntityType
from matchers.entities import EntityPipeline
from matchers.entities.identifier_rules import IdentifierRule, identifier_table
from matchers.entities.identifiers import IdentifierRecogniser
from matchers.phrases import Words
from tests.identifier_table import PAGE, with_identifiers
from tests.timing import cpu_seconds

PIPELINE = EntityPipeline([IdentifierRecogniser()])
RULES = {rule.name: rule for rule in identifier_table().identifiers}


class Example(NamedTuple):
    rule: str
    text: str
    found: str
    never: str


EXAMPLES = [
    Example(**row)
    for row in yaml.safe_load((Path(__file__).parent / "entities" / "identifiers.yaml").read_text("utf-8"))
]


def recognise(text: str) -> tuple[Entity, ...]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    return entities


def sample(layout: str, source: random.Random) -> str:
    signs = {
        "9": string.digits,
        "@": string.ascii_uppercase,
        "*": string.digits + string.ascii_uppercase,
    }
    return "".join(source.choice(signs.get(sign, sign)) for sign in layout)


def test_every_row_has_an_example_and_a_name_of_its_own() -> None:
    assert [example.rule for example in EXAMPLES] == [rule.name for rule in identifier_table().identifiers]
    assert len(RULES) == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.rule for example in EXAMPLES])
def test_a_number_counts(example: Example) -> None:
    rule = RULES[example.rule]
    (entity,) = recognise(example.text)
    assert (entity.found, entity.type, entity.country) == (example.found, rule.type, rule.country)
    assert example.text[entity.span.start : entity.span.end] == example.found
    assert 0.5 < entity.confidence < 1


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.rule for example in EXAMPLES])
def test_a_number_does_not_count_with_a_wrong_check_digit_or_without_context(example: Example) -> None:
    assert example.rule not in {entity.recogniser for entity in recognise(example.never)}


def test_more_than_forty_countries_are_known_with_check_digits() -> None:
    assert len({rule.country for rule in RULES.values() if rule.check and rule.country}) >= 60


def test_every_row_may_count() -> None:
    assert [rule.name for rule in RULES.values() if not (rule.words or rule.groups or rule.alone)] == []


def test_every_row_names_its_source() -> None:
    assert [
        rule.name
        for rule in RULES.values()
        if rule.source is None and (rule.check is None or "." not in rule.check) and rule.country
    ] == []


def test_a_word_of_context_is_more_than_a_letter() -> None:
    table = identifier_table()
    phrases = [phrase for rule in RULES.values() for phrase in rule.words]
    phrases += [phrase for words in (*table.groups.values(), table.elsewhere) for phrase in words]
    assert [phrase for phrase in phrases if phrase.isascii() and len("".join(Words(phrase.lower()).texts)) < 2] == []


def test_the_groups_that_rows_name_are_there() -> None:
    groups = set(identifier_table().groups)
    assert {group for rule in RULES.values() for group in rule.groups} <= groups
    assert not groups & set(RULES), "a row's own words are told from a group's by its name"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_whatever_stands_in_a_layout_is_answered(rule: IdentifierRule) -> None:
    source = random.Random(rule.name)
    answers = {rule.is_valid(sample(layout, source)) for layout in rule.layouts for _ in range(300)}
    assert answers <= {True, False}
    assert not rule.is_valid("0" * len(rule.layouts[0]))


DIGITS_ALONE = [
    (rule, layout)
    for rule in RULES.values()
    if rule.alone
    for layout in rule.layouts
    if set(layout) <= set("0123456789 ")
]


@pytest.mark.parametrize(("rule", "layout"), DIGITS_ALONE, ids=[rule.name for rule, _ in DIGITS_ALONE])
def test_of_mere_digits_one_in_a_thousand_at_most_counts_alone(rule: IdentifierRule, layout: str) -> None:
    source = random.Random(layout)
    passed = sum(rule.is_valid(sample(layout, source)) for _ in range(2_000)) / 2_000
    written = len([sign for sign in layout if sign.isdecimal() and sign != "9"])
    assert passed * 10**-written <= 0.001


@pytest.mark.parametrize(
    ("text", "found", "kind", "country"),
    [
        ("her ssn is 219 09 9998 lol", "219 09 9998", EntityType.NATIONAL_ID, "US"),
        ("219-09-9998 is her social", "219-09-9998", EntityType.NATIONAL_ID, "US"),
        ("ssn=219-09-9998&x=1", "219-09-9998", EntityType.NATIONAL_ID, "US"),
        ("passport number X1234567", "X1234567", EntityType.PASSPORT, None),
        ("Nationality: German. Passport no: C01X00T47", "C01X00T47", EntityType.PASSPORT, "DE"),
        ("паспорт серия 4509 № 123456", "4509 № 123456", EntityType.PASSPORT, "RU"),
        ("رقم الهوية السعودية: ١٠١٢٣٤٥٦٧٢", "١٠١٢٣٤٥٦٧٢", EntityType.NATIONAL_ID, "SA"),
        ("身份证号码11010519491231002X", "11010519491231002X", EntityType.NATIONAL_ID, "CN"),
        ("身分證字號：Ａ１２３４５６７８９", "Ａ１２３４５６７８９", EntityType.NATIONAL_ID, "TW"),
        ("alien registration number A 123 456 789", "A 123 456 789", EntityType.IMMIGRATION_ID, "US"),
        ("A# 123-456-789", "A# 123-456-789", EntityType.IMMIGRATION_ID, "US"),
        ("she is A-123-456-789", "A-123-456-789", EntityType.IMMIGRATION_ID, "US"),
        ("the receipt is IOE0912345678", "IOE0912345678", EntityType.IMMIGRATION_ID, "US"),
        ("my share code: W12 345 67X", "W12 345 67X", EntityType.IMMIGRATION_ID, "GB"),
        ("Aufenthaltstitel Nr. Y1234X678", "Y1234X678", EntityType.IMMIGRATION_ID, "DE"),
        ("driver's license D1234567, california", "D1234567", EntityType.DRIVING_LICENCE, None),
        ("driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ", EntityType.DRIVING_LICENCE, "GB"),
        ("sein Kennzeichen ist B-AB 1234", "B-AB 1234", EntityType.LICENCE_PLATE, "DE"),
        ("a red car, number plate KX12 ABC", "KX12 ABC", EntityType.LICENCE_PLATE, None),
        ("HKID A123456(3)", "A123456(3)", EntityType.NATIONAL_ID, "HK"),
        ("ID card (DNI): 12345678Z", "12345678Z", EntityType.NATIONAL_ID, "ES"),
        ("Passport: 912345678 (UK)", "912345678", EntityType.PASSPORT, "GB"),
        ("her green card number is MSC2190123456", "MSC2190123456", EntityType.IMMIGRATION_ID, "US"),
        ('{"nationalId": "12345678Z"}', "12345678Z", EntityType.NATIONAL_ID, "ES"),
        ("Texas driver license, US, 12345678", "12345678", EntityType.DRIVING_LICENCE, "US"),
    ],
)
def test_a_number_is_told_by_what_stands_around_it(
    text: str, found: str, kind: EntityType, country: str | None
) -> None:
    (entity,) = recognise(text)
    assert (entity.found, entity.type, entity.country) == (found, kind, country)


@pytest.mark.parametrize(
    "text",
    [
        "my number is 12345678 thanks",
        "call 202-555-0143 or 020 7946 0018",
        "order 123456789 shipped, tracking 1Z999AA10123456784",
        "passport lost, call me: phone 912345678",
        "1985-12-03 12:30:00 1700000000000",
        "Message-ID: <20020801123456.A12345678@mail.example>",
        "https://shop.example/item/123456782?ref=219-09-9998",
        "ISBN 978-3-16-148410-0, ISSN 2049-3630",
        "version 10.0.19041.1234 build 20262",
        "we got 123 456 789 views and 1,234,567 likes",
        "passport is 15 minutes from 1234 Main Street",
        "social security pays 1234567 people",
        "ssn of sorts: 1-219-09-9998-5",
        "my license plate is my name",
        "see KX12 ABC on the map",
        "000-00-0000 is no ssn",
        "I got my passport in 2019 and my license in 2021",
    ],
)
def test_an_ordinary_number_is_no_identifier(text: str) -> None:
    assert recognise(text) == ()


def test_the_table_of_the_docs_is_that_of_the_program() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_identifiers(page), "make readme writes it anew"


HOSTILE = {
    "digits": "1",
    "digits apart": "1 ",
    "letters and digits": "a1",
    "letters": "a",
    "short words": "ab cd ",
    "groups": "123-45-",
    "words of context": "passport ",
    "words and numbers": "ssn 219-09-9998 ",
    "brackets": "A123456(",
    "labels": "a# ",
    "dots": "1.",
    "numbers of other scripts": "١٢",
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE.keys())
def test_identifiers_take_time_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        text = f"identity 123456789 {pattern * (length // len(pattern))}"
        return cpu_seconds(lambda: recognise(text), enough)

    bound = 24 * max(seconds(2_000), 0.01)
    assert seconds(16_000, bound) < bound
