"""Have I Been Pwned: breaches that addresses of the community's own domain are in, by its API (version 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.errors import SourceBroken
from core.ports import SourceContext
from core.types import Document, JsonObject, Page
from sources.parsing.json_values import moment_of, number_of, object_of, objects_of, text_of
from sources.polling.given import Given, digest_of
from sources.transport.fetching import Answer, Gone, WebAddress, fetch

REREAD_AFTER = timedelta(days=1)
"""A breach that is known can get more addresses, so that everything is read again after this time."""
REMEMBERED = 5000
MOST_ADDRESSES = 1000

Exposed = Mapping[str, Sequence[str]]
"""The parts before the @ of the addresses in each breach, by the breach's name."""


class HibpSettings(BaseModel):
    """Which domain, by whose leave, and how much is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    domain: str = Field(
        pattern=r"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z]$",
        description="Domain of the community's addresses, in small letters, verified at haveibeenpwned.com.",
    )
    api_key: SecretStr = Field(
        SecretStr(""), description="Key of a subscription; without one only breaches of the domain's own site are read."
    )
    addresses: bool = Field(False, description="Name the addresses, not only how many there are.")
    url: WebAddress = Field("https://haveibeenpwned.com/api/v3", description="Where the API is.")


class HibpSource:
    """Breaches of one domain. A document is a breach, given again when other addresses are in it."""

    kind: ClassVar[str] = "hibp"
    Settings: ClassVar[type[BaseModel]] = HibpSettings

    def __init__(self, settings: HibpSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return the breaches that are new or grew; see :class:`core.ports.Source`."""
        known = cursor or {}
        now = self._context.clock.now()
        latest = object_of(await (await self._asked("latestbreach")).json())
        newest = digest_of(latest.get("Name"), latest.get("AddedDate"))
        read_at = moment_of(known.get("read_at"))
        if known.get("newest") == newest and read_at is not None and now < read_at + REREAD_AFTER:
            return Page(documents=(), cursor=cursor, silence_is_usual=True)
        exposed = await self._exposed()
        answer = await self._asked("breaches")
        breaches = objects_of(await answer.json())
        if not breaches:
            raise SourceBroken(f"{answer.host} answers with something else than breaches")
        given = Given.read(known.get("given"))
        documents = dict(self._documents(breaches, exposed, now))
        return Page(
            documents=tuple(document for digest, document in documents.items() if digest not in given),
            cursor={
                "newest": newest,
                "read_at": now.isoformat(),
                "given": given.and_also(documents, at_most=REMEMBERED).written(),
            },
            not_before=answer.not_before,
            silence_is_usual=True,
        )

    async def _exposed(self) -> Exposed:
        """Return which addresses of the domain are in which breach."""
        key = self._settings.api_key.get_secret_value()
        if not key:
            return {}
        try:
            answer = await self._asked(f"breacheddomain/{quote(self._settings.domain)}", {"hibp-api-key": key})
        except Gone:  # status 404: none is in any
            return {}
        by_breach: dict[str, list[str]] = {}
        for alias, names in sorted(object_of(await answer.json()).items()):
            for name in names if isinstance(names, list) else ():
                by_breach.setdefault(str(name), []).append(alias)
        return by_breach

    async def _asked(self, what: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await fetch(
            self._context,
            f"{self._settings.url.rstrip('/')}/{what}",
            headers={"Accept": "application/json", **(headers or {})},
            follow_redirects=False,
        )

    def _documents(
        self, breaches: Sequence[Mapping[str, Any]], exposed: Exposed, now: datetime
    ) -> Iterator[tuple[str, Document]]:
        for breach in sorted(breaches, key=lambda breach: str(breach.get("AddedDate"))):
            name = text_of(breach.get("Name"))
            if name is None:
                continue
            aliases = exposed.get(name, ())
            is_own = _is_of(text_of(breach.get("Domain")) or "", self._settings.domain)
            if not aliases and not is_own:
                continue
            external_id = digest_of(self._settings.domain, name)
            yield (
                digest_of(name, is_own, *aliases),
                Document(
                    id=f"{self._context.name}:{external_id}",
                    source=self._context.name,
                    external_id=external_id,
                    url=f"https://haveibeenpwned.com/Breach/{quote(name)}",
                    title=f"Breach: {text_of(breach.get('Title')) or name}",
                    text="\n".join(self._sentences(breach, aliases, is_own)),
                    language="en",
                    published_at=moment_of(breach.get("AddedDate")),
                    fetched_at=now,
                ),
            )

    def _sentences(self, breach: Mapping[str, Any], aliases: Sequence[str], is_own: bool) -> Iterator[str]:
        domain = self._settings.domain
        if is_own:
            count = number_of(breach.get("PwnCount"))
            yield f"The site {domain} itself was breached" + (f": {count} accounts." if count is not None else ".")
        if aliases:
            noun, verb = ("address", "is") if len(aliases) == 1 else ("addresses", "are")
            yield f"{len(aliases)} {noun} at {domain} {verb} in it."
        exposed = [text for value in _list_of(breach.get("DataClasses")) if (text := text_of(value))]
        if exposed:
            yield f"What was exposed: {', '.join(exposed)}."
        day = text_of(breach.get("BreachDate"))
        if day:
            yield f"It happened on {day}."
        if breach.get("IsVerified") is False:
            yield "Whether the data are real was not verified."
        if self._settings.addresses and aliases:
            yield "Addresses: " + ", ".join(f"{alias}@{domain}" for alias in aliases[:MOST_ADDRESSES])


def _is_of(site: str, domain: str) -> bool:
    """Return whether the site is the domain's or one below it."""
    return f".{site.lower()}".endswith(f".{domain}")


def _list_of(value: object) -> list[object]:
    return value if isinstance(value, list) else []
