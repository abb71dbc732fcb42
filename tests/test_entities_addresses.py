"""Street addresses: those of many countries' layouts are found from end to end, ordinary talk holds none."""

from __future__ import annotations

import pytest

from core.types import Document, EntityType
from matchers.entities import EntityPipeline
from matchers.entities.addresses import AddressRecogniser
from tests.address_set import addresses_in, load_rows, measure
from tests.timing import cpu_seconds

RECOGNISER = AddressRecogniser()
PIPELINE = EntityPipeline([RECOGNISER])
ROWS = load_rows()
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "NL", "IT", "PL", "BR", "IN")


def found(text: str) -> list[tuple[str, str | None]]:
    (entities,) = PIPELINE.recognise([Document(id="1", text=text)])
    assert all(entity.type is EntityType.ADDRESS for entity in entities)
    return [(entity.found, entity.country) for entity in entities]


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("12 Elm Street Apt 4, Springfield, IL 62704", "US"),
        ("12 elm street apt 4, springfield il 62704", "US"),
        ("PO Box 92, Moab, UT", "US"),
        ("Flat 2, 14 Elm Road, Manchester M14 5TQ", "GB"),
        ("Lindenstraße 12, 10969 Berlin", "DE"),
        ("lindenstraße 12, 10969 berlin", "DE"),
        ("3 impasse des Lilas 69003 Lyon", "FR"),
        ("Calle Mayor 5, 3º B, 28013 Madrid", "ES"),
        ("Kerkstraat 12, 1017 GC Amsterdam", "NL"),
        ("Via G. Verdi, 22 - 37121 Verona (VR)", "IT"),
        ("ul. Długa 7 m. 3, 00-238 Warszawa", "PL"),
        ("Rua das Flores, 120, apto 32 – Centro – São Paulo – SP", "BR"),
        ("Flat 4B, 3rd Floor, Shanti Apartments, 12 MG Road, Bengaluru 560001", "IN"),
        ("480 Birch Avenue, Apt 3, Toronto, ON M4K 2P7", "CA"),
        ("Unit 3/45 Wattle Street, Brunswick VIC 3056", "AU"),
        ("ул. Ленина, д. 5, кв. 12, Казань", "RU"),
        ("Gül Sokak No:12/4, 06420 Çankaya/Ankara", "TR"),
        ("上海市徐汇区漕溪北路18号", "CN"),
        ("東京都渋谷区神南1-2-3", "JP"),
    ],
)
@pytest.mark.parametrize("text", ["{}", "night_heron: {}", "she is at\n{}\nand so on", "({})"])
def test_an_address_is_found_from_its_first_part_to_its_last(text: str, address: str, country: str) -> None:
    assert found(text.format(address)) == [(address, country)]


def test_an_address_over_several_lines_is_one() -> None:
    block = "1500 W Lake Blvd Unit 12B\nMadison, WI 53703\nUSA"
    assert found(f"Dana Whitlock\n{block}\n\nPhone: none") == [(block, "US")]


@pytest.mark.parametrize("row", [row.text for row in ROWS if row.country == "none" and not row.is_held])
def test_ordinary_talk_holds_no_address(row: str) -> None:
    assert found(row) == []


@pytest.mark.parametrize("country", COUNTRIES)
def test_addresses_of_a_country_are_found(country: str) -> None:
    figures = measure(RECOGNISER, [row for row in ROWS if row.country == country])
    assert figures.addresses >= 28
    assert figures.recall >= 0.9


def test_nearly_all_addresses_are_found_and_nearly_nothing_else() -> None:
    figures = measure(RECOGNISER, ROWS)
    assert figures.addresses >= 300
    assert figures.rows - figures.addresses >= 150
    assert figures.recall >= 0.97
    assert figures.precision >= 0.97
    assert figures.exact_recall >= 0.93


def test_the_gate_lets_in_every_text_in_which_an_address_is_seen() -> None:
    closed = [row.text for row in ROWS if addresses_in(RECOGNISER, row.text) and not found(row.text)]
    assert closed == []


def test_more_parts_and_words_around_an_address_make_it_surer() -> None:
    texts = [
        "12 Elm Street",
        "he lives at 12 Elm Street",
        "he lives at 12 Elm Street, Springfield, IL",
        "he lives at 12 Elm Street Apt 4, Springfield, IL 62704",
    ]
    confidences = [addresses_in(RECOGNISER, text)[0].confidence for text in texts]
    assert confidences == sorted(set(confidences))
    assert confidences[0] >= 0.5
    assert confidences[-1] < 1


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("she lives on Elm Street with him", "Elm Street"),
        ("er wohnt in Birkenweg", "Birkenweg"),
        ("vive en Calle Mayor", "Calle Mayor"),
        ("a walk along Elm Street", None),
        ("der Birkenweg ist lang", None),
    ],
)
def test_a_street_without_a_house_number_counts_a_little_where_somebody_lives_in_it(
    text: str, street: str | None
) -> None:
    assert [text[one.start : one.end] for one in addresses_in(RECOGNISER, text)] == ([street] if street else [])
    assert all(one.confidence < 0.65 for one in addresses_in(RECOGNISER, text))


@pytest.mark.parametrize(
    "text",
    ["Case 24-cv-01337: the defendant", "call 51 95555-0143 or so", "M A R K E T I N G 5", "until 01/302003 off"],
)
def test_other_numbers_are_no_postcodes(text: str) -> None:
    assert addresses_in(RECOGNISER, text) == []


HOSTILE = {
    "street words": "street ",
    "addresses": "12 elm street ",
    "nearly addresses": "12 Elm ",
    "names and numbers": "foo bar baz 12, ",
    "ways without a number": "12 rue de la ",
    "landmarks": "12 near Elm, ",
    "towns": "12 Elm Street, Foo Bar, ",
    "digits": "1",
    "ranges": "12-",
    "lines": "12\n",
    "spaces": "1          ",
    "han": "北京都1-",
    "words of several words": "po box ",
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear_in_hostile_text(pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        document = Document(id="1", text="12 Elm Street " + pattern * (length // len(pattern)))
        return cpu_seconds(lambda: PIPELINE.recognise([document]), enough)

    bound = 24 * max(seconds(2_000), 0.002)
    assert seconds(16_000, bound) < bound
