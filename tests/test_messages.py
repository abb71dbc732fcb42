"""What people are told: inert, with its reasons, shortened where a channel takes less."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from alerting.content_notes import content_notes, is_heavy
from alerting.messages import PLAIN_TEXT, Rank, fitted, heading, inert, message
from core.types import (
    AlertClass,
    Detail,
    Entity,
    EntityType,
    EventType,
    NoticeDestination,
    NoticeEscalation,
    NoticeSource,
    Signal,
    SourceState,
    Span,
)
from tests.alerting_fixtures import START, alert
from tests.channel_fixtures import INCIDENT, NOTICE, hostile, longest, with_text

LINKS_AND_MENTIONS = re.compile(r"\w://|\w[.。．｡]\w|[@＠#＃]\w|(?<!\w)[~$]\w|(?:^|[\s(])/\w")


def told(*, limit: int = 1_000_000) -> str:
    return PLAIN_TEXT.text(fitted(message(NOTICE), limit, PLAIN_TEXT.size))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/x", "see https[:]//evil[.]example/x"),
        ("a@evil.example", "a[@]evil[.]example"),
        ("@everyone and #topic", "[@]everyone and [#]topic"),
        ("run /start, ask ~town in $USD", "run [/]start, ask [~]town in [$]USD"),
        ("r/pets and/or 3/4, $ 5, a # b. End.", "r/pets and/or 3/4, $ 5, a # b. End."),
        ("two\nlines\u2028\u202eand", "two lines and"),
        ("evil[.]example", "evil[.]example"),
    ],
)
def test_what_would_act_is_put_in_brackets(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(hostile)
def test_no_text_makes_a_link_a_mention_a_command_or_a_line(text: str) -> None:
    shown = inert(text)
    assert not LINKS_AND_MENTIONS.search(shown)
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert inert(shown) == shown


@given(hostile, hostile)
def test_a_message_has_as_many_lines_whatever_strangers_write(text: str, named: str) -> None:
    harmless = PLAIN_TEXT.text(message(with_text("x", named="x")))
    shown = PLAIN_TEXT.text(message(with_text(f"x{text}", named=named)))
    assert shown.count("\n") == harmless.count("\n")
    assert not LINKS_AND_MENTIONS.search(shown)


def test_a_message_says_what_where_and_why_with_the_content_note_first() -> None:
    assert told().splitlines() == [
        "Content note: violence, private data",
        "1 linkage alert, high (88), Members",
        "",
        "Community: Harbor Commons ⚓",
        "Incident: inc_1 (open, seen once)",
        "First seen: 2026-11-20 10:00 UTC",
        "",
        "HIGH (88) linkage, Members",
        "- the watched pseudonym stands 2 words before a name (+55)",
        "Published: 2026-11-20 10:00 UTC",
        "Where: r/pets",
        "Title: About █████",
        "Author: somebody",
        "Link: https[:]//blog[.]example/█████",
        "Text: █████ is M████ G███████",
        "",
        "Detail level of this destination: redacted",
    ]


@pytest.mark.parametrize(
    ("times", "sites", "seen"), [(1, 1, "once"), (2, 1, "2 times on 1 site"), (5, 3, "5 times on 3 sites")]
)
def test_how_far_a_leak_spread_is_told(times: int, sites: int, seen: str) -> None:
    spread = replace(NOTICE, incident=replace(INCIDENT, sighting_count=times, site_count=sites))
    assert f"Incident: inc_1 (open, seen {seen})" in PLAIN_TEXT.text(message(spread))


def test_a_source_in_trouble_is_told_with_what_follows() -> None:
    trouble = replace(
        NOTICE, event=EventType.SOURCE_FAILING, incident=None, alerts=(), content_notes=(),
        summary="Source failing: Town forum (feed)",
        source=NoticeSource(id="src_1", kind="feed", state=SourceState.FAILING, since=START),
    )  # fmt: skip
    lines = PLAIN_TEXT.text(message(trouble)).splitlines()
    assert lines[0] == "Source failing: Town forum (feed)"
    assert "Source: src_1 (failing)" in lines
    assert "Until it works again, leaks that appear there may be missed." in lines


def test_a_destination_that_was_switched_off_is_told_with_what_follows() -> None:
    off = replace(
        NOTICE, event=EventType.DESTINATION_DISABLED, incident=None, alerts=(), content_notes=(),
        summary="Destination switched off: Moderators (webhook)",
        destination=NoticeDestination(id="dst_1", kind="webhook", name="Moderators", reason="it is gone"),
    )  # fmt: skip
    lines = PLAIN_TEXT.text(message(off)).splitlines()
    assert lines[0] == "Destination switched off: Moderators (webhook)"
    assert "Nobody is told there any more. What waited for it is sent once it is switched on again." in lines


def test_the_excerpt_goes_first_and_as_much_of_it_stays_as_fits() -> None:
    whole = told()
    shorter = told(limit=len(whole) + 40)
    assert shorter == whole
    long = replace(NOTICE, alerts=(replace(NOTICE.alerts[0], excerpt="word " * 60),))
    size = len(PLAIN_TEXT.text(message(long)))
    cut = PLAIN_TEXT.text(fitted(message(long), size - 50, PLAIN_TEXT.size))
    assert size - 60 < len(cut) <= size - 50
    assert "Text: word word" in cut
    assert cut.endswith("…\n\nDetail level of this destination: redacted\n\nShortened; the incident has the rest.")
    without = PLAIN_TEXT.text(fitted(message(long), size - 250, PLAIN_TEXT.size))
    assert "Text:" not in without
    assert "Title: About █████" in without


@pytest.mark.parametrize("limit", range(800, 9000, 200))
def test_reasons_and_the_incident_stay_however_little_room_there_is(limit: int) -> None:
    lines = fitted(message(longest("x", alerts=2)), limit, PLAIN_TEXT.size)
    text = PLAIN_TEXT.text(lines)
    assert len(text) <= limit
    assert "Incident: inc_1" in text
    assert text.startswith("Content note: ")
    ranks = {line.rank for line in lines}
    if Rank.EXCERPT in ranks:
        assert {Rank.TITLE, Rank.PLACE, Rank.LATER_REASON, Rank.LATER_ALERT, Rank.LINK, Rank.REASON} <= ranks
    if limit > 3500:
        assert text.count("- the watched pseudonym") >= 8


def test_a_heading_is_one_inert_sentence() -> None:
    assert heading(replace(NOTICE, summary="Source failing:\nhttps://feed.example")) == (
        "Source failing: https[:]//feed[.]example"
    )
    assert len(heading(replace(NOTICE, summary="x" * 900))) == 250


QUIET = replace(alert(), alert_class=AlertClass.MENTION, entities=(), evidence="a quiet word", signals=())
PHONE = Entity(
    type=EntityType.PHONE, span=Span("text", 0, 4), found="0000", confidence=0.9, recogniser="test", country=None
)


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        ({}, ()),
        ({"alert_class": AlertClass.THREAT}, ("violence",)),
        ({"alert_class": AlertClass.LINKAGE}, ("private data",)),
        ({"entities": (PHONE,)}, ("private data",)),
        ({"signals": (Signal(name="threatening_words", points=25, text="x"),)}, ("violence",)),
        ({"signals": (Signal(name="pack_context", points=20, text="x", about="self-harm-crisis"),)}, ("self-harm",)),
        ({"evidence": "I will KILL you"}, ("violence",)),
        ({"evidence": "she wants to kill myself off in a game"}, ("violence", "self-harm")),
        ({"evidence": "posted nudes of her"}, ("sexual",)),
        ({"evidence": "those faggots"}, ("slurs",)),
        ({"evidence": "skilled workers in Scunthorpe, therapists and a stable of horses"}, ()),
        ({"evidence": "David Lynch flew to Bombay, en retard, past rapeseed and Mataró; på slutet"}, ()),
        ({"evidence": "я тебя убью"}, ("violence",)),
        ({"evidence": "他想自杀了"}, ("self-harm",)),
    ],
)
def test_the_content_note_says_what_is_hard_to_read(changes: dict[str, object], notes: tuple[str, ...]) -> None:
    assert content_notes([replace(QUIET, **changes)]) == notes  # type: ignore[arg-type]


def test_several_alerts_make_one_note_in_one_order() -> None:
    two = [replace(QUIET, alert_class=AlertClass.LINKAGE), replace(QUIET, alert_class=AlertClass.THREAT)]
    assert content_notes(two) == content_notes(two[::-1]) == ("violence", "private data")


def test_every_detail_is_named() -> None:
    for detail in Detail:
        assert f"Detail level of this destination: {detail}" in PLAIN_TEXT.text(message(replace(NOTICE, detail=detail)))


def test_whom_an_incident_waits_for_is_told_in_the_reader_s_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    waiting = NoticeEscalation(
        waiting_since=START.astimezone(berlin), due_at=START.replace(hour=11).astimezone(berlin), moderator="Ada"
    )
    lines = PLAIN_TEXT.text(message(replace(NOTICE, escalation=waiting))).splitlines()
    assert "Waiting since: 2026-11-20 11:00 CET" in lines
    assert "Asked: Ada, to acknowledge by 2026-11-20 12:00 CET" in lines
    nameless = replace(waiting, moderator=None)
    assert "Asked to acknowledge by 2026-11-20 12:00 CET" in PLAIN_TEXT.text(
        message(replace(NOTICE, escalation=nameless))
    )
    over = PLAIN_TEXT.text(message(replace(NOTICE, escalation=replace(waiting, due_at=None))))
    assert "Everybody was asked several times; nobody is asked any more." in over


def test_what_is_heavy_is_told_from_what_is_only_private() -> None:
    for note in ("violence", "self-harm", "slurs", "sexual"):
        assert is_heavy([note, "private data"])
    assert not is_heavy(["private data"])
    assert not is_heavy([])
