"""Moderators and the rotation at the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.errors import Conflict, NotFound, UsageError
from core.ports import Listing
from core.settings import load_settings
from core.types import Severity
from monitor.commands.on_call import (
    Turns,
    moderator_add,
    moderator_change,
    moderator_delete,
    moderator_list,
    rotation_absent,
    rotation_delete,
    rotation_present,
    rotation_set,
    rotation_show,
)
from monitor.wiring import open_store
from tests.store_fixtures import add_community

FROM, UNTIL = "2020-01-01T00:00Z", "2199-01-01T00:00Z"


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lines:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")

    async def keep() -> None:
        async with open_store(load_settings()) as store:
            await add_community(store)

    asyncio.run(keep())
    return Lines(capsys)


class Lines:
    """What the commands printed since the last time."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def read(self) -> list[str]:
        return self._capsys.readouterr().out.splitlines()


def added(lines: Lines, name: str) -> str:
    """Add a moderator, and return their id."""
    assert moderator_add(None, name, [], no_quotes=False, time_zone="UTC") == 0
    return lines.read()[0].split()[0]


async def audited() -> list[str]:
    async with open_store(load_settings()) as store:
        return [entry.action for entry in (await store.audit_log("com_a", Listing(limit=100))).items]


def test_a_moderator_is_added_listed_changed_and_deleted(lines: Lines) -> None:
    assert moderator_list(None) == 0
    assert lines.read() == ["There is no moderator."]
    assert moderator_add(None, "Ada", ["moderators"], no_quotes=False, time_zone="Europe/Berlin") == 0
    moderator_id = lines.read()[0].split()[0]
    assert moderator_list(None) == 0
    assert lines.read()[1].split() == [moderator_id, "Ada", "moderators", "yes", "Europe/Berlin", "0"]
    assert moderator_change(None, "Ada", "Ada L.", None, no_quotes=True, time_zone=None) == 0
    assert moderator_change(None, moderator_id, None, [], no_quotes=None, time_zone="UTC") == 0
    lines.read()
    assert moderator_list(None) == 0
    assert lines.read()[1].split() == [moderator_id, "Ada", "L.", "nothing", "no", "UTC", "0"]
    assert moderator_delete(None, "Ada L.") == 0
    assert moderator_list(None) == 0
    assert lines.read()[-1] == "There is no moderator."
    actions = asyncio.run(audited())
    assert [action for action in actions if action.startswith("moderator")] == [
        "moderator.created",
        "moderator.changed",
        "moderator.changed",
        "moderator.deleted",
    ]


def test_a_moderator_that_makes_no_sense_is_refused(lines: Lines) -> None:
    with pytest.raises(NotFound, match="there is no destination of this name"):
        moderator_add(None, "Ada", ["nobody"], no_quotes=False, time_zone="UTC")
    for name in ("", "  ", "two\nlines", "x" * 201):
        with pytest.raises(UsageError, match="a name has from 1 to 200 characters"):
            moderator_add(None, name, [], no_quotes=False, time_zone="UTC")
    with pytest.raises(UsageError, match="IANA"):
        moderator_add(None, "Ada", [], no_quotes=False, time_zone="Nowhere")
    with pytest.raises(NotFound, match="there is no moderator of this name"):
        moderator_delete(None, "Ada")
    added(lines, "Ada")
    added(lines, "Ada")
    with pytest.raises(NotFound, match="several moderators have this name"):
        moderator_change(None, "Ada", "x", None, no_quotes=None, time_zone=None)


def test_a_rotation_is_set_shown_set_anew_and_deleted(lines: Lines) -> None:
    assert rotation_show(None) == 0
    assert lines.read() == ["There is no rotation: nobody is asked to take incidents on."]
    added(lines, "Ada")
    added(lines, "Grace")
    assert rotation_set(None, "Nights", Turns(moderators=["Ada", "Grace"])) == 0
    rotation_id = lines.read()[0].split()[0]
    assert rotation_show(None) == 0
    first, on_call, asked_next = lines.read()
    assert first == f"{rotation_id} Nights: from severity high up"
    # Before the first handover at nine, it is the other's turn.
    names = {on_call.rpartition(" ")[2], asked_next.rpartition(" ")[2]}
    assert (on_call.startswith("On call until "), names) == (True, {"Ada", "Grace"})
    with pytest.raises(Conflict, match="is in the rotation"):
        moderator_delete(None, "Grace")
    assert rotation_set(None, "Days", Turns(moderators=["Ada"], minimum_severity=Severity.MEDIUM)) == 0
    assert lines.read()[0].split()[0] == rotation_id
    assert rotation_show(None) == 0
    first, on_call, asked_next = lines.read()
    assert (first, asked_next) == (f"{rotation_id} Days: from severity medium up", "Asked next: nobody else")
    assert rotation_delete(None) == 0
    with pytest.raises(NotFound, match="there is no rotation"):
        rotation_delete(None)


def test_who_is_absent_is_stood_in_for_until_they_are_there_after_all(lines: Lines) -> None:
    for name in ("Ada", "Grace"):
        added(lines, name)
    rotation_set(None, "Nights", Turns(moderators=["Ada"]))
    lines.read()
    assert rotation_absent(None, "Ada", FROM, UNTIL, "Grace") == 0
    absence = lines.read()[0].split()[0]
    assert rotation_show(None) == 0
    shown = lines.read()
    assert shown[1].endswith(": Grace")
    assert shown[-1].split() == [absence, "Ada", "2020-01-01", "00:00", "UTC", "2199-01-01", "00:00", "UTC", "Grace"]
    assert rotation_present(None, absence) == 0
    assert rotation_show(None) == 0
    assert lines.read()[2].endswith(": Ada")


def test_a_rotation_that_makes_no_sense_is_refused(lines: Lines) -> None:
    added(lines, "Ada")
    for wrong, sentence in (
        (Turns(moderators=["Ada", "Ada"]), "name each moderator once"),
        (Turns(moderators=["Ada"], handover_at="9"), "the time of the handover is written 09:00"),
        (Turns(moderators=["Ada"], time_zone="Nowhere"), "IANA"),
    ):
        with pytest.raises(UsageError, match=sentence):
            rotation_set(None, "x", wrong)
    with pytest.raises(NotFound, match="there is no moderator of this name"):
        rotation_set(None, "x", Turns(moderators=["Grace"]))
    with pytest.raises(NotFound, match="there is no rotation"):
        rotation_absent(None, "Ada", FROM, UNTIL, None)
    rotation_set(None, "Nights", Turns(moderators=["Ada"]))
    for begins, ends, substitute, sentence in (
        (UNTIL, FROM, None, "must end later"),
        ("2020-01-01", UNTIL, None, "written with its offset"),
        (FROM, UNTIL, "Ada", "must be somebody else"),
    ):
        with pytest.raises(UsageError, match=sentence):
            rotation_absent(None, "Ada", begins, ends, substitute)
