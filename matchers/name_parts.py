"""A full name taken apart: which of its words are the forename, middle names and surnames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from matchers.folding import folded_forms
from matchers.name_letters import bare, is_arabic, table
from matchers.name_rules import name_rules
from matchers.phrases import Words
from matchers.romanising import (
    UNSPACED_SCRIPTS,
    WORDS,
    Script,
    is_unspaced_name,
    romanised_names,
    script_of_name,
    tables,
)
from matchers.words import forenames, surnames

_ONE_UNIT = frozenset({"-", "'", "’", "‐", "‑"})
_FEWEST_OF_TWO_SURNAMES = 4
_SERVANT, _LONGEST_SERVANT = "abd", 5

Unit = tuple[str, ...]
"""Words that a hyphen or an apostrophe joins; a single word by itself."""


@dataclass(frozen=True, slots=True)
class NameParts:
    """One reading of a name, folded. ``particles`` stand before the first surname; a name may be written without
    them. ``script`` is that in which the name was given, None for Latin letters and for one in the folded letters of
    its own script."""

    forename: Unit = field(repr=False)
    middles: tuple[str, ...] = field(repr=False)
    particles: tuple[str, ...] = field(repr=False)
    surnames: tuple[Unit, ...] = field(repr=False)
    script: Script | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """All words but the particles."""
        return (*self.forename, *self.middles, *(word for unit in self.surnames for word in unit))


def readings(value: str) -> frozenset[NameParts]:
    """Return the ways to read a full name, none where it is a single word. A surname may stand first before a comma;
    without one, the last word is the surname, the last two where they look like two surnames, and the first too where
    it looks like one (``Wang Xiaoming``)."""
    romanised = {
        replace(parts, script=script_of_name(value)) for way in romanised_names(value) for parts in _readings(way)
    }
    if is_unspaced_name(value):
        return frozenset(romanised)
    written_out = "".join(_written_out().get(letter, letter) for letter in value)
    forms = {form for spelling in {value, written_out} for form in folded_forms(spelling)}
    return frozenset(romanised | {parts for form in forms for parts in _readings(form)})


def readings_by_letter(value: str) -> Iterator[NameParts]:
    """Yield the readings of a full name that is compared letter by letter: one of a script that is written in letters,
    in its own, and one in Latin letters that is Arabic."""
    script = script_of_name(value)
    if script is None:
        for form in sorted(folded_forms(value)):
            for parts in _readings(form):
                if is_arabic(parts.words, parts.particles):
                    yield replace(_with_servant(parts), particles=(*parts.particles, *table().articles))
    elif script not in UNSPACED_SCRIPTS:
        yield from _readings_of_script(value, script)


def _readings_of_script(value: str, script: Script) -> Iterator[NameParts]:
    servant, article = tables().servant, tables().article
    written = bare(value, script).replace("،", ",").replace(f"{servant} {article}", servant + article)
    family_first, comma, given_last = written.partition(",")
    units = _units_of_script(written)
    given, family = units[:-1], units[-1:]
    if comma:
        given, family = _units_of_script(given_last), _units_of_script(family_first)
    if given and family:
        yield NameParts(
            forename=given[0],
            middles=tuple(word for unit in given[1:] for word in unit),
            particles=table().articles if script is Script.ABJAD else (),
            surnames=tuple((word,) for unit in family for word in unit),
            script=script,
        )


def _units_of_script(written: str) -> list[Unit]:
    """Return the words of a name without particles, those that a hyphen joins as one unit."""
    units: list[Unit] = []
    end = -1
    for found in WORDS.finditer(written):
        if found.start() == end + 1 and written[end] == "-" and units:
            units[-1] = (*units[-1], found[0])
        elif found[0] not in name_rules().particles:
            units.append((found[0],))
        end = found.end()
    return units


def _with_servant(parts: NameParts) -> NameParts:
    """Return the parts with Abdul Rahman as one forename."""
    first, *others = parts.forename
    if others or not first.startswith(_SERVANT) or len(first) > _LONGEST_SERVANT:
        return parts
    if parts.middles:
        return replace(parts, forename=(first, parts.middles[0]), middles=parts.middles[1:])
    if len(parts.surnames) > 1:
        return replace(parts, forename=(first, *parts.surnames[0]), surnames=parts.surnames[1:])
    return parts


@cache
def _written_out() -> dict[str, str]:
    pairs = name_rules().written_out
    return {**pairs, **{letter.upper(): two.title() for letter, two in pairs.items()}}


def _readings(folded: str) -> Iterator[NameParts]:
    family, comma, given = folded.partition(",")
    if comma and (given_units := _units(given)):
        if family_units := _units(family, begins_with_particle=True):
            yield _parts(given_units, family_units)
        return
    units = _units(folded)
    if len(units) < 2:
        return
    first = len(units) - (2 if _has_two_surnames(units) else 1)
    yield _parts(units[:first], units[first:])
    last = units[-1].words
    if units[0].words[0] in surnames() and (len(last) > 1 or last[0] not in surnames()):
        yield _parts(units[1:], units[:1])


def _parts(given: Sequence[_Unit], family: Sequence[_Unit]) -> NameParts:
    # J. Edgar: the name in use is the first that is written out.
    chosen = next((at for at, unit in enumerate(given) if len(unit.words[0]) > 1), 0)
    return NameParts(
        forename=given[chosen].words,
        middles=tuple(word for at, unit in enumerate(given) if at != chosen for word in unit.words),
        particles=family[0].particles,
        surnames=tuple(part for unit in family for part in _surnames_in(unit.words)),
    )


def _surnames_in(unit: Unit) -> Iterator[Unit]:
    """Yield the surnames that a hyphen joins; one with an apostrophe is a single one."""
    if len(unit) == 1 or len(unit[0]) == 1:
        yield unit
    else:
        yield from ((word,) for word in unit)


@dataclass(frozen=True, slots=True)
class _Unit:
    words: Unit
    particles: tuple[str, ...]


def _units(folded: str, *, begins_with_particle: bool = False) -> list[_Unit]:
    """Return the units of a name without titles, each with the particles before it."""
    rules = name_rules()
    joined = _joined(folded)
    while joined and joined[0][0] in rules.titles:
        joined.pop(0)
    while len(joined) > 2 and joined[-1][0] in rules.suffixes:
        joined.pop()
    units = []
    particles: list[str] = []
    for at, words in enumerate(joined):
        # A word that could be a particle is none where it stands first or last.
        is_last = at == len(joined) - 1
        first = 0
        if at or begins_with_particle:
            while first < len(words) - is_last and words[first] in rules.particles:
                first += 1
        particles += words[:first]
        if words[first:]:
            units.append(_Unit(words[first:], tuple(particles)))
            particles = []
    return units


def _joined(folded: str) -> list[Unit]:
    """Return the words of a name, those that are joined as one unit."""
    joined: list[Unit] = []
    end = 0
    for word in Words(folded):
        if joined and folded[end : word.start] in _ONE_UNIT:
            joined[-1] = (*joined[-1], word.text)
        else:
            joined.append((word.text,))
        end = word.end
    return joined


def _has_two_surnames(units: Sequence[_Unit]) -> bool:
    if len(units) < 3:
        return False
    if name_rules().joining.intersection(units[-1].particles):
        return True
    words = units[-2].words
    if len(words[0]) == 1:
        return False
    return _may_be_surname(words) or (len(units) >= _FEWEST_OF_TWO_SURNAMES and words[0] not in forenames())


def _may_be_surname(words: Unit) -> bool:
    return words[0] in surnames() and words[0] not in forenames()
