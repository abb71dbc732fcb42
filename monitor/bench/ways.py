"""The ways to look for handles in posts that are measured beside one another: the engine, and what one would
write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from core.types import Catalogue, Community, Document, Term, TermKind, Watchlist
from monitor.parts import Parts

Look: TypeAlias = Callable[[Sequence[Document]], object]
"""Looks through documents for the handles that it was built for."""

ENGINE = "leakwatch"
PARTIAL_RATIO = "partial_ratio"
_LEAST_RATIO = 90
_MOST_EDITS = 2
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to look. ``together``: how many documents one call is best given."""

    name: str
    description: str
    build: Callable[[Sequence[str]], Look]
    together: int = 1


def ways(parts: Parts) -> list[Way]:
    """Return all ways, the engine first. Building one raises ImportError where its package is missing."""
    return [
        Way(ENGINE, "this engine, at balanced sensitivity", lambda handles: _engine(parts, handles), together=512),
        Way(PARTIAL_RATIO, f"rapidfuzz process.extract(partial_ratio, score_cutoff={_LEAST_RATIO})", _partial_ratio),
        Way("cdist", f"rapidfuzz process.cdist of words, Levenshtein distance at most {_MOST_EDITS}", _cdist),
        Way("aho_corasick", "ahocorasick-rs, exact", _aho_corasick),
        Way("regex", "re, one alternation of all handles, exact", _regex),
    ]


def _engine(parts: Parts, handles: Sequence[str]) -> Look:
    terms = (
        Term(id=str(number), reference=str(number), watchlist_id="bench", kind=TermKind.PSEUDONYM, value=handle)
        for number, handle in enumerate(handles)
    )
    return parts.index(
        Catalogue(
            communities=(Community(id="bench", name="bench"),),
            watchlists=(Watchlist(id="bench", community_id="bench", name="bench"),),
            terms=tuple(terms),
        )
    ).find


def _partial_ratio(handles: Sequence[str]) -> Look:
    choices = [handle.lower() for handle in handles]
    return lambda documents: [
        process.extract(
            document.text.lower(), choices, scorer=fuzz.partial_ratio, score_cutoff=_LEAST_RATIO, limit=None
        )
        for document in documents
    ]


def _cdist(handles: Sequence[str]) -> Look:
    choices = [handle.lower() for handle in handles]

    def look(documents: Sequence[Document]) -> object:
        found = []
        for document in documents:
            if words := list(set(_WORD.findall(document.text.lower()))):
                distances = process.cdist(
                    words, choices, scorer=Levenshtein.distance, score_cutoff=_MOST_EDITS, dtype=np.uint8, workers=1
                )
                found.append(np.argwhere(distances <= _MOST_EDITS))
        return found

    return look


def _aho_corasick(handles: Sequence[str]) -> Look:
    from ahocorasick_rs import AhoCorasick

    automaton = AhoCorasick([handle.lower() for handle in handles])
    return lambda documents: [
        automaton.find_matches_as_indexes(document.text.lower(), overlapping=True) for document in documents
    ]


def _regex(handles: Sequence[str]) -> Look:
    pattern = re.compile("|".join(re.escape(handle.lower()) for handle in handles))
    return lambda documents: [pattern.findall(document.text.lower()) for document in documents]
