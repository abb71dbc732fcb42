"""Keys, scopes, and the walls between communities."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx2
import pytest

from api.auth import new_token
from core.types import Community, Scope
from tests.api_service import Api, assert_problem, audited

pytest_plugins = ["tests.api_fixtures"]

PSEUDONYM = {"kind": "pseudonym", "value": "night_heron"}
FEED = {"kind": "feed", "name": "Town forum", "settings": {"url": "https://forum.example/feed"}}
WEBHOOK = {
    "kind": "webhook",
    "name": "moderators",
    "settings": {
        "url": "https://hooks.example/in",
        "secret": "whsec_" + base64.b64encode(b"k" * 24).decode(),
    },
}

NIGHTS = {"name": "Nights", "moderators": ["mod_x"], "starts_on": "2026-11-16"}
ABSENCE = {"moderator": "mod_x", "from_at": "2026-12-24T00:00:00Z", "until_at": "2026-12-27T00:00:00Z"}
NIGHT = {"from_time": "22:00", "until_time": "07:00", "time_zone": "Europe/Berlin"}


def test_a_token_has_32_random_bytes_and_only_its_digest_is_kept() -> None:
    token, digest = new_token()
    assert token.startswith("lw_")
    assert len(base64.urlsafe_b64decode(token.removeprefix("lw_") + "=")) == 32
    assert digest == hashlib.sha256(token.encode()).digest()
    assert new_token()[0] != token


@pytest.mark.parametrize("authorization", [None, "", "lw_x", "Bearer", "Bearer lw_wrong", "Basic bHc6bHc=", "Bearer é"])
async def test_without_a_valid_key_everything_but_health_and_description_is_closed(
    api: Api, authorization: str | None
) -> None:
    client = await api.client()
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    for path in ("/v1/alerts", "/v1/nothing", "/nothing", "/metrics"):
        answer = await client.get(path, headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert (await client.get(path, headers=headers)).status_code == 200


async def test_the_scheme_of_the_key_may_be_written_in_any_case(api: Api, harbor: Community) -> None:
    client = await api.member(harbor, Scope.READ)
    client.headers["Authorization"] = client.headers["Authorization"].replace("Bearer", "bearer")
    assert (await client.get("/v1/alerts")).status_code == 200


SCOPES: list[tuple[str, str, Any, Scope]] = [
    ("GET", "/v1/communities", None, Scope.READ),
    ("POST", "/v1/communities", {"name": "New Moor"}, Scope.OPERATE),
    ("GET", "/v1/keys", None, Scope.ADMIN),
    ("POST", "/v1/keys", {"name": "reader", "scopes": ["read"]}, Scope.ADMIN),
    ("DELETE", "/v1/keys/key_x", None, Scope.ADMIN),
    ("GET", "/v1/watchlists", None, Scope.READ),
    ("POST", "/v1/watchlists", {"name": "Members"}, Scope.WRITE),
    ("GET", "/v1/watchlists/wl_x", None, Scope.READ),
    ("DELETE", "/v1/watchlists/wl_x", None, Scope.WRITE),
    ("GET", "/v1/terms", None, Scope.READ),
    ("POST", "/v1/terms", {"watchlist_id": "wl_x", **PSEUDONYM}, Scope.WRITE),
    ("GET", "/v1/terms/trm_x", None, Scope.READ),
    ("DELETE", "/v1/terms/trm_x", None, Scope.WRITE),
    ("POST", "/v1/preview", {"term": PSEUDONYM, "text": "night_heron"}, Scope.WRITE),
    ("GET", "/v1/sources", None, Scope.READ),
    ("POST", "/v1/sources", FEED, Scope.WRITE),
    ("GET", "/v1/sources/src_x", None, Scope.READ),
    ("PATCH", "/v1/sources/src_x", {"name": "forum"}, Scope.WRITE),
    ("POST", "/v1/sources/src_x/enable", None, Scope.WRITE),
    ("POST", "/v1/sources/src_x/disable", None, Scope.WRITE),
    ("DELETE", "/v1/sources/src_x", None, Scope.WRITE),
    ("POST", "/v1/documents", {"text": "nothing"}, Scope.INGEST),
    ("GET", "/v1/alerts", None, Scope.READ),
    ("GET", "/v1/alerts/alr_x", None, Scope.READ),
    ("GET", "/v1/incidents", None, Scope.READ),
    ("GET", "/v1/incidents/inc_x", None, Scope.READ),
    ("GET", "/v1/incidents/inc_x/sightings", None, Scope.READ),
    ("POST", "/v1/incidents/inc_x/sightings/sgt_x/removed", None, Scope.WRITE),
    ("POST", "/v1/incidents/inc_x/acknowledge", {}, Scope.WRITE),
    ("POST", "/v1/incidents/inc_x/resolve", {}, Scope.WRITE),
    ("POST", "/v1/incidents/inc_x/dismiss", {"reason": "none"}, Scope.WRITE),
    ("POST", "/v1/incidents/inc_x/snooze", {"new_site": True}, Scope.WRITE),
    ("POST", "/v1/incidents/inc_x/unsnooze", None, Scope.WRITE),
    ("GET", "/v1/destinations", None, Scope.READ),
    ("POST", "/v1/destinations", WEBHOOK, Scope.WRITE),
    ("GET", "/v1/destinations/dst_x", None, Scope.READ),
    ("PUT", "/v1/destinations/dst_x", WEBHOOK, Scope.WRITE),
    ("POST", "/v1/destinations/dst_x/enable", None, Scope.WRITE),
    ("POST", "/v1/destinations/dst_x/disable", None, Scope.WRITE),
    ("POST", "/v1/destinations/dst_x/test", None, Scope.WRITE),
    ("DELETE", "/v1/destinations/dst_x", None, Scope.WRITE),
    ("GET", "/v1/moderators", None, Scope.READ),
    ("POST", "/v1/moderators", {"name": "Ada"}, Scope.WRITE),
    ("GET", "/v1/moderators/mod_x", None, Scope.READ),
    ("PUT", "/v1/moderators/mod_x", {"name": "Ada"}, Scope.WRITE),
    ("DELETE", "/v1/moderators/mod_x", None, Scope.WRITE),
    ("GET", "/v1/rotations", None, Scope.READ),
    ("POST", "/v1/rotations", NIGHTS, Scope.WRITE),
    ("GET", "/v1/rotations/rot_x", None, Scope.READ),
    ("PUT", "/v1/rotations/rot_x", NIGHTS, Scope.WRITE),
    ("DELETE", "/v1/rotations/rot_x", None, Scope.WRITE),
    ("GET", "/v1/rotations/rot_x/on-call", None, Scope.READ),
    ("POST", "/v1/rotations/rot_x/overrides", ABSENCE, Scope.WRITE),
    ("DELETE", "/v1/rotations/rot_x/overrides/ovr_x", None, Scope.WRITE),
    ("GET", "/v1/routes", None, Scope.READ),
    ("POST", "/v1/routes", {"name": "all"}, Scope.WRITE),
    ("POST", "/v1/routes/preview", {"incident_id": "inc_x"}, Scope.READ),
    ("GET", "/v1/routes/rte_x", None, Scope.READ),
    ("PUT", "/v1/routes/rte_x", {"name": "all"}, Scope.WRITE),
    ("DELETE", "/v1/routes/rte_x", None, Scope.WRITE),
    ("GET", "/v1/quiet-hours", None, Scope.READ),
    ("POST", "/v1/quiet-hours", {"destination_id": "dst_x", **NIGHT}, Scope.WRITE),
    ("DELETE", "/v1/quiet-hours/qth_x", None, Scope.WRITE),
    ("GET", "/v1/maintenance", None, Scope.READ),
    ("POST", "/v1/maintenance", {"until_at": "2026-11-21T00:00:00Z", "reason": "it moves"}, Scope.WRITE),
    ("DELETE", "/v1/maintenance/mnt_x", None, Scope.WRITE),
    ("PUT", "/v1/destinations/dst_x/digest", {"period": "daily"}, Scope.WRITE),
    ("GET", "/v1/destinations/dst_x/digest", None, Scope.READ),
    ("DELETE", "/v1/destinations/dst_x/digest", None, Scope.WRITE),
    ("POST", "/v1/sources/src_x/canaries", {"destination_id": "dst_x"}, Scope.WRITE),
    ("POST", "/v1/canaries", {"destination_id": "dst_x"}, Scope.WRITE),
    ("GET", "/v1/canaries", None, Scope.READ),
    ("GET", "/v1/canaries/cny_x", None, Scope.READ),
    ("GET", "/v1/deliveries", None, Scope.READ),
    ("GET", "/v1/deliveries/dlv_x", None, Scope.READ),
    ("GET", "/v1/deliveries/dlv_x/attempts", None, Scope.READ),
    ("POST", "/v1/deliveries/dlv_x/replay", None, Scope.WRITE),
    ("GET", "/v1/audit", None, Scope.ADMIN),
    ("GET", "/metrics", None, Scope.READ),
]


async def test_every_operation_needs_the_scope_that_its_description_names(api: Api, harbor: Community) -> None:
    described = (await (await api.client()).get("/openapi.json")).json()["paths"]
    for method, path, body, scope in SCOPES:
        lacking = await api.member(harbor, *(set(Scope) - {scope, Scope.ADMIN}))
        assert_problem(await lacking.request(method, path, json=body), 403)
        having = await api.member(harbor, scope)
        answer = await having.request(method, path, json=body)
        assert answer.status_code in ({200, 201} if "_x" not in f"{path}{body}" else {404}), (path, answer.text)
        template = path.replace("key_x", "{key_id}").replace("wl_x", "{watchlist_id}").replace("trm_x", "{term_id}")
        template = template.replace("src_x", "{source_id}").replace("alr_x", "{alert_id}")
        template = template.replace("inc_x", "{incident_id}").replace("dst_x", "{destination_id}")
        template = template.replace("dlv_x", "{delivery_id}").replace("sgt_x", "{sighting_id}")
        template = template.replace("rte_x", "{route_id}").replace("qth_x", "{hours_id}")
        template = template.replace("mnt_x", "{window_id}").replace("mod_x", "{moderator_id}")
        template = template.replace("rot_x", "{rotation_id}").replace("ovr_x", "{override_id}")
        template = template.replace("cny_x", "{canary_id}")
        assert described[template][method.lower()]["security"] == [{"key": [scope.value]}]
    operations = {(method, path) for path, methods in described.items() for method in methods}
    # Two are open, and a feed is asked for by its address (test_api_feeds.py).
    assert len(operations) == len(SCOPES) + 3, "an operation is missing in this table"


async def test_an_admin_may_everything_in_the_community_but_not_operate(admin: httpx2.AsyncClient) -> None:
    for method, path, body, scope in SCOPES:
        if scope is not Scope.OPERATE and path != "/v1/keys/key_x":
            assert (await admin.request(method, path, json=body)).status_code not in {401, 403}
    assert_problem(await admin.post("/v1/communities", json={"name": "New Moor"}), 403)


async def test_a_key_is_made_shown_once_listed_and_revoked(api: Api, admin: httpx2.AsyncClient) -> None:
    made = await admin.post("/v1/keys", json={"name": "reader", "scopes": ["read"]})
    assert made.status_code == 201
    token = made.json()["token"]
    reader = await api.client(token)
    assert (await reader.get("/v1/alerts")).status_code == 200
    listed = await admin.get("/v1/keys")
    assert token not in listed.text
    assert made.json()["id"] in {key["id"] for key in listed.json()["items"]}
    assert (await admin.delete(f"/v1/keys/{made.json()['id']}")).status_code == 204
    assert_problem(await reader.get("/v1/alerts"), 401)
    key_id = made.json()["id"]
    assert await audited(admin) == {("key.created", key_id): 1, ("key.revoked", key_id): 1}


async def test_nobody_can_give_a_scope_that_they_lack(admin: httpx2.AsyncClient) -> None:
    assert_problem(await admin.post("/v1/keys", json={"name": "too much", "scopes": ["read", "operate"]}), 403)
    assert_problem(await admin.post("/v1/keys", json={"name": "nothing", "scopes": []}), 422)


async def test_a_new_community_starts_with_a_key_of_its_own(api: Api, stranger: httpx2.AsyncClient) -> None:
    made = await stranger.post("/v1/communities", json={"name": "New Moor", "context": ["r/newmoor"]})
    assert made.status_code == 201
    first = await api.client(made.json()["key"]["token"])
    mine = (await first.get("/v1/communities")).json()["items"]
    assert mine == [made.json()["community"]]
    assert mine[0]["context"] == ["r/newmoor"]
    assert (await first.post("/v1/keys", json={"name": "reader", "scopes": ["read"]})).status_code == 201


async def test_communities_see_nothing_of_each_other(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    term = (await admin.post("/v1/terms", json={"watchlist_id": watchlist, **PSEUDONYM})).json()["id"]
    source = (await admin.post("/v1/sources", json=FEED)).json()["id"]
    destination = (await admin.post("/v1/destinations", json=WEBHOOK)).json()["id"]
    key = (await admin.post("/v1/keys", json={"name": "reader", "scopes": ["read"]})).json()["id"]
    alert = await api.alert(harbor, watchlist)
    delivery = (await admin.get("/v1/deliveries")).json()["items"][0]["id"]

    for method, path, body in [
        ("GET", f"/v1/watchlists/{watchlist}", None),
        ("DELETE", f"/v1/watchlists/{watchlist}", None),
        ("POST", "/v1/terms", {"watchlist_id": watchlist, **PSEUDONYM}),
        ("GET", f"/v1/terms/{term}", None),
        ("GET", f"/v1/terms/{term}?reveal=true", None),
        ("DELETE", f"/v1/terms/{term}", None),
        ("GET", f"/v1/sources/{source}", None),
        ("POST", f"/v1/sources/{source}/disable", None),
        ("DELETE", f"/v1/sources/{source}", None),
        ("GET", f"/v1/destinations/{destination}", None),
        ("POST", f"/v1/destinations/{destination}/disable", None),
        ("DELETE", f"/v1/destinations/{destination}", None),
        ("POST", f"/v1/deliveries/{delivery}/replay", None),
        ("GET", f"/v1/alerts/{alert.id}", None),
        ("GET", f"/v1/alerts/{alert.id}?reveal=true", None),
        ("GET", f"/v1/incidents/{alert.incident_id}", None),
        ("GET", f"/v1/incidents/{alert.incident_id}/sightings", None),
        ("POST", f"/v1/incidents/{alert.incident_id}/acknowledge", {}),
        ("POST", f"/v1/incidents/{alert.incident_id}/resolve", {}),
        ("POST", f"/v1/incidents/{alert.incident_id}/dismiss", {"reason": "none"}),
        ("DELETE", f"/v1/keys/{key}", None),
    ]:
        assert_problem(await stranger.request(method, path, json=body), 404)
    for path in ("watchlists", "terms", "sources", "destinations", "deliveries", "alerts", "incidents"):
        assert (await stranger.get(f"/v1/{path}")).json()["items"] == [], path
        assert (await admin.get(f"/v1/{path}")).json()["items"], path
    assert await audited(admin)
    assert not await audited(stranger)
    assert key not in (await stranger.get("/v1/keys")).text
    assert harbor.name not in (await stranger.get("/v1/communities")).text
    assert_problem(await stranger.get(f"/v1/terms?watchlist={watchlist}"), 404)
    assert (await stranger.get(f"/v1/alerts?incident={alert.incident_id}")).json()["items"] == []
