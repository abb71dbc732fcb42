"""What became of notices is seen, and put right, at the command line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook

from core.errors import Conflict, NotFound
from core.ports import Listing
from core.settings import load_settings
from core.types import DeliveryState, DestinationHealth
from monitor.commands.delivery import delivery_list, delivery_replay, destination_test
from monitor.commands.destinations import destination_list, destination_switch
from monitor.commands.doctor import doctor
from monitor.wiring import open_store
from tests.store_fixtures import add_community, audit, delivery, delivery_failed, destination

NOW = datetime.now(UTC)
SECRET = "whsec_" + "A" * 32


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


async def keep_dead(*ids: str) -> None:
    """Keep a community, and deliveries that were given up."""
    async with open_store(load_settings()) as store:
        await add_community(store)
        for number in ids:
            async with store.transaction() as transaction:
                await transaction.plan_delivery(delivery(number, "com_a", due_at=NOW))
            lease = await store.take_due_delivery(NOW, timedelta(minutes=1))
            assert lease is not None
            await delivery_failed(store, lease, error="the webhook answered 404", next_attempt_at=None, at=NOW)


async def states() -> dict[str, DeliveryState]:
    async with open_store(load_settings()) as store:
        return {number: (await store.delivery("com_a", number)).state for number in ("dlv_1", "dlv_2")}


@pytest.mark.usefixtures("folder")
def test_what_was_given_up_is_listed_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep_dead("dlv_1", "dlv_2"))
    assert delivery_list(None, DeliveryState.DEAD) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["delivery", "dlv_1", "dlv_2"]
    assert lines[1].rstrip().endswith("the webhook answered 404")

    assert delivery_replay(None, ["dlv_2"]) == 0
    assert asyncio.run(states()) == {"dlv_1": DeliveryState.DEAD, "dlv_2": DeliveryState.PENDING}
    assert delivery_replay(None, ["dlv_2", "dlv_9"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "0 of 2 deliveries are tried again by the running service."
    assert shown.err.splitlines() == [
        "leakwatch: dlv_2: this delivery is pending: only one that was given up can be replayed",
        "leakwatch: dlv_9: there is no such delivery in this community",
    ]
    assert delivery_replay(None, []) == 0
    assert asyncio.run(states()) == {"dlv_1": DeliveryState.PENDING, "dlv_2": DeliveryState.PENDING}
    assert delivery_list(None, DeliveryState.DEAD) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "No delivery is dead."


async def keep_troubled() -> None:
    """Keep a destination that fails, one that was switched off for that, and one that a person switched off."""
    async with open_store(load_settings()) as store:
        await add_community(store)
        hook = {"url": "https://hooks.example/x", "secret": "whsec_" + "A" * 32}
        failing = DestinationHealth(failing_since=NOW - timedelta(hours=7.5), failure_count=9, last_error="no answer")
        given_up = replace(failing, disabled_because="it is gone: the webhook answered with status 410")
        for name, health, enabled in (
            ("Failing", failing, True),
            ("Gone", given_up, False),
            ("Off", failing, False),
            ("Works", DestinationHealth(), True),
        ):
            one = replace(destination(f"dst_{name}", "com_a", settings=hook), name=name, kind="webhook")
            await store.add_destination(one, audit=audit("com_a"))
            async with store.transaction() as transaction:
                await transaction.save_destination_health(replace(one, health=health, enabled=enabled), NOW)


@pytest.mark.usefixtures("folder")
def test_doctor_says_which_destinations_take_nothing_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep_troubled())
    assert doctor() == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "(webhook)" in line]
    said = {words[1]: " ".join(words[3:]) for words in lines}
    assert {name: said[name] for name in ("Failing", "Gone", "Off", "Works")} == {
        "Failing": "does not work no answer; it has taken nothing for 7 hours",
        "Gone": "does not work switched off: it is gone: the webhook answered with status 410",
        "Off": "off disabled",
        "Works": "works",
    }


@pytest.mark.usefixtures("folder")
def test_destinations_are_listed_and_switched(capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep_troubled())
    assert destination_switch(None, "Works", enabled=False) == 0
    assert destination_switch(None, "dst_Off", enabled=True) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["dst_Works is switched off.", "dst_Off is switched on."]
    assert destination_list(None) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "webhook" in line]
    listed = {words[1]: " ".join(words[5:7]) for words in lines if words[0].startswith("dst_")}
    told = {"Failing": "failing: no", "Gone": "switched off:", "Off": "on", "Works": "off", "moderators": "on"}
    assert listed == told


async def keep_hooks(server: HTTPServer) -> None:
    """Keep a destination that takes what it is told, and one that refuses it."""
    async with open_store(load_settings()) as store:
        await add_community(store)
        for name in ("takes", "refuses"):
            settings = {"url": server.url_for(f"/{name}"), "secret": SECRET}
            hook = replace(destination(f"dst_{name}", "com_a", settings=settings), name=name, kind="webhook")
            await store.add_destination(hook, audit=audit("com_a"))


def test_a_test_of_a_destination_sends_a_sample_of_real_length_and_says_what_came_of_it(
    folder: Path, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKWATCH_HTTP__ALLOWED_NETWORKS", '["127.0.0.0/8"]')
    httpserver.expect_request("/takes").respond_with_data(status=204)
    httpserver.expect_request("/refuses").respond_with_data(status=404)
    asyncio.run(keep_hooks(httpserver))
    assert destination_test(None, "takes") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("The sample has arrived (dlv_")
    body = Webhook(SECRET).verify(httpserver.log[0][0].get_data(), dict(httpserver.log[0][0].headers))
    assert body["type"] == "test.ping"
    assert body["data"]["summary"] == "This is a test, nothing happened: 1 linkage alert, high (78), Sample"
    (alert,) = body["data"]["alerts"]
    assert len(alert["excerpt"]) > 200
    assert "s4mple" not in json.dumps(body)
    assert destination_test(None, "dst_refuses") == 1
    assert capsys.readouterr().out.endswith("): the webhook answered with status 404.\n")
    with pytest.raises(NotFound, match="there is no destination of this name"):
        destination_test(None, "nobody")


async def switch_off(name: str) -> None:
    async with open_store(load_settings()) as store:
        await store.set_destination_enabled("com_a", name, False, audit=audit("com_a"))


def test_a_destination_that_is_switched_off_is_not_tested(folder: Path, httpserver: HTTPServer) -> None:
    asyncio.run(keep_hooks(httpserver))
    asyncio.run(switch_off("dst_takes"))
    with pytest.raises(Conflict, match="switch it on first"):
        destination_test(None, "takes")
    assert asyncio.run(states_of("dst_takes")) == []


async def states_of(destination_id: str) -> list[DeliveryState]:
    async with open_store(load_settings()) as store:
        listed = await store.deliveries("com_a", Listing(), destination_id=destination_id)
        return [delivery.state for delivery in listed.items]
