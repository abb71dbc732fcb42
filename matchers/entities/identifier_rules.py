"""The table of identifiers, ``identifiers.yaml``. What each key means is told there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import product

from pydantic import BaseModel, ConfigDict

from core.types import EntityType
from matchers.entities import check_digits
from matchers.entities.tables import own_table

_SEPARATOR = r"(?:[./·-]| - | )"
_PLACES = {" ": f"{_SEPARATOR}?", "_": _SEPARATOR, "9": "[0-9]", "@": "[a-z]", "*": "[a-z0-9]"}
_SHAPES = {"9": "9", "@": "a", "*": "a9"}
_SHAPE_OF = str.maketrans("0123456789abcdefghijklmnopqrstuvwxyz", "9" * 10 + "a" * 26)


class IdentifierRule(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: EntityType
    country: str | None = None
    layouts: tuple[str, ...]
    check: str | None = None
    alone: float | None = None
    words: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    source: str | None = None

    @property
    def owners(self) -> tuple[str, ...]:
        """The groups of words that are context, with the row's own one."""
        return (self.name, *self.groups)

    @property
    def pattern(self) -> str:
        """A regular expression for the layouts, on folded text."""
        return "|".join("".join(_PLACES.get(sign, re.escape(sign)) for sign in lay.lower()) for lay in self.layouts)

    def shapes(self) -> Iterator[str]:
        """Yield the shapes (see :func:`shape`) that the layouts may have."""
        for layout in self.layouts:
            places = ("9" if sign.isdecimal() else _SHAPES.get(sign, "a") for sign in layout if _is_place(sign))
            yield from map("".join, product(*places))

    def is_valid(self, found: str) -> bool:
        """Return whether the check digits of what stands in one of the layouts hold."""
        compact = "".join(filter(str.isalnum, found)).upper()
        return len(set(compact)) > 1 and (self.check is None or _check(self.check)(compact))


class IdentifierTable(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    few_digits: tuple[str, ...]
    elsewhere: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    countries: Mapping[str, tuple[str, ...]]
    identifiers: tuple[IdentifierRule, ...]


@cache
def identifier_table() -> IdentifierTable:
    """Return the table, read once."""
    return IdentifierTable.model_validate(own_table("identifiers.yaml"))


def shape(text: str) -> str:
    """Return what the letters and digits of folded text look like: 9 for every digit, a for every letter."""
    return text.translate(_SHAPE_OF)


def _is_place(sign: str) -> bool:
    return sign.isalnum() or sign in _SHAPES


@cache
def _check(name: str) -> Callable[[str], bool]:
    """Return a check: one of ours, or ``es.dni`` for ``stdnum.es.dni``."""
    if "." not in name:
        own: Callable[[str], bool] = getattr(check_digits, name)
        return own
    module: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    return module
