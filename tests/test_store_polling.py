from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.db.store import SqlStore
from core.errors import LeaseLost, NotFound
from core.ports import Listing
from core.types import BlindInterval, JsonObject, SourceHealth, SourceLease, SourceRecord, SourceState
from tests.store_fixtures import MINUTE, NOON, StandingClock, add_community, audit, opened, source

LEASE = timedelta(minutes=5)


def polled(
    lease: SourceLease, cursor: JsonObject | None, *, due_at: datetime = NOON, at: datetime = NOON
) -> SourceRecord:
    return replace(
        lease.source,
        state=SourceState.HEALTHY,
        cursor=cursor,
        due_at=due_at,
        last_success_at=at,
        last_error=None,
        failure_count=0,
        updated_at=at,
    )


def failed(lease: SourceLease, *, due_at: datetime = NOON) -> SourceRecord:
    return replace(
        lease.source,
        state=SourceState.FAILING,
        last_error="the feed answered 500",
        failure_count=lease.source.failure_count + 1,
        due_at=due_at,
    )


async def finish(store: SqlStore, lease: SourceLease, source: SourceRecord) -> None:
    async with store.transaction() as transaction:
        await transaction.finish_poll(lease, source)


async def test_sources_come_back_as_they_were_given(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        given = replace(
            source("src_1", "com_a", settings={"url": "https://blog.example", "tags": ["a", 1, None, 0.5]}),
            shared=True,
            interval_seconds=60,
            maximum_interval_seconds=600,
            cursor={"etag": "x", "seen": [1, 2]},
            health=SourceHealth(
                interval_seconds=75.0,
                failing_since=NOON,
                read_since=NOON - LEASE,
                last_new_at=NOON - MINUTE,
                usual_silence_seconds=0.5,
                newest_published_at=NOON - LEASE,
                quota_left=3,
                was_told=True,
                blind_intervals=(BlindInterval(from_at=NOON - LEASE, until_at=NOON, reason="it was not read"),),
            ),
            due_at=NOON + MINUTE,
        )
        await store.add_source(given, audit=audit("com_a"))
        assert await store.source("com_a", "src_1") == given


async def test_the_source_that_is_due_longest_is_taken_first_and_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        for number in range(3):
            await store.add_source(
                source(f"src_{number}", "com_a", due_at=NOON - number * MINUTE), audit=audit("com_a")
            )
        await store.add_source(source("src_later", "com_a", due_at=NOON + MINUTE), audit=audit("com_a"))
        taken = [await store.take_due_source(NOON, LEASE) for _ in range(4)]
        assert [lease and lease.source.id for lease in taken] == ["src_2", "src_1", "src_0", None]
        assert {lease.until for lease in taken if lease} == {NOON + LEASE}


async def test_a_source_given_back_is_due_as_it_was_and_one_that_is_left_out_is_not_taken(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        for number in range(3):
            await store.add_source(
                source(f"src_{number}", "com_a", due_at=NOON + number * MINUTE), audit=audit("com_a")
            )
        first = await store.take_due_source(NOON + LEASE, LEASE)
        assert first is not None
        await store.give_source_back(first)
        with pytest.raises(LeaseLost):
            await store.give_source_back(first)
        second = await store.take_due_source(NOON + LEASE, LEASE, besides={"src_0", "src_9"})
        assert second is not None
        assert second.source.id == "src_1"
        assert await store.next_source_due_at(besides={"src_0", "src_1"}) == NOON + 2 * MINUTE
        again = await store.take_due_source(NOON + LEASE, LEASE)
        assert again is not None
        assert (again.source.id, again.source.due_at) == ("src_0", NOON)


async def test_a_source_without_a_time_is_due_when_it_was_made(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        assert await store.next_source_due_at() is None
        await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        assert await store.next_source_due_at() == NOON
        assert await store.take_due_source(NOON, LEASE) is not None


async def test_the_next_source_is_due_at_its_time_or_when_its_lease_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(source("src_1", "com_a", due_at=NOON), audit=audit("com_a"))
        await store.take_due_source(NOON, LEASE)
        assert await store.next_source_due_at() == NOON + LEASE
        await store.add_source(source("src_2", "com_a", due_at=NOON + MINUTE), audit=audit("com_a"))
        assert await store.next_source_due_at() == NOON + MINUTE


async def test_a_finished_poll_keeps_the_cursor_and_frees_the_source(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        lease = await store.take_due_source(NOON, LEASE)
        assert lease is not None
        await finish(store, lease, failed(lease, due_at=NOON + MINUTE))
        failing = await store.source("com_a", "src_1")
        assert (failing.state, failing.last_error, failing.failure_count, failing.cursor) == (
            SourceState.FAILING,
            "the feed answered 500",
            1,
            None,
        )
        again = await store.take_due_source(NOON + MINUTE, LEASE)
        assert again is not None
        await finish(store, again, polled(again, {"page": 2}, due_at=NOON + LEASE, at=NOON + MINUTE))
        healthy = await store.source("com_a", "src_1")
        assert healthy == replace(
            lease.source,
            state=SourceState.HEALTHY,
            cursor={"page": 2},
            due_at=NOON + LEASE,
            last_success_at=NOON + MINUTE,
            updated_at=NOON + MINUTE,
        )
        assert await store.take_due_source(NOON + MINUTE, LEASE) is None


async def test_who_lost_a_lease_records_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        await one.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        slow = await one.take_due_source(NOON, LEASE)
        assert slow is not None
        assert await other.take_due_source(NOON + LEASE - timedelta(microseconds=1), LEASE) is None
        quick = await other.take_due_source(NOON + LEASE, LEASE)
        assert quick is not None

        async def finish_late() -> None:
            async with one.transaction() as transaction:
                await transaction.mark_seen("com_a", ["one"], until=NOON + LEASE)
                await transaction.finish_poll(slow, polled(slow, {"page": 9}))

        with pytest.raises(LeaseLost):
            await finish_late()
        with pytest.raises(LeaseLost):
            await finish(one, slow, failed(slow))
        assert await one.unseen("com_a", ["one"], NOON) == {"one"}
        assert await one.source("com_a", "src_1") == quick.source
        await finish(other, quick, polled(quick, {"page": 2}))
        with pytest.raises(LeaseLost):  # its lease has ended with it
            await finish(other, quick, failed(quick))


async def test_a_renewed_lease_keeps_the_source_and_a_lost_one_cannot_be_renewed(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        slow = await store.take_due_source(NOON, LEASE)
        assert slow is not None
        await store.renew_source_lease(slow, NOON + 2 * LEASE)
        assert await store.take_due_source(NOON + LEASE, LEASE) is None
        assert await store.take_due_source(NOON + 2 * LEASE, LEASE) is not None
        with pytest.raises(LeaseLost):
            await store.renew_source_lease(slow, NOON + 9 * LEASE)
        assert await store.next_source_due_at() == NOON + 3 * LEASE


async def test_an_expired_lease_that_nobody_took_over_still_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        lease = await store.take_due_source(NOON, LEASE)
        assert lease is not None
        late = polled(lease, None, due_at=NOON + 2 * LEASE, at=NOON + 2 * LEASE)
        await finish(store, lease, late)
        assert await store.source("com_a", "src_1") == late


async def test_of_many_takers_in_two_stores_each_source_has_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        for number in range(20):
            await one.add_source(source(f"src_{number}", "com_a"), audit=audit("com_a"))
        leases = await asyncio.gather(
            *(store.take_due_source(NOON, LEASE) for _ in range(20) for store in (one, other))
        )
        taken = [lease for lease in leases if lease is not None]
        assert sorted(lease.source.id for lease in taken) == sorted(f"src_{number}" for number in range(20))
        assert len({lease.token for lease in taken}) == 20


async def test_a_source_switched_off_is_not_taken_and_its_poll_under_way_is_not_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        trouble = SourceHealth(failing_since=NOON - LEASE, was_told=True, usual_silence_seconds=60.0)
        await store.add_source(replace(source("src_1", "com_a"), health=trouble), audit=audit("com_a"))
        lease = await store.take_due_source(NOON, LEASE)
        assert lease is not None
        off = await store.set_source_enabled("com_a", "src_1", False, NOON + MINUTE, audit=audit("com_a"))
        assert (off.state, off.due_at) == (SourceState.DISABLED, None)
        with pytest.raises(LeaseLost):
            await finish(store, lease, failed(lease))
        assert await store.take_due_source(NOON + LEASE, LEASE) is None
        assert await store.next_source_due_at() is None

        on = await store.set_source_enabled("com_a", "src_1", True, NOON + LEASE, audit=audit("com_a"))
        assert (on.state, on.due_at, on.updated_at) == (SourceState.NEW, NOON + LEASE, NOON + LEASE)
        assert on.health == SourceHealth(usual_silence_seconds=60.0)  # its trouble is judged anew
        assert await store.source("com_a", "src_1") == on
        assert await store.set_source_enabled("com_a", "src_1", True, NOON + 2 * LEASE, audit=audit("com_a")) == on
        assert await store.take_due_source(NOON + LEASE, LEASE) is not None


async def test_a_source_added_switched_off_is_not_due(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(
            replace(source("src_1", "com_a", due_at=NOON), state=SourceState.DISABLED), audit=audit("com_a")
        )
        assert await store.take_due_source(NOON, LEASE) is None


async def test_a_deleted_source_is_gone_and_its_lease_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
        lease = await store.take_due_source(NOON, LEASE)
        assert lease is not None
        await store.delete_source("com_a", "src_1", audit=audit("com_a"))
        with pytest.raises(LeaseLost):
            await finish(store, lease, failed(lease))
        with pytest.raises(NotFound):
            await store.source("com_a", "src_1")
        assert (await store.sources("com_a", Listing())).items == ()


async def test_what_was_marked_is_seen_until_its_time_in_its_community(tmp_path: Path) -> None:
    clock = StandingClock()
    async with opened(tmp_path, clock) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        async with store.transaction() as transaction:
            assert await transaction.mark_seen("com_a", ["one", "two", "one"], until=NOON + MINUTE) == {"one", "two"}
            assert await transaction.mark_seen("com_a", ["two", "three"], until=NOON + MINUTE) == {"three"}
            assert await transaction.mark_seen("com_a", [], until=NOON + MINUTE) == frozenset()
        wanted = ["one", "two", "three", "four"]
        assert await store.unseen("com_a", wanted, NOON) == {"four"}
        assert await store.unseen("com_b", wanted, NOON) == set(wanted)
        assert await store.unseen("com_a", wanted, NOON + MINUTE) == set(wanted)

        clock.time = NOON + MINUTE  # expired, though not yet pruned: new again
        async with store.transaction() as transaction:
            assert await transaction.mark_seen("com_a", ["one"], until=NOON + LEASE) == {"one"}
        assert await store.unseen("com_a", wanted, NOON + MINUTE) == {"two", "three", "four"}
        assert await store.prune(NOON + MINUTE) == 2


async def test_marking_again_prolongs_and_never_shortens(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            for minutes in (1, 3, 2):
                await transaction.mark_seen("com_a", ["one"], until=NOON + minutes * MINUTE)
        assert await store.unseen("com_a", ["one"], NOON + 2 * MINUTE) == frozenset()
        assert await store.unseen("com_a", ["one"], NOON + 3 * MINUTE) == {"one"}


async def test_of_two_that_mark_the_same_documents_each_document_is_new_to_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        fingerprints = [str(number) for number in range(1200)]

        async def mark(store_number: int) -> frozenset[str]:
            async with (one, other)[store_number % 2].transaction() as transaction:
                return await transaction.mark_seen("com_a", fingerprints, until=NOON + MINUTE)

        new = await asyncio.gather(*(mark(number) for number in range(6)))
        assert sorted(map(len, new)) == [0, 0, 0, 0, 0, 1200]


async def test_many_seen_keys_are_pruned_in_steps(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            await transaction.mark_seen("com_a", map(str, range(2300)), until=NOON)
            await transaction.mark_seen("com_a", ["kept"], until=NOON + MINUTE)
        assert await store.prune(NOON) == 2300
        assert await store.prune(NOON) == 0
        assert await store.unseen("com_a", ["kept"], NOON) == frozenset()
