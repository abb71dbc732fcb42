"""The index: all communities' terms in one pass, with cues, and without what does not count."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import NotFound, UsageError
from core.plugins import discover
from core.ports import Matcher
from core.types import (
    Catalogue,
    Community,
    Document,
    Entity,
    EntityType,
    Found,
    Pack,
    Span,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)
from matchers.index import Index

REGISTRY = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
MATCHERS = [REGISTRY.build(kind, {}) for kind in REGISTRY.kinds()]


def term(id_: str, kind: TermKind, value: str, *, watchlist: str = "members", never: tuple[str, ...] = ()) -> Term:
    settings = TermSettings(never=never)
    return Term(id=id_, reference=id_, watchlist_id=watchlist, kind=kind, value=value, settings=settings)


def index_of(*terms: Term) -> Index:
    catalogue = Catalogue(
        communities=(
            Community(id="harbor", name="Harbor Commons", context=("harbor commons", "r/harborcommons")),
            Community(id="grove", name="Maple Grove"),
        ),
        watchlists=(
            Watchlist(id="members", community_id="harbor", name="Members", packs=("doxxing",)),
            Watchlist(id="staff", community_id="grove", name="Staff"),
        ),
        terms=terms,
        packs=(
            Pack(name="doxxing", description="", phrases=("real name", "dox*")),
            Pack(name="unused", description="", phrases=("lives at",)),
        ),
        revision=7,
    )
    return Index(catalogue, MATCHERS)


def find(index: Index, text: str, title: str | None = None) -> Found:
    (found,) = index.find([Document(id="1", text=text, title=title)])
    return found


HERON = term("t1", TermKind.PSEUDONYM, "night_heron")
MARIA = term("t2", TermKind.NAME, "Maria Gonzalez")
HOUSE = term("t3", TermKind.KEYWORD, "safe house", watchlist="staff")
RAVEN = term("t4", TermKind.PSEUDONYM, "raven", never=("baltimore ravens", "Raven Street"))


def test_one_pass_finds_the_terms_of_all_kinds_and_communities() -> None:
    found = find(index_of(HERON, MARIA, HOUSE), "Gonzalez, Maria is n1ght_heron of the safe house", "night_heron")
    assert [(match.term_id, match.span.field, match.found) for match in found.matches] == [
        ("t2", "text", "Gonzalez, Maria"),
        ("t1", "text", "n1ght_heron"),
        ("t3", "text", "safe house"),
        ("t1", "title", "night_heron"),
    ]
    assert [match.kind for match in found.matches[:3]] == [TermKind.NAME, TermKind.PSEUDONYM, TermKind.KEYWORD]


def test_every_document_of_a_batch_gets_its_own_answer() -> None:
    index = index_of(HERON)
    answers = index.find([Document(id=str(n), text="night_heron " * n) for n in range(4)])
    assert [len(answer.matches) for answer in answers] == [0, 1, 2, 3]
    assert index.find([]) == []


def test_overlapping_matches_of_one_term_are_reduced_to_the_best() -> None:
    assert [match.found for match in find(index_of(HERON), "u/night_heron's nihgt_heron's").matches] == [
        "night_heron",
        "nihgt_heron",
    ]


def test_cues_tell_the_community_and_the_packs_that_are_in_use() -> None:
    found = find(index_of(HERON), "night_heron, real name unknown, lives at /r/harborcommons, doxxed")
    assert [(cue.community_id, cue.pack) for cue in found.cues] == [
        (None, "doxxing"),
        ("harbor", None),
        (None, "doxxing"),
    ]
    assert find(index_of(HERON), "Harbor Commons, real name").cues == ()


def test_a_match_inside_a_text_in_which_it_never_counts_is_left_out() -> None:
    index = index_of(RAVEN)
    text = "on RAVEN  Street there is a raven"
    assert [match.span.start for match in find(index, text).matches] == [28]
    assert find(index, "on raven street") == Found()
    explained = index.explain(Document(id="1", text=text)).candidates
    assert [(row.passed, row.reason) for row in explained] == [
        (True, "stands here"),
        (False, "stands inside a text in which the term does not count"),
    ]


def test_terms_that_cannot_be_looked_for_are_listed_and_refused() -> None:
    short = term("t6", TermKind.PSEUDONYM, "ab")
    catalogue = Catalogue(
        watchlists=(Watchlist(id="members", community_id="c", name="M"),), terms=(HERON, MARIA, short)
    )
    index = Index(catalogue, [matcher for matcher in MATCHERS if TermKind.NAME not in matcher.term_kinds])
    assert set(index.unmatched_terms) == {"t2", "t6"}
    assert index.unmatched_terms["t2"] == "terms of kind name cannot be looked for yet"
    with pytest.raises(UsageError, match="terms of kind name cannot be looked for yet"):
        index.check(MARIA)
    with pytest.raises(UsageError, match="at least 4"):
        index.check(short)
    index.check(HERON)


def test_queries_speak_of_what_else_matches_in_their_own_community() -> None:
    both = term("q1", TermKind.QUERY, "@pseudonym NEAR/3 @name")
    other = term("q2", TermKind.QUERY, "@pseudonym OR (harbor missing)", watchlist="staff")
    index = index_of(HERON, MARIA, both, other)
    assert [(match.term_id, match.found) for match in find(index, "n1ght_heron is Maria Gonzalez").matches] == [
        ("t1", "n1ght_heron"),
        ("q1", "n1ght_heron is Maria Gonzalez"),
        ("t2", "Maria Gonzalez"),
    ]


def test_a_pseudonym_that_does_not_count_where_it_stands_is_not_mentioned_either() -> None:
    index = index_of(RAVEN, term("q1", TermKind.QUERY, "@pseudonym", watchlist="members"))
    assert [match.term_id for match in find(index, "the raven").matches] == ["q1", "t4"]
    assert find(index, "on Raven Street") == Found()


def test_a_query_does_not_count_inside_its_never_texts() -> None:
    index = index_of(term("q1", TermKind.QUERY, "harbor OR lantern", never=("pearl harbor",)))
    assert find(index, "about Pearl Harbor") == Found()
    assert [match.found for match in find(index, "about the harbor").matches] == ["harbor"]


def test_what_depends_on_entities_is_pending_until_it_is_settled() -> None:
    index = index_of(HERON, term("q1", TermKind.QUERY, "@pseudonym NEAR/3 @person"))
    document = Document(id="1", text="night_heron is Maria Gonzalez, real name")
    (found,) = index.find([document])
    assert ([match.term_id for match in found.matches], found.pending) == (["t1"], ("q1",))
    person = Entity(
        type=EntityType.PERSON, span=Span("text", 15, 29), found="Maria Gonzalez", confidence=0.9, recogniser="names"
    )
    settled = index.settle(document, found, [person])
    assert ([match.term_id for match in settled.matches], settled.pending) == (["t1", "q1"], ())
    assert settled.cues == found.cues != ()
    unsettled = index.settle(document, found, [])
    assert (unsettled.matches, unsettled.pending) == (found.matches, ())
    assert [row.passed for row in index.explain(document, [person]).candidates] == [True, True]
    assert [row.passed for row in index.explain(document).candidates] == [True, False]


def test_a_query_that_waits_for_entities_does_so_without_any_other_match() -> None:
    index = index_of(term("q1", TermKind.QUERY, "lives NEAR/3 @pii"))
    document = Document(id="1", text="she lives at 12 Pier Road")
    (found,) = index.find([document])
    assert (found.matches, found.cues, found.pending) == ((), (), ("q1",))
    assert index.settle(document, found, []) == Found()


def test_terms_and_watchlists_are_looked_up() -> None:
    index = index_of(HERON, HOUSE)
    assert index.term("t3") == HOUSE
    assert index.watchlist(HOUSE).community_id == "grove"
    assert index.revision == 7
    with pytest.raises(NotFound):
        index.term("t9")


def test_an_explanation_shows_the_folded_fields_and_the_candidates() -> None:
    explanation = index_of(HERON, MARIA).explain(Document(id="1", text="Nіght_Heron", title="Maria Gonzalez"))
    assert explanation.folded == {"title": "maria gonzalez", "text": "night_heron"}
    assert {row.term_id for row in explanation.candidates if row.passed} == {"t1", "t2"}


def test_an_empty_catalogue_finds_nothing() -> None:
    assert Index(Catalogue(), MATCHERS).find([Document(id="1", text="night_heron")]) == [Found()]


def test_threads_may_share_an_index() -> None:
    index = index_of(HERON, MARIA, HOUSE)
    texts = [f"nihgt_heron{n} is Maria Gonzalez of word{n} harbrlight" for n in range(200)]
    alone = [find(index_of(HERON, MARIA, HOUSE), text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: find(index, text), texts)) == alone


def test_ten_thousand_terms_are_compiled_within_seconds() -> None:
    syllables = ["quo", "zan", "vek", "lor", "mip", "tau", "ryx", "fen", "dus", "bel"]
    values = ["_".join(syllables[int(digit)] for digit in f"{n:04}") for n in range(10_000)]
    terms = [term(f"t{n}", TermKind.PSEUDONYM, value) for n, value in enumerate(values)]
    start = time.perf_counter()
    index = index_of(*terms)
    assert time.perf_counter() - start < 10
    matches = find(index, f"ask {values[4321].upper()}").matches
    assert [match.term_id for match in matches if match.similarity == 1] == ["t4321"]
