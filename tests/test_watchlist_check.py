"""Advice on a watchlist."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import UsageError, WatchlistError
from core.types import Term, TermKind
from watchlists.checking import Advice, advise, load_checked
from watchlists.files import parse

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEAD = "version: 1\ncommunity: Harbor Commons\nwatchlists:\n  - name: Members\n    terms:\n"


def accept(_: Term) -> None: ...


def advice(*terms: str, **options: object) -> Advice:
    file = parse(HEAD + "".join(f"      - {{{term}}}\n" for term in terms), file="members.yaml")
    return advise(file, **{"check_term": accept, "is_ordinary": lambda _: False, "at": NOW, **options})  # type: ignore[arg-type]


def warnings(*terms: str, **options: object) -> list[tuple[int, str]]:
    return [(remark.line, remark.sentence) for remark in advice(*terms, **options).warnings]


def test_a_sound_watchlist_has_no_remarks() -> None:
    assert advice("id: a, kind: pseudonym, value: night_heron") == Advice(problems=(), warnings=())


def test_a_term_that_cannot_be_looked_for_is_a_problem_with_its_line() -> None:
    def check_term(term: Term) -> None:
        if term.reference == "b":
            raise UsageError("the query ends too early")

    found = advice("id: a, kind: query, value: x", "id: b, kind: query, value: (", check_term=check_term)
    assert [(remark.line, remark.sentence) for remark in found.problems] == [(7, "b: the query ends too early")]


def test_a_file_with_a_term_that_cannot_be_looked_for_is_not_loaded(tmp_path: Path) -> None:
    def check_term(term: Term) -> None:
        if term.kind is TermKind.QUERY:
            raise UsageError("the query ends too early")

    path = tmp_path / "members.yaml"
    path.write_text(HEAD + "      - {kind: keyword, value: tidewater}\n")
    assert len(load_checked(path, check_term).terms) == 1
    path.write_text(HEAD + "      - {kind: query, value: (}\n      - {id: q, kind: query, value: (}\n")
    with pytest.raises(WatchlistError, match="2 problems, the first of them in line 6") as raised:
        load_checked(path, check_term)
    assert str(raised.value.problems[1]) == f"{path}, line 7: q: the query ends too early"


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("id: a, kind: pseudonym, value: fox", "a is very short"),
        ("id: a, kind: pseudonym, value: night_heron, aliases: [n_h]", "a is very short"),
        ("id: a, kind: keyword, value: tidewater, expires_at: 2026-12-01", "a ends on 2026-12-01"),
        ("id: a, kind: keyword, value: tidewater, expires_at: 2026-11-19", "a ended on 2026-11-19"),
        (
            "id: a, kind: name, value: Ines Okafor, basis: {kind: consent, recorded_by: x, until: 2026-12-01}",
            "a ends on 2026-12-01",
        ),
        ("id: a, kind: name, value: Ines Okafor, basis: {kind: consent, recorded_by: x}", "basis has no end"),
        ("id: a, kind: pseudonym, value: night_heron, person: p1", "a is the only term of its person"),
        ("id: a, kind: keyword, value: tidewater, search_externally: true", "may be sent to search services"),
    ],
)
def test_what_deserves_a_second_look_is_warned_of(term: str, said: str) -> None:
    [(line, sentence)] = warnings(term)
    assert line == 6
    assert said in sentence
    assert "Okafor" not in sentence


def test_a_short_term_that_needs_context_is_no_matter() -> None:
    assert warnings("id: a, kind: pseudonym, value: fox, needs_context: true") == []


def test_values_that_differ_only_in_case_are_duplicates() -> None:
    found = warnings("id: a, kind: keyword, value: Safe House", "id: b, kind: keyword, value: x, aliases: [safe house]")
    assert (7, "b repeats a value of a") in found


def test_an_ordinary_word_is_warned_of_unless_it_needs_context() -> None:
    plain, careful = "id: a, kind: pseudonym, value: tide", "id: b, kind: keyword, value: tide, needs_context: true"
    [(line, sentence)] = [row for row in warnings(plain, careful, is_ordinary={"tide"}.__contains__) if row[0] == 6]
    assert line == 6
    assert sentence.startswith("a is an ordinary word and will be found everywhere: give it needs_context: true")
    assert warnings("id: a, kind: domain, value: tide.example", is_ordinary=lambda _: True) == []


def test_remarks_stand_in_order_of_the_lines() -> None:
    lines = [
        line
        for line, _ in warnings(
            "kind: keyword, value: tidewater, search_externally: true",
            "kind: pseudonym, value: fox",
            "kind: pseudonym, value: owl, person: p1",
        )
    ]
    assert lines == sorted(lines)
    assert len(lines) == 4
