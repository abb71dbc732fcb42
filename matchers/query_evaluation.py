"""Whether a query holds for a document, where, and why not.

An operand stands at places. What the community's other terms and the recognisers found is given; as long as the
recognisers have not looked, ``@person`` and ``@pii`` may stand anywhere, and a query may be undecided.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Literal, TypeAlias

from core.types import FIELD_NAMES, FieldName, FoldedDocument
from matchers.phrases import Words
from matchers.query_language import And, FieldOperator, Mention, Near, Node, Not, Operand, Or, Phrase, Within, children


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operand stands, in code points of the field's original text. ``written`` is where the query's own
    words stand in the folded text: what folding undid there belongs to ``undone``, and is looked up where wanted.
    ``typos`` is how many edits away from a word of the query the written one is."""

    start: int
    end: int
    similarity: float = 1.0
    undone: tuple[str, ...] = ()
    written: tuple[int, int] | None = None
    typos: int = 0


Area: TypeAlias = FieldName | Literal["source"]
"""What may be looked into: the document's fields, and the name of its source, in which nothing can be shown."""

Places: TypeAlias = Mapping[Area, Sequence[Place]]
"""By area, in order of their starts. An area without a place may be left out."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a query holds: a place, or the two places of a NEAR, in their order."""

    field: FieldName
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The queries of one community on one document. An operand that stands nowhere is not in ``places``; ``open``
    are the mentions of which it is not known where they stand."""

    document: FoldedDocument
    places: Mapping[Operand, Places] = field(repr=False)
    open: frozenset[Mention]
    _words: dict[FieldName, tuple[Sequence[int], Sequence[int]]] = field(default_factory=dict, repr=False)

    def holds(self, node: Node, within: FieldOperator | None = None) -> bool | None:
        """Return whether the node holds in the field (None: in any); None where that depends on open mentions."""
        match node:
            case Not():
                holds = self.holds(node.part, within)
                return None if holds is None else not holds
            case And():
                return _all(self.holds(part, within) for part in node.parts)
            case Or():
                return _any(self.holds(part, within) for part in node.parts)
            case Within():
                return self.holds(node.part, node.name)
            case Near():
                return self._pair(node, within)[1]
            case _:
                if any(self._places(node, area) for area in _areas(within)):
                    return True
                return None if node in self.open else False

    def evidence(self, node: Node, within: FieldOperator | None = None) -> Evidence | None:
        """Return what shows that the node, which holds, does: of alternatives the one that stands first, of parts
        joined by AND the one that is named first, of NEAR the two places that stand closest. None for what shows
        by standing nowhere, or in the source's name."""
        match node:
            case Not():
                return None
            case And():
                return next(filter(None, (self.evidence(part, within) for part in node.parts)), None)
            case Or():
                shown = [
                    evidence
                    for part in node.parts
                    if self.holds(part, within) and (evidence := self.evidence(part, within))
                ]
                return min(shown, key=_position, default=None)
            case Within():
                return self.evidence(node.part, node.name)
            case Near():
                return self._pair(node, within)[0]
            case _:
                for name in self._shown(within):
                    if places := self._places(node, name):
                        return Evidence(name, (places[0],))
                return None

    def everywhere(self, node: Node, within: FieldOperator | None = None) -> Iterator[Evidence]:
        """Yield all that shows that the node, which holds, does: of what is joined by AND or OR every part that holds,
        of NEAR every place with those that stand next to it, where they are close enough."""
        match node:
            case Not():
                return
            case And() | Or():
                for part in node.parts:
                    if self.holds(part, within):
                        yield from self.everywhere(part, within)
            case Within():
                yield from self.everywhere(node.part, node.name)
            case Near():
                for name in self._shown(within):
                    pairs = self._pairs(self._places(node.left, name), self._places(node.right, name), name)
                    yield from (evidence for distance, evidence in pairs if distance <= node.words)
            case _:
                for name in self._shown(within):
                    yield from (Evidence(name, (place,)) for place in self._places(node, name))

    def lacking(self, node: Node) -> Node:
        """Return the smallest part to blame for that the node does not hold."""
        match node:
            case And():
                return self.lacking(next(part for part in node.parts if not self.holds(part)))
            case _:
                return node

    def standing(self, node: Node, within: FieldOperator | None = None) -> list[Evidence]:
        """Return where the operands of the node stand, the first place of each."""
        if isinstance(node, Phrase | Mention):
            evidence = self.evidence(node, within)
            return [evidence] if evidence else []
        if isinstance(node, Within):
            within = node.name
        return [evidence for part in children(node) for evidence in self.standing(part, within)]

    def _pair(self, near: Near, within: FieldOperator | None) -> tuple[Evidence | None, bool | None]:
        """Return the two places of a NEAR that stand closest, where they are close enough, and whether it holds."""
        best: tuple[int, Evidence] | None = None
        is_open = False
        for name in self._shown(within):
            left, left_open = self._places(near.left, name), self._is_open(near.left, name)
            if not left and not left_open:
                continue
            right, right_open = self._places(near.right, name), self._is_open(near.right, name)
            is_open |= bool((left_open or right_open) and (right or right_open))
            closest = self._closest(left, right, name) if left and right else None
            if closest and closest[0] <= near.words and (best is None or closest[0] < best[0]):
                best = closest
        if best:
            return best[1], True
        return None, None if is_open else False

    def _places(self, node: Node, name: Area) -> Sequence[Place]:
        """Return where an operand of NEAR, or an operand, stands in the field."""
        match node:
            case Phrase() | Mention():
                return self.places.get(node, {}).get(name, ())
            case Within():
                return self._places(node.part, name) if node.name == name else ()
            case _:
                return sorted(
                    (place for part in children(node) for place in self._places(part, name)),
                    key=attrgetter("start", "end"),
                )

    def _is_open(self, node: Node, name: FieldName) -> bool:
        match node:
            case _ if not self.open:
                return False
            case Mention():
                return node in self.open
            case Within():
                return node.name == name and self._is_open(node.part, name)
            case _:
                return any(self._is_open(part, name) for part in children(node))

    def _closest(self, left: Sequence[Place], right: Sequence[Place], name: FieldName) -> tuple[int, Evidence] | None:
        """Return the two places, one of each, with the fewest words from the one to the other, and how many these
        are; None where all overlap."""
        return min(self._pairs(left, right, name), key=itemgetter(0), default=None)

    def _pairs(self, left: Sequence[Place], right: Sequence[Place], name: FieldName) -> Iterator[tuple[int, Evidence]]:
        """Yield, for each place of the side that has fewer, the places of the other right after and before it, and how
        many words away these are."""
        few, many = sorted((left, right), key=len)
        starts = [place.start for place in many]
        by_end = sorted(many, key=attrgetter("end"))
        ends = [place.end for place in by_end]
        for place in few:
            after = bisect_left(starts, place.end)
            before = bisect_right(ends, place.start) - 1
            pairs = [(place, many[after])] if after < len(many) else []
            if before >= 0:
                pairs.append((by_end[before], place))
            for first, second in pairs:
                yield self._words_to(name, first, second), Evidence(name, (first, second))

    def _shown(self, within: FieldOperator | None) -> Iterator[FieldName]:
        """Yield the fields, those that are not empty, in which something can be shown."""
        return (name for name in FIELD_NAMES if within in (None, name) and name in self.document.fields)

    def _words_to(self, name: FieldName, first: Place, second: Place) -> int:
        """Return how many words away the second place is from the first: the next word stands 1 word away."""
        bounds = self._words.get(name)
        if bounds is None:
            folded = self.document.fields[name]
            words = Words(folded.text)
            bounds = [folded.starts[word.start] for word in words], [folded.ends[word.end - 1] for word in words]
            self._words[name] = bounds
        starts, ends = bounds
        return bisect_right(ends, second.start) - bisect_left(starts, first.end) + 1


def _areas(within: FieldOperator | None) -> Sequence[Area]:
    return FIELD_NAMES if within is None else (within,)


def _position(evidence: Evidence) -> tuple[int, int]:
    return FIELD_NAMES.index(evidence.field), evidence.places[0].start


def _all(answers: Iterable[bool | None]) -> bool | None:
    is_open = False
    for answer in answers:
        if answer is False:
            return False
        is_open |= answer is None
    return None if is_open else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    is_open = False
    for answer in answers:
        if answer:
            return True
        is_open |= answer is None
    return None if is_open else False
