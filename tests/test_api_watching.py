"""Watchlists, terms and previews over the API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from core.types import Community, Scope
from tests.api_service import Api, all_items, assert_problem, audited

pytest_plugins = ["tests.api_fixtures"]

NAME = {
    "id": "t2",
    "kind": "name",
    "value": "Maria Gonzalez",
    "aliases": ["Mia Gonzalez"],
    "person": "p1",
    "note": "asked by letter",
    "basis": {"kind": "consent", "recorded_by": "her brother", "until": "2027-06-30"},
}
SECRETS = ["Gonzalez", "p1", "letter", "brother"]


async def watchlist(client: httpx2.AsyncClient, **fields: Any) -> str:
    answer = await client.post("/v1/watchlists", json={"name": "Members", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_watchlist_is_made_read_listed_and_deleted(admin: httpx2.AsyncClient) -> None:
    fields = {"name": "Members", "sensitivity": "strict", "packs": ["doxxing"]}
    made = await admin.post("/v1/watchlists", json={**fields, "terms": [{"kind": "keyword", "value": "safe house"}]})
    assert made.status_code == 201
    shown = made.json()
    assert shown == {"id": shown["id"], **fields}
    path = f"/v1/watchlists/{shown['id']}"
    assert (await admin.get(path)).json() == shown
    assert (await admin.get("/v1/watchlists")).json() == {"items": [shown], "next_cursor": None}
    assert len((await admin.get(f"/v1/terms?watchlist={shown['id']}")).json()["items"]) == 1
    assert (await admin.delete(path)).status_code == 204
    assert_problem(await admin.get(path), 404)
    assert_problem(await admin.delete(path), 404)
    assert (await admin.get("/v1/terms")).json()["items"] == []


async def test_a_watchlist_is_kept_with_all_its_terms_or_not_at_all(admin: httpx2.AsyncClient) -> None:
    good = {"id": "t1", "kind": "keyword", "value": "safe house"}
    for terms in (
        [good, {"kind": "name", "value": "Maria Gonzalez"}],
        [good, good],
        [good, {"kind": "query", "value": '"no end NEAR/'}],
        [good, {"kind": "regex", "value": "(["}],
    ):
        answer = await admin.post("/v1/watchlists", json={"name": "Members", "terms": terms})
        assert_problem(answer, 422, without=["Gonzalez", "safe house", "no end"])
    assert (await admin.get("/v1/watchlists")).json()["items"] == []


async def test_a_name_in_use_is_a_conflict(admin: httpx2.AsyncClient) -> None:
    members = await watchlist(admin)
    assert_problem(await admin.post("/v1/watchlists", json={"name": "Members"}), 409)
    term = {"watchlist_id": members, "id": "t1", "kind": "keyword", "value": "safe house"}
    assert (await admin.post("/v1/terms", json=term)).status_code == 201
    assert_problem(await admin.post("/v1/terms", json=term), 409)


async def test_an_unknown_pack_is_refused_with_those_that_exist(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/v1/watchlists", json={"name": "Members", "packs": ["doxing"]})
    problem = assert_problem(answer, 422)
    assert problem["errors"][0]["location"] == ["body", "packs", 0]
    assert "doxxing" in problem["errors"][0]["message"]


async def test_a_name_needs_a_basis(admin: httpx2.AsyncClient) -> None:
    members = await watchlist(admin)
    without = {key: value for key, value in NAME.items() if key != "basis"}
    answer = await admin.post("/v1/terms", json={"watchlist_id": members, **without})
    assert "basis" in str(assert_problem(answer, 422, without=SECRETS)["errors"])


async def test_a_term_is_made_read_listed_and_deleted(admin: httpx2.AsyncClient) -> None:
    members = await watchlist(admin)
    made = await admin.post("/v1/terms", json={"watchlist_id": members, **NAME})
    assert made.status_code == 201
    shown = made.json()
    assert shown["reference"] == "t2"
    path = f"/v1/terms/{shown['id']}"
    assert (await admin.get(path)).json() == shown
    assert (await admin.get("/v1/terms")).json()["items"] == [shown]
    assert (await admin.delete(path)).status_code == 204
    assert_problem(await admin.get(path), 404)


async def test_the_protected_part_of_a_term_is_shown_to_those_who_may_reveal_and_that_is_audited(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    members = await watchlist(admin)
    made = await admin.post("/v1/terms", json={"watchlist_id": members, **NAME})
    path = f"/v1/terms/{made.json()['id']}"
    reader = await api.member(harbor, Scope.READ)
    revealer = await api.member(harbor, Scope.READ, Scope.REVEAL)
    for answer in [made, await reader.get(path), await revealer.get(path), await revealer.get("/v1/terms")]:
        assert not any(secret in answer.text for secret in SECRETS)
    assert_problem(await reader.get(f"{path}?reveal=true"), 403)
    assert_problem(await reader.get("/v1/terms?reveal=true"), 403)
    before = await audited(admin)

    one = (await revealer.get(f"{path}?reveal=true")).json()["protected"]
    listed = (await revealer.get("/v1/terms?reveal=true")).json()["items"][0]["protected"]

    assert one == listed
    assert (one["value"], one["aliases"], one["person"]) == ("Maria Gonzalez", ["Mia Gonzalez"], "p1")
    assert one["basis"] == {"kind": "consent", "recorded_by": "her brother", "until": "2027-06-30T23:59:59Z"}
    assert await audited(admin) - before == {("term.revealed", made.json()["id"]): 2}
    log = (await admin.get("/v1/audit")).text
    assert not any(secret in log for secret in SECRETS)


async def test_terms_are_listed_part_by_part_without_gap_or_repeat(admin: httpx2.AsyncClient) -> None:
    terms = [{"id": f"t{number}", "kind": "keyword", "value": f"safe house {number}"} for number in range(250)]
    members = await watchlist(admin, terms=terms)
    others = await watchlist(admin, name="Others", terms=[{"kind": "keyword", "value": "meeting place"}])
    items = await all_items(admin, "/v1/terms", limit=40, watchlist=members)
    assert len(items) == 250
    assert {item["reference"] for item in items} == {term["id"] for term in terms}
    assert len(await all_items(admin, "/v1/terms", limit=200)) == 251
    assert len(await all_items(admin, "/v1/terms", limit=1, watchlist=others)) == 1


async def test_a_preview_tells_what_would_match_and_keeps_nothing(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(
        "/v1/preview",
        json={
            "term": {"kind": "pseudonym", "value": "night_heron"},
            "text": "so n1ght_h3ron is really Maria Gonzalez of 12 Elm Street",
        },
    )
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    (match,) = shown["matches"]
    assert (match["field"], match["start"], match["end"], match["found"]) == ("text", 3, 14, "n1ght_h3ron")
    assert "leet" in match["transformations"]
    assert shown["candidates"][0]["passed"]
    assert shown["candidates"][0]["reason"]
    assert shown["folded"]["text"]
    for resource in ("watchlists", "terms", "alerts"):
        assert (await admin.get(f"/v1/{resource}")).json()["items"] == []


async def test_a_preview_tells_where_the_text_is_read_otherwise_than_written(admin: httpx2.AsyncClient) -> None:
    sent = {"term": {"kind": "pseudonym", "value": "night_heron"}, "text": "N\u0456ght\u200b&#95;heron"}
    answer = await admin.post("/v1/preview", json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["folded"] == {"text": "night_heron"}
    assert answer.json()["undone"] == [
        {"start": 1, "end": 2, "written": "\u0456", "meant": "i", "transformations": ["homoglyph"]},
        {"start": 5, "end": 6, "written": "\u200b", "meant": "", "transformations": ["zero_width"]},
        {"start": 6, "end": 11, "written": "&#95;", "meant": "_", "transformations": ["html_entity"]},
    ]


@pytest.mark.parametrize(
    ("term", "found", "transformation"),
    [
        ({"kind": "regex", "value": r"HC-\d{4}"}, "HC-２０４１", "compatibility"),
        ({"kind": "domain", "value": "harborcommons.example"}, "harborcommons-login[.]com", "affix"),
    ],
)
async def test_a_preview_shows_patterns_and_domains_in_disguise(
    admin: httpx2.AsyncClient, term: dict[str, str], found: str, transformation: str
) -> None:
    answer = await admin.post("/v1/preview", json={"term": term, "text": f"look: {found} is it"})
    assert answer.status_code == 200, answer.text
    (match,) = answer.json()["matches"]
    assert (match["kind"], match["start"], match["found"]) == (term["kind"], 6, found)
    assert transformation in match["transformations"]


@pytest.mark.parametrize(
    "term",
    [
        {"kind": "regex", "value": "(["},
        {"kind": "query", "value": '"no end'},
        {"kind": "domain", "value": "no end.example"},
    ],
)
async def test_a_preview_of_a_term_that_cannot_be_looked_for_is_refused(
    admin: httpx2.AsyncClient, term: dict[str, str]
) -> None:
    answer = await admin.post("/v1/preview", json={"term": term, "text": "anything"})
    assert_problem(answer, 422, without=["no end"])


async def test_a_query_with_a_mistake_is_refused_with_its_place(admin: httpx2.AsyncClient) -> None:
    members = await watchlist(admin)
    wrong = {"kind": "query", "value": "marigold NEAR tide"}
    for path, body in (
        ("/v1/terms", {"watchlist_id": members, **wrong}),
        ("/v1/watchlists", {"name": "Others", "terms": [wrong]}),
    ):
        (error,) = assert_problem(await admin.post(path, json=body), 422, without=["marigold", "tide"])["errors"]
        assert error["location"][-1] == "value"
        assert error["message"] == "character 10: NEAR needs a number of words and capitals: NEAR/10"
    answer = await admin.post("/v1/preview", json={"term": wrong, "text": "any text"})
    assert "character 10: " in assert_problem(answer, 422, without=["marigold", "tide"])["detail"]


async def test_a_preview_of_a_query_asks_the_recognisers_where_it_depends_on_them(admin: httpx2.AsyncClient) -> None:
    term = {"kind": "query", "value": "harbor NEAR/3 @person"}
    answer = await admin.post("/v1/preview", json={"term": term, "text": "the harbor of Maria Gonzalez"})
    assert answer.status_code == 200, answer.text
    assert [match["found"] for match in answer.json()["matches"]] == ["harbor of Maria Gonzalez"]
    assert [row["passed"] for row in answer.json()["candidates"]] == [True]
    answer = await admin.post("/v1/preview", json={"term": term, "text": "the harbor of nobody"})
    assert answer.json()["matches"] == []
    assert [row["passed"] for row in answer.json()["candidates"]] == [False]


async def test_a_preview_with_an_unknown_pack_is_refused(admin: httpx2.AsyncClient) -> None:
    term = {"kind": "keyword", "value": "safe house"}
    answer = await admin.post("/v1/preview", json={"term": term, "text": "a safe house", "packs": ["doxing"]})
    assert "doxxing" in str(assert_problem(answer, 422)["errors"])


async def test_of_many_terms_the_one_that_cannot_be_looked_for_is_named(admin: httpx2.AsyncClient) -> None:
    terms = [{"kind": "keyword", "value": "safe house"}, {"kind": "regex", "value": "(["}]
    answer = await admin.post("/v1/watchlists", json={"name": "Members", "terms": terms})
    (error,) = assert_problem(answer, 422)["errors"]
    assert error["location"] == ["body", "terms", 1, "value"]
