"""Host names in folded text, written plainly or so that no program makes a link of them (``[.]``, ``dot``)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from publicsuffixlist import PublicSuffixList

from core.tables import load_table
from core.types import FoldedText
from matchers.folding import fold_text
from matchers.phrases import UNSPACED

LONGEST_LABEL = 63
LONGEST_HOST = 253
"""Characters of a label and of a host name (RFC 1035)."""
_MOST_LABELS = 32
"""Of a host name: what goes on longer is taken for several. RFC 1035 allows 127, nobody has ten."""
_MOST_LABELS_OF_A_SUFFIX = 6
_REMEMBERED_SUFFIXES = 16_384


class Joint(Enum):
    """What stands between two labels."""

    DOT = auto()
    BRACKETS = auto()
    """A dot, or the word for it, in brackets: nobody writes it so but for a dot."""
    SPACES = auto()
    """A dot, or the word, between spaces: may as well be two sentences."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a host name, folded, and where it stands in the folded text; ``decoded`` is what its ASCII form
    (RFC 3492), if it stands there so, means."""

    text: str = field(repr=False)
    start: int
    end: int
    decoded: str | None = field(default=None, repr=False)

    def written(self, folded: FoldedText) -> str:
        """Return the label as it is written in the text but for case, width and what is invisible."""
        if self.decoded is not None:
            return self.decoded
        original = folded.original[folded.starts[self.start] : folded.ends[self.end - 1]]
        return self.text if original.isascii() else _plain(original)


@dataclass(frozen=True, slots=True)
class Host:
    """Labels in a row; ``joints[i]`` stands between the labels ``i`` and ``i + 1``."""

    labels: Sequence[Label]
    joints: Sequence[Joint]

    def unspaced(self) -> Iterator[tuple[int, int]]:
        """Yield the runs of labels, by first and end, that no spaces part."""
        first = 0
        for index, joint in enumerate(self.joints, 1):
            if joint is Joint.SPACES:
                yield first, index
                first = index
        yield first, len(self.labels)

    def unspaced_around(self, start: int, end: int) -> tuple[int, int]:
        """Return first and end of the run around the labels ``start`` to ``end``."""
        while start > 0 and self.joints[start - 1] is not Joint.SPACES:
            start -= 1
        while end < len(self.labels) and self.joints[end - 1] is not Joint.SPACES:
            end += 1
        return start, end


def tables() -> dict[str, Any]:
    """Return ``domains.yaml``."""
    return _TABLES


def may_hold_host(original: str) -> bool:
    """Return whether a host name may stand in the text, before it is folded."""
    if _DOT_INSIDE.search(original):
        return True
    lowered = original.lower()
    return any(sign in lowered for sign in _RARE_DOTS)


def hosts_in(folded: FoldedText) -> Iterator[Host]:
    """Yield what has the form of a host name, in order."""
    text = folded.text
    for stretch in _HOST.finditer(text):
        labels = []
        joints = []
        for step in _STEP.finditer(text, *stretch.span()):
            if step["dot"] is not None:
                joints.append(_joint(step["dot"]))
            labels.append(_label(text, *step.span("label")))
        yield Host(labels, joints)


def public_suffix(labels: Sequence[str]) -> tuple[int, bool]:
    """Return how many of the labels, as written, are the public suffix, and whether it is a listed one; of a suffix
    that is not listed it is the last label."""
    return _public_suffix(".".join(labels[-_MOST_LABELS_OF_A_SUFFIX:]))


@lru_cache(_REMEMBERED_SUFFIXES)
def _public_suffix(domain: str) -> tuple[int, bool]:
    suffix = _suffixes().publicsuffix(domain, accept_unknown=False)
    return (1, False) if suffix is None else (suffix.count(".") + 1, True)


def _joint(written: str) -> Joint:
    if written in ".。":
        return Joint.DOT
    return Joint.SPACES if written.strip() in ("dot", ".", "。") else Joint.BRACKETS


def _label(text: str, start: int, end: int) -> Label:
    label = text[start:end]
    if not label.startswith("xn--") or end - start > LONGEST_LABEL:
        return Label(label, start, end)
    decoded = _decoded(label)
    return Label(fold_text(decoded).text, start, end, decoded)


def _decoded(label: str) -> str:
    try:
        return _plain(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _plain(label: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKC", label).lower() if unicodedata.category(one) != "Cf")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


_TABLES: dict[str, Any] = load_table(files("matchers") / "domains.yaml")
_DOT_WORDS = "|".join(_TABLES["dot_words"])
_RARE_DOTS = [
    *"。．｡․",
    *("&#46", "&#x2e", "&period", "%2e", " . ", " dot "),
    *(bracket + dot for bracket in "[({<" for dot in (".", " .", *_TABLES["dot_words"])),
]
# A dot before an ASCII letter or digit, or anything beyond ASCII.
_DOT_INSIDE = re.compile(r"\.[0-9A-Za-z\x80-\U0010ffff]")
_LETTER = rf"[^\W_{UNSPACED}]"
_LABEL = rf"(?:{_LETTER}++(?:-{{1,2}}{_LETTER}++)*+|[{UNSPACED}]++)"
_DOT = rf"(?:[.。]|\s{{0,2}}[\[({{<]\s?(?:[.。]|{_DOT_WORDS})\s?[\])}}>]\s{{0,2}}|\s{{1,2}}(?:[.。]|dot)\s{{1,2}})"
# Begins where no label goes on, so that every label is looked at once.
_HOST = re.compile(rf"(?<!{_LETTER})(?<!{_LETTER}-)(?<!{_LETTER}--){_LABEL}(?:{_DOT}{_LABEL}){{1,{_MOST_LABELS - 1}}}+")
_STEP = re.compile(rf"(?P<dot>{_DOT})?(?P<label>{_LABEL})")
