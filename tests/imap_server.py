"""A mail server on loopback that speaks as much of IMAP4rev1 (RFC 3501) as reading a folder takes, and nothing more:
every command that could change a mail is refused."""

from __future__ import annotations

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_QUOTED = re.compile(rb'"((?:[^"\\\\]|\\\\.)*)"|(\S+)')


@dataclass
class Folder:
    """What the server holds, and how it behaves."""

    mails: dict[int, bytes] = field(default_factory=dict)
    name: bytes = b"INBOX"
    validity: int = 7
    tells_next: bool = True
    login_answer: bytes = b""
    """In place of the answer to a login that is right."""
    garbles: bool = False
    """Whether the server talks nonsense once the folder is open."""
    refused: dict[int, bytes] = field(default_factory=dict)
    """Mails that the server does not give, and what it answers."""
    access_token: bytes = b""
    """With which a login by XOAUTH2 is right."""
    commands: list[bytes] = field(default_factory=list)

    def add(self, mail: bytes) -> int:
        """Put a mail into the folder; return its identifier."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = mail
        return uid


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folder: Folder, tls: ssl.SSLContext | None, starttls: ssl.SSLContext | None) -> None:
        self.folder = folder
        self.tls = tls
        self.starttls = starttls
        super().__init__(("127.0.0.1", 0), _Session)


class _Session(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.folder = self.server.folder
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        with suppress(OSError, ValueError):
            if self.server.tls is not None:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.file = self.request.makefile("rb")
            self.say(b"* OK ready")
            while line := self.file.readline():
                self.folder.commands.append(line.strip())
                tag, _, command = line.strip().partition(b" ")
                if not self.answer(tag, command):
                    break
        with suppress(OSError):
            self.request.close()

    def say(self, line: bytes) -> None:
        self.request.sendall(line + b"\r\n")

    def answer(self, tag: bytes, command: bytes) -> bool:
        """Answer one command; return whether the connection goes on."""
        assert isinstance(self.server, _Server)
        name, _, rest = command.partition(b" ")
        if name in (b"UID", b"FETCH"):
            if self.folder.garbles:
                self.say(b"* nonsense (((")
                self.say(b"what")
                return False
            wanted = re.match(rb"FETCH (\d+) \(BODY", rest)
            if wanted and int(wanted[1]) in self.folder.refused:
                self.say(tag + b" " + self.folder.refused[int(wanted[1])])
                return True
            self.read(name, rest)
        elif name == b"CAPABILITY":
            self.say(b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN AUTH=XOAUTH2")
        elif name == b"STARTTLS" and self.server.starttls is not None:
            self.say(tag + b" OK begin")
            self.request = self.server.starttls.wrap_socket(self.request, server_side=True)
            self.file = self.request.makefile("rb")
            return True
        elif name == b"AUTHENTICATE" and rest == b"XOAUTH2":
            self.say(b"+ ")
            given = base64.b64decode(self.file.readline())
            if given != b"user=mods\1auth=Bearer " + self.folder.access_token + b"\1\1":
                self.say(b"+ " + base64.b64encode(b'{"status": "400", "schemes": "Bearer"}'))
                assert self.file.readline() == b"\r\n"
                self.say(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials mods")
                return True
        elif name == b"AUTHENTICATE":
            self.say(b"+ ")
            given = base64.b64decode(self.file.readline())
            if given != "\0mods\0right ⚓".encode():
                self.say(tag + b" NO [AUTHENTICATIONFAILED] wrong mods right")
                return True
            if self.folder.login_answer:
                self.say(tag + b" " + self.folder.login_answer)
                return True
        elif name == b"EXAMINE":
            found = _QUOTED.match(rest)
            if found is None or found[1] != self.folder.name:
                self.say(tag + b" NO no such folder")
                return True
            self.say(b"* %d EXISTS" % len(self.folder.mails))
            self.say(b"* OK [UIDVALIDITY %d] valid" % self.folder.validity)
            if self.folder.tells_next:
                self.say(b"* OK [UIDNEXT %d] next" % (max(self.folder.mails, default=0) + 1))
        elif name == b"LOGOUT":
            self.say(b"* BYE")
            self.say(tag + b" OK bye")
            return False
        else:
            self.say(tag + b" BAD this folder is to be read only")
            return True
        self.say(tag + b" OK done")
        return True

    def read(self, name: bytes, rest: bytes) -> None:
        uids = sorted(self.folder.mails)
        if name == b"FETCH":
            position = int(rest.split()[0])
            self.say(b"* %d FETCH (UID %d)" % (position, uids[position - 1]))
        elif rest.startswith(b"SEARCH UID "):
            first, _, last = rest.removeprefix(b"SEARCH UID ").partition(b":")
            found = [uid for uid in uids if uid >= int(first) and (last == b"*" or uid <= int(last))]
            if last == b"*" and not found:
                found = uids[-1:]  # RFC 3501, section 6.4.8: the last one is always in such a range
            self.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in found))
        elif wanted := re.fullmatch(rb"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest):
            mail = self.folder.mails.get(int(wanted[1]))
            if mail is not None:
                shown = mail[: int(wanted[2])]
                head = b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n" % (
                    uids.index(int(wanted[1])) + 1,
                    int(wanted[1]),
                    len(shown),
                )
                self.request.sendall(head + shown + b")\r\n")


@contextmanager
def imap_server(
    folder: Folder, *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve the folder for the time of the block; yield the port. The login is ``mods``, ``right ⚓``."""
    with _Server(folder, tls, starttls) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
