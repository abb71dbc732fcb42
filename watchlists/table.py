"""Watchlists as CSV, for people who keep them in a spreadsheet: one term a row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from core.errors import WatchlistError
from core.types import Term, Watchlist
from watchlists.schema import VERSION, BasisEntry, TermEntry
from watchlists.tree import Node

WATCHLIST = "watchlist"
BASIS = "basis_"
COLUMNS = (
    WATCHLIST,
    *(key for key in TermEntry.model_fields if key != "basis"),
    *(f"{BASIS}{key}" for key in BasisEntry.model_fields),
)
_LISTS = frozenset({"aliases", "never"})
_SWITCHES = frozenset({"needs_context", "search_externally"})
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_table(text: str, *, file: str, community: str) -> Node:
    """Return the table as the tree of a watchlist file. Rows without a watchlist go to one that is called like
    the community. Raises WatchlistError for a wrong header or a row that is no CSV."""
    watchlists: dict[str, list[Node]] = {}
    for line, row in _rows(text, file):
        name = row.pop(WATCHLIST, "") or community
        watchlists.setdefault(name, []).append(_node(_term(row), line))
    return Node.of_mapping(
        {
            "version": (1, Node(VERSION, 1)),
            "community": (1, Node(community, 1)),
            "watchlists": (1, Node.of_list([_watchlist(name, terms) for name, terms in watchlists.items()], 1)),
        },
        1,
    )


def write_table(watchlists: Iterable[tuple[Watchlist, Iterable[Term]]]) -> str:
    """Return the terms as CSV that :func:`read_table` reads again. Context, sensitivity, packs and watchlists
    without terms have no place in it."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, COLUMNS, restval="")
    writer.writeheader()
    for watchlist, terms in watchlists:
        for term in terms:
            entry = TermEntry.of(term).model_dump(mode="json", exclude_defaults=True)
            basis = entry.pop("basis", None) or {}
            row = {WATCHLIST: watchlist.name, **entry, **{f"{BASIS}{key}": value for key, value in basis.items()}}
            writer.writerow({column: _cell(value) for column, value in row.items()})
    return written.getvalue()


def _rows(text: str, file: str) -> Iterable[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        _check_header(header, file)
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(header):
                sentence = f"the row has {len(cells)} columns, the header {len(header)}; text with a comma needs quotes"
                raise WatchlistError(sentence, file=file, line=line)
            row = {column: cell.strip() for column, cell in zip(header, cells, strict=False) if cell.strip()}
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise WatchlistError(f"this is not CSV: {error}", file=file, line=reader.line_num) from None


def _check_header(header: list[str], file: str) -> None:
    problems = []
    for column in header:
        if column not in COLUMNS:
            near = get_close_matches(column, COLUMNS, n=1)
            advice = f"'{column}': did you mean '{near[0]}'?" if near else f"; there are: {', '.join(COLUMNS)}"
            problems.append(f"unknown column{' ' if near else ''}{advice}")
    problems += [f"the column '{column}' is missing" for column in ("kind", "value") if column not in header]
    if len(set(header)) < len(header):
        problems.append("a column stands there twice")
    if problems:
        errors = [WatchlistError(problem, file=file, line=1) for problem in problems]
        raise WatchlistError(f"the first row must name the columns: {problems[0]}", file=file, line=1, problems=errors)


def _term(row: Mapping[str, str]) -> dict[str, object]:
    term: dict[str, object] = {}
    basis: dict[str, object] = {}
    for column, cell in row.items():
        if column in _LISTS:
            term[column] = next(csv.reader(io.StringIO(cell, newline=""), delimiter=";"))
        elif column in _SWITCHES:
            term[column] = _YES_OR_NO.get(cell.lower(), cell)
        elif column.startswith(BASIS):
            basis[column.removeprefix(BASIS)] = cell
        else:
            term[column] = cell
    return {**term, "basis": basis} if basis else term


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        written = io.StringIO(newline="")
        csv.writer(written, delimiter=";").writerow(value)
        return written.getvalue().removesuffix("\r\n")
    return str(value)


def _watchlist(name: str, terms: list[Node]) -> Node:
    line = terms[0].line
    return Node.of_mapping({"name": (line, Node(name, line)), "terms": (line, Node.of_list(terms, line))}, line)


def _node(value: object, line: int) -> Node:
    """Return the node of a plain value that stands in one line, whatever its depth."""
    if isinstance(value, dict):
        return Node.of_mapping({key: (line, _node(part, line)) for key, part in value.items()}, line)
    if isinstance(value, list):
        return Node.of_list([_node(part, line) for part in value], line)
    return Node(value, line)
