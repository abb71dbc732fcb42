from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound
from core.ports import REMOVALS_TOLD_FOR, Listing
from core.types import Basis, Community, MatchMode, Sensitivity, TermKind, TermSettings, Watchlist
from tests.store_fixtures import MINUTE, NOON, StandingClock, add_community, alert, audit, opened, term

FULL_SETTINGS = TermSettings(
    person="p1",
    match=MatchMode.FUZZY,
    needs_context=True,
    never=("baltimore ravens", "raven's nest"),
    search_externally=True,
    expires_at=NOON + timedelta(days=400),
    basis=Basis(kind="consent", recorded_by="admin", until=NOON + timedelta(days=200)),
    note="asked for it by mail",
)


async def test_terms_come_back_as_they_were_given(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        terms = [
            term("t1", value="night_heron", variants=("nheron", "the heron")),
            term("t2", value="Mira Calder", kind=TermKind.NAME, settings=FULL_SETTINGS),
            term("t3", value="a\ud800b", settings=TermSettings(basis=Basis(kind="request", recorded_by="admin"))),
        ]
        await store.add_terms("com_a", terms, audit=audit("com_a"))
        listed = await store.terms("com_a", Listing(), watchlist_id="wl_1")
        assert {each.id: each for each in listed.items} == {each.id: each for each in terms}
        assert await store.term("com_a", terms[1].id) == terms[1]


async def test_a_watchlist_is_added_with_its_terms_and_the_entry_in_the_audit_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        watchlist = Watchlist(
            id="wl_2", community_id="com_a", name="Guests", sensitivity=Sensitivity.WIDE, packs=("doxxing", "slurs")
        )
        entry = audit("com_a", at=NOON + MINUTE)
        await store.add_watchlist(watchlist, [term("t1", "wl_2"), term("t2", "wl_2")], audit=entry)
        assert await store.watchlist("com_a", "wl_2") == watchlist
        assert len((await store.terms("com_a", Listing(), watchlist_id="wl_2")).items) == 2
        assert (await store.terms("com_a", Listing(), watchlist_id="wl_1")).items == ()
        assert (await store.audit_log("com_a", Listing(updated_since=NOON + MINUTE))).items == (entry,)


async def test_a_watchlist_with_one_wrong_term_is_not_added_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_terms("com_a", [term("t1")], audit=audit("com_a"))
        revision = await store.catalogue_revision()
        log = await store.audit_log("com_a", Listing())
        guests = Watchlist(id="wl_2", community_id="com_a", name="Guests")
        for terms, error in (
            ([term("t7", "wl_2"), term("t1", "wl_2")], Conflict),
            ([term("t7", "wl_2"), term("t7", "wl_2")], Conflict),
            ([term("t7", "wl_2"), term("t8", "wl_9")], NotFound),
        ):
            with pytest.raises(error, match="of term 2 of 2 "):
                await store.add_watchlist(guests, terms, audit=audit("com_a"))
        assert len((await store.watchlists("com_a", Listing())).items) == 1
        assert len((await store.terms("com_a", Listing())).items) == 1
        assert await store.audit_log("com_a", Listing()) == log
        assert await store.catalogue_revision() == revision


async def test_a_name_is_in_use_within_its_community_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")  # has a watchlist of the same name
        with pytest.raises(Conflict, match="a watchlist of this name exists already"):
            await store.add_watchlist(Watchlist(id="wl_2", community_id="com_a", name="Members"), audit=audit("com_a"))


async def test_a_reference_is_in_use_within_its_community_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        await store.add_terms("com_a", [term("t1")], audit=audit("com_a"))
        await store.add_terms("com_b", [term("t1", "wl_com_b")], audit=audit("com_b"))
        with pytest.raises(Conflict):
            await store.add_terms("com_a", [term("t1")], audit=audit("com_a"))


async def test_a_reference_is_free_again_once_its_term_is_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        first = term("t1")
        await store.add_terms("com_a", [first], audit=audit("com_a"))
        await store.delete_term("com_a", first.id, audit=audit("com_a"))
        await store.add_terms("com_a", [term("t1")], audit=audit("com_a"))
        with pytest.raises(NotFound):
            await store.term("com_a", first.id)


async def test_deleting_a_watchlist_deletes_its_terms_and_keeps_alerts_and_incidents(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        only = term("t1")
        await store.add_terms("com_a", [only], audit=audit("com_a"))
        async with store.transaction() as transaction:
            await transaction.add_alert(alert("alt_1", "com_a", "inc_1"))
        await store.delete_watchlist("com_a", "wl_1", audit=audit("com_a"))
        with pytest.raises(NotFound):
            await store.term("com_a", only.id)
        assert (await store.catalogue(NOON)).terms == ()
        assert (await store.alert("com_a", "alt_1")).watchlist_id == "wl_1"
        assert (await store.incident("com_a", "inc_1")).watchlist_id == "wl_1"


async def test_the_catalogue_holds_all_communities_and_leaves_out_what_has_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        lasting = term("t1")
        expiring = term("t2", settings=TermSettings(expires_at=NOON + MINUTE))
        unfounded = term(
            "t3", settings=TermSettings(basis=Basis(kind="consent", recorded_by="admin", until=NOON + 2 * MINUTE))
        )
        other = term("t1", "wl_com_b")
        await store.add_terms("com_a", [lasting, expiring, unfounded], audit=audit("com_a"))
        await store.add_terms("com_b", [other], audit=audit("com_b"))

        catalogue = await store.catalogue(NOON)
        assert [community.id for community in catalogue.communities] == ["com_a", "com_b"]
        assert {watchlist.id for watchlist in catalogue.watchlists} == {"wl_1", "wl_com_b"}
        assert set(catalogue.terms) == {lasting, expiring, unfounded, other}
        assert catalogue.revision == await store.catalogue_revision()
        assert set((await store.catalogue(NOON + MINUTE)).terms) == {lasting, unfounded, other}
        assert set((await store.catalogue(NOON + 2 * MINUTE)).terms) == {lasting, other}


async def test_the_revision_grows_with_every_change_of_what_is_watched_and_with_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        revisions = [await store.catalogue_revision()]
        await add_community(store)
        revisions.append(await store.catalogue_revision())
        fleeting, other = term("t1", settings=TermSettings(expires_at=NOON)), term("t2")
        await store.add_terms("com_a", [fleeting, other], audit=audit("com_a"))
        revisions.append(await store.catalogue_revision())
        await store.prune(NOON)
        revisions.append(await store.catalogue_revision())
        await store.delete_term("com_a", other.id, audit=audit("com_a"))
        revisions.append(await store.catalogue_revision())
        await store.delete_watchlist("com_a", "wl_1", audit=audit("com_a"))
        revisions.append(await store.catalogue_revision())
        assert revisions == sorted(set(revisions))
        await store.record(audit("com_a"))
        await store.prune(NOON)
        assert await store.catalogue_revision() == revisions[-1]


async def test_a_change_tells_of_what_was_added_and_removed_since_and_of_nothing_else(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        old, gone = term("t1"), term("t2")
        await store.add_terms("com_a", [old, gone], audit=audit("com_a"))
        first = await store.catalogue_revision()
        unchanged = await store.catalogue_change(first)
        assert (unchanged.revision, unchanged.terms, unchanged.removed) == (first, (), frozenset())

        new, other = term("t3", settings=FULL_SETTINGS), term("t1", "wl_com_b")
        await store.add_terms("com_a", [new], audit=audit("com_a"))
        second = await store.catalogue_revision()
        await store.delete_term("com_a", gone.id, audit=audit("com_a"))
        await store.add_terms("com_b", [other], audit=audit("com_b"))

        change = await store.catalogue_change(first)
        catalogue = await store.catalogue(NOON)
        assert (change.communities, change.watchlists) == (catalogue.communities, catalogue.watchlists)
        assert change.revision == catalogue.revision == await store.catalogue_revision()
        assert set(change.terms) == {new, other}
        assert change.removed == await store.removed_terms(first) == {gone.id}
        assert set((await store.catalogue_change(second)).terms) == {other}
        assert (await store.catalogue_change(change.revision)).removed == frozenset()


async def test_with_a_watchlist_all_its_terms_are_told_to_be_removed(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        terms = [term("t1"), term("t2")]
        await store.add_terms("com_a", terms, audit=audit("com_a"))
        await store.add_terms("com_b", [term("t1", "wl_com_b")], audit=audit("com_b"))
        revision = await store.catalogue_revision()
        await store.delete_watchlist("com_a", "wl_1", audit=audit("com_a"))
        change = await store.catalogue_change(revision)
        assert change.removed == {each.id for each in terms}
        assert [watchlist.id for watchlist in change.watchlists] == ["wl_com_b"]


async def test_a_removal_is_told_for_a_week(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        gone = term("t1")
        await store.add_terms("com_a", [gone], audit=audit("com_a"))
        await store.delete_term("com_a", gone.id, audit=audit("com_a"))
        await store.prune(NOON + REMOVALS_TOLD_FOR - MINUTE)
        assert await store.removed_terms(0) == {gone.id}
        await store.prune(NOON + REMOVALS_TOLD_FOR)
        assert await store.removed_terms(0) == frozenset()


async def test_a_term_that_ended_before_it_was_told_of_is_told_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        ended = term("t1", settings=TermSettings(expires_at=NOON - MINUTE))
        await store.add_terms("com_a", [ended], audit=audit("com_a"))
        assert (await store.catalogue_change(0)).terms == (ended,)


async def test_pruning_deletes_the_terms_that_have_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        ended = [term(f"t{number}", settings=TermSettings(expires_at=NOON)) for number in range(2500)]
        lasting = term("lasting", settings=TermSettings(expires_at=NOON + MINUTE))
        await store.add_terms("com_a", [*ended, lasting], audit=audit("com_a"))
        assert await store.prune(NOON) == 2500
        assert (await store.terms("com_a", Listing())).items == (lasting,)


async def test_ten_thousand_terms_are_added_and_read_in_seconds(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        terms = [term(f"t{number}", value=f"member_{number}", settings=FULL_SETTINGS) for number in range(10_000)]
        started = time.perf_counter()
        await store.add_terms("com_a", terms, audit=audit("com_a"))
        added = time.perf_counter()
        catalogue = await store.catalogue(NOON)
        read = time.perf_counter()
        assert set(catalogue.terms) == set(terms)
        # Generous, so that a busy machine passes: a statement a row would still take longer.
        assert added - started < 10
        assert read - added < 5
        print(f"added in {added - started:.2f} s, read in {read - added:.2f} s")


async def test_the_same_watchlist_in_two_stores_is_added_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path, StandingClock()) as other:
        await add_community(one)
        guests = Watchlist(id="wl_2", community_id="com_a", name="Guests")
        await one.add_watchlist(guests, audit=audit("com_a"))
        with pytest.raises(Conflict):
            await other.add_watchlist(replace(guests, id="wl_3"), audit=audit("com_a"))


async def test_an_import_makes_the_community_where_there_is_none_and_is_all_or_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        community = Community(id="com_n", name="Harbor Commons", context=("harbor commons",))
        members = Watchlist(id="wl_m", community_id="com_n", name="Members")
        guests = Watchlist(id="wl_g", community_id="com_n", name="Guests")
        clashing = [(members, [term("t1", "wl_m")]), (guests, [term("t1", "wl_g")])]
        with pytest.raises(Conflict):
            await store.import_watchlists(community, clashing, audit=audit("com_n"))
        assert await store.communities() == ()

        watchlists = [(members, [term("t1", "wl_m")]), (guests, [term("t2", "wl_g")])]
        await store.import_watchlists(community, watchlists, audit=audit("com_n"))
        more = Watchlist(id="wl_o", community_id="com_n", name="More")
        await store.import_watchlists(replace(community, name="Other"), [(more, [])], audit=audit("com_n"))
        assert await store.communities() == (community,)
        assert len((await store.watchlists("com_n", Listing())).items) == 3
    async with opened(tmp_path) as store:  # what was sealed opens with the key that was kept
        assert {each.reference for each in (await store.terms("com_n", Listing())).items} == {"t1", "t2"}
