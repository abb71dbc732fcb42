"""Random queries: trees that the language can write, and the writing."""

from __future__ import annotations

from functools import cache
from typing import get_args

from hypothesis import strategies as st

from matchers.query_language import And, FieldOperator, Mention, Near, Node, Not, Or, Phrase, Within

WORDS = ("harbor", "commons", "lantern", "identity", "quarrel", "the")
MENTIONS = st.sampled_from([Mention("pseudonym"), Mention("name"), Mention("person"), Mention("pii")])


def written(node: Node) -> str:
    """Return the tree as a query, with parentheses around everything that has parts."""
    match node:
        case Phrase():
            if node.ending == "~" or node.text.isalnum():
                return node.text + node.ending
            return f'"{node.text}{node.ending}"'
        case Mention():
            return f"@{node.name}"
        case Near():
            return f"({written(node.left)} NEAR/{node.words} {written(node.right)})"
        case And():
            return f"({' '.join(map(written, node.parts))})"
        case Or():
            return f"({' OR '.join(map(written, node.parts))})"
        case Not():
            return f"-{written(node.part)}"
        case Within():
            return f"{node.name}:({written(node.part)})"


@cache
def phrases() -> st.SearchStrategy[Phrase]:
    """Draw a word, a phrase, a beginning, or a word with typos."""
    word = st.sampled_from(WORDS)
    return st.one_of(
        word.map(Phrase),
        st.lists(word, min_size=2, max_size=3).map(lambda words: Phrase(" ".join(words))),
        word.map(lambda text: Phrase(text[:3], "*")),
        st.sampled_from(["harbor", "lantern", "identity"]).map(lambda text: Phrase(text, "~")),
    )


@st.composite
def trees(draw: st.DrawFn, *, mentions: bool = True) -> Node:
    """Draw a query that is allowed: one word of it must stand in the text."""
    must = draw(phrases())
    return And((must, draw(_parts(None, 3, mentions=mentions)))) if draw(st.booleans()) else must


@cache  # a strategy that is made anew for every draw takes seconds
def _parts(within: FieldOperator | None, depth: int, *, mentions: bool) -> st.SearchStrategy[Node]:
    operands: st.SearchStrategy[Node] = st.one_of(phrases(), MENTIONS) if mentions and within != "source" else phrases()
    if not depth:
        return operands
    part = _parts(within, depth - 1, mentions=mentions)
    several = st.lists(part, min_size=2, max_size=3).map(tuple)
    kinds: list[st.SearchStrategy[Node]] = [operands, several.map(And), several.map(Or), part.map(Not)]
    if within != "source":
        side = st.one_of(operands, st.lists(operands, min_size=2, max_size=3).map(lambda row: Or(tuple(row))))
        kinds.append(st.builds(Near, st.integers(1, 6), side, side))
    if within is None:
        kinds += [_within(name, depth - 1, mentions=mentions) for name in get_args(FieldOperator)]
    return st.one_of(kinds)


def _within(name: FieldOperator, depth: int, *, mentions: bool) -> st.SearchStrategy[Node]:
    return _parts(name, depth, mentions=mentions).map(lambda inner: Within(name, inner))
