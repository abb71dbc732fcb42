"""What a watchlist would bring in a week, before it is saved: the real pipeline over posts that people have."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.errors import UsageError
from core.types import Catalogue, Severity, Term
from matchers.folding import fold_text
from matchers.odds import is_commonplace
from matchers.words import is_ordinary
from monitor.commands.reading import Reading
from monitor.commands.streams import STANDARD_OUTPUT, written
from monitor.parts import Parts
from watchlists.checking import would_be_noise
from watchlists.files import WatchlistFile
from watchlists.forecast import Tally, bounds

_SHOWN_TERMS = 15
_POSTS_OF_AN_UNKNOWN_WEEK = 10_000


def is_ordinary_value(value: str) -> bool:
    """Return whether the value is a word or words in common use, or a frequent name."""
    return is_commonplace(value) or is_ordinary(fold_text(value).text.strip())


def show_week(parts: Parts, file: WatchlistFile, at: datetime, *, posts: str, posts_a_week: int | None) -> None:
    """Print how many matches and alerts are to be expected in a week, by watchlist and by term. ``posts_a_week`` is
    how many posts will be read; None asks the times of the posts. Raises UsageError where there are no posts."""
    catalogue = file.catalogue(at)
    now, quieter = _tallies(parts, catalogue, posts)
    if not now.post_count:
        raise UsageError(f"{posts} holds no posts to try the watchlist on")
    pace = posts_a_week or now.posts_a_week()
    factor = (pace or _POSTS_OF_AN_UNKNOWN_WEEK) / now.post_count
    with written(sys.stdout, STANDARD_OUTPUT):
        console = Console(highlight=False)
        console.print(f"\n{_heading(now, posts_a_week, pace)}\n", soft_wrap=True)
        console.print(_watchlists(catalogue, now, factor))
        found = sorted(
            (term for term in catalogue.terms if now.posts_of_term[term.id]),
            key=lambda term: (not would_be_noise(term, is_ordinary_value), -now.posts_of_term[term.id]),
        )
        if found:
            console.print()
            console.print(_terms(file, found[:_SHOWN_TERMS], now, quieter, factor))
        console.print(f"\n{_rest(catalogue, found, factor)}", soft_wrap=True)


def _tallies(parts: Parts, catalogue: Catalogue, posts: str) -> tuple[Tally, Tally]:
    """Return what is found in the posts, and what would be if every term needed context."""
    with_context = replace(
        catalogue,
        terms=tuple(replace(term, settings=replace(term.settings, needs_context=True)) for term in catalogue.terms),
    )
    examiner, quiet_examiner = parts.examiner(catalogue), parts.examiner(with_context)
    now, quieter = Tally(), Tally()
    for batch in Reading(parts, documents=posts).batches():
        findings = examiner.examine(batch)
        now.add(findings)
        quieter.add(quiet_examiner.examine([finding.document for finding in findings if finding.alerts]))
    return now, quieter


def _heading(now: Tally, given: int | None, pace: float | None) -> str:
    posts = f"{now.post_count:,} posts were looked through"
    if given:
        return f"{posts}. Expected in a week of {given:,} posts like these:"
    if pace is None:
        return (
            f"{posts}; they do not say when they were published, so how many a week brings is not known (say it with "
            f"--posts-a-week). Expected in {_POSTS_OF_AN_UNKNOWN_WEEK:,} posts like these:"
        )
    return (
        f"{posts}, published from {now.first_at:%Y-%m-%d} to {now.last_at:%Y-%m-%d}. "
        f"Expected in a week of {pace:,.0f} posts like these:"
    )


def _watchlists(catalogue: Catalogue, now: Tally, factor: float) -> Table:
    table = Table("watchlist", "alerts", "of these", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for watchlist in catalogue.watchlists:
        counts = {band: now.alerts_of_watchlist[watchlist.id, band] for band in reversed(Severity)}
        table.add_row(
            Text(watchlist.name),
            _expected(sum(counts.values()), factor),
            "; ".join(f"{band} {_expected(count, factor)}" for band, count in counts.items() if count),
        )
    return table


def _terms(file: WatchlistFile, terms: Iterable[Term], now: Tally, quieter: Tally, factor: float) -> Table:
    table = Table("term", "line", "posts with it", "alerts", "", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for term in terms:
        alerts, fewer = now.alerts_of_term[term.id], quieter.alerts_of_term[term.id]
        advice = []
        if would_be_noise(term, is_ordinary_value):
            advice.append("an ordinary word")
        if fewer < alerts:
            advice.append(f"needs_context: true leaves {_expected(fewer, factor)}")
        table.add_row(
            Text(term.reference),
            str(file.lines[term.reference]),
            _expected(now.posts_of_term[term.id], factor),
            _expected(alerts, factor) if alerts else "none",
            "; ".join(advice),
        )
    return table


def _rest(catalogue: Catalogue, found: list[Term], factor: float) -> str:
    sentences = []
    if len(found) > _SHOWN_TERMS:
        sentences.append(f"{len(found) - _SHOWN_TERMS} more terms were found less often.")
    if missing := len(catalogue.terms) - len(found):
        subject = "1 term was" if missing == 1 else f"{missing} terms were"
        sentences.append(f"{subject} not found: posts to expect with each, {_expected(0, factor)}.")
    return " ".join(sentences)


def _expected(count: int, factor: float) -> str:
    return str(bounds(count).times(factor))
