"""Moderators and the rotation over the API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from core.types import Community, Scope
from tests.api_service import Api, assert_problem, audited

pytest_plugins = ["tests.api_fixtures"]

HOOK = {
    "kind": "webhook",
    "name": "Ada's phone",
    "settings": {"url": "https://hooks.example/a", "secret": "whsec_bGVha3dhdGNoLXRlc3Qtc2VjcmV0LW51bWJlci1vbmU="},
}


async def made(client: httpx2.AsyncClient, path: str, sent: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=sent)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def moderator(client: httpx2.AsyncClient, name: str = "Ada", **fields: Any) -> str:
    identifier: str = (await made(client, "/v1/moderators", {"name": name, **fields}))["id"]
    return identifier


def rotation(*moderators: str, **fields: Any) -> dict[str, Any]:
    return {"name": "Nights", "moderators": list(moderators), "starts_on": "2026-11-16", **fields}


async def test_a_moderator_is_added_read_changed_and_deleted(admin: httpx2.AsyncClient) -> None:
    destination = (await made(admin, "/v1/destinations", HOOK))["id"]
    ada = await made(
        admin,
        "/v1/moderators",
        {"name": "Ada", "destinations": [destination, destination], "time_zone": "Europe/Berlin"},
    )
    assert ada == {
        "id": ada["id"], "name": "Ada", "destinations": [destination], "no_quotes": False,
        "time_zone": "Europe/Berlin", "heavy_item_count": 0,
    }  # fmt: skip
    place = f"/v1/moderators/{ada['id']}"
    assert (await admin.get(place)).json() == ada
    changed = (await admin.put(place, json={"name": "Ada L.", "no_quotes": True})).json()
    assert changed == {**ada, "name": "Ada L.", "no_quotes": True, "destinations": [], "time_zone": None}
    assert (await admin.get("/v1/moderators")).json()["items"] == [changed]
    assert (await admin.delete(place)).status_code == 204
    assert_problem(await admin.get(place), 404)
    done = await audited(admin)
    assert {(f"moderator.{one}", ada["id"]) for one in ("created", "changed", "deleted")} <= set(done)


async def test_only_admins_see_how_much_that_is_hard_to_read_somebody_was_sent(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    ada = await moderator(admin)
    async with api.service.store.transaction() as transaction:
        await transaction.add_heavy_items(harbor.id, [ada], api.clock.now())
    assert (await admin.get(f"/v1/moderators/{ada}")).json()["heavy_item_count"] == 1
    reader = await api.member(harbor, Scope.READ, Scope.WRITE)
    assert (await reader.get(f"/v1/moderators/{ada}")).json()["heavy_item_count"] is None
    assert (await reader.get("/v1/moderators")).json()["items"][0]["heavy_item_count"] is None
    api.forward(days=7)
    assert (await admin.get(f"/v1/moderators/{ada}")).json()["heavy_item_count"] == 0
    assert await api.service.store.prune(api.clock.now()) == 1


async def test_the_rotation_says_who_is_on_call(admin: httpx2.AsyncClient) -> None:
    ada, ben = await moderator(admin), await moderator(admin, "Ben")
    nights = await made(admin, "/v1/rotations", rotation(ada, ben, time_zone="Europe/Berlin"))
    assert nights == {
        "id": nights["id"], "name": "Nights", "moderators": [ada, ben], "starts_on": "2026-11-16",
        "handover_at": "09:00", "time_zone": "Europe/Berlin", "shift_days": 7, "minimum_severity": "high",
        "critical_minutes": 15, "other_minutes": 60, "overrides": [],
    }  # fmt: skip
    place = f"/v1/rotations/{nights['id']}"
    assert (await admin.get(place)).json() == nights
    assert (await admin.get("/v1/rotations")).json()["items"] == [nights]
    assert (await admin.get(f"{place}/on-call")).json() == {
        "at": "2026-11-20T10:00:00Z", "moderator": ada, "order": [ada, ben], "shift_ends_at": "2026-11-23T08:00:00Z",
    }  # fmt: skip
    later = await admin.get(f"{place}/on-call", params={"at": "2026-11-23T08:00:00Z"})
    assert later.json()["moderator"] == ben


async def test_the_rotation_is_changed_and_keeps_its_overrides(admin: httpx2.AsyncClient) -> None:
    ada, ben = await moderator(admin), await moderator(admin, "Ben")
    place = f"/v1/rotations/{(await made(admin, '/v1/rotations', rotation(ada, ben)))['id']}"
    absence = {"moderator": ada, "from_at": "2026-11-20T00:00:00Z", "until_at": "2026-11-21T00:00:00Z"}
    with_absence = await made(admin, f"{place}/overrides", absence)
    (override,) = with_absence["overrides"]
    assert override == {**absence, "id": override["id"], "substitute": None}
    assert (await admin.get(f"{place}/on-call")).json()["order"] == [ben]
    changed = (await admin.put(place, json=rotation(ben, ada, shift_days=1))).json()
    assert (changed["moderators"], changed["shift_days"], changed["overrides"]) == ([ben, ada], 1, [override])
    assert (await admin.delete(f"{place}/overrides/{override['id']}")).status_code == 204
    assert_problem(await admin.delete(f"{place}/overrides/{override['id']}"), 404)
    assert (await admin.get(place)).json()["overrides"] == []
    assert (await admin.delete(place)).status_code == 204
    assert (await admin.get("/v1/rotations")).json()["items"] == []


async def test_an_absence_is_forgotten_once_it_is_over(api: Api, admin: httpx2.AsyncClient) -> None:
    ada, ben = await moderator(admin), await moderator(admin, "Ben")
    place = f"/v1/rotations/{(await made(admin, '/v1/rotations', rotation(ada, ben)))['id']}"
    swap = {"moderator": ada, "from_at": "2026-11-20T00:00:00Z", "until_at": "2026-11-21T00:00:00Z", "substitute": ben}
    await made(admin, f"{place}/overrides", swap)
    await api.service.store.prune(api.clock.now())
    assert len((await admin.get(place)).json()["overrides"]) == 1
    api.forward(hours=14)
    await api.service.store.prune(api.clock.now())
    assert (await admin.get(place)).json()["overrides"] == []


async def test_a_community_has_one_rotation(admin: httpx2.AsyncClient) -> None:
    ada = await moderator(admin)
    await made(admin, "/v1/rotations", rotation(ada))
    problem = assert_problem(await admin.post("/v1/rotations", json=rotation(ada)), 409)
    assert problem["detail"] == "this community has a rotation: change it, or delete it first"


async def test_who_is_in_the_rotation_is_taken_out_of_it_before_they_are_deleted(admin: httpx2.AsyncClient) -> None:
    ada, ben = await moderator(admin), await moderator(admin, "Ben")
    nights = await made(admin, "/v1/rotations", rotation(ada, ben))
    problem = assert_problem(await admin.delete(f"/v1/moderators/{ada}"), 409)
    assert problem["detail"] == "this moderator is in the rotation: take them out of it first"
    await admin.put(f"/v1/rotations/{nights['id']}", json=rotation(ben))
    assert (await admin.delete(f"/v1/moderators/{ada}")).status_code == 204


@pytest.mark.parametrize(
    "fields",
    [
        {"moderators": []},
        {"moderators": ["mod_1", "mod_1"]},
        {"starts_on": "2026-02-30"},
        {"starts_on": "9999-12-31"},
        {"handover_at": "24:00"},
        {"time_zone": "Middle/Earth"},
        {"time_zone": "../etc/passwd"},
        {"shift_days": 0},
        {"critical_minutes": 0},
        {"minimum_severity": "grave"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_rotation_that_cannot_be_is_refused(admin: httpx2.AsyncClient, fields: dict[str, Any]) -> None:
    ada = await moderator(admin)
    assert_problem(await admin.post("/v1/rotations", json=rotation(ada) | fields), 422)
    assert (await admin.get("/v1/rotations")).json()["items"] == []


@pytest.mark.parametrize(
    "fields",
    [{"until_at": "2026-11-20T00:00:00Z"}, {"from_at": "1999-12-31T00:00:00Z"}, {"from_at": "2026-11-20T00:00:00"}],
    ids=str,
)
async def test_an_absence_that_cannot_be_is_refused(admin: httpx2.AsyncClient, fields: dict[str, Any]) -> None:
    ada = await moderator(admin)
    place = f"/v1/rotations/{(await made(admin, '/v1/rotations', rotation(ada)))['id']}/overrides"
    absence = {"moderator": ada, "from_at": "2026-11-20T00:00:00Z", "until_at": "2026-11-21T00:00:00Z"} | fields
    assert_problem(await admin.post(place, json=absence), 422)
    himself = {**absence, "until_at": "2026-12-20T00:00:00Z", "from_at": "2026-11-20T00:00:00Z", "substitute": ada}
    assert_problem(await admin.post(place, json=himself), 422)


async def test_what_is_named_must_be_of_the_community(admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient) -> None:
    theirs, hook = await moderator(stranger, "Eve"), (await made(stranger, "/v1/destinations", HOOK))["id"]
    place = f"/v1/rotations/{(await made(admin, '/v1/rotations', rotation(await moderator(admin))))['id']}"
    absence = {"moderator": theirs, "from_at": "2026-11-20T00:00:00Z", "until_at": "2026-11-21T00:00:00Z"}
    for method, path, sent in (
        ("POST", "/v1/moderators", {"name": "Ada", "destinations": [hook]}),
        ("PUT", place, rotation(theirs)),
        ("POST", f"{place}/overrides", absence),
        ("PUT", f"/v1/moderators/{theirs}", {"name": "Eve"}),
        ("GET", f"/v1/moderators/{theirs}", None),
        ("DELETE", f"/v1/moderators/{theirs}", None),
    ):
        assert_problem(await admin.request(method, path, json=sent), 404)
    for method, path in (("GET", place), ("GET", f"{place}/on-call"), ("DELETE", place)):
        assert_problem(await stranger.request(method, path), 404)


async def test_reading_is_for_readers_and_changing_for_writers(api: Api, harbor: Community) -> None:
    reader = await api.member(harbor, Scope.READ)
    assert (await reader.get("/v1/moderators")).status_code == 200
    assert (await reader.get("/v1/rotations")).status_code == 200
    assert_problem(await reader.post("/v1/moderators", json={"name": "Ada"}), 403)
    assert_problem(await reader.post("/v1/rotations", json=rotation("mod_1")), 403)
    assert_problem(await reader.put("/v1/moderators/mod_1", json={"name": "Ada"}), 403)


async def test_names_and_zones_are_sealed(api: Api, admin: httpx2.AsyncClient) -> None:
    await moderator(admin, "Zqxmoderator", time_zone="Africa/Ouagadougou")
    await made(admin, "/v1/rotations", {**rotation(await moderator(admin)), "name": "Zqxrotation"})
    directory = api.service.parts.settings.data_directory
    written = b"".join(path.read_bytes() for path in directory.glob("leakwatch.sqlite3*"))
    assert b"mod_" in written
    for secret in (b"Zqxmoderator", b"Zqxrotation", b"Ouagadougou"):
        assert secret not in written
