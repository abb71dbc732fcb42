"""Findings as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from core.types import (
    Alert,
    AlertClass,
    Catalogue,
    Document,
    Entity,
    EntityType,
    Finding,
    Match,
    Signal,
    Span,
    Term,
    TermKind,
    Watchlist,
)
from monitor.findings import Names, entity_object, finding_line, json_line

EXAMPLE_OF_THE_CONTRACT = """
{"id": "…",
 "matches":  [{"term": "t1", "kind": "pseudonym", "field": "text", "start": 4, "end": 15, "found": "n1ght_h3ron",
               "similarity": 1.0, "transformations": ["leet"]}],
 "entities": [{"type": "PERSON", "field": "text", "start": 40, "end": 54, "found": "Maria Gonzalez",
               "confidence": 0.93, "recogniser": "…"}],
 "alerts":   [{"watchlist": "Members", "class": "linkage", "score": 88, "severity": "high",
               "reasons": [{"signal": "pseudonym_next_to_person", "points": 40, "text": "…"}],
               "matches": [0], "entities": [0], "excerpt": "… █████ is M████ G███████ …"}]}
"""
TEXT = "so, n1ght_h3ron, as everybody knows, is Maria Gonzalez"
OTHER = Match(term_id="trm_b", kind=TermKind.KEYWORD, span=Span("text", 0, 2), found="so")
MATCH = Match(
    term_id="trm_a",
    kind=TermKind.PSEUDONYM,
    span=Span("text", 4, 15),
    found="n1ght_h3ron",
    transformations=("leet",),
)
ENTITY = Entity(
    type=EntityType.PERSON, span=Span("text", 40, 54), found="Maria Gonzalez", confidence=0.93, recogniser="names"
)
NAMES = Names.of(
    Catalogue(
        watchlists=(Watchlist(id="wl_a", community_id="com_a", name="Members"),),
        terms=(
            Term(id="trm_a", reference="t1", watchlist_id="wl_a", kind=TermKind.PSEUDONYM, value="night_heron"),
            Term(id="trm_b", reference="t2", watchlist_id="wl_a", kind=TermKind.KEYWORD, value="so"),
        ),
    )
)


def finding(text: str = TEXT) -> Finding:
    document = Document(id="d1", text=text)
    alert = Alert(
        id="alr_a",
        community_id="com_a",
        watchlist_id="wl_a",
        alert_class=AlertClass.LINKAGE,
        score=88,
        signals=(Signal(name="pseudonym_next_to_person", points=40, text="it stands next to a name"),),
        matches=(MATCH,),
        entities=(ENTITY,),
        document=document,
        raised_at=datetime(2026, 11, 20, tzinfo=UTC),
        excerpt="█████ is M████ G███████",
        evidence=text,
    )
    return Finding(document=document, matches=(OTHER, MATCH), entities=(ENTITY,), alerts=(alert,))


def shape(value: object) -> object:
    """The keys and types of a JSON value; of a list, those of its last element."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(value[-1])] if value else []
    return type(value)


def test_a_line_has_the_form_of_the_contract() -> None:
    assert shape(json.loads(finding_line(finding(), NAMES))) == shape(json.loads(EXAMPLE_OF_THE_CONTRACT))


def test_a_line_says_what_was_found_and_alerts_point_into_its_lists() -> None:
    line = finding_line(finding(), NAMES)
    assert "\n" not in line
    read = json.loads(line)
    assert read["id"] == "d1"
    assert read["matches"][1] == {
        "term": "t1",
        "kind": "pseudonym",
        "field": "text",
        "start": 4,
        "end": 15,
        "found": TEXT[4:15],
        "similarity": 1.0,
        "transformations": ["leet"],
    }
    [alert] = read["alerts"]
    assert (alert["watchlist"], alert["class"], alert["score"], alert["severity"]) == ("Members", "linkage", 88, "high")
    assert (alert["matches"], alert["entities"]) == ([1], [0])


def test_a_finding_without_anything_has_empty_lists() -> None:
    line = finding_line(Finding(document=Document(id="d2", text="nothing")), NAMES)
    assert json.loads(line) == {"id": "d2", "matches": [], "entities": [], "alerts": []}


def test_the_country_stands_only_where_it_is_known() -> None:
    phone = Entity(
        type=EntityType.PHONE,
        span=Span("text", 0, 3),
        found="123",
        confidence=0.9,
        recogniser="phone",
        country="GB",
    )
    assert entity_object(phone) == {
        "type": "PHONE",
        "field": "text",
        "start": 0,
        "end": 3,
        "found": "123",
        "confidence": 0.9,
        "recogniser": "phone",
        "country": "GB",
    }


def test_half_characters_survive_as_escapes_and_whole_ones_as_themselves() -> None:
    line = json_line({"found": "a\ud800b 😀 é \\ud800"})
    assert line.encode("utf-8")
    assert "😀 é" in line
    assert json.loads(line) == {"found": "a\ud800b 😀 é \\ud800"}
