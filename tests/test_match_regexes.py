"""Regular expressions: found as written and as meant, in linear time, and refused where they are no use."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.plugins import discover
from core.ports import Matcher
from core.types import Catalogue, Community, Document, Match, MatchMode, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.index import Index
from matchers.patterns import SET_INSTRUCTIONS, Pattern, PatternSet
from matchers.regexes import MOST_PLACES, RegexMatcher
from tests.timing import cpu_seconds

REGISTRY = discover(Matcher, noun="matcher", package="matchers", group="leakwatch.matchers")  # type: ignore[type-abstract]
MATCHER = RegexMatcher(RegexMatcher.Settings())
CODES = r"HC-\d{4}-[A-Z]{2}"
WATCHLISTS = {"codes": Watchlist(id="codes", community_id="harbor", name="Codes")}


def regex(value: str, *variants: str, settings: TermSettings | None = None) -> Term:
    return Term(
        id=value,
        reference=value,
        watchlist_id="codes",
        kind=TermKind.REGEX,
        value=value,
        variants=variants,
        settings=settings or TermSettings(),
    )


def find(text: str, *terms: Term) -> list[Match]:
    finder = MATCHER.compile(terms or [regex(CODES)], WATCHLISTS)
    (matches,) = finder.find(FoldedBatch([Document(id="1", text=text)]))
    return matches


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("HC-2041-QX", ()),
        ("НС-2041-QХ", ("homoglyph",)),
        ("ＨＣ-２０４１-ＱＸ", ("compatibility",)),
        ("HC-20\u200b41-QX", ("zero_width",)),
        ("HC&#45;2041&#45;QX", ("html_entity",)),
        ("HC%2D2041%2DQX", ("url_encoding",)),
        (r"HC\-2041\-QX", ("markdown_escape",)),
        ("ΗC-2041-QX", ("homoglyph",)),
        ("HC—2041—QX", ()),
        ("HC-2041-QÉ", ("diacritics",)),
    ],
)
def test_a_pattern_is_found_however_its_signs_are_disguised(written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"é🙂 the badge {written} opens it")
    assert (match.found, match.transformations, match.similarity) == (written, undone, 1.0)
    assert match.span.start == len("é🙂 the badge ")


def test_case_is_the_patterns_own_business() -> None:
    text = "hc-2041-qx, нс-2041-qх, HC-2041-QX"
    assert [match.found for match in find(text)] == ["HC-2041-QX"]
    assert [match.found for match in find(text, regex(f"(?i){CODES}"))] == text.split(", ")


def test_exact_takes_the_text_as_written_only() -> None:
    term = regex(CODES, settings=TermSettings(match=MatchMode.EXACT))
    assert [match.found for match in find("HC-20\u200b41-QX, HC-2041-QX", term)] == ["HC-2041-QX"]


def test_aliases_are_patterns_too_and_terms_may_share_one() -> None:
    terms = [regex(CODES, r"badge #\d+"), regex(r"badge #\d{2}")]
    assert [(match.term_id, match.found) for match in find("badge #17 or HC-2041-QX", *terms)] == [
        (CODES, "badge #17"),
        (r"badge #\d{2}", "badge #17"),
        (CODES, "HC-2041-QX"),
    ]


def test_all_fields_are_searched() -> None:
    document = Document(
        id="1", text="see title", title="HC-2041-QX", url="https://forum.example/HC-2042-QX", author="é"
    )
    (matches,) = MATCHER.compile([regex(CODES)], WATCHLISTS).find(FoldedBatch([document]))
    assert [(match.span.field, match.found) for match in matches] == [("title", "HC-2041-QX"), ("url", "HC-2042-QX")]


@given(
    parts=st.lists(st.one_of(st.sampled_from(["HC-2041-QX", "HC-", "é", "🙂", "\ud800", "&amp;"]), st.text(max_size=4)))
)
def test_plain_places_are_those_of_pythons_own_engine(parts: list[str]) -> None:
    text = "".join(parts)
    exact = regex(CODES, settings=TermSettings(match=MatchMode.EXACT))
    meant = [place.span() for place in re.finditer(CODES, text, re.ASCII)][:MOST_PLACES]
    assert [(match.span.start, match.span.end) for match in find(text, exact)] == meant
    for match in find(text):
        assert match.found == text[match.span.start : match.span.end]


def test_half_a_character_in_text_stops_nothing() -> None:
    (match,) = find("\ud83d é HC-2041-QX \udc00")
    assert (match.span.start, match.found) == (4, "HC-2041-QX")
    assert find("\ud83d?", regex(r"\?\?")) == []


def test_a_byte_of_a_character_is_no_place() -> None:
    assert all(match.found for match in find("naïve é x", regex(r"x|\C")))


def test_a_pattern_is_found_so_often_and_no_more() -> None:
    assert len(find("HC-2041-QX " * 500)) == MOST_PLACES


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(HC", "a round bracket is never closed"),
        ("HC)", "closed that was not opened"),
        ("HC[0-9", "at character 3: a square bracket is never closed"),
        ("HC-[9-0]", "at character 5: a character class holds a range"),
        (r"HC-\d{2000}", "at character 6: a repetition counts to more than 1000"),
        ("*HC", "at character 1: a repetition has nothing before it"),
        ("HC**", "at character 3: a repetition stands right after another one"),
        (r"HC\j", "at character 3: RE2 knows no such escape"),
        ("HC\\", "the backslash at the end"),
        ("(?P<code", "a name of a group"),
        (r"(?<=#)HC", "at character 1: this is a look-behind, and RE2 has none"),
        (r"HC(?!-)", "at character 3: this is a look-ahead, and RE2 has none"),
        (r"(HC)-\1", r"at character 6: this is a back-reference, and RE2 has none: RE2 reads patterns without going"),
        (r"(?P<code>HC)-(?P=code)", "at character 14: this is a back-reference"),
        (r"HC\Z", r"at character 3: the end of the text is written \\z"),
        ("(?>HC)", "RE2 needs no atomic group"),
        (r"HC\pL{900}", "too large"),
        (r"HC\pL{20}", "too large"),
        ("HC\ud800", "has no character at place 3"),
        ("(HC)?", "is found where nothing stands"),
        (r"\b", "is found where nothing stands"),
        (".*", "is found where nothing stands"),
        (r"\w+", "is found in 18 of 20 ordinary sentences"),
        (r"[A-Z]", "is found in .* ordinary sentences"),
        (r"\d", "is found in .* ordinary sentences"),
    ],
)
def test_a_pattern_that_is_no_use_is_refused_with_reason_and_place(pattern: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as refused:
        MATCHER.check(regex(pattern))
    with pytest.raises(UsageError, match=reason):
        MATCHER.check(regex(CODES, pattern))
    assert len(pattern) < 5 or pattern not in str(refused.value)


def test_typos_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="cannot be matched fuzzily"):
        MATCHER.check(regex(CODES, settings=TermSettings(match=MatchMode.FUZZY)))


def test_useful_patterns_pass() -> None:
    for pattern in (CODES, r"\b\d{4}\b", r"(?i)harbor\s+commons", r"(?m)^Minutes of", r"\p{Cyrillic}{3}-\d"):
        MATCHER.check(regex(pattern))


def test_nothing_is_written_about_patterns_that_fail() -> None:
    program = (
        "from matchers.patterns import Pattern, PatternSet\n"
        "for text in ['(HC', r'HC\\pL{900}']:\n"
        "    try: Pattern(text)\n"
        "    except Exception: pass\n"
        "print(end='' if list(PatternSet([Pattern('HC')]).found_in(b'HC')) else 'not found')\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (run.stdout, run.stderr) == (b"", b"")


def test_patterns_that_do_not_fit_into_one_set_are_found_all_the_same() -> None:
    patterns = [Pattern(rf"HC{n:03}\pL{{9}}!") for n in range(40)]
    assert sum(pattern.size for pattern in patterns) > SET_INSTRUCTIONS
    asked = PatternSet(patterns)
    assert list(asked.found_in(f"HC007{'é' * 9}! and HC039{'x' * 9}!".encode())) == [patterns[7], patterns[39]]
    assert list(asked.found_in(b"HC007")) == []


def test_each_community_sees_its_own_patterns_where_they_count() -> None:
    catalogue = Catalogue(
        communities=(Community(id="harbor", name="Harbor"), Community(id="other", name="Other")),
        watchlists=(
            Watchlist(id="codes", community_id="harbor", name="Codes"),
            Watchlist(id="badges", community_id="other", name="Badges"),
        ),
        terms=(
            regex(CODES, settings=TermSettings(never=("sample HC-2041-QX",))),
            Term(id="b", reference="b", watchlist_id="badges", kind=TermKind.REGEX, value=r"2041-QX"),
            Term(id="bad", reference="bad", watchlist_id="badges", kind=TermKind.REGEX, value="(["),
        ),
    )
    index = Index(catalogue, [REGISTRY.build("regexes", {})])
    first, second = index.find([Document(id="1", text="HC-2041-QX"), Document(id="2", text="a sample HC-2041-QX")])
    assert [match.term_id for match in first.matches] == [CODES, "b"]
    assert [match.term_id for match in second.matches] == ["b"]
    assert list(index.unmatched_terms) == ["bad"]


def test_what_nearly_matches_is_explained() -> None:
    finder = MATCHER.compile([regex(CODES, settings=TermSettings(match=MatchMode.EXACT))], WATCHLISTS)
    (document,) = FoldedBatch([Document(id="1", text="hc-2041-qx, HC-20\u200b41-QX, HC-2041-QX")])
    assert [(row.passed, row.reason) for row in finder.explain(document)] == [
        (True, "stands here"),
        (False, "stands here in other case; begin the pattern with (?i) for either"),
        (False, "is not written exactly so"),
    ]


@pytest.mark.parametrize("piece", ["a", "ab ", "HC-", "HC-2041-", "é&amp;", "x" * 31 + "\n"])
@pytest.mark.parametrize("pattern", ["(a+)+$|HC", r"(a|a)*b", r"HC.*QX.*!", r"(.*)(.*)(.*)(.*)Z"])
def test_hostile_text_takes_linear_time(piece: str, pattern: str) -> None:
    finder = MATCHER.compile([regex(pattern), regex(CODES)], WATCHLISTS)

    def seconds(length: int, enough: float = 0) -> float:
        folded = FoldedBatch([Document(id="1", text=piece * (length // len(piece)))])
        return cpu_seconds(lambda: finder.find(folded), enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(20_000), 0.002)
    assert seconds(160_000, bound) < bound


def test_a_thousand_patterns_hardly_slow_posts_that_match_nothing() -> None:
    posts = [Document(id=str(n), text=f"post {n} of an ordinary day, on {n % 30} May") for n in range(2000)]

    def seconds(count: int, enough: float = 0) -> float:
        terms = [regex(rf"(?i)HC{n:05}-\d{{4}}|\b[A-Z]{{2}}-?{n:05}\b") for n in range(count)]
        finder = MATCHER.compile(terms, WATCHLISTS)
        return cpu_seconds(lambda: finder.find(FoldedBatch(posts)), enough)

    bound = 4 * seconds(10)
    assert seconds(1_000, bound) < bound
