"""Findings for people: the spot as it stands in the document, and the reasons."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from core.types import Alert, Document, Finding, Match, Severity, Span
from monitor.findings import Names

CONTEXT_CHARACTERS = 60
COLOURS = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_DISGUISED = "bold reverse"
_PLAIN = "bold underline"
_ENTITY = "bold magenta"


def finding_view(finding: Finding, names: Names) -> RenderableType:
    """Return a finding as a small table: what was raised, the spots with what is disguised standing out, and
    why. Nothing of the document reaches the terminal as a control character."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text("document", style="dim"), _title(finding.document))
    for match in finding.matches:
        table.add_row(Text(f"  {names.terms[match.term_id]}", style="dim"), _spot(finding, match))
    for alert in finding.alerts:
        table.add_row(*alert_row(alert, names))
    if not finding.alerts:
        table.add_row("", Text("no alert" if finding.matches else "nothing found", style="dim"))
    return Group(table, "")


def alert_row(alert: Alert, names: Names) -> tuple[Text, RenderableType]:
    """Return an alert's severity and score, and beside them its class and the reasons."""
    colour = COLOURS[alert.severity]
    heading = Text(f"{alert.alert_class} · {names.watchlists[alert.watchlist_id]}", style=colour)
    reasons = [Text(f"+{signal.points:<3} {signal.text}") for signal in alert.signals]
    return Text(f"  {alert.severity} {alert.score}", style=colour), Group(heading, *reasons)


def visible(text: str) -> str:
    """Return the text in one line, with every control, direction and format character as its code: ⟨U+200B⟩."""
    return "".join(
        " "
        if character in "\t\n\r"
        else f"⟨U+{ord(character):04X}⟩"
        if unicodedata.category(character) in ("Cc", "Cf", "Cs")
        else character
        for character in text
    )


def printable(text: str) -> str:
    """Return the text in one line, as long as it was, with every control and direction character replaced."""
    return "".join(" " if character in "\t\n\r" else "�" if _is_harmful(character) else character for character in text)


def pointed_at(value: str, place: int) -> str:
    """Return what the admin wrote around a character of it (1-based), and under it a line that points there."""
    first, last = max(0, place - 1 - CONTEXT_CHARACTERS), place - 1 + CONTEXT_CHARACTERS
    start = ("…" if first else "") + printable(value[first : place - 1])
    rest = printable(value[place - 1 : last]) + ("…" if last < len(value) else "")
    return f"  {start}{rest}\n  {' ' * cell_len(start)}^"


def _is_harmful(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or unicodedata.bidirectional(character) in (
        *("LRE", "RLE", "LRO", "RLO", "PDF"),
        *("LRI", "RLI", "FSI", "PDI"),
    )


def _title(document: Document) -> Text:
    parts = (document.id, document.source, document.author, document.title, document.url)
    return Text(" · ".join(printable(part) for part in parts if part))


def _spot(finding: Finding, match: Match) -> Text:
    span = match.span
    original = finding.document.field(span.field)
    start, end = max(0, span.start - CONTEXT_CHARACTERS), min(len(original), span.end + CONTEXT_CHARACTERS)
    spot = Text(printable(original[start:end]))
    for entity in _within(finding, span.field, start, end):
        spot.stylize(_ENTITY, max(0, entity.start - start), max(0, entity.end - start))
    spot.stylize(_DISGUISED if match.transformations else _PLAIN, span.start - start, span.end - start)
    how = ", ".join(match.transformations)
    field = "" if span.field == "text" else f"{span.field}: "
    return Text.assemble(
        (field, "dim"),
        "…" if start else "",
        spot,
        "…" if end < len(original) else "",
        (f"  ({how})" if how else "", "dim"),
    )


def _within(finding: Finding, field: str, start: int, end: int) -> Iterable[Span]:
    for entity in finding.entities:
        if entity.span.field == field and entity.span.start < end and start < entity.span.end:
            yield entity.span
