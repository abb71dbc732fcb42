"""``leakwatch try``: would this term match this text, how, and what nearly did."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.settings import load_settings
from core.types import Catalogue, Community, Document, Explanation, Finding, Term, TermKind, Watchlist
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.commands.view import finding_view, printable
from monitor.findings import Names
from monitor.wiring import build_parts

MATCHES, DOES_NOT_MATCH = 0, 1


def try_term(value: str, kind: TermKind, text: str) -> int:
    """Show how the text is looked at; return the exit status. Raises UsageError for a term that cannot be
    looked for. Nothing is kept."""
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    parts = build_parts(load_settings())
    term = Term(id="term", reference="term", watchlist_id="try", kind=kind, value=value)
    parts.index(Catalogue()).check(term)
    catalogue = Catalogue(
        communities=(Community(id="try", name="try"),),
        watchlists=(Watchlist(id="try", community_id="try", name="try"),),
        terms=(term,),
    )
    document = Document(id="text", text=text)
    examiner = parts.examiner(catalogue)
    explanation = examiner.index.explain(document)
    [finding] = examiner.examine([document])
    with written(sys.stdout, STANDARD_OUTPUT):
        _show(explanation, finding, Names.of(catalogue))
    return MATCHES if finding.matches else DOES_NOT_MATCH


def _show(explanation: Explanation, finding: Finding, names: Names) -> None:
    console = Console(highlight=False)
    for folded in explanation.folded.values():
        console.print(Text("folded text  ", style="dim") + Text(printable(folded)), soft_wrap=True)
    if explanation.candidates:
        table = Table("", "place", "found", "similarity", "undone", "why", box=None, pad_edge=False)
        for candidate in explanation.candidates:
            table.add_row(
                Text("passed", style="green") if candidate.passed else Text("failed", style="red"),
                f"{candidate.span.start}-{candidate.span.end}",
                Text(printable(candidate.found)),
                f"{candidate.similarity:.2f}",
                ", ".join(candidate.transformations),
                Text(candidate.reason),
            )
        console.print(table)
    console.print(finding_view(finding, names))
    console.print("It matches." if finding.matches else "It does not match.")
