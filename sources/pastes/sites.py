"""Descriptions of paste sites: where a site lists its pastes, how a link to one looks, and where its text is.

Shipped ones stand beside this file, a YAML file a site. Addresses may hold ``{base}``, the address of the site, and
``{id}``; the pattern of links is RE2 (https://github.com/google/re2/wiki/Syntax) and may hold ``{host}``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import re2  # type: ignore[import-untyped]  # ships no types
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import AddressRefused
from core.http import check_url
from core.tables import load_table
from sources.transport.fetching import WebAddress

FOLDER = Path(__file__).parent

_PLACEHOLDER = re.compile(r"\{[a-z]*\}")
_MEMORY_BYTES = 1 << 20


class PasteSite(BaseModel):
    """What a description says."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base: WebAddress | None = None
    listing: str | None = Field(None, repr=False)
    item: str
    page: str | None = None
    raw: str
    headers: dict[str, str] = {}

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if "id" not in _compiled(self.item.replace("{host}", "host")).groupindex:
            raise ValueError("item must hold the group (?P<id>…) around what names a paste")
        for name, template in (("raw", self.raw), ("page", self.page)):
            if template is not None and "{id}" not in template:
                raise ValueError(f"{name} must hold {{id}}, which stands for what names a paste")
        for name, template in (("raw", self.raw), ("page", self.page), ("listing", self.listing)):
            if template is not None:
                _check_template(name, template, {"{base}"} if name == "listing" else {"{base}", "{id}"})
        return self

    @property
    def needs_base(self) -> bool:
        """Whether the address of the site must be given, as the description holds it without naming one."""
        templates = (self.listing, self.raw, self.page, self.item.replace("{host}", "{base}"))
        return self.base is None and any("{base}" in template for template in templates if template)

    @property
    def takes_token(self) -> bool:
        """Whether a request says who reads."""
        return any("{token}" in value for value in self.headers.values())


def _check_template(name: str, template: str, allowed: set[str]) -> None:
    if not allowed.issuperset(_PLACEHOLDER.findall(template)):
        raise ValueError(f"{name} may hold no other placeholder than {' and '.join(sorted(allowed))}")
    try:
        check_url(template.replace("{base}", "https://host.example").replace("{id}", "id"))
    except AddressRefused as error:
        raise ValueError(f"{name} is no address: {error}") from None


class PasteLinks:
    """A description applied to one site. ``base`` is the site's address where it is not the description's own."""

    def __init__(self, site: PasteSite, base: str | None) -> None:
        self._site = site
        self._base = (base or site.base or "").rstrip("/")
        self._pattern = _compiled(site.item.replace("{host}", re.escape(urlsplit(self._base).netloc)))

    @property
    def listing(self) -> str | None:
        """Where the site lists its newest pastes, None where it does not."""
        return None if self._site.listing is None else self._filled(self._site.listing)

    def ids(self, page: str) -> list[str]:
        """Return what names the pastes that a page links to, each once, in their order."""
        return list(dict.fromkeys(found["id"] for found in self._pattern.finditer(page) if found["id"]))

    def raw(self, paste_id: str) -> str:
        """Return where the text of a paste is."""
        return self._filled(self._site.raw, paste_id)

    def page(self, paste_id: str) -> str:
        """Return where people read a paste."""
        return self._filled(self._site.page or self._site.raw, paste_id)

    def headers(self, token: str) -> dict[str, str]:
        """Return what a request for a paste's text says with the token of its reader."""
        return {name: value.replace("{token}", token) for name, value in self._site.headers.items()}

    def _filled(self, template: str, paste_id: str = "") -> str:
        return template.replace("{base}", self._base).replace("{id}", quote(paste_id, safe=""))


@cache
def shipped_sites() -> dict[str, PasteSite]:
    """Return the descriptions that are shipped, by their names."""
    return {path.stem: PasteSite.model_validate(load_table(path)) for path in sorted(FOLDER.glob("*.yaml"))}


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        raise ValueError("item is no pattern that RE2 can read") from None
