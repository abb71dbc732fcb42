"""Measures how well copied passages are found: ``make evaluate-passages`` (docs/evaluation.md holds the figures).

Stretches of whole e-mails are copied, disguised or edited into comments; passages are watched at ``balanced``.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from core.errors import UsageError
from core.types import Document, Match, Sensitivity, Term, TermKind, Watchlist
from matchers.batch import FoldedBatch
from matchers.folding import fold_text
from matchers.passages import SHORTEST_WORDS, PassageFinder, PassageMatcher
from matchers.phrases import Words

DICE = random.Random(23)
MATCHER = PassageMatcher(PassageMatcher.Settings())
PASSAGE_WORDS = 60
STRETCHES = (12, 20, 40)
TRIALS = 500
BATCH = 1000
LOOK_ALIKES = str.maketrans("aeopc", "аеорс")


def texts(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [json.loads(line)["text"] for line in lines]


def plain_words(text: str) -> list[str]:
    """Return what stands between spaces, where it is one word, so that lengths are counted as the matcher does."""
    return [word for word in text.split() if len(Words(fold_text(word).text)) == 1]


def finder(values: Sequence[str], level: Sensitivity = Sensitivity.BALANCED) -> tuple[PassageFinder, int]:
    """Return the finder of those texts that can be watched, and how many they are."""
    watchlists = {"w": Watchlist(id="w", community_id="c", name="w", sensitivity=level)}
    terms = []
    for number, value in enumerate(values):
        term = Term(id=str(number), reference="p", watchlist_id="w", kind=TermKind.PASSAGE, value=value)
        try:
            MATCHER.check(term)
        except UsageError:
            continue
        terms.append(term)
    return MATCHER.compile(terms, watchlists), len(terms)


def find(look: PassageFinder, written: Sequence[str]) -> Iterator[list[Match]]:
    documents = [Document(id=str(number), text=text) for number, text in enumerate(written)]
    for start in range(0, len(documents), BATCH):
        yield from look.find(FoldedBatch(documents[start : start + BATCH]))


def edited(words: Sequence[str], share: float, vocabulary: Sequence[str]) -> str:
    """Return the words with a share of them changed: most put in another's place, some left out, some put in."""
    written: list[str] = []
    for word in words:
        if DICE.random() >= share:
            written.append(word)
        elif DICE.random() < 0.6:
            written.append(DICE.choice(vocabulary))
        elif DICE.random() < 0.5:
            written += [word, DICE.choice(vocabulary)]
    return " ".join(written)


def ways(vocabulary: Sequence[str]) -> Mapping[str, Callable[[Sequence[str]], str]]:
    return {
        "as it is": " ".join,
        "quoted": lambda words: "> " + " ".join(words).replace(" ", "\n> ", len(words) // 6),
        "wrapped": lambda words: "\n".join(" ".join(words[at : at + 5]) for at in range(0, len(words), 5)),
        "capitals, no punctuation": lambda words: " ".join(word.strip(",.;:!?").upper() for word in words),
        "look-alike letters": lambda words: " ".join(words).translate(LOOK_ALIKES),
        "5 % of the words changed": lambda words: edited(words, 0.05, vocabulary),
        "10 % of the words changed": lambda words: edited(words, 0.1, vocabulary),
        "20 % of the words changed": lambda words: edited(words, 0.2, vocabulary),
    }


def recall(mails: Sequence[Sequence[str]], comments: Sequence[str]) -> None:
    vocabulary = " ".join(comments).split()
    for name, write in ways(vocabulary).items():
        cells = []
        for length in STRETCHES:
            found_count, overlap = 0, 0.0
            for _ in range(TRIALS):
                mail = DICE.choice(mails)
                begin = DICE.randrange(len(mail) - PASSAGE_WORDS)
                passage = mail[begin : begin + PASSAGE_WORDS]
                at = DICE.randrange(PASSAGE_WORDS - length + 1)
                before, copy, after = DICE.choice(comments), write(passage[at : at + length]), DICE.choice(comments)
                look, _ = finder([" ".join(passage)])
                (matches,) = find(look, [f"{before}\n\n{copy}\n\n{after}"])
                if matches:
                    start, end = len(before) + 2, len(before) + 2 + len(copy)
                    first, last = matches[0].span.start, matches[-1].span.end
                    found_count += 1
                    overlap += (min(end, last) - max(start, first)) / (max(end, last) - min(start, first))
            cells.append(f"{found_count / TRIALS:.3f} ({overlap / max(found_count, 1):.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def false_alarms(what: str, passages: Sequence[str], comments: Sequence[str]) -> None:
    own = set(passages)
    for level in Sensitivity:
        look, count = finder(passages, level)
        start = time.process_time()
        found = list(find(look, comments))
        seconds = time.process_time() - start
        pairs = sum(
            len({match.term_id for match in matches})
            for text, matches in zip(comments, found, strict=True)
            if text not in own
        )
        print(
            f"{what}, {level}: {pairs} of {count * len(comments):.3g} pairs ({pairs / count / len(comments) * 1e8:.1f} "
            f"per 100 million), {len(comments) / seconds:,.0f} posts a second"
        )


def reposts(path: Path) -> None:
    with gzip.open(path, "rt") as lines:
        pairs = [json.loads(line) for line in lines]
    counts = {True: [0, 0], False: [0, 0]}
    for pair in pairs:
        look, watched = finder([pair["a"]])
        (matches,) = find(look, [pair["b"]])
        one, other = (Words(fold_text(pair[side]).text).texts for side in "ab")
        shared = SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size
        counts[shared >= SHORTEST_WORDS][0] += 1
        counts[shared >= SHORTEST_WORDS][1] += bool(matches) * watched
    for is_copy, (count, found_count) in counts.items():
        print(f"reposts that share {'at least' if is_copy else 'fewer than'} 12 words: {found_count} of {count} found")


def speed(comments: Sequence[str], passages: Sequence[str]) -> None:
    look, _ = finder(passages)
    paste = "\n".join(comments)[:5_000_000]
    start = time.process_time()
    list(find(look, [paste]))
    print(f"a paste of 5 MB: {time.process_time() - start:.2f} s")
    start = time.process_time()
    for comment in comments[:2000]:
        list(find(look, [comment]))
    print(f"one post in one call: {(time.process_time() - start) / 2:.2f} ms")


def main(shared: Path) -> None:
    posts = shared / "data" / "posts"
    comments = texts(posts / "goemotions.jsonl.gz") + texts(posts / "youtube.jsonl.gz")
    mails = [words for text in texts(posts / "long_emails.jsonl.gz") if len(words := plain_words(text)) > PASSAGE_WORDS]
    pieces = [
        " ".join(words[at : at + PASSAGE_WORDS])
        for words in mails
        for at in range(0, len(words) - PASSAGE_WORDS, PASSAGE_WORDS)
    ]
    passages = DICE.sample(pieces, 1000)
    false_alarms("e-mails", passages, comments)
    false_alarms("comments", DICE.sample([text for text in comments if len(text.split()) >= 30], 1000), comments)
    reposts(shared / "data" / "reposts" / "selfpost_pairs.dev.jsonl.gz")
    speed(comments, passages)
    recall(mails, [comment for comment in comments if len(comment.split()) >= 5])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
