"""Domains: the watched one and its subdomains, however they are hidden, and those that imitate it.

Only texts with something like a dot inside a word are looked at. Their host names are looked up, not compared with
every watched domain. :mod:`matchers.hosts` finds host names, :mod:`matchers.squats` knows imitations.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from core.errors import UsageError
from core.types import (
    FIELD_NAMES,
    Candidate,
    FieldName,
    FoldedDocument,
    FoldedText,
    Match,
    MatchMode,
    Sensitivity,
    Term,
    TermKind,
    Watchlist,
)
from matchers.candidates import best_first, matches_of
from matchers.folding import Undone, fold_text, folded_forms, transformations
from matchers.hosts import LONGEST_HOST, LONGEST_LABEL, Host, Joint, Label, hosts_in, may_hold_host, public_suffix
from matchers.squats import EMBEDDED, HOMOGLYPH, Name, Squat, SquatTable

SUBDOMAIN = "subdomain"
DEFANGED = "defanged"
PUNYCODE = "punycode"

_CASE = str(Undone.CASE.name).lower()
_LOOK_ALIKE = {HOMOGLYPH, str(Undone.DIACRITICS.name).lower()}
_WIDTHS = (Sensitivity.STRICT, Sensitivity.BALANCED, Sensitivity.WIDE)
_SIMILARITY_OF_EMBEDDED = 0.9
_LONGEST_SCHEME = 16
_SCHEME = re.compile(r"h(?:tt|xx|\*\*)ps?[^\w\s]{1,6}\Z")
_PLAIN_SCHEMES = ("http://", "https://")


class DomainMatcher:
    """Looks for domains, their subdomains, and what imitates them as far as the sensitivity goes."""

    kind: ClassVar[str] = "domains"
    term_kinds: ClassVar[frozenset[TermKind]] = frozenset({TermKind.DOMAIN})

    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, settings: Settings) -> None:
        pass

    def check(self, term: Term) -> None:
        """Raise UsageError for a value or an alias that is no domain that somebody can own."""
        for value in (term.value, *term.variants):
            _labels(value)

    def compile(self, terms: Sequence[Term], watchlists: Mapping[str, Watchlist]) -> DomainFinder:
        """Return a finder for these terms."""
        return DomainFinder(
            _Domain.of(term, value, watchlists[term.watchlist_id].sensitivity)
            for term in terms
            for value in (term.value, *term.variants)
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Domain:
    """A watched domain. ``forms`` are its labels, folded, in every way that folding may give them."""

    term: Term
    is_exact: bool
    sensitivity: Sensitivity
    written: tuple[str, ...] = field(repr=False)
    forms: frozenset[tuple[str, ...]] = field(repr=False)
    suffix_length: int

    @classmethod
    def of(cls, term: Term, value: str, sensitivity: Sensitivity) -> _Domain:
        """Return what is to be looked for. Raises UsageError for a value that is no domain."""
        written = _labels(value)
        mode = term.settings.match
        domain = ".".join(written)
        return cls(
            term=term,
            is_exact=mode is MatchMode.EXACT,
            sensitivity=sensitivity if mode in (None, MatchMode.FUZZY) else Sensitivity.STRICT,
            written=written,
            forms=frozenset(tuple(form.split(".")) for form in folded_forms(domain)),
            suffix_length=public_suffix(written)[0],
        )

    @property
    def names(self) -> Iterator[Name]:
        """The registrable parts of the forms."""
        for form in self.forms:
            yield Name(form[-self.suffix_length - 1], form[-self.suffix_length :])


class DomainFinder:
    """All watched domains, made ready for one pass."""

    def __init__(self, domains: Iterable[_Domain]) -> None:
        self._by_form: defaultdict[tuple[str, ...], list[_Domain]] = defaultdict(list)
        self._by_name: defaultdict[Name, list[_Domain]] = defaultdict(list)
        for domain in domains:
            for form in domain.forms:
                self._by_form[form].append(domain)
            for name in set(domain.names):
                self._by_name[name].append(domain)
        self._lengths = sorted({len(form) for form in self._by_form})
        self._squats = SquatTable(
            {
                name: max((domain.sensitivity for domain in domains_of), key=_WIDTHS.index)
                for name, domains_of in self._by_name.items()
            }
        )

    @cached_property
    def _all_squats(self) -> SquatTable:
        """What imitates a domain at any sensitivity."""
        return SquatTable(dict.fromkeys(self._by_name, Sensitivity.WIDE))

    def find(self, batch: Sequence[FoldedDocument]) -> list[list[Match]]:
        """Return, for each document of the batch, its matches in order of their spans."""
        return [matches_of(self._candidates(document, self._squats), TermKind.DOMAIN) for document in batch]

    def explain(self, document: FoldedDocument) -> list[Candidate]:
        """Return the host names that are a watched domain or imitate one, those that do not count last, at most 20
        a term."""
        return best_first(self._candidates(document, self._all_squats))

    def _candidates(self, document: FoldedDocument, squats: SquatTable) -> Iterator[Candidate]:
        for name in FIELD_NAMES if self._by_form else ():
            original = document.document.field(name)
            if original and may_hold_host(original):
                folded = document.fields[name]
                for host in hosts_in(folded):
                    if not _is_mailbox(folded.text, host):
                        yield from self._at(name, folded, host, squats)

    def _at(self, name: FieldName, folded: FoldedText, host: Host, squats: SquatTable) -> Iterator[Candidate]:
        texts = [label.text for label in host.labels]
        found = set()
        for length in self._lengths:
            for start in range(len(texts) - length + 1):
                if domains := self._by_form.get(tuple(texts[start : start + length])):
                    place = _Place(name, folded, host, start, start + length)
                    whole = place.around()
                    for domain in domains:
                        if not whole.is_other_suffix(place, domain):
                            found.add(domain.term.id)
                            yield _judge(place, whole, domain)
        for first, end in host.unspaced():
            if end - first < 2 or _is_sentence_end(folded, host, first, end):
                continue
            place = _Place(name, folded, host, first, end)
            for squat in squats.squats(tuple(texts[first:end]), place.written):
                for domain in self._by_name[squat.name]:
                    if domain.term.id not in found:
                        yield _judge_squat(place, domain, squat)


@dataclass(frozen=True, slots=True)
class _Place:
    """The labels ``start`` to ``end`` of a host name in a field."""

    name: FieldName
    folded: FoldedText = field(repr=False)
    host: Host = field(repr=False)
    start: int
    end: int

    @property
    def written(self) -> tuple[str, ...]:
        """The labels as they are written there."""
        return tuple(label.written(self.folded) for label in self.host.labels[self.start : self.end])

    @property
    def bounds(self) -> tuple[int, int]:
        """Where the place stands in the folded text."""
        return self.host.labels[self.start].start, self.host.labels[self.end - 1].end

    def undone(self) -> list[str]:
        """Return what was undone to read the labels so."""
        names = [name for name in transformations(self.folded, *self.bounds) if name != _CASE]
        is_punycode = any(label.decoded is not None for label in self.host.labels[self.start : self.end])
        return [*names, PUNYCODE] if is_punycode else names

    @property
    def is_defanged(self) -> bool:
        """Whether dots or the scheme before are written so that no program makes a link of the place."""
        if any(joint is not Joint.DOT for joint in self.host.joints[self.start : self.end - 1]):
            return True
        start = self.bounds[0]
        before = self.folded.text[max(0, start - _LONGEST_SCHEME) : start]
        return _SCHEME.search(before) is not None and not before.endswith(_PLAIN_SCHEMES)

    @property
    def is_user(self) -> bool:
        """Whether the place stands before the @ of an address: https://harborcommons.example@evil.example/."""
        return self.folded.text.startswith("@", self.bounds[1])

    def around(self) -> _Place:
        """Return the whole host name that the place is part of, without a sentence that goes on after it."""
        first, end = self.host.unspaced_around(self.start, self.end)
        whole = _Place(self.name, self.folded, self.host, first, end)
        after = end - self.end
        if after == 1 and (
            not public_suffix(whole.written)[1] or _is_sentence_start(self.folded, self.host.labels[self.end])
        ):
            return _Place(self.name, self.folded, self.host, first, self.end)
        return whole

    def is_other_suffix(self, place: _Place, domain: _Domain) -> bool:
        """Return whether what goes on after the domain's place in this host name only makes the public suffix longer:
        harborcommons.com.br has nothing to do with a com.br."""
        if place.end == self.end:
            return False
        return self.end - public_suffix(self.written)[0] <= place.end - domain.suffix_length

    def candidate(self, domain: _Domain, undone: Iterable[str], similarity: float, failure: str | None) -> Candidate:
        """Return the place as a candidate for the domain, passed unless it failed."""
        span = self.folded.span(self.name, *self.bounds)
        return Candidate(
            term_id=domain.term.id,
            span=span,
            found=self.folded.original[span.start : span.end],
            similarity=similarity,
            transformations=tuple(dict.fromkeys(undone)),
            passed=failure is None,
            reason=failure or "stands here",
        )


def _judge(place: _Place, whole: _Place, domain: _Domain) -> Candidate:
    """Return what the whole host name is at whose place the domain's labels stand."""
    undone = place.undone()
    if not all(map(str.isascii, domain.written)) and place.written == domain.written:
        undone = [name for name in undone if name not in _LOOK_ALIKE]
    elif place.written != domain.written or _LOOK_ALIKE.intersection(undone):
        undone.append(HOMOGLYPH)
    if whole.is_defanged:
        undone.append(DEFANGED)
    is_embedded = whole.end > place.end or whole.is_user
    if is_embedded:
        undone.append(EMBEDDED)
    is_disguised = bool(undone)
    if whole.start < place.start:
        undone.append(SUBDOMAIN)
    return whole.candidate(
        domain,
        undone,
        _SIMILARITY_OF_EMBEDDED if is_embedded else 1.0,
        "is not written exactly so" if domain.is_exact and is_disguised else None,
    )


def _judge_squat(place: _Place, domain: _Domain, squat: Squat) -> Candidate:
    failure = None
    if domain.is_exact:
        failure = "is another domain, and the term asks for this one only"
    elif _WIDTHS.index(squat.sensitivity) > _WIDTHS.index(domain.sensitivity):
        failure = f"imitates the domain in a way that counts from sensitivity {squat.sensitivity} on"
    undone = [*place.undone(), *squat.transformations]
    if place.is_defanged:
        undone.append(DEFANGED)
    return place.candidate(domain, undone, squat.similarity, failure)


def _labels(value: str) -> tuple[str, ...]:
    """Return the labels of a domain, as written but for case. Raises UsageError for what is none."""
    folded = fold_text(value.strip().lower().removeprefix("www."))
    hosts = list(hosts_in(folded))
    labels = hosts[0].labels if hosts else ()
    written = tuple(label.written(folded) for label in labels)
    if (
        len(hosts) != 1
        or any("." in label for label in written)
        or (labels[0].start, labels[-1].end) != (0, len(folded.text))
        or any(joint is not Joint.DOT for joint in hosts[0].joints)
        or any(label.end - label.start > LONGEST_LABEL for label in labels)
        or len(folded.text) > LONGEST_HOST
        or labels[-1].text.isdigit()
    ):
        raise UsageError("a domain is written like harborcommons.example, without https://, path, spaces or @")
    if public_suffix(written)[0] >= len(written):
        raise UsageError("this is a public suffix, under which anybody may have a domain; watch your own one under it")
    return written


def _is_mailbox(text: str, host: Host) -> bool:
    """Return whether what looks like a host name is the part of an e-mail address before the @."""
    start, end = host.labels[0].start, host.labels[-1].end
    return text.startswith("@", end) and not text.endswith("//", 0, start)


def _is_sentence_end(folded: FoldedText, host: Host, first: int, end: int) -> bool:
    """Return whether two words with a dot are rather the end of a sentence, with the space after it forgotten."""
    return end - first == 2 and _is_sentence_start(folded, host.labels[first + 1])


def _is_sentence_start(folded: FoldedText, label: Label) -> bool:
    """Return whether the label is written with a capital in front: "end.The next"."""
    return folded.original[folded.starts[label.start] : folded.ends[label.end - 1]].istitle()
