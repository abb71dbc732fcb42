"""Entities: dates of birth and ages."""

from __future__ import annotations

import pytest

from core.types import EntityType
from tests.entity_fixtures import found


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("DOB: 1990-05-01", "1990-05-01"),
        ("d.o.b. 05/01/1990", "05/01/1990"),
        ("born on 3 May 1980 in Harborville", "3 May 1980"),
        ("born May 3rd, 1980", "May 3rd, 1980"),
        ("My date of birth? It's 6/24/1991", "6/24/1991"),
        ("1990-05-01 (birthday)", "1990-05-01"),
        ("she was born in 1980", "1980"),
        ("my birthday is 3/14", "3/14"),
        ("né le 12 mars 1971", "12 mars 1971"),
        ("geb. 12.03.1971", "12.03.1971"),
        ("geboren am 12. März 1971", "12. März 1971"),
        ("nació el 3 de febrero de 1936", "3 de febrero de 1936"),
        ("nascida em 3 de março de 1980", "3 de março de 1980"),
        ("дата рождения: 12.03.1971", "12.03.1971"),
        ("родилась 12 марта 1971", "12 марта 1971"),
        ("تاريخ الميلاد 12/03/1971", "12/03/1971"),
        ("出生日期:1990年5月1日", "1990年5月1日"),
        ("1990年5月1日出生", "1990年5月1日"),
        ("born 3 Feb 1936, 4 May 1990 again", "3 Feb 1936"),
        ("joined 2019-01-01", None),
        ("born in Harborville, died 4 May 1990", None),
        ("Title VII of the Civil Rights Act of 1974", None),
        ("on 3 May 1980 we met", None),
        ("a newborn 2", None),
    ],
)
def test_a_date_next_to_a_word_of_birth_is_one_of_birth(text: str, date: str | None) -> None:
    assert found(text, EntityType.DATE_OF_BIRTH) == ([date] if date else [])


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("34 years old", "34"),
        ("a 19 year-old student", "19"),
        ("34yo", "34"),
        ("i'm 31 y/o.", "31"),
        ("I just turned 47", "47"),
        ("I'll turn 23.", "23"),
        ("age: 34", "34"),
        ("aged 34", "34"),
        ("I'm 34 and live here", "34"),
        ("(25F) here", "25"),
        ("Maria Gonzalez (34)", "34"),
        ("Maria Gonzalez, 34, of Harborville", "34"),
        ("tiene 34 años", "34"),
        ("elle a 34 ans", "34"),
        ("34 Jahre alt", "34"),
        ("ela tem 34 anos", "34"),
        ("мне 25 лет", "25"),
        ("عمره 34 سنة", "34"),
        ("今年34岁", "34"),
        ("turned 180 degrees", None),
        ("I'm 100% sure", None),
        ("ages 5-10", None),
        ("25+ only, age 25+", None),
        ("in 10 años", None),
        ("25 лет назад", None),
        ("he's 6 feet tall", None),
        ("page 34", None),
        ("aged 250", None),
        ("the best (34) of all", None),
    ],
)
def test_an_age_is_seen_with_its_unit_or_as_people_state_theirs(text: str, age: str | None) -> None:
    assert found(text, EntityType.AGE) == ([age] if age else [])
