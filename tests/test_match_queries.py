"""Queries on documents: what holds, where, and as judged by a plain evaluator over lists of words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TermError, UsageError
from core.types import (
    FIELD_NAMES,
    Document,
    Entity,
    EntityType,
    Match,
    MatchMode,
    Sensitivity,
    Span,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)
from matchers.batch import FoldedBatch
from matchers.queries import Beside, QueryFinder, QueryMatcher
from matchers.query_language import And, Near, Node, Not, Or, Phrase, Within
from tests.query_trees import WORDS, trees, written
from tests.timing import cpu_seconds

MATCHER = QueryMatcher(QueryMatcher.Settings())


def finder_of(*queries: str, sensitivity: Sensitivity = Sensitivity.BALANCED) -> QueryFinder:
    watchlists = {
        "members": Watchlist(id="members", community_id="harbor", name="Members", sensitivity=sensitivity),
        "staff": Watchlist(id="staff", community_id="grove", name="Staff"),
    }
    return MATCHER.compile([term(query, id_=f"q{n}") for n, query in enumerate(queries)], watchlists)


def term(query: str, *, id_: str = "q", match: MatchMode | None = None, variants: tuple[str, ...] = ()) -> Term:
    return Term(
        id=id_,
        reference=id_,
        watchlist_id="members",
        kind=TermKind.QUERY,
        value=query,
        variants=variants,
        settings=TermSettings(match=match),
    )


def document_of(fields: Mapping[str, str]) -> Document:
    return Document(
        id="1",
        text=fields.get("text", ""),
        title=fields.get("title"),
        author=fields.get("author"),
        url=fields.get("url"),
        source=fields.get("source"),
    )


def found(query: str, text: str, sensitivity: Sensitivity = Sensitivity.BALANCED) -> str | None:
    """Return what shows that the query holds for the document, None where it does not hold."""
    batch = FoldedBatch([document_of({"text": text})])
    (matches,) = finder_of(query, sensitivity=sensitivity).find(batch)
    assert len(matches) <= 1
    for match in matches:
        original = batch[0].document.field(match.span.field)
        assert original[match.span.start : match.span.end] == match.found
    return matches[0].found if matches else None


@pytest.mark.parametrize(
    ("query", "text", "shown"),
    [
        ("harbor", "the Harbor is open", "Harbor"),
        ("harbor", "two harbors", "harbors"),
        ("harbor", "harborlight", None),
        ("hårbor", "the HARBOR", "HARBOR"),
        ("harbor", "the һаrbоr", "һаrbоr"),
        ('"harbor commons"', "harbor, commons and Harbor  Commons", "harbor, commons"),
        ('"harbor commons"', "commons harbor", None),
        ("safe-house", "a safe house", "safe house"),
        ("dox*", "he was doxxed", "doxxed"),
        ("dox*", "paradox", None),
        ('"real nam*"', "the real  names of", "real  names"),
        ("a1 b2", "b2 then a1", "a1"),
        ("a1 b2", "a1 only", None),
        ("a1 OR b2", "b2 then a1", "b2"),
        ("a1 -b2", "a1 then b2", None),
        ("a1 -b2", "a1 then c3", "a1"),
        ("a1 -(b2 c3)", "a1 then c3", "a1"),
        ("a1 NEAR/2 b2", "a1 x b2", "a1 x b2"),
        ("a1 NEAR/2 b2", "b2 x a1", "b2 x a1"),
        ("a1 NEAR/2 b2", "a1 x y b2", None),
        ("a1 NEAR/1 b2", "a1, b2", "a1, b2"),
        ("a1 NEAR/9 b2", "a1 x x a1 b2 x x a1", "a1 b2"),
        ("a1 NEAR/9 a1", "a1", None),
        ("a1 NEAR/9 a1", "a1 x a1", "a1 x a1"),
        ('harbor NEAR/5 "harbor commons"', "harbor commons", None),
        ("a1 NEAR/3 (b2 OR c3)", "b2 x x x x a1 x c3", "a1 x c3"),
        (
            '"harbor commons" NEAR/20 ("real name" OR dox*)',
            "Harbor Commons: who doxxes them",
            "Harbor Commons: who doxxes",
        ),
        ("a1 -b2 NEAR/2 c3", "a1 x b2 x x c3", "a1"),
        ("a1 -b2 NEAR/2 c3", "a1 x b2 c3", None),
        ("東京", "在東京的人", "東京"),
        ("東 NEAR/1 京", "在東京的人", "東京"),
    ],
)
def test_a_query_holds_where_its_parts_do_and_shows_the_tightest_place(
    query: str, text: str, shown: str | None
) -> None:
    assert found(query, text) == shown


def test_a_field_operator_looks_into_its_field_only() -> None:
    def shown(query: str, text: str = "no light") -> str | None:
        batch = FoldedBatch([document_of({**fields, "text": text})])
        return next((match.found for match in finder_of(query).find(batch)[0]), None)

    fields = {
        "title": "Lantern festival",
        "author": "quiet_otter",
        "url": "https://forum.example/r/HarborCommons/42",
        "source": "r/harborcommons",
    }
    assert shown("title:lantern") == "Lantern"
    assert found("title:lantern", "lantern") is None
    assert shown("lantern") == "Lantern"
    assert shown("author:quiet_otter light") == "quiet_otter"
    assert shown("url:forum.example") == "forum.example"
    assert shown("url:harborcom*") == "HarborCommons"
    assert shown("source:harborcommons light") == "light"
    assert shown("source:other light") is None
    assert shown("light -source:harborcommons") is None
    assert found("source:harborcommons light", "no light") is None
    assert shown("title:(lantern -party)", "party") == "Lantern"
    assert shown("title:lantern NEAR/2 festival", "festival") == "Lantern festival"
    assert shown("lantern NEAR/9 light", "light") is None


def test_typos_are_tolerated_as_the_sensitivity_says_and_words_of_their_own_are_none() -> None:
    assert found("harbour~", "the Habrour is open") == "Habrour"
    assert found("harbour", "the habrour is open") is None
    assert found("harbour~", "the harbuor is open") == "harbuor"
    assert found("harbour~", "the armour is heavy") is None
    assert found("lighthouse~", "a lihgthuose") == "lihgthuose"
    assert found("lighthouse~", "a lihgthuose", sensitivity=Sensitivity.STRICT) is None
    assert found("lighthouse~", "a lihgthouse", sensitivity=Sensitivity.STRICT) == "lihgthouse"
    assert found("lighthouse~", "lighthouses", sensitivity=Sensitivity.STRICT) == "lighthouses"
    assert found("winter~", "the winner") is None
    assert found("quarrel~ harbor", "the harbor qarrel") == "qarrel"


def test_an_arabic_word_stands_with_the_particles_written_onto_it() -> None:
    assert found("مسيرة NEAR/3 عنوان", "نشروا والعنوان قبل المسيرة") == "والعنوان قبل المسيرة"
    assert found("مسير*", "إلى المسيرات") == "المسيرات"


def test_a_match_tells_what_was_undone_and_how_alike_it_is() -> None:
    batch = FoldedBatch([Document(id="1", text="Hárbor and lihgthouse"), Document(id="2", text="two lanterns")])
    finder = finder_of("harbor NEAR/3 lighthouse~", "lantern")
    (one,), (other,) = finder.find(batch)
    assert (one.similarity, one.transformations) == (0.9, ("case", "diacritics", "typo"))
    assert (other.similarity, other.transformations) == (1.0, ("plural",))


def test_a_query_takes_no_aliases_and_no_way_to_match() -> None:
    MATCHER.check(term("harbor"))
    with pytest.raises(UsageError, match="join them to it with OR"):
        MATCHER.check(term("harbor", variants=("port",)))
    with pytest.raises(UsageError, match="leave match out"):
        MATCHER.check(term("harbor", match=MatchMode.EXACT))
    with pytest.raises(TermError, match="character 1: "):
        MATCHER.check(term("(harbor"))


HERON = Match(term_id="t1", kind=TermKind.PSEUDONYM, span=Span("text", 0, 11), found="night_heron")
MARIA = Match(term_id="t2", kind=TermKind.NAME, span=Span("text", 15, 29), found="Maria Gonzalez")
TEXT = "night_heron is Maria Gonzalez, 12 Pier Road"
PERSON = Entity(
    type=EntityType.PERSON, span=Span("text", 15, 29), found="Maria Gonzalez", confidence=0.9, recogniser="names"
)
ADDRESS = Entity(
    type=EntityType.ADDRESS, span=Span("text", 31, 43), found="12 Pier Road", confidence=0.9, recogniser="places"
)


def told(query: str, *matches: Match, entities: list[Entity] | None = None, community: str = "harbor") -> str | None:
    """Return what is said of the sample text: what shows that the query holds, ``pending``, or None."""
    batch = FoldedBatch([Document(id="1", text=TEXT)])
    beside = Beside(matches={community: matches}, entities=entities)
    answers = finder_of(query).answer(batch, {0: beside})
    if 0 not in answers:
        return None
    return "pending" if answers[0].pending else answers[0].matches[0].found


def test_watched_pseudonyms_and_names_of_the_same_community_are_mentioned() -> None:
    assert told("@pseudonym", HERON) == "night_heron"
    assert told("@pseudonym", MARIA) is None
    assert told("@name", HERON, MARIA) == "Maria Gonzalez"
    assert told("@pseudonym NEAR/2 @name", HERON, MARIA) == "night_heron is Maria Gonzalez"
    assert told("@pseudonym NEAR/1 @name", HERON, MARIA) is None
    assert told("@pseudonym", HERON, community="grove") is None
    assert told("is -@pseudonym", HERON) is None
    assert told("is -@pseudonym", HERON, community="grove") == "is"
    assert told("title:@pseudonym", HERON) is None
    assert told("@pseudonym") is None


def test_a_query_that_depends_on_entities_waits_for_them() -> None:
    assert told("@pseudonym @person", HERON) == "pending"
    assert told("@pseudonym NEAR/2 @person", HERON) == "pending"
    assert told("@pseudonym @person") is None
    assert told("road @pii") == "pending"
    assert told("road -@person") == "pending"
    assert told("road OR (road @person)") == "Road"
    assert told("missing @pii") is None
    assert told("road NEAR/3 (missing OR @person)") == "pending"
    assert told("title:road NEAR/3 @person") is None


def test_entities_settle_what_waited() -> None:
    assert told("@pseudonym NEAR/2 @person", HERON, entities=[PERSON]) == "night_heron is Maria Gonzalez"
    assert told("@pseudonym NEAR/2 @person", HERON, entities=[]) is None
    assert told("@pseudonym NEAR/2 @person", HERON, entities=[ADDRESS]) is None
    assert told("is @pii -@person", entities=[ADDRESS]) == "is"
    assert told("is @pii -@person", entities=[ADDRESS, PERSON]) is None
    assert told("is -@person", entities=[]) == "is"
    finder = finder_of("@pseudonym NEAR/2 @person", "is -@person", "road")
    beside = Beside(matches={"harbor": [HERON]}, entities=[PERSON])
    (document,) = FoldedBatch([Document(id="1", text=TEXT)])
    assert [match.term_id for match in finder.settle(document, beside, ["q0", "q1"])] == ["q0"]
    assert finder.settle(document, beside, ["t9"]) == ()


def test_a_person_that_is_a_watched_pseudonym_is_no_person() -> None:
    heron = Entity(
        type=EntityType.PERSON, span=Span("text", 0, 11), found="night_heron", confidence=0.9, recogniser="names"
    )
    assert told("@pseudonym @person", HERON, entities=[heron]) is None
    assert told("is @person", HERON, entities=[heron], community="grove") == "is"


@pytest.mark.parametrize("kind", EntityType)
def test_places_groups_ages_links_and_handles_identify_nobody(kind: EntityType) -> None:
    entity = Entity(type=kind, span=ADDRESS.span, found=ADDRESS.found, confidence=0.9, recogniser="any")
    tells_nobody = {"LOCATION", "ORGANIZATION", "AGE", "URL", "SOCIAL_HANDLE"}
    assert told("is @pii", entities=[entity]) == (None if kind in tells_nobody else "is")


def test_an_explanation_shows_what_stands_and_what_is_lacking() -> None:
    def explained(query: str, text: str) -> list[tuple[str, bool, str]]:
        (document,) = FoldedBatch([Document(id="1", text=text)])
        return [(row.found, row.passed, row.reason) for row in finder_of(query).explain(document)]

    assert explained("lantern harbor", "a harbor") == [
        ("harbor", False, "the part at character 1 of the query does not stand here")
    ]
    assert explained("harbor -lantern", "a harbor lantern") == [
        ("harbor", False, "what must not stand here, at character 8 of the query, does"),
        ("lantern", False, "what must not stand here, at character 8 of the query, does"),
    ]
    assert explained("harbor NEAR/1 lantern", "a harbor of lantern")[0][2].startswith("the two sides of NEAR")
    assert "recognisers" in explained("harbor @person", "a harbor")[0][2]
    assert explained("harbor", "a harbor") == [("harbor", True, "the query holds, and this shows it")]
    assert explained("harbor", "nothing") == []


# ── the judge: lists of words, every pair tried, nothing shared with what it judges ─────────────


def plain_places(node: Node, words: list[str]) -> set[tuple[int, int]]:
    """Return where an operand stands, as half-open ranges of words."""
    match node:
        case Or():
            return set().union(*(plain_places(part, words) for part in node.parts))
        case Phrase():
            wanted = node.text.split()
            places = set()
            for start in range(len(words) - len(wanted) + 1):
                *before, last = words[start : start + len(wanted)]
                if before == wanted[:-1] and (
                    last in (wanted[-1], wanted[-1] + "s", wanted[-1] + "es")
                    or (node.ending == "*" and last.startswith(wanted[-1]))
                    or (node.ending == "~" and (wanted[-1], last) in MISSPELT)
                ):
                    places.add((start, start + len(wanted)))
            return places
        case _:
            return set()


def plainly_holds(node: Node, fields: dict[str, list[str]], within: str | None = None) -> bool:
    match node:
        case And():
            return all(plainly_holds(part, fields, within) for part in node.parts)
        case Or():
            return any(plainly_holds(part, fields, within) for part in node.parts)
        case Not():
            return not plainly_holds(node.part, fields, within)
        case Within():
            return plainly_holds(node.part, fields, node.name)
        case Near():
            return any(
                min(abs(other_start - end), abs(start - other_end)) + 1 <= node.words
                for name in ([within] if within else FIELD_NAMES)
                for start, end in plain_places(node.left, fields.get(name, []))
                for other_start, other_end in plain_places(node.right, fields.get(name, []))
                if other_start >= end or start >= other_end
            )
        case _:
            names: list[str] = [within] if within else list(FIELD_NAMES)
            return any(plain_places(node, fields.get(name, [])) for name in names)


MISSPELT = {("harbor", "hrabor"), ("lantern", "lantren"), ("identity", "idenity")}
texts = st.lists(
    st.sampled_from([*WORDS, "harbors", "lantren", "hrabor", "idenity", "idol", "x", "y"]), min_size=1, max_size=14
)
documents = st.fixed_dictionaries(
    {"text": texts}, optional={"title": texts, "author": texts, "url": texts, "source": texts}
)


@settings(max_examples=200)
@given(rows=st.lists(trees(mentions=False), min_size=1, max_size=5), documents=st.lists(documents, max_size=3))
def test_queries_hold_where_a_plain_evaluator_says_so(rows: list[Node], documents: list[dict[str, list[str]]]) -> None:
    finder = finder_of(*map(written, rows))
    batch = FoldedBatch(
        [document_of({name: " ".join(words) for name, words in fields.items()}) for fields in documents]
    )
    for fields, matches in zip(documents, finder.find(batch), strict=True):
        held = {f"q{n}" for n, tree in enumerate(rows) if plainly_holds(tree, fields)}
        assert {match.term_id for match in matches} == held, [written(row) for row in rows]


@settings(max_examples=200)
@given(tree=trees(), text=texts, places=st.data())
def test_what_is_left_open_is_what_entities_can_change(tree: Node, text: list[str], places: st.DataObject) -> None:
    """A query is answered without the entities only where the answer is the same whatever they are."""
    written_text = " ".join(text)
    finder = finder_of(written(tree))
    (document,) = FoldedBatch([Document(id="1", text=written_text)])
    answers = finder.answer([document], {})
    at_once = answers[0].matches if answers else ()
    start = places.draw(st.integers(0, len(written_text) - 1))
    entity = Entity(
        type=EntityType.PERSON,
        span=Span("text", start, start + 1),
        found=written_text[start],
        confidence=1.0,
        recogniser="any",
    )
    if not (answers and answers[0].pending):
        for entities in ([], [entity]):
            settled = finder.answer([document], {0: Beside(entities=entities)})
            assert bool(settled and settled[0].matches) == bool(at_once)


def test_ten_thousand_queries_cost_little_where_their_words_do_not_stand() -> None:
    syllables = ["quo", "zan", "vek", "lor", "mip", "tau", "ryx", "fen", "dus", "bel"]
    words = ["".join(syllables[int(digit)] for digit in f"{n:05}") for n in range(10_000)]
    finder = finder_of(*(f'"{word} harbor" NEAR/20 (identity OR dox*) -party' for word in words))
    batch = [
        Document(id=str(n), text="who would dox an identity near the harbor, word for word " * 4) for n in range(500)
    ]
    seconds = cpu_seconds(lambda: finder.find(FoldedBatch(batch)))
    assert seconds < 1
    (matches,) = finder.find(FoldedBatch([Document(id="1", text=f"dox the {words[4321]} harbor")]))
    assert [match.term_id for match in matches] == ["q4321"]


def test_a_long_text_full_of_the_words_takes_time_in_proportion() -> None:
    finder = finder_of("harbor NEAR/3 lantern", "harbor NEAR/1 (quarrel OR lantern) -missing")

    def seconds(copies: int, enough: float = 0) -> float:
        batch = FoldedBatch([Document(id="1", text="harbor x x x x lantern x " * copies)])
        return cpu_seconds(lambda: finder.find(batch), enough)

    bound = 8 * max(seconds(4_000), 0.01)
    assert seconds(16_000, bound) < bound
