from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.db.joining import MOST_TRACES
from core.db.store import SqlStore
from core.errors import Conflict, NotFound, UsageError
from core.ports import AlertFilter, IncidentFilter, Listing
from core.types import AlertClass, Document, IncidentState, Severity, Spread, Verdicts
from tests.store_fixtures import (
    MINUTE,
    NOON,
    StandingClock,
    add_community,
    alert,
    audit,
    document,
    incident,
    opened,
    sighting,
    term,
)


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
        with pytest.raises(UsageError):
            async with store.transaction() as transaction:
                await transaction.add_alert(alert("alt_1", "com_a", None))
        with pytest.raises(NotFound):
            async with store.transaction() as transaction:
                await transaction.add_alert(alert("alt_1", "com_a", "inc_9"))


async def test_an_incident_added_is_found_by_its_keys_in_the_same_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        added = incident("inc_2", "com_a")
        async with store.transaction() as transaction:
            await transaction.look_up_join_keys("com_a", ["a", "b", "first"])
            assert await transaction.joinable_incidents("com_a", ["a", "b"]) == ()
            await transaction.add_incident(added, ["a"], trace=b"trace", until=NOON + MINUTE)
            assert await transaction.joinable_incidents("com_a", ["a", "b"]) == (added,)
            assert await transaction.joinable_incidents("com_a", ["b"]) == ()
            assert [one.id for one in await transaction.joinable_incidents("com_a", ["first"])] == ["inc_1"]
            assert await transaction.traces("com_a", ["inc_2"]) == {"inc_2": (b"trace",)}
        assert await store.incident("com_a", "inc_2") == added


async def test_an_incident_of_an_id_in_use_is_refused_with_all_that_came_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)

        async def add_again() -> None:
            async with store.transaction() as transaction:
                await transaction.add_alert(alert("alt_1", "com_a", "inc_1"))
                await transaction.add_incident(incident("inc_1", "com_a"), [], until=NOON + MINUTE)

        with pytest.raises(Conflict):
            await add_again()
        with pytest.raises(NotFound):
            await store.alert("com_a", "alt_1")


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


async def joinable(store: SqlStore, keys: list[str], community_id: str = "com_a") -> list[str]:
    async with store.transaction() as transaction:
        return [each.id for each in await transaction.joinable_incidents(community_id, keys)]


async def test_incidents_are_found_by_their_join_keys_those_with_most_of_them_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        older = incident("inc_2", "com_a", first_seen_at=NOON + MINUTE)
        newer = incident("inc_3", "com_a", first_seen_at=NOON + 2 * MINUTE, state=IncidentState.RESOLVED)
        async with store.transaction() as transaction:
            await transaction.save_incident(newer, ["b", "c"])
            await transaction.save_incident(older, ["a", "b"])
            await transaction.save_incident(older, ["d"])  # keeps the keys that it had
            assert await transaction.joinable_incidents("com_a", ["b"]) == (newer, older)
        assert await joinable(store, ["a", "b", "x"]) == ["inc_2", "inc_3"]
        assert await joinable(store, ["d"]) == ["inc_2"]
        assert await joinable(store, ["x"]) == []
        assert await joinable(store, []) == []
        assert await joinable(store, ["b"], "com_b") == []


async def test_a_join_key_and_a_trace_are_forgotten_in_their_time_and_kept_longer_when_given_again(
    tmp_path: Path,
) -> None:
    clock = StandingClock()
    async with opened(tmp_path, clock) as store:
        await add_community(store)
        one = incident("inc_1", "com_a")
        async with store.transaction() as transaction:
            await transaction.save_incident(one, ["a", "b"], until=NOON + MINUTE)
            await transaction.add_trace(one, b"trace", until=NOON + MINUTE)
            await transaction.save_incident(one, ["b"], until=NOON + 3 * MINUTE)
            assert await transaction.traces("com_a", ["inc_1", "inc_9"]) == {"inc_1": (b"trace",), "inc_9": ()}
        clock.time = NOON + 2 * MINUTE
        assert await joinable(store, ["a"]) == []
        assert await joinable(store, ["b"]) == ["inc_1"]
        async with store.transaction() as transaction:
            assert await transaction.traces("com_a", ["inc_1"]) == {"inc_1": (b"trace",)}
        assert await store.prune(clock.time) == 1
        clock.time = NOON + 4 * MINUTE
        assert await joinable(store, ["b"]) == []
        async with store.transaction() as transaction:
            assert await transaction.traces("com_a", ["inc_1"]) == {"inc_1": ()}
        assert await store.prune(clock.time) == 2
        assert await joinable(store, ["first"]) == ["inc_1"]


async def test_an_incident_keeps_its_newest_traces_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            for number in range(MOST_TRACES + 2):
                one = incident("inc_1", "com_a", updated_at=NOON + number * MINUTE)
                await transaction.add_trace(one, b"%d" % number, until=NOON + timedelta(days=1))
            kept = (await transaction.traces("com_a", ["inc_1"]))["inc_1"]
        assert kept == tuple(b"%d" % number for number in reversed(range(2, MOST_TRACES + 2)))


async def test_what_moderators_said_is_counted_by_term(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        states = [IncidentState.OPEN, IncidentState.RESOLVED, IncidentState.DISMISSED, IncidentState.REGRESSED]
        async with store.transaction() as transaction:
            for number, state in enumerate(states):
                one = incident(f"inc_s{number}", "com_a", state=state)
                await transaction.save_incident(one, [])
                await transaction.add_incident_terms(one, ["t1", "t2"] if number < 2 else ["t1"])
                await transaction.add_incident_terms(one, ["t1"])
        said = await store.verdicts("com_a", ["t1", "t2", "t3"])
        assert said["t1"] == Verdicts(leak_count=2, false_alarm_count=1)
        assert said["t1"].precision == pytest.approx(2 / 3)
        assert said["t2"] == Verdicts(leak_count=1)
        assert said["t3"].precision is None


async def test_a_text_in_which_a_term_does_not_count_is_a_change_of_what_is_watched(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_terms("com_a", [replace(term("t1"), id="trm_1")], audit=audit("com_a"))
        revision = await store.catalogue_revision()
        async with store.transaction() as transaction:
            await transaction.add_never("com_a", "trm_1", "baltimore ravens")
            with pytest.raises(NotFound):
                await transaction.add_never("com_a", "trm_9", "anything")
        (changed,) = (await store.catalogue_change(revision)).terms
        assert changed.settings.never == (*term("t1").settings.never, "baltimore ravens")
        assert replace(changed, settings=term("t1").settings) == replace(term("t1"), id="trm_1")


async def test_how_an_incident_spreads_is_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            for number, hours in enumerate((0, 100, 160)):
                one = sighting(f"sig_{number}", "com_a", "inc_1", document(number))
                await transaction.add_sighting(replace(one, seen_at=NOON + timedelta(hours=hours)))
            first = await transaction.sighting("com_a", "inc_1", "sig_0")
            await transaction.change_sighting(replace(first, removed_at=NOON + MINUTE))
        at = NOON + timedelta(hours=170)
        assert await store.spread("com_a", "inc_1", at) == Spread(day_count=1, week_count=2, removed_count=1)
        async with store.transaction() as transaction:
            await transaction.change_sighting(
                replace(first, removed_at=NOON + MINUTE, returned_at=NOON + 2 * MINUTE, last_seen_at=NOON + 2 * MINUTE)
            )
        assert (await store.spread("com_a", "inc_1", at)).removed_count == 0
        (shown, *_) = (await store.sightings("com_a", "inc_1", Listing())).items
        assert (shown.removed_at, shown.returned_at, shown.is_removed) == (NOON + MINUTE, NOON + 2 * MINUTE, False)


async def test_a_sighting_of_another_incident_is_not_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            await transaction.save_incident(incident("inc_2", "com_a"), [])
            await transaction.add_sighting(sighting("sig_1", "com_a", "inc_1", document(1)))
            with pytest.raises(NotFound, match="there is no such sighting"):
                await transaction.sighting("com_a", "inc_2", "sig_1")


async def test_a_site_is_known_to_the_incident_that_was_seen_on_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        async with store.transaction() as transaction:
            one = replace(sighting("sig_1", "com_a", "inc_1", document(1)), site="blog.example")
            await transaction.add_sighting(one)
            assert await transaction.has_site("inc_1", "blog.example")
            assert not await transaction.has_site("inc_1", "forum.example")
            assert not await transaction.has_site("inc_9", "blog.example")
        (kept,) = (await store.sightings("com_a", "inc_1", Listing())).items
        assert kept.site == "blog.example"


async def test_one_document_is_one_sighting_of_an_incident(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        first = document(1)
        edited = replace(first, id="other", title="edited", text="edited")
        elsewhere = replace(first, source="another blog")
        without_external_id = Document(id="1", text="", source="a blog")
        async with store.transaction() as transaction:
            await transaction.save_incident(incident("inc_2", "com_a"), [])
            assert await transaction.sighting_at("inc_1", first) is None
            await transaction.add_sighting(sighting("sig_1", "com_a", "inc_1", first))
            await transaction.add_sighting(sighting("sig_2", "com_a", "inc_1", edited))
            await transaction.add_sighting(sighting("sig_3", "com_a", "inc_2", first))
            await transaction.add_sighting(sighting("sig_4", "com_a", "inc_1", elsewhere))
            assert await transaction.sighting_at("inc_1", first) is not None
            assert await transaction.sighting_at("inc_1", edited) is not None
            assert await transaction.sighting_at("inc_1", without_external_id) is None
            assert await transaction.sighting_at("inc_9", first) is None
            await transaction.add_sighting(sighting("sig_5", "com_a", "inc_1", without_external_id))
            assert await transaction.sighting_at("inc_1", without_external_id) is not None
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
