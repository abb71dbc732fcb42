"""Domains: found however they are hidden, with those that imitate them, and never in running prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.types import Document, Match, MatchMode, Sensitivity, Term, TermKind, TermSettings, Watchlist
from matchers.batch import FoldedBatch
from matchers.domains import DomainFinder, DomainMatcher
from tests.timing import cpu_seconds

MATCHER = DomainMatcher(DomainMatcher.Settings())
HARBOR = "harborcommons.example"
IDN = "münchner-gezeiten.example"


def domain(value: str, *variants: str, match: MatchMode | None = None) -> Term:
    return Term(
        id=value,
        reference=value,
        watchlist_id="sites",
        kind=TermKind.DOMAIN,
        value=value,
        variants=variants,
        settings=TermSettings(match=match),
    )


def finder_of(*terms: Term, sensitivity: Sensitivity = Sensitivity.BALANCED) -> DomainFinder:
    watchlist = Watchlist(id="sites", community_id="harbor", name="Sites", sensitivity=sensitivity)
    return MATCHER.compile(terms, {"sites": watchlist})


def find(text: str, *terms: Term, sensitivity: Sensitivity = Sensitivity.BALANCED) -> list[Match]:
    finder = finder_of(*(terms or (domain(HARBOR),)), sensitivity=sensitivity)
    (matches,) = finder.find(FoldedBatch([Document(id="1", text=text)]))
    return matches


def punycode(label: str) -> str:
    return f"xn--{label.encode('punycode').decode()}"


@pytest.mark.parametrize(
    ("written", "undone"),
    [
        ("harborcommons.example", ()),
        ("HarborCommons.Example", ()),
        ("forum.harborcommons.example", ("subdomain",)),
        ("WWW.forum.HarborCommons.example", ("subdomain",)),
        ("harborcommons[.]example", ("defanged",)),
        ("harborcommons [dot] example", ("defanged",)),
        ("harborcommons(punkt)example", ("defanged",)),
        ("harborcommons dot example", ("defanged",)),
        ("harborcommons . example", ("defanged",)),
        ("forum[.]harborcommons[.]example", ("defanged", "subdomain")),
        ("harborcommons。example", ()),
        ("ｈarborcommons．example", ("compatibility",)),
        ("harbor\u200bcommons.example", ("zero_width",)),
        ("harborcommons&#46;example", ("html_entity",)),
        ("harborcommons%2Eexample", ("url_encoding",)),
        (r"harborcommons\.example", ("markdown_escape",)),
        ("hаrborcommons.example", ("homoglyph",)),
        (f"{punycode('hаrborcommons')}.example", ("punycode", "homoglyph")),
        ("harborcómmons.example", ("diacritics", "homoglyph")),
        ("harborc0mmons.example", ("homoglyph",)),
        ("harborcornmons.example", ("homoglyph",)),
    ],
)
@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_the_domain_is_found_however_it_is_hidden(
    written: str, undone: tuple[str, ...], sensitivity: Sensitivity
) -> None:
    (match,) = find(f"naïve 🙂: {written}, there", sensitivity=sensitivity)
    assert (match.found, match.transformations, match.similarity) == (written, undone, 1.0)
    assert match.span.start == len("naïve 🙂: ")


@pytest.mark.parametrize(
    ("written", "undone", "sensitivity"),
    [
        ("harborcommons.example.evil.example", ("embedded",), Sensitivity.STRICT),
        ("login.harborcommons.example.com", ("embedded", "subdomain"), Sensitivity.STRICT),
        ("harborcomons.example", ("typo",), Sensitivity.BALANCED),  # omission
        ("harborrcommons.example", ("typo",), Sensitivity.BALANCED),  # repetition
        ("harbrocommons.example", ("typo",), Sensitivity.BALANCED),  # swap
        ("harborcomnons.example", ("typo",), Sensitivity.BALANCED),  # replacement
        ("harborxcommons.example", ("typo",), Sensitivity.BALANCED),  # insertion
        ("harbor-commons.example", ("separators",), Sensitivity.BALANCED),
        ("harborcommons-login.example", ("affix",), Sensitivity.BALANCED),
        ("login-harborcommons.example", ("affix",), Sensitivity.BALANCED),
        ("harborcommonslogin.example", ("affix",), Sensitivity.BALANCED),
        ("secure.harborcommons-verify.co.uk", ("affix",), Sensitivity.BALANCED),
        ("harborcommons-example.com", ("affix",), Sensitivity.BALANCED),
        ("harborc0mmons-login.com", ("affix", "homoglyph"), Sensitivity.BALANCED),
        ("harborcommons-rivals.example", ("affix",), Sensitivity.WIDE),
        ("harborcommons.org", ("other_suffix",), Sensitivity.WIDE),
        ("harborcommons.co.uk", ("other_suffix",), Sensitivity.WIDE),
        ("hаrborcommons.org", ("homoglyph", "other_suffix"), Sensitivity.WIDE),
        ("harborcomons.org", ("typo", "other_suffix"), Sensitivity.WIDE),
        ("harbrcomons.example", ("typo",), Sensitivity.WIDE),
        ("harborcommons.evil.org", ("embedded",), Sensitivity.WIDE),
    ],
)
def test_imitations_are_found_from_a_sensitivity_on(
    written: str, undone: tuple[str, ...], sensitivity: Sensitivity
) -> None:
    text = f"see https://{written}/login?next=1"
    order = [Sensitivity.STRICT, Sensitivity.BALANCED, Sensitivity.WIDE]
    for one in order:
        matches = find(text, sensitivity=one)
        if order.index(one) < order.index(sensitivity):
            assert matches == []
        else:
            (match,) = matches
            assert (match.found, set(match.transformations) - {"homoglyph"}) == (written, set(undone) - {"homoglyph"})
            assert ("homoglyph" in match.transformations) == ("homoglyph" in undone)
            assert 0.5 < match.similarity < 1


@pytest.mark.parametrize(
    "text",
    [
        "we sat in the harbor. Example of a good day",
        "we sat in the harbor .Example of a good day",
        "we sat in the harbor.. example",
        "the harbor, example",
        "harbors.example.org" + "x" * 70,
        "harbor.examples",
        "we love this harbor.It is calm",
        "write to harbor.example@mail.example",
        "1.2.3.4 and v0.harbor",
    ],
)
def test_prose_and_other_domains_are_left_alone(text: str) -> None:
    assert find(text, domain("harbor.example")) == []


def test_a_sentence_that_goes_on_without_a_space_is_not_part_of_the_domain() -> None:
    found = [match.found for match in find("at harborcommons.example.Then at forum.harborcommons.example.and")]
    assert found == ["harborcommons.example", "forum.harborcommons.example"]


def test_a_domain_in_place_of_a_user_name_is_an_imitation() -> None:
    (match,) = find("https://harborcommons.example@evil.example/")
    assert (match.found, match.transformations) == (HARBOR, ("embedded",))


def test_a_mail_address_and_a_disguised_scheme_are_mentions() -> None:
    (mail,) = find("write to mods@harborcommons.example")
    assert (mail.found, mail.transformations) == (HARBOR, ())
    for scheme in ("hxxps://", "http[:]//", "h**p://", "hxxp[://]"):
        (match,) = find(f"{scheme}harborcommons.example/x")
        assert (match.found, match.transformations) == (HARBOR, ("defanged",))


def test_scripts_without_spaces_end_a_host_name() -> None:
    (match,) = find("请访问harborcommons.example谢谢")
    assert match.found == HARBOR


@pytest.mark.parametrize("written", [IDN, IDN.upper(), f"{punycode('münchner-gezeiten')}.example"])
def test_a_domain_in_another_alphabet_is_found_in_both_its_forms(written: str) -> None:
    (match,) = find(f"see {written}", domain(IDN))
    assert match.found == written
    assert "homoglyph" not in match.transformations
    (other,) = find("see munchner-gezeiten.example", domain(IDN))
    assert other.transformations == ("homoglyph",)


def test_a_watched_subdomain_is_not_its_siblings() -> None:
    term = domain("forum.harborcommons.example")
    found = [match.found for match in find("forum.harborcommons.example chat.harborcommons.example", term)]
    assert found == ["forum.harborcommons.example"]
    assert [match.found for match in find("at harborc0mmons.example", term)] == ["harborc0mmons.example"]


def test_a_public_suffix_is_not_what_is_imitated() -> None:
    term = domain("harborcommons.co.uk")
    assert find("other.co.uk and harbor.co.uk", term, sensitivity=Sensitivity.WIDE) == []
    assert [match.found for match in find("harborcomons.co.uk", term)] == ["harborcomons.co.uk"]


def test_a_longer_public_suffix_is_another_suffix() -> None:
    term = domain("harborcommons.com")
    assert find("see harborcommons.com.br", term) == []
    (match,) = find("see harborcommons.com.br", term, sensitivity=Sensitivity.WIDE)
    assert (match.found, match.transformations) == ("harborcommons.com.br", ("other_suffix",))


def test_match_says_how_far_to_go() -> None:
    text = (
        "harborcommons.example a.harborcommons.example harborcommons[.]example "
        "hаrborcommons.example harborcomons.example"
    )
    counts = {mode: len(find(text, domain(HARBOR, match=mode))) for mode in (None, *MatchMode)}
    assert counts == {None: 5, MatchMode.FUZZY: 5, MatchMode.FOLDED: 4, MatchMode.EXACT: 2}


def test_what_is_left_out_is_explained() -> None:
    finder = finder_of(domain(HARBOR), sensitivity=Sensitivity.STRICT)
    (document,) = FoldedBatch([Document(id="1", text="harborcommons.example or harborcommons.org")])
    assert [(row.found, row.passed, row.reason) for row in finder.explain(document)] == [
        (HARBOR, True, "stands here"),
        ("harborcommons.org", False, "imitates the domain in a way that counts from sensitivity wide on"),
    ]


@pytest.mark.parametrize(
    "value",
    ["harborcommons", "https://harborcommons.example", "harborcommons.example/x", "a b.example", "192.168.0.1",
     "mods@harborcommons.example", ".example", "harborcommons[.]example", f"{'x' * 64}.example", "", "-.-",
     "harbor⒈commons.example"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match=r"a domain is written like harborcommons\.example"):
        MATCHER.check(domain(value))


@pytest.mark.parametrize("value", ["co.uk", "github.io"])
def test_a_public_suffix_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="public suffix"):
        MATCHER.check(domain(HARBOR, value))


def test_www_in_a_value_is_left_out() -> None:
    term = domain("www.harborcommons.example")
    MATCHER.check(term)
    assert [match.transformations for match in find("harborcommons.example", term)] == [()]


letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
labels = st.text(letters, min_size=9, max_size=14).filter(lambda label: len(set(label)) > 5)


@given(label=labels, at=st.integers(1, 7), letter=letters, kind=st.sampled_from(["omit", "insert", "replace", "swap"]))
def test_one_typo_in_any_domain_is_found(label: str, at: int, letter: str, kind: str) -> None:
    mistyped = {
        "omit": label[:at] + label[at + 1 :],
        "insert": label[:at] + letter + label[at:],
        "replace": label[:at] + letter + label[at + 1 :],
        "swap": label[:at] + label[at + 1] + label[at] + label[at + 2 :],
    }[kind]
    (match,) = find(f"(see {mistyped}.example)", domain(f"{label}.example"), sensitivity=Sensitivity.WIDE)
    assert match.found == f"{mistyped}.example"


PIECES = ["harborcommons", ".", "example", "-login", "[.]", " dot ", "https://", "xn--", "а", "例", "@", "&#46;", "com"]


@given(parts=st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12))
def test_spans_are_whole_host_names_apart_from_each_other(parts: list[str]) -> None:
    text = "".join(parts)
    for match in find(text, sensitivity=Sensitivity.WIDE):
        assert match.found == text[match.span.start : match.span.end]
        assert match.found[0] not in ".- "
        assert match.found[-1] not in ".- "


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a-", "a--", "a-a.", "[.]", " dot ", "x dot ", "harborcommons.example.", "xn--a.", "中.", "é."]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    finder = finder_of(domain(HARBOR), sensitivity=Sensitivity.WIDE)

    def seconds(length: int, enough: float = 0) -> float:
        folded = FoldedBatch([Document(id="1", text=piece * (length // len(piece)))])
        return cpu_seconds(lambda: finder.find(folded), enough)

    seconds(1_000)
    bound = 4 * 8 * max(seconds(20_000), 0.002)
    assert seconds(160_000, bound) < bound


def test_ten_thousand_domains_are_looked_for_as_fast_as_a_hundred() -> None:
    text = " ".join(f"see https://page{n}.river{n % 7}stone.org/x." for n in range(500))

    def seconds(count: int, enough: float = 0) -> float:
        finder = finder_of(*(domain(f"quiet{n:05}harbor.example") for n in range(count)))
        folded = FoldedBatch([Document(id="1", text=text)])
        return cpu_seconds(lambda: finder.find(folded), enough)

    bound = 4 * seconds(100)
    assert seconds(10_000, bound) < bound
