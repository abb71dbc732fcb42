"""Watchlist files: YAML, JSON and CSV in; every problem of a file at once, nothing half read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ValidationError

from core.errors import WatchlistError
from core.ids import new_id
from core.types import Catalogue, Community, Term, TermKind, Watchlist
from watchlists.packs import load_packs
from watchlists.schema import FileEntry, Known, sentence
from watchlists.table import read_table
from watchlists.tree import Node, read_json, read_yaml

Form: TypeAlias = Literal["yaml", "json", "csv"]

MAXIMUM_BYTES = 20_000_000
_FORMS: Mapping[str, Form] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".csv": "csv"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchlistFile:
    """What a watchlist file holds. Within it the community and the watchlists have their names as ids, a term
    its reference. ``generated`` are the references of terms to which the file gives no id: the kind and a count
    (``pseudonym-3``), so they stay while no earlier term of the kind comes or goes. ``lines`` maps references
    to the lines of the file (1-based)."""

    community: Community
    watchlists: tuple[tuple[Watchlist, tuple[Term, ...]], ...]
    generated: frozenset[str] = frozenset()
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, in the order of the file."""
        return tuple(term for _, terms in self.watchlists for term in terms)

    def catalogue(self, at: datetime) -> Catalogue:
        """Return the file as a catalogue without topic packs; what has ended at that moment is left out."""
        return Catalogue(
            communities=(self.community,),
            watchlists=tuple(watchlist for watchlist, _ in self.watchlists),
            terms=tuple(term for term in self.terms if term.settings.ends_at is None or at < term.settings.ends_at),
        )

    def adopted_by(self, community_id: str) -> tuple[tuple[Watchlist, tuple[Term, ...]], ...]:
        """Return the watchlists as a community's own, with ids unlike any other's. A generated reference gives
        way to the new id, as the same could be generated for another file."""
        return tuple(
            self._adopted(replace(watchlist, id=new_id("wl"), community_id=community_id), terms)
            for watchlist, terms in self.watchlists
        )

    def _adopted(self, watchlist: Watchlist, terms: tuple[Term, ...]) -> tuple[Watchlist, tuple[Term, ...]]:
        adopted = []
        for term in terms:
            term_id = new_id("trm")
            reference = term_id if term.reference in self.generated else term.reference
            adopted.append(replace(term, id=term_id, reference=reference, watchlist_id=watchlist.id))
        return watchlist, tuple(adopted)


def load(path: Path) -> WatchlistFile:
    """Return what the file holds; its name ends with .yaml, .yml, .json or .csv.

    Raises WatchlistError, which has all problems of the file in ``problems``.
    """
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise WatchlistError(f"the name of a watchlist must end with {', '.join(_FORMS)}", file=str(path))
    try:
        with path.open("rb") as opened:
            content = opened.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise WatchlistError(f"the file cannot be read ({error.strerror})", file=str(path)) from None
    if len(content) > MAXIMUM_BYTES:
        raise WatchlistError(f"the file is larger than {MAXIMUM_BYTES // 1_000_000} MB", file=str(path))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WatchlistError("the file is not saved as UTF-8", file=str(path), line=line) from None
    return parse(text, file=str(path), form=form)


def parse(text: str, *, file: str, form: Form = "yaml") -> WatchlistFile:
    """Return what the text holds; ``file`` is what it is called in errors.

    A CSV text has a header row, one term a row, and only the terms of a watchlist file: the community is called
    like the file, and watchlists get their default sensitivity and no packs. Columns are ``watchlist`` (default:
    the community) and the keys of a term; lists are separated by ``;``, a basis stands in ``basis_kind``,
    ``basis_recorded_by`` and ``basis_until``.

    Raises WatchlistError, which has all problems of the text in ``problems``.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise WatchlistError("the text holds half a character (a lone surrogate)", file=file)
    match form:
        case "yaml":
            tree = read_yaml(text, file=file)
        case "json":
            tree = read_json(text, file=file)
        case "csv":
            tree = read_table(text, file=file, community=Path(file).stem)
    known = Known(packs=frozenset(pack.name for pack in load_packs()))
    try:
        entry = FileEntry.model_validate(tree.value, context=known)
    except ValidationError as error:
        problems = [
            WatchlistError(sentence(row), file=file, line=tree.line_of(row["loc"]))
            for row in error.errors(include_url=False)
        ]
        raise combined(problems, file=file) from None
    return _assembled(entry, tree)


def combined(problems: Sequence[WatchlistError], *, file: str) -> WatchlistError:
    """Return the one error that stands for all problems of a file."""
    ordered = sorted(problems, key=lambda problem: problem.line or 0)
    if len(ordered) == 1:
        return ordered[0]
    sentence_of_all = f"{len(ordered)} problems, the first of them in line {ordered[0].line}"
    return WatchlistError(sentence_of_all, file=file, problems=ordered)


def _assembled(entry: FileEntry, tree: Node) -> WatchlistFile:
    community = Community(id=entry.community, name=entry.community, context=tuple(entry.context or ()))
    given = {term.id for watchlist in entry.watchlists for term in watchlist.terms or () if term.id}
    counts: Counter[TermKind] = Counter()
    generated: set[str] = set()
    lines: dict[str, int] = {}
    watchlists = []
    for position, watchlist in enumerate(entry.watchlists):
        terms = []
        for index, term in enumerate(watchlist.terms or ()):
            reference = term.id or _next_reference(term.kind, counts, given)
            if term.id is None:
                generated.add(reference)
            lines[reference] = tree.line_of(("watchlists", position, "terms", index))
            terms.append(term.term(reference, watchlist.name))
        watchlists.append((watchlist.watchlist(community.id), tuple(terms)))
    return WatchlistFile(community=community, watchlists=tuple(watchlists), generated=frozenset(generated), lines=lines)


def _next_reference(kind: TermKind, counts: Counter[TermKind], given: Container[str]) -> str:
    while True:
        counts[kind] += 1
        reference = f"{kind}-{counts[kind]}"
        if reference not in given:
            return reference
