"""Watched names in texts of other scripts: Cyrillic, Greek, Arabic, Hebrew, Chinese, Korean and more.

Every word of such a script is reduced to a key that all romanisations of a name share (:mod:`matchers.romanising`),
and keys are looked up. Texts in Latin letters are passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from core.types import FIELD_NAMES, Candidate, Document, FieldName, MatchMode, Span
from matchers.folding import INFLECTED, NICKNAME, REORDERED, TRANSLITERATED
from matchers.name_characters import NamesInCharacters, Standing
from matchers.name_judgement import WatchedName
from matchers.name_letters import bare, is_another
from matchers.name_parts import NameParts
from matchers.name_rules import name_rules, nicknames
from matchers.romanising import (
    WORDS,
    Script,
    alphabet_keys,
    consonant_keys,
    is_unspaced_name,
    script_of,
    stem,
    tables,
)

_REMEMBERED = 65_536
_INFLECTED_SCRIPTS = frozenset({Script.CYRILLIC, Script.OTHER})
_LETTERS, _STEM, _CONSONANTS = "letters", "stem", "consonants"

_Rows = dict[int, tuple[str, ...]]
"""Names by their rows, with what is undone to come from the word to the name's."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int
    script: Script


class NamesInScripts:
    """Watched names as they are written in other scripts than Latin."""

    def __init__(self, names: Sequence[WatchedName]) -> None:
        self._names = names
        self._forenames: defaultdict[str, set[int]] = defaultdict(set)
        self._nicknames: defaultdict[str, set[int]] = defaultdict(set)
        self._surnames: defaultdict[str, set[int]] = defaultdict(set)
        in_latin = [
            row
            for row, name in enumerate(names)
            if name.mode is not MatchMode.EXACT and all(map(str.isascii, name.parts.words))
        ]
        for row in in_latin:
            parts = names[row].parts
            forename, *others = ("".join(unit) for unit in (parts.forename, *parts.surnames))
            for key in _keys(forename):
                self._forenames[key].add(row)
            if names[row].mode is MatchMode.FUZZY:
                for nickname in nicknames().get(forename, ()):
                    for key in _keys(nickname):
                        self._nicknames[key].add(row)
            for surname in others:
                for key in _keys(surname):
                    self._surnames[key].add(row)
        self._in_characters = NamesInCharacters(
            [(row, names[row].parts) for row in in_latin if names[row].parts.script is not Script.CHINESE],
            [(row, value) for row, name in enumerate(names) for value in name.values if is_unspaced_name(value)],
        )
        self._word_rows = lru_cache(_REMEMBERED)(self._rows_of)

    def candidates(self, document: Document) -> Iterator[Candidate]:
        """Yield the places of a document where a name may stand in another script."""
        for name in FIELD_NAMES:
            original = document.field(name)
            if original and not original.isascii():
                yield from self._in_field(name, original)

    def _in_field(self, field: FieldName, original: str) -> Iterator[Candidate]:
        words = [_Word(found[0], *found.span(), Script(str(found.lastgroup))) for found in WORDS.finditer(original)]
        for at, word in enumerate(words):
            if word.script in (Script.CHINESE, Script.HANGUL, Script.KANA):
                for row, start, end, odds in self._standing(words, at):
                    span = Span(field, word.start + start, word.start + end)
                    yield _candidate(self._names[row], span, original, odds)
            if word.script not in (Script.CHINESE, Script.HANGUL):
                yield from self._from(field, words, at, original)

    def _standing(self, words: Sequence[_Word], at: int) -> Iterator[Standing]:
        word = words[at]
        yield from self._in_characters.as_given(word.text)
        if word.script is Script.CHINESE:
            yield from self._in_characters.in_characters(word.text)
        elif word.script is Script.HANGUL:
            is_apart = at + 1 < len(words) and words[at + 1].start == word.end + 1
            yield from self._in_characters.in_hangul(word.text, words[at + 1].text if is_apart else "")

    def _from(self, field: FieldName, words: Sequence[_Word], at: int, original: str) -> Iterator[Candidate]:
        """Yield the names that begin with a word."""
        forenames, surnames = self._word_rows(words[at].text, words[at].script)
        if not forenames and not surnames:
            return
        for last in range(at + 1, min(at + 3, len(words))):
            gap = original[words[last - 1].end : words[last].start]
            is_comma = gap.startswith(",") and last == at + 1
            if len(gap) > 3 or gap.strip() not in ("", "-", "_", ".", ",") or words[last].script != words[at].script:
                return
            other_forenames, other_surnames = self._word_rows(words[last].text, words[last].script)
            if not is_comma and gap.strip() != ",":
                yield from self._judged(field, words[at : last + 1], original, forenames, other_surnames)
            if last == at + 1:
                yield from self._judged(field, words[at : last + 1], original, surnames, other_forenames, REORDERED)

    def _judged(
        self, field: FieldName, words: Sequence[_Word], original: str, first: _Rows, last: _Rows, *undone: str
    ) -> Iterator[Candidate]:
        rules, chances = name_rules(), tables().chance
        one, other = words[0], words[-1]
        share = chances.consonant if one.script is Script.ABJAD else chances.letter
        letters = sum(min(map(len, _keys_in(word.text, word.script))) for word in (one, other))
        odds = -share * letters + chances.between * (len(words) - 2) + (rules.costs.reordered if undone else 0.0)
        odds += chances.capitals * (one.text[0].isupper() and other.text[0].isupper())
        span = Span(field, one.start, other.end)
        costs = {NICKNAME: rules.costs.nickname, INFLECTED: chances.inflected}
        for row in sorted(first.keys() & last.keys()):
            ways = dict.fromkeys((*first[row], *last[row]))
            likely = odds + sum(costs[way] for way in ways)
            yield _candidate(self._names[row], span, original, likely, (*undone, *ways))

    def _rows_of(self, text: str, script: Script) -> tuple[_Rows, _Rows]:
        """Return the names of which the word may be the forename, and those of which it may be the surname."""
        forenames, surnames = (_read(text, script, rows) for rows in (self._forenames, self._surnames))
        for row, ways in _read(text, script, self._nicknames).items():
            forenames.setdefault(row, (NICKNAME, *ways))
        word = bare(text, script)
        for row in [row for row in forenames if is_another(word, "".join(self._names[row].parts.forename))]:
            del forenames[row]
        for row in [row for row in surnames if _is_other_surname(word, self._names[row].parts)]:
            del surnames[row]
        return forenames, surnames


def _read(text: str, script: Script, rows: Mapping[str, Set[int]]) -> _Rows:
    """Return the rows of the keys that a word of a script has."""
    found: _Rows = {}
    way = _CONSONANTS if script is Script.ABJAD else _LETTERS
    for key in _keys_in(text, script):
        found.update(dict.fromkeys(rows.get(f"{way} {key}", ()), ()))
        if script in _INFLECTED_SCRIPTS:
            for row in rows.get(f"{_STEM} {stem(key)}", ()):
                found.setdefault(row, (INFLECTED,))
    return found


def _is_other_surname(word: str, parts: NameParts) -> bool:
    return all(is_another(word, "".join(unit)) for unit in parts.surnames)


def _candidate(name: WatchedName, span: Span, original: str, odds: float, undone: Sequence[str] = ()) -> Candidate:
    found = original[span.start : span.end]
    scripts = {script_of(word[0]) for value in name.values for word in WORDS.finditer(value)}
    is_own_script = script_of(found[0]) in scripts
    ways = [*undone, *([] if is_own_script else [TRANSLITERATED])]
    has_passed = odds >= name.least_odds and (name.mode is MatchMode.FUZZY or INFLECTED not in ways)
    alike = name_rules().similarity
    return Candidate(
        term_id=name.term.id,
        span=span,
        found=found,
        similarity=alike[NICKNAME if NICKNAME in ways else TRANSLITERATED] if ways else 1.0,
        transformations=tuple(ways),
        passed=has_passed,
        reason="forename and surname stand together" if has_passed else "names so short may be other words",
    )


def _keys_in(word: str, script: Script) -> Sequence[str]:
    return consonant_keys(word) if script is Script.ABJAD else alphabet_keys(word)


def _keys(word: str) -> Iterator[str]:
    """Yield the keys of a part of a watched name, by the ways in which scripts are compared."""
    yield from (f"{_CONSONANTS} {key}" for key in consonant_keys(word))
    for key in alphabet_keys(word):
        yield f"{_LETTERS} {key}"
        yield f"{_STEM} {stem(key)}"
