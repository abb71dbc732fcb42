"""The forms of addresses: regular expressions over the letters of tokens, as ``addresses.yaml`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

_WORTH_COMPILING_FROM = 200
"""Questions. To compile forms into one pattern takes as long as about so many questions to each by itself."""
_SIGN = re.compile(r"\(\?<?[=!]|[()|?]|\{\d+,?\d*\}|[a-z_]+")


class Form(NamedTuple):
    """A form with how sure it alone makes an address. What is ``is_loose`` counts only where more comes after it; of
    those that are ``is_postcode`` an address has one; one that ``yields`` gives way to a surer address in it. It begins
    with one of the letters ``begins``."""

    name: str
    pattern: re.Pattern[str]
    confidence: float
    is_loose: bool
    is_postcode: bool
    yields: bool
    begins: frozenset[str]


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
            frozenset(self._beginnings(_signs(row["form"]))[0]),
        )

    def _beginnings(self, signs: list[str]) -> tuple[set[str], bool]:
        """Return the letters with which may begin what ``signs`` say, the first one last, up to the bracket that closes
        them, and whether it may be empty."""
        found: set[str] = set()
        may_be_empty, is_beginning = False, True
        while signs and (sign := signs.pop()) != ")":
            if sign == "|":
                may_be_empty, is_beginning = may_be_empty or is_beginning, True
                continue
            if sign == "(" or sign.startswith("(?"):
                letters, is_optional = self._beginnings(signs)
            elif sign in self._forms:
                letters, is_optional = self._beginnings(_signs(self._forms[sign]))
            else:
                letters, is_optional = set(self._kinds.get(sign, "")), False
            if signs and signs[-1].startswith(("?", "{")):
                is_optional |= signs.pop().startswith(("?", "{0"))
            if is_beginning and not sign.startswith("(?"):
                found |= letters
                is_beginning = is_optional
        return found, may_be_empty or is_beginning


def _signs(form: str) -> list[str]:
    return _SIGN.findall(form)[::-1]


class _Some:
    """Forms, in the order in which they are tried."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self.forms = {form.name: form for form in forms}
        self._pattern: re.Pattern[str] | None = None
        self._asked_count = 0

    def first(self, letters: str, at: int) -> tuple[Form, int] | None:
        """Return the first form that fits at a token, with the token where it ends."""
        if self._pattern is None:
            self._asked_count += 1
            if self._asked_count < _WORTH_COMPILING_FROM:
                fitting = ((form, form.pattern.match(letters, at)) for form in self.forms.values())
                return next(((form, place.end()) for form, place in fitting if place), None)
            self._pattern = self._compiled()
        place = self._pattern.match(letters, at)
        return (self.forms[str(place.lastgroup)], place.end()) if place else None

    def _compiled(self) -> re.Pattern[str]:
        """Return a pattern for all, which tells by an empty group at its end which one fits: one around it would hide
        from the engine with which letters it may begin."""
        return re.compile("|".join(f"(?:{form.pattern.pattern})(?P<{name}>)" for name, form in self.forms.items()))


class Choice:
    """Several forms, in the order in which they are tried: those that may begin with a token's letter, as hardly any
    word begins many. Safe to use from several threads."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = tuple(forms)
        self._by_letter: dict[str, _Some | None] = {}
        self._by_names: dict[tuple[str, ...], _Some] = {}

    def starts(self, letters: str) -> Iterator[int]:
        """Yield the tokens at which one of the forms fits."""
        by_letter = self._by_letter
        for at, letter in enumerate(letters):
            some = by_letter[letter] if letter in by_letter else self._beginning_with(letter)
            if some is not None and some.first(letters, at):
                yield at

    def first(self, letters: str, at: int) -> tuple[Form, int] | None:
        """Return the first form that fits at a token, with the token where it ends."""
        some = self._beginning_with(letters[at]) if at < len(letters) else None
        return some.first(letters, at) if some else None

    def every(self, letters: str, at: int) -> Iterator[tuple[Form, int]]:
        """Yield each form that fits at a token, with the token where it ends."""
        if (some := self._beginning_with(letters[at])) is not None:
            for form in some.forms.values():
                if place := form.pattern.match(letters, at):
                    yield form, place.end()

    def _beginning_with(self, letter: str) -> _Some | None:
        if letter not in self._by_letter:
            forms = [form for form in self._forms if letter in form.begins]
            names = tuple(form.name for form in forms)
            if names and names not in self._by_names:
                self._by_names[names] = _Some(forms)
            self._by_letter[letter] = self._by_names.get(names)
        return self._by_letter[letter]
