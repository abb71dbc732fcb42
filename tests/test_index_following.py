"""An index that follows what is watched finds what one compiled anew finds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import pytest

import matchers.segments
from core.errors import NotFound
from core.plugins import discover
from core.ports import Matcher
from core.types import (
    Catalogue,
    CatalogueChange,
    Community,
    Document,
    Pack,
    Sensitivity,
    Term,
    TermKind,
    TermSettings,
    Watchlist,
)
from matchers.index import Index
from matchers.keywords import KeywordFinder, KeywordMatcher
from tests.store_fixtures import MINUTE, NOON
from tests.timing import cpu_seconds

REGISTRY = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
MATCHERS = [REGISTRY.build(kind, {}) for kind in REGISTRY.kinds()]
PACKS = (
    Pack(name="doxxing", description="", phrases=("real name", "dox*")),
    Pack(name="threats", description="", phrases=("lives at",)),
)
WORDS = {
    TermKind.PSEUDONYM: ("night_heron", "nightheron", "quiet-lantern", "harborlight", "raven", "ab"),
    TermKind.NAME: ("Maria Gonzalez", "Mary Gonzales", "Ana Bell"),
    TermKind.KEYWORD: ("safe house", "heron street safe house", "ferry"),
    TermKind.REGEX: (r"case-\d{4}", r"room \d+"),
    TermKind.QUERY: ("safe AND house", "@pseudonym NEAR/9 @name", "ferry -@pseudonym", "house @person", "@name -safe"),
    TermKind.DOMAIN: ("harborcommons.example",),
}
NEVERS = ((), (), ("raven street", "harborlight inn"), ("ferry landing",))
TEXTS = (
    "n1ght_h3ron and nihgt_heron of the safe house on raven street, real name Maria Gonzalez, doxxed",
    "quiet lantern lives at heron street safe house, harborcommons-login.example, harbrlight, harborlight inn Ana Bell",
    "Gonzales, Mary took the ferry from ferry landing, case-1234, room 12, r.a.v.e.n near harbor commons",
    "nothing of this concerns anybody",
)
DOCUMENTS = [Document(id=str(number), text=text, title=text[:30]) for number, text in enumerate(TEXTS)]


@dataclass
class Watched:
    """What is watched, changed at random, and the changes that tell of it."""

    random: random.Random
    revision: int = 0
    communities: tuple[Community, ...] = ()
    watchlists: dict[str, Watchlist] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)

    def change(self, at: datetime) -> CatalogueChange:
        self.revision += 1
        pick = self.random.choice
        if self.random.random() < 0.2:
            contexts = tuple(self.random.sample(["harbor commons", "the inn", "anybody"], k=2))
            self.communities = tuple(Community(id=id_, name=id_, context=contexts) for id_ in ("harbor", "grove"))
        changed: dict[str, Term] = {}
        if self.random.random() < 0.3 or not self.watchlists:
            watchlist = Watchlist(
                id=pick(["w1", "w2"]),
                community_id=pick(["harbor", "grove"]),
                name="",
                sensitivity=pick(list(Sensitivity)),
                packs=pick([(), ("doxxing",), ("threats", "doxxing")]),
            )
            self.watchlists[watchlist.id] = watchlist
            changed = {id_: term for id_, term in self.terms.items() if term.watchlist_id == watchlist.id}
        for _ in range(self.random.randrange(4)):
            term = self._term(pick(list(WORDS)), at)
            changed[term.id] = term
        removed = frozenset(self.random.sample(sorted(self.terms), k=min(len(self.terms), pick([0, 0, 1, 2]))))
        self.terms = {
            id_: term for id_, term in {**self.terms, **changed}.items() if id_ not in removed or id_ in changed
        }
        return CatalogueChange(
            revision=self.revision,
            communities=self.communities,
            watchlists=tuple(self.watchlists.values()),
            terms=tuple(changed.values()),
            removed=removed,
        )

    def _term(self, kind: TermKind, at: datetime) -> Term:
        id_ = f"t{self.random.randrange(25)}"
        return Term(
            id=id_,
            reference=id_,
            watchlist_id=self.random.choice(sorted(self.watchlists)),
            kind=kind,
            value=self.random.choice(WORDS[kind]),
            settings=TermSettings(
                never=self.random.choice(NEVERS),
                expires_at=self.random.choice([None, at + self.random.randrange(1, 9) * MINUTE]),
            ),
        )

    def catalogue(self, at: datetime) -> Catalogue:
        lasting = (term for term in self.terms.values() if term.settings.ends_at is None or at < term.settings.ends_at)
        return Catalogue(
            communities=self.communities,
            watchlists=tuple(self.watchlists.values()),
            terms=tuple(lasting),
            packs=PACKS,
            revision=self.revision,
        )


@pytest.mark.parametrize("seed", range(4))
def test_an_index_that_followed_finds_and_explains_what_one_compiled_anew_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matchers.segments, "_MOST_UNNOTICED", 3)
    monkeypatch.setattr(matchers.segments, "_MOST_SEGMENTS", 2)
    watched = Watched(random.Random(seed))
    index = Index(Catalogue(packs=PACKS), MATCHERS)
    at = NOON
    merged_count = match_count = 0
    pending = None
    for _ in range(15):
        at += MINUTE
        if pending is None and (merge := index.due_merge()) is not None:
            pending = merge, index.merge(merge)
        index = index.following(watched.change(at))
        if pending is not None and watched.random.random() < 0.8:
            index = index.merged(*pending)
            pending = None
            merged_count += 1
        index = index.without(index.ended(at))
        whole = Index(watched.catalogue(at), MATCHERS)
        assert index.find(DOCUMENTS) == whole.find(DOCUMENTS)
        document = watched.random.choice(DOCUMENTS)
        explained, anew = index.explain(document), whole.explain(document)
        assert explained.folded == anew.folded
        assert Counter(explained.candidates) == Counter(anew.candidates)
        assert index.unmatched_terms == whole.unmatched_terms
        assert index.revision == whole.revision
        for id_ in {f"t{number}" for number in range(25)}:
            if id_ in {term.id for term in watched.catalogue(at).terms}:
                assert index.term(id_) == whole.term(id_)
                assert index.watchlist(index.term(id_)) == whole.watchlist(whole.term(id_))
            else:
                with pytest.raises(NotFound):
                    index.term(id_)
        match_count += sum(len(found.matches) for found in index.find(DOCUMENTS))
    assert merged_count > 0
    assert match_count > 20


class Counting(KeywordMatcher):
    """Counts what it compiles."""

    def __init__(self) -> None:
        super().__init__(self.Settings())
        self.compiled: list[int] = []

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> KeywordFinder:
        self.compiled.append(len(terms))
        return super().compile(terms, watchlists)


WATCHLIST = Watchlist(id="w1", community_id="harbor", name="Members")


def members(count: int, start: int = 0) -> list[Term]:
    return [
        Term(
            id=f"m{number}",
            reference=f"m{number}",
            watchlist_id="w1",
            kind=TermKind.KEYWORD,
            value=f"member{number}",
            settings=TermSettings(expires_at=NOON + timedelta(days=1 + number)),
        )
        for number in range(start, start + count)
    ]


def added(*terms: Term, removed: frozenset[str] = frozenset()) -> CatalogueChange:
    return CatalogueChange(revision=1, communities=(), watchlists=(WATCHLIST,), terms=terms, removed=removed)


def index_of(terms: Sequence[Term]) -> tuple[Index, Counting]:
    matcher = Counting()
    return Index(Catalogue(watchlists=(WATCHLIST,), terms=tuple(terms)), [cast(Matcher, matcher)]), matcher


def test_a_change_takes_no_longer_among_very_many_terms() -> None:
    few, many = (index_of(members(count))[0] for count in (300, 6_000))
    (term,) = members(1, 50_000)
    (found,) = many.following(added(term)).find([Document(id="1", text="member50000, member7")])
    assert [match.term_id for match in found.matches] == ["m50000", "m7"]

    def change(index: Index) -> None:
        for _ in range(20):
            following = index.following(added(term)).without({"m7"})
            following.ended(NOON + timedelta(days=3))

    assert cpu_seconds(lambda: change(many)) < 4 * cpu_seconds(lambda: change(few)) + 0.02


def test_terms_removed_and_ended_compile_nothing() -> None:
    index, matcher = index_of(members(100))
    del matcher.compiled[:]
    index = index.following(added(removed=frozenset({"m7"})))
    assert index.ended(NOON) == set()
    ended = index.ended(NOON + timedelta(days=3))
    assert ended == {"m0", "m1", "m2"}
    index = index.without(ended)
    found = index.find([Document(id="1", text="member7 member2 member3")])
    assert [match.term_id for match in found[0].matches] == ["m3"]
    assert index.ended(NOON + timedelta(days=3)) == set()
    assert matcher.compiled == []


def test_terms_that_come_one_by_one_are_compiled_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers.segments, "_MOST_UNNOTICED", 10)
    index, matcher = index_of(members(100))
    del matcher.compiled[:]
    for number in range(100, 1_000, 5):
        index = index.following(added(*members(5, number)))
        while merge := index.due_merge():
            index = index.merged(merge, index.merge(merge))
    assert sum(matcher.compiled) < 900 * 16
    assert len(index.find([Document(id="1", text="member0 member234 member999")])[0].matches) == 3


def test_terms_that_count_no_more_are_forgotten_when_they_are_many() -> None:
    index, matcher = index_of(members(100))
    index = index.without({f"m{number}" for number in range(20)})
    assert index.due_merge() is None
    index = index.without({f"m{number}" for number in range(30)})
    merge = index.due_merge()
    assert merge is not None
    segment = index.merge(merge)
    assert matcher.compiled[-1] == len(segment.terms) == 70
    index = index.merged(merge, segment)
    assert index.due_merge() is None
    index = index.without({term.id for term in members(100)})
    merge = index.due_merge()
    assert merge is not None
    index = index.merged(merge, index.merge(merge))
    assert index.due_merge() is None
    assert index.find([Document(id="1", text="member50")])[0].matches == ()
    assert index.following(added(*members(1))).find([Document(id="1", text="member0")])[0].matches


def test_a_changed_term_counts_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers.segments, "_MOST_UNNOTICED", 0)
    document = Document(id="1", text="member0 inn and member00 inn")
    term, other = members(2)
    never = replace(term, settings=TermSettings(never=("member0 inn",)))
    index, _ = index_of([never, other])
    assert [match.found for match in index.find([document])[0].matches] == []
    index = index.following(added(replace(term, variants=("member00",))))
    assert [match.found for match in index.find([document])[0].matches] == ["member0", "member00"]


def test_an_index_stays_what_it_was_when_another_follows_it() -> None:
    index, _ = index_of(members(10))
    document = Document(id="1", text="member3 member10")
    following = index.following(added(*members(1, 10), removed=frozenset({"m3"})))
    assert [match.term_id for match in index.find([document])[0].matches] == ["m3"]
    assert [match.term_id for match in following.find([document])[0].matches] == ["m10"]
    assert index.term("m3") == members(10)[3]
