"""Entities: e-mail addresses, phone numbers, links, names on networks, positions."""

from __future__ import annotations

import pytest

from core.types import EntityType
from tests.entity_fixtures import found, seen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("write to maria.g+tag@mail.harbor.example!", "maria.g+tag@mail.harbor.example"),
        ("邮箱maria@harbor.example是", "maria@harbor.example"),
        ("иван@пример.рф", "иван@пример.рф"),
        ("maria@harbor[.]example", "maria@harbor[.]example"),
        ("maria{at}harbor.com", "maria{at}harbor.com"),
        ("maria AT harbor DOT org", "maria AT harbor DOT org"),
        ("maria -at- harbor -dot- com", "maria -at- harbor -dot- com"),
        ("maria arroba harbor punto org", "maria arroba harbor punto org"),
        ("maria_g (at) gmail (dot) com", "maria_g (at) gmail (dot) com"),
        ("maria @ harbor . com", "maria @ harbor . com"),
        ("write heron77 at gmail", "heron77 at gmail"),
        ("heron77@gmail", "heron77@gmail"),
        ("look at amazon dot com", None),
        ("maria at harbor dot nosuchend", None),
        ("look at live tv", None),
        ("costs 5 @ 3.50 each", None),
        ("@maria look at @anna", None),
    ],
)
def test_an_email_address_is_seen_however_it_is_hidden(text: str, address: str | None) -> None:
    assert found(text, EntityType.EMAIL) == ([address] if address else [])


@pytest.mark.parametrize(
    ("text", "number", "country"),
    [
        ("+33 6 12 34 56 78", "+33 6 12 34 56 78", "FR"),
        ("00 44 20 7946 0958", "00 44 20 7946 0958", "GB"),
        ("+7 912 345-67-89 ok", "+7 912 345-67-89", "RU"),
        ("(202) 555-0143", "(202) 555-0143", "US"),
        ("(202)555-0143", "(202)555-0143", "US"),
        ("tel 202.555.0143 ext. 12", "202.555.0143 ext. 12", "US"),
        ("+1-743-438-6774x62406", "+1-743-438-6774x62406", "US"),
        ("001-755-329-4431", "001-755-329-4431", None),
        ("Suite 612 020 7946 0958", "020 7946 0958", "GB"),
        ("my number is 2025550143", "2025550143", "US"),
        ("You can call 33 93 31", "33 93 31", None),
        ("Phone: 451 5986", "451 5986", None),
        ("(37) 788-063-Office", "(37) 788-063", None),
        ("Harborville 34796\n(37) 788-063-Office", "(37) 788-063", None),
        ("maria@harbor.example, 070-073-058", "070-073-058", None),
        ("тел: 8 (912) 345-67-89", "8 (912) 345-67-89", None),
        ("电话:13812345678", "13812345678", None),
        ("هاتف ٠٥٥١٢٣٤٥٦٧", "٠٥٥١٢٣٤٥٦٧", None),
        ("móvil 612 345 678", "612 345 678", None),
        ("two oh two five five five oh one four three", "two oh two five five five oh one four three", "US"),
        ("555-0143 is a lot", None, None),
        ("rated 100 000 200 times", None, None),
        ("between 1914-1918 and 1939-1945", None, None),
        ("on 11-12-1999 12:30:44", None, None),
        ("ISBN 978-0-306-40615-7", None, None),
        ("pi is 3.14159265358979", None, None),
        ("call of duty 2000000", None, None),
        ("order 202-555-0143", None, None),
        ("one two three four five six seven", None, None),
        ("id 2025550143", None, None),
    ],
)
def test_a_phone_number_is_seen_where_a_plan_or_the_context_tells(
    text: str, number: str | None, country: str | None
) -> None:
    phones = [entity for entity in seen(text) if entity.type is EntityType.PHONE]
    assert [(entity.found, entity.country) for entity in phones] == ([(number, country)] if number else [])


def test_a_number_that_no_plan_has_is_less_sure_than_one_that_a_plan_has() -> None:
    (valid, told, by_form) = (
        seen(text)[0].confidence for text in ("tel. 202-555-0143", "tel. 070-073-058", "001-755-329-4431")
    )
    assert valid > told > by_form


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see https://harbor.example/a?b=c, ok", "https://harbor.example/a?b=c"),
        ("(https://harbor.example/a_(b))", "https://harbor.example/a_(b)"),
        ("[here](https://harbor.example/a)", "https://harbor.example/a"),
        ("https://harbor.example/a%20b%2Fc d", "https://harbor.example/a%20b%2Fc"),
        ("https://harbor.example/看", "https://harbor.example/"),
        ("www.harbor.org.", "www.harbor.org"),
        ("harbor.org/about!", "harbor.org/about"),
        ("hxxps://harbor[.]example/x", "hxxps://harbor[.]example/x"),
        ("https://twitter.com/search?q=x", "https://twitter.com/search?q=x"),
        ("https://x.com/maria_g/status/123", "https://x.com/maria_g/status/123"),
        ("and/or he.she/it", None),
        ("harbor.org is a site", None),
        ("version 2.0/3.0", None),
    ],
)
def test_a_link_is_seen(text: str, link: str | None) -> None:
    assert found(text, EntityType.URL) == ([link] if link else [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://www.instagram.com/maria.g_77/?hl=en", "https://www.instagram.com/maria.g_77/?hl=en"),
        ("check t.me/maria_g now", "t.me/maria_g"),
        (
            "https://www.facebook.com/profile.php?id=100012345678",
            "https://www.facebook.com/profile.php?id=100012345678",
        ),
        ("https://www.linkedin.com/in/maria-g-77/", "https://www.linkedin.com/in/maria-g-77/"),
        ("https://fedi.example/@maria", "https://fedi.example/@maria"),
        ("https://discord.gg/abcDEF", "https://discord.gg/abcDEF"),
        ("https://maria.tumblr.com/", "https://maria.tumblr.com/"),
        ("insta: maria.g", "maria.g"),
        ("Insta: maria", "maria"),
        ("ig - maria_g", "maria_g"),
        ("twitter handle is night_heron", "night_heron"),
        ("telegram @maria_g", "@maria_g"),
        ("follow me on instagram @maria.g", "@maria.g"),
        ("@maria_g on twitter", "@maria_g"),
        ("discord: heron#1234", "heron#1234"),
        ("nightheron#1234 is back", "nightheron#1234"),
        ("wechat id: maria_77", "maria_77"),
        ("вк: maria77", "maria77"),
        ("u/night_heron wrote", "u/night_heron"),
        ("@maria@fedi.example", "@maria@fedi.example"),
        ("https://twitter.com/home", None),
        ("my insta is private", None),
        ("Twitter: Maria has left", None),
        ("facebook is great", None),
        ("@maria hello", None),
        ("see issue#1234", None),
        ("r/night_heron", None),
    ],
)
def test_a_name_on_a_network_is_seen_in_links_and_next_to_the_networks_name(text: str, name: str | None) -> None:
    assert found(text, EntityType.SOCIAL_HANDLE) == ([name] if name else [])


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("40.712776, -74.005974", "40.712776, -74.005974"),
        ("at (40.7127, -74.0059)", "40.7127, -74.0059"),
        ("lat: 40.71 lon: -74.00", "40.71 lon: -74.00"),
        ("coords 40.71 -74.00", "40.71 -74.00"),
        ("52.5200° N, 13.4050° E", "52.5200° N, 13.4050° E"),
        ("40°42'46\"N 74°00'22\"W", "40°42'46\"N 74°00'22\"W"),
        ("N 40° 42.767' W 074° 00.360'", "N 40° 42.767' W 074° 00.360'"),
        ("87G8P27Q+JG", "87G8P27Q+JG"),
        ("///filled.count.soap", "///filled.count.soap"),
        ("geo:37.786971,-122.399677", "geo:37.786971,-122.399677"),
        ("https://maps.app.goo.gl/AbCdEfg", "https://maps.app.goo.gl/AbCdEfg"),
        ("https://www.google.com/maps/@40.7127,-74.0059,15z", "https://www.google.com/maps/@40.7127,-74.0059,15z"),
        ("https://www.openstreetmap.org/#map=19/52.51,13.37", "https://www.openstreetmap.org/#map=19/52.51,13.37"),
        ("costs 12.50, 13.70", None),
        ("95.1234, 200.5678", None),
        ("0.0000, 0.0000", None),
        ("it is 25° north of here", None),
        ("https://www.google.com/search?q=maps", None),
    ],
)
def test_a_position_is_seen(text: str, position: str | None) -> None:
    assert found(text, EntityType.GEO_COORDINATES) == ([position] if position else [])
