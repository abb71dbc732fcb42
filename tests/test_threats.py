"""A threat against a member by name is one in the languages of the packs; talk that only sounds so is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerting.content_notes import content_notes
from alerting.scoring import Scorer
from core.types import (
    Alert,
    AlertClass,
    Catalogue,
    Community,
    Document,
    Found,
    Match,
    Severity,
    Span,
    Term,
    TermKind,
    Watchlist,
)
from tests.timing import cpu_seconds

NAME, HANDLE = "Maria Gonzalez", "night_heron"
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
TERMS = (
    Term(id="t1", reference="t1", watchlist_id="w1", kind=TermKind.PSEUDONYM, value=HANDLE),
    Term(id="t2", reference="t2", watchlist_id="w1", kind=TermKind.NAME, value=NAME),
    Term(id="t3", reference="t3", watchlist_id="w1", kind=TermKind.PSEUDONYM, value="raven"),
)
SCORER = Scorer(
    Catalogue(
        communities=(Community(id="c1", name="Harbor Commons"),),
        watchlists=(Watchlist(id="w1", community_id="c1", name="Members"),),
        terms=TERMS,
    ),
    minimum_score=0,
)
THREATS = """
I will kill night_heron
someone should hurt night_heron
Im gonna fucking kill that bitch night_heron
I'll murder @night_heron tomorrow
night_heron deserves to die
Maria Gonzalez must be shot
I will kill you night_heron
@night_heron, I know where you live
let's beat night_heron up
Boring day. Kill night_heron!
I hope somebody kills Maria Gonzalez
We will break night_heron's legs
I'm going to burn down night_heron's house
someone needs to teach night_heron a lesson
kill yourself, night_heron
I will k1ll night_heron, 100%
Voy a matar a night_heron
alguien debería matar a Maria Gonzalez
night_heron merece morir
Je vais tuer night_heron
quelqu’un devrait buter night_heron
night_heron mérite de mourir
Ich werde night_heron umbringen
jemand sollte night_heron mal die Fresse polieren
Maria Gonzalez gehört erschossen
Vou matar o night_heron
alguém devia matar essa night_heron
night_heron merece morrer
Я убью night_heron
надо убить night_heron
night_heron заслуживает смерти
سأقتل night_heron
night_heron يستحق الموت
我要杀了night_heron
应该把night_heron杀了
有人應該殺了night_heron
""".strip().splitlines()
TALK = """
this song killed me, night_heron
I will never hurt night_heron
nobody should hurt Maria Gonzalez
that exam will kill night_heron
I'm going to kill night_heron in the next match
you will hurt night_heron's feelings
someone should shoot night_heron a message
night_heron: they killed it
I'd kill for night_heron's recipe
we should hang with night_heron
I don't want to hurt night_heron
night_heron died laughing
night_heron must die laughing
why did you have to kill night_heron
No voy a matar a night_heron
J'ai vu night_heron, je vais mourir de rire
Ich werde night_heron nicht umbringen
esta canción me mata, night_heron
я не убью night_heron
我不会杀night_heron
we will kill the raven
""".strip().splitlines()


def alert(text: str) -> Alert:
    matches = tuple(
        Match(
            term_id=term.id,
            kind=term.kind,
            span=Span("text", text.index(term.value), text.index(term.value) + len(term.value)),
            found=term.value,
            is_ordinary=term.value == "raven",
        )
        for term in TERMS
        if term.value in text
    )
    (only,) = SCORER.alerts(Document(id="d", text=text), Found(matches=matches), (), communities=None, at=AT)
    return only


@pytest.mark.parametrize("text", THREATS)
def test_a_threat_against_a_member_by_name_is_grave(text: str) -> None:
    found = alert(text)
    assert found.is_threat
    assert found.severity in (Severity.HIGH, Severity.CRITICAL)
    assert found.alert_class is (AlertClass.EXPOSURE if NAME in text else AlertClass.THREAT)
    assert "violence" in content_notes([found])


@pytest.mark.parametrize("text", TALK)
def test_talk_that_only_sounds_like_a_threat_is_none(text: str) -> None:
    found = alert(text)
    assert "threatened" not in {signal.name for signal in found.signals}
    assert found.severity in (Severity.LOW, Severity.MEDIUM)


def test_a_threat_beside_a_linkage_is_not_lost() -> None:
    text = "I will kill night_heron. Her name is Maria Gonzalez"
    found = alert(text)
    assert (found.alert_class, found.is_threat) == (AlertClass.LINKAGE, True)


def test_many_mentions_without_a_threat_are_read_fast() -> None:
    sentences = [f"number {number} will hurt nobody, says night_heron in passing" for number in range(2000)]
    text = ". ".join(sentences)
    starts = [start for start in range(len(text)) if text.startswith(HANDLE, start)]
    matches = tuple(
        Match(term_id="t1", kind=TermKind.PSEUDONYM, span=Span("text", start, start + len(HANDLE)), found=HANDLE)
        for start in starts
    )
    document = Document(id="d", text=text)
    assert len(matches) == 2000
    assert cpu_seconds(lambda: SCORER.alerts(document, Found(matches=matches), (), communities=None, at=AT)) < 2
