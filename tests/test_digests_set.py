"""Digests are set, previewed and ended over the API and at the command line."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import httpx2
import pytest

from core.errors import Conflict, NotFound
from core.settings import load_settings
from core.types import DigestPeriod, DigestSchedule, Weekday
from monitor.cli import run
from monitor.commands.delivery import digest_preview
from monitor.wiring import open_store
from tests.api_service import Api, assert_problem, audited
from tests.store_fixtures import add_community

pytest_plugins = ["tests.api_fixtures"]

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
WEBHOOK = {"kind": "webhook", "name": "Moderators", "settings": {"url": "https://hooks.example/in", "secret": SECRET}}
LEAK = "so night_heron is really Maria Gonzalez, she lives at 12 Elm Street"


async def test_a_digest_is_set_previewed_and_ended_over_the_api(api: Api, admin: httpx2.AsyncClient) -> None:
    terms = [{"id": "t1", "kind": "pseudonym", "value": "night_heron"}]
    await admin.post("/v1/watchlists", json={"name": "Members", "terms": terms})
    made = (await admin.post("/v1/destinations", json=WEBHOOK)).json()
    assert made["digest"] is None
    path = f"/v1/destinations/{made['id']}"
    assert_problem(await admin.get(f"{path}/digest"), 409)
    wanted = {"period": "weekly", "hour": 18, "weekday": "friday", "time_zone": "Europe/Berlin"}
    answer = await admin.put(f"{path}/digest", json=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.json()["digest"] == {**wanted, "is_only": False}
    assert (await admin.get(path)).json()["digest"] == {**wanted, "is_only": False}
    await admin.post("/v1/documents", json={"id": "1", "source": "forum", "text": LEAK})
    shown = (await admin.get(f"{path}/digest")).json()
    assert shown["summary"].startswith("Digest: 1 incident (1 ")
    assert "Members: inc_" in shown["text"]
    assert "night_heron" not in str(shown)
    assert (await admin.delete(f"{path}/digest")).status_code == 204
    assert (await admin.get(path)).json()["digest"] is None
    told = [delivery["event"] for delivery in (await admin.get("/v1/deliveries")).json()["items"]]
    assert sorted(told) == ["incident.digest", "incident.opened"]
    counted = await audited(admin)
    assert counted["destination.digest_set", made["id"]] == counted["destination.digest_ended", made["id"]] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"period": "hourly"},
        {"period": "daily", "hour": 24},
        {"period": "daily", "time_zone": "Harbor/Commons"},
        {"period": "weekly", "weekday": "caturday"},
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    api: Api, admin: httpx2.AsyncClient, wrong: dict[str, object]
) -> None:
    made = (await admin.post("/v1/destinations", json=WEBHOOK)).json()
    assert_problem(await admin.put(f"/v1/destinations/{made['id']}/digest", json=wrong), 422)
    assert (await admin.get(f"/v1/destinations/{made['id']}")).json()["digest"] is None


async def kept() -> DigestSchedule | None:
    async with open_store(load_settings()) as store:
        return (await store.destination("com_a", "dst_1")).digest


async def keep_destination() -> None:
    async with open_store(load_settings()) as store:
        await add_community(store)


def test_a_digest_is_set_shown_and_ended_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asyncio.run(keep_destination())
    with pytest.raises(Conflict, match="no digests"):
        digest_preview(None, "moderators")
    digest = ["destination", "digest", "moderators"]
    assert run([*digest, "weekly", "--hour", "18", "--weekday", "friday", "--time-zone", "Asia/Tokyo", "--only"]) == 0
    assert capsys.readouterr().out.endswith(" 09:00 UTC.\n")
    assert asyncio.run(kept()) == DigestSchedule(
        period=DigestPeriod.WEEKLY, hour=18, weekday=Weekday.FRIDAY, time_zone="Asia/Tokyo", is_only=True
    )
    assert run(digest) == 0
    assert capsys.readouterr().out.startswith("Digest: nothing found, 0 of 0 sources healthy\n\nCommunity: Harbor")
    assert run([*digest, "daily", "--time-zone", "Harbor/Commons"]) == 2
    assert "there is no such time zone" in capsys.readouterr().err
    assert run([*digest, "sometimes"]) == 2
    assert "say daily, weekly or off" in capsys.readouterr().err
    assert run([*digest, "off"]) == 0
    assert asyncio.run(kept()) is None
    with pytest.raises(NotFound, match="of this name"):
        digest_preview(None, "nobody")
