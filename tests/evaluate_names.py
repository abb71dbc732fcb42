"""Measures how well names are found: ``make evaluate-names`` (docs/evaluation.md holds the figures).

Names are put together from frequent forenames and surnames of a country, written in many ways, and put between real
comments; then the same comments are looked through for names that nobody put there.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.types import Document, Match, Sensitivity, Term, TermKind, Watchlist
from matchers.background import listed_chance
from matchers.batch import FoldedBatch
from matchers.candidates import best_apart
from matchers.folding import fold_text
from matchers.name_rules import nicknames
from matchers.names import NameFinder, NameMatcher
from matchers.phrases import Words
from matchers.words import forenames, is_name, names_that_are_words, ordinary_words, surnames

DICE = random.Random(31)
MATCHER = NameMatcher(NameMatcher.Settings())
TRIALS = 300
BATCH = 256
SENTENCES = (
    "that is {} I think",
    "so {} it is, as everybody knows",
    "ask {}!",
    "{} did that",
    "did you know that {} lives there?",
    "real name: {}",
    "you mean {}, right?",
)
LEET = str.maketrans("aeiostAEIOST", "431057431057")
LOOK_ALIKES = str.maketrans("aeocpxAEOCPX", "аеосрхАЕОСРХ")


@dataclass(frozen=True)
class Name:
    """Forename and surname of one country, romanised and as they are written there, with others of that country."""

    given: str
    family: str
    own_given: str
    own_family: str
    other_given: str
    other_family: str

    @property
    def full(self) -> str:
        return f"{self.given} {self.family}"


def names(path: Path) -> Iterator[Name]:
    """Yield names without end."""
    by_country: defaultdict[str, defaultdict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(path, "rt") as lines:
        for row in map(json.loads, lines):
            romanised, own = row["text"].split("/")[0].strip(), row["localized"].split("/")[0].strip()
            if own and fold_text(romanised).text.replace("-", "").isascii() and len(romanised.split()) == 1:
                by_country[row["country"]][row["kind"]].append((romanised, own))
    countries = [country for country, kinds in by_country.items() if len(kinds) == 2]
    while True:
        kinds = by_country[DICE.choice(countries)]
        (given, own_given), (other_given, _) = (DICE.choice(kinds["forename"]) for _ in range(2))
        (family, own_family), (other_family, _) = (DICE.choice(kinds["surname"]) for _ in range(2))
        if len({given, family, other_given, other_family}) == 4:
            yield Name(given, family, own_given, own_family, other_given, other_family)


def plain(text: str) -> str:
    """Return the text without marks on its letters."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def mistyped(word: str) -> str:
    """Return the word with one letter, not the first, left out, doubled, changed, or changed with the next."""
    written = word
    while written == word:
        at = DICE.randrange(1, len(word) - 1)
        written = DICE.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + DICE.choice("aeiourstnl") + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            )
        )
    return written


Way = Callable[[Name], tuple[str, str] | None]
"""What is watched, and how it is written; None where the name does not lend itself to that way."""


def ways() -> Mapping[str, Way]:
    return {
        "as it is": lambda n: (n.full, n.full),
        "small letters": lambda n: (n.full, n.full.lower()),
        "capitals": lambda n: (n.full, n.full.upper()),
        "without marks": lambda n: (n.full, plain(n.full)) if plain(n.full) != n.full else None,
        "Gonzalez, Maria": lambda n: (n.full, f"{n.family}, {n.given}"),
        "GONZALEZ Maria": lambda n: (n.full, f"{n.family.upper()} {n.given}"),
        "Gonzalez Maria": lambda n: (n.full, f"{n.family} {n.given}"),
        "M. Gonzalez, rare surname": lambda n: (n.full, f"{n.given[0]}. {n.family}") if is_rare(n.family) else None,
        "a middle initial more": lambda n: (n.full, f"{n.given} {n.other_given[0]}. {n.family}"),
        "a middle name more": lambda n: (n.full, f"{n.given} {n.other_given} {n.family}"),
        "the middle name left out": lambda n: (f"{n.given} {n.other_given} {n.family}", n.full),
        "the middle name as an initial": lambda n: (
            f"{n.given} {n.other_given} {n.family}",
            f"{n.given} {n.other_given[0]}. {n.family}",
        ),
        "two initials": lambda n: (
            (
                f"{n.given} {n.other_given} {n.family}",
                f"{n.given[0]}. {n.other_given[0]}. {n.family}",
            )
            if is_rare(n.family)
            else None
        ),
        "first of two surnames": lambda n: (f"{n.given} {n.family}-{n.other_family}", n.full),
        "two surnames without hyphen": lambda n: (
            f"{n.given} {n.family}-{n.other_family}",
            f"{n.given} {n.family} {n.other_family}",
        ),
        "a surname more": lambda n: (n.full, f"{n.given} {n.family}-{n.other_family}"),
        "without particles": lambda n: (f"{n.given} van der {n.family}", n.full),
        "with particles": lambda n: (n.full, f"{n.given} de la {n.family}"),
        "nickname": nicknamed,
        "typo in the surname": lambda n: (n.full, f"{n.given} {mistyped(n.family)}") if len(n.family) > 5 else None,
        "typo in the forename": mistyped_forename,
        "leet": lambda n: (n.full, n.full.translate(LEET)),
        "look-alike letters": lambda n: (n.full, n.full.translate(LOOK_ALIKES)),
        "full stop": lambda n: (n.full, plain(n.full).lower().replace(" ", ".")),
        "underscore": lambda n: (n.full, plain(n.full).lower().replace(" ", "_")),
        "in one word": lambda n: (n.full, plain(n.full).lower().replace(" ", "")) if len(n.full) > 9 else None,
        "invisible characters": lambda n: (n.full, "\u200b".join(n.full)),
        "a letter masked": masked,
        "letters apart": lambda n: (n.full, ".".join(n.full.replace(" ", ""))) if len(n.full) > 9 else None,
    }


def native_ways() -> Mapping[str, Way]:
    scripts = ("CYRILLIC", "GREEK", "ARABIC", "HANGUL", "CJK", "GEORGIAN", "HEBREW")
    return {
        f"{script.title()}, {which} watched": native(script, watched_native=which == "native")
        for script in scripts
        for which in ("Latin", "native")
    }


def native(script: str, *, watched_native: bool) -> Way:
    def way(name: Name) -> tuple[str, str] | None:
        if any(not unicodedata.name(own[0]).startswith(script) for own in (name.own_given, name.own_family)):
            return None
        is_unspaced = script in ("CJK", "HANGUL")
        own = name.own_family + name.own_given if is_unspaced else f"{name.own_given} {name.own_family}"
        return (own, name.full) if watched_native else (name.full, own)

    return way


def is_rare(family: str) -> bool:
    """Return whether fewer than one word in a million is the surname."""
    return listed_chance(fold_text(family).text) < -6


def nicknamed(name: Name) -> tuple[str, str] | None:
    short = sorted(nicknames().get(fold_text(name.given).text, ()))
    return (name.full, f"{DICE.choice(short).title()} {name.family}") if short else None


def masked(name: Name) -> tuple[str, str] | None:
    at = 1 + DICE.randrange(len(name.family) - 1)
    return (name.full, f"{name.given} {name.family[:at]}*{name.family[at + 1 :]}") if len(name.family) > 4 else None


def mistyped_forename(name: Name) -> tuple[str, str] | None:
    written = mistyped(name.given) if len(name.given) > 4 else ""
    return None if not written or is_name(fold_text(written).text) else (name.full, f"{written} {name.family}")


def finder(values: Sequence[str], level: Sensitivity = Sensitivity.BALANCED) -> NameFinder:
    watchlists = {"w": Watchlist(id="w", community_id="c", name="w", sensitivity=level)}
    terms = [
        Term(id=value, reference=value, watchlist_id="w", kind=TermKind.NAME, value=value)
        for value in dict.fromkeys(values)
    ]
    for term in terms:
        MATCHER.check(term)
    return MATCHER.compile(terms, watchlists)


def find(look: NameFinder, texts: Sequence[str]) -> list[list[Match]]:
    documents = [Document(id=str(number), text=text) for number, text in enumerate(texts)]
    batches = (FoldedBatch(documents[start : start + BATCH]) for start in range(0, len(documents), BATCH))
    return [best_apart(matches) for batch in batches for matches in look.find(batch)]


def recall(source: Iterator[Name], comments: Sequence[str], ways: Mapping[str, Way], *, show: int) -> None:
    total = Counter[str]()
    for label, way in ways.items():
        trials: list[tuple[str, str, str, int]] = []
        for _, name in zip(range(40 * TRIALS), source, strict=False):
            if len(trials) < TRIALS and (pair := way(name)) is not None:
                before, sentence = DICE.choice(comments), DICE.choice(SENTENCES)
                text = f"{before}\n{sentence.format(pair[1])}\n{DICE.choice(comments)}"
                trials.append((*pair, text, len(before) + 1 + sentence.index("{}")))
        look = finder([watched for watched, *_ in trials])
        missed, exact = [], 0
        for (watched, written, _, start), found in zip(trials, find(look, [row[2] for row in trials]), strict=True):
            spans = [
                (match.span.start, match.span.end)
                for match in found
                if match.term_id == watched and match.span.start < start + len(written) and start < match.span.end
            ]
            exact += (start, start + len(written)) in spans
            if not spans:
                missed.append(f"{watched} → {written}")
        total += Counter(tried=len(trials), found=len(trials) - len(missed), exact=exact)
        if trials:
            share = 1 - len(missed) / len(trials)
            print(f"| {label} | {share:.3f} | {exact / len(trials):.3f} | {len(trials)} |", flush=True)
        for row in missed[:show]:
            print("    missed:", row)
    print(f"| together | {total['found'] / total['tried']:.3f} | {total['exact'] / total['tried']:.3f} |")


def made_of_words(count: int) -> list[str]:
    """Return names of which both parts are ordinary words too."""
    given, family = (sorted(names_that_are_words() & listed) for listed in (forenames(), surnames()))
    pairs = {(DICE.choice(given), DICE.choice(family)) for _ in range(count * 2)}
    return [f"{one} {other}".title() for one, other in sorted(pairs) if one != other][:count]


def false_alarms(what: str, watched: Sequence[str], comments: Sequence[str], *, show: int) -> None:
    """Print how many comments hold a match without holding the name, both words of it next to each other in order."""
    for level in Sensitivity:
        look = finder(watched, level)
        start = time.process_time()
        found = find(look, comments)
        seconds = time.process_time() - start
        as_named, false = 0, []
        for matches in found:
            for match in matches:
                is_plain = fold_text(match.found).text == fold_text(match.term_id).text
                words = Words(fold_text(match.term_id).text).texts
                if is_plain and not (match.found.islower() and all(word in ordinary_words() for word in words)):
                    as_named += 1
                else:
                    false.append(f"{match.term_id} ← {match.found} {match.transformations}")
        print(
            f"{what}, {level}: {len(false) / len(comments) * 1e5:.1f} false in 100,000 comments; {as_named} "
            f"that are named; {len(comments) / seconds:,.0f} comments a second",
            flush=True,
        )
        for row in false[:show]:
            print("   ", row)


def main(shared: Path, show: int = 0) -> None:
    posts = shared / "data" / "posts"
    comments = []
    for name in ("goemotions", "youtube"):
        with gzip.open(posts / f"{name}.jsonl.gz", "rt") as lines:
            comments += [json.loads(line)["text"] for line in lines]
    source = names(shared / "data" / "names" / "names_by_country.jsonl.gz")
    recall(source, comments, ways(), show=show)
    recall(source, comments, native_ways(), show=show)
    for count in (200, 1000, 10_000):
        watched = sorted({name.full for _, name in zip(range(count * 2), source, strict=False)})
        false_alarms(f"{count} names", DICE.sample(watched, count), comments, show=show)
    false_alarms("200 names of ordinary words", made_of_words(200), comments, show=show)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
