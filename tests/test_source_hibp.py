"""Have I Been Pwned: real HTTP on loopback with answers as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from core.errors import SourceBroken, SourceError, SourceUnavailable
from core.ports import SourceContext
from core.types import Page
from monitor.parts import build_parts
from monitor.wiring import open_service
from sources.hibp import HibpSettings, HibpSource
from tests.service_fixtures import ManualClock, add, import_sample, settings_for
from tests.source_fixtures import loopback_context, poll_anew

EXPOSED: dict[str, Any] = {
    "night_heron": ["Adobe"],
    "mods": ["Adobe", "Gawker"],
    "odd": 7,
}
WATCHLIST = """
version: 1
community: Harbor Commons
watchlists: [{name: Site, terms: [{id: a, kind: domain, value: harborcommons.example}]}]
"""


def breach(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Title": name,
        "Domain": f"{name.lower()}.example",
        "BreachDate": "2013-10-04",
        "AddedDate": "2013-12-04T00:00:00Z",
        "ModifiedDate": "2022-05-15T23:52:49Z",
        "PwnCount": 152445165,
        "Description": "In October 2013, 153 million accounts were breached …",
        "DataClasses": ["Email addresses", "Passwords"],
        "IsVerified": True,
        "IsFabricated": False,
        "IsSensitive": False,
        "IsRetired": False,
        "IsSpamList": False,
        "IsMalware": False,
        "IsStealerLog": False,
        **fields,
    }


@pytest.fixture
async def context() -> AsyncIterator[SourceContext]:
    async with loopback_context("Breaches") as context:
        yield replace(context, clock=ManualClock())


class Place:
    """What the API answers, and what it was asked."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.breaches: Any = [breach("Adobe"), breach("Gawker", IsVerified=False), breach("LinkedIn")]
        self.exposed: Any = EXPOSED
        self.status = 200
        self.asked: list[Request] = []
        self.url = httpserver.url_for("/api/v3")
        httpserver.expect_request("/api/v3/latestbreach").respond_with_handler(lambda _: self.answer(self.breaches[-1]))
        httpserver.expect_request("/api/v3/breaches").respond_with_handler(lambda _: self.answer(self.breaches))
        httpserver.expect_request("/api/v3/breacheddomain/harborcommons.example").respond_with_handler(self.domain)

    def answer(self, content: object, status: int = 200) -> Response:
        return Response(json.dumps(content), status, content_type="application/json")

    def domain(self, request: Request) -> Response:
        self.asked.append(request)
        if request.headers.get("hibp-api-key") != "hibp-secret":
            return self.answer({"statusCode": 401, "message": "Access denied due to invalid hibp-api-key."}, 401)
        return self.answer(self.exposed if self.status == 200 else {}, self.status)


@pytest.fixture
def place(httpserver: HTTPServer) -> Place:
    return Place(httpserver)


async def poll(place: Place, context: SourceContext, cursor: Any = None, **settings: Any) -> Page:
    values = {"domain": "harborcommons.example", "api_key": "hibp-secret", "url": place.url, **settings}
    return await poll_anew(HibpSource, HibpSettings, values, context, cursor)


def pass_a_day(context: SourceContext) -> None:
    assert isinstance(context.clock, ManualClock)
    context.clock.moment += timedelta(days=1)


async def test_a_breach_says_how_many_addresses_are_in_it_and_not_whose(place: Place, context: SourceContext) -> None:
    page = await poll(place, context)
    adobe, gawker = page.documents
    assert adobe.id == f"Breaches:{adobe.external_id}"
    assert "adobe" not in adobe.id.lower()
    assert (adobe.title, adobe.url) == ("Breach: Adobe", "https://haveibeenpwned.com/Breach/Adobe")
    assert adobe.text == (
        "2 addresses at harborcommons.example are in it.\n"
        "What was exposed: Email addresses, Passwords.\nIt happened on 2013-10-04."
    )
    assert adobe.published_at == datetime(2013, 12, 4, tzinfo=UTC)
    assert gawker.text.startswith("1 address at harborcommons.example is in it.")
    assert gawker.text.endswith("Whether the data are real was not verified.")
    assert "heron" not in json.dumps(page.cursor)


async def test_addresses_are_named_where_that_is_wished(place: Place, context: SourceContext) -> None:
    adobe, _ = (await poll(place, context, addresses=True)).documents
    assert adobe.text.endswith("Addresses: mods@harborcommons.example, night_heron@harborcommons.example")


async def test_only_breaches_that_are_new_or_grew_are_given_again(place: Place, context: SourceContext) -> None:
    first = await poll(place, context)
    pass_a_day(context)
    place.exposed = EXPOSED | {"newcomer": ["Gawker"]}
    second = await poll(place, context, first.cursor)
    assert [document.title for document in second.documents] == ["Breach: Gawker"]
    pass_a_day(context)
    assert (await poll(place, context, second.cursor)).documents == ()


async def test_the_domain_is_asked_for_again_only_after_a_new_breach_or_a_day(
    place: Place, context: SourceContext
) -> None:
    first = await poll(place, context)
    second = await poll(place, context, first.cursor)
    assert (second.documents, second.cursor, len(place.asked)) == ((), first.cursor, 1)
    place.breaches = [*place.breaches, breach("Forum", AddedDate="2026-11-20T00:00:00Z")]
    place.exposed = EXPOSED | {"mods": ["Forum"]}
    third = await poll(place, context, second.cursor)
    assert "Breach: Forum" in [document.title for document in third.documents]
    assert len(place.asked) == 2


async def test_without_a_key_a_breach_of_the_site_itself_is_seen_and_nothing_of_it_is_sent(
    place: Place, context: SourceContext, httpserver: HTTPServer
) -> None:
    place.breaches = [
        breach("Harbor", Domain="www.harborcommons.example"),
        breach("NotHarbor", Domain="x-harborcommons.example"),
    ]
    (document,) = (await poll(place, context, api_key="")).documents
    assert document.text.startswith("The site harborcommons.example itself was breached: 152445165 accounts.")
    assert place.asked == []
    assert not any("harborcommons" in request.url for request, _ in httpserver.log)


async def test_a_domain_in_no_breach_gives_nothing(place: Place, context: SourceContext) -> None:
    place.status = 404
    assert (await poll(place, context)).documents == ()


@pytest.mark.parametrize(("status", "error"), [(401, SourceBroken), (403, SourceBroken), (503, SourceUnavailable)])
async def test_a_refusal_names_no_key(
    place: Place, context: SourceContext, status: int, error: type[SourceError]
) -> None:
    place.status = status
    with pytest.raises(error, match=f"status {status}") as caught:
        await poll(place, context)
    assert "secret" not in str(caught.value)


async def test_what_is_not_as_documented_is_passed_over(place: Place, context: SourceContext) -> None:
    place.breaches = [
        7, {}, {"Name": 7}, breach("Adobe", Title=None, DataClasses=[7, "Passwords"], BreachDate=9, AddedDate="soon"),
        breach("Gawker", DataClasses="x", PwnCount="many", Domain=None),
    ]  # fmt: skip
    place.exposed = EXPOSED | {"x": [7, None, {}], "y": {"a": 1}}
    titles = {document.title for document in (await poll(place, context)).documents}
    assert titles == {"Breach: Adobe", "Breach: Gawker"}
    place.breaches = {"message": "x", -1: {}}
    place.exposed = []
    with pytest.raises(SourceBroken, match="something else than breaches"):
        await poll(place, context)


@pytest.mark.parametrize(
    "domain", ["", "harbor", "a b.example", "../x.example", "Harbor.example", "1.2.3.4", "a.example/"]
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValidationError):
        HibpSettings(domain=domain)


async def test_a_breach_raises_an_alert_where_the_domain_is_watched(place: Place, tmp_path: Any) -> None:
    clock = ManualClock()
    raised: list[Any] = []
    async with open_service(build_parts(settings_for(tmp_path), clock), raised=raised.extend) as service:
        community = await import_sample(service, tmp_path, WATCHLIST)
        await add(service, community, "hibp", {
            "domain": "harborcommons.example", "api_key": "hibp-secret", "url": place.url, "addresses": True,
        })  # fmt: skip
        lease = await service.store.take_due_source(clock.now(), timedelta(minutes=5))
        assert lease is not None
        await service.scheduler.poll(lease)
    assert len(raised) == 2
    assert not any("night_heron" in alert.excerpt for alert in raised)
