"""Plug-ins come through one door, and a wrong one stops the start with its name and the reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.errors import NotConfigured, PluginError, SettingsError
from core.plugins import Registry, discover
from core.ports import Source

GOOD = """
from pydantic import BaseModel, ConfigDict, SecretStr
from core.errors import NotConfigured

class Pond:
    kind = "pond"
    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")
        depth: int
        password: SecretStr = SecretStr("")
    def __init__(self, settings, context):
        if settings.depth == 0:
            raise NotConfigured("a pond needs a depth")
    async def poll(self, cursor):
        return Page(documents=(), cursor=None)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "ponds"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "ponds"]:
        del sys.modules[name]


def find(group: str = "leakwatch.test") -> Registry[Source]:
    return discover(Source, noun="source", package="ponds", group=group)  # type: ignore[type-abstract]


def test_a_class_in_one_new_file_is_a_plug_in(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    assert find().kinds() == ("pond",)


def test_an_installed_package_brings_a_plug_in_by_entry_point(package: Path, tmp_path: Path) -> None:
    (tmp_path / "lake.py").write_text(GOOD.replace('"pond"', '"lake"').replace("Pond", "Lake"))
    metadata = tmp_path / "lake-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lake\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[leakwatch.test]\nlake = lake:Lake\n")
    assert find().kinds() == ("lake",)


def test_an_entry_point_that_cannot_be_loaded_is_named(package: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "river-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: river\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[leakwatch.test]\nriver = river:River\n")
    with pytest.raises(PluginError, match="plug-in river:River cannot be loaded: ModuleNotFoundError"):
        find()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("async def poll", "async def pol"), "source ponds.pond lacks poll"),
        (("    async def poll", "    def poll"), "source ponds.pond: poll must be an async function"),
        (("class Settings(BaseModel)", "class Settings"), "source ponds.pond: Settings must be a pydantic model"),
        (('"pond"', '"a pond"'), "kind must be a short name"),
    ],
)
def test_a_wrong_plug_in_stops_the_start_with_its_name_and_the_reason(
    package: Path, change: tuple[str, str], sentence: str
) -> None:
    (package / "pond.py").write_text(GOOD.replace(*change))
    with pytest.raises(PluginError, match=sentence):
        find()


def test_two_plug_ins_of_one_kind_are_refused(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    (package / "pool.py").write_text(GOOD)
    with pytest.raises(PluginError, match=r"'pond' of ponds\.pool exists already in ponds\.pond"):
        find()


def test_wrong_settings_name_the_setting_and_quote_no_value(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    with pytest.raises(SettingsError) as raised:
        find().check_settings("pond", {"depth": "marker-value", "colour": "blue"})
    sentence = str(raised.value)
    assert "source pond: setting depth:" in sentence
    assert "setting colour:" in sentence
    assert "marker-value" not in sentence


def test_an_unknown_kind_is_answered_with_those_there_are(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    with pytest.raises(SettingsError, match="there is no source of kind 'lake'; there are: pond"):
        find().check_settings("lake", {})


def test_a_plug_in_may_be_off_with_a_reason(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    with pytest.raises(NotConfigured, match="source pond is off: a pond needs a depth"):
        find().build("pond", {"depth": 0}, None)


def test_a_plug_in_is_built_with_its_own_settings(package: Path) -> None:
    (package / "pond.py").write_text(GOOD)
    settings = find().check_settings("pond", {"depth": 3, "password": "hidden"})
    assert settings.model_dump() == {"depth": 3, "password": SecretStr("hidden")}
    assert isinstance(find().build("pond", {"depth": 3}, None), Source)


def test_all_matchers_are_found_where_numba_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['numba'] = None; from core.settings import Settings; "
        "from monitor.parts import build_parts; print(sorted(build_parts(Settings()).matchers.classes))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "'pseudonyms'" in done.stdout
