"""Advice on a watchlist before it is used: what will not work, and what will make noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import TermError, UsageError, WatchlistError
from core.types import Term, TermKind
from watchlists.files import WatchlistFile, combined, load

SHORTEST_QUIET_LENGTH = 4
SOON = timedelta(days=30)
_QUIETER = "give it needs_context: true, or never with the texts that are not meant"
_WORDLIKE = frozenset({TermKind.PSEUDONYM, TermKind.NAME, TermKind.KEYWORD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A sentence about a line of the file (1-based). It names terms by their reference and quotes no value. Where
    one character of a value is to blame, that is ``place`` (1-based) of ``value``."""

    line: int
    sentence: str
    value: str | None = field(default=None, repr=False)
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``problems`` keep the watchlist from being used; ``warnings`` do not. Both in order of the lines."""

    problems: tuple[Remark, ...]
    warnings: tuple[Remark, ...]


def advise(
    file: WatchlistFile,
    *,
    check_term: Callable[[Term], None],
    is_ordinary: Callable[[str], bool],
    at: datetime,
) -> Advice:
    """Return what is to be said about the file at that moment. ``check_term`` raises UsageError for a term that
    cannot be looked for; ``is_ordinary`` tells whether a value is a word in common use."""
    return Advice(
        problems=_problems(file, check_term),
        warnings=_in_order(
            file,
            (
                *_noise(file, is_ordinary),
                *_ends(file, at),
                *_duplicates(file),
                *_lonely_persons(file),
                *_leaving(file),
            ),
        ),
    )


def load_checked(path: Path, check_term: Callable[[Term], None]) -> WatchlistFile:
    """Return what the file holds, all of which can be looked for. Raises WatchlistError, as
    :func:`watchlists.files.load` does, for terms too that ``check_term`` raises UsageError for."""
    file = load(path)
    problems = [
        WatchlistError(remark.sentence, file=str(path), line=remark.line) for remark in _problems(file, check_term)
    ]
    if problems:
        raise combined(problems, file=str(path))
    return file


def would_be_noise(term: Term, is_ordinary: Callable[[str], bool]) -> bool:
    """Return whether the term, or one of its aliases, is an ordinary word and counts wherever it stands."""
    return (
        term.kind in _WORDLIKE
        and not term.settings.needs_context
        and any(map(is_ordinary, (term.value, *term.variants)))
    )


def _in_order(file: WatchlistFile, sentences: Iterable[tuple[Term, str]]) -> tuple[Remark, ...]:
    remarks = [Remark(line=file.lines[term.reference], sentence=sentence) for term, sentence in sentences]
    return tuple(sorted(remarks, key=lambda remark: remark.line))


def _problems(file: WatchlistFile, check_term: Callable[[Term], None]) -> tuple[Remark, ...]:
    problems = []
    for term in file.terms:
        line = file.lines[term.reference]
        try:
            check_term(term)
        except TermError as error:
            sentence = f"{term.reference}: {error}"
            problems.append(Remark(line=line, sentence=sentence, value=term.value, place=error.place))
        except UsageError as error:
            problems.append(Remark(line=line, sentence=f"{term.reference}: {error}"))
    return tuple(sorted(problems, key=lambda remark: remark.line))


def _noise(file: WatchlistFile, is_ordinary: Callable[[str], bool]) -> Iterator[tuple[Term, str]]:
    for term in file.terms:
        letters = min(sum(map(str.isalnum, value)) for value in (term.value, *term.variants))
        if would_be_noise(term, is_ordinary):
            yield term, f"{term.reference} is an ordinary word and will be found everywhere: {_QUIETER}"
        elif term.kind in _WORDLIKE and letters < SHORTEST_QUIET_LENGTH and not term.settings.needs_context:
            yield term, f"{term.reference} is very short and may be found everywhere: {_QUIETER}"


def _ends(file: WatchlistFile, at: datetime) -> Iterator[tuple[Term, str]]:
    for term in file.terms:
        end, basis = term.settings.ends_at, term.settings.basis
        if end is not None and end <= at:
            yield term, f"{term.reference} ended on {end:%Y-%m-%d} and is not watched any more"
        elif end is not None and end - at < SOON:
            yield term, f"{term.reference} ends on {end:%Y-%m-%d}: renew it if it is still wanted"
        elif term.kind is TermKind.NAME and basis is not None and basis.until is None:
            yield term, f"{term.reference} is a name whose basis has no end: write until when it may be watched"


def _duplicates(file: WatchlistFile) -> Iterator[tuple[Term, str]]:
    first: dict[tuple[str, TermKind, str], Term] = {}
    for term in file.terms:
        for value in (term.value, *term.variants):
            earlier = first.setdefault((term.watchlist_id, term.kind, value.casefold()), term)
            if earlier is not term:
                yield term, f"{term.reference} repeats a value of {earlier.reference}"


def _lonely_persons(file: WatchlistFile) -> Iterator[tuple[Term, str]]:
    terms_of: defaultdict[str, list[Term]] = defaultdict(list)
    for term in file.terms:
        if term.settings.person is not None:
            terms_of[term.settings.person].append(term)
    for terms in terms_of.values():
        if len(terms) == 1:
            yield terms[0], f"{terms[0].reference} is the only term of its person, so nothing links to it"


def _leaving(file: WatchlistFile) -> Iterator[tuple[Term, str]]:
    for term in file.terms:
        if term.settings.search_externally:
            yield term, f"{term.reference} may be sent to search services (search_externally)"
