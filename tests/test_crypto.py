from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import HASH_BYTES, CommunityKeys, HashPurpose, KeyEncryptionKey, load_key
from core.errors import CryptoError
from core.settings import Settings

DATA_KEY = bytes(range(32))
KEYS = CommunityKeys("com_a", DATA_KEY)
PLACE = {"table": "term", "column": "sealed", "row_id": "trm_1"}

places = st.tuples(st.text(), st.text(), st.text())


def test_the_shape_of_a_sealed_value_is_version_nonce_ciphertext_and_tag() -> None:
    sealed = KEYS.seal(b"night_heron", **PLACE)
    assert sealed[:1] == b"\x01"
    assert len(sealed) == 1 + 12 + len(b"night_heron") + 16


@given(st.binary(max_size=300), places)
def test_what_is_sealed_opens_in_its_place(plaintext: bytes, place: tuple[str, str, str]) -> None:
    table, column, row_id = place
    sealed = KEYS.seal(plaintext, table=table, column=column, row_id=row_id)
    assert KEYS.open(sealed, table=table, column=column, row_id=row_id) == plaintext


@given(st.binary(max_size=100), places, places)
def test_a_sealed_value_does_not_open_in_another_place(
    plaintext: bytes, here: tuple[str, str, str], there: tuple[str, str, str]
) -> None:
    sealed = KEYS.seal(plaintext, table=here[0], column=here[1], row_id=here[2])
    if here == there:
        assert KEYS.open(sealed, table=there[0], column=there[1], row_id=there[2]) == plaintext
    else:
        with pytest.raises(CryptoError):
            KEYS.open(sealed, table=there[0], column=there[1], row_id=there[2])


@pytest.mark.parametrize(
    "moved",
    [
        {"table": "alert", "column": "sealed", "row_id": "trm_1"},
        {"table": "term", "column": "sealed_cursor", "row_id": "trm_1"},
        {"table": "term", "column": "sealed", "row_id": "trm_2"},
        {"table": "ter", "column": "msealed", "row_id": "trm_1"},
    ],
)
def test_a_sealed_value_moved_by_one_part_of_its_place_does_not_open(moved: dict[str, str]) -> None:
    with pytest.raises(CryptoError, match=r"does not open"):
        KEYS.open(KEYS.seal(b"x", **PLACE), **moved)


def test_a_sealed_value_does_not_open_in_another_community_even_under_the_same_key() -> None:
    sealed = KEYS.seal(b"x", **PLACE)
    for other in (CommunityKeys("com_b", DATA_KEY), CommunityKeys("com_a", bytes(32))):
        with pytest.raises(CryptoError):
            other.open(sealed, **PLACE)


@given(st.binary(max_size=60), st.data())
def test_a_sealed_value_with_one_bit_altered_does_not_open(plaintext: bytes, draw: st.DataObject) -> None:
    sealed = bytearray(KEYS.seal(plaintext, **PLACE))
    bit = draw.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(CryptoError):
        KEYS.open(bytes(sealed), **PLACE)


@given(st.binary(max_size=60), st.data())
def test_a_sealed_value_cut_short_does_not_open(plaintext: bytes, draw: st.DataObject) -> None:
    sealed = KEYS.seal(plaintext, **PLACE)
    with pytest.raises(CryptoError):
        KEYS.open(sealed[: draw.draw(st.integers(0, len(sealed) - 1))], **PLACE)


@given(st.binary(max_size=60))
def test_bytes_that_nobody_sealed_do_not_open(noise: bytes) -> None:
    with pytest.raises(CryptoError):
        KEYS.open(noise, **PLACE)


def test_the_error_of_a_value_that_does_not_open_quotes_neither_plaintext_nor_row() -> None:
    with pytest.raises(CryptoError) as caught:
        KEYS.open(b"\x01" + b"night_heron" * 5, **PLACE)
    assert "heron" not in str(caught.value)
    assert "trm_1" not in str(caught.value)


def test_equal_plaintexts_are_sealed_differently() -> None:
    assert len({KEYS.seal(b"night_heron", **PLACE) for _ in range(100)}) == 100


@given(st.lists(st.text() | st.none(), max_size=4), st.lists(st.text() | st.none(), max_size=4))
def test_keyed_hashes_are_equal_for_equal_parts_only(left: list[str | None], right: list[str | None]) -> None:
    hashes = KEYS.hash(HashPurpose.SEEN, *left), KEYS.hash(HashPurpose.SEEN, *right)
    assert (hashes[0] == hashes[1]) == (left == right)
    assert {len(each) for each in hashes} == {HASH_BYTES}


def test_keyed_hashes_differ_between_purposes_communities_and_data_keys() -> None:
    hashes = [KEYS.hash(purpose, "t1") for purpose in HashPurpose]
    hashes.append(CommunityKeys("com_a", bytes(32)).hash(HashPurpose.SEEN, "t1"))
    assert len(set(hashes)) == len(hashes)


def test_a_keyed_hash_takes_text_with_lone_surrogates() -> None:
    assert KEYS.hash(HashPurpose.SEEN, "\ud800") != KEYS.hash(HashPurpose.SEEN, "\ud801")


def test_a_wrapped_data_key_opens_for_its_community_only() -> None:
    key = KeyEncryptionKey(bytes(32), "setting key")
    wrapped = key.wrap_new("com_a")
    sealed = key.unwrap(wrapped, "com_a").seal(b"x", **PLACE)
    assert key.unwrap(wrapped, "com_a").open(sealed, **PLACE) == b"x"
    with pytest.raises(CryptoError):
        key.unwrap(wrapped, "com_b")


def test_another_key_encryption_key_does_not_unwrap() -> None:
    wrapped = KeyEncryptionKey(bytes(32), "setting key").wrap_new("com_a")
    with pytest.raises(CryptoError, match="setting key is not the one"):
        KeyEncryptionKey(DATA_KEY, "setting key").unwrap(wrapped, "com_a")


def test_two_communities_have_different_data_keys() -> None:
    key = KeyEncryptionKey(bytes(32), "setting key")
    one, other = (key.unwrap(key.wrap_new("com_a"), "com_a") for _ in range(2))
    with pytest.raises(CryptoError):
        other.open(one.seal(b"x", **PLACE), **PLACE)


def test_a_missing_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_directory=tmp_path / "new")
    wrapped = load_key(settings, may_create=True).wrap_new("com_a")
    assert stat.S_IMODE(settings.key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.key_path.parent.stat().st_mode) == 0o700
    assert [path.name for path in settings.key_path.parent.iterdir()] == ["leakwatch.key"]
    load_key(settings, may_create=False).unwrap(wrapped, "com_a")


def test_many_starting_at_once_end_with_the_same_key(tmp_path: Path) -> None:
    settings = Settings(data_directory=tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_key(settings, may_create=True), range(8)))
    wrapped = keys[0].wrap_new("com_a")
    for key in keys:
        key.unwrap(wrapped, "com_a")


def test_a_missing_key_file_is_not_replaced_once_something_is_sealed(tmp_path: Path) -> None:
    with pytest.raises(CryptoError, match=r"leakwatch\.key is missing"):
        load_key(Settings(data_directory=tmp_path), may_create=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"short", base64.b64encode(bytes(31)), base64.b64encode(bytes(33)), b"\xff"])
def test_a_key_file_that_is_not_32_bytes_in_base64_is_refused(tmp_path: Path, content: bytes) -> None:
    settings = Settings(data_directory=tmp_path)
    settings.key_path.write_bytes(content)
    settings.key_path.chmod(0o600)
    with pytest.raises(CryptoError, match="32 bytes in base64"):
        load_key(settings, may_create=True)
    assert settings.key_path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    settings = Settings(data_directory=tmp_path)
    load_key(settings, may_create=True)
    settings.key_path.chmod(mode)
    with pytest.raises(CryptoError, match="chmod 600"):
        load_key(settings, may_create=True)


def test_a_key_file_that_cannot_be_read_is_named_in_one_sentence(tmp_path: Path) -> None:
    settings = Settings(key_file=tmp_path)
    with pytest.raises(CryptoError, match="cannot be used: Is a directory"):
        load_key(settings, may_create=True)


def test_a_key_in_the_settings_needs_no_file(tmp_path: Path) -> None:
    settings = Settings(data_directory=tmp_path, key=base64.b64encode(bytes(32)).decode())
    wrapped = load_key(settings, may_create=False).wrap_new("com_a")
    KeyEncryptionKey(bytes(32), "setting key").unwrap(wrapped, "com_a")
    assert not list(tmp_path.iterdir())


def test_a_malformed_key_in_the_settings_is_refused_without_being_quoted() -> None:
    with pytest.raises(CryptoError, match="setting key does not hold a key") as caught:
        load_key(Settings(key="night_heron"), may_create=True)
    assert "heron" not in str(caught.value)
