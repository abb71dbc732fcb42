"""A folder of a mail server, by IMAP (RFC 3501): read only, with nothing marked and nothing deleted."""

from __future__ import annotations

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Timer
from typing import Any, Literal, TypeAlias

from core.addresses import Network, connected_socket
from core.errors import AddressRefused, FetchError, SourceBroken, SourceUnavailable

Protection: TypeAlias = Literal["tls", "starttls", "none"]

_STEP_SECONDS = 30.0
_SESSION_SECONDS = 120.0
_WINDOW = 20_000
"""How many unique identifiers are asked about at once: the answer is one line, and imaplib takes a million bytes."""

_BUSY = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)", re.I)  # RFC 5530
_NOT_ASCII = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who reads the folder: by a password, or by an access token (XOAUTH2, as Google and Microsoft describe it)."""

    username: str = field(repr=False)
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)


class _Connection(imaplib.IMAP4):
    """A connection to a checked address; TLS stays on the name."""

    def __init__(
        self, host: str, port: int, allowed: Sequence[Network], tls: ssl.SSLContext | None, largest_bytes: int
    ) -> None:
        self._allowed = allowed
        self._tls = tls
        self._largest_bytes = largest_bytes
        super().__init__(host, port)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:  # noqa: ARG002
        self.host, self.port = host, port
        self.sock = connected_socket(host, port, self._allowed, timeout_seconds=_STEP_SECONDS)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=host)
        self.file = self.sock.makefile("rb")

    def read(self, size: int) -> bytes:
        if size > self._largest_bytes + 1:
            raise self.abort("more than was asked for")
        return super().read(size)

    def cut(self) -> None:
        """End the connection, whatever it waits for."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class MailRefused(SourceUnavailable):
    """The server does not give one mail; it may give others."""


class ImapFolder:
    """One folder, opened to be read. ``validity`` tells whether the identifiers of another time still count."""

    def __init__(self, connection: imaplib.IMAP4, host: str, folder: str) -> None:
        self._connection = connection
        self._host = host
        self._count = self._examine(folder)
        self.validity = self._number("UIDVALIDITY") or 0
        self._end = self._number("UIDNEXT")

    def before_newest(self, count: int) -> int:
        """Return the identifier after which the newest ``count`` mails follow."""
        if self._count == 0 or count == 0:
            if self._end is not None:
                return self._end - 1
            return self._uid_at(self._count) if self._count else 0
        return self._uid_at(max(1, self._count - count + 1)) - 1

    def after(self, uid: int) -> tuple[list[int], int, bool]:
        """Return identifiers that follow, the lowest first, how far was looked, and whether more may follow that."""
        last = None if self._end is None else min(uid + _WINDOW, self._end - 1)
        if last is not None and last <= uid:
            return [], uid, False
        rows = self._asked("UID", "SEARCH", f"UID {uid + 1}:{last or '*'}")
        words = (word for row in rows for word in bytes(row or b"").split())
        # The last mail is always in an open range, however low its number is.
        found = sorted(int(word) for word in words if word.isdigit() and int(word) > uid)
        if last is None or self._end is None:
            return found, found[-1] if found else uid, False
        return found, last, last < self._end - 1

    def content(self, uid: int, largest_bytes: int) -> bytes | None:
        """Return the mail, its first bytes where it is larger; None where it is gone. It stays unread.
        Raises MailRefused."""
        try:
            rows = self._asked("UID", "FETCH", str(uid), f"(BODY.PEEK[]<0.{largest_bytes}>)")
        except SourceUnavailable as error:
            raise MailRefused(str(error)) from None
        return next((bytes(row[1]) for row in rows if isinstance(row, tuple)), None)

    def _uid_at(self, position: int) -> int:
        for row in self._asked("FETCH", str(position), "(UID)"):
            found = re.search(rb"UID (\d+)", row if isinstance(row, bytes) else b"")
            if found:
                return int(found[1])
        raise SourceUnavailable(f"{self._host} does not number its mails")

    def _examine(self, folder: str) -> int:
        status, rows = self._connection.select(_folder_name(folder), readonly=True)
        if status != "OK":
            raise SourceBroken(f"{self._host} has no folder of that name, or it cannot be opened")
        return int(rows[0] or 0)

    def _number(self, name: str) -> int | None:
        rows = self._connection.response(name)[1]
        last = rows[-1] if rows else None
        return int(last) if isinstance(last, bytes) and last.isdigit() else None

    def _asked(self, command: str, *words: str) -> list[Any]:
        ask = self._connection.uid if command == "UID" else getattr(self._connection, command.lower())
        try:
            status, rows = ask(*words)
        except self._connection.abort:
            raise
        except self._connection.error:  # the answer BAD: the connection goes on
            status, rows = "BAD", []
        if status != "OK":
            raise SourceUnavailable(f"{self._host} does not answer about its mails")
        return list(rows)


@contextmanager
def open_folder(
    host: str,
    port: int,
    *,
    protection: Protection,
    ca_certificate: str | None,
    login: Login,
    folder: str,
    allowed: Sequence[Network],
    largest_bytes: int,
) -> Iterator[ImapFolder]:
    """Open the folder for the time of the block, two minutes at most.

    Raises SourceUnavailable where it may be tried again, SourceBroken where a person must look: also from the block.
    """
    limit: Timer | None = None
    try:
        tls = None if protection == "none" else ssl.create_default_context(cadata=ca_certificate)
        connection = _Connection(host, port, allowed, tls if protection == "tls" else None, largest_bytes)
        limit = Timer(_SESSION_SECONDS, connection.cut)
        limit.daemon = True
        limit.start()
        try:
            if protection == "starttls":
                connection.starttls(tls)
            _log_in(connection, host, login)
            yield ImapFolder(connection, host, folder)
            with suppress(imaplib.IMAP4.error, OSError):  # what was read counts, however the server says goodbye
                connection.logout()
        finally:
            connection.cut()
            with suppress(OSError):  # it is closed already
                connection.shutdown()
    except AddressRefused as error:
        raise SourceBroken(str(error)) from error
    except FetchError as error:
        raise SourceUnavailable(str(error)) from error
    except ssl.SSLCertVerificationError:
        raise SourceUnavailable(f"{host} cannot be reached: its certificate is not valid") from None
    except (imaplib.IMAP4.error, OSError, ValueError) as error:  # their messages quote what the server said
        raise SourceUnavailable(f"{host} gave no whole answer ({type(error).__name__})") from None
    finally:
        if limit is not None:
            limit.cancel()


def _log_in(connection: imaplib.IMAP4, host: str, login: Login) -> None:
    try:
        if login.access_token:
            given = f"user={login.username}\1auth=Bearer {login.access_token}\1\1".encode()
            answers = iter([given])
            # A server says why it refuses by a question, which wants an empty answer.
            connection.authenticate("XOAUTH2", lambda _: next(answers, b""))
        elif "AUTH=PLAIN" in connection.capabilities:
            connection.authenticate("PLAIN", lambda _: f"\0{login.username}\0{login.password}".encode())
        else:
            connection.login(login.username, login.password)
    except connection.abort:
        raise
    except connection.error as error:
        if _BUSY.search(str(error)):
            raise SourceUnavailable(f"{host} lets nobody log in now") from None
        secret = "access token" if login.access_token else "password"
        raise SourceBroken(f"{host} does not accept the username and {secret}") from None


def _folder_name(name: str) -> str:
    """Return the name as it is sent: quoted, and other letters than those of English in the UTF-7 of RFC 3501, section
    5.1.3."""

    def encoded(found: re.Match[str]) -> str:
        return "&" + base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    sent = _NOT_ASCII.sub(encoded, name.replace("&", "&-"))
    return '"' + sent.replace("\\", "\\\\").replace('"', '\\"') + '"'
