"""Killing the service while it delivers loses no notice, and repeats one only under the same id.

``python -m tests.kill_delivery`` does the same with 200 kills.
"""

from __future__ import annotations

from pathlib import Path

from tests.kill_delivery import LEAKS_A_ROUND, kill_and_look

KILLS = 8


async def test_a_service_killed_while_it_delivers_loses_nothing_and_repeats_under_the_same_id(tmp_path: Path) -> None:
    outcome = await kill_and_look(tmp_path, KILLS)
    assert outcome.leaks == KILLS * LEAKS_A_ROUND
    assert outcome.deliveries > 0
    assert outcome.missing_alerts == outcome.untold_incidents == outcome.undelivered == frozenset()
    assert outcome.never_arrived == frozenset()
    assert outcome.under_two_ids == frozenset()


async def test_marking_a_notice_before_it_is_sent_would_lose_some(tmp_path: Path) -> None:
    outcome = await kill_and_look(tmp_path, KILLS, is_broken=True)
    assert outcome.undelivered == frozenset()
    assert outcome.never_arrived != frozenset()
