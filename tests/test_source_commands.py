"""Sources are set up, and changed, at the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.errors import NotFound, SettingsError, UsageError
from core.ports import Listing
from core.settings import load_settings
from core.types import SourceRecord
from monitor.commands.setup import source_add, source_edit
from monitor.wiring import open_store
from tests.store_fixtures import add_community


@pytest.fixture(autouse=True)
def gists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a community, and a source that has a credential."""
    monkeypatch.chdir(tmp_path)

    async def keep() -> None:
        async with open_store(load_settings()) as store:
            await add_community(store)

    asyncio.run(keep())
    source_add(None, "gist", "Gists", ["token=ghp_k3pt"], 300, 900)


def the_source() -> SourceRecord:
    async def look() -> SourceRecord:
        async with open_store(load_settings()) as store:
            (source,) = (await store.sources("com_a", Listing())).items
            return source

    return asyncio.run(look())


def test_what_is_not_named_of_a_source_stays(capsys: pytest.CaptureFixture[str]) -> None:
    before = the_source()
    assert source_edit(None, "Gists", "All gists", [], 600, None) == 0
    assert capsys.readouterr().out.endswith(f"{before.id} is changed.\n")
    after = the_source()
    assert (after.name, after.interval_seconds, after.maximum_interval_seconds) == ("All gists", 600, 900)
    assert after.settings == {"token": "ghp_k3pt"}
    source_edit(None, before.id, None, ["token=null"], None, None)
    assert the_source().settings == {}


def test_a_change_that_does_not_fit_is_refused_and_nothing_is_changed() -> None:
    before = the_source()
    with pytest.raises(UsageError, match="longest interval must not be shorter"):
        source_edit(None, "Gists", None, [], 1200, None)
    with pytest.raises(SettingsError, match="give token again"):
        source_edit(None, "Gists", None, ["url=https://other.example"], None, None)
    with pytest.raises(NotFound, match="no source of this name"):
        source_edit(None, "Gist", None, [], 600, None)
    assert the_source() == before
