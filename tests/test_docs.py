"""What exists is documented, and what is documented works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel
from pytest_httpserver import HTTPServer
from typer.main import get_command

from core.clock import SystemClock
from core.errors import SourceUnavailable
from core.http import GuardedClient
from core.plugins import discover
from core.ports import Notifier, Source, SourceContext
from core.settings import Settings
from core.types import Scope, TermKind
from matchers.query_language import FieldOperator, MentionName
from matchers.query_language import parse as parse_query
from monitor.cli import app
from tests.conftest import REPOSITORY
from tests.readme_table import README, disguise_table, with_table
from tests.service_fixtures import settings_for
from watchlists.files import parse
from watchlists.packs import load_packs
from watchlists.schema import FileEntry, TermEntry, WatchlistEntry

DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")])
SOURCES = discover(Source, noun="source", package="sources", group="leakwatch.sources")  # type: ignore[type-abstract]
NOTIFIERS = discover(Notifier, noun="channel", package="alerting.notifiers", group="leakwatch.notifiers")  # type: ignore[type-abstract]


def page(name: str) -> str:
    return (DOCS / name).read_text()


def commands() -> list[str]:
    """Return every command, with its group before it."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        parts = getattr(command, "commands", None)
        found += [f"{name} {part}" for part in parts] if parts else [name]
    return found


def settings_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted name of every setting."""
    names = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += settings_of(field.annotation, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`leakwatch {command}`" in page("operate.md")


@pytest.mark.parametrize("name", settings_of(Settings))
def test_every_setting_is_documented(name: str) -> None:
    environment = f"LEAKWATCH_{name.replace('.', '__').upper()}"
    assert f"| `{environment}` | `{name}` |" in page("operate.md")


@pytest.mark.parametrize(
    ("place", "kind", "name"),
    [
        (place, kind, name)
        for place, registry in (("sources.md", SOURCES), ("channels.md", NOTIFIERS))
        for kind, plugin in registry.classes.items()
        for name in plugin.Settings.model_fields
    ],
)
def test_every_setting_of_a_source_or_channel_is_documented(place: str, kind: str, name: str) -> None:
    section = page(place).split(f"\n## {kind}\n")[1].split("\n## ")[0]
    assert f"`{name}`" in section


@pytest.mark.parametrize("key", [*FileEntry.model_fields, *WatchlistEntry.model_fields, *TermEntry.model_fields])
def test_every_key_of_a_watchlist_file_is_documented(key: str) -> None:
    assert re.search(rf"\b{key}\b", page("first-watchlist.md"))


@pytest.mark.parametrize("kind", list(TermKind))
def test_every_kind_of_term_is_documented(kind: TermKind) -> None:
    assert f"`{kind}`" in page("first-watchlist.md")


def test_the_table_of_packs_says_what_their_files_say() -> None:
    rows = [line for line in page("packs.md").splitlines() if line.startswith("| `")]
    assert rows == [f"| `{pack.name}` | {pack.description} | {pack.not_for} |" for pack in load_packs()]


@pytest.mark.parametrize("scope", list(Scope))
def test_every_scope_is_documented(scope: Scope) -> None:
    assert f"| `{scope}` |" in page("api.md")


@pytest.mark.parametrize("target", re.findall(r"^([a-z]+):.*## ", (REPOSITORY / "Makefile").read_text(), re.M))
def test_every_make_target_is_listed_by_help(target: str) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    assert phony is not None
    assert target in phony.group(1).split()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_query_that_is_shown_is_understood() -> None:
    manual = page("queries.md")
    (terms,) = re.findall(r"```yaml\n(.*?)```", manual, re.S)
    assert [parse_query(term["value"]) for term in yaml.safe_load(terms)["terms"]]
    for name in (*get_args(FieldOperator), *(f"@{name}" for name in get_args(MentionName))):
        assert f"`{name}" in manual


@pytest.mark.parametrize("path", [REPOSITORY / "README.md", DOCS / "first-watchlist.md"], ids=lambda path: path.name)
def test_every_watchlist_that_is_shown_can_be_read(path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", path.read_text(), re.S)
    assert shown
    for text in shown:
        assert parse(text, file="shown.yaml").terms


def test_the_settings_file_that_is_shown_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", page("operate.md"), re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leakwatch.toml").write_text(shown)
    assert Settings().api.port == 9000


def test_the_disguises_in_the_readme_are_found_today() -> None:
    assert README.read_text() == with_table(README.read_text()), "write the table anew with 'make readme'"


def test_the_disguises_in_the_readme_are_all_found_but_the_last() -> None:
    rows = [line.split(" | ") for line in disguise_table().splitlines()[2:]]
    assert [row[2] for row in rows if row[2] == "nothing"] == ["nothing"]
    assert rows[-1][2] == "nothing"


async def test_the_source_in_the_manual_works_and_is_short(tmp_path: Path, httpserver: HTTPServer) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", page("write-a-source.md"), re.S)
    assert len(shown.splitlines()) < 40
    module = ModuleType("shown_source")
    exec(compile(shown, "write-a-source.md", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    httpserver.expect_ordered_request("/log").respond_with_data("first line\nsecond line\n")
    httpserver.expect_ordered_request("/log").respond_with_data("first line\nsecond line\nthird line\n")
    httpserver.expect_ordered_request("/log").respond_with_data("a new day\n")
    httpserver.expect_ordered_request("/log").respond_with_data("another day\nwith\nmore lines\n")
    httpserver.expect_ordered_request("/log").respond_with_data("", 503, {"Retry-After": "60"})
    clock = SystemClock()
    async with GuardedClient(settings_for(tmp_path).http, clock) as http:
        context = SourceContext(name="log", http=http, clock=clock)
        settings = module.LineSource.Settings(url=httpserver.url_for("/log"))
        source = module.LineSource(settings, context)
        assert isinstance(source, Source)
        page_of_lines = await source.poll(None)
        assert [document.text for document in page_of_lines.documents] == ["first line", "second line"]
        for expected in (["third line"], ["a new day"], ["another day", "with", "more lines"]):
            page_of_lines = await source.poll(page_of_lines.cursor)
            assert [document.text for document in page_of_lines.documents] == expected
        with pytest.raises(SourceUnavailable):
            await source.poll(page_of_lines.cursor)


def test_the_source_in_the_manual_comes_in_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", page("write-a-source.md"), re.S)
    (configuration,) = re.findall(r"```toml\n(.*?)```", page("write-a-source.md"), re.S)
    (tmp_path / "my_package.py").write_text(shown)
    metadata = tmp_path / "my_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    name, value = re.findall(r'(\w+) = "([\w:]+)"', configuration)[0]
    (metadata / "entry_points.txt").write_text(f"[leakwatch.sources]\n{name} = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    found = discover(Source, noun="source", package="sources", group="leakwatch.sources")  # type: ignore[type-abstract]
    assert {"lines", "feed", "files", "reddit"} <= set(found.kinds())
    assert found.check_settings("lines", {"url": "https://log.example/today.txt"})


def test_the_sample_watchlist_can_be_read() -> None:
    sample = REPOSITORY / "monitor" / "sample" / "watchlist.yaml"
    assert parse(sample.read_text(), file="sample.yaml").terms
    assert yaml.safe_load(sample.read_text())["community"] == "Harbor Commons"
