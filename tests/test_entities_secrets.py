"""Entities: network addresses, cards, bank accounts, wallets, logins and keys."""

from __future__ import annotations

import pytest

from core.types import EntityType
from tests.entity_fixtures import found, seen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("my ip is 203.0.113.77 ok", "203.0.113.77"),
        ("ip: 1.2.3.4", "1.2.3.4"),
        ("at 203[.]0[.]113[.]77", "203[.]0[.]113[.]77"),
        ("2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334"),
        ("3b20:9a3a:1b2f:7ce:9ef1:4787:85fc:261e", "3b20:9a3a:1b2f:7ce:9ef1:4787:85fc:261e"),
        ("version 10.20.30.40", None),
        ("chapter 1.2.3.4", None),
        ("203.0.113.777", None),
        ("0.0.0.0", None),
        ("at 12:30:45", None),
        ("std::vector a::b", None),
    ],
)
def test_an_ip_address_is_seen(text: str, address: str | None) -> None:
    assert found(text, EntityType.IP_ADDRESS) == ([address] if address else [])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mac 00:1A:2b:3c:4d:5e", "00:1A:2b:3c:4d:5e"),
        ("001a.2b3c.4d5e", "001a.2b3c.4d5e"),
        ("00-1a-2b-3c-4d-5e", "00-1a-2b-3c-4d-5e"),
        ("on 12-11-19-12-30-44", None),
        ("ff:ff:ff:ff:ff:ff", None),
        ("key 00:1a:2b:3c:4d:5e:6f:70", None),
    ],
)
def test_a_hardware_address_is_seen(text: str, address: str | None) -> None:
    assert found(text, EntityType.MAC_ADDRESS) == ([address] if address else [])


@pytest.mark.parametrize(
    ("text", "kind", "number", "country"),
    [
        ("4454 7945 1139 0933", EntityType.CREDIT_CARD, "4454 7945 1139 0933", None),
        ("my card 4454794511390933.", EntityType.CREDIT_CARD, "4454794511390933", None),
        ("amex 3782 822463 10005", EntityType.CREDIT_CARD, "3782 822463 10005", None),
        ("is card 584528792610 lost", EntityType.CREDIT_CARD, "584528792610", None),
        ("584528792610", EntityType.CREDIT_CARD, None, None),
        ("4454 7945 1139 0934", EntityType.CREDIT_CARD, None, None),
        ("0000000000000000", EntityType.CREDIT_CARD, None, None),
        ("IBAN GB59IFUE40226315499137 ok", EntityType.IBAN, "GB59IFUE40226315499137", "GB"),
        ("to DE89 3704 0044 0532 0130 00 now", EntityType.IBAN, "DE89 3704 0044 0532 0130 00", "DE"),
        ("GB59IFUE40226315499138", EntityType.IBAN, None, None),
        ("account number 12345678", EntityType.BANK_ACCOUNT, "12345678", None),
        ("sort code 12-34-56", EntityType.BANK_ACCOUNT, "12-34-56", "GB"),
        ("routing 021000021", EntityType.BANK_ACCOUNT, "021000021", "US"),
        ("CLABE 032180000118359719", EntityType.BANK_ACCOUNT, "032180000118359719", "MX"),
        ("BSB 062-000", EntityType.BANK_ACCOUNT, "062-000", "AU"),
        ("Kontonummer 1234567", EntityType.BANK_ACCOUNT, "1234567", None),
        ("расчетный счет 40702810500000012345", EntityType.BANK_ACCOUNT, "40702810500000012345", None),
        ("CLABE 032180000118359718", EntityType.BANK_ACCOUNT, None, None),
        ("routing 021000022", EntityType.BANK_ACCOUNT, None, None),
        ("it is 12345678", EntityType.BANK_ACCOUNT, None, None),
    ],
)
def test_a_card_or_account_is_seen_by_its_check_digits_or_a_word(
    text: str, kind: EntityType, number: str | None, country: str | None
) -> None:
    entities = [entity for entity in seen(text) if entity.type is kind]
    assert [(entity.found, entity.country) for entity in entities] == ([(number, country)] if number else [])


@pytest.mark.parametrize(
    ("address", "recogniser"),
    [
        ("1NEDqZPvTWRaoho48qXuLLsrYomMXPABfD", "bitcoin_address"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bitcoin_segwit_address"),
        ("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "bitcoin_segwit_address"),
        ("0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae", "ethereum_address"),
        ("rEb8TK3gBgk5auZkwc6sHnwrGVJH8DuaLh", "ripple_address"),
        ("1NEDqZPvTWRaoho48qXuLLsrYomMXPABfX", None),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp", None),
        ("0xde0b295669a9fd93d5f28d9ec85e40f4cb697ba", None),
    ],
)
def test_a_wallets_address_is_seen_by_its_check_digits(address: str, recogniser: str | None) -> None:
    entities = [entity for entity in seen(f"send it to {address}!") if entity.type is EntityType.CRYPTO_ADDRESS]
    assert [(entity.found, entity.recogniser) for entity in entities] == ([(address, recogniser)] if recogniser else [])


LIST = "night_heron:Sommer2019!\nkestrel77:hunter2xx\nwren_x:pass1word\n"


@pytest.mark.parametrize(
    ("text", "logins"),
    [
        ("maria@harbor.example:Sommer2019!", ["maria@harbor.example:Sommer2019!"]),
        (LIST, LIST.split()),
        ("password: hunter2", ["hunter2"]),
        ("my password is hunter2.", ["hunter2"]),
        ('wifi password: "blue sky 77"', ["blue sky 77"]),
        ("pwd=geheim77 x", ["geheim77"]),
        ("пароль: ромашка77", ["ромашка77"]),
        ("contraseña: girasol_9", ["girasol_9"]),
        ("密码是heron2024", ["heron2024"]),
        ("ftp://root:toor99@harbor.example/x", ["root:toor99@harbor.example"]),
        ("password is important", []),
        ("password: required", []),
        ("password: ********", []),
        ("password = getpass()", []),
        ("see https://harbor.example:8080", []),
        ("at 12:30\nat 13:40\nat 14:50\n", []),
        ("Name: Zorvek\nCity: Harborville\nJob: Sailor\n", []),
    ],
)
def test_a_login_is_seen(text: str, logins: list[str]) -> None:
    assert found(text, EntityType.CREDENTIAL) == logins


@pytest.mark.parametrize(
    ("key", "recogniser"),
    [
        ("AKIA" + "Q7" * 8, "aws_access_key"),
        ("ghp_" + "a1B2" * 9, "github_token"),
        ("xoxb-" + "1234567890-abcDEF", "slack_token"),
        ("AIza" + "Sy0-_" * 7, "google_key"),
        ("sk_live_" + "a1B2c3D4" * 3, "stripe_key"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJoZXJvbiJ9.c2lnbmF0dXJl", "json_web_token"),
        ("123456789:AA" + "x1Y-" * 8 + "z", "telegram_token"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "private_key_block"),
    ],
)
def test_a_secret_key_is_seen_by_its_issuers_form(key: str, recogniser: str) -> None:
    (entity,) = seen(f"look: {key} there")
    assert (entity.type, entity.found, entity.recogniser) == (EntityType.SECRET_KEY, key, recogniser)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('api_key = "4f9a8b7c6d5e4f3a2b1c0d9e"', ["4f9a8b7c6d5e4f3a2b1c0d9e"]),
        ("Authorization: Bearer 4f9a8b7c6d5e4f3a2b1c0d9e", ["4f9a8b7c6d5e4f3a2b1c0d9e"]),
        ("seed phrase: " + "heron lake moss " * 4, ["heron lake moss " * 3 + "heron lake moss"]),
        ("api_key = your_api_key_goes_here", []),
        ("the private key is important to understand", []),
        ("ghp_short", []),
    ],
)
def test_a_key_after_a_word_for_one_is_seen_if_it_looks_random(text: str, keys: list[str]) -> None:
    assert found(text, EntityType.SECRET_KEY) == keys
