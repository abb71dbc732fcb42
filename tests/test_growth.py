"""A whole scan takes linear time in hostile text, whoever made it grow: letters, signs, marks, lines, matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pytest

from core.settings import Settings
from core.types import Catalogue, Community, Document, Pack, Term, TermKind, TermSettings, Watchlist
from monitor.findings import Names, finding_line
from monitor.parts import Parts, build_parts
from monitor.pipeline import Examiner
from tests.timing import cpu_seconds

SMALL, TIMES = 2_000, 8
MEMBERS = ["".join(parts) for parts in product(("kolu", "mira", "tepo", "sadi", "vanu", "gelo", "ribu"), repeat=3)]
MOST_TIMES_SLOWER = 3 * TIMES
"""Linear is eight times; what is quadratic takes sixty-four."""


@dataclass(frozen=True)
class Scan:
    """Everything that ``leakwatch scan`` does with documents once they are read."""

    examiner: Examiner
    names: Names

    def lines(self, documents: Sequence[Document]) -> list[str]:
        return [finding_line(finding, self.names) for finding in self.examiner.examine(documents)]


@pytest.fixture(scope="module")
def scan() -> Scan:
    parts: Parts = build_parts(Settings())
    handles = ["night_heron", "harborlight", "quillfeather77", *MEMBERS]
    terms = [
        *(_term(f"t{n}", TermKind.PSEUDONYM, value, person=f"p{n}") for n, value in enumerate(handles)),
        _term("name", TermKind.NAME, "Maria Gonzalez", person="p0"),
        _term("romanised name", TermKind.NAME, "محمد الحسيني"),
        _term("keyword", TermKind.KEYWORD, "safe house", never=("safe house music",)),
    ]
    catalogue = Catalogue(
        communities=(Community(id="c", name="Harbor Commons", context=("harbor commons",)),),
        watchlists=(Watchlist(id="w", community_id="c", name="Members", packs=("doxxing",)),),
        terms=tuple(terms),
        packs=(Pack(name="doxxing", description="", phrases=("doxxed",)),),
    )
    return Scan(parts.examiner(catalogue), Names.of(catalogue))


def _term(name: str, kind: TermKind, value: str, *, person: str | None = None, never: tuple[str, ...] = ()) -> Term:
    settings = TermSettings(person=person, never=never)
    return Term(id=name, reference=name, watchlist_id="w", kind=kind, value=value, settings=settings)


PATTERNS = {
    "separators": ". ",
    "full stops": ".",
    "combining marks": "\u0301",
    "one letter": "a",
    "one long token": "nightheron",
    "letters with separators": "n.i.g.h.t_",
    "stars": "*",
    "starred words": "n*ght_h*ron ",
    "at signs": "@",
    "addresses": "a@b.example ",
    "line breaks": "\n",
    "spaces": " ",
    "digits": "20255501 ",
    "quotation": "> ",
    "deeper and deeper quotation": ">>>>>>>> night\n",
    "references": "&amp;",
    "percent signs": "%6e",
    "invisible characters": "\u200b",
    "leet": "n1gh7_h3r0n",
    "capitals": "Maria ",
    "a term": "night_heron ",
    "a term in one long line": "night_heron,",
    "nearly a term": "night_herom ",
    "a text in which a term does not count": "safe house music ",
    "linked persons": "night_heron is Maria Gonzalez, doxxed by harbor commons, call 202-555-0143. ",
    "persons of one term": "Maria Gonzalez ",
    "names with letters masked": "M*ria G*nz*lez ",
    "names in another script": "Мария Гонсалес ",
    "romanised names": "Mohammed Husseini ",
    "nearly romanised names": "mehmad hasan ",
    "Chinese": "王小",
    "many of one person": "Maria Gonzalez night_heron ",
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_a_scan_takes_time_linear_in_hostile_text(scan: Scan, pattern: str) -> None:
    def seconds(length: int, enough: float = 0) -> float:
        document = Document(id="1", text=f"night_heron {pattern * (length // len(pattern))} harborlight")
        return cpu_seconds(lambda: scan.lines([document]), enough)

    scan.lines([Document(id="1", text=f"night_heron {pattern * 100}")])
    bound = MOST_TIMES_SLOWER * max(seconds(SMALL), 0.01)
    assert seconds(SMALL * TIMES, bound) < bound


def test_a_scan_takes_time_linear_in_a_list_of_members(scan: Scan) -> None:
    def seconds(count: int, enough: float = 0) -> float:
        lines = [
            f"{MEMBERS[n % len(MEMBERS)]}, Maria Gonzalez, heron{n}@mail.example, +1 202 555 0143" for n in range(count)
        ]
        document = Document(id="1", text="\n".join(lines))
        return cpu_seconds(lambda: scan.lines([document]), enough)

    seconds(20)
    bound = MOST_TIMES_SLOWER * max(seconds(25), 0.01)
    assert seconds(200, bound) < bound


def test_of_a_long_text_only_what_is_around_the_matches_costs_more_than_the_search(scan: Scan) -> None:
    def text(sentences: int) -> str:
        return "Anna Novak met John Miller of Harborville, who lives in Oak Street. " * sentences

    def seconds(between: str, enough: float = 0) -> float:
        document = Document(id="1", text=f"night_heron {between} harborlight {between[:9]}")
        return cpu_seconds(lambda: scan.lines([document]), enough)

    search = cpu_seconds(lambda: scan.lines([Document(id="1", text=text(40_000))]))
    bound = seconds(text(400)) + 2 * search
    assert seconds(text(40_000), bound) < bound
