"""Linkage: which name and which particulars belong to which pseudonym, in prose, lists and forms of many languages."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alerting.layout import Layout
from alerting.records import Records
from alerting.signals import TIES, Bond
from core.types import Document, Span
from tests.timing import cpu_seconds

SENTENCES = yaml.safe_load((Path(__file__).parent / "linkage_sentences.yaml").read_text(encoding="utf-8"))


def bond(text: str, *, handle: str = "night_heron", name: str = "Maria Lopez", title: str | None = None) -> Bond | None:
    """The bond between the handle and the name where they stand for the first time in the title and the text."""
    whole = f"{title}\n\n{text}" if title else text

    def span(found: str) -> Span:
        start = whole.index(found)
        if title is None:
            return Span("text", start, start + len(found))
        after = start - len(title) - 2
        return Span("text", after, after + len(found)) if after >= 0 else Span("title", start, start + len(found))

    layout = Layout(Document(id="d", text=text, title=title), [span(handle)])
    link = layout.link(layout.place(span(handle)), "H", layout.place(span(name)), "P")
    return None if link is None else link.bond


@pytest.mark.parametrize(
    "text",
    [
        "night_heron is Maria Lopez",
        "Maria Lopez is night_heron",
        "is night_heron Maria Lopez?",
        "i think night_heron is probably Maria Lopez",
        "night_heron's real name is Maria Lopez",
        "night_heron = Maria Lopez",
        "night_heron (Maria Lopez) again",
        "The person behind night_heron is Maria Lopez",
        "Found out who night_heron is. Her name is Maria Lopez",
        "so i looked up night_heron. she works at a bank and her name is Maria Lopez",
        "unmasked: night_heron. Maria Lopez, 34",
        "night_heron exposed: Maria Lopez",
        "Maria Lopez posts as night_heron",
        "Maria Lopez's secret account is night_heron",
        "night_heron is my coworker Maria Lopez",
        "night_heron and Maria Lopez are the same person",
        "night_heron? That's Maria Lopez",
        "night_heron, whose name isn't Anna, it's Maria Lopez",
        "night_heron es en realidad Maria Lopez",
        "Detrás de night_heron está Maria Lopez",
        "Derrière night_heron se cache Maria Lopez",
        "night_heron, c'est Maria Lopez",
        "Hinter night_heron steckt Maria Lopez",
        "Ich weiß, dass night_heron Maria Lopez ist",
        "O nome verdadeiro da night_heron é Maria Lopez",
        "Под ником night_heron скрывается Maria Lopez",
        "night_heron на самом деле Maria Lopez",
        "صاحب حساب night_heron هو Maria Lopez",
        "night_heron的真名是Maria Lopez",
        "night_heron就是Maria Lopez",
        "night_heron to Maria Lopez, uczy fizyki",
        "Sotto il nome night_heron scrive Maria Lopez",
        "Achter night_heron zit Maria Lopez",
    ],
)
def test_a_pseudonym_and_a_name_are_joined(text: str) -> None:
    assert bond(text) in TIES


@pytest.mark.parametrize(
    "text",
    [
        "night_heron is a fan of Maria Lopez",
        "night_heron is not Maria Lopez",
        "no idea who night_heron is, says Maria Lopez",
        "I don't think night_heron is Maria Lopez",
        "night_heron replied to Maria Lopez",
        "night_heron and Maria Lopez came late",
        "night_heron recommended a book by Maria Lopez",
        "night_heron thinks Maria Lopez was right",
        "night_heron is Maria Lopez's sister",
        "night_heron says Anna's real name is Maria Lopez",
        "Hi Maria Lopez, night_heron here told me",
        "The cat of night_heron is called Maria Lopez",
        "If night_heron can sing, I'm Maria Lopez",
        "The rumour that night_heron is Maria Lopez is false",
        "night_heron and Maria Lopez are different people",
        "By Maria Lopez. Photo: night_heron",
        "night_heron es fan de Maria Lopez",
        "night_heron no es Maria Lopez",
        "night_heron a répondu à Maria Lopez",
        "night_heron n'est pas Maria Lopez",
        "night_heron ist ein Fan von Maria Lopez",
        "night_heron ist nicht Maria Lopez",
        "night_heron gosta de Maria Lopez",
        "night_heron não é Maria Lopez",
        "night_heron ответила Maria Lopez",
        "night_heron это не Maria Lopez",
        "night_heron ليست Maria Lopez",
        "night_heron不是Maria Lopez",
        "night_heron喜欢Maria Lopez的歌",
    ],
)
def test_ordinary_talk_and_denials_do_not_join(text: str) -> None:
    assert bond(text) not in TIES


@pytest.mark.parametrize("text", SENTENCES["joined"])
def test_sentences_that_give_a_name_away_join_it(text: str) -> None:
    assert bond(text) in TIES


@pytest.mark.parametrize("text", SENTENCES["apart"])
def test_sentences_that_only_name_both_do_not_join_them(text: str) -> None:
    assert bond(text) not in TIES


@pytest.mark.parametrize(
    "text",
    [
        "Handle: night_heron\nName: Maria Lopez\nPhone: 555",
        "night_heron\n\nName: Maria Lopez\nAddress: 12 Elm Street",
        "Name: Maria Lopez\nDOB: 1990-01-02\nScreen name: night_heron",
        "**Usuario**: night_heron\n**Nombre**: Maria Lopez",
        "Ник: night_heron\nФИО: Maria Lopez",
        "用户名：night_heron\n姓名：Maria Lopez",
        "Handle: night_heron / Name: Maria Lopez / Address: 12 Elm Street",
        "night_heron | Maria Lopez | Lisbon",
        "1. night_heron - Maria Lopez - Lisbon",
        "handle,name,city\nnight_heron,Maria Lopez,Lisbon\nfox_one,Tom Brandt,Porto",
        "night_heron\nMaria Lopez\n12 Elm Street\n555 0143",
        '{"username": "night_heron", "name": "Maria Lopez"}',
    ],
)
def test_lists_and_forms_join_what_stands_in_one_entry(text: str) -> None:
    assert bond(text) is Bond.LISTED


@pytest.mark.parametrize(
    "text",
    [
        "1. night_heron - Ana Reis\n2. fox_one - Maria Lopez",
        "night_heron,Ana Reis,Lisbon\nfox_one,Maria Lopez,Porto",
        "night_heron | Ana Reis\nfox_one | Maria Lopez",
        "Handle: night_heron\nName: Ana Reis\n\nHandle: fox_one\nName: Maria Lopez",
    ],
)
def test_each_entry_of_a_list_keeps_to_itself(text: str) -> None:
    assert bond(text) is None


@pytest.mark.parametrize(
    "text",
    ["Author: Maria Lopez\nReader: night_heron", "From: Maria Lopez\nSubject: night_heron"],
)
def test_labels_of_other_things_join_nobody(text: str) -> None:
    assert bond(text) not in TIES


def test_a_title_that_exposes_joins_the_name_at_the_beginning_of_the_text() -> None:
    assert bond("Maria Lopez, 12 Elm Street", title="night_heron exposed") in TIES
    assert bond("Maria Lopez, 12 Elm Street", title="Who is night_heron?") in TIES
    assert bond("Maria Lopez said hello", title="night_heron exposed") not in TIES


def test_a_list_of_members_is_read_in_linear_time() -> None:
    def seconds(count: int, enough: float = 0) -> float:
        text = "Name: Maria Lopez\n" * count
        places = [Layout(Document(id="d", text=text), []).place(Span("text", 0, 5))]
        records = Records(text)
        far = Layout(Document(id="d", text=text), []).place(Span("text", 24, 35))
        return cpu_seconds(lambda: [records.together(place, far, "person") for place in places], enough)

    seconds(10)
    bound = 3 * 8 * max(seconds(1_000), 0.001)
    assert seconds(8_000, bound) < bound
