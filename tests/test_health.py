"""A source in trouble is told from one that is merely quiet, and its pace follows what it brings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import NotConfigured, SourceBroken, SourceUnavailable
from core.settings import MonitorSettings
from core.types import BlindInterval, EventType, Page, SourceRecord, SourceState
from monitor.health import MOST_BLIND_INTERVALS, Judge, event_between
from tests.store_fixtures import NOON, document, source

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOTHING = Page(documents=(), cursor=None)
JUDGE = Judge(MonitorSettings())
NEW = source("src_1", "com_1")


def after(before: SourceRecord, at: timedelta, new_count: int = 0, page: Page = NOTHING) -> SourceRecord:
    """Return the source after a page, so long after it was added."""
    return JUDGE.after_page(before, page, new_count=new_count, began_at=NOON + at, at=NOON + at)


def failed(before: SourceRecord, at: timedelta) -> SourceRecord:
    return JUDGE.after_failure(before, SourceUnavailable("the blog cannot answer now"), at=NOON + at)


def read_for(days: int, *, every: timedelta = HOUR) -> SourceRecord:
    """Return a source that brought something new that often until then, with nights of eight hours."""
    record, at = NEW, timedelta()
    while at < days * DAY:
        awake = (at % DAY) < 16 * HOUR
        record = after(record, at, new_count=int(awake))
        at += every
    return record


def wait_of(record: SourceRecord) -> float:
    """Return the wait until the next poll in seconds."""
    assert record.due_at is not None
    return (record.due_at - record.updated_at).total_seconds()


def test_a_source_is_polled_less_and_less_often_while_nothing_new_comes_and_often_again_when_it_does() -> None:
    record, waits = NEW, []
    for number in range(10):
        record = after(record, number * HOUR)
        waits.append(wait_of(record))
    assert 300 * 1.25 <= waits[0] <= 300 * 1.25 * 1.1
    assert 1200 <= waits[-1] <= 1200 * 1.1
    for number in range(10, 12):
        record = after(record, number * HOUR, new_count=3)
    assert 300 <= wait_of(record) <= 300 * 1.1


def test_the_pace_keeps_to_the_bounds_that_people_chose() -> None:
    steady = replace(NEW, interval_seconds=300, maximum_interval_seconds=300)
    for new_count in (0, 0, 1, 1, 0):
        steady = after(steady, HOUR, new_count)
        assert 300 <= wait_of(steady) <= 330


def test_what_was_missed_at_the_first_poll_is_on_record_too() -> None:
    gap = "files or lines that could not be read, or not wholly: 1"
    read = after(NEW, MINUTE, page=Page(documents=(), cursor=None, gap=gap))
    assert read.health.blind_intervals == (BlindInterval(from_at=NOON, until_at=NOON + MINUTE, reason=gap),)


def test_sources_added_together_do_not_come_back_together() -> None:
    assert len({after(NEW, HOUR).due_at for _ in range(20)}) > 10


def test_what_has_more_to_come_is_due_at_once() -> None:
    more = Page(documents=(document(),), cursor=None, more=True)
    assert wait_of(after(NEW, HOUR, 1, more)) == 0


def test_a_stream_that_listened_in_vain_is_due_at_once_and_one_that_did_not_listen_waits() -> None:
    more = Page(documents=(), cursor=None, more=True)
    listened = JUDGE.after_page(NEW, more, new_count=0, began_at=NOON, at=NOON + timedelta(seconds=20))
    assert wait_of(listened) == 0
    assert wait_of(after(NEW, HOUR, 0, more)) == 10


def test_a_place_that_asks_to_wait_is_left_alone_for_a_day_at_most() -> None:
    for asked, kept in ((2 * HOUR, 2 * HOUR), (30 * DAY, DAY)):
        assert wait_of(after(NEW, HOUR, 1, replace(NOTHING, not_before=NOON + HOUR + asked))) == kept.total_seconds()


def test_a_source_that_fails_for_an_hour_and_three_times_is_in_trouble_once_until_it_works() -> None:
    record = after(NEW, timedelta())
    events = []
    for at in (HOUR, HOUR + MINUTE, HOUR + 2 * MINUTE, 3 * HOUR, 4 * HOUR):
        before, record = record, failed(record, at)
        events.append(event_between(before, record))
    assert events == [None, None, None, EventType.SOURCE_FAILING, None]
    assert (record.state, record.failure_count) == (SourceState.FAILING, 5)
    assert record.health.failing_since == NOON + HOUR
    recovered = after(record, 5 * HOUR)
    assert event_between(record, recovered) is EventType.SOURCE_RECOVERED
    assert (recovered.state, recovered.health.failing_since, recovered.last_error) == (SourceState.HEALTHY, None, None)


def test_a_part_that_cannot_be_read_is_trouble_like_a_failure_and_keeps_what_the_rest_gives() -> None:
    part = Page(documents=(document(),), cursor={"next": 1}, failing="number 2 of the channels shows no preview")
    record, told = NEW, []
    for minute in range(0, 180, 20):
        before, record = record, after(record, minute * MINUTE, 1, part)
        told.append(event_between(before, record))
    assert told == [None, None, None, EventType.SOURCE_FAILING, None, None, None, None, None]
    assert (record.state, record.last_error, record.cursor) == (SourceState.FAILING, part.failing, part.cursor)
    assert record.last_success_at == record.updated_at
    (blind,) = record.health.blind_intervals
    assert (blind.from_at, blind.until_at, blind.reason) == (NOON, NOON + 160 * MINUTE, part.failing)
    # A poll that fails altogether is not put off for hours by what a part alone did.
    assert wait_of(failed(record, 3 * HOUR)) <= 8 * NEW.interval_seconds
    well = after(record, 3 * HOUR, 1)
    assert event_between(record, well) is EventType.SOURCE_RECOVERED
    assert (well.state, well.last_error, well.failure_count) == (SourceState.HEALTHY, None, 0)


def test_two_failures_far_apart_are_no_trouble_yet() -> None:
    record = failed(failed(NEW, HOUR), 9 * HOUR)
    assert not record.health.was_told
    assert event_between(record, after(record, 10 * HOUR)) is None


def test_a_source_whose_next_try_lies_days_off_is_told_before_it_is_tried_a_third_time() -> None:
    waits = SourceUnavailable("the blog asks to wait", retry_after=DAY)
    first = JUDGE.after_failure(NEW, waits, at=NOON)
    second = JUDGE.after_failure(first, waits, at=NOON + DAY)
    assert (first.health.was_told, second.health.was_told) == (False, True)


def test_how_long_a_source_may_fail_is_a_setting() -> None:
    hasty = Judge(MonitorSettings(failing_polls=1, failing_minutes=0))
    assert hasty.after_failure(NEW, SourceBroken("gone"), at=NOON).health.was_told


def test_the_next_poll_goes_on_where_the_last_did_unless_a_failure_says_where() -> None:
    stays = JUDGE.after_failure(replace(NEW, cursor={"at": 1}), SourceBroken("gone"), at=NOON)
    moves = JUDGE.after_failure(stays, SourceUnavailable("refused", cursor={"at": 2}), at=NOON)
    assert (stays.cursor, moves.cursor) == ({"at": 1}, {"at": 2})


def test_a_source_that_lacks_something_says_so() -> None:
    record = JUDGE.after_failure(NEW, NotConfigured("the key is missing"), at=NOON)
    assert (record.state, record.last_error) == (SourceState.NOT_CONFIGURED, "the key is missing")


def test_a_night_is_usual_and_a_much_longer_silence_is_told_once_until_something_new_comes() -> None:
    record = read_for(days=5)
    assert 8 * HOUR <= timedelta(seconds=record.health.usual_silence_seconds) <= 10 * HOUR
    events = []
    for hours in range(36):
        before, record = record, after(record, 5 * DAY + hours * HOUR)
        events.append(event_between(before, record))
    assert record.state is SourceState.SILENT
    (told,) = [hours for hours, event in enumerate(events) if event is not None]
    assert events[told] is EventType.SOURCE_FAILING
    assert 15 <= told <= 22  # hours on top of the night's nine: three usual silences
    again = after(record, 5 * DAY + 36 * HOUR, new_count=1)
    assert again.state is SourceState.HEALTHY
    assert event_between(record, again) is EventType.SOURCE_RECOVERED
    assert again.health.usual_silence_seconds > 40 * 3600  # that, too, is known now


def silent_after(record: SourceRecord, start: timedelta, page: Page = NOTHING, *, days: int = 60) -> timedelta | None:
    """Read the source every hour, without anything new, until it is silent; return after how long it was."""
    for hours in range(24 * days):
        record = after(record, start + hours * HOUR, page=page)
        if record.state is SourceState.SILENT:
            return hours * HOUR
    return None


def read_for_an_hour() -> SourceRecord:
    """Return a source that gave much while it was first read."""
    record = NEW
    for number in range(60):
        record = after(record, number * MINUTE, new_count=200)
    return record


def test_a_source_that_gave_nothing_since_its_first_day_is_silent_after_a_week() -> None:
    assert silent_after(NEW, timedelta()) == 7 * DAY + HOUR
    assert silent_after(read_for_an_hour(), HOUR) == 7 * DAY


def test_a_place_that_may_have_nothing_for_months_is_not_silent_before_it_gave_something_later() -> None:
    rare = replace(NOTHING, silence_is_usual=True)
    assert silent_after(NEW, timedelta(), rare) is None
    assert silent_after(read_for_an_hour(), HOUR, rare) is None
    record = read_for_an_hour()
    for hours in range(1, 48):
        record = after(record, hours * HOUR, page=rare)
    heard = after(record, 2 * DAY, new_count=1)
    assert silent_after(heard, 2 * DAY, rare) == 142 * HOUR  # three times as long as it took until then


def test_a_source_that_could_not_be_read_at_first_is_judged_from_when_it_was() -> None:
    record = failed(failed(NEW, HOUR), 20 * DAY)
    assert silent_after(record, 21 * DAY) == 7 * DAY + HOUR


@pytest.mark.parametrize("gap", ["term trm_1 is not taken", "more came than the place lists"])
def test_a_source_that_passes_something_over_at_every_poll_is_silent_all_the_same(gap: str) -> None:
    assert silent_after(read_for(days=5), 5 * DAY, replace(NOTHING, gap=gap), days=3) is not None


def test_a_gap_after_an_outage_does_not_make_the_outage_a_silence() -> None:
    record = failed(read_for(days=5), 5 * DAY)
    back = after(record, 8 * DAY, page=replace(NOTHING, gap="more came than the place lists"))
    assert back.state is SourceState.HEALTHY
    assert silent_after(back, 8 * DAY, replace(NOTHING, gap="something else")) is not None


def test_a_long_silence_is_forgotten_while_the_place_is_lively() -> None:
    record = after(NEW, timedelta(), 1)
    for hours in range(1, 28 * 24):
        record = after(record, hours * HOUR)
    record = after(record, 28 * DAY, 1)
    assert timedelta(seconds=record.health.usual_silence_seconds) == 28 * DAY
    for hours in range(1, 28 * 24 + 1):
        record = after(record, 28 * DAY + hours * HOUR, 1)
    assert 6 * DAY < timedelta(seconds=record.health.usual_silence_seconds) < 8 * DAY


def test_a_time_without_reading_is_a_blind_interval_and_no_silence() -> None:
    record = read_for(days=5)
    for hours in (1, 3, 9):
        record = failed(record, 5 * DAY + hours * HOUR)
    back = after(record, 8 * DAY)
    (blind,) = back.health.blind_intervals
    last_read = NOON + 5 * DAY - HOUR
    assert blind == BlindInterval(
        from_at=last_read, until_at=NOON + 8 * DAY, reason="it was not read: the blog cannot answer now"
    )
    assert back.state is SourceState.HEALTHY
    assert after(back, 8 * DAY + HOUR, new_count=5).health.usual_silence_seconds < 10 * 3600


def test_a_pause_within_the_longest_interval_is_no_blind_interval() -> None:
    assert after(after(NEW, timedelta()), HOUR).health.blind_intervals == ()


def test_what_a_source_says_is_lost_goes_on_record_since_the_poll_before() -> None:
    lost = replace(NOTHING, gap="more came than the place lists")
    record = after(NEW, timedelta())
    for number in (1, 2, 3, 4, 5):
        record = after(record, number * MINUTE, 1, NOTHING if number == 4 else lost)
    assert record.health.blind_intervals == (
        BlindInterval(from_at=NOON, until_at=NOON + 3 * MINUTE, reason="more came than the place lists"),
        BlindInterval(from_at=NOON + 4 * MINUTE, until_at=NOON + 5 * MINUTE, reason="more came than the place lists"),
    )


def test_only_the_latest_blind_intervals_are_kept() -> None:
    record = after(NEW, timedelta())
    for number in range(1, 40):
        record = after(record, number * MINUTE, 1, replace(NOTHING, gap=f"reason {number}"))
    reasons = [blind.reason for blind in record.health.blind_intervals]
    assert reasons == [f"reason {number}" for number in range(40 - MOST_BLIND_INTERVALS, 40)]


def test_a_source_that_moves_faster_than_it_is_read_is_read_as_often_as_may_be() -> None:
    record = NEW
    for number in range(10):
        record = after(record, number * HOUR)
    assert 300 <= wait_of(after(record, 10 * HOUR, 50, replace(NOTHING, gap="more came than is listed"))) <= 330


@pytest.mark.parametrize(("published", "shown"), [(-HOUR, -HOUR), (400 * DAY, timedelta())])
def test_the_newest_publication_is_never_in_the_future(published: timedelta, shown: timedelta) -> None:
    page = Page(documents=(replace(document(), published_at=NOON + published),), cursor=None, quota_left=7)
    record = after(NEW, timedelta(), 1, page)
    assert record.health.newest_published_at == NOON + shown
    assert record.health.quota_left == 7
    assert after(record, HOUR).health.newest_published_at == NOON + shown
