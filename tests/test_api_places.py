"""Sources, destinations and deliveries over the API."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from core.types import BlindInterval, Community, DestinationHealth, Scope, SourceHealth, SourceState
from tests.api_service import Api, assert_problem, audited
from tests.store_fixtures import delivery_failed

pytest_plugins = ["tests.api_fixtures"]

FEED = {"kind": "feed", "name": "Town forum", "settings": {"url": "https://forum.example/feed"}, "interval_seconds": 60}
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
WEBHOOK = {
    "kind": "webhook",
    "name": "Moderators",
    "settings": {"url": "https://hooks.example/in", "secret": SECRET},
    "minimum_severity": "low",
}


async def test_a_source_is_added_switched_and_deleted(api: Api, admin: httpx2.AsyncClient) -> None:
    made = await admin.post("/v1/sources", json=FEED)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["state"], shown["due_at"], shown["setting_names"]) == ("new", "2026-11-20T10:00:00Z", ["url"])
    assert (shown["interval_seconds"], shown["maximum_interval_seconds"], shown["lag_seconds"]) == (60, 240, 0)
    assert await api.service.store.next_source_due_at() == api.clock.now()
    path = f"/v1/sources/{shown['id']}"
    assert (await admin.post(f"{path}/disable")).json()["state"] == "disabled"
    assert await api.service.store.next_source_due_at() is None
    assert (await admin.post(f"{path}/enable")).json()["state"] != "disabled"
    assert (await admin.get("/v1/sources")).json()["items"][0]["id"] == shown["id"]
    for answer in (made, await admin.get(path), await admin.get("/v1/sources")):
        assert "forum.example" not in answer.text
    assert (await admin.delete(path)).status_code == 204
    assert_problem(await admin.get(path), 404)
    done = ("source.created", "source.disabled", "source.enabled", "source.deleted")
    assert await audited(admin) == dict.fromkeys(((action, shown["id"]) for action in done), 1)


GIST = {"kind": "gist", "name": "Gists", "settings": {"token": "ghp_k3pt", "url": "https://gists.example"}}


async def test_a_source_is_changed_and_goes_on_from_where_it_was(api: Api, admin: httpx2.AsyncClient) -> None:
    boards = {"kind": "fourchan", "name": "Boards", "settings": {"boards": ["x"]}, "maximum_interval_seconds": 900}
    made = (await admin.post("/v1/sources", json=boards)).json()
    store, path = api.service.store, f"/v1/sources/{made['id']}"
    lease = await store.take_due_source(api.clock.now(), timedelta(minutes=5))
    assert lease is not None
    read_at = api.clock.now()
    polled = replace(
        lease.source, cursor={"next": 0}, state=SourceState.FAILING, failure_count=3, last_success_at=read_at,
        due_at=read_at + timedelta(hours=6), health=SourceHealth(failing_since=read_at, was_told=True),
    )  # fmt: skip
    async with store.transaction() as transaction:
        await transaction.finish_poll(lease, polled)
    changes = {"settings": {"boards": ["x", "y"]}, "name": "More boards", "maximum_interval_seconds": None}
    answer = await admin.patch(path, json=changes)
    assert answer.status_code == 200, answer.text
    shown, changed = answer.json(), await store.source(lease.source.community_id, made["id"])
    assert (shown["name"], shown["state"], shown["due_at"]) == ("More boards", "new", "2026-11-20T10:00:00Z")
    assert (shown["interval_seconds"], shown["maximum_interval_seconds"]) == (300, 1200)
    assert (changed.settings, changed.cursor) == ({"boards": ["x", "y"]}, {"next": 0})
    assert (changed.failure_count, changed.last_success_at) == (0, read_at)
    assert changed.health.was_told  # so that its recovery is told
    assert (await audited(admin))[("source.changed", made["id"])] == 1


async def test_credentials_stay_with_the_place_that_they_were_given_for(api: Api, admin: httpx2.AsyncClient) -> None:
    made = (await admin.post("/v1/sources", json=GIST)).json()
    store, path = api.service.store, f"/v1/sources/{made['id']}"
    lease = await store.take_due_source(api.clock.now(), timedelta(minutes=5))
    assert lease is not None
    async with store.transaction() as transaction:
        await transaction.finish_poll(lease, replace(lease.source, cursor={"page": 3}))
    community_id = lease.source.community_id
    assert (await admin.patch(path, json={"interval_seconds": 900})).json()["interval_seconds"] == 900
    kept = await store.source(community_id, made["id"])
    assert (kept.settings, kept.cursor) == (GIST["settings"], {"page": 3})

    for elsewhere in ("https://thief.example", None):
        refused = await admin.patch(path, json={"settings": {"url": elsewhere}})
        assert_problem(refused, 422, without=["ghp_k3pt"])
        assert "give token again" in refused.text
    moved = {"settings": {"url": "https://other.example", "token": "ghp_n3w"}}
    assert (await admin.patch(path, json=moved)).status_code == 200
    changed = await store.source(community_id, made["id"])
    assert (changed.settings, changed.cursor) == (moved["settings"], None)


@pytest.mark.parametrize(
    "changes",
    [{"settings": {"urk": "https://a.example"}}, {"interval_seconds": 0}, {"kind": "files"}, {"name": None},
     {"maximum_interval_seconds": 30}],
)  # fmt: skip
async def test_a_change_that_does_not_fit_leaves_the_source_as_it_was(
    admin: httpx2.AsyncClient, changes: dict[str, object]
) -> None:
    made = (await admin.post("/v1/sources", json=FEED)).json()
    path = f"/v1/sources/{made['id']}"
    assert_problem(await admin.patch(path, json=changes), 422)
    assert (await admin.get(path)).json() == made


async def test_how_a_source_fares_is_shown(api: Api, admin: httpx2.AsyncClient) -> None:
    made = (await admin.post("/v1/sources", json=FEED)).json()
    begun = api.clock.now()
    lease = await api.service.store.take_due_source(begun, timedelta(minutes=5))
    assert lease is not None
    blind = BlindInterval(from_at=begun - timedelta(hours=3), until_at=begun, reason="it was not read")
    health = SourceHealth(
        interval_seconds=75.0,
        failing_since=begun,
        last_new_at=begun - timedelta(hours=3),
        usual_silence_seconds=1800.4,
        newest_published_at=begun - timedelta(hours=4),
        quota_left=17,
        blind_intervals=(blind,),
    )
    async with api.service.store.transaction() as transaction:
        await transaction.finish_poll(lease, replace(lease.source, health=health))
    api.clock.at += timedelta(seconds=90)
    shown = (await admin.get(f"/v1/sources/{made['id']}")).json()
    expected = {
        "present_interval_seconds": 75,
        "lag_seconds": 90,
        "failing_since": "2026-11-20T10:00:00Z",
        "last_new_at": "2026-11-20T07:00:00Z",
        "usual_silence_seconds": 1800,
        "newest_published_at": "2026-11-20T06:00:00Z",
        "quota_left": 17,
        "blind_intervals": [
            {"from_at": "2026-11-20T07:00:00Z", "until_at": "2026-11-20T10:00:00Z", "reason": "it was not read"}
        ],
    }
    assert {name: shown[name] for name in expected} == expected
    assert (await admin.get("/v1/sources")).json()["items"] == [shown]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "telepathy"},
        {"settings": {}},
        {"settings": {"url": 7112}},
        {"settings": {"url": "https://forum.example/feed", "SECRET": 1}},
        {"interval_seconds": 0},
        {"interval_seconds": 10**12},
        {"maximum_interval_seconds": 59},
    ],
)
async def test_a_source_with_wrong_settings_is_refused(admin: httpx2.AsyncClient, changes: dict[str, object]) -> None:
    assert_problem(await admin.post("/v1/sources", json={**FEED, **changes}), 422, without=["7112"])
    assert (await admin.get("/v1/sources")).json()["items"] == []


async def test_a_shared_source_is_in_the_hands_of_operators_alone(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    operator = await api.member(harbor, Scope.ADMIN, Scope.OPERATE)
    assert_problem(await admin.post("/v1/sources", json={**FEED, "shared": True}), 403)
    made = await operator.post("/v1/sources", json={**FEED, "shared": True})
    assert made.json()["shared"]
    path = f"/v1/sources/{made.json()['id']}"
    assert (await admin.get(path)).status_code == 200
    assert_problem(await admin.post(f"{path}/disable"), 403)
    assert_problem(await admin.patch(path, json={"interval_seconds": 900}), 403)
    own = (await admin.post("/v1/sources", json=FEED)).json()
    assert_problem(await admin.patch(f"/v1/sources/{own['id']}", json={"shared": True}), 403)
    assert (await operator.patch(path, json={"interval_seconds": 900})).json()["interval_seconds"] == 900
    assert_problem(await admin.delete(path), 403)
    assert (await operator.delete(path)).status_code == 204


async def test_files_of_the_server_are_read_for_operators_alone(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, tmp_path: Path
) -> None:
    files = {"kind": "files", "name": "inbox", "settings": {"path": str(tmp_path)}}
    assert_problem(await admin.post("/v1/sources", json=files), 403, without=[str(tmp_path)])
    operator = await api.member(harbor, Scope.WRITE, Scope.OPERATE)
    made = await operator.post("/v1/sources", json=files)
    assert made.status_code == 201
    path = f"/v1/sources/{made.json()['id']}"
    assert_problem(await admin.patch(path, json={"settings": {"pattern": "*"}}), 403)
    assert (await operator.patch(path, json={"settings": {"pattern": "*"}})).status_code == 200


async def test_a_destination_is_added_switched_and_deleted(admin: httpx2.AsyncClient) -> None:
    made = await admin.post("/v1/destinations", json=WEBHOOK)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["detail"], shown["enabled"], shown["setting_names"]) == ("redacted", True, ["secret", "url"])
    path = f"/v1/destinations/{shown['id']}"
    assert not (await admin.post(f"{path}/disable")).json()["enabled"]
    assert (await admin.post(f"{path}/enable")).json()["enabled"]
    for answer in (made, await admin.get(path), await admin.get("/v1/destinations")):
        assert SECRET not in answer.text
        assert "hooks.example" not in answer.text
    assert (await admin.delete(path)).status_code == 204
    assert_problem(await admin.get(path), 404)


async def test_a_destination_with_wrong_settings_is_refused(admin: httpx2.AsyncClient) -> None:
    wrong_secret = {"url": "https://x.example", "secret": "S3CRET"}
    wrong: list[dict[str, object]] = [{"kind": "pigeon"}, {"settings": {}}, {"settings": wrong_secret}]
    for changes in wrong:
        assert_problem(await admin.post("/v1/destinations", json={**WEBHOOK, **changes}), 422, without=["S3CRET"])


async def test_a_destination_that_is_told_protected_names_needs_the_right_to_reveal(
    api: Api, harbor: Community
) -> None:
    writer = await api.member(harbor, Scope.READ, Scope.WRITE)
    revealer = await api.member(harbor, Scope.READ, Scope.WRITE, Scope.REVEAL)
    full = {**WEBHOOK, "detail": "full"}
    assert_problem(await writer.post("/v1/destinations", json=full), 403)
    made = await revealer.post("/v1/destinations", json=full)
    assert made.json()["detail"] == "full"
    path = f"/v1/destinations/{made.json()['id']}"
    assert (await writer.post(f"{path}/disable")).status_code == 200
    assert_problem(await writer.post(f"{path}/enable"), 403)


async def test_a_webhooks_secret_is_changed_and_what_waits_is_signed_by_both(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    made = (await admin.post("/v1/destinations", json=WEBHOOK)).json()
    path = f"/v1/destinations/{made['id']}"
    schedule = {"period": "daily", "hour": 8, "time_zone": "UTC"}
    await admin.put(f"{path}/digest", json=schedule)
    await api.alert(harbor, watchlist)
    newer = "whsec_" + base64.b64encode(b"n" * 24).decode()
    settings = {"url": "https://hooks.example/in", "secret": newer, "previous_secret": SECRET}
    changed = await admin.put(path, json={**WEBHOOK, "name": "Mods", "minimum_severity": "low", "settings": settings})
    assert changed.status_code == 200, changed.text
    assert newer not in changed.text
    shown = changed.json()
    assert shown == (await admin.get(path)).json()
    assert (shown["id"], shown["name"], shown["minimum_severity"]) == (made["id"], "Mods", "low")
    assert shown["setting_names"] == ["previous_secret", "secret", "url"]
    assert shown["digest"]["hour"] == 8
    lease = await api.service.store.take_due_delivery(api.clock.now(), timedelta(minutes=1))
    assert lease is not None
    assert (lease.delivery.sequence, lease.destination.settings) == (1, settings)
    assert (await audited(admin))["destination.changed", made["id"]] == 1


async def test_a_destination_that_is_switched_off_stays_so_when_it_is_changed(admin: httpx2.AsyncClient) -> None:
    made = (await admin.post("/v1/destinations", json=WEBHOOK)).json()
    path = f"/v1/destinations/{made['id']}"
    await admin.post(f"{path}/disable")
    assert not (await admin.put(path, json={**WEBHOOK, "name": "Mods"})).json()["enabled"]
    assert_problem(await admin.put(path, json={**WEBHOOK, "settings": {"secret": "S3CRET"}}), 422, without=["S3CRET"])


async def test_only_who_may_reveal_has_a_destination_told_protected_names(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    path = f"/v1/destinations/{(await admin.post('/v1/destinations', json=WEBHOOK)).json()['id']}"
    writer = await api.member(harbor, Scope.READ, Scope.WRITE)
    revealer = await api.member(harbor, Scope.READ, Scope.WRITE, Scope.REVEAL)
    assert_problem(await writer.put(path, json={**WEBHOOK, "detail": "full"}), 403)
    assert (await revealer.put(path, json={**WEBHOOK, "detail": "full"})).json()["detail"] == "full"


async def test_a_dead_delivery_is_replayed(api: Api, harbor: Community, admin: httpx2.AsyncClient) -> None:
    watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    destination = (await admin.post("/v1/destinations", json=WEBHOOK)).json()["id"]
    alert = await api.alert(harbor, watchlist)
    (delivery,) = (await admin.get(f"/v1/deliveries?destination={destination}")).json()["items"]
    assert (delivery["incident_id"], delivery["state"], delivery["sequence"]) == (alert.incident_id, "pending", 1)
    path = f"/v1/deliveries/{delivery['id']}/replay"
    assert_problem(await admin.post(path), 409)

    store = api.service.store
    lease = await store.take_due_delivery(api.clock.now(), timedelta(minutes=1))
    assert lease is not None
    await delivery_failed(
        store, lease, error="the receiver answered with status 400", next_attempt_at=None, at=api.clock.now()
    )
    (tried,) = (await admin.get(f"/v1/deliveries/{delivery['id']}/attempts")).json()["items"]
    assert (tried["number"], tried["outcome"], tried["duration_seconds"]) == (1, "refused", 0.25)
    (dead,) = (await admin.get("/v1/deliveries?state=dead")).json()["items"]
    assert (await admin.get(f"/v1/deliveries/{delivery['id']}")).json() == dead
    assert dead["last_error"] == "the receiver answered with status 400"
    replayed = (await admin.post(path)).json()
    assert (replayed["state"], replayed["idempotency_key"]) == ("pending", delivery["idempotency_key"])
    assert (await admin.get("/v1/deliveries?state=dead")).json()["items"] == []
    assert (await audited(admin))["delivery.replayed", delivery["id"]] == 1


async def test_how_a_destination_fares_is_shown(api: Api, harbor: Community, admin: httpx2.AsyncClient) -> None:
    made = (await admin.post("/v1/destinations", json=WEBHOOK)).json()
    assert made["failing_since"] is made["disabled_because"] is made["retry_at"] is made["last_error"] is None
    path = f"/v1/destinations/{made['id']}"
    async with api.service.store.transaction() as transaction:
        destination = await transaction.destination(harbor.id, made["id"])
        health = DestinationHealth(failing_since=api.clock.now(), last_error="gone", disabled_because="it is gone")
        disabled = replace(destination, enabled=False, health=health)
        await transaction.save_destination_health(disabled, api.clock.now())
    shown = (await admin.get(path)).json()
    assert (shown["enabled"], shown["disabled_because"], shown["last_error"]) == (False, "it is gone", "gone")
    assert shown["failing_since"] is not None
    enabled = (await admin.post(f"{path}/enable")).json()
    assert enabled == made


async def test_what_is_watched_read_or_sent_wakes_those_who_work_on_it(api: Api, harbor: Community) -> None:
    changes: list[str] = []
    services = replace(api.service.app.state.services, changed=lambda: changes.append("changed"))
    token = (await api.member(harbor, Scope.ADMIN)).headers["authorization"]
    transport = httpx2.ASGITransport(create_app(services))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://leakwatch.example", headers={"Authorization": token}
    ) as client:
        await client.get("/v1/sources")
        assert changes == []
        for path, body in (("sources", FEED), ("destinations", WEBHOOK), ("watchlists", {"name": "Members"})):
            made = await client.post(f"/v1/{path}", json=body)
            assert changes == ["changed"], path
            changes.clear()
            await client.delete(f"/v1/{path}/{made.json()['id']}")
            assert changes == ["changed"], path
            changes.clear()
