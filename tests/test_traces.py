"""A leak is known again by what is kept of its text, and nothing else is taken for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from alerting.traces import CANDIDATE_COUNT, MOST_OF_WHOLE, Trace, trace_of
from core.types import Alert, Document, Entity, EntityType, Match, Signal, Span, TermKind
from matchers.fingerprints import Fingerprinter
from tests.alerting_fixtures import alert

SHINGLER = Fingerprinter(b"a key of thirty-two bytes, secret").placed
LINE = "night_heron is Maria Gonzalez and lives at 12 Quay Street in Harborton"
STORY = """It took me a while to find this out. The posts about the ferry were written at the harbour office.
{line}
The photographs from May show the same kitchen window, and the boat in them has been for sale since then.
Nobody else at that office keeps two greyhounds, and nobody else would write about them every single day."""
FOOTER = """

---

I am a bot, and this action was performed automatically. Please contact the moderators of this place if you have any
questions or concerns about it. Rule 4 of this place: no personal information, no links to the profiles of others."""
OTHER_STORY = """The meeting about the new bridge was long, and most people left before anything was decided on it.
{line}
Then it began to rain, so the second half took place in the old school, where there are not enough chairs."""


def about(text: str, *found: str, title: str = "") -> Alert:
    """Return an alert about those stretches of the text: the first is a match, the others entities."""
    spans = [Span("text", text.index(one), text.index(one) + len(one)) for one in found]
    return replace(
        alert(),
        document=Document(id="1", text=text, title=title or None),
        signals=(Signal(name="linked", points=70, text="", spans=tuple(spans)),),
        matches=(Match(term_id="t1", kind=TermKind.PSEUDONYM, span=spans[0], found=found[0]),),
        entities=tuple(
            Entity(type=EntityType.PERSON, span=span, found=one, confidence=1.0, recogniser="test")
            for span, one in zip(spans[1:], found[1:], strict=True)
        ),
    )


def trace(text: str, *found: str) -> Trace:
    return trace_of(about(text, *found), SHINGLER)


def dox(text: str) -> Trace:
    return trace(text, "night_heron", "Maria Gonzalez", "12 Quay Street")


def is_one_leak(newer: Trace, older: Trace) -> bool:
    """Return whether the store finds the older one by the newer one, and it is proved."""
    return not set(newer.candidates).isdisjoint(older.candidates) and newer.is_same_leak(older)


STORY_WITH_LINE = STORY.format(line=LINE)


def same(text: str) -> str:
    return text


def with_look_alikes(text: str) -> str:
    return text.replace("o", "о")


@pytest.mark.parametrize(
    ("change", "written"),
    [
        pytest.param(str.upper, str.upper, id="capitals"),
        pytest.param(with_look_alikes, with_look_alikes, id="look-alikes"),
        pytest.param(lambda text: "> " + text.replace("\n", "\n> "), same, id="quoted"),
        pytest.param(lambda text: text.replace("a while", "ages").replace("greyhounds", "dogs"), same, id="edited"),
        pytest.param(lambda text: text.partition("The photographs")[0], same, id="cut"),
        pytest.param(lambda text: text + OTHER_STORY.format(line="Something else."), same, id="longer"),
    ],
)
def test_a_copy_is_known_however_it_was_changed(change: Callable[[str], str], written: Callable[[str], str]) -> None:
    copy = trace(change(STORY_WITH_LINE), *map(written, ("night_heron", "Maria Gonzalez", "12 Quay Street")))
    assert is_one_leak(copy, dox(STORY_WITH_LINE))


def test_one_quoted_line_is_known_inside_a_long_thread_and_the_other_way_round() -> None:
    thread = "\n".join([OTHER_STORY.format(line="No news.")] * 3 + [f"> {LINE}"] + [FOOTER] * 20)
    assert is_one_leak(dox(thread), dox(STORY_WITH_LINE))
    assert is_one_leak(dox(STORY_WITH_LINE), dox(thread))


def test_another_leak_over_the_same_footer_is_another_leak() -> None:
    first = trace("Look at this: raven is Karl Lindqvist, ask anybody at the mill." + FOOTER, "raven", "Karl Lindqvist")
    second = trace("Well, raven was seen at 4 Mill Lane, so Ines Prado says." + FOOTER, "raven", "Ines Prado")
    assert not is_one_leak(second, first)


def test_another_member_in_the_same_form_of_words_is_another_leak() -> None:
    form = "Harbor Commons member of the day, found by the crew: {} of {}, send your regards and tell all others"
    first, second = form.format("Karl Lindqvist", "4 Mill Lane"), form.format("Ines Prado", "9 Hill Road")
    kept = trace(first, "Harbor Commons", "Karl Lindqvist", "4 Mill Lane")
    assert not is_one_leak(trace(second, "Harbor Commons", "Ines Prado", "9 Hill Road"), kept)
    assert is_one_leak(trace("Again!\n" + first, "Harbor Commons", "Karl Lindqvist", "4 Mill Lane"), kept)


def test_a_new_leak_that_quotes_a_known_one_is_a_new_leak() -> None:
    rule = "Rule 4: whoever names the safe house in a post is banned for ever, without a second warning"
    known = trace(STORY.format(line=rule), "safe house")
    quoting = f"> {rule}\n\nWho cares, {LINE}, and everybody may know it."
    assert not is_one_leak(dox(quoting), known)


def test_a_text_of_few_words_must_be_the_same_to_the_word() -> None:
    kept = trace("so raven is Karl Lindqvist then", "raven", "Karl Lindqvist")
    assert is_one_leak(trace("So raven is Karl Lindqvist, then!", "raven", "Karl Lindqvist"), kept)
    assert not is_one_leak(trace("but raven is Karl Lindqvist, no?", "raven", "Karl Lindqvist"), kept)


def test_an_alert_about_an_author_is_known_by_all_of_its_text() -> None:
    def written(text: str) -> Trace:
        match = Match(term_id="t1", kind=TermKind.PSEUDONYM, span=Span("author", 0, 5), found="raven")
        signal = Signal(name="mentioned", points=25, text="", spans=(match.span,))
        document = Document(id="1", text=text, author="raven")
        return trace_of(replace(alert(), document=document, signals=(signal,), matches=(match,), entities=()), SHINGLER)

    first = written(STORY_WITH_LINE + FOOTER)
    assert is_one_leak(written(STORY_WITH_LINE.replace("greyhounds", "cats") + FOOTER), first)
    assert not is_one_leak(written(OTHER_STORY.format(line="Nothing.") + FOOTER), first)


def test_with_another_key_nothing_is_known() -> None:
    other = Fingerprinter(b"another key of thirty-two bytes!!").placed
    one, two = (trace_of(about(STORY_WITH_LINE, "night_heron"), shingler) for shingler in (SHINGLER, other))
    assert set(one.candidates).isdisjoint(two.candidates)
    assert one.whole.isdisjoint(two.whole)


def test_a_trace_comes_back_as_it_was_kept() -> None:
    for one in (dox(STORY_WITH_LINE), Trace(), trace("a b", "a")):
        assert Trace.from_bytes(one.to_bytes()) == one


def long_text(characters: int) -> str:
    words: Sequence[str] = [f"word{number * 7919 % 10007}" for number in range(characters // 9)]
    return " ".join(words)


def test_what_is_kept_of_a_large_text_is_small_and_its_copies_are_known() -> None:
    large = long_text(2_000_000)
    text = f"{large}\n{LINE}\n{large[::-1]}"
    started = time.process_time()
    kept = dox(text)
    assert time.process_time() - started < 10
    assert len(kept.to_bytes()) < 10_000
    assert (len(kept.whole), len(kept.candidates) <= CANDIDATE_COUNT) == (MOST_OF_WHOLE, True)
    assert is_one_leak(dox(text.replace("word1", "word2", 100)), kept)
    assert is_one_leak(dox(STORY_WITH_LINE), kept)


def test_two_large_texts_with_nothing_in_common_but_a_word_are_not_one() -> None:
    one, two = long_text(100_000), long_text(100_000)[::-1]
    assert not is_one_leak(trace(f"{one} raven {one}", "raven"), trace(f"{two} raven {two}", "raven"))


def test_a_trace_that_adds_nothing_need_not_be_kept() -> None:
    whole, copy = dox(STORY_WITH_LINE), dox(STORY_WITH_LINE)
    assert not copy.adds_to(whole)
    assert dox(OTHER_STORY.format(line=LINE)).adds_to(whole)
