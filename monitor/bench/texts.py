"""Posts and handles to measure with, where none are given: generated, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from matchers.words import forenames, ordinary_words

_MEAN_WORDS = 59
"""Gives posts of some 286 characters, the mean of 106,542 public comments."""

_RARE_SHARE = 0.06
"""Of the words of a post: names, numbers and misspellings that hardly stand anywhere else."""

_PLANTED_SHARE = 0.01
"""Of the posts: those in which one of the handles stands as it is."""

_FUNCTION_WORDS = (
    "the to and a of is in it you that i for this was on be with have not are but my so they just like if he we all"
    " at what do or your out about me can as up when no from more his one there would an get who how don't it's"
)


def generated_posts(count: int, handles: Sequence[str], *, seed: int = 7) -> list[str]:
    """Return so many invented posts. Their words are as frequent as Zipf's law has it (the n-th most frequent
    word stands 1/n as often as the first); in one of a hundred stands one of the first 100 handles."""
    chance = random.Random(seed)  # noqa: S311  # invented text
    words = _by_frequency(chance)
    cumulated = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    posts = []
    for _ in range(count):
        length = max(3, round(chance.expovariate(1 / _MEAN_WORDS)))
        post = chance.choices(words, cum_weights=cumulated, k=length)
        for place in range(length):
            if chance.random() < _RARE_SHARE:
                post[place] = _rare(chance, post[place])
        if handles and chance.random() < _PLANTED_SHARE:
            post[chance.randrange(length)] = chance.choice(handles[:100])
        posts.append(_written(chance, post))
    return posts


def joined(texts: Sequence[str], characters: int) -> list[str]:
    """Return posts made of as many texts in a row as reach that many characters; the texts themselves for 0."""
    posts: list[str] = []
    for text in texts:
        if posts and len(posts[-1]) < characters:
            posts[-1] = f"{posts[-1]}\n{text}"
        else:
            posts.append(text)
    return posts


def generated_handles(count: int, is_usable: Callable[[str], bool], *, seed: int = 11) -> list[str]:
    """Return so many different invented handles, each usable: two words with digits and other shapes."""
    chance = random.Random(seed)  # noqa: S311  # invented text
    words = sorted(word for word in ordinary_words() if 3 <= len(word) <= 9 and word.isascii() and word.isalpha())
    names = sorted(name for name in forenames() if 3 <= len(name) <= 8 and name.isascii() and name.isalpha())

    def invented() -> Iterator[str]:
        while True:
            first, second, name = chance.choice(words), chance.choice(words), chance.choice(names)
            number = str(chance.choice((chance.randrange(100), chance.randrange(1950, 2012), chance.randrange(10_000))))
            yield chance.choice(
                (
                    f"{first}_{second}",
                    f"{first}{second}",
                    f"{first}{second}{number}",
                    f"{first}-{second}",
                    f"{first}.{second}{number}",
                    f"{first.title()}{second.title()}",
                    f"{first.title()}{second.title()}{number}",
                    f"{name}_{first}",
                    f"{name}{number}",
                    f"the{first}{name}",
                    f"xx{first}{second}xx",
                    f"{first}{number}",
                )
            )

    return _different(invented(), count, is_usable)


def completed_handles(handles: Sequence[str], count: int, is_usable: Callable[[str], bool]) -> list[str]:
    """Return so many different handles, each usable: the given ones, shuffled, then ones made of the first half of
    one and the second half of another."""
    chance = random.Random(13)  # noqa: S311  # invented text
    given = sorted(set(handles))
    chance.shuffle(given)

    def mixed() -> Iterator[str]:
        yield from given
        while len(given) > 1:
            first, second = chance.sample(given, 2)
            yield first[: (len(first) + 1) // 2] + second[len(second) // 2 :] + str(chance.randrange(100))

    return _different(mixed(), count, is_usable)


def _different(handles: Iterator[str], count: int, is_usable: Callable[[str], bool]) -> list[str]:
    kept: dict[str, str] = {}
    for handle in handles:
        if len(kept) >= count:
            break
        if is_usable(handle):
            kept.setdefault(handle.casefold(), handle)
    return list(kept.values())


def _by_frequency(chance: random.Random) -> list[str]:
    """Return the words, the frequent ones first: words are the shorter the more they are used."""
    first = _FUNCTION_WORDS.split()
    others = sorted(ordinary_words() - set(first))
    others.sort(key=lambda word: len(word) + chance.uniform(0, 6))
    return [*first, *others]


def _rare(chance: random.Random, word: str) -> str:
    match chance.randrange(4):
        case 0:
            return str(chance.randrange(100_000))
        case 1:
            return "".join(chance.choices("aeioubcdfglmnprst", k=chance.randint(4, 11)))
        case 2:
            return word.title() + "".join(chance.choices("aeionrst", k=3))
        case _:
            place = chance.randrange(len(word))
            return word[:place] + chance.choice("aeiourstln") + word[place + 1 :]


def _written(chance: random.Random, words: Sequence[str]) -> str:
    return " ".join(
        word + (chance.choice((".", ",", "!", "?", ",", ".")) if chance.random() < 0.12 else "") for word in words
    ).capitalize()
