"""From the leak to the message on the phone of who is on call, and from there to their name on the incident."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from core.types import AlertClass
from tests.api_service import all_items
from tests.public_service import PUBLIC_URL, Reached

pytest_plugins = ["tests.api_fixtures", "tests.link_fixtures"]


async def escalate(reached: Reached, **later: float) -> None:
    reached.api.forward(**later)
    await reached.api.service.escalator.escalate_due()


async def incident(reached: Reached) -> dict[str, Any]:
    (found,) = (await reached.admin.get("/v1/incidents")).json()["items"]
    one: dict[str, Any] = found
    return one


async def test_who_is_on_call_is_told_until_when_and_acknowledges_by_name(reached: Reached) -> None:
    phone = await reached.destination("Ada phone", only_when_asked=True)
    await reached.destination("Channel")
    ada = await reached.moderator("Ada", phone, time_zone="Europe/Berlin")
    await reached.rotation(ada, await reached.moderator("Ben"))
    await reached.leak()
    bodies = await reached.deliver()
    assert [body["type"] for body in bodies] == ["incident.opened"] * 2
    told = {body["data"]["escalation"]["due_at"]: body for body in bodies}
    personal, shared = told["2026-11-20T12:00:00+01:00"], told["2026-11-20T11:00:00+00:00"]
    assert personal["data"]["escalation"] == {
        "waiting_since": "2026-11-20T11:00:00+01:00", "due_at": "2026-11-20T12:00:00+01:00", "moderator": "Ada",
    }  # fmt: skip
    assert shared["data"]["escalation"]["moderator"] == "Ada"
    assert personal["data"]["incident"]["assignee"] == "Ada"

    link = personal["data"]["link"].removeprefix(PUBLIC_URL)
    assert ada in link
    assert ada not in shared["data"]["link"]
    assert (await reached.anybody.post(link)).status_code == 303
    found = await incident(reached)
    assert (found["state"], found["assignee"]) == ("acknowledged", "Ada")
    assert "Acknowledged by Ada." in (await reached.anybody.get(link)).text
    entries = await all_items(reached.admin, "/v1/audit", limit=50)
    done = {(one["action"], one["object_id"]) for one in entries if one["actor"] == ada}
    assert done == {("incident.acknowledged", found["id"]), ("destination.link_used", phone)}
    await escalate(reached, days=1)
    assert await reached.deliver() == []


async def test_the_next_is_told_since_when_it_waits_and_shown_what_it_is_about(reached: Reached) -> None:
    phones = [await reached.destination(f"{name} phone", only_when_asked=True) for name in ("Ada", "Ben")]
    await reached.destination("Channel")
    moderators = [await reached.moderator(name, phone) for name, phone in zip(("Ada", "Ben"), phones, strict=True)]
    await reached.rotation(*moderators)
    await reached.leak(score=95)
    await reached.deliver()
    await escalate(reached, minutes=15)
    (body,) = await reached.deliver()
    assert body["type"] == "incident.escalated"
    assert body["data"]["summary"] == "Not acknowledged: 1 linkage alert, critical (95), Members"
    assert body["data"]["escalation"] == {
        "waiting_since": "2026-11-20T10:00:00+00:00", "due_at": "2026-11-20T10:30:00+00:00", "moderator": "Ben",
    }  # fmt: skip
    assert body["data"]["alerts"][0]["excerpt"] == "so █████ is really M████ G███████"
    assert moderators[1] in body["data"]["link"]


async def test_counts_do_not_name_who_is_asked(reached: Reached) -> None:
    phone = await reached.destination(detail="counts")
    await reached.rotation(await reached.moderator("Zqxada", phone))
    await reached.leak()
    (body,) = await reached.deliver()
    assert body["data"]["escalation"]["moderator"] is None
    assert body["data"]["escalation"]["due_at"] == "2026-11-20T11:00:00+00:00"


@pytest.mark.parametrize("who", ["moderator", "destination"])
async def test_quotes_are_left_out_where_that_was_asked_for_on_the_page_too(reached: Reached, who: str) -> None:
    phone = await reached.destination(no_quotes=who == "destination")
    await reached.moderator("Ada", phone, no_quotes=who == "moderator")
    await reached.leak()
    (body,) = await reached.deliver()
    (shown,) = body["data"]["alerts"]
    assert (shown["excerpt"], shown["title"]) == (None, None)
    assert shown["reasons"]
    assert shown["source"] == "forum"
    page = (await reached.anybody.get(body["data"]["link"].removeprefix(PUBLIC_URL))).text
    assert "What strangers wrote is left out, as was asked for." in page
    assert "M████" not in page
    assert "a name stands next to it" in page


async def test_others_go_on_being_shown_quotes(reached: Reached) -> None:
    await reached.moderator("Ada", await reached.destination("Ada phone"), no_quotes=True)
    await reached.destination("Channel")
    await reached.leak()
    excerpts = [body["data"]["alerts"][0]["excerpt"] for body in await reached.deliver()]
    assert sorted(map(str, excerpts)) == ["None", "so █████ is really M████ G███████"]


async def counts(admin: httpx2.AsyncClient) -> dict[str, int]:
    items = (await admin.get("/v1/moderators")).json()["items"]
    return {one["name"]: one["heavy_item_count"] for one in items}


async def test_what_is_hard_to_read_is_counted_for_who_was_sent_it(reached: Reached) -> None:
    both, bens = await reached.destination("Both"), await reached.destination("Ben")
    await reached.moderator("Ada", both)
    await reached.moderator("Ben", both, bens)
    await reached.moderator("Cleo", await reached.destination("Cleo", detail="counts"))
    await reached.leak()
    await reached.deliver()
    assert await counts(reached.admin) == {"Ada": 0, "Ben": 0, "Cleo": 0}
    await reached.leak(number=2, alert_class=AlertClass.THREAT, evidence="another", matches=(), entities=())
    assert await counts(reached.admin) == {"Ada": 0, "Ben": 0, "Cleo": 0}
    await reached.deliver()
    assert await counts(reached.admin) == {"Ada": 1, "Ben": 2, "Cleo": 0}


async def test_a_link_to_a_moderator_who_was_deleted_no_longer_counts(reached: Reached) -> None:
    ada = await reached.moderator("Ada", await reached.destination())
    link = await reached.link()
    assert (await reached.anybody.get(link)).status_code == 200
    await reached.admin.delete(f"/v1/moderators/{ada}")
    assert (await reached.anybody.get(link)).status_code == 404
    assert (await reached.anybody.post(link)).status_code == 404
    assert (await incident(reached))["state"] == "open"


async def test_a_destination_that_is_told_only_when_asked_is_told_of_nothing_else(reached: Reached) -> None:
    await reached.destination("Ada phone", only_when_asked=True)
    channel = await reached.destination("Channel")
    await reached.leak()
    (body,) = await reached.deliver()
    assert channel in body["data"]["link"]


async def test_where_nobody_else_would_be_told_it_is_told_all_the_same(reached: Reached) -> None:
    await reached.destination("Ada phone", only_when_asked=True)
    await reached.leak()
    assert [body["type"] for body in await reached.deliver()] == ["incident.opened"]


async def test_who_is_on_call_is_asked_in_quiet_hours_too(reached: Reached) -> None:
    phone, channel = await reached.destination("Ada phone", only_when_asked=True), await reached.destination("Channel")
    await reached.rotation(await reached.moderator("Ada", phone))
    for destination in (phone, channel):
        quiet = {"destination_id": destination, "from_time": "08:00", "until_time": "20:00", "time_zone": "UTC"}
        made = await reached.admin.post("/v1/quiet-hours", json=quiet)
        assert made.status_code == 201, made.text
    await reached.leak()
    (asked,) = await reached.deliver()
    assert phone in asked["data"]["link"]
    await escalate(reached, hours=1)
    assert [body["type"] for body in await reached.deliver()] == ["incident.escalated"] * 2
