"""``leakwatch try``: would this text match, how, and what nearly did."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.errors import TermError, UsageError
from core.settings import load_settings
from core.types import (
    Candidate,
    Catalogue,
    Community,
    Document,
    Explanation,
    Finding,
    Sensitivity,
    Term,
    TermKind,
    Watchlist,
)
from matchers.undoing import Undoing, undoings
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.commands.view import alert_row, pointed_at, visible
from monitor.findings import Names
from monitor.parts import Parts, build_parts
from watchlists.checking import load_checked

MATCHES, DOES_NOT_MATCH = 0, 1
_SHOWN_CHARACTERS = 2000
_SHOWN_UNDOINGS = 20
_PASSED, _FAILED = "bold reverse", "underline"


def try_term(value: str, kind: TermKind, sensitivity: Sensitivity, text: str) -> int:
    """Show how the text is looked at for one term; return the exit status. Raises UsageError for a term that cannot
    be looked for. Nothing is kept."""
    parts = build_parts(load_settings())
    term = Term(id="term", reference="term", watchlist_id="try", kind=kind, value=value)
    try:
        parts.index(Catalogue()).check(term)
    except TermError as error:
        print(pointed_at(value, error.place), file=sys.stderr)
        raise
    return _try(
        parts,
        Catalogue(
            communities=(Community(id="try", name="try"),),
            watchlists=(Watchlist(id="try", community_id="try", name="try", sensitivity=sensitivity),),
            terms=(term,),
        ),
        text,
    )


def try_watchlist(path: Path, text: str) -> int:
    """Show how the text is looked at for the terms of a file; return the exit status. Raises WatchlistError."""
    parts = build_parts(load_settings())
    file = load_checked(path, parts.index(Catalogue()).check)
    return _try(parts, file.catalogue(parts.clock.now()), text)


def _try(parts: Parts, catalogue: Catalogue, text: str) -> int:
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text:
        raise UsageError("there is no text to look through")
    document = Document(id="text", text=text)
    examiner = parts.examiner(catalogue)
    explanation = examiner.explain(document)
    [finding] = examiner.examine([document])
    with written(sys.stdout, STANDARD_OUTPUT):
        _show(explanation, finding, catalogue)
    return MATCHES if finding.matches else DOES_NOT_MATCH


def _show(explanation: Explanation, finding: Finding, catalogue: Catalogue) -> None:
    console = Console(highlight=False)
    names = Names.of(catalogue)
    original = finding.document.text
    console.print(_labelled("text", _marked(original, explanation.candidates)), soft_wrap=True)
    console.print(_labelled("read as", Text(_beginning(explanation.folded["text"]))), soft_wrap=True)
    if undone := undoings(original):
        console.print()
        console.print(_undone(undone))
        if (left := len(undone) - _SHOWN_UNDOINGS) > 0:
            console.print(f"and {left:,} more places")
    if explanation.candidates:
        console.print()
        console.print(_places(explanation.candidates, names))
    console.print()
    alerts = Table.grid(padding=(0, 2))
    for alert in finding.alerts:
        alerts.add_row(*alert_row(alert, names))
    if finding.alerts:
        console.print(alerts)
        console.print()
    console.print(_verdict(finding, catalogue), soft_wrap=True)


def _verdict(finding: Finding, catalogue: Catalogue) -> str:
    if not finding.matches:
        return "It does not match."
    if finding.alerts:
        return "It matches."
    needing = {term.id for term in catalogue.terms if term.settings.needs_context}
    if all(match.term_id in needing for match in finding.matches):
        return "It matches, but raises no alert: nothing around it gives the context that the term needs."
    return "It matches, but raises no alert."


def _labelled(label: str, text: Text) -> Text:
    return Text(f"{label:8}", style="dim") + text


def _beginning(text: str) -> str:
    left = len(text) - _SHOWN_CHARACTERS
    return visible(text[:_SHOWN_CHARACTERS]) + (f" … and {left:,} characters more" if left > 0 else "")


def _marked(text: str, candidates: Sequence[Candidate]) -> Text:
    """Return the text with the places that passed standing out, and those that failed underlined."""
    styles = [""] * min(len(text), _SHOWN_CHARACTERS)
    for candidate in reversed(candidates):
        if candidate.span.field == "text":
            for place in range(candidate.span.start, min(candidate.span.end, len(styles))):
                styles[place] = _PASSED if candidate.passed else _FAILED
    shown = Text()
    for character, style in zip(text, styles, strict=False):
        shown.append(visible(character), style)
    return shown + _beginning(text)[len(visible(text[:_SHOWN_CHARACTERS])) :]


def _undone(undone: Sequence[Undoing]) -> Table:
    table = Table("place", "written", "means", "", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in undone[:_SHOWN_UNDOINGS]:
        sort = ", ".join(name.replace("_", " ") for name in row.transformations)
        table.add_row(
            f"{row.start}-{row.end}",
            Text(visible(row.written), overflow="fold"),
            Text(visible(row.meant) if row.meant else "nothing", style="" if row.meant else "dim", overflow="fold"),
            Text(f"{sort} ({_name(row.written)})" if len(row.written) == 1 else sort),
        )
    return table


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()


def _places(candidates: Sequence[Candidate], names: Names) -> Table:
    several = len(names.terms) > 1
    headings = ("", *(("term",) if several else ()), "place", "found", "undone", "similarity", "why")
    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for candidate in candidates:
        table.add_row(
            Text("passed", style="green") if candidate.passed else Text("failed", style="red"),
            *((Text(names.terms[candidate.term_id]),) if several else ()),
            f"{candidate.span.start}-{candidate.span.end}",
            Text(visible(candidate.found), overflow="fold"),
            ", ".join(name.replace("_", " ") for name in candidate.transformations),
            f"{candidate.similarity:.2f}",
            Text(candidate.reason),
        )
    return table
