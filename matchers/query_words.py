"""All words and phrases of all queries, looked for in one pass over a document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter

from core.types import FoldedDocument, FoldedText, Sensitivity
from matchers.folding import PLURAL, TYPO, fold_text, folded_forms
from matchers.nearby import NearbyWords
from matchers.phrases import PhraseTable, Words
from matchers.query_evaluation import Area, Place, Places
from matchers.query_language import TYPOS_FROM, Phrase
from matchers.words import is_ordinary


class QueryWords:
    """The phrases of many queries, made ready for one pass. Safe to use from several threads."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._table: PhraseTable[Phrase] = PhraseTable()
        misspelt: defaultdict[str, list[Phrase]] = defaultdict(list)
        for phrase in frozenset(phrases):
            for form in folded_forms(phrase.text):
                self._table.add(f"{form}*" if phrase.ending == "*" else form, phrase)
                if phrase.ending == "~":
                    misspelt[form].append(phrase)
        self._misspelt = dict(misspelt)
        self._nearby = NearbyWords(self._misspelt, lambda word: _typos_allowed(word, Sensitivity.WIDE))

    def find(self, document: FoldedDocument) -> dict[Phrase, Places]:
        """Return where the phrases stand that do. The places of a fuzzy one are those with any number of typos."""
        found: defaultdict[Phrase, defaultdict[Area, list[Place]]] = defaultdict(lambda: defaultdict(list))
        source = document.document.source
        areas: list[tuple[Area, FoldedText]] = [*document.fields.items()]
        if source:
            areas.append(("source", fold_text(source)))
        for name, folded in areas:
            for stand in self._table.find(folded):
                place = Place(
                    folded.starts[stand.start],
                    folded.ends[stand.end - 1],
                    undone=(PLURAL,) if stand.is_plural else (),
                    written=(stand.start, stand.end),
                )
                for phrase in stand.owners:
                    found[phrase][name].append(place)
            words = Words(folded.text) if self._misspelt else ()
            for index, text in enumerate(words.texts if words else ()):
                for meant, typos in self._meant_by(text):
                    word = words[index]
                    place = Place(
                        folded.starts[word.start],
                        folded.ends[word.end - 1],
                        similarity=1 - typos / len(meant),
                        undone=(TYPO,),
                        written=(word.start, word.end),
                        typos=typos,
                    )
                    for phrase in self._misspelt[meant]:
                        found[phrase][name].append(place)
        return {
            phrase: {name: sorted(places, key=attrgetter("start", "end")) for name, places in by_name.items()}
            for phrase, by_name in found.items()
        }

    def is_misspelt_in(self, document: FoldedDocument) -> bool:
        """Return whether a word that may be mistyped stands so in the document."""
        return bool(self._misspelt) and any(
            self._meant_by(word) for text in document.fields.values() for word in Words(text.text).texts
        )

    def _meant_by(self, written: str) -> list[tuple[str, int]]:
        """Return the words that the written one is a misspelling of, with the number of typos. The first letter is
        seldom mistyped (Yannakoudakis and Fawthrop, 1983), and another ordinary word is no misspelling."""
        near = [(meant, typos) for meant, typos in self._nearby.near(written) if typos and meant[0] == written[0]]
        return [] if not near or is_ordinary(written) else near


def tolerated(phrases: Mapping[Phrase, Places], sensitivity: Sensitivity) -> dict[Phrase, Places]:
    """Return the places without those that have more typos than the sensitivity allows."""
    kept: dict[Phrase, Places] = {}
    for phrase, by_name in phrases.items():
        if phrase.ending == "~":
            allowed = _typos_allowed(phrase.text, sensitivity)
            by_name = {name: [one for one in places if one.typos <= allowed] for name, places in by_name.items()}
        kept[phrase] = by_name
    return kept


def _typos_allowed(word: str, sensitivity: Sensitivity) -> int:
    return sum(len(word) >= shortest for shortest in TYPOS_FROM[sensitivity])
