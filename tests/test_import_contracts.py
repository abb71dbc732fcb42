"""Every contract between the rooms fails when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

ROOMS = ("core", "monitor", "sources", "matchers", "watchlists", "alerting", "api")
VIOLATIONS = {
    "Imports go down only, and the four middle rooms do not know one another": ("sources", "import alerting"),
    "Only core.db speaks SQL": ("api", "import sqlalchemy"),
    "Only the wiring of monitor opens the database": ("api", "import core.db"),
    "Only core.http reaches out by httpx2": ("sources", "import httpx2"),
    "Only sources.transport.guarded_websocket reaches out by WebSocket": ("alerting", "import websockets"),
    "The vocabulary needs the standard library only": ("core/types/documents.py", "import pydantic"),
    "Matchers do no input or output and read no clock": ("matchers", "import socket"),
    "Sources, watchlists and alerting know no web framework": ("alerting", "import fastapi"),
    "Watchlists do not reach out": ("watchlists", "import core.http"),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def _contracts() -> list[str]:
    configuration = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return [contract["name"] for contract in configuration["tool"]["importlinter"]["contracts"]]


def test_every_contract_is_tried() -> None:
    assert set(_contracts()) == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_broken_contract_is_seen(contract: str, tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    place, statement = VIOLATIONS[contract]
    module = tmp_path / place if place.endswith(".py") else tmp_path / place / "intruder.py"
    module.write_text(f"{module.read_text() if module.exists() else ''}\n{statement}\n")

    outcome = _lint(tmp_path)

    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    broken = [line.partition(" BROKEN")[0] for line in outcome.stdout.splitlines() if " BROKEN" in line]
    assert contract in broken
