"""Whoever was sent a notice can read its incident and take it on by a signed link, and nobody else by it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from alerting.planning import plan_group, plan_test
from api.routes.pages import MOST_FOLLOWED, MOST_REFUSED
from core.settings import Settings
from core.types import EventType, ToldIncident
from tests.api_service import all_items
from tests.public_service import PUBLIC_URL, Reached

pytest_plugins = ["tests.api_fixtures", "tests.link_fixtures"]

PROTECTED = ("night_heron", "maria", "gonzalez")


async def state(reached: Reached) -> tuple[str, str | None]:
    (incident,) = (await reached.admin.get("/v1/incidents")).json()["items"]
    return incident["state"], incident["assignee"]


async def test_a_link_shows_the_incident_redacted_with_a_button(reached: Reached) -> None:
    await reached.destination()
    answer = await reached.anybody.get(await reached.link())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "1 linkage alert, high (88), Members" in answer.text
    assert "M████ G███████" in answer.text
    assert "<button>Acknowledge</button>" in answer.text
    assert not [word for word in PROTECTED if word in answer.text.lower()]


async def test_only_the_button_acknowledges(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    for _ in range(3):
        assert (await reached.anybody.get(link)).status_code == 200
        head = await reached.anybody.head(link)
        assert (head.status_code, head.content) == (200, b"")
    assert await state(reached) == ("open", None)

    answer = await reached.anybody.post(link)
    assert answer.status_code == 303
    assert answer.headers["location"] == link.rpartition("/")[2]
    assert await state(reached) == ("acknowledged", "Night shift")
    shown = await reached.anybody.get(link)
    assert "Acknowledged by Night shift." in shown.text
    assert "<button>" not in shown.text


async def test_acknowledging_by_a_link_is_in_the_audit_log(reached: Reached) -> None:
    destination = await reached.destination()
    await reached.anybody.post(await reached.link())
    (incident,) = (await reached.admin.get("/v1/incidents")).json()["items"]
    entries = await all_items(reached.admin, "/v1/audit", limit=50)
    done = {(one["actor"], one["action"], one["object_id"]) for one in entries if one["actor"] == destination}
    assert done == {
        (destination, "incident.acknowledged", incident["id"]),
        (destination, "destination.link_used", destination),
    }


async def test_an_incident_that_somebody_has_is_not_taken_from_them(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    (incident,) = (await reached.admin.get("/v1/incidents")).json()["items"]
    await reached.admin.post(f"/v1/incidents/{incident['id']}/acknowledge", json={"assignee": "Ada"})
    answer = await reached.anybody.post(link)
    assert answer.status_code == 409
    assert "Acknowledged by Ada." in answer.text
    assert await state(reached) == ("acknowledged", "Ada")


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        ("resolve", "This incident is closed: it was dealt with."),
        ("dismiss", "This incident is closed: it was found to be a false alarm."),
    ],
)
async def test_a_closed_incident_says_so_and_stays_closed(reached: Reached, decision: str, sentence: str) -> None:
    await reached.destination()
    link = await reached.link()
    (incident,) = (await reached.admin.get("/v1/incidents")).json()["items"]
    await reached.admin.post(f"/v1/incidents/{incident['id']}/{decision}", json={"reason": "said by Maria Gonzalez"})
    closed = await state(reached)
    for answer in (await reached.anybody.get(link), await reached.anybody.post(link)):
        assert sentence in answer.text
        assert "<button>" not in answer.text
        assert "Gonzalez" not in answer.text
    assert answer.status_code == 409
    assert await state(reached) == closed


async def test_a_link_counts_for_seven_days(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    reached.api.forward(days=7, seconds=-1)
    assert (await reached.anybody.get(link)).status_code == 200
    reached.api.forward(seconds=1)
    for answer in (await reached.anybody.get(link), await reached.anybody.post(link)):
        assert answer.status_code == 403
        assert "This link has expired: links count for 7 days." in answer.text
    assert await state(reached) == ("open", None)


async def test_no_part_of_a_link_can_be_changed(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    parts = link.removeprefix("/incidents/").split("~")
    assert len(parts) == 6
    forged = []
    for position, part in enumerate(parts):
        changed = part[:-1] + ("0" if part[-1] != "0" else "1") if part != "-" else "mod_1"
        forged.append("~".join([*parts[:position], changed, *parts[position + 1 :]]))
    forged += ["x", "~~~~~", "~".join(parts[:-1]), f"{'~'.join(parts)}~", "%00", "ü" * 5, "a" * 5000, f"{parts[0]}~0"]
    for token in forged:
        for answer in (
            await reached.anybody.get(f"/incidents/{token}"),
            await reached.anybody.post(f"/incidents/{token}"),
        ):
            assert answer.status_code == 403, token
            assert "This link is not one that Leakwatch made" in answer.text
    assert await state(reached) == ("open", None)


async def test_who_follows_too_many_wrong_links_is_asked_to_wait_and_a_good_one_opens_all_the_same(
    reached: Reached,
) -> None:
    await reached.destination()
    link = await reached.link()
    answers = [await reached.anybody.get(f"/incidents/{number}") for number in range(MOST_REFUSED + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {403}
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (429, "60")
    assert (await reached.anybody.post("/incidents/x")).status_code == 429
    assert (await reached.anybody.get(link)).status_code == 200
    assert (await reached.anybody.post(link)).status_code == 303
    reached.api.forward(seconds=60)
    assert (await reached.anybody.get("/incidents/x")).status_code == 403


async def test_one_link_is_not_followed_without_end(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    for _ in range(MOST_FOLLOWED):
        assert (await reached.anybody.head(link)).status_code == 200
    assert (await reached.anybody.post(link)).status_code == 429
    assert await state(reached) == ("open", None)
    reached.api.forward(seconds=60)
    assert (await reached.anybody.post(link)).status_code == 303


async def test_a_link_of_one_community_is_none_of_another(reached: Reached) -> None:
    await reached.destination()
    parts = (await reached.link()).removeprefix("/incidents/").split("~")
    other = await reached.api.community("Meadow Circle")
    answer = await reached.anybody.get("/incidents/" + "~".join([other.id, *parts[1:]]))
    assert answer.status_code == 403


async def test_a_link_stops_counting_when_its_destination_is_deleted(reached: Reached) -> None:
    destination = await reached.destination()
    link = await reached.link()
    await reached.admin.delete(f"/v1/destinations/{destination}")
    for answer in (await reached.anybody.get(link), await reached.anybody.post(link)):
        assert answer.status_code == 404
        assert "This link no longer counts" in answer.text


async def test_the_page_shows_no_more_than_its_destination_is_told(reached: Reached) -> None:
    await reached.destination(detail="counts")
    shown = (await reached.anybody.get(await reached.link())).text
    assert "1 linkage alert, high (88), Members" in shown
    assert "M████" not in shown
    assert "forum" not in shown


async def test_the_page_of_a_destination_that_is_told_all_is_redacted_all_the_same(reached: Reached) -> None:
    await reached.destination(detail="full")
    shown = (await reached.anybody.get(await reached.link())).text.lower()
    assert not [word for word in PROTECTED if word in shown]


async def test_the_page_lets_nothing_run_and_nothing_be_fetched_or_kept(reached: Reached) -> None:
    await reached.destination()
    link = await reached.link()
    for answer in (await reached.anybody.get(link), await reached.anybody.get("/incidents/x")):
        policy = answer.headers["content-security-policy"]
        style = re.search(r"<style>(.*?)</style>", answer.text, re.S)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script|javascript:|src=|href=|url\(|@import|\son\w+=", answer.text, re.I)


class Texts(HTMLParser):
    """The tags of a page, and the text that people see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_what_strangers_write_is_text_on_the_page(reached: Reached) -> None:
    await reached.destination()
    written = '</code><script>alert(1)</script><img src=x onerror="a()"> {{ 7*7 }} &lt;b&gt; https://evil.example/x'
    page = Texts()
    page.feed((await reached.anybody.get(await reached.link(excerpt=written))).text)
    assert not page.tags & {"script", "img", "b", "a"}
    assert '</code><script>alert(1)</script><img src=x onerror="a()"> {{ 7*7 }} &lt;b&gt; https[:]' in page.text


async def test_a_link_holds_neither_term_nor_name_and_is_not_logged(reached: Reached) -> None:
    await reached.destination()
    with capture_logs() as logs:
        link = await reached.link()
        await reached.anybody.get(link)
        await reached.anybody.post(link)
    assert re.fullmatch(r"/incidents/com_\w{24}~inc_\w{24}~dst_\w{24}~-~\d{10}~[0-9a-f]{32}", link)
    assert logs
    assert link.rpartition("~")[2] not in str(logs)
    assert "/incidents/{token}" in str(logs)


async def test_a_message_about_several_incidents_has_a_link_for_each(reached: Reached) -> None:
    found = [await reached.leak(), await reached.leak(number=2, evidence="another", matches=(), entities=())]
    destination = await reached.destination()
    service, at = reached.api.service, reached.api.clock.now()
    incidents = [await service.store.incident(reached.community.id, one) for one in found]
    async with service.store.transaction() as transaction:
        known = await transaction.destination(reached.community.id, destination)
        told = [ToldIncident(incident=one, event=EventType.INCIDENT_OPENED, since=at) for one in incidents]
        await plan_group(transaction, known, told, at)
    (body,) = await reached.deliver()
    assert body["data"]["link"] is None
    assert {one["incident"]["id"] for one in body["data"]["incidents"]} == set(found)
    for one in body["data"]["incidents"]:
        shown = await reached.anybody.get(one["link"].removeprefix(PUBLIC_URL))
        assert f"Incident: {one['incident']['id']} (open" in shown.text
        assert "<button>Acknowledge</button>" in shown.text


async def test_messages_that_tell_of_no_incident_carry_no_link(reached: Reached) -> None:
    destination = await reached.destination()
    service = reached.api.service
    async with service.store.transaction() as transaction:
        known = await transaction.destination(reached.community.id, destination)
        await plan_test(transaction, known, reached.api.clock.now())
    (body,) = await reached.deliver()
    assert body["type"] == "test.ping"
    assert body["data"]["link"] is None


@pytest.mark.parametrize(
    "address", ["http://leaks.example", "https://me@leaks.example", "https://leaks.example/?a=b", "leaks.example"]
)
def test_a_public_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings(public_url=address)


def test_a_public_address_is_https_or_on_this_machine() -> None:
    for address in (PUBLIC_URL, "http://127.0.0.1:8420", "https://leaks.example:8443/"):
        assert Settings(public_url=address).public_url is not None
