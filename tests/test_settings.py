"""One tree of settings, from the environment and one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults_listen_on_loopback_and_keep_everything_in_one_folder() -> None:
    settings = load_settings()
    assert settings.api.host == "127.0.0.1"
    assert settings.database_address == "sqlite+aiosqlite:///data/leakwatch.sqlite3"
    assert settings.key_path == Path("data/leakwatch.key")
    assert settings.http.allowed_networks == ()


def test_the_environment_wins_over_the_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "leakwatch.toml").write_text('log_level = "WARNING"\n[api]\nport = 9000\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("LEAKWATCH_API__PORT", "9001")
    settings = load_settings()
    assert (settings.api.port, settings.api.host, settings.log_level) == (9001, "127.0.0.2", "WARNING")


def test_a_wrong_setting_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKWATCH_API__PORT", "marker-value")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert str(raised.value).startswith("setting api.port: ")
    assert "marker-value" not in str(raised.value)


def test_an_unknown_setting_in_the_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / "leakwatch.toml").write_text("colour = 1\n")
    with pytest.raises(SettingsError, match="setting colour:"):
        load_settings()


def test_a_settings_file_that_is_no_toml_is_named(empty_folder: Path) -> None:
    (empty_folder / "leakwatch.toml").write_text("= = =")
    with pytest.raises(SettingsError, match=r"leakwatch\.toml cannot be read"):
        load_settings()


def test_the_key_does_not_show_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKWATCH_KEY", "marker-key")
    assert "marker-key" not in repr(load_settings())
