"""The invented addresses and what only looks like one, under tests/entities, with the way to measure a recogniser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.types import Document
from matchers.entities.addresses import AddressRecogniser
from matchers.entities.looking import looked_at

PLACE = Path(__file__).parent / "entities" / "addresses.yaml"
_MARKED = re.compile("⟦(.*?)⟧", re.DOTALL)
HELD = 4
"""One row in so many of each list is held out: no rule was made by looking at it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A text with the place of its address, None where it holds none."""

    country: str
    text: str
    address: tuple[int, int] | None
    is_held: bool


def load_rows() -> Sequence[Row]:
    """Return all rows, those of a country together; what holds no address has the country ``none``."""
    lists = yaml.safe_load(PLACE.read_text(encoding="utf-8"))
    return list(_rows({**lists["addresses"], "none": lists["not_addresses"]}))


def _rows(lists: dict[str, list[str]]) -> Iterator[Row]:
    for country, texts in lists.items():
        for number, text in enumerate(texts):
            place = _MARKED.search(text)
            address = None if place is None else (place.start(), place.end() - 2)
            held = number % HELD == HELD - 1
            yield Row(country=country, text=_MARKED.sub(r"\1", text), address=address, is_held=held)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the recogniser sees in a text: the place, its certainty and the country it tells."""

    start: int
    end: int
    confidence: float
    recogniser: str
    country: str | None


def addresses_in(recogniser: AddressRecogniser, text: str) -> Sequence[Seen]:
    """Return the addresses in a text."""
    stretches = list(looked_at(Document(id="1", text=text), 0, None))
    return [
        Seen(
            start=entity.span.start,
            end=entity.span.end,
            confidence=entity.confidence,
            recogniser=entity.recogniser,
            country=entity.country,
        )
        for _, entity in recogniser.recognise(stretches)
    ]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How many addresses are found (one that is touched counts), how many exactly, how many found are none."""

    rows: int
    addresses: int
    found: int
    exact: int
    false: int
    right_country: int

    @property
    def recall(self) -> float:
        return self.found / self.addresses if self.addresses else 1.0

    @property
    def exact_recall(self) -> float:
        return self.exact / self.addresses if self.addresses else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0


def measure(recogniser: AddressRecogniser, rows: Sequence[Row]) -> Figures:
    """Return the figures of a recogniser on the rows."""
    found = exact = false = right = 0
    for row in rows:
        places = addresses_in(recogniser, row.text)
        touching = [one for one in places if row.address and one.start < row.address[1] and row.address[0] < one.end]
        found += bool(touching)
        exact += any((one.start, one.end) == row.address for one in touching)
        right += any(one.country == row.country for one in touching)
        false += len(places) - len(touching)
    with_address = sum(row.address is not None for row in rows)
    return Figures(rows=len(rows), addresses=with_address, found=found, exact=exact, false=false, right_country=right)
