"""The rules on names, as ``matchers/names.yaml`` and the lists in ``matchers/lexicon`` give them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import chain, product

from pydantic import BaseModel, ConfigDict, Field

from core.tables import load_table
from matchers.folding import fold_text


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Costs(_Row):
    initial: float
    frequent_surname: float
    rarest_surname: float
    second_initial: float
    nickname: float
    transliterated: float
    joined: float
    half_forename: float
    first_surname: float
    second_surname: float
    reordered: float
    reordered_by_comma: float
    other_initial: float
    other_middle_name: float
    another_middle_name: float
    part_of_other_name: float
    capitals: float
    capitals_at_start: float
    one_capital: float
    ordinary_in_small_letters: float
    ordinary_after_article: float
    lengthened: float


class Respelling(_Row):
    """Letters that stand for one another; ``^`` and ``$`` bind them to the start and the end of a word of at least so
    many letters."""

    written: tuple[str, ...] = Field(alias="from")
    instead: tuple[str, ...] = Field(alias="to")
    shortest: int = 0


class NameRules(_Row):
    """All that ``names.yaml`` holds."""

    particles: frozenset[str]
    joining: frozenset[str]
    titles: frozenset[str]
    suffixes: frozenset[str]
    costs: Costs
    articles: frozenset[str]
    spellings: tuple[Respelling, ...]
    written_out: Mapping[str, str]
    similarity: Mapping[str, float]


@cache
def name_rules() -> NameRules:
    """Return the rules, read once."""
    return NameRules.model_validate(load_table(files("matchers") / "names.yaml"))


@cache
def nicknames() -> Mapping[str, frozenset[str]]:
    """Return for each forename its nicknames, and for each nickname the forenames it stands for. Those of other
    languages than English are told for all spellings of a forename."""
    related: defaultdict[str, set[str]] = defaultdict(set)
    english = (({name}, short_forms) for name, short_forms in _short_forms("nicknames.txt"))
    others = (
        ({name, *filter(str.isascii, listed_spellings().get(name, ()))}, short_forms)
        for name, short_forms in _short_forms("short_forms.txt")
    )
    for names, short_forms in chain(english, others):
        for name, short in product(names, short_forms):
            related[name].add(short)
            related[short].add(name)
    return {name: frozenset(others) for name, others in related.items()}


@cache
def listed_spellings() -> Mapping[str, frozenset[str]]:
    """Return for each listed name the other ways in which it is spelled."""
    related: defaultdict[str, set[str]] = defaultdict(set)
    for line in _lines("name_spellings.txt"):
        spellings = set(line.split())
        for spelling in spellings:
            related[spelling] |= spellings - {spelling}
    return {name: frozenset(others) for name, others in related.items()}


def _short_forms(name: str) -> Iterator[tuple[str, Sequence[str]]]:
    for line in _lines(name):
        forename, _, short_forms = line.partition(":")
        yield forename, short_forms.split()


def _lines(name: str) -> Iterator[str]:
    yield from fold_text((files("matchers") / "lexicon" / name).read_text(encoding="utf-8")).text.splitlines()
