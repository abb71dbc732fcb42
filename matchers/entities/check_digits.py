"""Check digits and structures of identifiers that python-stdnum does not know.

Every function takes an identifier in capital letters without separators, in the layout that ``identifiers.yaml`` gives
it, and returns whether it may be one.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_uppercase

from stdnum import luhn, verhoeff
from stdnum.iso7064 import mod_11_2

_NINO_PREFIXES_NEVER_USED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"


def _digits(number: str) -> list[int]:
    return [int(digit) for digit in number]


def _weighted(number: str, weights: Iterable[int]) -> int:
    return sum(digit * weight for digit, weight in zip(_digits(number), weights, strict=True))


def _digit_sum(number: str, weights: Iterable[int]) -> int:
    """Return the sum of the digits of the products."""
    return sum(sum(divmod(digit * weight, 10)) for digit, weight in zip(_digits(number), weights, strict=True))


def _is_date(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def icao_check_digit(number: str) -> str:
    """Return the check digit of a field of a machine-readable zone: ICAO Doc 9303-3, section 4.9."""
    values = (0 if sign == "<" else int(sign, 36) for sign in number)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)


def icao(number: str) -> bool:
    """German identity cards, passports and residence permits: nine places and the check digit of ICAO Doc 9303."""
    return icao_check_digit(number[:-1]) == number[-1]


def luhn_digit(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    return luhn.is_valid(number)


def gb_nino(number: str) -> bool:
    """National Insurance numbers: prefixes of HMRC's manual NIM39110."""
    first, second = number[0], number[1]
    return first not in "DFIQUV" and second not in "DFIOQUV" and number[:2] not in _NINO_PREFIXES_NEVER_USED


def gb_driving_licence(number: str) -> bool:
    """Driver numbers of Great Britain: surname filled up with 9, decade, month (plus 50 for women), day, year, initials
    (9 where there is none), two places more (DVLA, INF45)."""
    surname, month, day = number[:5].rstrip("9"), int(number[6:8]), int(number[8:10])
    initials = number[11:13].rstrip("9")
    return (
        surname.isalpha()
        and (1 <= month <= 12 or 51 <= month <= 62)
        and 1 <= day <= 31
        and (not initials or initials.isalpha())
    )


def de_pension(number: str) -> bool:
    """German pension insurance numbers: VKVV, section 2 (area, date of birth, letter, serial, check digit)."""
    letter = f"{ascii_uppercase.index(number[8]) + 1:02}"
    digits = number[:8] + letter + number[9:11]
    is_date = 1 <= int(number[2:4]) % 50 <= 31 and 1 <= int(number[4:6]) <= 12
    return is_date and _digit_sum(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) % 10 == int(number[11])


def de_health(number: str) -> bool:
    """German health insurance numbers: SGB V, section 290 (a letter, eight digits, check digit)."""
    digits = f"{ascii_uppercase.index(number[0]) + 1:02}{number[1:9]}"
    return _digit_sum(digits, (1, 2) * 5) % 10 == int(number[9])


def pl_identity_card(number: str) -> bool:
    """Polish identity cards: three letters, check digit, five digits."""
    values = [int(sign, 36) for sign in number]
    return sum(map(int.__mul__, values, (7, 3, 1, 9, 7, 3, 1, 7, 3))) % 10 == 0


def pl_passport(number: str) -> bool:
    """Polish passports: two letters, check digit, six digits."""
    values = [int(sign, 36) for sign in number]
    return sum(map(int.__mul__, values, (7, 3, 9, 1, 7, 3, 1, 7, 3))) % 10 == 0


def pt_social_security(number: str) -> bool:
    """Portuguese social security numbers (NISS)."""
    return 9 - _weighted(number[:10], (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10 == int(number[10])


def es_social_security(number: str) -> bool:
    """Spanish social security numbers (NUSS): province, number, remainder by 97."""
    province, serial = int(number[:2]), int(number[2:10])
    base = serial + province * 10_000_000 if serial < 10_000_000 else int(number[:10])
    return 1 <= province <= 66 and base % 97 == int(number[10:])


def hu_health(number: str) -> bool:
    """Hungarian social insurance numbers (TAJ)."""
    return _weighted(number[:8], (3, 7) * 4) % 10 == int(number[8])


def hu_tax(number: str) -> bool:
    """Hungarian tax numbers of persons."""
    return number[0] == "8" and _weighted(number[:9], range(1, 10)) % 11 == int(number[9])


def lu_national(number: str) -> bool:
    """Luxembourg's national numbers: date of birth, serial, Luhn and Verhoeff digits."""
    return (
        _is_date(number[6:8], number[4:6])
        and luhn.is_valid(number[:12])
        and verhoeff.is_valid(number[:11] + number[12])
    )


def ru_snils(number: str) -> bool:
    """Russian pension insurance numbers."""
    return _weighted(number[:9], range(9, 0, -1)) % 101 % 100 == int(number[9:])


def kz_iin(number: str) -> bool:
    """Kazakh individual numbers: date of birth, century, serial, remainder by 11."""
    rest = _weighted(number[:11], range(1, 12)) % 11
    if rest == 10:
        rest = _weighted(number[:11], (*range(3, 12), 1, 2)) % 11
    return _is_date(number[4:6], number[2:4]) and rest == int(number[11])


def ir_national(number: str) -> bool:
    """Iranian national codes."""
    rest = _weighted(number[:9], range(10, 1, -1)) % 11
    return int(number[9]) == (rest if rest < 2 else 11 - rest)


def eg_national(number: str) -> bool:
    """Egyptian national numbers: century, date of birth, governorate."""
    governorate = int(number[7:9])
    return number[0] in "23" and _is_date(number[5:7], number[3:5]) and (1 <= governorate <= 35 or governorate == 88)


def lk_identity_card(number: str) -> bool:
    """Sri Lankan identity cards: year, day of the year (plus 500 for women)."""
    day = int(number[2:5] if len(number) == 10 else number[4:7])
    return 1 <= day % 500 <= 366 and day < 867


def hk_identity_card(number: str) -> bool:
    """Hong Kong identity cards: one or two letters, six digits, check sign."""
    signs = number.rjust(9)
    values = [36 if sign == " " else int(sign, 36) for sign in signs[:8]]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return (total + (10 if signs[8] == "A" else int(signs[8], 36))) % 11 == 0


def sg_identity_card(number: str) -> bool:
    """Singapore's NRIC and FIN: century letter, seven digits, check letter."""
    century, rest = number[0], _weighted(number[1:8], (2, 7, 6, 5, 4, 3, 2))
    if century in "ST":
        return "JZIHGFEDCBA"[(rest + 4 * (century == "T")) % 11] == number[8]
    if century in "FG":
        return "XWUTRQPNMLK"[(rest + 4 * (century == "G")) % 11] == number[8]
    return century == "M" and "XWUTRQPNJLK"[10 - (rest + 3) % 11] == number[8]


def tw_identity_card(number: str) -> bool:
    """Taiwanese identity cards and residence certificates: a letter, nine digits."""
    letter = _TAIWAN_LETTERS.index(number[0]) + 10
    return (letter // 10 + letter % 10 * 9 + _weighted(number[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def au_medicare(number: str) -> bool:
    """Australian Medicare cards: eight digits, check digit, issue number."""
    return number[0] in "23456" and _weighted(number[:8], (1, 3, 7, 9) * 2) % 10 == int(number[8])


def nz_health(number: str) -> bool:
    """New Zealand's National Health Index: HISO 10046, the form of three letters and four digits."""
    if "I" in number or "O" in number:
        return False
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    values = [letters.index(letter) + 1 for letter in number[:3]] + _digits(number[3:6])
    rest = sum(value * weight for value, weight in zip(values, range(7, 1, -1), strict=True)) % 11
    return rest != 0 and (11 - rest) % 10 == int(number[6])


def us_medicare(number: str) -> bool:
    """US Medicare Beneficiary Identifiers: the letters that CMS leaves out are S, L, O, I, B and Z."""
    return number[0] != "0" and not set("SLOIBZ") & set(number)


def br_driving_licence(number: str) -> bool:
    """Brazilian driving licences (CNH): nine digits and two check digits."""
    first, second = (_weighted(number[:9], weights) % 11 for weights in (range(9, 0, -1), range(1, 10)))
    if first == 10:
        first, second = 0, second - 2 if second < 10 else second
    return number[9:] == f"{first}{0 if second == 10 else second}"


def br_voter(number: str) -> bool:
    """Brazilian voter registrations: eight digits, the state (01 to 28), two check digits."""
    state = number[8:10]
    first = _weighted(number[:8], range(2, 10)) % 11 % 10
    second = (_weighted(state, (7, 8)) + first * 9) % 11 % 10
    return 1 <= int(state) <= 28 and number[10:] == f"{first}{second}"


def br_worker(number: str) -> bool:
    """Brazilian worker numbers (PIS, PASEP, NIS)."""
    rest = 11 - _weighted(number[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest >= 10 else rest) == int(number[10])


def uy_identity_card(number: str) -> bool:
    """Uruguayan identity cards."""
    return -_weighted(number[:7], (2, 9, 8, 7, 6, 3, 4)) % 10 == int(number[7])


def gt_identity_card(number: str) -> bool:
    """Guatemalan personal numbers (CUI): eight digits, check digit, place of birth."""
    return _weighted(number[:8], range(2, 10)) % 11 == int(number[8]) and 1 <= int(number[9:11]) <= 22


def sv_identity_card(number: str) -> bool:
    """Salvadoran identity cards (DUI)."""
    return -_weighted(number[:8], range(9, 1, -1)) % 10 == int(number[8])


def ca_ontario_health(number: str) -> bool:
    """Ontario health cards: ten digits by Luhn, and perhaps a version of two letters."""
    return luhn.is_valid(number[:10])


def ca_quebec_health(number: str) -> bool:
    """Quebec health insurance numbers: three letters of the surname, one of the forename, year, month (plus 50 for
    women), day, serial."""
    return 1 <= int(number[6:8]) % 50 <= 12 and int(number[6:8]) <= 62 and 1 <= int(number[8:10]) <= 31


def gb_scottish_health(number: str) -> bool:
    """Scottish Community Health Index: date of birth, serial, check digit by 11."""
    rest = -_weighted(number[:9], range(10, 1, -1)) % 11
    return _is_date(number[:2], number[2:4]) and rest == int(number[9])


def cn_resident_identity(number: str) -> bool:
    """Chinese resident identity numbers: GB 11643 (division, date of birth, serial, check sign by ISO 7064 MOD 11-2).
    The module of python-stdnum fails on divisions that it does not know."""
    is_of_time = 1900 <= int(number[6:10]) <= 2099 and _is_date(number[12:14], number[10:12])
    return 11 <= int(number[:2]) <= 83 and is_of_time and mod_11_2.is_valid(number)
