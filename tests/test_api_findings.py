"""Documents in, alerts and incidents out, and what moderators decide."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from core.types import AlertClass, Community, Scope
from tests.api_service import START, Api, all_items, assert_problem, audited

pytest_plugins = ["tests.api_fixtures"]

LINES = {"Content-Type": "application/x-ndjson"}
KEY = {"Idempotency-Key": "batch-7"}
LEAK = "so n1ght_h3ron is really Maria Gonzalez, she lives at 12 Elm Street"
PROTECTED = ["night_heron", "Gonzalez", "n1ght"]


@pytest.fixture
async def members(admin: httpx2.AsyncClient) -> str:
    answer = await admin.post(
        "/v1/watchlists",
        json={"name": "Members", "terms": [{"id": "t1", "kind": "pseudonym", "value": "night_heron"}]},
    )
    return str(answer.json()["id"])


async def test_documents_come_as_one_as_a_list_or_as_lines(admin: httpx2.AsyncClient, members: str) -> None:
    one = await admin.post("/v1/documents", json={"id": "1", "source": "forum", "text": LEAK})
    assert one.status_code == 200, one.text
    assert (one.json()["new_count"], one.json()["known_count"]) == (1, 0)
    (alert_id,) = one.json()["alert_ids"]
    shown = (await admin.get(f"/v1/alerts/{alert_id}")).json()
    assert shown["watchlist_id"] == members
    assert shown["reasons"]

    several = await admin.post(
        "/v1/documents",
        json=[{"id": "1", "source": "forum", "text": LEAK}, {"id": "2", "source": "forum", "text": "a quiet day"}],
    )
    assert several.json() == {"new_count": 1, "known_count": 1, "alert_ids": [], "gap": None, "refused": []}

    lines = "\n".join(json.dumps({"id": str(number), "text": f"post {number}"}) for number in range(3))
    many = await admin.post("/v1/documents", content=lines + "\n\n", headers=LINES)
    assert many.json()["new_count"] == 3


async def test_a_document_without_an_id_is_named_by_its_content(admin: httpx2.AsyncClient, members: str) -> None:
    for text, new_count in ((LEAK, 1), ("a quiet day", 1), (LEAK, 0)):
        answer = await admin.post("/v1/documents", json={"text": text})
        assert answer.json()["new_count"] == new_count


@pytest.mark.parametrize("as_lines", [True, False])
async def test_documents_that_are_wrong_are_named_and_the_others_are_taken(
    admin: httpx2.AsyncClient, members: str, as_lines: bool
) -> None:
    documents = [
        {"text": 7112},
        {"text": LEAK},
        {"txt": "SECRET"},
        {"text": "", "published_at": "SECRET"},
        "SECRET",
        {"text": "a quiet day"},
    ]

    async def hand_in(documents: list[Any]) -> httpx2.Response:
        if as_lines:
            lines = "\n".join(json.dumps(document) for document in documents)
            return await admin.post("/v1/documents", content=lines, headers=LINES | KEY)
        return await admin.post("/v1/documents", json=documents, headers=KEY)

    first = await hand_in(documents)
    assert (first.status_code, first.json()["new_count"], len(first.json()["alert_ids"])) == (200, 2, 1)
    reasons = {refused["index"]: refused["reason"] for refused in first.json()["refused"]}
    assert list(reasons) == [0, 2, 3, 4]
    assert reasons[0] == "text: Input should be a valid string"
    assert reasons[2] == "text: Field required; txt: Extra inputs are not permitted"
    assert reasons[3].startswith("published_at: ")
    assert not [protected for protected in ("7112", "SECRET", *PROTECTED) if protected in first.text]
    assert (await hand_in(documents)).content == first.content


@pytest.mark.parametrize("as_lines", [True, False])
async def test_when_no_document_can_be_taken_the_request_is_refused(admin: httpx2.AsyncClient, as_lines: bool) -> None:
    content = b'{"text": 7112}\n["SECRET"]' if as_lines else b'[{"text": 7112}, ["SECRET"]]'
    kind = "application/x-ndjson" if as_lines else "application/json"
    answer = await admin.post("/v1/documents", content=content, headers={"Content-Type": kind})
    problem = assert_problem(answer, 422, without=["7112", "SECRET"])
    assert [error["location"][1] for error in problem["errors"]] == [0, 1]


async def test_a_line_that_is_not_json_is_named(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/v1/documents", content=b'{"text": "x"}\n{"text": SECRET}\n', headers=LINES)
    (refused,) = answer.json()["refused"]
    assert (answer.json()["new_count"], refused["index"]) == (1, 1)
    assert refused["reason"] == "Expecting value: line 1 column 10 (char 9)"
    answer = await admin.post("/v1/documents", content=b"SECRET\n", headers=LINES)
    alone = assert_problem(answer, 400, without=["SECRET"])
    assert alone["errors"][0]["location"] == ["body", 0]


async def test_too_many_documents_at_once_are_refused(admin: httpx2.AsyncClient) -> None:
    assert_problem(await admin.post("/v1/documents", content=b'{"text":""}\n' * 1001, headers=LINES), 422)
    assert_problem(await admin.post("/v1/documents", json=[{"text": ""}] * 1001), 422)


async def test_an_alert_is_redacted_unless_revealed_by_a_key_that_may_and_that_is_audited(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    alert = await api.alert(harbor, members)
    path = f"/v1/alerts/{alert.id}"
    reader = await api.member(harbor, Scope.READ)
    revealer = await api.member(harbor, Scope.READ, Scope.REVEAL)
    incident = f"/v1/incidents/{alert.incident_id}"
    for answer in [
        await reader.get(path),
        await revealer.get(path),
        await revealer.get("/v1/alerts"),
        await revealer.get(incident),
        await revealer.get(f"{incident}/sightings"),
    ]:
        assert answer.status_code == 200
        assert not any(text in answer.text for text in [*PROTECTED, "maria"])
    assert_problem(await reader.get(f"{path}?reveal=true"), 403)
    before = await audited(admin)

    shown = (await revealer.get(f"{path}?reveal=true")).json()

    assert shown["evidence"] == alert.evidence
    assert shown["matches"][0]["found"] == "night_heron"
    assert shown["entities"][0]["found"] == "Maria Gonzalez"
    assert shown["document"]["url"] == alert.document.url
    assert shown["document"]["external_id"] == alert.document.external_id
    assert await audited(admin) - before == {("alert.revealed", alert.id): 1}


async def test_alerts_and_incidents_are_filtered(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    grave = await api.alert(harbor, members, number=1, score=95)
    api.forward(hours=1)
    slight = await api.alert(harbor, members, number=2, score=30, alert_class=AlertClass.MENTION)
    for resource, first, second in (
        ("alerts", grave.id, slight.id),
        ("incidents", grave.incident_id, slight.incident_id),
    ):
        for query, wanted in [
            ("", [first, second]),
            ("class=linkage", [first]),
            ("class=linkage&class=mention", [first, second]),
            ("class=threat", []),
            ("minimum_severity=high", [first]),
            ("minimum_severity=low", [first, second]),
            (f"watchlist={members}", [first, second]),
            ("watchlist=wl_other", []),
            ("updated_since=2026-11-20T10:30:00Z", [second]),
            ("updated_since=2026-11-20T11:30:00%2B01:00", [second]),
        ]:
            items = (await admin.get(f"/v1/{resource}?{query}")).json()["items"]
            assert [item["id"] for item in items] == wanted, (resource, query)
    items = (await admin.get(f"/v1/alerts?incident={slight.incident_id}")).json()["items"]
    assert [item["id"] for item in items] == [slight.id]
    assert items[0]["raised_at"] == "2026-11-20T11:00:00Z"


async def test_alerts_are_listed_part_by_part_without_gap_or_repeat(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    raised = [(await api.alert(harbor, members, number=number)).id for number in range(250)]
    items = await all_items(admin, "/v1/alerts", limit=70)
    assert sorted(item["id"] for item in items) == sorted(raised)
    assert len(await all_items(admin, "/v1/incidents", limit=70)) == 250


async def test_an_incident_is_acknowledged_resolved_and_then_closed(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    alert = await api.alert(harbor, members)
    path = f"/v1/incidents/{alert.incident_id}"
    read = (await admin.get(path)).json()
    assert (read["state"], read["sighting_count"], read["sightings"]["items"][0]["source"]) == ("open", 1, "forum")
    assert read["first_seen_at"] == START.isoformat().replace("+00:00", "Z")

    api.forward(minutes=5)
    taken = await admin.post(f"{path}/acknowledge", json={})
    assert (taken.json()["state"], taken.json()["assignee"]) == ("acknowledged", "Sam's key")
    assert (await admin.post(f"{path}/acknowledge", json={"assignee": "Robin"})).json()["assignee"] == "Robin"
    closed = await admin.post(f"{path}/resolve", json={"reason": "taken down"})
    assert (closed.json()["state"], closed.json()["reason"]) == ("resolved", "taken down")
    assert closed.json()["updated_at"] == "2026-11-20T10:05:00Z"
    assert_problem(await admin.post(f"{path}/dismiss", json={"reason": "none"}), 409)

    assert (await admin.get("/v1/incidents?state=open")).json()["items"] == []
    assert len((await admin.get("/v1/incidents?state=open&state=resolved")).json()["items"]) == 1
    log = await audited(admin)
    assert log["incident.acknowledged", alert.incident_id or ""] == 2
    assert log["incident.resolved", alert.incident_id or ""] == 1


async def test_a_dismissal_needs_a_reason(api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str) -> None:
    alert = await api.alert(harbor, members)
    path = f"/v1/incidents/{alert.incident_id}/dismiss"
    for body in ({}, {"reason": ""}, {"reason": "   "}, {"reason": None}):
        assert_problem(await admin.post(path, json=body), 422)
    assert (await admin.post(path, json={"reason": "a namesake"})).json()["state"] == "dismissed"


async def test_a_dismissal_may_say_where_a_term_does_not_count_and_the_term_shows_what_was_said_of_it(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    await admin.post("/v1/documents", json={"id": "1", "source": "forum", "text": LEAK})
    (incident,) = (await admin.get("/v1/incidents")).json()["items"]
    (term, *_) = [one for one in (await admin.get("/v1/terms")).json()["items"] if one["kind"] == "pseudonym"]
    assert term["verdicts"] == {"leak_count": 0, "false_alarm_count": 0, "precision": None}
    never = [{"term_id": term["id"], "text": "night heron rookery"}]
    path = f"/v1/incidents/{incident['id']}/dismiss"
    unknown = [{"term_id": "trm_unknown", "text": "x"}]
    assert_problem(await admin.post(path, json={"reason": "a bird", "never": unknown}), 404)
    assert (await admin.get(f"/v1/incidents/{incident['id']}")).json()["state"] == "open"
    assert (await admin.post(path, json={"reason": "a bird", "never": never})).json()["state"] == "dismissed"
    term = (await admin.get(f"/v1/terms/{term['id']}?reveal=true")).json()
    assert term["verdicts"] == {"leak_count": 0, "false_alarm_count": 1, "precision": 0.0}
    assert term["protected"]["never"] == ["night heron rookery"]
    assert (await audited(admin))["term.never_added", term["id"]] == 1


async def test_a_place_is_marked_as_cleared_and_the_incident_tells_how_it_spreads(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    for place in ("forum", "board"):
        await admin.post("/v1/documents", json={"id": "1", "source": place, "text": LEAK})
        api.forward(seconds=1)
    (incident,) = (await admin.get("/v1/incidents")).json()["items"]
    path = f"/v1/incidents/{incident['id']}"
    first = (await admin.get(f"{path}/sightings")).json()["items"][0]
    assert (first["site"], first["removed_at"]) == ("forum", None)
    api.forward(hours=30, seconds=-2)
    removed = (await admin.post(f"{path}/sightings/{first['id']}/removed")).json()
    assert removed["removed_at"] == "2026-11-21T16:00:00Z"
    assert_problem(await admin.post(f"{path}/sightings/{first['id']}/removed"), 409)
    assert_problem(await admin.post(f"{path}/sightings/sgt_unknown/removed"), 404)
    read = (await admin.get(path)).json()
    assert (read["site_count"], read["spread"]) == (2, {"day_count": 0, "week_count": 2, "removed_count": 1})


async def test_a_second_place_is_a_sighting_of_the_same_incident(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, members: str
) -> None:
    for place in ("forum", "board", "paste"):
        await admin.post("/v1/documents", json={"id": "1", "source": place, "text": LEAK})
    (incident,) = (await admin.get("/v1/incidents")).json()["items"]
    assert incident["sighting_count"] == 3
    items = await all_items(admin, f"/v1/incidents/{incident['id']}/sightings", limit=2)
    assert {item["source"] for item in items} == {"forum", "board", "paste"}
