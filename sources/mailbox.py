"""A mail folder: Google Alerts, reports of abuse, mailing lists."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from core.addresses import is_loopback
from core.logs import logger
from core.ports import SourceContext
from core.types import Document, Json, JsonObject, Page
from sources.parsing.formats import Format, UnreadableFormat
from sources.parsing.limited_reading import PARSING_SECONDS, read_within_limits
from sources.polling.given import Given, digest_of
from sources.transport.imap import ImapFolder, Protection, open_folder

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
    password: SecretStr = Field(description="Password to log in with; where a provider asks for it, an app password.")
    folder: str = Field("INBOX", description="Folder that is read.")
    backfill: int = Field(100, ge=0, le=1000, description="How many of the mails that are there already are read.")

    @model_validator(mode="after")
    def _is_protected(self) -> MailboxSettings:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls may be none only where the server is on this machine")
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
        return await asyncio.to_thread(self._poll, cursor or {})

    def _poll(self, cursor: JsonObject) -> Page:
        settings = self._settings
        given = Given.read(cursor.get("given"))
        gap = None
        with open_folder(
            settings.host,
            settings.port,
            protection=settings.tls,
            ca_certificate=settings.ca_certificate,
            username=settings.username,
            password=settings.password.get_secret_value(),
            folder=settings.folder,
            allowed=self._context.http.settings.allowed_networks,
            largest_bytes=LARGEST_MAIL_BYTES,
        ) as folder:
            uid = _whole(cursor.get("uid"))
            if uid is None or cursor.get("validity") != folder.validity:
                if uid is not None:
                    gap = f"the server numbers its mails anew: only the newest {settings.backfill} were looked at again"
                uid = folder.before_newest(settings.backfill)
            uids, looked_at, more = folder.after(uid)
            mails = _fetched(folder, uids)
        # The connection is closed by then: mails made to be read slowly must not outlast it.
        documents: dict[str, Document] = {}
        started = self._context.clock.monotonic()
        read_count = 0
        for content in mails:
            if self._context.clock.monotonic() - started > READING_SECONDS:
                break
            if content:
                documents.update(self._documents(content))
            read_count += 1
        if read_count < len(uids):
            looked_at, more = uids[read_count - 1], True
        return Page(
            documents=tuple(document for digest, document in documents.items() if digest not in given),
            cursor={
                "validity": folder.validity,
                "uid": looked_at,
                "given": given.and_also(documents, at_most=REMEMBERED).written(),
            },
            more=more,
            gap=gap,
        )

    def _documents(self, content: bytes) -> Iterator[tuple[str, Document]]:
        """Yield what the mail says, with a digest. A mail is known by its bytes, a result by what it says: the same
        mail has another number after a move, and the same result may come in two mails."""
        try:
            documents = read_within_limits(content, Format.MAIL, name="mail", seconds=PARSING_SECONDS)
        except UnreadableFormat as error:
            logger().warning("a mail could not be read", kind=self.kind, error=str(error))
            return
        for document in documents:
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


def _fetched(folder: ImapFolder, uids: Sequence[int]) -> list[bytes]:
    """Return the first of these mails, as many as make a page. One that is gone meanwhile is empty."""
    mails: list[bytes] = []
    size = 0
    for uid in uids[:PAGE_MAILS]:
        mails.append(folder.content(uid, LARGEST_MAIL_BYTES) or b"")
        size += len(mails[-1])
        if size > PAGE_BYTES:
            break
    return mails


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None
