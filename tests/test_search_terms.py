"""A term leaves this machine only where its owner lets it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from core.db.store import SqlStore
from core.errors import NotFound
from core.types import Basis, TermKind, TermSettings
from tests.store_fixtures import MINUTE, NOON, add_community, audit, opened, term

SEARCHED = TermSettings(search_externally=True)


async def texts(store: SqlStore, *, after: timedelta = timedelta(0)) -> list[str]:
    return [term.text for term in await store.search_terms("com_a", NOON + after)]


async def test_only_terms_whose_owner_opted_in_may_be_searched_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        heron = term("t1", settings=SEARCHED, variants=("nheron",))
        await store.add_terms("com_a", [heron, term("t2", value="quiet-lantern")], audit=audit("com_a"))
        (searched,) = await store.search_terms("com_a", NOON)
        assert (searched.id, searched.text) == (heron.id, "night_heron")
        assert "night_heron" not in repr(searched)


async def test_the_terms_of_another_community_are_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store, "com_a")
        await add_community(store, "com_b")
        await store.add_terms("com_b", [term("t1", "wl_com_b", settings=SEARCHED)], audit=audit("com_b"))
        assert await texts(store) == []
        with pytest.raises(NotFound):
            await store.search_terms("com_none", NOON)


@pytest.mark.parametrize(
    "settings",
    [
        TermSettings(search_externally=True, expires_at=NOON + MINUTE),
        TermSettings(search_externally=True, basis=Basis(kind="consent", recorded_by="admin", until=NOON + MINUTE)),
    ],
)
async def test_a_term_that_has_ended_is_searched_for_no_more(tmp_path: Path, settings: TermSettings) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_terms("com_a", [term("t1", settings=settings)], audit=audit("com_a"))
        assert await texts(store) == ["night_heron"]
        assert await texts(store, after=MINUTE) == []


async def test_people_are_searched_for_more_often_and_rules_and_passages_never(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        terms = [term(kind.value, kind=kind, value=f"a {kind}", settings=SEARCHED) for kind in TermKind]
        await store.add_terms("com_a", terms, audit=audit("com_a"))
        found = await store.search_terms("com_a", NOON)
        assert {each.text: each.priority for each in found} == {
            "a pseudonym": 3, "a name": 3, "a domain": 2, "a keyword": 1,
        }  # fmt: skip


async def test_writing_into_the_database_opts_no_term_in(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_terms("com_a", [term("t1")], audit=audit("com_a"))
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database, database:
            assert database.execute("update term set search_externally = 1").rowcount == 1
        assert await texts(store) == []


async def test_a_row_that_does_not_say_is_asked_by_its_settings(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        await store.add_terms("com_a", [term("t1", settings=SEARCHED), term("t2")], audit=audit("com_a"))
        with closing(sqlite3.connect(tmp_path / "leakwatch.sqlite3")) as database, database:
            database.execute("update term set search_externally = null")
        assert await texts(store) == ["night_heron"]
