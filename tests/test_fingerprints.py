"""Fingerprints: a pseudo-random function of a secret key, and a form in which they can be kept."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from matchers.fingerprints import SHINGLE_WORDS, WINDOW, Fingerprinter, is_written
from matchers.siphash import siphash

KEY = bytes(range(32))
PRINTER = Fingerprinter(KEY)
TEXT = "the kitchen light stays on until the last of us has crossed the harbor bridge"
# Made by this program when the form came in: what was kept then must be found by every later version.
KEPT = "passage:v1:63b7efc1:J3wHNd752xpP+wEOXK9YJiIrK7hVxlE6n3D9HtKfW1Ci/8kWt165W8ITQo7Zk7lef26+vhpA3GRLdqaFG35Zcg=="


def plain_siphash(key: bytes, message: bytes) -> int:
    """SipHash-2-4 by the paper, one message, in plain integers."""
    mask = (1 << 64) - 1
    halves = [int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")]
    v = [
        halves[0] ^ 0x736F6D6570736575,
        halves[1] ^ 0x646F72616E646F6D,
        halves[0] ^ 0x6C7967656E657261,
        halves[1] ^ 0x7465646279746573,
    ]

    def rotated(number: int, bits: int) -> int:
        return (number << bits | number >> 64 - bits) & mask

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotated(v[1], 13) ^ v[0]
            v[0] = rotated(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotated(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotated(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotated(v[1], 17) ^ v[2]
            v[2] = rotated(v[2], 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) % 256])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_hash_is_the_published_one() -> None:
    # The vector for 15 bytes of the paper's appendix A, and for 8 bytes of its authors' reference implementation.
    assert plain_siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5
    message = np.frombuffer(bytes(range(8)), dtype="<u8").astype(np.uint64).reshape(1, 1)
    assert siphash(bytes(range(16)), message).tolist() == [0x93F5F5799A932462]


@given(st.binary(min_size=16, max_size=16), st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5))
def test_many_messages_are_hashed_as_each_by_itself(key: bytes, messages: list[bytes]) -> None:
    rows = np.array([np.frombuffer(message, dtype="<u8") for message in messages], dtype=np.uint64)
    assert siphash(key, rows).tolist() == [plain_siphash(key, message) for message in messages]


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        siphash(b"short", np.zeros((1, 1), dtype=np.uint64))


def test_what_is_kept_stays_readable() -> None:
    assert PRINTER.write(TEXT) == KEPT


def test_written_fingerprints_read_back() -> None:
    assert is_written(PRINTER.write(TEXT))
    assert PRINTER.read(PRINTER.write(TEXT)).tolist() == PRINTER.fingerprints(TEXT).tolist()
    assert PRINTER.read(TEXT).tolist() == PRINTER.fingerprints(TEXT).tolist()


def test_another_key_makes_others() -> None:
    other = Fingerprinter(bytes(32))
    assert not set(other.fingerprints(TEXT).tolist()) & set(PRINTER.fingerprints(TEXT).tolist())
    with pytest.raises(UsageError, match="made with another key: enter its text again"):
        other.read(PRINTER.write(TEXT))


@pytest.mark.parametrize(
    "damaged",
    [
        PRINTER.write(TEXT)[:-1],
        PRINTER.write(TEXT)[:-4],
        "passage:v1:",
        f"passage:v1:{'0' * 8}:",
        PRINTER.write(TEXT).replace(":v1:", ":v2:"),
        PRINTER.write(TEXT) + "é",
    ],
)
def test_damaged_fingerprints_are_refused(damaged: str) -> None:
    with pytest.raises(UsageError, match="damaged"):
        PRINTER.read(damaged)


def test_a_text_is_fingerprinted_as_it_is_meant() -> None:
    disguised = TEXT.upper().replace("A", "А").replace(" ", "\n> ").replace("I", "&#105;")
    assert PRINTER.write(disguised) == PRINTER.write(TEXT)


def test_the_form_tells_neither_the_words_nor_their_order() -> None:
    kept = base64.b64decode(PRINTER.write(TEXT).rsplit(":", 1)[1])
    numbers = np.frombuffer(kept, dtype="<u8").tolist()
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("count", range(8))
def test_short_texts_have_few_fingerprints(count: int) -> None:
    words = TEXT.split()[:count]
    expected = max(0, count - SHINGLE_WORDS + 1)
    found = PRINTER.fingerprints(" ".join(words))
    assert min(expected, 2) <= len(found) <= expected


@given(st.lists(st.sampled_from("abcdefgh"), min_size=SHINGLE_WORDS + WINDOW - 1, max_size=30), st.data())
def test_every_stretch_of_five_words_shares_a_fingerprint(words: list[str], data: st.DataObject) -> None:
    length = SHINGLE_WORDS + WINDOW - 1
    start = data.draw(st.integers(0, len(words) - length))
    copied = words[start : start + length]
    shingles = {
        int(PRINTER.fingerprints(" ".join(copied[at : at + SHINGLE_WORDS]))[0])
        for at in range(length - SHINGLE_WORDS + 1)
    }
    assert shingles & set(PRINTER.fingerprints(" ".join(words)).tolist())
