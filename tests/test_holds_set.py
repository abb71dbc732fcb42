"""Quiet hours and maintenance are set, by the API and at the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from core.errors import UsageError
from core.settings import load_settings
from core.types import (
    Weekday,
)
from monitor.commands.holds import (
    maintenance_add,
    maintenance_delete,
    maintenance_list,
    quiet_add,
    quiet_delete,
    quiet_list,
)
from monitor.wiring import open_store
from tests import store_fixtures
from tests.api_service import Api, assert_problem, audited
from tests.test_routing import webhook

pytest_plugins = ["tests.api_fixtures", "tests.delivery_fixtures"]

BERLIN = "Europe/Berlin"


async def test_quiet_hours_and_maintenance_are_set_over_the_api(api: Api, admin: httpx2.AsyncClient) -> None:
    destination = (await admin.post("/v1/destinations", json=webhook("phone"))).json()["id"]
    body = {"destination_id": destination, "from_time": "08:00", "until_time": "12:00", "time_zone": BERLIN}
    made = await admin.post("/v1/quiet-hours", json=body)
    assert made.status_code == 201, made.text
    quiet = made.json()
    assert quiet == {"id": quiet["id"], "days": list(Weekday), **body}
    assert (await admin.get("/v1/quiet-hours")).json()["items"] == [quiet]
    reason = {"until_at": "2026-11-20T10:30:00Z", "reason": "it moves"}
    closed = (await admin.post("/v1/maintenance", json=reason)).json()
    assert closed == {"id": closed["id"], "destination_id": None, "from_at": "2026-11-20T10:00:00Z", **reason}
    assert (await admin.get("/v1/maintenance")).json()["items"] == [closed]

    described = {"watchlist_id": "wl_1", "class": "linkage", "severity": "high"}
    (shown,) = (await admin.post("/v1/routes/preview", json={"described": described})).json()["destinations"]
    assert (shown["held_because"], shown["held_until"]) == ("quiet_hours", "2026-11-20T11:00:00Z")
    described["severity"] = "critical"
    (shown,) = (await admin.post("/v1/routes/preview", json={"described": described})).json()["destinations"]
    assert (shown["told"], shown["held_because"]) == (True, None)

    assert (await admin.delete(f"/v1/quiet-hours/{quiet['id']}")).status_code == 204
    assert (await admin.delete(f"/v1/maintenance/{closed['id']}")).status_code == 204
    done = await audited(admin)
    for action, changed in (("quiet_hours", quiet), ("maintenance", closed)):
        assert [done[f"{action}.{what}", changed["id"]] for what in ("created", "deleted")] == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"from_time": "25:00"},
        {"until_time": "7"},
        {"time_zone": "Berlin"},
        {"time_zone": "../../etc/passwd"},
        {"days": []},
        {"days": ["someday"]},
    ],
)
async def test_quiet_hours_that_no_clock_shows_are_refused(
    admin: httpx2.AsyncClient, changes: dict[str, object]
) -> None:
    destination = (await admin.post("/v1/destinations", json=webhook("phone"))).json()["id"]
    body = {"destination_id": destination, "from_time": "22:00", "until_time": "07:00", "time_zone": BERLIN}
    assert_problem(await admin.post("/v1/quiet-hours", json={**body, **changes}), 422)
    assert_problem(await admin.post("/v1/quiet-hours", json={**body, "destination_id": "dst_9"}), 404)


@pytest.mark.parametrize(
    "times",
    [{"until_at": "2026-11-20T09:00:00Z"}, {"from_at": "2026-11-22T00:00:00Z", "until_at": "2026-11-21T00:00:00Z"}],
)
async def test_a_window_that_has_ended_before_it_begins_is_refused(
    admin: httpx2.AsyncClient, times: dict[str, str]
) -> None:
    assert_problem(await admin.post("/v1/maintenance", json={**times, "reason": "it moves"}), 422)


async def keep_community() -> None:
    async with open_store(load_settings()) as store:
        await store_fixtures.add_community(store)


def test_quiet_hours_and_maintenance_are_set_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    asyncio.run(keep_community())

    def lines() -> list[list[str]]:
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    assert quiet_list(None) == maintenance_list(None) == 0
    assert [line[0] for line in lines()] == ["No", "No"]
    assert quiet_add(None, "moderators", "22:00-07:00", [], BERLIN) == 0
    assert quiet_add(None, "dst_1", "00:00-00:00", [Weekday.SUNDAY, Weekday.SATURDAY], BERLIN) == 0
    nightly, weekly = (line[0] for line in lines())
    assert quiet_list(None) == 0
    assert lines()[1:] == [
        [nightly, "moderators", "every", "day", "22:00", "07:00", BERLIN],
        [weekly, "moderators", "saturday,", "sunday", "00:00", "00:00", BERLIN],
    ]
    assert maintenance_add(None, "it moves", "2199-01-01T01:00+01:00", "2199-01-02T00:00Z", "moderators") == 0
    assert maintenance_add(None, "all of it", None, "2199-01-02T00:00Z", None) == 0
    (later, now) = (line[0] for line in lines())
    assert maintenance_list(None) == 0
    shown = lines()
    assert [line[:2] for line in shown[1:]] == [[now, "all"], [later, "moderators"]]
    assert shown[2][2:] == ["2199-01-01", "00:00", "UTC", "2199-01-02", "00:00", "UTC", "it", "moves"]
    for delete, each in ((quiet_delete, nightly), (quiet_delete, weekly)):
        assert delete(None, each) == 0
    for each in (now, later):
        assert maintenance_delete(None, each) == 0
    lines()
    assert quiet_list(None) == maintenance_list(None) == 0
    assert [line[0] for line in lines()] == ["No", "No"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (lambda: quiet_add(None, "moderators", "22-7", [], BERLIN), "quiet hours are written 22:00-07:00"),
        (lambda: quiet_add(None, "moderators", "22:00-07:00", [], "Berlin"), "the time zone must be one of"),
        (lambda: maintenance_add(None, "x", None, "tomorrow", None), "a moment is written with its offset"),
        (lambda: maintenance_add(None, "x", None, "2199-01-01T00:00", None), "a moment is written with its offset"),
        (lambda: maintenance_add(None, "x", None, "2020-01-01T00:00Z", None), "must end in the future"),
    ],
)
def test_what_makes_no_sense_at_the_command_line_is_said_in_a_sentence(
    given: Callable[[], int], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(keep_community())
    with pytest.raises(UsageError, match=sentence):
        given()
