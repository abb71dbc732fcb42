"""A mail folder: Google Alerts, reports of abuse, mailing lists."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from core.addresses import is_loopback
from core.errors import SourceError, SourceUnavailable
from core.logs import logger
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import PARSING_SECONDS, read_within_limits
from sources.polling.given import Given, digest_of
from sources.polling.tries import MOST_FAILURES, Tries, given_up
from sources.transport.fetching import WebAddress
from sources.transport.imap import ImapFolder, Login, MailRefused, Protection, open_folder
from sources.transport.oauth import Grant, refreshed

PAGE_MAILS = 25
REMEMBERED = 2000
LARGEST_MAIL_BYTES = 5_000_000
PAGE_BYTES = 20_000_000
READING_SECONDS = 60


class MailboxSettings(BaseModel):
    """Which folder is read, and how to log in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(pattern=r"^[A-Za-z0-9:.-]+$", description="Name of the IMAP server.")
    port: int = Field(993, ge=1, le=65535, description="Port of the IMAP server: 993 for tls, 143 for starttls.")
    tls: Protection = Field(
        "tls", description="How the connection is protected: tls, starttls, or none (on this machine only)."
    )
    ca_certificate: str | None = Field(
        None, repr=False, description="Certificate (PEM) that signs the server's, where no public authority does."
    )
    username: str = Field(repr=False, description="Name to log in with.")
    password: SecretStr = Field(
        SecretStr(""), description="Password to log in with; where a provider asks for it, an app password."
    )
    token_url: WebAddress | None = Field(
        None, description="Where access tokens come from, for providers that take no password (OAuth 2)."
    )
    client_id: str = Field("", description="Client id of the app that may read the mails.")
    client_secret: SecretStr = Field(SecretStr(""), description="Its secret, where it has one.")
    refresh_token: SecretStr = Field(SecretStr(""), description="Refresh token of the account for that app.")
    folder: str = Field("INBOX", description="Folder that is read.")
    backfill: int = Field(100, ge=0, le=1000, description="How many of the mails that are there already are read.")

    @model_validator(mode="after")
    def _is_protected(self) -> MailboxSettings:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls may be none only where the server is on this machine")
        by_password = bool(self.password.get_secret_value())
        by_token = self.token_url is not None
        if by_password == by_token:
            raise ValueError("it takes either a password or a token_url")
        if by_token and not (self.client_id and self.refresh_token.get_secret_value()):
            raise ValueError("a token_url needs a client_id and a refresh_token")
        return self


class MailboxSource:
    """One folder. A document is a mail, or a result of a mail of Google Alerts. Mails stay as they are, unread too."""

    kind: ClassVar[str] = "mailbox"
    Settings: ClassVar[type[BaseModel]] = MailboxSettings

    def __init__(self, settings: MailboxSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    async def poll(self, cursor: JsonObject | None) -> Page:
        """Return what came since, the oldest mail first; see :class:`core.ports.Source`."""
        settings, known = self._settings, cursor or {}
        if settings.token_url is None:
            login = Login(username=settings.username, password=settings.password.get_secret_value())
            return await asyncio.to_thread(self._poll, known, login)
        given = Grant(
            token_url=settings.token_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret.get_secret_value(),
            refresh_token=settings.refresh_token.get_secret_value(),
        )
        grant, access_token = await refreshed(self._context, given.continued(known.get("grant")))
        try:
            login = Login(username=settings.username, access_token=access_token)
            page = await asyncio.to_thread(self._poll, known, login)
        except SourceError as error:
            error.cursor = {**(error.cursor or known), "grant": grant.written(given)}
            raise
        return replace(page, cursor={**(page.cursor or {}), "grant": grant.written(given)})

    def _poll(self, cursor: JsonObject, login: Login) -> Page:
        settings = self._settings
        given, tries = Given.read(cursor.get("given")), Tries.read(cursor.get("failed"))
        gaps: list[str] = []
        with open_folder(
            settings.host,
            settings.port,
            protection=settings.tls,
            ca_certificate=settings.ca_certificate,
            login=login,
            folder=settings.folder,
            allowed=self._context.http.settings.allowed_networks,
            largest_bytes=LARGEST_MAIL_BYTES,
        ) as folder:
            uid = _whole(cursor.get("uid"))
            if uid is None or cursor.get("validity") != folder.validity:
                if uid is not None:
                    gaps.append(
                        f"the server numbers its mails anew: only the newest {settings.backfill} were looked at again"
                    )
                uid, tries = folder.before_newest(settings.backfill), Tries()
            uids, looked_at, more = folder.after(uid)
            mails = _fetched(folder, [*uids, *(() if more else map(int, tries.counts))])
        # The connection is closed by then: mails made to be read slowly must not outlast it.
        documents: dict[str, Document] = {}
        failed: list[str] = []
        unreadable = 0
        read: set[str] = set()
        started = self._context.clock.monotonic()
        for number, content in mails:
            if self._context.clock.monotonic() - started > READING_SECONDS:
                break
            if content is None:
                failed.append(str(number))
                continue
            read.add(str(number))
            try:
                documents.update(self._documents(content) if content else ())
            except UnreadableFormat as error:
                logger().warning("a mail could not be read", kind=self.kind, error=str(error))
                unreadable += 1
        passed = [number for number in uids if str(number) in read or str(number) in failed]
        if len(passed) < len(uids):
            looked_at, more = max(passed, default=uid), True
        in_trouble = len(failed) >= MOST_FAILURES and not read
        tries = tries.and_also(failed, counted=not in_trouble)
        lost = tries.exhausted()
        if lost:
            gaps.append(given_up(settings.host, "mails", len(lost)))
        if unreadable:
            gaps.append(f"mails of {settings.host} that could not be read: {unreadable}")
        following: JsonObject = {
            "validity": folder.validity,
            "uid": looked_at,
            "given": given.and_also(documents, at_most=REMEMBERED).written(),
            "failed": tries.of(tries.counts.keys() - read - lost).written(),
        }
        if in_trouble:
            raise SourceUnavailable(f"{settings.host} does not give its mails", cursor=following)
        return Page(
            documents=tuple(document for digest, document in documents.items() if digest not in given),
            cursor=following,
            more=more,
            gap="; ".join(gaps) or None,
        )

    def _documents(self, content: bytes) -> Iterator[tuple[str, Document]]:
        """Yield what the mail says, with a digest. A mail is known by its bytes, a result by what it says: the same
        mail has another number after a move, and the same result may come in two mails. Raises UnreadableFormat."""
        for document in read_within_limits(content, Format.MAIL, name="mail", seconds=PARSING_SECONDS):
            if document.url is None:
                digest = external_id = digest_of(content)
            else:
                external_id = digest_of(document.url)
                digest = digest_of(document.url, document.title, document.text)
            yield (
                digest,
                replace(
                    document,
                    id=f"{self._context.name}:{external_id}",
                    source=self._context.name,
                    external_id=external_id,
                    fetched_at=self._context.clock.now(),
                ),
            )


def _fetched(folder: ImapFolder, uids: Sequence[int]) -> list[tuple[int, bytes | None]]:
    """Return the first of these mails, as many as make a page. One that is gone meanwhile is empty, one that the server
    does not give is None; where it gives none at all, the others are not asked for."""
    mails: list[tuple[int, bytes | None]] = []
    size = 0
    for uid in uids[:PAGE_MAILS]:
        try:
            content = folder.content(uid, LARGEST_MAIL_BYTES) or b""
            size += len(content)
            mails.append((uid, content))
        except MailRefused:
            mails.append((uid, None))
        if size > PAGE_BYTES or (len(mails) == MOST_FAILURES and all(content is None for _, content in mails)):
            break
    return mails


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None
