"""Which site a document stands on, and which addresses lead to the same page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.links import page_of, pages_linked, site_of
from core.types import Document, Match, Span, TermKind
from tests.alerting_fixtures import alert


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.forum.example/t/1", "forum.example"),
        ("http://old.forum.example:8080/t/1", "forum.example"),
        ("https://harbor.blogspot.com/2026", "harbor.blogspot.com"),
        ("http://192.0.2.7/x", "192.0.2.7"),
        (None, "a feed"),
        ("not an address", "a feed"),
        ("http://[broken", "a feed"),
    ],
)
def test_the_site_is_the_registered_domain_or_the_source(url: str | None, site: str) -> None:
    assert site_of(Document(id="1", text="", source="a feed", url=url)) == site


def test_a_document_without_address_and_source_stands_on_no_known_site() -> None:
    assert site_of(Document(id="1", text="")) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://forum.example/t/1",
        "http://www.forum.example/t/1/",
        "https://old.forum.example/t/1?utm_source=x&fbclid=3#reply",
        "https://FORUM.example:443/t/1",
    ],
)
def test_addresses_of_one_page_are_one(url: str) -> None:
    assert page_of(url) == page_of("https://forum.example/t/1")


@pytest.mark.parametrize(
    "url", ["https://forum.example/t/2", "https://forum.example/t/1?page=2", "https://forum.example:8443/t/1"]
)
def test_other_pages_are_others(url: str) -> None:
    assert page_of(url) not in (None, page_of("https://forum.example/t/1"))


@pytest.mark.parametrize(
    "url", ["https://forum.example/", "https://forum.example", "mailto:a@b.example", "", "http://["]
)
def test_a_whole_site_and_what_is_no_page_are_none(url: str) -> None:
    assert page_of(url) is None


def test_links_beside_what_was_found_count_unless_they_hold_it() -> None:
    text = (
        "raven was found out: https://paste.example/abc. See https://forum.example/u/raven, " + "and so on " * 60
    ) + "https://far.example/away"
    matches = tuple(
        Match(term_id="t1", kind=TermKind.PSEUDONYM, span=Span("text", at, at + 5), found="raven")
        for at in (text.index("raven"), text.rindex("raven"))
    )
    one = replace(alert(), matches=matches, document=replace(alert().document, text=text))
    assert pages_linked(one) == {page_of("https://paste.example/abc")}
