from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import NotFound, UsageError
from core.ports import AlertFilter, IncidentFilter, Listing
from core.types import AlertClass, Document, IncidentState, Severity
from tests.store_fixtures import MINUTE, NOON, add_community, alert, document, incident, opened, sighting


async def test_an_alert_comes_back_as_it_was_given_but_for_the_text_of_its_document(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        odd = replace(document(), title="a \ud800 lone surrogate", published_at=None)
        given = alert("alt_1", "com_a", "inc_1", of=odd)
        async with store.transaction() as transaction:
            await transaction.add_alert(given)
        assert await store.alert("com_a", "alt_1") == replace(given, document=replace(odd, text=""))


async def test_an_alert_without_its_incident_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            with pytest.raises(UsageError):
                await transaction.add_alert(alert("alt_1", "com_a", None))
            with pytest.raises(NotFound):
                await transaction.add_alert(alert("alt_1", "com_a", "inc_9"))


async def test_an_incident_is_saved_and_saved_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        opened_incident = incident("inc_2", "com_a")
        async with store.transaction() as transaction:
            await transaction.save_incident(opened_incident, ["a"])
            assert await transaction.incident("com_a", "inc_2") == opened_incident
        dismissed = replace(
            opened_incident,
            state=IncidentState.DISMISSED,
            reason="a false alarm",
            assignee=None,
            sighting_count=3,
            updated_at=NOON + MINUTE,
        )
        async with store.transaction() as transaction:
            await transaction.save_incident(dismissed, ["a", "b"])
            assert await transaction.incident("com_a", "inc_2") == dismissed
        assert await store.incident("com_a", "inc_2") == dismissed


async def test_the_newest_incident_with_one_of_the_join_keys_is_joined(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        older = incident("inc_2", "com_a", first_seen_at=NOON + MINUTE)
        newer = incident("inc_3", "com_a", first_seen_at=NOON + 2 * MINUTE, state=IncidentState.ACKNOWLEDGED)
        async with store.transaction() as transaction:
            await transaction.save_incident(newer, ["b", "c"])
            await transaction.save_incident(older, ["a", "b"])
            await transaction.save_incident(older, ["d"])  # keeps the keys that it had
        async with store.transaction() as transaction:
            assert await transaction.joinable_incident("com_a", ["b"]) == newer
            assert await transaction.joinable_incident("com_a", ["x", "a"]) == older
            assert await transaction.joinable_incident("com_a", ["d"]) == older
            assert await transaction.joinable_incident("com_a", ["x"]) is None
            assert await transaction.joinable_incident("com_a", []) is None
            assert await transaction.joinable_incident("com_b", ["b"]) is None


@pytest.mark.parametrize("state", [IncidentState.RESOLVED, IncidentState.DISMISSED])
async def test_an_incident_that_is_over_is_not_joined(tmp_path: Path, state: IncidentState) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            await transaction.save_incident(incident("inc_2", "com_a", state=state), ["a"])
            assert await transaction.joinable_incident("com_a", ["a"]) is None
            await transaction.save_incident(incident("inc_3", "com_a"), ["a"])
            joined = await transaction.joinable_incident("com_a", ["a"])
            assert joined is not None
            assert joined.id == "inc_3"


async def test_one_document_is_one_sighting_of_an_incident(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        first = document(1)
        edited = replace(first, id="other", title="edited", text="edited")
        elsewhere = replace(first, source="another blog")
        without_external_id = Document(id="1", text="", source="a blog")
        async with store.transaction() as transaction:
            await transaction.save_incident(incident("inc_2", "com_a"), [])
            assert not await transaction.has_sighting("inc_1", first)
            await transaction.add_sighting(sighting("sig_1", "com_a", "inc_1", first))
            await transaction.add_sighting(sighting("sig_2", "com_a", "inc_1", edited))
            await transaction.add_sighting(sighting("sig_3", "com_a", "inc_2", first))
            await transaction.add_sighting(sighting("sig_4", "com_a", "inc_1", elsewhere))
            assert await transaction.has_sighting("inc_1", first)
            assert await transaction.has_sighting("inc_1", edited)
            assert not await transaction.has_sighting("inc_1", without_external_id)
            assert not await transaction.has_sighting("inc_9", first)
            await transaction.add_sighting(sighting("sig_5", "com_a", "inc_1", without_external_id))
            assert await transaction.has_sighting("inc_1", without_external_id)
        kept = (await store.sightings("com_a", "inc_1", Listing())).items
        assert [each.id for each in kept] == ["sig_1", "sig_4", "sig_5"]
        assert kept[0] == sighting("sig_1", "com_a", "inc_1", replace(first, text=""))


async def test_incidents_are_filtered(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)  # inc_1: linkage, open, 88, wl_1
        async with store.transaction() as transaction:
            await transaction.save_incident(
                incident("inc_2", "com_a", score=30, alert_class=AlertClass.MENTION, state=IncidentState.RESOLVED), []
            )
            await transaction.save_incident(incident("inc_3", "com_a", score=70, watchlist_id="wl_2"), [])

        async def ids(wanted: IncidentFilter) -> list[str]:
            return [each.id for each in (await store.incidents("com_a", Listing(), wanted)).items]

        assert await ids(IncidentFilter()) == ["inc_1", "inc_2", "inc_3"]
        assert await ids(IncidentFilter(states=frozenset({IncidentState.RESOLVED}))) == ["inc_2"]
        assert await ids(IncidentFilter(classes=frozenset({AlertClass.LINKAGE}))) == ["inc_1", "inc_3"]
        assert await ids(IncidentFilter(minimum_severity=Severity.HIGH)) == ["inc_1", "inc_3"]
        assert await ids(IncidentFilter(minimum_severity=Severity.CRITICAL)) == []
        assert await ids(IncidentFilter(watchlist_id="wl_2", minimum_severity=Severity.LOW)) == ["inc_3"]


async def test_alerts_are_filtered(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            await transaction.save_incident(incident("inc_2", "com_a"), [])
            await transaction.add_alert(alert("alt_1", "com_a", "inc_1"))
            await transaction.add_alert(alert("alt_2", "com_a", "inc_2", score=20, alert_class=AlertClass.MENTION))
            await transaction.add_alert(alert("alt_3", "com_a", "inc_2", watchlist_id="wl_2"))

        async def ids(wanted: AlertFilter) -> list[str]:
            return [each.id for each in (await store.alerts("com_a", Listing(), wanted)).items]

        assert await ids(AlertFilter()) == ["alt_1", "alt_2", "alt_3"]
        assert await ids(AlertFilter(classes=frozenset({AlertClass.MENTION}))) == ["alt_2"]
        assert await ids(AlertFilter(minimum_severity=Severity.MEDIUM)) == ["alt_1", "alt_3"]
        assert await ids(AlertFilter(watchlist_id="wl_2")) == ["alt_3"]
        assert await ids(AlertFilter(incident_id="inc_2")) == ["alt_2", "alt_3"]


async def test_a_listing_goes_on_at_its_cursor_through_equal_times(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            for number in range(23):
                raised_at = NOON + timedelta(microseconds=number // 5)
                await transaction.add_alert(alert(f"alt_{number:02}", "com_a", "inc_1", raised_at=raised_at))
        found: list[str] = []
        cursor: str | None = None
        sizes = []
        while True:
            part = await store.alerts("com_a", Listing(cursor=cursor, limit=7), AlertFilter())
            found += [each.id for each in part.items]
            sizes.append(len(part.items))
            cursor = part.next_cursor
            if cursor is None:
                break
        assert found == [f"alt_{number:02}" for number in range(23)]
        assert sizes == [7, 7, 7, 2]


async def test_the_last_slice_has_no_cursor_even_when_it_is_full(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        assert (await store.incidents("com_a", Listing(limit=1), IncidentFilter())).next_cursor is None


async def test_a_listing_neither_skips_nor_repeats_what_stays_while_the_rest_changes(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        base = [incident(f"inc_{n:02}", "com_a", updated_at=NOON + (n + 1) * MINUTE) for n in range(20)]
        async with store.transaction() as transaction:
            for each in base:
                await transaction.save_incident(each, [])
        found: list[str] = []
        cursor: str | None = None
        for step in range(100):
            part = await store.incidents("com_a", Listing(cursor=cursor, limit=3), IncidentFilter())
            found += [each.id for each in part.items]
            cursor = part.next_cursor
            if cursor is None:
                break
            if step < 5:  # one that was listed and one that was not change, one more comes
                async with store.transaction() as transaction:
                    later = NOON + timedelta(hours=1 + step)
                    for changed in (base[step * 2], base[19 - step]):
                        await transaction.save_incident(replace(changed, updated_at=later), [])
                    await transaction.save_incident(incident(f"inc_new{step}", "com_a", updated_at=later), [])
        changed_ids = {base[index].id for step in range(5) for index in (step * 2, 19 - step)}
        unchanged = [each.id for each in base if each.id not in changed_ids]
        assert [each for each in found if each in unchanged] == unchanged
        assert changed_ids < set(found)
        assert len([each for each in found if each.startswith("inc_new")]) == 5


async def test_updated_since_includes_its_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            for number in range(1, 4):
                await transaction.save_incident(
                    incident(f"inc_{number}", "com_a", updated_at=NOON + timedelta(microseconds=number)), []
                )
        listing = Listing(updated_since=NOON + timedelta(microseconds=2), limit=1)
        first = await store.incidents("com_a", listing, IncidentFilter())
        second = await store.incidents("com_a", replace(listing, cursor=first.next_cursor), IncidentFilter())
        assert [each.id for part in (first, second) for each in part.items] == ["inc_2", "inc_3"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "AAAA", "MTIz", "LTk5OTk5OTk5OTk5OTk5OTk5OS54", "OTk5OTk5OTk5OTk5OTk5OTk5LmE"]
)
async def test_a_cursor_that_no_listing_gave_is_a_usage_error(tmp_path: Path, cursor: str) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        with pytest.raises(UsageError, match="cursor is not one that this listing gave"):
            await store.incidents("com_a", Listing(cursor=cursor), IncidentFilter())


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_below_one_is_a_usage_error(tmp_path: Path, limit: int) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        with pytest.raises(UsageError, match="limit must be at least 1"):
            await store.incidents("com_a", Listing(limit=limit), IncidentFilter())
