"""More evidence never lowers a score, and takes time in proportion."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.layout import Layout
from core.types import (
    FIELD_NAMES,
    Cue,
    Document,
    Entity,
    EntityType,
    Found,
    Match,
    Span,
    TermKind,
)
from tests.scoring_fixtures import AT, SCORER, TERMS
from tests.timing import cpu_seconds

WORDS = ["night_heron", "harborlight", "Maria Gonzalez", "Tomas Brandt", "raven", "Lopez", "is", "and", "not",
         "real name", "lives at", "replied to", "12 Elm", "said.", "Maria", "greyowl", "fox_one", "x" * 150,
         "\n\n", "\n", "|", ",", "Name:", "1.", "I'm", "dox", "kill you", "son", "="]  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=25).map(" ".join)
similarities = st.sampled_from([0.5, 0.8, 0.9, 1.0])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Document, list[Match], list[Entity], list[Cue]]:
    document = Document(
        id="d",
        text=draw(texts),
        title=draw(st.none() | texts),
        author=draw(st.none() | st.just("night_heron")),
        url=draw(st.none() | st.just("https://pastebin.com/abc")),
    )

    def span() -> Span:
        name = draw(st.sampled_from([name for name in FIELD_NAMES if document.field(name)]))
        start = draw(st.integers(0, len(document.field(name)) - 1))
        return Span(name, start, min(len(document.field(name)), start + draw(st.integers(1, 14))))

    matches = []
    for wanted in draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=8)):
        where = span()
        matches.append(
            Match(
                term_id=wanted.id,
                kind=wanted.kind,
                span=where,
                found=document.field(where.field)[where.start : where.end],
                similarity=draw(similarities),
                transformations=draw(st.sampled_from([(), ("leet",), ("case",)])),
            )
        )
    entities = []
    for kind in draw(st.lists(st.sampled_from(EntityType), max_size=6)):
        where = span()
        found = document.field(where.field)[where.start : where.end]
        entities.append(Entity(type=kind, span=where, found=found, confidence=draw(similarities), recogniser="test"))
    cues = [
        Cue(span=span(), community_id=community, pack=pack)
        for community, pack in draw(
            st.lists(st.sampled_from([("c1", None), ("c2", None), (None, "doxxing"), (None, "other")]), max_size=4)
        )
    ]
    return document, matches, entities, cues


def highest(
    document: Document, matches: list[Match], entities: list[Entity], cues: list[Cue]
) -> dict[tuple[str, str], int]:
    found = Found(matches=tuple(matches), cues=tuple(cues))
    result = SCORER.alerts(document, found, entities, communities=None, at=AT)
    assert all(0 <= one.score <= 100 and one.score == min(100, sum(s.points for s in one.signals)) for one in result)
    assert all(len(one.excerpt) <= 300 and len(one.evidence) <= 300 for one in result)
    return {(one.community_id, one.watchlist_id): one.score for one in result}


@settings(max_examples=150)
@given(situations(), st.data())
def test_more_evidence_never_lowers_a_score(
    situation: tuple[Document, list[Match], list[Entity], list[Cue]], data: st.DataObject
) -> None:
    document, matches, entities, cues = situation
    pool: list[list[Match] | list[Entity] | list[Cue]] = [one for one in (matches, entities, cues) if one]
    full = highest(document, matches, entities, cues)
    chosen = data.draw(st.sampled_from(pool))
    chosen.pop(data.draw(st.integers(0, len(chosen) - 1)))
    for watchlist, score in highest(document, matches, entities, cues).items():
        assert full[watchlist] >= score


# ── tables and speed ────────────────────────────────────────────────────────────────────────────


def test_a_megabyte_full_of_names_and_pseudonyms_is_scored_in_linear_time() -> None:
    def seconds(repeats: int) -> float:
        line = "night_heron Maria Lopez 2025550143 and then. "
        text = line * repeats
        starts = [number * len(line) for number in range(repeats)]
        matches = tuple(
            Match(term_id="heron", kind=TermKind.PSEUDONYM, span=Span("text", s, s + 11), found="night_heron")
            for s in starts
        )
        entities = [
            Entity(type=EntityType.PERSON, span=Span("text", s + 12, s + 23), found="Maria Lopez", confidence=0.9,
                   recogniser="test")
            for s in starts
        ]  # fmt: skip
        document, found = Document(id="d", text=text), Found(matches=matches)
        return cpu_seconds(lambda: SCORER.alerts(document, found, entities, communities=None, at=AT))

    seconds(10)
    small, large = seconds(500), seconds(4000)
    assert large < small * 8 * 3


def test_a_layout_counts_words_across_the_title_and_the_text() -> None:
    handle, name = Span("title", 6, 17), Span("text", 4, 9)
    layout = Layout(Document(id="d", title="about night_heron", text="and Maria"), [handle])
    link = layout.link(layout.place(handle), "H", layout.place(name), "P")
    assert link is not None
    assert (link.words, link.before) == (2, True)
