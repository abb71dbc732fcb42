"""Payment cards and bank accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from stdnum import bic, iban, luhn
from stdnum.es import ccc
from stdnum.exceptions import ValidationError
from stdnum.us import rtn

from core.types import EntityType
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table

_CARD_TOLD_CONFIDENCE = 0.97
_CARD_CONFIDENCE = 0.85
_IBAN_CONFIDENCE = 0.97
_CHECKED_CONFIDENCE = 0.9
_TOLD_CONFIDENCE = 0.75

_TABLE: dict[str, Any] = own_table("money.yaml")
_ACCOUNTS: dict[str, dict[str, Any]] = {row["name"]: row for row in _TABLE["accounts"]}
_CONTEXT = ContextWords(
    {"card": _TABLE["card_words"]} | {name: row["words"] for name, row in _ACCOUNTS.items()}, before=30, after=15
)
_ACCOUNT_FORMS = {name: re.compile(row["form"]) for name, row in _ACCOUNTS.items()}
_ACCOUNT_WORDS = any_of(word for row in _ACCOUNTS.values() for word in row["words"])

# Groups as on the card, or none. Bounded, and begins where no other could, so that the time is linear in the text.
_CARD = re.compile(
    r"(?<![\w.+@=/-])(?<!\d[ ,])(?:\d{4}(?P<sign>[ -])\d{4}(?P=sign)\d{4}(?P=sign)\d{1,7}"
    r"|\d{4}(?P<other>[ -])\d{6}(?P=other)\d{4,5}|\d{12,19})"
    r"(?![\w@]|[.,-]\d| \d)"
)
_IBAN = re.compile(r"(?<![\w])[a-z]{2}\s?\d{2}(?:[ -]?[a-z0-9]){11,30}")
_NUMBER = re.compile(r"(?<![\w.@-])(?:[a-z]{4}[a-z0-9]{4,7}|\d{1,20}(?:[- ][\dx]{1,11}){0,4})(?![\w@]|[.,]\d)")
_SIGNS = re.compile(r"[ -]")
_LONGEST_IBAN, _SHORTEST_IBAN = 34, 15


def _valid(check: Callable[[str], object]) -> Callable[[str], bool]:
    def is_valid(number: str) -> bool:
        try:
            check(number)
        except ValidationError:
            return False
        return True

    return is_valid


def _is_clabe(number: str) -> bool:
    # Banco de México, clave bancaria estandarizada: weights 3, 7, 1 over 17 digits, each product modulo 10.
    total = sum(int(digit) * weight % 10 for digit, weight in zip(number[:17], (3, 7, 1) * 6, strict=False))
    return len(number) == 18 and (10 - total % 10) % 10 == int(number[17])


_CHECKS: dict[str, Callable[[str], bool]] = {
    "us_routing": _valid(rtn.validate),
    "clabe": _is_clabe,
    "es_ccc": _valid(ccc.validate),
    "bic": _valid(bic.validate),
}


class MoneyRecogniser(TextRecogniser):
    """Sees cards by their issuers' ranges and the check digit (ISO/IEC 7812-1), IBANs by theirs (ISO 13616), and other
    accounts after words that tell of one (``money.yaml``)."""

    gate = Gate(
        r"[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}|[0-9]{4}[ -]?[0-9]{6}[ -]?[0-9]{4}"
        r"|(?:^|[^a-z0-9])[a-z]{2}\s?[0-9]{2}[ -]?[a-z0-9]{4}[ -]?[0-9]"
        rf"|(?:^|[^a-z0-9])(?:{_ACCOUNT_WORDS})[^a-z]",
        reach=70,
        digitless=rf"(?:^|[^a-z0-9])(?:{any_of(_ACCOUNTS['swift_code']['words'])})[^a-z]",
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the cards and accounts in a stretch."""
        text = stretch.folded.text
        context: ReadContext[str] | None = None
        for place in _CARD.finditer(text):
            number = _SIGNS.sub("", place[0])
            if _CARDS_TOLD.match(number) is None or not _is_checked(number):
                continue
            context = context or _CONTEXT.read(stretch.folded)
            is_told = "card" in context.distances(*place.span())
            if is_told or _CARDS.match(number):
                confidence = _CARD_TOLD_CONFIDENCE if is_told or place["sign"] else _CARD_CONFIDENCE
                yield _seen(EntityType.CREDIT_CARD, place.span(), confidence, "card")
        for place in _IBAN.finditer(text):
            if end := _iban_end(place):
                country = place[0][:2].upper()
                yield _seen(EntityType.IBAN, (place.start(), end), _IBAN_CONFIDENCE, "iban", country)
        for place in _NUMBER.finditer(text):
            context = context or _CONTEXT.read(stretch.folded)
            yield from _account(place, context)


def _account(place: re.Match[str], context: ReadContext[str]) -> Iterator[Seen]:
    for name in context.distances(*place.span()):
        row = _ACCOUNTS.get(name)
        if row is None or not _ACCOUNT_FORMS[name].fullmatch(place[0]):
            continue
        check = row.get("check")
        if check and not _CHECKS[check](_SIGNS.sub("", place[0])):
            continue
        confidence = _CHECKED_CONFIDENCE if check else _TOLD_CONFIDENCE
        yield _seen(EntityType.BANK_ACCOUNT, place.span(), confidence, name, row.get("country"))
        return


def _is_checked(number: str) -> bool:
    # One digit over and over passes too.
    return len(set(number)) > 2 and luhn.is_valid(number)


def _iban_end(place: re.Match[str]) -> int | None:
    """Return where the IBAN ends that begins at a place: words may follow it."""
    text = place[0]
    length = len(text)
    while length >= _SHORTEST_IBAN:
        number = _SIGNS.sub("", text[:length])
        following = place.string[place.start() + length : place.start() + length + 1]
        if len(number) <= _LONGEST_IBAN and not following.isalnum() and _is_iban(number):
            return place.start() + length
        cut = max(text.rfind(" ", 0, length), text.rfind("-", 0, length))
        length = cut
    return None


_is_iban = _valid(lambda number: iban.validate(number, check_country=False))


def _seen(
    kind: EntityType, span: tuple[int, int], confidence: float, recogniser: str, country: str | None = None
) -> Seen:
    return Seen(kind, *span, confidence, recogniser, country)


def _issuers(*, told: bool) -> re.Pattern[str]:
    """Return a pattern for the numbers of the issuers, also of those that count only where a word tells."""
    forms = []
    for row in _TABLE["cards"].values():
        if told or "told" not in row:
            begins = "|".join(begin for one in row["begins"] for begin in _range(str(one)))
            lengths = "|".join(rf"\d{{{length}}}$" for length in row["lengths"])
            forms.append(rf"(?={begins})(?:{lengths})")
    return re.compile("|".join(forms))


def _range(written: str) -> list[str]:
    first, dash, last = written.partition("-")
    return [str(number) for number in range(int(first), int(last) + 1)] if dash else [first]


_CARDS, _CARDS_TOLD = _issuers(told=False), _issuers(told=True)
