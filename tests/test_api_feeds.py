"""A private feed of incidents: by its address alone, redacted, and good for nothing else."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import httpx2
import pytest
from hypothesis import given
from structlog.testing import capture_logs

from alerting.feed import feed
from core.types import Alert, Community, Document, Severity
from tests.alerting_fixtures import START
from tests.api_service import Api, assert_problem
from tests.channel_fixtures import NOTICE, hostile, longest, with_text
from tests.test_channels_markup import read
from tests.test_messages import LINKS_AND_MENTIONS

pytest_plugins = ["tests.api_fixtures"]

SECRETS = ("night_heron", "maria", "gonzalez")


async def feed_token(admin: httpx2.AsyncClient, *scopes: str) -> str:
    made = await admin.post("/v1/keys", json={"name": "reader", "scopes": list(scopes or ("feed",))})
    assert made.status_code == 201
    token: str = made.json()["token"]
    return token


async def leak(api: Api, harbor: Community, watchlist: str, number: int, **changes: Any) -> Alert:
    """Raise an alert about a leak that is like no other."""
    words = sha256(str(number).encode()).hexdigest()
    text = f"{words[:9]} {words[9:16]} night_heron {words[16:30]} {words[30:44]} {words[44:]}"
    document = Document(
        id=f"forum:{number}", external_id=str(number), source="forum", text=text, title="about Maria Gonzalez",
        url=f"https://{words[:9]}.example/night_heron", fetched_at=api.clock.now(),
    )  # fmt: skip
    return await api.alert(harbor, watchlist, document=document, **changes)


async def entries(client: httpx2.AsyncClient, token: str, query: str = "") -> list[Any]:
    answer = await client.get(f"/v1/feeds/{token}/incidents.atom{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/atom+xml"
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo
    found: list[Any] = parsed.entries
    return found


@pytest.fixture
async def watchlist(admin: httpx2.AsyncClient) -> str:
    made: str = (await admin.post("/v1/watchlists", json={"name": "Members"})).json()["id"]
    return made


async def test_a_reader_of_feeds_sees_the_newest_incident_first_and_nothing_protected(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, watchlist: str
) -> None:
    await leak(api, harbor, watchlist, 1)
    api.forward(minutes=5)
    newest = await leak(api, harbor, watchlist, 2)
    nobody = await api.client()
    token = await feed_token(admin)
    shown = await entries(nobody, token)
    assert [entry.title for entry in shown] == ["1 linkage alert, high (88), Members"] * 2
    assert f"Incident: {newest.incident_id}" in shown[0].summary
    assert shown[0].updated_parsed > shown[1].updated_parsed
    text = (await nobody.get(f"/v1/feeds/{token}/incidents.atom")).text.lower()
    assert "so █████ is really m████ g███████" in text
    assert "content note: private data" in text
    assert not [secret for secret in SECRETS if secret in text]
    assert token.lower() not in text


async def test_an_entry_keeps_its_identity_and_says_how_the_incident_ended(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, watchlist: str
) -> None:
    alert = await leak(api, harbor, watchlist, 1)
    token = await feed_token(admin)
    (opened,) = await entries(admin, token)
    api.forward(hours=1)
    await admin.post(f"/v1/incidents/{alert.incident_id}/dismiss", json={"reason": "it is about Maria Gonzalez"})
    (closed,) = await entries(admin, token)
    assert closed.id == opened.id
    assert closed.title == "Closed: 1 linkage alert, high (88), Members, dismissed"
    assert "Maria" not in closed.summary


async def test_a_feed_is_told_what_is_grave_enough_and_new_enough(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, watchlist: str
) -> None:
    token = await feed_token(admin)
    await leak(api, harbor, watchlist, 1, score=30)
    assert await entries(admin, token) == []
    assert len(await entries(admin, token, "?minimum_severity=low")) == 1
    api.forward(days=31)
    assert await entries(admin, token, "?minimum_severity=low") == []
    assert_problem(await admin.get(f"/v1/feeds/{token}/incidents.atom?minimum_severity=loud"), 422)


async def test_a_feed_has_the_fifty_incidents_that_changed_last(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, watchlist: str
) -> None:
    raised = []
    for number in range(55):
        api.forward(minutes=1)
        raised.append(await leak(api, harbor, watchlist, number))
    shown = await entries(admin, await feed_token(admin))
    assert len({alert.incident_id for alert in raised}) == 55
    assert len(shown) == 50
    assert f"Incident: {raised[-1].incident_id}" in shown[0].summary
    assert f"Incident: {raised[5].incident_id}" in shown[-1].summary


async def test_another_community_has_another_feed(
    api: Api, harbor: Community, admin: httpx2.AsyncClient, stranger: httpx2.AsyncClient, watchlist: str
) -> None:
    await leak(api, harbor, watchlist, 1)
    assert len(await entries(stranger, await feed_token(admin))) == 1
    assert await entries(admin, await feed_token(stranger)) == []


async def test_only_a_key_for_feeds_alone_has_a_feed_and_it_opens_nothing_else(
    api: Api, admin: httpx2.AsyncClient
) -> None:
    nobody = await api.client()
    for scopes in (("read",), ("admin",), ("feed", "read")):
        token = await feed_token(admin, *scopes)
        assert_problem(await nobody.get(f"/v1/feeds/{token}/incidents.atom"), 404)
    token = await feed_token(admin)
    reader = await api.client(token)
    for path in ("/v1/incidents", "/v1/alerts", "/v1/destinations", "/v1/keys", "/metrics"):
        assert_problem(await reader.get(path), 403)
    for path in (
        "lw_wrong/incidents.atom",
        "/incidents.atom",
        "",
        f"{token}",
        f"{token}/alerts.atom",
        "é/incidents.atom",
    ):
        assert_problem(await nobody.get(f"/v1/feeds/{path}"), 404)
    assert_problem(await reader.get("/v1/feeds/lw_wrong/incidents.atom"), 404)


async def test_a_revoked_address_is_gone_and_nobody_logs_it(admin: httpx2.AsyncClient) -> None:
    made = (await admin.post("/v1/keys", json={"name": "reader", "scopes": ["feed"]})).json()
    address = f"/v1/feeds/{made['token']}/incidents.atom"
    with capture_logs() as logs:
        assert (await admin.get(address)).status_code == 200
        assert (await admin.delete(f"/v1/keys/{made['id']}")).status_code == 204
        gone = await admin.get(address)
        measures = (await admin.get("/metrics")).text
    assert_problem(gone, 404)
    assert made["token"] not in repr(logs) + measures + gone.text
    assert "/v1/feeds/{token}/incidents.atom" in repr(logs)


@given(hostile, hostile)
def test_no_text_makes_a_link_or_markup_in_a_feed(text: str, named: str) -> None:
    written = feed("com_1", named, [with_text(text, named=named)], START)
    (content,) = ElementTree.fromstring(written).iter("{http://www.w3.org/2005/Atom}content")  # noqa: S314  # our own
    assert content.text is not None
    shown = read(content.text)
    assert shown.tags <= {("p", False), ("strong", False), ("code", False), ("br", False)}
    assert not LINKS_AND_MENTIONS.search(shown.text)


@pytest.mark.parametrize("character", ["x", "<", "😀"], ids=ascii)
def test_the_longest_entry_is_bounded_and_keeps_why(character: str) -> None:
    written = feed("com_1", "Harbor", [longest(character, alerts=20)] * 50, START).decode()
    assert len(written) < 50 * 100_000
    assert written.count("the watched pseudonym stands 12 words") >= 50 * 8
    assert Severity.CRITICAL in written


def test_a_feed_without_incidents_is_whole() -> None:
    parsed = feedparser.parse(feed("com_1", NOTICE.community, [], START))
    assert (parsed.feed.title, parsed.entries, parsed.bozo) == ("Leakwatch: Harbor Commons ⚓", [], False)
