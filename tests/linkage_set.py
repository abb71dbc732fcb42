"""The hand-written texts under tests/linkage: some join a watched pseudonym with a person, others only seem to.

A file is a list of families: texts of one language that are alike in form or in what makes them tempting. A fifth of
the families (``part: held``) is measured apart: nobody looks at what goes wrong in them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.programs import LEAKWATCH

FOLDER = Path(__file__).parent / "linkage"
WATCHLIST = FOLDER / "watchlist.yaml"
ALERTING = frozenset({"medium", "high", "critical"})

Line = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """One document. ``handle`` is the watched value it holds otherwise written, where it holds none as it is."""

    id: str
    text: str
    title: str | None = None
    author: str | None = None
    handle: str | None = None

    def document(self) -> Line:
        return {"id": self.id, "title": self.title, "author": self.author, "text": self.text}


@dataclass(frozen=True)
class Family:
    name: str
    language: str
    is_linked: bool
    is_held: bool
    texts: tuple[Text, ...]


def load_families(folder: Path = FOLDER) -> list[Family]:
    """Return the families of all files. Raises TypeError, KeyError or ValueError for what is none."""
    return [
        _family(**entry)
        for path in sorted(folder.glob("*.yaml"))
        if path != WATCHLIST
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _family(
    *,
    family: str,
    language: str,
    label: str,
    texts: list[str | Mapping[str, str]],
    part: str = "dev",
    why: str = "",
) -> Family:
    if label not in ("linked", "harmless") or part not in ("dev", "held"):
        raise ValueError(f"{family}: the label is linked or harmless, the part dev or held")
    entries = [{"text": entry} if isinstance(entry, str) else entry for entry in texts]
    return Family(
        name=family,
        language=language,
        is_linked=label == "linked",
        is_held=part == "held",
        texts=tuple(Text(id=f"{family}-{number}", **entry) for number, entry in enumerate(entries, 1)),
    )


def scan(watchlist: Path, documents: Iterable[Line], folder: Path) -> dict[str, Line]:
    """Run ``leakwatch scan`` and return its findings by document id; documents without a match have none.
    Raises RuntimeError with what the program said, where it fails."""
    given, found = folder / "documents.jsonl", folder / "findings.jsonl"
    with given.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents)
    outcome = subprocess.run(
        [LEAKWATCH, "scan", "--watchlist", watchlist, "--input", given, "--output", found],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode not in (0, 1):
        raise RuntimeError(outcome.stderr)
    with found.open(encoding="utf-8") as lines:
        return {finding["id"]: finding for finding in map(json.loads, lines)}


def alerting(finding: Line | None) -> list[Line]:
    """Return the alerts of a finding that reach a moderator: severity medium and above."""
    return [alert for alert in (finding or {}).get("alerts", ()) if alert["severity"] in ALERTING]


def is_linkage(finding: Line | None) -> bool:
    """Return whether the finding says that a pseudonym and a person were joined, and says it to a moderator."""
    return any(alert["class"] == "linkage" for alert in alerting(finding))


@dataclass
class Figures:
    """Counts of texts: those that join and were found, that join and were missed, that do not and were found, ..."""

    found: int = 0
    missed: int = 0
    false: int = 0
    quiet: int = 0

    def count(self, *, is_linked: bool, was_found: bool) -> None:
        if is_linked:
            self.found += was_found
            self.missed += not was_found
        else:
            self.false += was_found
            self.quiet += not was_found

    @property
    def recall(self) -> float:
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.found / max(self.found + self.false, 1)


def measure(families: Iterable[Family], findings: Mapping[str, Line]) -> Figures:
    figures = Figures()
    for family in families:
        for text in family.texts:
            figures.count(is_linked=family.is_linked, was_found=is_linkage(findings.get(text.id)))
    return figures
