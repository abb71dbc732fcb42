"""Who is told of an incident, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx2
import pytest

from alerting.incidents import decide, resolve
from alerting.routing import route_incident
from core.errors import Conflict, NotFound, UsageError
from core.ids import new_id
from core.ports import Listing
from core.settings import load_settings
from core.types import (
    AlertClass,
    Community,
    Destination,
    Document,
    Incident,
    Route,
    RoutingReason,
    Scope,
    Severity,
    Watchlist,
)
from monitor.commands.routes import Wanted, route_add, route_delete, route_explain, route_list
from monitor.wiring import open_store
from tests import store_fixtures
from tests.api_service import Api, assert_problem, audited
from tests.store_fixtures import NOON, add_community, audit, opened

pytest_plugins = ["tests.api_fixtures"]

AT_ONCE = {"held_because": None, "held_until": None}
INCIDENT = store_fixtures.incident("inc_1", "com_a")


def to(*destination_ids: str, **taken: object) -> Route:
    """Return a route of its own."""
    plain = Route(id=new_id("rte"), community_id="com_a", name="a route", destination_ids=destination_ids)
    return replace(plain, **taken)  # type: ignore[arg-type]


def told(
    incident: Incident, routes: Sequence[Route], *destinations: Destination, of: Sequence[str] = ("dst_1", "dst_2")
) -> dict[str, RoutingReason]:
    """Return the reason for each destination; the two that most tests need are told from `medium` up."""
    known = destinations or tuple(store_fixtures.destination(each, "com_a") for each in of)
    return {routing.destination.id: routing.reason for routing in route_incident(incident, routes, known)}


def test_a_route_for_threats_takes_what_a_threat_joined_whatever_its_class() -> None:
    linkage = replace(INCIDENT, alert_class=AlertClass.LINKAGE)
    route = to("dst_1", classes=frozenset({AlertClass.THREAT}))
    assert not route.takes(linkage)
    assert route.takes(replace(linkage, holds_threat=True))


def test_without_routes_everybody_is_told_from_their_minimum_severity_up() -> None:
    grave = replace(store_fixtures.destination("dst_3", "com_a"), minimum_severity=Severity.CRITICAL)
    off = replace(store_fixtures.destination("dst_4", "com_a"), enabled=False)
    assert told(INCIDENT, [], store_fixtures.destination("dst_1", "com_a"), grave, off) == {
        "dst_1": RoutingReason.WITHOUT_ROUTES,
        "dst_3": RoutingReason.BELOW_MINIMUM_SEVERITY,
        "dst_4": RoutingReason.SWITCHED_OFF,
    }


def test_a_destination_that_a_route_leads_to_is_told_of_what_it_takes_alone() -> None:
    threats = to("dst_1", classes=frozenset({AlertClass.THREAT}))
    assert told(INCIDENT, [threats]) == {
        "dst_1": RoutingReason.TAKEN_BY_NO_ROUTE,
        "dst_2": RoutingReason.WITHOUT_ROUTES,
    }
    threat = replace(INCIDENT, alert_class=AlertClass.THREAT)
    assert told(threat, [threats]) == {"dst_1": RoutingReason.BY_ROUTE, "dst_2": RoutingReason.WITHOUT_ROUTES}


@pytest.mark.parametrize(
    ("taken", "is_taken"),
    [
        ({}, True),
        ({"watchlist_ids": frozenset({"wl_1", "wl_9"})}, True),
        ({"watchlist_ids": frozenset({"wl_9"})}, False),
        ({"classes": frozenset({AlertClass.LINKAGE})}, True),
        ({"classes": frozenset({AlertClass.MENTION})}, False),
        ({"minimum_severity": Severity.HIGH}, True),
        ({"minimum_severity": Severity.CRITICAL}, False),
        ({"languages": frozenset({"es", "fr"})}, True),
        ({"languages": frozenset({"en"})}, False),
        ({"languages": frozenset({"es"}), "classes": frozenset({AlertClass.MENTION})}, False),
    ],
)
def test_a_route_takes_what_fits_all_that_it_says(taken: dict[str, object], is_taken: bool) -> None:
    assert to("dst_1", **taken).takes(replace(INCIDENT, languages=frozenset({"es"}))) is is_taken


def test_a_document_of_unknown_language_is_in_no_route_of_languages() -> None:
    assert not to("dst_1", languages=frozenset({"en"})).takes(INCIDENT)


def test_a_route_does_not_lower_a_destinations_minimum_severity() -> None:
    mention = replace(INCIDENT, score=30)
    assert told(mention, [to("dst_1")], of=["dst_1"]) == {"dst_1": RoutingReason.BELOW_MINIMUM_SEVERITY}


def test_what_several_routes_lead_to_a_destination_is_one_decision_that_names_them() -> None:
    routes = [to("dst_1"), to("dst_1", classes=frozenset({AlertClass.LINKAGE})), to("dst_2")]
    (routing,) = route_incident(INCIDENT, routes, [store_fixtures.destination("dst_1", "com_a")])
    assert routing.reason is RoutingReason.BY_ROUTE
    assert routing.routes == tuple(routes[:2])


def test_what_nobody_would_be_told_of_everybody_is() -> None:
    routes = [to("dst_1", classes=frozenset({AlertClass.THREAT})), to("dst_2", classes=frozenset({AlertClass.TOPIC}))]
    assert set(told(INCIDENT, routes).values()) == {RoutingReason.NOBODY_ELSE}


def test_where_the_only_destination_of_a_route_is_switched_off_the_others_are_told() -> None:
    off = replace(store_fixtures.destination("dst_1", "com_a"), enabled=False)
    routes = [to("dst_1"), to("dst_2", classes=frozenset({AlertClass.THREAT}))]
    assert told(INCIDENT, routes, off, store_fixtures.destination("dst_2", "com_a")) == {
        "dst_1": RoutingReason.SWITCHED_OFF,
        "dst_2": RoutingReason.NOBODY_ELSE,
    }


def test_of_what_a_route_without_destinations_takes_nobody_is_told_but_by_another_route() -> None:
    unwanted = to(classes=frozenset({AlertClass.LINKAGE}))
    assert set(told(INCIDENT, [unwanted]).values()) == {RoutingReason.UNWANTED}
    assert told(INCIDENT, [unwanted, to("dst_2")]) == {
        "dst_1": RoutingReason.UNWANTED,
        "dst_2": RoutingReason.BY_ROUTE,
    }


@pytest.mark.parametrize("change", [{"score": 90}, {"alert_class": AlertClass.THREAT}])
def test_what_is_urgent_is_never_unwanted(change: dict[str, object]) -> None:
    urgent = replace(INCIDENT, **change)  # type: ignore[arg-type]
    assert set(told(urgent, [to()]).values()) == {RoutingReason.WITHOUT_ROUTES}
    led_elsewhere = [to(), *(to(each, classes=frozenset({AlertClass.TOPIC})) for each in ("dst_1", "dst_2"))]
    assert set(told(urgent, led_elsewhere).values()) == {RoutingReason.NOBODY_ELSE}


@pytest.mark.parametrize(
    ("written", "read"),
    [("en-US", "en"), ("ES", "es"), ("yue", "yue"), ("german", None), ("", None), (None, None), ("x", None)],
)
def test_of_a_documents_language_its_primary_subtag_counts(written: str | None, read: str | None) -> None:
    assert Document(id="1", text="x", language=written).primary_language == read


async def test_a_route_comes_back_as_it_was_given_and_is_gone_once_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        given = to(
            "dst_1",
            watchlist_ids=frozenset({"wl_1"}),
            classes=frozenset({AlertClass.THREAT, AlertClass.LINKAGE}),
            languages=frozenset({"en"}),
            minimum_severity=Severity.HIGH,
            wait_seconds=30,
            interval_seconds=300,
            repeat_seconds=3600,
        )
        await store.add_route(given, audit=audit("com_a"))
        assert await store.route("com_a", given.id) == given
        assert (await store.routes("com_a", Listing())).items == (given,)
        async with store.transaction() as transaction:
            assert await transaction.routes("com_a") == (given,)
        with pytest.raises(Conflict, match=f"{given.id} leads to this destination"):
            await store.delete_destination("com_a", "dst_1", audit=audit("com_a"))
        await store.delete_route("com_a", given.id, audit=audit("com_a"))
        with pytest.raises(NotFound):
            await store.route("com_a", given.id)
        await store.delete_destination("com_a", "dst_1", audit=audit("com_a"))


SPANISH = Document(id="forum:1", source="forum", external_id="1", text="quién es", language="es-MX")


async def test_an_incident_leads_where_its_routes_do_and_so_does_its_end(
    api: Api, harbor: Community, admin: httpx2.AsyncClient
) -> None:
    watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    ids = [(await admin.post("/v1/destinations", json=webhook(name))).json()["id"] for name in ("es", "all", "fr")]
    for destination, language in ((ids[0], "es"), (ids[2], "fr")):
        body = {"name": language, "destination_ids": [destination], "languages": [language]}
        assert (await admin.post("/v1/routes", json=body)).status_code == 201
    alert = await api.alert(harbor, watchlist, document=SPANISH)
    async with api.service.store.transaction() as transaction:
        decision = partial(resolve, reason=None, at=api.clock.now())
        await decide(transaction, harbor.id, str(alert.incident_id), decision, actor="key_1", at=api.clock.now())
    planned = (await admin.get("/v1/deliveries")).json()["items"]
    assert sorted((each["destination_id"], each["event"]) for each in planned) == sorted(
        (destination, event) for destination in ids[:2] for event in ("incident.opened", "incident.resolved")
    )


def webhook(name: str) -> dict[str, object]:
    settings = {"url": f"https://hooks.example/{name}", "secret": "whsec_" + "A" * 32}
    return {"kind": "webhook", "name": name, "settings": settings}


async def test_a_route_is_added_read_and_deleted_over_the_api(api: Api, harbor: Community) -> None:
    admin = await api.member(harbor, Scope.ADMIN)
    destination = (await admin.post("/v1/destinations", json=webhook("phone"))).json()["id"]
    body = {"name": "Threats", "destination_ids": [destination], "classes": ["threat"], "minimum_severity": "low"}
    made = await admin.post("/v1/routes", json=body)
    assert made.status_code == 201, made.text
    shown = made.json()
    at_once = {"wait_seconds": 0, "interval_seconds": 0, "repeat_seconds": None}
    assert shown == {"id": shown["id"], "watchlist_ids": [], "languages": [], **at_once, **body}
    path = f"/v1/routes/{shown['id']}"
    assert (await admin.get(path)).json() == shown
    assert (await admin.get("/v1/routes")).json()["items"] == [shown]
    assert_problem(await admin.delete(f"/v1/destinations/{destination}"), 409)
    other = (await admin.post("/v1/destinations", json=webhook("mail"))).json()["id"]
    anew = {"name": "All", "destination_ids": [other], "classes": [], "minimum_severity": "info"}
    changed = await admin.put(path, json={**anew, "repeat_seconds": 3600})
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**shown, **anew, "repeat_seconds": 3600}
    assert (await admin.get(path)).json() == changed.json()
    assert (await admin.delete(f"/v1/destinations/{destination}")).status_code == 204
    assert_problem(await admin.put(path, json=body), 404)
    assert_problem(await admin.put("/v1/routes/rte_9", json=anew), 404)
    assert_problem(await (await api.member(await api.community("Meadow"), Scope.ADMIN)).put(path, json=anew), 404)
    assert (await admin.get(path)).json() == changed.json()
    assert (await admin.delete(path)).status_code == 204
    assert_problem(await admin.get(path), 404)
    done = await audited(admin)
    assert [done[f"route.{what}", shown["id"]] for what in ("created", "changed", "deleted")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"destination_ids": ["dst_9"]}, 404),
        ({"watchlist_ids": ["wl_9"]}, 404),
        ({"classes": ["gossip"]}, 422),
        ({"languages": ["Spanish"]}, 422),
        ({"minimum_severity": "worst"}, 422),
        ({"wait_seconds": -1}, 422),
        ({"repeat_seconds": 1}, 422),
        ({"destination": "dst_1"}, 422),
    ],
)
async def test_a_route_that_makes_no_sense_is_refused(
    admin: httpx2.AsyncClient, body: dict[str, object], status: int
) -> None:
    assert_problem(await admin.post("/v1/routes", json={"name": "x", **body}), status)
    assert (await admin.get("/v1/routes")).json()["items"] == []


async def test_who_is_told_of_an_incident_can_be_asked_with_the_reasons(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    watchlist = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    phone, mail = [(await admin.post("/v1/destinations", json=webhook(name))).json()["id"] for name in ("a", "b")]
    body = {"name": "Threats", "destination_ids": [phone], "classes": ["threat"]}
    route = (await admin.post("/v1/routes", json=body)).json()["id"]
    described = {"watchlist_id": watchlist, "class": "threat", "severity": "medium", "languages": ["en"]}
    asked = await admin.post("/v1/routes/preview", json={"described": described})
    assert asked.status_code == 200, asked.text
    answered = {each.pop("destination_id"): each for each in asked.json()["destinations"]}
    assert answered == {
        phone: {"told": True, "reason": "by_route", "route_ids": [route], **AT_ONCE},
        mail: {"told": True, "reason": "without_routes", "route_ids": [], **AT_ONCE},
    }
    incident = (await api.alert(harbor, watchlist)).incident_id
    asked = await admin.post("/v1/routes/preview", json={"incident_id": incident})
    answered = {each.pop("destination_id"): each for each in asked.json()["destinations"]}
    assert answered[phone] == {"told": False, "reason": "taken_by_no_route", "route_ids": [], **AT_ONCE}
    assert_problem(await stranger.post("/v1/routes/preview", json={"incident_id": incident}), 404)
    for nonsense in ({}, {"incident_id": incident, "described": described}):
        assert_problem(await admin.post("/v1/routes/preview", json=nonsense), 422)


async def keep_places() -> None:
    """Keep a community with an incident, a watchlist, and two destinations of one name beside that of all tests."""
    async with open_store(load_settings()) as store:
        await add_community(store)
        for each in ("dst_2", "dst_3"):
            twin = replace(store_fixtures.destination(each, "com_a"), name="twins")
            await store.add_destination(twin, audit=audit("com_a"))
        await store.add_watchlist(Watchlist(id="wl_2", community_id="com_a", name="Staff"), audit=audit("com_a"))


def test_routes_are_added_listed_explained_and_deleted_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    asyncio.run(keep_places())
    nothing = Wanted(destinations=[], watchlists=[], classes=[], languages=[], minimum_severity=Severity.INFO)
    assert route_list(None) == 0
    assert capsys.readouterr().out.startswith("There is no route")
    for wrong, sentence in (
        (replace(nothing, destinations=["nobody"]), "there is no destination of this name"),
        (replace(nothing, destinations=["twins"]), "several destinations have this name"),
        (replace(nothing, watchlists=["nothing"]), "there is no watchlist of this name"),
        (replace(nothing, languages=["English"]), "a language is its code"),
    ):
        with pytest.raises((NotFound, UsageError), match=sentence):
            route_add(None, "x", wrong)
    wanted = replace(
        nothing,
        destinations=["moderators", "dst_2"],
        watchlists=["Staff"],
        classes=[AlertClass.THREAT],
        languages=["es"],
        wait_seconds=30,
        repeat_seconds=3600,
    )
    assert route_add(None, "night shift", wanted) == 0
    route_id = capsys.readouterr().out.split()[0]
    assert route_list(None) == 0
    line = capsys.readouterr().out.splitlines()[1]
    told = ["30", "s", "0", "s", "3600", "s"]
    assert line.split() == [route_id, "night", "shift", "Staff", "threat", "es", "info", "moderators,", "twins", *told]
    assert route_explain(None, "inc_1") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        ["dst_1", "moderators", "no", "taken", "by", "no", "route"],
        ["dst_2", "twins", "no", "taken", "by", "no", "route"],
        ["dst_3", "twins", "yes", "without", "routes"],
    ]
    assert route_delete(None, route_id) == 0
    assert route_list(None) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("There is no route")


def test_an_incident_remembers_the_languages_it_was_seen_in(tmp_path: Path) -> None:
    async def kept() -> Incident:
        async with opened(tmp_path) as store:
            await add_community(store)
            async with store.transaction() as transaction:
                await transaction.save_incident(replace(INCIDENT, languages=frozenset({"es", "en"})), [])
            return await store.incident("com_a", "inc_1")

    assert asyncio.run(kept()).languages == {"es", "en"}
    assert INCIDENT.updated_at == NOON
