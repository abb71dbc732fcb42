from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import Conflict
from core.ports import Listing, RememberedAnswer
from core.types import Community
from tests.store_fixtures import MINUTE, NOON, StandingClock, add_community, api_key, audit, opened


async def test_communities_come_back_as_they_were_given(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        first = Community(id="com_a", name="Harbor Commons", context=("harbor commons", "r/harborcommons"))
        second = Community(id="com_b", name="\ud800 lone surrogate")
        await store.add_community(first, audit=audit("com_a"))
        await store.add_community(second, audit=audit("com_b"))
        assert await store.communities() == (first, second)
        assert await store.community("com_b") == second


async def test_a_community_comes_with_its_first_key_or_not_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_api_key(api_key("key_1", "com_a"), audit=audit("com_a"))
        new, first = Community(id="com_b", name="Elmfield"), replace(api_key("key_2", "com_b"), digest=b"other")
        with pytest.raises(Conflict):
            await store.add_community(new, [replace(first, digest=b"digest")], audit=audit("com_a"))
        assert [community.id for community in await store.communities()] == ["com_a"]
        entry = audit("com_a")
        await store.add_community(new, [first], audit=entry)
        assert await store.api_keys("com_b") == (first,)
        assert entry in (await store.audit_log("com_a", Listing())).items


async def test_a_key_is_found_by_its_digest(tmp_path: Path) -> None:
    clock = StandingClock()
    async with opened(tmp_path, clock) as store:
        await add_community(store)
        key = api_key("key_1", "com_a")
        await store.add_api_key(key, audit=audit("com_a"))
        assert await store.api_key(key.digest) == replace(key, last_used_at=NOON)
        assert await store.api_key(b"other") is None
        with pytest.raises(Conflict):
            await store.add_api_key(replace(key, id="key_2"), audit=audit("com_a"))


async def test_the_use_of_a_key_is_noted_at_most_once_a_minute(tmp_path: Path) -> None:
    clock = StandingClock()
    async with opened(tmp_path, clock) as store:
        await add_community(store)
        await store.add_api_key(api_key("key_1", "com_a"), audit=audit("com_a"))
        noted = []
        for seconds in (0, 30, 59, 60, 61):
            clock.time = NOON + timedelta(seconds=seconds)
            await store.api_key(b"digest")
            noted.append((await store.api_keys("com_a"))[0].last_used_at)
        assert noted == [NOON, NOON, NOON, NOON + MINUTE, NOON + MINUTE]


async def test_a_revoked_key_says_since_when_and_its_use_is_not_noted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_api_key(api_key("key_1", "com_a"), audit=audit("com_a"))
        await store.revoke_api_key("com_a", "key_1", NOON, audit=audit("com_a"))
        await store.revoke_api_key("com_a", "key_1", NOON + MINUTE, audit=audit("com_a"))
        key = await store.api_key(b"digest")
        assert key is not None
        assert (key.revoked_at, key.last_used_at) == (NOON, None)


async def test_the_audit_log_is_kept_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        entries = [audit("com_a", at=NOON + number * MINUTE) for number in (3, 1, 2)]
        for entry in entries:
            await store.record(entry)
        log = await store.audit_log("com_a", Listing(updated_since=NOON + MINUTE))
        assert log.items == (entries[1], entries[2], entries[0])


async def test_an_answer_is_remembered_until_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await add_community(store, "com_b")
        answer = RememberedAnswer(request_digest=b"\x00digest", status=201, body=b'{"id": "\xff"}')
        await store.remember_answer("com_a", "request-1", answer, until=NOON + MINUTE)
        assert await store.remembered_answer("com_a", "request-1", NOON) == answer
        assert await store.remembered_answer("com_a", "request-1", NOON + MINUTE) is None
        assert await store.remembered_answer("com_a", "request-2", NOON) is None
        assert await store.remembered_answer("com_b", "request-1", NOON) is None

        later = replace(answer, status=200)
        await store.remember_answer("com_a", "request-1", later, until=NOON + 2 * MINUTE)
        assert await store.remembered_answer("com_a", "request-1", NOON + MINUTE) == later
        assert await store.prune(NOON + 2 * MINUTE) == 1
