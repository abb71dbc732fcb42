"""What folding undid in a text, and where: for people who want to see how a text is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from matchers.folding import Undone, fold_text, transformations

_CASE = str(Undone.CASE.name).lower()
_INVISIBLE = str(Undone.ZERO_WIDTH.name).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """The code points ``start`` to ``end`` of a text, as they are ``written`` and as they are ``meant`` (nothing,
    for what is invisible)."""

    start: int
    end: int
    written: str = field(repr=False)
    meant: str = field(repr=False)
    transformations: tuple[str, ...]


def undoings(text: str) -> list[Undoing]:
    """Return what folding undoes beside case, in order; stretches of which the same was undone are one."""
    joined: list[Undoing] = []
    for undoing in _by_character(text):
        last = joined[-1] if joined else None
        if last and last.end == undoing.start and last.transformations == undoing.transformations:
            joined[-1] = Undoing(
                start=last.start,
                end=undoing.end,
                written=last.written + undoing.written,
                meant=last.meant + undoing.meant,
                transformations=last.transformations,
            )
        else:
            joined.append(undoing)
    return joined


def _by_character(text: str) -> Iterator[Undoing]:
    folded = fold_text(text)
    reached = first = 0
    while first < len(folded.text):
        # Letters that came from one character: ß gave two.
        start, end = folded.starts[first], folded.ends[first]
        after = first + 1
        while after < len(folded.text) and folded.starts[after] == start:
            after += 1
        if reached < start:
            yield _removed(text, reached, start)
        names = {name for place in range(first, after) for name in transformations(folded, place, place + 1)}
        if names := names - {_CASE}:
            yield Undoing(
                start=start,
                end=end,
                written=text[start:end],
                meant=folded.text[first:after],
                transformations=tuple(sorted(names)),
            )
        reached, first = end, after
    if reached < len(text):
        yield _removed(text, reached, len(text))


def _removed(text: str, start: int, end: int) -> Undoing:
    return Undoing(start=start, end=end, written=text[start:end], meant="", transformations=(_INVISIBLE,))
