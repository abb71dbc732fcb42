"""What the judge is asked about after reading the text around: pairs of a pseudonym and a person or particular, and
pseudonyms alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerting import judge
from alerting.layout import Layout, Link
from alerting.pieces import Sighted, name_share
from alerting.places import RUNNING_TEXT, Place
from alerting.reading import word_count
from alerting.signals import TIES, Bond, signal_table
from core.types import Entity, EntityType

_MOST_PAIRS = 20
"""So many pairs of one document are asked about at most, the nearest: a question takes some twelve milliseconds."""
_FEWEST_WORDS = 5
"""Of a text with fewer words than that beside the pseudonym, such as a list, the judge cannot tell what is meant."""
_MOST_GLANCES = 24
"""The first glance is at so many mentions of pseudonyms in one document."""
_MOST_ALONE = 8
"""So many pseudonyms are asked about alone, those that look the likeliest at first glance."""
_NAMED = frozenset({EntityType.PERSON, EntityType.LOCATION, EntityType.ORGANIZATION})


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A pseudonym, and a person or particular near it. ``is_settled``: the judge is not to be asked."""

    one: Sighted
    place: Place
    entity: Entity
    link: Link
    is_settled: bool = False


def settle(layout: Layout, pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs, each with the bond that it has after the judge was heard: it may see one where no construction
    does, and see none where one does. ``pairs`` are of one document.

    What is said of a pair depends on the text and the pair alone, so that more evidence takes nothing away: but for
    documents with more pairs than are asked about.
    """
    nearest = sorted(filter(_is_asked, pairs), key=lambda pair: pair.link.words)[:_MOST_PAIRS]
    questions = {pair: _question(layout, pair) for pair in nearest}
    wordings = list(dict.fromkeys(questions.values()))
    chances = dict(zip(wordings, judge.opinions(wordings), strict=True))
    return [_heard(pair, chances[questions[pair]]) if pair in questions else pair for pair in pairs]


def given_away(layout: Layout, pseudonyms: Sequence[Sighted]) -> list[Sighted]:
    """Return those of the pseudonyms of whom the judge reads that the text tells who or where the owner is, whether or
    not anybody was recognised there."""
    questions: dict[str, list[Sighted]] = {}
    for one in pseudonyms:
        if len(questions) < _MOST_GLANCES and one.place.axis == RUNNING_TEXT and not is_unclear_word(layout, one):
            wording = judge.question(layout.text, (one.place.start, one.place.end))
            questions.setdefault(wording, []).append(one)
    glances = {wording: judge.glance(wording) for wording in questions if word_count(wording) >= _FEWEST_WORDS}
    likeliest = sorted((one for one in glances if glances[one] > 0), key=lambda one: -glances[one])[:_MOST_ALONE]
    needed = signal_table().judge.gives_away_from
    chances = zip(likeliest, judge.opinions(likeliest), strict=True)
    return [one for wording, chance in chances if chance >= needed for one in questions[wording]]


def is_unclear_word(layout: Layout, one: Sighted) -> bool:
    """Return whether the pseudonym is an ordinary word, and nothing around it says that somebody is called so."""
    return one.match.is_ordinary and not layout.is_called(one.place)


def _question(layout: Layout, pair: Pair) -> str:
    """Return the question about the pair: about somebody or something with a name, where it stands nearest to the
    pseudonym, so that all mentions of one name make one question."""
    pseudonym = (pair.one.place.start, pair.one.place.end)
    asked = (pair.place.start, pair.place.end)
    if pair.entity.type in _NAMED:
        asked = judge.nearest(layout.text, pseudonym, asked)
    kind = judge.Kind.PERSON if pair.entity.type is EntityType.PERSON else judge.Kind.PARTICULAR
    return judge.question(layout.text, pseudonym, judge.Mention(asked, kind))


def _is_asked(pair: Pair) -> bool:
    if pair.is_settled or pair.place.axis != RUNNING_TEXT or pair.link.bond is Bond.LISTED:
        return False
    if pair.entity.type is EntityType.PERSON:
        return name_share(pair.entity.found) > signal_table().public_name_share
    table = signal_table()
    return table.particulars[pair.entity.type].linked >= table.judge.asked_from_points


def _heard(pair: Pair, chance: float) -> Pair:
    """Return the pair after the judge gave this chance to that the two belong together."""
    table = signal_table().judge
    if pair.link.bond in TIES:
        return _with(pair, Bond.SENTENCE) if chance < table.denies_below else pair
    needed = table.joins_against_talk_from if pair.link.bond is Bond.RELATED else table.joins_from
    return _with(pair, Bond.JUDGED) if chance >= needed else pair


def _with(pair: Pair, bond: Bond) -> Pair:
    return replace(pair, link=replace(pair.link, bond=bond, phrase=None))
