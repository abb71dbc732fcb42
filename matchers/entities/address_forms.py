"""The forms of addresses: regular expressions over the letters of tokens, as ``addresses.yaml`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Form(NamedTuple):
    """A form with how sure it alone makes an address. What is ``is_loose`` counts only where more comes after it; of
    those that are ``is_postcode`` an address has one; one that ``yields`` gives way to a surer address in it."""

    name: str
    pattern: re.Pattern[str]
    confidence: float
    is_loose: bool
    is_postcode: bool
    yields: bool


class FormReader:
    """Reads forms: a name stands for a token that may be of that kind, or for another form."""

    def __init__(self, kinds: Mapping[str, str], forms: Mapping[str, str]) -> None:
        """``kinds`` has the letters of each kind. Raises ``re.error`` for a name that is neither kind nor form."""
        self._kinds = kinds
        self._forms = forms

    def expression(self, form: str) -> str:
        """Return the regular expression of a form. It captures nothing."""

        def expand(name: re.Match[str]) -> str:
            if name[0] in self._forms:
                return f"(?:{self.expression(self._forms[name[0]])})"
            return f"[{self._kinds.get(name[0], '')}]"

        return re.sub(r"\s+", "", re.sub(r"[a-z_]+", expand, re.sub(r"\((?!\?)", "(?:", form)))

    def form(self, row: Mapping[str, Any]) -> Form:
        """Return the form of a row of the tables."""
        return Form(
            row["name"],
            re.compile(self.expression(row["form"])),
            row["confidence"],
            row.get("is_loose", False),
            row.get("is_postcode", False),
            row.get("yields", False),
        )


class Choice:
    """Several forms, in the order in which they are tried."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self.forms = tuple(forms)
        # Which one fits is told by an empty group at its end: one around it would hide from the engine with which
        # letters it may begin.
        self.pattern = re.compile("|".join(f"(?:{form.pattern.pattern})(?P<{form.name}>)" for form in self.forms))
        self._by_name = {form.name: form for form in self.forms}

    def first(self, letters: str, at: int) -> tuple[Form, int] | None:
        """Return the first form that fits at a token, with the token where it ends."""
        place = self.pattern.match(letters, at)
        return None if place is None else (self._by_name[str(place.lastgroup)], place.end())
