"""Every pattern recogniser takes time linear in hostile text, asked directly, without the gate that would spare it."""

from __future__ import annotations

import pytest

from core.types import Document
from matchers.entities import pattern_recognisers
from matchers.entities.looking import looked_at
from tests.timing import least_seconds, without_collection

SMALL, TIMES = 3_000, 8
MOST_TIMES_SLOWER = 3 * TIMES
"""Linear is eight times; what is quadratic takes sixty-four."""

RECOGNISERS = {type(recogniser).__name__: recogniser for recogniser in pattern_recognisers(("US", "GB"))}
PATTERNS = [
    *(
        "1",
        "1 ",
        "12-",
        "1.",
        "1:",
        "+1 ",
        "(",
        "(1)",
        "a",
        "a1",
        "a.",
        "a@",
        "a@a.",
        "a.a/",
        "@",
        "::",
        "a:",
        "a:a\n",
        "%41",
    ),
    *(
        "http://",
        "www.",
        "://a:",
        "name at ",
        "a [at] ",
        " dot ",
        "twitter ",
        "insta: ",
        "@a on ",
        "u/",
        "///a.",
        "0x1",
    ),
    *(
        "born ",
        "born 1 ",
        "age ",
        "19 years ",
        "(34) ",
        "Maria ",
        "password ",
        "password: ",
        "api_key=",
        "seed phrase a ",
    ),
    *("-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaaa.", "account ", "gb59", "4454 7945 ", "40.7127, ", "one two ", "\n"),
]


@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_recogniser_takes_time_linear_in_hostile_text(name: str) -> None:
    def seconds(pattern: str, length: int, enough: float = 0) -> float:
        stretches = list(looked_at(Document(id="1", text=pattern * (length // len(pattern))), 0, None))
        return least_seconds(lambda: list(RECOGNISERS[name].recognise(stretches)), enough)

    with without_collection():
        for pattern in PATTERNS:
            seconds(pattern, 100)
            bound = MOST_TIMES_SLOWER * max(seconds(pattern, SMALL), 0.002)
            assert seconds(pattern, SMALL * TIMES, bound) < bound, pattern
