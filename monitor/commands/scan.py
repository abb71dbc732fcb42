"""``leakwatch scan``: the whole matching pipeline on given input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from core.settings import load_settings
from core.types import Catalogue, Finding
from monitor.commands.reading import Reading
from monitor.commands.streams import Lines, open_lines
from monitor.commands.view import finding_view
from monitor.findings import Names, finding_line
from monitor.parts import build_parts
from watchlists.checking import load_checked

NOTHING_RAISED, RAISED, UNREADABLE = 0, 1, 3


def scan(
    watchlist: Path,
    *,
    documents: str | None,
    feeds: Sequence[str],
    output: str,
    everything: bool,
    minimum_score: int | None,
) -> int:
    """Write the findings and return the exit status. Raises WatchlistError, SettingsError, or LeakwatchError
    where the output cannot be written."""
    parts = build_parts(load_settings()).keyed()
    file = load_checked(watchlist, parts.index(Catalogue()).check)
    catalogue = file.catalogue(parts.clock.now())
    if ended := len(file.terms) - len(catalogue.terms):
        print(f"leakwatch: {ended} terms have ended and are not looked for", file=sys.stderr)
    examiner = parts.examiner(catalogue, minimum_score=minimum_score)
    names = Names.of(catalogue)
    reading = Reading(parts, documents=documents, feeds=feeds)
    start = parts.clock.monotonic()
    match_count = alert_count = 0
    with open_lines(output) as lines:
        for batch in reading.batches():
            for finding in examiner.examine(batch):
                match_count += len(finding.matches)
                alert_count += len(finding.alerts)
                if finding.matches or everything:
                    _show(finding, names, lines)
            lines.flush()
    seconds = parts.clock.monotonic() - start
    print(
        f"{reading.document_count:,} documents in {seconds:.1f} s "
        f"({reading.document_count / max(seconds, 1e-9):,.0f} a second), "
        f"{match_count:,} matches, {alert_count:,} alerts",
        file=sys.stderr,
    )
    if reading.unreadable_count:
        return UNREADABLE
    return RAISED if alert_count else NOTHING_RAISED


def _show(finding: Finding, names: Names, lines: Lines) -> None:
    if lines.is_terminal:
        lines.show(finding_view(finding, names))
    else:
        lines.write(finding_line(finding, names))
