"""Redaction: what a moderator's message shows of a leak, without spreading it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.redaction import LONGEST_HEADER, Redaction, excerpt, safe_header, safe_text
from core.types import Entity, EntityType, FieldName, Match, Span, TermKind
from tests.timing import cpu_seconds


def match(text: str, found: str, kind: TermKind = TermKind.PSEUDONYM) -> Match:
    start = text.index(found)
    return Match(term_id="t", kind=kind, span=Span("text", start, start + len(found)), found=found)


def entity(text: str, kind: EntityType, found: str) -> Entity:
    start = text.index(found)
    return Entity(
        type=kind, span=Span("text", start, start + len(found)), found=found, confidence=1.0, recogniser="test"
    )


def test_matches_persons_and_particulars_are_masked_each_in_its_way() -> None:
    text = "n1ght_h3ron is Maria Gonzalez, call 202-555-0143"
    redaction = Redaction(
        [match(text, "n1ght_h3ron")],
        [entity(text, EntityType.PERSON, "Maria Gonzalez"), entity(text, EntityType.PHONE, "202-555-0143")],
    )
    assert redaction.apply(text, "text") == "█████ is M████ G███████, call [phone number]"


def test_every_term_is_masked_as_wide() -> None:
    text = "owl and night_heron_of_the_harbour"
    redaction = Redaction([match(text, "owl"), match(text, "night_heron_of_the_harbour")], [])
    assert redaction.apply(text, "text") == "█████ and █████"


def test_around_a_copied_passage_nothing_is_shown() -> None:
    copied = "leave your telephone with Wren and ask at the green door"
    text = "They wrote: and whatever you do, " + copied + ", and walk on to the ferry. " + "x " * 300 + "the end"
    redaction = Redaction([match(text, copied, TermKind.PASSAGE)], [])
    start = text.index(copied)
    assert excerpt(text, "text", (start, start + len(copied)), redaction)[0].rstrip("…x ") == "█████"
    assert redaction.apply(text, "text", start=start, end=start + 600).rstrip().endswith("x x x")


def test_a_protected_name_keeps_no_initials_even_where_a_recogniser_saw_a_person() -> None:
    text = "Maria Gonzalez-Ruiz sings"
    redaction = Redaction(
        [match(text, "Maria Gonzalez", TermKind.NAME)], [entity(text, EntityType.PERSON, "Maria Gonzalez-Ruiz")]
    )
    assert redaction.apply(text, "text") == "█████ sings"


def test_where_somebody_is_given_away_by_what_nobody_recognised_only_words_of_linkage_are_shown() -> None:
    text = "night_heron's real name? dave from the bakery, 12b"
    redaction = Redaction([match(text, "night_heron")], [], is_given_away=True)
    shown = redaction.apply(text, "text")
    assert "real name" in shown
    assert not {"dave", "bakery", "12b"} & set(re.findall(r"\w+", shown))
    assert redaction.apply("dave", "title") == "█"
    assert redaction.apply("dave", "author") == "dave"


def test_what_was_found_once_is_masked_wherever_it_recurs() -> None:
    text = "Maria Gonzalez, NIGHT_HERON, night_heron. gonzalez; mariagonzalez; maria-gonzalez; Mariana"
    redaction = Redaction([match(text, "night_heron")], [entity(text, EntityType.PERSON, "Maria Gonzalez")])
    shown = redaction.apply(text, "text")
    assert shown == "M████ G███████, █████, █████. g███████; m████████████; m████-g███████; Mariana"


def test_a_recurrence_that_crosses_the_edge_of_the_excerpt_is_masked() -> None:
    text = "x " * 150 + "night_heron is here " + "y " * 143 + "night_heron"
    redaction = Redaction([match(text, "night_heron")], [])
    for start in range(280, 330):
        assert "night" not in redaction.apply(text, "text", start=start, end=start + 300)
        assert "heron" not in redaction.apply(text, "text", start=start, end=start + 300)


def test_an_excerpt_is_short_and_surrounds_the_place() -> None:
    text = "before " * 100 + "night_heron" + " after" * 100
    start = text.index("night")
    shown, clear = excerpt(text, "text", (start, start + 11), Redaction([match(text, "night_heron")], []))
    assert len(shown) <= 300
    assert len(clear) <= 300
    assert "before █████ after" in shown
    assert "before night_heron after" in clear
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_masks_longer_than_what_they_hide_do_not_lengthen_the_excerpt() -> None:
    text = "ab " * 200
    matches = [Match(term_id="t", kind=TermKind.PSEUDONYM, span=Span("text", 0, 2), found="ab")]
    shown, _ = excerpt(text, "text", (0, 2), Redaction(matches, []))
    assert len(shown) == 300
    assert "ab" not in shown


def test_direction_and_control_characters_are_neutralised_in_both() -> None:
    text = "a\u202eb\u0000c\u200bd\r\ne\u2028f\ud800g night_heron \x1b[31m"
    start = text.index("night")
    for shown in excerpt(text, "text", (start, start + 11), Redaction([match(text, "night_heron")], [])):
        assert shown.startswith("ab cd  e f\N{REPLACEMENT CHARACTER}g ")
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        shown.encode()


@given(st.text())
def test_safe_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = safe_text(text)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()


@given(
    st.text("ab é\u200b█", max_size=20),
    st.text("ab é\u200b", max_size=20),
    st.sampled_from([EntityType.PERSON, EntityType.PHONE, None]),
)
def test_no_found_text_survives_redaction(before: str, after: str, kind: EntityType | None) -> None:
    secret = "Quxzotl Vwqrst"
    text = f"{before} {secret} {after} {secret.upper()} {secret.split()[0]}"
    redaction = (
        Redaction([match(text, secret, TermKind.NAME)], [])
        if kind is None
        else Redaction([], [entity(text, kind, secret)])
    )
    shown = redaction.apply(text, "text").casefold()
    assert secret.casefold() not in shown
    if kind is not EntityType.PHONE:
        assert "quxzotl" not in shown
        assert "vwqrst" not in shown


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("İbrahim Yıldız", "İbrahim"),
        ("İbrahim Yıldız", "İBRAHİM YILDIZ"),
        ("İbrahim Yıldız", "ibrahim yildiz"),
        ("José Peña", "Jose\u0301 Pena"),
        ("José Peña", "JOSÉ"),
        ("Nina Strauß", "NINA STRAUSS"),
        ("Nina Strauss", "Nina Strauß"),
        ("Maria Gonzalez", "Ma\u200bria Gon\u00adzalez"),
        ("Maria Gonzalez", "mariagonzalez87"),
    ],
)
def test_a_name_that_recurs_in_another_spelling_is_masked(name: str, written: str) -> None:
    redaction = Redaction([], [entity(name, EntityType.PERSON, name)])
    fields: tuple[FieldName, ...] = ("title", "author", "url")
    for field in fields:
        shown = redaction.apply(f"by {written}!", field)
        masked = "".join(shown.removeprefix("by ").removesuffix("!").split())
        assert sum(character.isalpha() for character in masked) == len(written.split())  # initials only


@pytest.mark.parametrize(
    ("name", "address", "shown"),
    [
        ("Maria Gonzalez", "https://forum.example/p/Maria%20Gonzalez", "https://forum.example/p/M███████████████"),
        (
            "José Peña",
            "https://forum.example/Jos%C3%A9-Pe%c3%b1a?p=%ff%20",
            "https://forum.example/J████████-P████████?p=%ff%20",
        ),
    ],
)
def test_a_name_in_an_escaped_address_is_masked(name: str, address: str, shown: str) -> None:
    assert Redaction([], [entity(name, EntityType.PERSON, name)]).apply(address, "url") == shown


def test_a_long_title_shows_its_beginning_and_costs_no_more_than_that() -> None:
    names = [f"Ann{number} Bell{number}" for number in range(500)]
    redaction = Redaction([], [entity(name, EntityType.PERSON, name) for name in names])
    shorter, longer = "Ann7 Bell7 " * 200, "Ann7 Bell7 " * 100_000
    assert len(redaction.header(longer, "title")) == LONGEST_HEADER
    assert redaction.header(longer, "title") == redaction.header(shorter, "title")
    assert safe_header(longer) == safe_header(shorter)
    assert cpu_seconds(lambda: redaction.header(longer, "title")) < 5 * cpu_seconds(
        lambda: redaction.header(shorter, "title")
    )
