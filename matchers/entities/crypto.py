"""Addresses of crypto currencies' wallets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from stdnum.bitcoin import b58decode, bech32_checksum

from core.types import EntityType
from matchers.entities.context import ContextWords
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import own_table

_CHECKED_CONFIDENCE = 0.97
_FORM_CONFIDENCE = 0.9
_TOLD_CONFIDENCE = 0.75

_ROWS: dict[str, dict[str, Any]] = {row["name"]: row for row in own_table("crypto.yaml")["addresses"]}
_CONTEXT = ContextWords({name: row["words"] for name, row in _ROWS.items() if "words" in row})
_ADDRESS = re.compile(
    r"(?<![\w/=+.-])(?:" + "|".join(rf"(?P<{name}>{row['form']})" for name, row in _ROWS.items()) + r")(?![\w/+=-])"
)
_BECH32_DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32, _BECH32M = 1, 0x2BC830A3  # BIP 173, BIP 350
# The digits of base 58 in Ripple's order (https://xrpl.org/docs/references/protocol/data-types/base58-encodings).
_FROM_RIPPLE = str.maketrans(
    "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz",
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
)
_SOLANA_BYTES = 32


class CryptoRecogniser(TextRecogniser):
    """Sees wallets' addresses, most of them by their own check digits."""

    gate = Gate(
        r"0x[0-9a-f]{8}|bitcoincash:|(?:bc|ltc|addr|stake|cosmos|osmo|terra)1[02-9ac-hj-np-z]{8}",
        reach=80,
        unbroken=26,
    )

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the addresses in a stretch."""
        # Capitals count, so what is written is looked at; nobody disguises an address that is to be paid.
        for place in _ADDRESS.finditer(stretch.original):
            name = place.lastgroup or ""
            check = _ROWS[name].get("check")
            if check and not _passes(check, place[0], _ROWS[name].get("versions", ())):
                continue
            start, end = stretch.folded_at(*place.span())
            if "words" not in _ROWS[name]:
                confidence = _CHECKED_CONFIDENCE if check else _FORM_CONFIDENCE
            elif _CONTEXT.read(stretch.folded).nearest(start, end):
                confidence = _TOLD_CONFIDENCE
            else:
                continue
            yield Seen(EntityType.CRYPTO_ADDRESS, start, end, confidence, name)


def _passes(check: str, address: str, versions: list[int]) -> bool:
    match check:
        case "bech32":
            return _is_bech32(address.lower())
        case "solana":
            return len(b58decode(address)) == _SOLANA_BYTES and not address.isalpha()
        case "ripple":
            return _is_base58(address.translate(_FROM_RIPPLE), [0])
        case _:
            return _is_base58(address, versions)


def _is_base58(address: str, versions: list[int]) -> bool:
    # https://en.bitcoin.it/wiki/Base58Check_encoding
    decoded = b58decode(address)
    content, check = decoded[:-4], decoded[-4:]
    return content[0] in versions and hashlib.sha256(hashlib.sha256(content).digest()).digest()[:4] == check


def _is_bech32(address: str) -> bool:
    prefix, _, digits = address.rpartition("1")
    values = [_BECH32_DIGITS.index(digit) for digit in digits]
    expanded = [*(ord(one) >> 5 for one in prefix), 0, *(ord(one) & 31 for one in prefix)]
    return bech32_checksum([*expanded, *values]) in (_BECH32, _BECH32M)
