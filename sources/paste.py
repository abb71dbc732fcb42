"""Any paste site, by a description of a few lines: where it lists pastes, how a link to one looks, where its text is.

Many sites list nothing, and what leaks there is told of elsewhere. So any page can stand for the list: every paste that
it links to is read, whatever it is about.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from core.errors import SourceBroken
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.decoding import decode
from sources.parsing.plain_text import PlainText, html_to_text
from sources.pastes.sites import PasteLinks, PasteSite, shipped_sites
from sources.polling.listed_items import ListedItem, read_listed
from sources.transport.fetching import WebAddress, fetch
from sources.transport.robots import fetch_page

MOST_LINKS = 500
"""How many links of one page are followed."""


class PasteSettings(BaseModel):
    """Which site is read, and by which description."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    site: str = Field("", description="Name of a shipped description.")
    description: PasteSite | None = Field(None, description="A description of your own instead.")
    url: WebAddress | None = Field(None, description="Address of another site that works the same.")
    listing: WebAddress | None = Field(
        None, repr=False, description="Address of a page that links to pastes, in place of the site's own list."
    )
    token: SecretStr = Field(SecretStr(""), description="Token for the site's interface, where it wants one.")

    @property
    def described(self) -> PasteSite:
        """The description that holds."""
        return self.description or shipped_sites()[self.site]

    @model_validator(mode="after")
    def _are_enough(self) -> Self:
        if (self.description is None) == (not self.site):
            raise ValueError("it takes either a site or a description")
        if self.site and self.site not in shipped_sites():
            raise ValueError(f"site is none of those that are described: {', '.join(shipped_sites())}")
        if self.described.needs_base and self.url is None:
            raise ValueError("its description names no address: give that of the site in url")
        if self.described.listing is None and self.listing is None:
            raise ValueError(
                "the site publishes no list: give in listing the address of a page that links to its pastes"
            )
        if self.token.get_secret_value() and not self.described.takes_token:
            raise ValueError("the site's description has no place for a token")
        return self


class PasteSource:
    """Every paste that is listed and was not read yet."""

    kind: ClassVar[str] = "paste"
    Settings: ClassVar[type[BaseModel]] = PasteSettings

    def __init__(self, settings: PasteSettings, context: SourceContext) -> None:
        self._context = context
        self._links = PasteLinks(settings.described, settings.url)
        self._own_listing = settings.listing is None
        self._listing = settings.listing or self._links.listing or ""
        self._token = settings.token.get_secret_value()

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return pastes that were not read yet, the last of the list first; see :class:`core.ports.Source`."""
        listing = await fetch_page(self._context, self._listing)
        ids = self._links.ids(decode(listing.response.body))
        if not ids and self._own_listing:
            raise SourceBroken(f"{listing.host} lists no paste as its description says: the site may have changed")
        items = [ListedItem(paste_id, partial(self._read, paste_id)) for paste_id in ids[:MOST_LINKS]]
        return await read_listed(self._context, listing, items, cursor, cut_off=self._own_listing)

    async def _read(self, paste_id: str) -> Document:
        address = self._links.raw(paste_id)
        if self._token:  # an interface for programs
            answer = await fetch(
                self._context, address, headers=self._links.headers(self._token), follow_redirects=False
            )
        else:
            answer = await fetch_page(self._context, address)
        content = answer.response.body
        is_page = answer.response.headers.get("content-type", "").startswith(("text/html", "application/xhtml"))
        shown = await asyncio.to_thread(html_to_text, content) if is_page else PlainText(decode(content))
        name = self._context.name
        return Document(
            id=f"{name}:{paste_id}",
            source=name,
            external_id=paste_id,
            text=shown.text,
            title=shown.title,
            language=shown.language,
            url=self._links.page(paste_id),
            fetched_at=self._context.clock.now(),
        )
