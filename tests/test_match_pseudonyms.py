"""Pseudonyms: disguises that are seen through, ordinary words that are left alone, exact spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Sensitivity, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.candidates import best_apart
from matchers.nearby import NearbyWords
from matchers.odds import is_commonplace
from matchers.pseudonyms import PseudonymMatcher
from matchers.writing import writing
from tests.timing import cpu_seconds

MATCHER = PseudonymMatcher(PseudonymMatcher.Settings())


def pseudonym(value: str, *variants: str, match: MatchMode | None = None) -> Term:
    return Term(
        id=value,
        reference=value,
        watchlist_id="members",
        kind=TermKind.PSEUDONYM,
        value=value,
        variants=variants,
        settings=TermSettings(match=match),
    )


def find(text: str, *terms: Term, sensitivity: Sensitivity = Sensitivity.BALANCED) -> list[Match]:
    watchlist = Watchlist(id="members", community_id="harbor", name="Members", sensitivity=sensitivity)
    finder = MATCHER.compile(terms or [pseudonym("night_heron")], {"members": watchlist})
    (matches,) = finder.find(FoldedBatch([Document(id="1", text=text)]))
    return best_apart(matches)


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("night_heron", ()),
        ("NIGHT_Heron", ("case",)),
        ("nіght_hеrоn", ("homoglyph",)),
        ("n1ght_h3r0n", ("leet",)),
        ("n!ght_h€ron", ("leet",)),
        ("nlght_heron", ("homoglyph",)),
        ("n\u200bight_he\u200dron", ("zero_width",)),
        ("ｎｉｇｈｔ＿ｈｅｒｏｎ", ("compatibility",)),
        ("𝗻𝗶𝗴𝗵𝘁_𝗵𝗲𝗿𝗼𝗻", ("compatibility",)),
        ("n&#105;ght_h&#101;ron", ("html_entity",)),
        ("night\\_heron", ("markdown_escape",)),
        ("night heron", ("separators",)),
        ("n.i.g.h.t.h.e.r.o.n", ("separators",)),
        ("n i g h t h e r o n", ("separators",)),
        ("n|i|g|h|t|h|e|r|o|n", ("separators",)),
        ("n 1 g h t h 3 r o n", ("leet", "separators")),
        ("n ! g h 7 h e r o n", ("leet", "separators")),
        ("n.i.g.h.+.h.€.r.o.n", ("leet", "separators")),
        ("nightheron", ("separators",)),
        ("night-her on", ("separators",)),
        ("night her on", ("separators",)),
        ("nigh\nther\non", ("separators",)),
        ("niiiight_herron", ("repeated_letters",)),
        ("n*ght_heron", ("masked",)),
        ("n*ght_her*n", ("masked",)),
        ("nihgt_heron", ("typo",)),
        ("night_herno", ("typo",)),
        ("nigt_herom", ("typo",)),
    ],
)
def test_a_disguise_is_found_with_its_span_and_named(written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"they say {written}, again")
    assert match.found == written
    assert (match.span.start, match.span.end) == (9, 9 + len(written))
    assert match.transformations == undone
    assert (match.similarity < 1) == ("typo" in undone)


@pytest.mark.parametrize(
    "text",
    [
        "@night_heron said",
        "ask u/night_heron.",
        "https://social.example/night_heron?tab=posts",
        "night_heron's boat",
        "**night_heron** again",
        "_night_heron_",
        "in night_heron's",
        "ihatenight_heron99",
        "thenight_heronsucks",
    ],
)
def test_only_the_handle_inside_a_wrapping_is_the_span(text: str) -> None:
    assert [match.found for match in find(text)] == ["night_heron"]


def test_separators_at_the_ends_of_a_handle_belong_to_it() -> None:
    assert [match.found for match in find("by _quiet_maple_ yesterday", pseudonym("_quiet_maple_"))] == [
        "_quiet_maple_"
    ]


@pytest.mark.parametrize(
    ("handle", "written", "undone"),
    [
        ("тихий_омут", "тихий омут", ("separators",)),
        ("тихий_омут", "Тихий_Омут", ()),
        ("тихий_омут", "тихий_omyt", ("diacritics", "homoglyph")),
        ("josé_luz", "josé.luz", ("separators",)),
        ("jose_luz", "jose\u0301_luz", ("diacritics",)),
        ("طائر_الليل", "طائر الليل", ("separators",)),
    ],
)
def test_letters_of_the_handle_itself_are_no_disguise(handle: str, written: str, undone: tuple[str, ...]) -> None:
    (match,) = find(f"we saw {written} there", pseudonym(handle))
    assert match.transformations == undone


@pytest.mark.parametrize(
    ("handle", "text"),
    [
        ("蓝色风筝", "我怀疑蓝色风筝是林晓雯"),
        ("夜鹭2046", "大家好我是夜鹭2046请多关照"),
        ("bamboo_rain88", "听说bamboo_rain88搬家了"),
        ("鴉の羽根", "あの鴉の羽根さんのことです"),
        ("night_heron", "ฉันรู้จักnight_heronแล้ว"),
    ],
)
def test_where_a_script_has_no_spaces_a_handle_stands_by_itself_between_other_letters(handle: str, text: str) -> None:
    (match,) = find(text, pseudonym(handle))
    assert (match.found, match.transformations) == (handle, ())


def test_letters_that_go_on_after_a_glued_handle_are_not_part_of_it() -> None:
    assert [match.found for match in find("theharborlighttsucks", pseudonym("harborlight"))] == ["harborlight"]


def test_doubled_letters_may_be_cut_apart() -> None:
    assert [match.found for match in find("it is yel low duck", pseudonym("yellowduckk"))] == []
    assert [match.found for match in find("it is hol lowmaple", pseudonym("hollowmaple"))] == ["hol lowmaple"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a bright night and nobody there on", "night_heron"),
        ("what a night. Heron are birds", "night_heron"),
        ("hundreds of quieter maples", "quietmaple"),
        ("the ravens, ravenous", "raven"),
        ("i am sad today", "iamsad"),
        ("it will fail", "fall"),
        ("the year 1001 and 80085", "boobs"),
        ("Thomas and Kevin", "thomar"),
        ("harborlight1985", "harborlight1984"),
        ("maple8848 is another", "maple8843"),
    ],
)
def test_ordinary_words_and_other_handles_are_left_alone(text: str, value: str) -> None:
    assert find(text, pseudonym(value)) == []


def test_an_ordinary_word_is_found_as_itself_and_disguised_but_not_mistyped() -> None:
    found = [match.found for match in find("raven r4ven RAVEN ravem ravens", pseudonym("raven"))]
    assert found == ["raven", "r4ven", "RAVEN"]


def test_aliases_are_the_same_term() -> None:
    (match,) = find("ask nheron_1 there", pseudonym("night_heron", "nheron_1"))
    assert (match.term_id, match.found) == ("night_heron", "nheron_1")


def test_exact_takes_the_value_to_the_letter_only() -> None:
    text = "night_heron Night_Heron n1ght_heron"
    assert [match.found for match in find(text, pseudonym("night_heron", match=MatchMode.EXACT))] == ["night_heron"]


def test_folded_takes_disguises_and_no_typos_nor_longer_words() -> None:
    text = "n1ght_heron, nihgt_heron, ihatenight_heron"
    assert [match.found for match in find(text, pseudonym("night_heron", match=MatchMode.FOLDED))] == ["n1ght_heron"]


def test_sensitivity_decides_how_much_likelier_than_chance_a_place_must_be() -> None:
    terms = [pseudonym("tamlin"), pseudonym("zorvek")]
    found = {
        sensitivity: [match.found for match in find("zorvk tamlen tamlyn", *terms, sensitivity=sensitivity)]
        for sensitivity in Sensitivity
    }
    assert found == {
        Sensitivity.STRICT: ["zorvk"],
        Sensitivity.BALANCED: ["zorvk", "tamlen"],
        Sensitivity.WIDE: ["zorvk", "tamlen", "tamlyn"],
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the whole of Australia", "australis"),
        ("Brandon is the best", "brandonc"),
        ("my playstation broke", "PlayStationAU"),
        ("it was a macroon for her", "macromon"),
        ("then I left", "then-1"),
        ("a good 5 inches", "agods"),
        ("I invite!", "invite-1"),
        ("get F.r.e.e stuff", "freep"),
        ("it gives me chills", "Chilis"),
        ("E.V.E.R.Y.T.H.I.N.G", "rytho"),
        ("oh you f**king fool", "foilking"),
        ("the therapist", "rapis"),
        ("harbormaster", "rmaste"),
        ("ask maple88123", "maple88"),
        ("ask maple812", "maple8"),
    ],
)
def test_what_stands_there_by_chance_is_left_alone(text: str, value: str) -> None:
    assert find(text, pseudonym(value)) == []


@pytest.mark.parametrize(
    "written", ["ihatezorveksucks", "realzorvek99", "thez0rvekfan", "mrzorvek", "lolzorveksucks", "fuckzorvek2024"]
)
def test_a_short_handle_is_found_inside_a_word_that_words_and_numbers_explain(written: str) -> None:
    (match,) = find(f"and {written} again", pseudonym("zorvek"))
    assert match.found in ("zorvek", "z0rvek")
    assert match.transformations[-1] == "glued"


@pytest.mark.parametrize(
    "written", ["quietrnaple", "qu1etmapl€", "quiet maple's", "quietmaples", "quietmaple7", "quietnaple"]
)
def test_slips_and_disguises_of_many_kinds_are_seen_through(written: str) -> None:
    assert len(find(f"so {written} said", pseudonym("quietmaple"))) == 1


def test_a_value_is_commonplace_where_its_words_are() -> None:
    assert all(map(is_commonplace, ("raven", "Blue Sky", "blue_sky", "goodnight", "Maria", "good morning")))
    assert not any(map(is_commonplace, ("night_heron", "harborlight", "zorvek", "r4ven", "Maria Gonzalez")))


@given(st.text(alphabet="abcdefgh12", min_size=4, max_size=12), st.text(alphabet="abcdefgh12", max_size=12))
def test_what_is_written_otherwise_is_never_likelier_than_what_is_meant(meant: str, written: str) -> None:
    assert writing(meant, meant) == 0
    assert writing(meant, written) < 0 or meant == written


def test_what_is_too_short_is_refused() -> None:
    for value in ("abc", "._.", "aa-a", "n-h", "夜鹭", "夜_a"):
        with pytest.raises(UsageError, match="at least 4 letters"):
            MATCHER.check(pseudonym(value))
    with pytest.raises(UsageError):
        MATCHER.check(pseudonym("night_heron", "nh"))
    MATCHER.check(pseudonym("anna"))


def test_three_chinese_characters_make_a_pseudonym() -> None:
    MATCHER.check(pseudonym("夜航船"))
    assert [match.found for match in find("大家好，夜航船昨天说过。", pseudonym("夜航船"))] == ["夜航船"]


def test_a_text_of_signs_alone_is_judged() -> None:
    assert [match.found for match in find("it costs $$$$$ or @$$@", pseudonym("sssss"), pseudonym("assa"))] == []


def test_a_handle_of_one_letter_again_and_again_is_found_as_a_word() -> None:
    term = pseudonym("xxxx")
    MATCHER.check(term)
    assert [match.found for match in find("who is XXXX? xxx xxxxy", term)] == ["XXXX"]


def test_explain_says_why_a_place_failed() -> None:
    watchlist = Watchlist(id="members", community_id="harbor", name="Members")
    finder = MATCHER.compile([pseudonym("raven"), pseudonym("harborlight1984")], {"members": watchlist})
    (document,) = FoldedBatch([Document(id="1", text="ravens r4ven harborlight1985")])
    assert [(row.found, row.passed, row.reason) for row in finder.explain(document)] == [
        ("r4ven", True, "stands here"),
        ("raven", False, "is part of a longer word, and too short or too ordinary for that"),
        ("harborlight1985", False, "has another number"),
    ]


@given(
    st.lists(st.text(alphabet="abcd", min_size=5, max_size=11), min_size=1, max_size=30, unique=True),
    st.text(alphabet="abcd", min_size=3, max_size=13),
)
def test_nearby_words_are_those_that_brute_force_finds(words: list[str], written: str) -> None:
    def allowed(word: str) -> int:
        return 1 if len(word) < 8 else 2

    expected = {(word, typos) for word in words if (typos := OSA.distance(word, written)) <= allowed(word)}
    assert set(NearbyWords(words, allowed).near(written)) == expected


@pytest.mark.parametrize(
    "pattern",
    ["a", "ab", "night", ".", "n.i.g.h.t.", "e\u0301\u0301", "\u200b", "*", "n*", "&#110;", "%6e", " ", "@|!"],
)
def test_hostile_text_takes_linear_time(pattern: str) -> None:
    watchlist = Watchlist(id="members", community_id="harbor", name="Members")
    finder = MATCHER.compile([pseudonym("night_heron"), pseudonym("abababab")], {"members": watchlist})

    def seconds(length: int, enough: float = 0) -> float:
        document = Document(id="1", text=pattern * (length // len(pattern)))
        return cpu_seconds(lambda: [best_apart(matches) for matches in finder.find(FoldedBatch([document]))], enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(10_000), 0.002)
    assert seconds(80_000, bound) < bound
