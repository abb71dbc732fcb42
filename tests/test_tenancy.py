"""Communities share one index, and none is shown anything of another's."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import httpx2
import pytest

from core.ports import AlertFilter, Listing
from core.types import Alert, Catalogue, Community, Document, Finding, Scope, Sensitivity, Term, TermKind, Watchlist
from monitor.parts import Parts
from monitor.pipeline import Examiner
from tests.api_service import Api
from tests.store_fixtures import NOON

pytest_plugins = ["tests.api_fixtures"]

COMMUNITIES = (
    Community(id="harbor", name="Harbor Commons", context=("harbor commons",)),
    Community(id="grove", name="Maple Grove", context=("maple grove",)),
)
WATCHLISTS = (
    Watchlist(id="w-harbor", community_id="harbor", name="Members", packs=("doxxing",)),
    Watchlist(id="w-grove", community_id="grove", name="Members", sensitivity=Sensitivity.WIDE),
)
WATCHED = {
    "harbor": {
        TermKind.PSEUDONYM: ("night_heron", "quiet-lantern", "Ana Bell"),
        TermKind.NAME: ("Maria Gonzalez",),
        TermKind.KEYWORD: ("safe house",),
        TermKind.DOMAIN: ("harborcommons.example",),
        TermKind.QUERY: ("heron AND house", "@pseudonym NEAR/5 nobody", "@any real"),
    },
    "grove": {
        TermKind.PSEUDONYM: ("night_heron", "nightherons", "maple_fox"),
        TermKind.NAME: ("Ana Bell", "Maria Gonzales"),
        TermKind.KEYWORD: ("safe house", "heron"),
        TermKind.REGEX: (r"case-\d{4}",),
        TermKind.QUERY: ("fox OR house",),
    },
}
PIECES = (
    "n1ght_h3ron", "nihgtheron", "quiet lantern", "Maria Gonzalez", "Ana Bell", "the safe house", "maple_fox",
    "case-1234", "harborcommons-login.example", "harbor commons", "maple grove", "real name", "is", "call 212-555-0143",
    "lives at", "nobody", "ask", "and", "m.a.p.l.e.f.o.x",
)  # fmt: skip


def terms_of(*communities: str) -> tuple[Term, ...]:
    return tuple(
        Term(
            id=f"{community}-{kind}-{number}",
            reference=f"{kind}-{number}",
            watchlist_id=f"w-{community}",
            kind=kind,
            value=value,
        )
        for community in communities
        for kind, values in WATCHED[community].items()
        for number, value in enumerate(values)
    )


def examiner_of(parts: Parts, *communities: str) -> Examiner:
    return parts.examiner(
        Catalogue(
            communities=tuple(community for community in COMMUNITIES if community.id in communities),
            watchlists=tuple(watchlist for watchlist in WATCHLISTS if watchlist.community_id in communities),
            terms=terms_of(*communities),
        ),
        minimum_score=0,
    )


def comparable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with what differs from run to run made equal: the ids and times of alerts."""

    def plain(alert: Alert) -> Alert:
        return replace(alert, id="", raised_at=NOON)

    return [replace(finding, alerts=tuple(map(plain, finding.alerts))) for finding in findings]


@pytest.mark.parametrize("seed", range(2))
def test_a_community_is_shown_what_an_index_of_its_own_terms_alone_would_find(parts: Parts, seed: int) -> None:
    chance = random.Random(seed)
    documents = [
        Document(id=str(number), text=" ".join(chance.choices(PIECES, k=12)), title=chance.choice(PIECES))
        for number in range(40)
    ]
    shared = examiner_of(parts, "harbor", "grove")
    together = comparable(shared.examine(documents))
    for community in ("harbor", "grove"):
        seen = comparable(shared.examine(documents, communities=frozenset({community})))
        assert seen == comparable(examiner_of(parts, community).examine(documents))
        own = {term.id for term in terms_of(community)}
        assert {match.term_id for finding in seen for match in finding.matches} <= own
        assert {match.term_id for finding in seen for alert in finding.alerts for match in alert.matches} <= own
        assert sum(len(finding.matches) for finding in seen) > 30
        # Where a document counts for all, each community's alerts are still those of its own terms.
        raised = [alert for finding in together for alert in finding.alerts if alert.community_id == community]
        assert raised == [alert for finding in seen for alert in finding.alerts]


async def test_what_one_community_hands_in_or_previews_shows_nothing_of_what_another_watches(
    api: Api, harbor: Community, meadow: Community
) -> None:
    own, other = await api.member(harbor, Scope.ADMIN), await api.member(meadow, Scope.ADMIN)
    await _watch(own, "harborlight", "marigold_tide")
    await _watch(other, "night_heron", "harborlight")
    text = "n1ght_h3ron and harborlight met Ana Bell, who is not marigold_tide"

    sent = await own.post("/v1/documents", json={"text": text})
    assert sent.is_success, sent.text
    shown = (await own.get("/v1/alerts")).json()["items"]
    found = {match["found"] for alert in shown for match in alert["matches"]}
    assert "n1ght_h3ron" not in found
    assert shown
    assert (await other.get("/v1/alerts")).json()["items"] == []
    assert (await api.service.store.alerts(meadow.id, Listing(), AlertFilter())).items == ()

    preview = await own.post(
        "/v1/preview", json={"term": {"kind": "pseudonym", "value": "marigold_tide"}, "text": text}
    )
    assert preview.status_code == 200, preview.text
    answer = preview.json()
    assert [match["found"] for match in answer["matches"]] == ["marigold_tide"]
    assert {candidate["found"] for candidate in answer["candidates"]} == {"marigold_tide"}


async def _watch(client: httpx2.AsyncClient, *pseudonyms: str) -> None:
    terms = [{"kind": "pseudonym", "value": value} for value in pseudonyms]
    answer = await client.post("/v1/watchlists", json={"name": "Members", "terms": terms})
    assert answer.status_code == 201, answer.text
