"""Sealing at rest: AES-256-GCM with a random data key per community.

The data key is kept in the database, wrapped by the key-encryption key, which never is: that one comes from
the settings or from a file that only its owner can read. From the data key come, by HKDF (RFC 5869), one key
for sealing and one for each kind of keyed hash, so that equal texts have unrelated hashes in two places.

A sealed value is a version byte, a random 96-bit nonce and the ciphertext with its tag. The associated data
name the community, table, column and row: a value moved elsewhere does not open. Random nonces are safe for
2**32 values under one key (NIST SP 800-38D, 8.3), far more than one community ever writes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import CryptoError
from core.settings import Settings

KEY_BYTES = 32
HASH_BYTES = 16
_NONCE_BYTES = 12
_VERSION = b"\x01"
_LONGEST_KEY_FILE = 1024


class HashPurpose(StrEnum):
    """What a keyed hash stands for; each has a key of its own."""

    SEEN = "seen"
    JOIN = "join"
    REFERENCE = "reference"
    NAME = "name"
    SIGHTING = "sighting"
    SITE = "site"
    TERM = "term"
    MEMBER = "member"
    PIECE = "piece"
    ANSWER = "answer"
    LINK = "link"


class CommunityKeys:
    """Everything that comes of one community's data key."""

    def __init__(self, community_id: str, data_key: bytes) -> None:
        self.community_id = community_id
        self._sealing = AESGCM(_derive(data_key, "sealing"))
        self._hashing: Mapping[HashPurpose, bytes] = {
            purpose: _derive(data_key, f"hash {purpose}") for purpose in HashPurpose
        }

    def seal(self, plaintext: bytes, *, table: str, column: str, row_id: str) -> bytes:
        """Return the plaintext sealed for this place."""
        return _seal(self._sealing, plaintext, "value", self.community_id, table, column, row_id)

    def open(self, sealed: bytes, *, table: str, column: str, row_id: str) -> bytes:
        """Return the plaintext. Raises CryptoError for a value of another place or community, or an altered one."""
        try:
            return _open(self._sealing, sealed, "value", self.community_id, table, column, row_id)
        except InvalidTag:
            raise CryptoError(
                f"a sealed value of {table}.{column} does not open: it was altered, moved, or sealed by another key"
            ) from None

    def hash(self, purpose: HashPurpose, *parts: str | None) -> bytes:
        """Return the keyed hash (HMAC-SHA-256, first 16 bytes) of the parts, for comparing without reading."""
        return hmac.digest(self._hashing[purpose], json.dumps(parts).encode(), "sha256")[:HASH_BYTES]


class KeyEncryptionKey:
    """The key outside the database, which opens the communities' data keys."""

    def __init__(self, key: bytes, origin: str) -> None:
        self._key = key
        self._wrapping = AESGCM(key)
        self._origin = origin

    def derive(self, purpose: str) -> bytes:
        """Return the key (32 bytes) for something that the whole installation shares, always the same."""
        return _derive(self._key, f"installation {purpose}")

    def wrap_new(self, community_id: str) -> bytes:
        """Return a fresh random data key for the community, wrapped."""
        return _seal(self._wrapping, secrets.token_bytes(KEY_BYTES), "data key", community_id)

    def unwrap(self, wrapped: bytes, community_id: str) -> CommunityKeys:
        """Return the community's keys. Raises CryptoError where another key wrapped them."""
        try:
            return CommunityKeys(community_id, _open(self._wrapping, wrapped, "data key", community_id))
        except InvalidTag:
            raise CryptoError(f"the key in {self._origin} is not the one this database was written with") from None


def load_key(settings: Settings, *, may_create: bool) -> KeyEncryptionKey:
    """Return the key-encryption key of the settings or of the key file.

    ``may_create`` tells that nothing is sealed yet, so that a missing key file may be made. Raises CryptoError
    for a key that is malformed, a file that others can read, and a missing file that must not be replaced.
    """
    if settings.key is not None:
        return KeyEncryptionKey(_decode(settings.key.encode(), "setting key"), "setting key")
    path = settings.key_path
    try:
        if not path.exists():
            if not may_create:
                raise CryptoError(
                    f"the key file {path} is missing and this database cannot be read without it: restore it from "
                    "your backup"
                )
            _create(path)
        return KeyEncryptionKey(_decode(_read_private(path), f"file {path}"), f"file {path}")
    except OSError as error:
        raise CryptoError(f"the key file {path} cannot be used: {error.strerror}") from None


def find_key(settings: Settings) -> KeyEncryptionKey | None:
    """Return the key-encryption key where there is one already. Raises CryptoError as :func:`load_key`."""
    if settings.key is None and not settings.key_path.exists():
        return None
    return load_key(settings, may_create=False)


def _create(path: Path) -> None:
    """Write a new key that appears under its name only when it is whole, and never replaces another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was first: its key counts
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        draft.unlink()


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CryptoError(f"the key file {path} is open to other users: run chmod 600 on it")
        return file.read(_LONGEST_KEY_FILE)


def _decode(text: bytes, origin: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise CryptoError(f"{origin} does not hold a key: it must be {KEY_BYTES} bytes in base64")
    return key


def _derive(data_key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"leakwatch {purpose}".encode()).derive(data_key)


def _seal(cipher: AESGCM, plaintext: bytes, *place: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + cipher.encrypt(nonce, plaintext, _associated(place))


def _open(cipher: AESGCM, sealed: bytes, *place: str) -> bytes:
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
        raise InvalidTag
    return cipher.decrypt(nonce, ciphertext, _associated(place))


def _associated(place: tuple[str, ...]) -> bytes:
    # The version is bound too; as a JSON list no two places are written alike.
    return json.dumps([_VERSION.hex(), *place]).encode()
