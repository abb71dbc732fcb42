from __future__ import annotations

from functools import partial
from pathlib import Path

from core.listing import whole
from tests.store_fixtures import add_community, audit, opened, term


async def test_a_listing_of_several_parts_is_read_to_its_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await add_community(store)
        terms = [term(f"t{number}") for number in range(1001)]
        await store.add_terms("com_a", terms, audit=audit("com_a"))
        read = await whole(partial(store.terms, "com_a"))
        assert sorted(each.reference for each in read) == sorted(each.reference for each in terms)
