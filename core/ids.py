"""Identifiers: a prefix that says what it names, and 120 random bits."""

from __future__ import annotations

import base64
import secrets

_RANDOM_BYTES = 15


def new_id(prefix: str) -> str:
    """Return a fresh identifier such as ``inc_4q6w…``: the prefix, ``_`` and 24 lower-case characters."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()}"
