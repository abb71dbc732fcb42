"""A day without three receivers: everything arrives in order soon after, and a fourth notices nothing.

``python -m tests.outage`` does the same with 2,000 alerts.
"""

from __future__ import annotations

import statistics
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from tests.outage import FAILING, WORKING, is_complete_and_in_order, live_through

ALERTS = 20


async def test_what_failing_receivers_missed_in_a_day_arrives_in_order_within_ten_minutes_and_delays_no_other(
    tmp_path: Path,
) -> None:
    with capture_logs():  # writing them for people takes longer than what is measured
        outcome = await live_through(tmp_path, ALERTS)
    for name in (WORKING, *FAILING):
        assert is_complete_and_in_order(outcome.arrived[name], ALERTS), name
    for name in FAILING:
        assert len(outcome.attempts[name]) == 1, f"{name}: only the first in line is tried"
        assert outcome.recovered_after[name] <= timedelta(minutes=10), name
    assert statistics.median(outcome.waits_during) < 2 * statistics.median(outcome.waits_before)
