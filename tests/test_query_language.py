"""The query language: what is understood, and where an error points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TermError
from matchers.query_language import And, Mention, Near, Node, Not, Or, Phrase, Within, parse
from tests.query_trees import trees, written


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("harbor", Phrase("harbor")),
        ('"harbor commons"', Phrase("harbor commons")),
        ("“harbor commons”", Phrase("harbor commons")),
        ("night_heron", Phrase("night_heron")),
        ("dox*", Phrase("dox", "*")),
        ('"real nam*"', Phrase("real nam", "*")),
        ("lighthouse~", Phrase("lighthouse", "~")),
        ("a b", And((Phrase("a"), Phrase("b")))),
        ("a AND b", And((Phrase("a"), Phrase("b")))),
        ("a b AND c", And((Phrase("a"), Phrase("b"), Phrase("c")))),
        ("a b OR c d", Or((And((Phrase("a"), Phrase("b"))), And((Phrase("c"), Phrase("d")))))),
        ("a (b OR c)", And((Phrase("a"), Or((Phrase("b"), Phrase("c")))))),
        ("a -b", And((Phrase("a"), Not(Phrase("b"))))),
        ("a NOT b", And((Phrase("a"), Not(Phrase("b"))))),
        ("a -(b c)", And((Phrase("a"), Not(And((Phrase("b"), Phrase("c"))))))),
        ("a -b NEAR/2 c", And((Phrase("a"), Not(Near(2, Phrase("b"), Phrase("c")))))),
        ("a NEAR/5 b c", And((Near(5, Phrase("a"), Phrase("b")), Phrase("c")))),
        ("title:a", Within("title", Phrase("a"))),
        ("Author: a", Within("author", Phrase("a"))),
        ("url:(a -b)", Within("url", And((Phrase("a"), Not(Phrase("b")))))),
        ("a source:reddit", And((Phrase("a"), Within("source", Phrase("reddit"))))),
        ("@pseudonym", Mention("pseudonym")),
        ("@Name a", And((Mention("name"), Phrase("a")))),
        ("ORANGE NOTES android", And((Phrase("ORANGE"), Phrase("NOTES"), Phrase("android")))),
        ('"and" safe-house', And((Phrase("and"), Phrase("safe-house")))),
        (
            '"harbor commons" NEAR/20 ("real name" OR identity OR dox*)',
            Near(20, Phrase("harbor commons"), Or((Phrase("real name"), Phrase("identity"), Phrase("dox", "*")))),
        ),
        ("@pseudonym NEAR/9 (@person OR @pii)", Near(9, Mention("pseudonym"), Or((Mention("person"), Mention("pii"))))),
        (f"{'(' * 5000}a{')' * 5000}", Phrase("a")),
    ],
)
def test_a_query_is_understood(query: str, tree: Node) -> None:
    assert parse(query) == tree


@given(tree=trees())
def test_a_query_written_from_a_tree_is_understood_as_that_tree(tree: Node) -> None:
    assert parse(written(tree)) == tree


WRONG = {
    "(a b": (1, "not closed"),
    "a (b (c d": (6, "not closed"),
    "a ) b": (3, "no parenthesis is open"),
    "a ()": (4, "empty"),
    "(a OR )": (7, "missing"),
    "a AND": (5, "too early"),
    "title:": (6, "too early"),
    "AND a": (1, "before it one is missing"),
    "a OR OR b": (6, "before it one is missing"),
    "a AND OR b": (7, "before it one is missing"),
    "a and b": (3, "capitals, AND"),
    "Not a": (1, "capitals, NOT"),
    "a NEAR b": (3, "NEAR/10"),
    "a near/5 b": (3, "NEAR/10"),
    "a NEAR/x b": (3, "NEAR/10"),
    "a NEAR/0 b": (3, "at least 1"),
    "a NEAR/5 NOT b": (10, "must follow"),
    "a NEAR/5 -b": (10, "must follow"),
    "a NEAR/5 (b c)": (11, "NEAR joins"),
    "a NEAR/5 b NEAR/5 c": (12, "two operands"),
    "a NEAR/5 source:b": (10, "NEAR joins"),
    'a ""': (3, "phrase is empty"),
    'a "…"': (3, "phrase is empty"),
    'a "no end': (3, "quotation mark is not closed"),
    "…": (1, "a letter or a digit"),
    "*": (1, "a letter or a digit"),
    "a b*": (3, "at least 2 letters"),
    "a *b": (3, "at the end only"),
    "a foo*bar": (3, "at the end only"),
    "dox~": (1, "from 5 letters on"),
    '"a b"~': (6, "single word"),
    "a @foo": (3, "there are @pseudonym"),
    "a @persn": (3, "did you mean @person?"),
    "a body:b": (3, "there are title:"),
    "titel:b": (1, "did you mean title:?"),
    "https://harbor.example": (1, "quotation marks"),
    "url:(a title:b)": (8, "does not go inside url:"),
    "a source:@name": (10, "only words and phrases"),
    "a source:(b NEAR/3 c)": (13, "does not go inside source:"),
    "a - b": (3, "right before"),
    "a b -": (5, "right before"),
    "title:-a": (7, "must follow"),
    "NOT a": (1, "nearly every text"),
    "-a -b": (1, "nearly every text"),
    "a OR -b": (6, "nearly every text"),
    "source:reddit": (1, "everything from a source"),
    "@person": (1, "wherever people are named"),
    "a OR @pii": (6, "wherever people are named"),
    "@person NEAR/3 @pii": (1, "wherever people are named"),
    f"a {'-' * 30}b": (23, "nested more than 20 deep"),
}


@pytest.mark.parametrize(("query", "wanted"), WRONG.items(), ids=range(len(WRONG)))
def test_an_error_points_at_the_character_and_says_what_to_do(query: str, wanted: tuple[int, str]) -> None:
    place, words = wanted
    with pytest.raises(TermError) as raised:
        parse(query)
    assert raised.value.place == place
    assert str(raised.value).startswith(f"character {place}: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


PIECES = [*'()"@-*~: ', "a", "foo", " AND ", " OR ", " NEAR/3 ", "title:", "@name"]


@given(query=st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_is_written_is_understood_or_refused_with_a_place_in_it(query: str) -> None:
    try:
        place = 0 if parse(query) else None
    except TermError as error:
        place = error.place
    assert place in range(len(query) + 2)


def test_an_error_does_not_repeat_the_query() -> None:
    for query in ("a @marigold", "marigold: a", '"marigold', "(marigold", "-marigold", "marig*old"):
        with pytest.raises(TermError) as raised:
            parse(query)
        assert "marig" not in str(raised.value)
        assert "marig" not in repr(raised.value)
    assert "marig" not in repr(parse('marigold "marigold tide"'))
