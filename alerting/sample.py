"""The leak that a test of a destination tells of: as long as a real one, and about nobody."""

from __future__ import annotations

from datetime import datetime

from core.ids import new_id
from core.types import (
    Alert,
    AlertClass,
    Document,
    Entity,
    EntityType,
    Incident,
    IncidentState,
    Match,
    Signal,
    Span,
    TermKind,
    Watchlist,
)

_BEFORE = "I did not want to believe it either, but after reading the thread from last winter again it is plain: "
_PSEUDONYM = "s4mple_h3ron"
_BETWEEN = " is "
_NAME = "Maria Sample"
_AFTER = ", who worked at the library by the harbor until spring. Ask anybody there, they all know by now."
_TEXT = f"{_BEFORE}{_PSEUDONYM}{_BETWEEN}{_NAME}{_AFTER}"
_MASKED = f"{_BEFORE}█████{_BETWEEN}M████ S█████{_AFTER}"
_SIGNALS = (
    Signal(name="said_to_be", points=55, text="the text says that the pseudonym is this person"),
    Signal(name="same_sentence", points=15, text="the pseudonym and the name stand in one sentence"),
    Signal(name="disguised", points=8, text="the pseudonym is written in disguise"),
)


def sample_leak(community_id: str, at: datetime) -> tuple[Incident, Alert, Watchlist]:
    """Return an invented incident, its alert and its watchlist. None of them is kept."""
    watchlist = Watchlist(id=new_id("wl"), community_id=community_id, name="Sample")
    score = sum(signal.points for signal in _SIGNALS)
    incident = Incident(
        id=new_id("inc"),
        community_id=community_id,
        watchlist_id=watchlist.id,
        alert_class=AlertClass.LINKAGE,
        score=score,
        state=IncidentState.OPEN,
        first_seen_at=at,
        last_seen_at=at,
        updated_at=at,
        sighting_count=1,
    )
    name_start = len(_BEFORE + _PSEUDONYM + _BETWEEN)
    alert = Alert(
        id=new_id("alt"),
        community_id=community_id,
        watchlist_id=watchlist.id,
        incident_id=incident.id,
        alert_class=AlertClass.LINKAGE,
        score=score,
        signals=_SIGNALS,
        matches=(
            Match(
                term_id=new_id("trm"),
                kind=TermKind.PSEUDONYM,
                span=Span("text", len(_BEFORE), len(_BEFORE + _PSEUDONYM)),
                found=_PSEUDONYM,
            ),
        ),
        entities=(
            Entity(
                type=EntityType.PERSON,
                span=Span("text", name_start, name_start + len(_NAME)),
                found=_NAME,
                confidence=0.9,
                recogniser="sample",
            ),
        ),
        document=Document(
            id="sample:1",
            source="sample",
            external_id="1",
            text=_TEXT,
            title="Does anybody remember the thread from last winter?",
            url="https://forum.example/threads/last-winter/1",
            published_at=at,
        ),
        raised_at=at,
        excerpt=_MASKED,
        evidence=_TEXT,
    )
    return incident, alert, watchlist
