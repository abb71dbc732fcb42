"""Phone numbers: in international form, in the national forms of the given countries, and, where a word or the rest
of the line tells that a number is one, in any form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    is_possible_number,
    is_valid_number_for_region,
    parse,
    region_code_for_number,
)

from core.errors import SettingsError
from core.types import EntityType
from matchers.entities.context import ContextWords, ReadContext
from matchers.entities.gates import Gate
from matchers.entities.looking import LookedAt, Seen, TextRecogniser
from matchers.entities.tables import any_of, own_table
from matchers.folding import folded_forms

_TABLE: dict[str, dict[str, list[str]]] = own_table("phones.yaml")
_DIGIT_WORDS = {
    form: digit for digit, words in _TABLE.pop("digits").items() for word in words for form in folded_forms(word)
}
_LABELS = _TABLE["phone"].pop("after")
_CONTEXT = ContextWords({owner: [word for words in rows.values() for word in words] for owner, rows in _TABLE.items()})

_WORLD = "001"
_NORTH_AMERICA = "US"
"""Any of the countries that share a plan: the number tells which."""
_FEWEST_DIGITS, _MOST_DIGITS = 6, 15
"""Of a number; the most is that of ITU-T E.164."""
_KINDS_OF_NUMBERS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip
_TRUNK_PREFIXES = ("0", "1", "8")
_LABEL_REACH = 12
"""In characters: a word that says that a number is something else stands right before it."""
_LINE_REACH = 200

# Its length is bounded and it begins where no other could, so that the time is linear in the text. It may not touch a
# letter, an @, a # or a currency sign, nor a slash, which stand before identifiers, amounts and parts of addresses.
_DIGITS = r"\d{1,15}"
_BETWEEN = r"(?:[ .\-/]| ?[()] ?|\)? - ?\(?|\)[-./ ]|[ -]\()"
_CANDIDATE = re.compile(
    rf"(?<![\w@#/$€£¥+])(?<!\d[ ).,:=-])(?<!\w-)(?P<number>(?:\(?\+\s?)?\(?{_DIGITS}(?:{_BETWEEN}{_DIGITS}){{0,7}})"
    r"(?P<extension>\s?(?:x|ext\.?|extension|durchwahl)\s?\d{1,5})?(?![\w@%$€£:]|[.,]\d|-\d|/\w)"
)
_MAY_BEGIN = re.compile(r"[(+]|\d+")
_IS_NONE = re.compile(
    # Dates, alone or with a time; IP addresses; years from and to; decimal numbers; one digit only.
    r"(?:19|20)\d\d([-/. ])[01]?\d\1[0-3]?\d(?!\d)|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d\d(?!\d)|(?:\d{1,3}\.){3}\d{1,3}$"
    r"|(?:19|20)\d\d\s?[-/]\s?(?:19|20)\d\d$|\d+\.\d+$|(\d)\3+$|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}$"
)
_IS_INTERNATIONAL = re.compile(r"\(?\+|\(?(?:00|011)[-. ]?[1-9]")
_PREFIX = re.compile(r"\(?(?:\+|00|011)[-. ]?")
# The North American form with its brackets, dashes or full stops, perhaps with the country's code before it. There
# are many fictional ones (555).
_NORTH_AMERICAN = re.compile(
    r"(?:(?:\+|00)?1[-. ]?)?(?:\([2-9]\d\d\)[-. ]?\d{3}[-. ]\d{4}|[2-9]\d\d([-.])\d{3}\1\d{4})$"
)
# National forms in groups, or, of a number that begins with 0, without.
_HAS_FORM = re.compile(
    r"0\d{9,10}$|\(?0\d{1,4}\)?(?:[ .\-/()]{1,2}\d{2,8}){1,5}$|\(?\d{2,4}(?:[ .()-]{1,2}\d{2,4}){2,4}$"
)
_LABEL_AFTER = re.compile(rf"\s?[-(/\[,|]?\s?(?:{any_of(_LABELS)})\b")
_MAILBOX = re.compile(r"\w@\w[\w-]{0,60}\.\w")
_IN_WORDS = re.compile(rf"\b(?:(?:{any_of(_DIGIT_WORDS)})[\s,.-]{{1,3}}){{6,14}}(?:{any_of(_DIGIT_WORDS)})\b")
_FOUR_WORDS = rf"(?:{any_of(_DIGIT_WORDS)})(?:[\s,.-]{{1,3}}(?:{any_of(_DIGIT_WORDS)})){{3}}"
_SIGNS = re.compile(r"\D")
_WORDS = re.compile(r"[^\W\d]+")


class _Number(NamedTuple):
    """A number that a plan has, and the country, if it is one's."""

    country: str | None


class _Kind(NamedTuple):
    confidence: float
    recogniser: str


_VALID_IN_CONTEXT = _Kind(0.95, "phone_in_context")
_VALID_INTERNATIONAL = _Kind(0.95, "phone_international")
_VALID_NATIONAL = _Kind(0.8, "phone_national")
_POSSIBLE_IN_CONTEXT = _Kind(0.75, "phone_in_context")
_POSSIBLE_BY_FORM = _Kind(0.6, "phone_by_form")
_SPELLED_OUT = _Kind(0.7, "phone_in_words")


class PhoneRecogniser(TextRecogniser):
    """Sees phone numbers on folded text, by the numbering plans of libphonenumber.

    Sure are numbers that a plan has: with their country's code, or by the plan of one of the regions. A number that a
    plan has not given out (``555``), and one by the plan of another country, counts in context only: near one of
    the words of ``phones.yaml``, before a label (``-Fax``), in a line with an e-mail address. So does, less surely,
    what is hardly anything else: ``(202) 555-0143``, ``+1-202-555-0143 x12``.
    """

    gate = Gate(rf"[0-9٠-٩۰-۹][0-9٠-٩۰-۹\s().+/-]{{4,}}[0-9٠-٩۰-۹]|{_FOUR_WORDS}", reach=130, digitless=_FOUR_WORDS)

    def __init__(self, regions: tuple[str, ...]) -> None:
        """Raises SettingsError for a region that is no country code."""
        for region in regions:
            if region not in SUPPORTED_REGIONS:
                raise SettingsError("setting phone_regions: every region is a country code of two capital letters")
        self._regions = regions

    def see(self, stretch: LookedAt) -> Iterator[Seen]:
        """Yield the numbers in a stretch."""
        text = stretch.folded.text
        context: ReadContext[str] | None = None
        for place in _candidates(text):
            number = place["number"]
            digits = sum(map(str.isdigit, number))
            if not _FEWEST_DIGITS <= digits <= 2 * _MOST_DIGITS or _IS_NONE.match(number):
                continue
            context = context or _CONTEXT.read(stretch.folded)
            yield from self._read(place, _told(text, place, context))
        for place in _IN_WORDS.finditer(text):
            number = "".join(_DIGIT_WORDS[word] for word in _WORDS.findall(place[0]))
            if read := self._national(number):
                yield _seen(place.start(), place.end(), _SPELLED_OUT, read.country)

    def _read(self, place: re.Match[str], told: str | None) -> Iterator[Seen]:
        """Yield the number at a place; ``told`` is what the context says."""
        is_told, is_other = told == "phone", told == "other"
        # A house's or flat's number may stand before it, a year after it.
        for start, end in _parts(place):
            number = place.string[start:end]
            if _IS_INTERNATIONAL.match(number):
                if read := _valid(_PREFIX.sub("+", number, 1), None):
                    yield _seen(start, _end(place, end), _VALID_INTERNATIONAL, read.country)
                    return
            elif not is_other and (is_told or _HAS_FORM.match(number)) and (read := self._national(number)):
                yield _seen(start, _end(place, end), _VALID_IN_CONTEXT if is_told else _VALID_NATIONAL, read.country)
                return
        number = place["number"]
        digits = sum(map(str.isdigit, number))
        if is_told and digits <= _MOST_DIGITS and not (number.isdecimal() and number.endswith("000")):
            yield _seen(place.start(), place.end(), _POSSIBLE_IN_CONTEXT, None)
        elif not is_other and (_NORTH_AMERICAN.match(number) or ("+" in number and _is_possible(number))):
            yield _seen(place.start(), place.end(), _POSSIBLE_BY_FORM, None)

    def _national(self, number: str) -> _Number | None:
        """Return the number by the first region's plan that has it."""
        regions = (_NORTH_AMERICA,) if _NORTH_AMERICAN.match(number) else self._regions
        return next(filter(None, (_valid(number, region) for region in regions)), None)


def _candidates(text: str) -> Iterator[re.Match[str]]:
    """Yield what the expression of candidates finds in a text, asked for only where one may begin."""
    at = 0
    while (first := _MAY_BEGIN.search(text, at)) is not None:
        place = _CANDIDATE.match(text, first.start())
        at = place.end() if place else first.end()
        if place:
            yield place


def _told(text: str, place: re.Match[str], context: ReadContext[str]) -> str | None:
    """Return what the words around a number say that it is: ``phone``, ``other`` or nothing."""
    start, end = place.span()
    if _LABEL_AFTER.match(text, end):
        return "phone"
    for owner, distance in context.distances(start, end).items():
        if owner == "phone" or distance <= _LABEL_REACH:
            return owner
    line_start = text.rfind("\n", max(start - _LINE_REACH, 0), start) + 1 or max(start - _LINE_REACH, 0)
    line_end = text.find("\n", end, end + _LINE_REACH)
    in_line = _MAILBOX.search(text, line_start, line_end if line_end >= 0 else end + _LINE_REACH)
    return "phone" if in_line and not place["number"].isdecimal() else None


def _parts(place: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield the number whole, then without what spaces part from it: up to two groups before, one after."""
    start, end = place.span("number")
    yield start, end
    number = place["number"]
    if _NORTH_AMERICAN.match(number):
        return
    spaces = [at for at, character in enumerate(number) if character == " "]
    for space in spaces[:2]:
        if number[:space] not in _TRUNK_PREFIXES and _has_digits(number[space:]):
            yield start + space + 1, end
    for space in spaces[-1:]:
        if _has_digits(number[:space]):
            yield start, start + space


def _has_digits(number: str) -> bool:
    return sum(map(str.isdigit, number)) >= _FEWEST_DIGITS


def _end(place: re.Match[str], end: int) -> int:
    """Return where a number ends whose digits end there: after its extension if it has one."""
    return place.end() if end == place.end("number") else end


def _seen(start: int, end: int, kind: _Kind, country: str | None) -> Seen:
    return Seen(EntityType.PHONE, start, end, kind.confidence, kind.recogniser, country)


def _is_possible(number: str) -> bool:
    read = _parsed(_PREFIX.sub("+", number, 1), None)
    return read is not None and is_possible_number(read)


def _valid(number: str, region: str | None) -> _Number | None:
    """Return the number if a plan has it: written with its country's code, or by the region's plan."""
    if region == _NORTH_AMERICA and _NORTH_AMERICAN.match(number):
        # Nothing is left to be parsed, which takes long.
        return _north_american(_SIGNS.sub("", number)[-10:])
    read = _parsed(number, region)
    country = region_code_for_number(read) if read else None
    if read is None or country is None or not is_valid_number_for_region(read, country):
        return None
    return _Number(None if country == _WORLD else country)


def _north_american(digits: str) -> _Number | None:
    """Return the number of ten digits if one of the plans of North America has it, as libphonenumber does, which asks
    each plan for each kind of number."""
    for country, begins, given_out in _north_american_plans():
        if begins is not None and begins.match(digits):
            return _Number(country) if given_out.fullmatch(digits) else None
        if begins is None and given_out.fullmatch(digits):
            return _Number(country)
    return None


@cache
def _north_american_plans() -> tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str]], ...]:
    """Return the countries with what their numbers begin with, where that alone tells the country, and with the numbers
    that are given out."""
    plans = []
    for region in COUNTRY_CODE_TO_REGION_CODE[1]:
        plan = PhoneMetadata.metadata_for_region(region)
        kinds = (getattr(plan, kind) for kind in _KINDS_OF_NUMBERS)
        patterns = {kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern}
        begins = re.compile(plan.leading_digits) if plan and plan.leading_digits else None
        plans.append((region, begins, re.compile("|".join(sorted(patterns)))))
    return tuple(plans)


def _parsed(number: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(number, region)
    except NumberParseException:
        return None
