"""What every matcher keeps to, whoever wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SettingsError
from core.plugins import discover
from core.ports import Finder, Matcher
from core.types import Document, Term, TermKind, Watchlist
from matchers.batch import FoldedBatch

REGISTRY = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
MATCHERS = [REGISTRY.build(kind, {}) for kind in REGISTRY.kinds()]
SAMPLES = {
    TermKind.PSEUDONYM: "night_heron",
    TermKind.NAME: "Maria Gonzalez",
    TermKind.KEYWORD: "safe house",
    TermKind.PASSAGE: "the kitchen light stays on until the last of us has crossed the harbor bridge",
    TermKind.REGEX: "HC-2041-QX",
    TermKind.DOMAIN: "harborcommons.example",
    TermKind.QUERY: "lantern",
}
WATCHLISTS = {"members": Watchlist(id="members", community_id="harbor", name="Members")}


def sample(kind: TermKind) -> Term:
    return Term(id=kind, reference=kind, watchlist_id="members", kind=kind, value=SAMPLES[kind])


def finder_of(matcher: Matcher) -> Finder:
    return matcher.compile([sample(kind) for kind in sorted(matcher.term_kinds)], WATCHLISTS)


@pytest.fixture(autouse=True, scope="module")
def word_lists_are_loaded() -> None:
    """Load what the first judgement needs, so that no example is measured with it."""
    text = "ihaten1ght heron, nihgt_herno said"
    for matcher in MATCHERS:
        finder_of(matcher).find(FoldedBatch([Document(id="1", text=text)]))


every_matcher = pytest.mark.parametrize("matcher", MATCHERS, ids=REGISTRY.kinds())
texts = st.lists(
    st.one_of(st.sampled_from([*SAMPLES.values(), "NIGHT", "heron", "Gonzalez,", "*", "&#110;"]), st.text(max_size=6)),
    max_size=12,
).map(" ".join)


def test_the_kinds_of_this_version_have_one_matcher_each() -> None:
    kinds = [kind for matcher in MATCHERS for kind in matcher.term_kinds]
    assert sorted(kinds) == sorted(SAMPLES)


@pytest.mark.parametrize("kind", REGISTRY.kinds())
def test_an_unknown_setting_is_refused(kind: str) -> None:
    with pytest.raises(SettingsError, match="no_such_setting"):
        REGISTRY.build(kind, {"no_such_setting": 1})


@every_matcher
def test_its_terms_pass_its_check_and_are_found(matcher: Matcher) -> None:
    for kind in matcher.term_kinds:
        matcher.check(sample(kind))
        (document,) = FoldedBatch([Document(id="1", text=f"see: {SAMPLES[kind]}, there")])
        (match,) = finder_of(matcher).find([document])[0]
        assert (match.term_id, match.kind, match.found) == (kind, kind, SAMPLES[kind])
        assert (match.similarity, match.transformations) == (1.0, ())


@every_matcher
@given(batch=st.lists(texts, max_size=3))
def test_matches_are_in_bounds_in_order_and_explained(matcher: Matcher, batch: list[str]) -> None:
    finder = finder_of(matcher)
    documents = FoldedBatch([Document(id=str(n), text=text, title=text) for n, text in enumerate(batch)])
    answers = finder.find(documents)
    assert len(answers) == len(documents)
    for document, matches in zip(documents, answers, strict=True):
        assert matches == sorted(matches, key=lambda match: match.span)
        for match in matches:
            original = document.document.field(match.span.field)
            assert 0 <= match.span.start < match.span.end <= len(original)
            assert match.found == original[match.span.start : match.span.end]
            assert 0 < match.similarity <= 1
        explained = finder.explain(document)
        assert all(row.reason for row in explained)
        if len(explained) < 20:
            assert {match.span for match in matches} == {row.span for row in explained if row.passed}


@every_matcher
def test_a_finder_without_terms_finds_nothing(matcher: Matcher) -> None:
    (document,) = FoldedBatch([Document(id="1", text="night_heron")])
    assert matcher.compile([], {}).find([document]) == [[]]
