"""A plain, slow way to find pseudonyms: every stretch and every run of words against every form. It is the judge of
the fast ways, which must find the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

from core.types import Candidate, FieldName, FoldedText, Match
from matchers.disguises import Form, Place, Watched, forms_of, judge, judge_masked
from matchers.folding import LEET_CLASSES, SYMBOLS, fold_text
from matchers.odds import is_ordinary
from matchers.phrases import is_unspaced
from matchers.skeleton import Skeleton, skeleton
from matchers.words import ordinary_words


def plain_matches(watched: Sequence[Watched], name: FieldName, original: str) -> set[Match]:
    """Return everything that a finder of the watched terms must find in a field."""
    forms = [form for one in watched for form in forms_of(one)]
    folded = fold_text(original)
    candidates = [
        *_stretches(forms, name, folded, symbols=False),
        *_stretches(forms, name, folded, symbols=True),
        *_runs(forms, name, folded),
        *_masked(forms, name, folded),
    ]
    kinds = {one.term.id: one.term.kind for one in watched}
    return {
        Match(
            term_id=candidate.term_id,
            kind=kinds[candidate.term_id],
            span=candidate.span,
            found=candidate.found,
            similarity=candidate.similarity,
            transformations=candidate.transformations,
            is_ordinary=is_ordinary(candidate.found),
        )
        for candidate in candidates
        if candidate.passed
    }


def _stretches(forms: Sequence[Form], name: FieldName, folded: FoldedText, *, symbols: bool) -> Iterator[Candidate]:
    text = skeleton(folded.text, symbols=symbols)
    for form in forms:
        start = text.letters.find(form.letters)
        while start >= 0:
            place = Place(name, folded, text, start, start + len(form.letters))
            written = folded.text[place.folded_start : place.folded_end]
            starts_word = (
                start == 0 or text.starts[start] > text.ends[start - 1] or _is_unspaced_at(text, start, folded)
            )
            if (not symbols or any(sign in written for sign in SYMBOLS)) and (len(form.letters) >= 5 or starts_word):
                yield judge(place, form)
            start = text.letters.find(form.letters, start + 1)


def _is_unspaced_at(text: Skeleton, start: int, folded: FoldedText) -> bool:
    return any(is_unspaced(folded.text[at]) for at in (text.starts[start - 1], text.starts[start]))


def _runs(forms: Sequence[Form], name: FieldName, folded: FoldedText) -> Iterator[Candidate]:
    text = skeleton(folded.text)
    edges = [index for index in range(1, len(text.letters)) if text.starts[index] > text.ends[index - 1]]
    words = list(zip([0, *edges], [*edges, len(text.letters)], strict=True)) if text.letters else []
    for first in range(len(words)):
        for last in range(first, min(first + 4, len(words))):
            start, end = words[first][0], words[last][1]
            written = folded.text[text.starts[start] : text.ends[end - 1]]
            if re.search(r"\s", written):
                break
            each = [folded.text[text.starts[one] : text.ends[other - 1]] for one, other in words[first : last + 1]]
            if end - start < 4 or all(word in ordinary_words() for word in each):
                continue
            for form in forms:
                typos = OSA.distance(text.letters[start:end], form.letters, score_cutoff=2)
                if 0 < typos <= form.typos_allowed:
                    yield judge(Place(name, folded, text, start, end), form)


def _masked(forms: Sequence[Form], name: FieldName, folded: FoldedText) -> Iterator[Candidate]:
    for stretch in re.finditer(r"[\w*][\w*.\-]*[\w*]", folded.text):
        kept = [at for at in range(*stretch.span()) if folded.text[at] == "*" or folded.text[at].isalnum()]
        letters = "".join(LEET_CLASSES.get(folded.text[at], folded.text[at]) for at in kept)
        stars = letters.count("*")
        if stars not in (1, 2) or len(letters) - stars < 5 or len(stretch[0]) > 64:
            continue
        place = Place(name, folded, Skeleton(letters, kept, [at + 1 for at in kept]), 0, len(letters))
        for form in forms:
            fits = len(form.letters) == len(letters) and form.typos_allowed >= stars
            if fits and all(sign in ("*", letter) for sign, letter in zip(letters, form.letters, strict=True)):
                yield judge_masked(place, form)
