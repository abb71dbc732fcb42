from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.db.outbox import DELIVERED_KEPT_FOR
from core.db.store import SqlStore
from core.errors import Conflict, CryptoError, LeaseLost, NotFound
from core.ports import Listing
from core.types import Delivery, DeliveryState, Detail, Severity
from tests.store_fixtures import (
    MINUTE,
    NOON,
    StandingClock,
    add_community,
    audit,
    delivery,
    delivery_failed,
    delivery_succeeded,
    destination,
    opened,
)

LEASE = timedelta(minutes=2)


async def plan(store: SqlStore, *deliveries: Delivery) -> None:
    async with store.transaction() as transaction:
        for each in deliveries:
            await transaction.plan_delivery(each)


async def test_destinations_come_back_as_they_were_given(tmp_path: Path) -> None:
    clock = StandingClock()
    async with opened(tmp_path, clock) as store:
        await add_community(store)
        given = replace(
            destination("dst_2", "com_a", settings={"host": "mail.example", "port": 25, "password": "x"}),
            detail=Detail.FULL,
            minimum_severity=Severity.INFO,
        )
        await store.add_destination(given, audit=audit("com_a"))
        assert await store.destination("com_a", "dst_2") == given
        clock.time = NOON + MINUTE
        off = await store.set_destination_enabled("com_a", "dst_2", False, audit=audit("com_a"))
        assert off == replace(given, enabled=False)
        listed = await store.all_destinations("com_a", Listing(updated_since=NOON + MINUTE))
        assert listed.items == (off,)
        async with store.transaction() as transaction:
            assert [each.id for each in await transaction.destinations("com_a")] == ["dst_1"]


async def test_deliveries_are_numbered_for_each_destination(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_destination(destination("dst_2", "com_a"), audit=audit("com_a"))
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a", "dst_2"))
        await plan(store, delivery("dlv_3", "com_a", incident_id="inc_1"))
        listed = (await store.deliveries("com_a", Listing())).items
        assert {each.id: (each.destination_id, each.sequence) for each in listed} == {
            "dlv_1": ("dst_1", 1),
            "dlv_2": ("dst_2", 1),
            "dlv_3": ("dst_1", 2),
        }
        assert listed[2] == replace(delivery("dlv_3", "com_a", incident_id="inc_1"), sequence=2)


async def test_a_plan_that_fails_uses_up_no_number(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        with pytest.raises(NotFound):
            await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a", "dst_9"))
        with pytest.raises(NotFound):
            await plan(store, delivery("dlv_1", "com_a", incident_id="inc_9"))
        await plan(store, delivery("dlv_3", "com_a"))
        assert [(each.id, each.sequence) for each in (await store.deliveries("com_a", Listing())).items] == [
            ("dlv_3", 1)
        ]


async def test_numbers_planned_at_once_from_two_stores_have_no_gap_and_no_double(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        await asyncio.gather(
            *(plan((one, other)[number % 2], delivery(f"dlv_{number}", "com_a")) for number in range(12))
        )
        listed = (await one.deliveries("com_a", Listing())).items
        assert sorted(each.sequence for each in listed) == list(range(1, 13))


async def test_each_destination_gets_its_deliveries_one_at_a_time_and_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_destination(destination("dst_2", "com_a"), audit=audit("com_a"))
        await plan(
            store,
            delivery("dlv_1", "com_a", due_at=NOON),
            delivery("dlv_2", "com_a", due_at=NOON - MINUTE),
            delivery("dlv_3", "com_a", "dst_2", due_at=NOON + MINUTE),
        )
        first = await store.take_due_delivery(NOON, LEASE)
        assert first is not None
        assert first.delivery.id == "dlv_1"  # though dlv_2 is due longer
        assert first.destination == destination("dst_1", "com_a")
        assert await store.take_due_delivery(NOON, LEASE) is None
        await delivery_failed(store, first, error="it answered 503", next_attempt_at=NOON + 3 * MINUTE, at=NOON)
        assert await store.take_due_delivery(NOON, LEASE) is None  # dlv_2 waits for dlv_1
        assert await store.next_delivery_due_at() == NOON + MINUTE
        other = await store.take_due_delivery(NOON + MINUTE, LEASE)
        assert other is not None
        assert other.delivery.id == "dlv_3"
        await delivery_succeeded(store, other, NOON + MINUTE)
        again = await store.take_due_delivery(NOON + 3 * MINUTE, LEASE)
        assert again is not None
        assert (again.delivery.id, again.delivery.attempts, again.delivery.last_error) == (
            "dlv_1",
            1,
            "it answered 503",
        )
        await delivery_succeeded(store, again, NOON + 3 * MINUTE)
        last = await store.take_due_delivery(NOON + 3 * MINUTE, LEASE)
        assert last is not None
        assert last.delivery.id == "dlv_2"


async def test_a_delivered_one_says_when_and_after_how_many_attempts(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await plan(store, delivery("dlv_1", "com_a"))
        lease = await store.take_due_delivery(NOON, LEASE)
        assert lease is not None
        await delivery_succeeded(store, lease, NOON + MINUTE)
        (delivered,) = (await store.deliveries("com_a", Listing(), state=DeliveryState.DELIVERED)).items
        assert delivered == replace(
            lease.delivery,
            state=DeliveryState.DELIVERED,
            attempts=1,
            next_attempt_at=None,
            delivered_at=NOON + MINUTE,
        )
        assert await store.next_delivery_due_at() is None
        assert (await store.deliveries("com_a", Listing(), state=DeliveryState.PENDING)).items == ()


async def test_the_next_delivery_is_due_at_its_time_or_when_its_lease_ends(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        assert await store.next_delivery_due_at() is None
        await plan(store, delivery("dlv_1", "com_a", due_at=NOON + MINUTE), delivery("dlv_2", "com_a", due_at=NOON))
        assert await store.next_delivery_due_at() == NOON + MINUTE
        await store.take_due_delivery(NOON + MINUTE, LEASE)
        assert await store.next_delivery_due_at() == NOON + MINUTE + LEASE


async def test_who_lost_a_lease_records_no_outcome(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        await plan(one, delivery("dlv_1", "com_a"))
        slow = await one.take_due_delivery(NOON, LEASE)
        assert slow is not None
        assert await other.take_due_delivery(NOON, LEASE) is None
        quick = await other.take_due_delivery(NOON + LEASE, LEASE)
        assert quick is not None
        assert quick.delivery == slow.delivery
        with pytest.raises(LeaseLost):
            await delivery_succeeded(one, slow, NOON)
        with pytest.raises(LeaseLost):
            await delivery_failed(one, slow, error="late", next_attempt_at=None, at=NOON)
        await delivery_succeeded(other, quick, NOON)


async def test_of_many_takers_in_two_stores_each_delivery_has_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await add_community(one)
        for number in range(2, 12):
            await one.add_destination(destination(f"dst_{number}", "com_a"), audit=audit("com_a"))
        for number in range(1, 12):
            await plan(one, *(delivery(f"dlv_{number}_{turn}", "com_a", f"dst_{number}") for turn in range(2)))
        leases = await asyncio.gather(
            *(store.take_due_delivery(NOON, LEASE) for _ in range(15) for store in (one, other))
        )
        taken = sorted(lease.delivery.id for lease in leases if lease is not None)
        assert taken == sorted(f"dlv_{number}_0" for number in range(1, 12))


async def test_a_dead_delivery_lets_the_next_pass_and_is_replayed_before_later_ones(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a"), delivery("dlv_3", "com_a"))
        first = await store.take_due_delivery(NOON, LEASE)
        assert first is not None
        with pytest.raises(Conflict, match="this delivery is pending"):
            await store.replay_delivery("com_a", "dlv_1", NOON, audit=audit("com_a"))
        await delivery_failed(store, first, error="it answered 410", next_attempt_at=None, at=NOON)
        second = await store.take_due_delivery(NOON, LEASE)
        assert second is not None
        assert second.delivery.id == "dlv_2"
        await delivery_succeeded(store, second, NOON)
        with pytest.raises(Conflict, match="this delivery is delivered"):
            await store.replay_delivery("com_a", "dlv_2", NOON, audit=audit("com_a"))

        replayed = await store.replay_delivery("com_a", "dlv_1", NOON + MINUTE, audit=audit("com_a"))
        assert (replayed.state, replayed.attempts, replayed.next_attempt_at) == (
            DeliveryState.PENDING,
            0,
            NOON + MINUTE,
        )
        assert replayed.idempotency_key == first.delivery.idempotency_key
        again = await store.take_due_delivery(NOON + MINUTE, LEASE)
        assert again is not None
        assert again.delivery == replayed


async def test_a_replayed_delivery_waits_for_the_later_one_that_is_under_way(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a"))
        first = await store.take_due_delivery(NOON, LEASE)
        assert first is not None
        await delivery_failed(store, first, error="it answered 410", next_attempt_at=None, at=NOON)
        second = await store.take_due_delivery(NOON, LEASE)
        assert second is not None
        await store.replay_delivery("com_a", "dlv_1", NOON, audit=audit("com_a"))
        assert await store.take_due_delivery(NOON + MINUTE, LEASE) is None
        assert await store.next_delivery_due_at() == NOON + LEASE
        await delivery_succeeded(store, second, NOON + MINUTE)
        again = await store.take_due_delivery(NOON + MINUTE, LEASE)
        assert again is not None
        assert again.delivery.id == "dlv_1"


async def test_what_was_delivered_long_ago_is_forgotten_and_what_was_given_up_is_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a"), delivery("dlv_3", "com_a"))
        for _ in range(2):
            lease = await store.take_due_delivery(NOON, LEASE)
            assert lease is not None
            if lease.delivery.id == "dlv_1":
                await delivery_failed(store, lease, error="it answered 410", next_attempt_at=None, at=NOON)
            else:
                await delivery_succeeded(store, lease, NOON)
        await store.prune(NOON + DELIVERED_KEPT_FOR - MINUTE)
        assert len((await store.deliveries("com_a", Listing())).items) == 3
        await store.prune(NOON + DELIVERED_KEPT_FOR)
        assert {one.id for one in (await store.deliveries("com_a", Listing())).items} == {"dlv_1", "dlv_3"}


async def test_deliveries_to_a_destination_that_is_switched_off_wait(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await plan(store, delivery("dlv_1", "com_a"))
        await store.set_destination_enabled("com_a", "dst_1", False, audit=audit("com_a"))
        assert await store.take_due_delivery(NOON, LEASE) is None
        assert await store.next_delivery_due_at() is None
        await store.set_destination_enabled("com_a", "dst_1", True, audit=audit("com_a"))
        assert await store.take_due_delivery(NOON, LEASE) is not None


async def test_deleting_a_destination_deletes_its_deliveries(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_destination(destination("dst_2", "com_a"), audit=audit("com_a"))
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a", "dst_2"))
        lease = await store.take_due_delivery(NOON, LEASE)
        assert lease is not None
        await store.delete_destination("com_a", lease.destination.id, audit=audit("com_a"))
        with pytest.raises(LeaseLost):
            await delivery_succeeded(store, lease, NOON)
        (left,) = (await store.deliveries("com_a", Listing())).items
        assert left.destination_id != lease.destination.id
        assert (await store.deliveries("com_a", Listing(), destination_id=left.destination_id)).items == (left,)


async def test_a_delivery_whose_destination_was_altered_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_destination(destination("dst_2", "com_a"), audit=audit("com_a"))
        await plan(store, delivery("dlv_1", "com_a"), delivery("dlv_2", "com_a", "dst_2"))
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database, database:
            database.execute("update destination set sealed = zeroblob(40) where id = 'dst_1'")
        with pytest.raises(CryptoError, match=r"destination\.sealed does not open"):
            await store.take_due_delivery(NOON, LEASE)
        lease = await store.take_due_delivery(NOON, LEASE)
        assert lease is not None
        assert lease.delivery.id == "dlv_2"
        assert await store.take_due_delivery(NOON, LEASE) is None
