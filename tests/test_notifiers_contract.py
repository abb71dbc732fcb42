"""Every channel keeps to its port, and what is rendered for it keeps to the destination's detail level."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from alerting.rendering import notice
from core.plugins import Registry, discover
from core.ports import Notifier
from core.types import (
    AlertClass,
    Community,
    Delivery,
    DeliveryState,
    Detail,
    EventType,
    Incident,
    IncidentState,
    Notice,
    Watchlist,
)
from tests.alerting_fixtures import PERSON, PSEUDONYM, START, alert, destination

REGISTRY: Registry[Notifier] = discover(
    Notifier,  # type: ignore[type-abstract]
    noun="channel",
    package="alerting.notifiers",
    group="leakwatch.notifiers",
)
DELIVERY = Delivery(
    id="dlv_1", community_id="com_1", destination_id="dst_1", incident_id="inc_1", event=EventType.INCIDENT_OPENED,
    sequence=3, idempotency_key="msg_1", state=DeliveryState.PENDING, attempts=0, created_at=START,
    next_attempt_at=START,
)  # fmt: skip
INCIDENT = Incident(
    id="inc_1", community_id="com_1", watchlist_id="wl_1", alert_class=AlertClass.LINKAGE, score=88,
    state=IncidentState.OPEN, first_seen_at=START, last_seen_at=START, updated_at=START,
    reason=f"it is {PERSON}",
)  # fmt: skip
COMMUNITY = Community(id="com_1", name="Harbor\r\nCommons")
WATCHLISTS = {"wl_1": Watchlist(id="wl_1", community_id="com_1", name="Members")}
MARKERS = {part.lower() for part in (PSEUDONYM, *PERSON.split())}


def rendered(detail: Detail, event: EventType = EventType.INCIDENT_OPENED, *, alerts: int = 1) -> Notice:
    return notice(
        replace(DELIVERY, event=event),
        destination({}, detail=detail),
        COMMUNITY,
        WATCHLISTS,
        INCIDENT,
        [alert()] * alerts,
        START,
    )


def test_the_built_in_channels_are_found() -> None:
    assert {"webhook", "email", "discord", "slack", "matrix", "telegram", "ntfy", "mattermost"} <= set(REGISTRY.kinds())


@pytest.mark.parametrize("kind", REGISTRY.kinds())
def test_every_setting_of_a_channel_is_described_and_no_other_is_taken(kind: str) -> None:
    model = REGISTRY.classes[kind].Settings
    assert model.model_config["extra"] == "forbid"
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize("detail", [Detail.COUNTS, Detail.REDACTED])
def test_nothing_crawled_is_told_in_clear_below_full_detail(detail: Detail) -> None:
    everything = str(asdict(rendered(detail))).lower()
    assert not [marker for marker in MARKERS if marker in everything]


def test_counts_tell_no_alert_of_their_own() -> None:
    shown = rendered(Detail.COUNTS, alerts=3)
    assert shown.alerts == ()
    assert shown.summary == "3 linkage alerts, high (88), Members"


def test_counts_name_no_moderator() -> None:
    assigned = replace(INCIDENT, assignee="Sam Okafor")
    for detail, told in ((Detail.COUNTS, False), (Detail.REDACTED, True)):
        shown = notice(DELIVERY, destination({}, detail=detail), COMMUNITY, WATCHLISTS, assigned, [alert()], START)
        assert ("Sam Okafor" in str(asdict(shown))) is told


def test_the_content_note_is_told_where_something_is_shown() -> None:
    assert rendered(Detail.REDACTED).content_notes == rendered(Detail.FULL).content_notes == ("private data",)
    assert rendered(Detail.COUNTS).content_notes == ()


def test_redacted_masks_title_author_and_link_and_keeps_the_reasons() -> None:
    (shown,) = rendered(Detail.REDACTED).alerts
    assert shown.title == "█████, also Z██████████ Z█████████"
    assert shown.author == "█████"
    assert shown.url == "https://blog.example/█████/z██████████-z█████████"
    assert shown.reasons == alert().signals


def test_full_detail_shows_the_evidence() -> None:
    shown = rendered(Detail.FULL)
    assert shown.alerts[0].excerpt == f"{PSEUDONYM} is {PERSON}"
    assert shown.incident == INCIDENT


def test_the_summary_is_one_short_sentence() -> None:
    assert rendered(Detail.REDACTED).summary == "1 linkage alert, high (88), Members"
    assert rendered(Detail.REDACTED, EventType.INCIDENT_UPDATED).summary.startswith("Seen again: 1 linkage alert")
    closed = rendered(Detail.REDACTED, EventType.INCIDENT_RESOLVED, alerts=0)
    assert closed.summary == "Closed: 1 linkage alert, high (88), Members, open"


def test_names_that_admins_gave_are_one_line_too() -> None:
    assert rendered(Detail.COUNTS).community == "Harbor  Commons"


def test_a_test_and_a_deleted_watchlist_are_rendered() -> None:
    ping = notice(replace(DELIVERY, incident_id=None, event=EventType.TEST_PING), destination({}), COMMUNITY, {},
                  None, (), START)  # fmt: skip
    assert ping.incident is None
    assert ping.summary
    orphan = notice(DELIVERY, destination({}), COMMUNITY, {}, INCIDENT, [alert()], START)
    assert "a deleted watchlist" in orphan.summary
