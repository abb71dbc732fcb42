"""E-mail over SMTP: plain text and simple HTML, one thread for each incident and each source."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated, ClassVar, Literal

import aiosmtplib
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from alerting.greylisting import Greylisting, Partly, recipients
from alerting.messages import HTML, PLAIN_TEXT
from alerting.messages import message as content
from alerting.redaction import safe_text
from core.addresses import checked_addresses, is_loopback
from core.errors import AddressRefused, DeliveryDeferred, DeliveryError, DeliveryRefused, FetchError
from core.logs import logger
from core.ports import NotifierContext
from core.types import Notice

_TIMEOUT_SECONDS = 30.0
_LONGEST_SUBJECT = 150
_PERMANENT = 500
_GREYLISTING = Greylisting()
_HTML = replace(HTML, line_break="<br>\n")
_MAILBOX = r"^[^\s@<>(),;:\"\\\x00-\x1f\x7f]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$"


class EmailSettings(BaseModel):
    """The SMTP server, and who gets the messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(pattern=r"^[A-Za-z0-9:.-]+$", description="Name of the SMTP server.")
    port: int = Field(587, ge=1, le=65535, description="Port of the SMTP server: 587 for starttls, 465 for tls.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is protected: starttls, tls, or none (on this machine only)."
    )
    username: str | None = Field(None, repr=False, description="Name to log in with, where the server asks for one.")
    password: SecretStr | None = Field(None, description="Password to log in with.")
    sender: str = Field(pattern=_MAILBOX, description="Address that the messages come from.")
    recipients: tuple[Annotated[str, Field(pattern=_MAILBOX)], ...] = Field(
        min_length=1, repr=False, description="Addresses of the moderators; they do not see one another's."
    )
    ca_certificate: str | None = Field(
        None, repr=False, description="Certificate (PEM) that signs the server's, where no public authority does."
    )

    @field_validator("ca_certificate")
    @classmethod
    def _is_a_certificate(cls, certificate: str | None) -> str | None:
        if certificate is not None:
            try:
                ssl.create_default_context(cadata=certificate)
            except ssl.SSLError:
                raise ValueError("must be a certificate in PEM form") from None
        return certificate

    @model_validator(mode="after")
    def _is_protected(self) -> EmailSettings:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls may be none only where the server is on this machine")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class EmailNotifier:
    """Sends each notice as a message in plain text and in HTML, which holds nothing but its words."""

    kind: ClassVar[str] = "email"
    Settings: ClassVar[type[BaseModel]] = EmailSettings

    def __init__(self, settings: EmailSettings, context: NotifierContext) -> None:
        self._settings = settings
        self._clock = context.clock
        self._allowed_networks = context.http.settings.allowed_networks

    async def send(self, notice: Notice) -> None:
        """Return when the server has taken the message for everybody, but those whom it refuses for good or for longer
        than is waited. Raises DeliveryDeferred, also where some have taken it and others are to take it later (they
        alone are sent it again), or DeliveryRefused."""
        before = None if notice.progress is None else Partly.of(notice.progress)
        wanted = recipients(before, self._settings.recipients)
        if not wanted:
            return  # whoever was waited for is no recipient any more
        try:
            refused = await self._submit(compose(notice, self._settings.sender), wanted)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if before is None:
                raise _failure(error) from None
            refused = {one.recipient: one.code for one in error.recipients}
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _failure(error) from None
        taken = [one for one in wanted if one not in refused]
        later = [one for one in wanted if refused.get(one, _PERMANENT) < _PERMANENT]
        partly = _GREYLISTING.note(before, taken=taken, later=later, at=self._clock.now())
        if partly is not None:
            status = min(refused[one] for one in later)
            sentence = f"the mail server takes the message for {len(later)} of the recipients later (status {status})"
            raise DeliveryDeferred(sentence, status=status, progress=partly.progress)
        if refused:
            status = max(refused.values())
            logger().warning(
                "some recipients of an e-mail were refused", kind=self.kind, rows=len(refused), status=status
            )

    async def _submit(self, message: EmailMessage, recipients: list[str]) -> dict[str, int]:
        """Send the message; return the recipients that were refused, with the status. Raises SMTPRecipientsRefused
        where all of them are, and DeliveryError, SMTPException or OSError."""
        settings = self._settings
        connection = await self._connect()
        refused, _ = await aiosmtplib.send(
            message,
            sock=connection,
            hostname=settings.host,
            local_hostname=_domain(settings.sender),
            sender=settings.sender,
            recipients=recipients,
            username=settings.username,
            password=None if settings.password is None else settings.password.get_secret_value(),
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=ssl.create_default_context(cadata=settings.ca_certificate),
            timeout=_TIMEOUT_SECONDS,
        )
        return {recipient: answer.code for recipient, answer in refused.items()}

    async def _connect(self) -> socket.socket:
        """Connect to a checked address of the server."""
        host, port = self._settings.host, self._settings.port
        try:
            addresses = await asyncio.to_thread(checked_addresses, host, port, self._allowed_networks)
        except AddressRefused as error:
            raise DeliveryRefused(f"the mail server cannot be used: {error}") from error
        except FetchError as error:
            raise DeliveryDeferred(f"the mail server cannot be reached: {error}") from error
        for address in addresses:
            try:
                connection = await asyncio.to_thread(socket.create_connection, (address, port), _TIMEOUT_SECONDS)
            except OSError as error:
                reason = type(error).__name__
            else:
                connection.setblocking(False)
                return connection
        raise DeliveryDeferred(f"the mail server {host} cannot be reached: {reason}")


def compose(notice: Notice, sender: str) -> EmailMessage:
    """Return the message. Its headers hold nothing that was crawled; recipients stand in the envelope only."""
    domain = _domain(sender)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _one_line(f"[Leakwatch] {notice.community}: {notice.summary}", _LONGEST_SUBJECT)
    message["From"] = Address("Leakwatch", addr_spec=sender)
    message["To"] = Address("Leakwatch", addr_spec=sender)
    message["Date"] = format_datetime(notice.sent_at)
    message["Message-ID"] = f"<{notice.idempotency_key}@{domain}>"
    subject = notice.incident or notice.source or notice.destination
    if subject is not None:
        # All messages about one thing refer to one that need not exist (RFC 5322, section 3.6.4): one thread.
        thread = f"<{subject.id}@{domain}>"
        message["In-Reply-To"] = thread
        message["References"] = thread
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message["List-Id"] = f"<leakwatch.{domain}>"  # RFC 2919
    lines = content(notice)
    message.set_content(f"{PLAIN_TEXT.text(lines)}\n")
    message.add_alternative(f"<html><body><p>{_HTML.text(lines)}</p></body></html>\n", subtype="html")
    return message


def _failure(error: Exception) -> DeliveryError:
    """Return what an SMTP failure means (RFC 5321, section 4.2.1: 5xx is permanent)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
        if all(code >= _PERMANENT for code in codes):
            return DeliveryRefused(f"the mail server refused every recipient (status {codes[0]})", status=codes[0])
        return DeliveryDeferred(f"the mail server takes no recipient now (status {min(codes)})", status=min(codes))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        sentence = f"the mail server answered with status {error.code}"
        refusal = DeliveryRefused if error.code >= _PERMANENT else DeliveryDeferred
        return refusal(sentence, status=error.code)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return DeliveryRefused("the mail server lacks what is needed: TLS, a login, or non-ASCII addresses")
    return DeliveryDeferred(f"the mail server gave no whole answer ({type(error).__name__})")


def _one_line(text: str, longest: int) -> str:
    """Return the text as a header's value. An encoded word (RFC 2047) would be decoded, line breaks in it too."""
    line = " ".join(safe_text(text).replace("=?", "= ?").split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
