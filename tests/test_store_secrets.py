"""What stands in the file, and who sees what."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.canaries import planting
from core.db.store import SqlStore
from core.db.tables import Row
from core.errors import LeakwatchError, NotFound, StoreError
from core.ports import AlertFilter, IncidentFilter, Listing, RememberedAnswer
from core.types import (
    Basis,
    BlindInterval,
    Community,
    Entity,
    Escalation,
    EventType,
    Match,
    Piece,
    Signal,
    SourceHealth,
    Term,
    TermSettings,
    ToldIncident,
    Watchlist,
)
from tests.store_fixtures import (
    MINUTE,
    NOON,
    add_community,
    alert,
    api_key,
    audit,
    delivery,
    delivery_failed,
    destination,
    document,
    incident,
    maintenance,
    moderator,
    opened,
    override,
    quiet_hours,
    rotation,
    route,
    sighting,
    source,
    term,
)

MARK = "xyzzymark"


async def _write_every_kind_of_row(store: SqlStore) -> None:
    await store.add_community(
        Community(id="com_a", name=f"{MARK} name", context=(f"{MARK} context",)), audit=audit("com_a")
    )
    await store.add_api_key(replace(api_key("key_1", "com_a"), name=f"{MARK} key"), audit=audit("com_a"))
    settings = TermSettings(
        person=f"{MARK} person",
        never=(f"{MARK} never",),
        note=f"{MARK} note",
        basis=Basis(kind="consent", recorded_by=f"{MARK} recorder"),
    )
    removed = term(f"{MARK} removed", value=f"{MARK} removed")
    marked = term(f"{MARK} reference", value=f"{MARK} value", variants=(f"{MARK} variant",), settings=settings)
    await store.add_watchlist(
        Watchlist(id="wl_1", community_id="com_a", name=f"{MARK} watchlist", packs=("doxxing",)),
        [marked, removed],
        audit=audit("com_a"),
    )
    await store.delete_term("com_a", removed.id, audit=audit("com_a"))
    await store.add_source(
        replace(
            source("src_1", "com_a", settings={"url": f"https://{MARK}.example", "password": f"{MARK} password"}),
            name=f"{MARK} source",
        ),
        audit=audit("com_a"),
    )
    await store.add_destination(
        replace(destination("dst_1", "com_a", settings={"secret": f"{MARK} secret"}), name=f"{MARK} destination"),
        audit=audit("com_a"),
    )
    await store.add_route(replace(route("rte_1", "com_a"), name=f"{MARK} route"), audit=audit("com_a"))
    await _add_canary(store, "cny_1", "com_a")
    await store.add_moderator(
        replace(moderator("mod_1", "com_a"), name=f"{MARK} moderator", time_zone=f"{MARK} zone"), audit=audit("com_a")
    )
    await store.add_rotation(
        replace(rotation("rot_1", "com_a", "mod_1"), name=f"{MARK} rotation", time_zone=f"{MARK} zone"),
        audit=audit("com_a"),
    )
    await store.add_override("com_a", "rot_1", override("ovr_1", "mod_1"), audit=audit("com_a"))
    await store.add_quiet_hours(replace(quiet_hours("qth_1", "com_a"), time_zone=f"{MARK} zone"), audit=audit("com_a"))
    window = replace(maintenance("mnt_1", "com_a"), reason=f"{MARK} reason")
    await store.add_maintenance(window, audit=audit("com_a"))
    found = replace(
        document(1, text=f"{MARK} text", external_id=f"{MARK} external"),
        id=f"{MARK} id",
        source=f"{MARK} place",
        url=f"https://blog.example/{MARK}",
        author=f"{MARK} author",
        title=f"{MARK} title",
    )
    raised = alert("alt_1", "com_a", "inc_1", of=found)
    (match,), (entity,), (signal,) = raised.matches, raised.entities, raised.signals
    lease = await store.take_due_source(NOON, MINUTE)
    assert lease is not None
    async with store.transaction() as transaction:
        await transaction.mark_seen("com_a", [f"{MARK} fingerprint"], until=NOON + MINUTE)
        await transaction.save_incident(
            replace(incident("inc_1", "com_a"), reason=f"{MARK} reason", assignee=f"{MARK} assignee"),
            [f"{MARK} join key"],
        )
        await transaction.add_alert(
            replace(
                raised,
                matches=(replace(match, found=f"{MARK} found"),),
                entities=(replace(entity, found=f"{MARK} entity"),),
                signals=(replace(signal, text=f"{MARK} sentence"),),
                excerpt=f"{MARK} excerpt",
                evidence=f"{MARK} evidence",
            )
        )
        await transaction.add_sighting(replace(sighting("sig_1", "com_a", "inc_1", found), site=f"{MARK} site"))
        await transaction.add_trace(incident("inc_1", "com_a"), f"{MARK} trace".encode(), until=NOON + MINUTE)
        await transaction.add_incident_terms(incident("inc_1", "com_a"), [f"{MARK} term"])
        piece = Piece(
            kind=f"{MARK} kind", digest=f"{MARK} x", document_digest=f"{MARK} y", site=f"{MARK} site", seen_at=NOON
        )
        await transaction.add_piece("com_a", f"{MARK} member", piece, until=NOON + MINUTE)
        await transaction.plan_delivery(delivery("dlv_1", "com_a", incident_id="inc_1"))
        await transaction.add_heavy_items("com_a", ["mod_1"], NOON)
        await transaction.save_escalation(
            Escalation(
                incident_id="inc_1", community_id="com_a", rotation_id="rot_1", waiting_since=NOON, due_at=NOON,
                asked_ids=("mod_1",),
            )
        )  # fmt: skip
        several = ToldIncident(incident=incident("inc_1", "com_a"), event=EventType.INCIDENT_OPENED, since=NOON)
        await transaction.tell_of(delivery("dlv_1", "com_a"), [several])
        await transaction.keep_for_digest(destination("dst_1", "com_a"), several)
        blind = BlindInterval(from_at=NOON, until_at=NOON, reason=f"{MARK} reason")
        await transaction.finish_poll(
            lease,
            replace(
                lease.source,
                cursor={"after": f"{MARK} cursor"},
                health=SourceHealth(blind_intervals=(blind,)),
            ),
        )
    tried = await store.take_due_delivery(NOON, MINUTE)
    assert tried is not None
    async with store.transaction() as transaction:
        await transaction.set_repetitions(tried.delivery, NOON)
    await delivery_failed(store, tried, error="it answered 503", next_attempt_at=NOON, at=NOON)
    answer = RememberedAnswer(request_digest=f"{MARK} digest".encode(), status=201, body=f"{MARK} body".encode())
    await store.remember_answer("com_a", f"{MARK} idempotency key", answer, until=NOON + MINUTE)


def _files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def test_nothing_that_is_watched_or_found_stands_in_the_files_in_clear(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await _write_every_kind_of_row(store)
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file:
            for table in Row.metadata.tables:
                assert file.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,), f"nothing planted: {table}"
        written = _files(tmp_path)
        assert {"leakwatch.sqlite3", "leakwatch.sqlite3-wal", "leakwatch.sqlite3-shm"} <= set(written)
        # The marker can be read back, so it was written.
        assert (await store.terms("com_a", Listing())).items[0].value == f"{MARK} value"
    written["after closing"] = _files(tmp_path)["leakwatch.sqlite3"]
    for name, content in written.items():
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert MARK.encode(encoding) not in content, name
        for hidden in (MARK.encode().hex().encode(), b"eHl6enltYXJr"):  # hexadecimal, base64
            assert hidden not in content, name
    assert b"inc_1" in written["after closing"]  # what is in clear is found by this search


async def test_an_error_of_the_database_quotes_no_value(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await _write_every_kind_of_row(store)
        with pytest.raises(LeakwatchError) as caught:
            await store.add_source(replace(source("src_1", "com_a"), last_error=f"{MARK} error"), audit=audit("com_a"))
        assert MARK not in str(caught.value)
        naive = NOON.replace(tzinfo=None)
        with pytest.raises(StoreError) as failed:
            await store.add_source(
                replace(source("src_2", "com_a"), updated_at=naive, last_error=f"{MARK} error"), audit=audit("com_a")
            )
        assert MARK not in str(failed.value)
        assert failed.value.__suppress_context__


def test_values_that_are_dangerous_are_left_out_of_representations() -> None:
    marked: list[Term | Match | Entity | Signal] = [term("t1", value=MARK, variants=(MARK,))]
    assert MARK not in repr(marked)


Call = Callable[[SqlStore], Awaitable[Any]]


def in_transaction(call: Callable[[Any], Awaitable[Any]]) -> Call:
    async def run(store: SqlStore) -> None:
        async with store.transaction() as transaction:
            await call(transaction)

    return run


# Every object named here belongs to com_a; the caller is com_b.
OF_ANOTHER_COMMUNITY: dict[str, Call] = {
    "revoke_api_key": lambda s: s.revoke_api_key("com_b", "key_1", NOON, audit=audit("com_b")),
    "watchlist": lambda s: s.watchlist("com_b", "wl_1"),
    "delete_watchlist": lambda s: s.delete_watchlist("com_b", "wl_1", audit=audit("com_b")),
    "add_watchlist": lambda s: s.add_watchlist(
        Watchlist(id="wl_2", community_id="com_b", name="New"), [term("t9", "wl_1")], audit=audit("com_b")
    ),
    "add_terms": lambda s: s.add_terms("com_b", [term("t9", "wl_1")], audit=audit("com_b")),
    "terms": lambda s: s.terms("com_b", Listing(), watchlist_id="wl_1"),
    "term": lambda s: s.term("com_b", "trm_1"),
    "delete_term": lambda s: s.delete_term("com_b", "trm_1", audit=audit("com_b")),
    "source": lambda s: s.source("com_b", "src_1"),
    "set_source_enabled": lambda s: s.set_source_enabled("com_b", "src_1", False, NOON, audit=audit("com_b")),
    "delete_source": lambda s: s.delete_source("com_b", "src_1", audit=audit("com_b")),
    "alert": lambda s: s.alert("com_b", "alt_1"),
    "incident": lambda s: s.incident("com_b", "inc_1"),
    "sightings": lambda s: s.sightings("com_b", "inc_1", Listing()),
    "destination": lambda s: s.destination("com_b", "dst_1"),
    "set_destination_enabled": lambda s: s.set_destination_enabled("com_b", "dst_1", False, audit=audit("com_b")),
    "change_destination": lambda s: s.change_destination(destination("dst_1", "com_b"), audit=audit("com_b")),
    "delete_destination": lambda s: s.delete_destination("com_b", "dst_1", audit=audit("com_b")),
    "route": lambda s: s.route("com_b", "rte_1"),
    "canary": lambda s: s.canary("com_b", "cny_1"),
    "add_canary to a destination": lambda s: _add_canary(s, "cny_2", "com_b"),
    "add_canary of a source": lambda s: _add_canary(s, "cny_2", "com_b", source_id="src_1", destination_id="dst_com_b"),
    "delete_route": lambda s: s.delete_route("com_b", "rte_1", audit=audit("com_b")),
    "add_route to a destination": lambda s: s.add_route(
        route("rte_2", "com_b", destination_ids=("dst_1",)), audit=audit("com_b")
    ),
    "add_route of a watchlist": lambda s: s.add_route(
        route("rte_2", "com_b", watchlist_ids=frozenset({"wl_1"})), audit=audit("com_b")
    ),
    "add_quiet_hours": lambda s: s.add_quiet_hours(quiet_hours("qth_2", "com_b"), audit=audit("com_b")),
    "delete_quiet_hours": lambda s: s.delete_quiet_hours("com_b", "qth_1", audit=audit("com_b")),
    "add_maintenance": lambda s: s.add_maintenance(maintenance("mnt_2", "com_b"), audit=audit("com_b")),
    "delete_maintenance": lambda s: s.delete_maintenance("com_b", "mnt_1", audit=audit("com_b")),
    "delivery": lambda s: s.delivery("com_b", "dlv_1"),
    "attempts": lambda s: s.attempts("com_b", "dlv_1", Listing()),
    "transaction.destination": in_transaction(lambda t: t.destination("com_b", "dst_1")),
    "replay_delivery": lambda s: s.replay_delivery("com_b", "dlv_1", NOON, audit=audit("com_b")),
    "deliveries": lambda s: s.deliveries("com_b", Listing(), destination_id="dst_1"),
    "transaction.incident": in_transaction(lambda t: t.incident("com_b", "inc_1")),
    "transaction.save_incident": in_transaction(lambda t: t.save_incident(incident("inc_1", "com_b"), [])),
    "transaction.add_alert": in_transaction(lambda t: t.add_alert(alert("alt_2", "com_b", "inc_1"))),
    "transaction.add_sighting": in_transaction(
        lambda t: t.add_sighting(sighting("sig_2", "com_b", "inc_1", document()))
    ),
    "transaction.sighting": in_transaction(lambda t: t.sighting("com_b", "inc_1", "sig_1")),
    "transaction.change_sighting": in_transaction(
        lambda t: t.change_sighting(sighting("sig_1", "com_b", "inc_1", document()))
    ),
    "transaction.add_trace": in_transaction(lambda t: t.add_trace(incident("inc_1", "com_b"), b"x", until=NOON)),
    "transaction.add_incident_terms": in_transaction(
        lambda t: t.add_incident_terms(incident("inc_1", "com_b"), ["trm_1"])
    ),
    "transaction.add_never": in_transaction(lambda t: t.add_never("com_b", "trm_1", "x")),
    "spread": lambda s: s.spread("com_b", "inc_1", NOON),
    "moderator": lambda s: s.moderator("com_b", "mod_1"),
    "add_moderator": lambda s: s.add_moderator(moderator("mod_2", "com_b", "dst_1"), audit=audit("com_b")),
    "change_moderator": lambda s: s.change_moderator(moderator("mod_1", "com_b"), audit=audit("com_b")),
    "delete_moderator": lambda s: s.delete_moderator("com_b", "mod_1", audit=audit("com_b")),
    "rotation": lambda s: s.rotation("com_b", "rot_1"),
    "add_rotation": lambda s: s.add_rotation(rotation("rot_2", "com_b", "mod_1"), audit=audit("com_b")),
    "change_rotation": lambda s: s.change_rotation(rotation("rot_1", "com_b"), audit=audit("com_b")),
    "delete_rotation": lambda s: s.delete_rotation("com_b", "rot_1", audit=audit("com_b")),
    "add_override": lambda s: s.add_override("com_b", "rot_1", override("ovr_2", "mod_1"), audit=audit("com_b")),
    "delete_override": lambda s: s.delete_override("com_b", "rot_1", "ovr_1", audit=audit("com_b")),
    "transaction.add_heavy_items": in_transaction(lambda t: t.add_heavy_items("com_b", ["mod_1"], NOON)),
    "transaction.save_escalation": in_transaction(
        lambda t: t.save_escalation(
            Escalation(incident_id="inc_1", community_id="com_b", rotation_id="rot_1", waiting_since=NOON, due_at=NOON)
        )
    ),
    "transaction.plan_delivery": in_transaction(lambda t: t.plan_delivery(delivery("dlv_2", "com_b", "dst_1"))),
    "transaction.plan_delivery of an incident": in_transaction(
        lambda t: t.plan_delivery(delivery("dlv_2", "com_b", "dst_com_b", incident_id="inc_1"))
    ),
}


async def _add_canary(
    store: SqlStore, canary_id: str, community_id: str, *, source_id: str | None = None, destination_id: str = "dst_1"
) -> None:
    """Add a canary, with the mark in its phrase."""
    made = planting(community_id, source_id, destination_id, at=NOON, wait=MINUTE)
    canary = replace(made.canary, id=canary_id, phrase=f"{MARK} phrase")
    term = replace(made.term, value=canary.phrase)
    await store.add_canary(canary, made.watchlist, term, audit=audit(community_id))


async def _fill(store: SqlStore) -> None:
    await add_community(store, "com_a")
    await add_community(store, "com_b")
    await store.add_terms("com_a", [replace(term("t1"), id="trm_1")], audit=audit("com_a"))
    await store.add_source(source("src_1", "com_a"), audit=audit("com_a"))
    await store.add_api_key(api_key("key_1", "com_a"), audit=audit("com_a"))
    await store.add_route(route("rte_1", "com_a"), audit=audit("com_a"))
    await store.add_quiet_hours(quiet_hours("qth_1", "com_a"), audit=audit("com_a"))
    await store.add_maintenance(maintenance("mnt_1", "com_a"), audit=audit("com_a"))
    await _add_canary(store, "cny_1", "com_a")
    await store.add_moderator(moderator("mod_1", "com_a"), audit=audit("com_a"))
    await store.add_rotation(rotation("rot_1", "com_a", "mod_1"), audit=audit("com_a"))
    await store.add_override("com_a", "rot_1", override("ovr_1", "mod_1"), audit=audit("com_a"))
    async with store.transaction() as transaction:
        await transaction.add_alert(alert("alt_1", "com_a", "inc_1"))
        await transaction.add_sighting(sighting("sig_1", "com_a", "inc_1", document()))
        await transaction.plan_delivery(delivery("dlv_1", "com_a"))
    lease = await store.take_due_delivery(NOON, timedelta(minutes=1))
    assert lease is not None
    await delivery_failed(store, lease, error="gone", next_attempt_at=None, at=NOON)


def _rows(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path / "leakwatch.sqlite3")) as file:
        return {table: file.execute(f"SELECT * FROM {table}").fetchall() for table in Row.metadata.tables}


@pytest.mark.parametrize("name", OF_ANOTHER_COMMUNITY)
async def test_objects_of_another_community_do_not_exist(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as store:
        await _fill(store)
        before = _rows(tmp_path)
        with pytest.raises(NotFound, match=r"there is no such|does not exist in this community"):
            await OF_ANOTHER_COMMUNITY[name](store)
        assert _rows(tmp_path) == before


async def test_listings_show_the_own_community_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await _fill(store)
        everything = Listing()
        assert [each.id for each in (await store.watchlists("com_b", everything)).items] == ["wl_com_b"]
        assert [each.id for each in (await store.all_destinations("com_b", everything)).items] == ["dst_com_b"]
        assert [each.id for each in (await store.incidents("com_b", everything, IncidentFilter())).items] == [
            "inc_com_b"
        ]
        assert {each.community_id for each in (await store.audit_log("com_b", everything)).items} == {"com_b"}
        for listed in (
            await store.terms("com_b", everything),
            await store.sources("com_b", everything),
            await store.alerts("com_b", everything, AlertFilter()),
            await store.alerts("com_b", everything, AlertFilter(incident_id="inc_1")),
            await store.deliveries("com_b", everything),
            await store.routes("com_b", everything),
            await store.quiet_hours("com_b", everything),
            await store.maintenance("com_b", everything),
            await store.canaries("com_b", everything),
        ):
            assert listed.items == ()
        assert await store.api_keys("com_b") == ()
        assert await store.moderators("com_b") == ()
        assert await store.rotation_of("com_b") is None
        assert await store.escalation("com_b", "inc_1") is None


IN_NO_COMMUNITY: dict[str, Call] = {
    "community": lambda s: s.community("com_z"),
    "add_api_key": lambda s: s.add_api_key(api_key("key_9", "com_z"), audit=audit("com_a")),
    "api_keys": lambda s: s.api_keys("com_z"),
    "add_watchlist": lambda s: s.add_watchlist(
        Watchlist(id="wl_9", community_id="com_z", name="x"), audit=audit("com_a")
    ),
    "watchlists": lambda s: s.watchlists("com_z", Listing()),
    "terms": lambda s: s.terms("com_z", Listing()),
    "add_terms": lambda s: s.add_terms("com_z", [], audit=audit("com_a")),
    "add_source": lambda s: s.add_source(source("src_9", "com_z"), audit=audit("com_a")),
    "sources": lambda s: s.sources("com_z", Listing()),
    "unseen": lambda s: s.unseen("com_z", ["x"], NOON),
    "alerts": lambda s: s.alerts("com_z", Listing(), AlertFilter()),
    "incidents": lambda s: s.incidents("com_z", Listing(), IncidentFilter()),
    "add_destination": lambda s: s.add_destination(destination("dst_9", "com_z"), audit=audit("com_a")),
    "all_destinations": lambda s: s.all_destinations("com_z", Listing()),
    "deliveries": lambda s: s.deliveries("com_z", Listing()),
    "add_route": lambda s: s.add_route(route("rte_9", "com_z"), audit=audit("com_a")),
    "routes": lambda s: s.routes("com_z", Listing()),
    "add_maintenance": lambda s: s.add_maintenance(
        replace(maintenance("mnt_9", "com_z"), destination_id=None), audit=audit("com_a")
    ),
    "quiet_hours": lambda s: s.quiet_hours("com_z", Listing()),
    "maintenance": lambda s: s.maintenance("com_z", Listing()),
    "hold_rules": lambda s: s.hold_rules("com_z", "dst_1", NOON),
    "add_canary": lambda s: _add_canary(s, "cny_9", "com_z"),
    "canaries": lambda s: s.canaries("com_z", Listing()),
    "transaction.canary_of_watchlist": in_transaction(lambda t: t.canary_of_watchlist("com_z", "wl_1")),
    "moderators": lambda s: s.moderators("com_z"),
    "rotation_of": lambda s: s.rotation_of("com_z"),
    "signature": lambda s: s.signature("com_z", "x"),
    "record": lambda s: s.record(audit("com_z")),
    "audit_log": lambda s: s.audit_log("com_z", Listing()),
    "remembered_answer": lambda s: s.remembered_answer("com_z", "x", NOON),
    "transaction.mark_seen": in_transaction(lambda t: t.mark_seen("com_z", ["x"], until=NOON)),
    "transaction.joinable_incidents": in_transaction(lambda t: t.joinable_incidents("com_z", ["x"])),
    "transaction.traces": in_transaction(lambda t: t.traces("com_z", ["inc_1"])),
    "transaction.add_incident_terms": in_transaction(
        lambda t: t.add_incident_terms(incident("inc_9", "com_z"), ["trm_1"])
    ),
    "transaction.look_up_join_keys": in_transaction(lambda t: t.look_up_join_keys("com_z", ["x"])),
    "transaction.add_incident": in_transaction(lambda t: t.add_incident(incident("inc_9", "com_z"), [], until=NOON)),
    "transaction.pieces": in_transaction(lambda t: t.pieces("com_z", "member")),
    "verdicts": lambda s: s.verdicts("com_z", ["trm_1"]),
    "transaction.save_incident": in_transaction(lambda t: t.save_incident(incident("inc_9", "com_z"), [])),
    "transaction.destinations": in_transaction(lambda t: t.destinations("com_z")),
    "transaction.routes": in_transaction(lambda t: t.routes("com_z")),
    "transaction.record": in_transaction(lambda t: t.record(audit("com_z"))),
}


@pytest.mark.parametrize("name", IN_NO_COMMUNITY)
async def test_a_community_that_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as store:
        await _fill(store)
        before = _rows(tmp_path)
        with pytest.raises(NotFound, match="there is no such"):
            await IN_NO_COMMUNITY[name](store)
        assert _rows(tmp_path) == before


async def test_the_file_itself_refuses_a_row_that_belongs_to_another_community(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await _fill(store)
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file:
        file.execute("PRAGMA foreign_keys = ON")
        for table in ("term", "alert", "sighting", "delivery", "incident_key"):
            with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
                file.execute(f"UPDATE {table} SET community_id = 'com_b' WHERE community_id = 'com_a'")


async def test_deleting_a_community_in_the_file_deletes_all_that_is_its(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await _fill(store)
    with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as file, file:
        file.execute("PRAGMA foreign_keys = ON")
        file.execute("DELETE FROM community WHERE id = 'com_a'")
    rows = _rows(tmp_path)
    assert not [row for table in rows for row in rows[table] if "com_a" in row]
    assert [row for table in rows for row in rows[table] if "com_b" in row]
