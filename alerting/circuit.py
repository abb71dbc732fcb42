"""When a destination is tried again, and when it is given up: the circuit breaker that each of them has.

An attempt that got no answer, or one that asks to come later, concerns the destination: nothing is sent to it until its
next try, whatever waits. A refusal concerns the one notice. How a destination fares stands in its row, so that neither
a restart nor another process begins anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import SystemRandom

from core.errors import DeliveryDeferred, DeliveryError, DeliveryRefused
from core.types import Delivery, Destination, DestinationHealth

BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
LAST_BACK_OFF = timedelta(minutes=5)
JITTER = 0.2
"""Share by which the last back-off varies, so that many destinations do not come back at one moment."""
LONGEST_RETRY_AFTER = timedelta(days=1)
MOST_REFUSALS = 3
LONGEST_FAILURE = timedelta(days=5)
"""A destination that took nothing for so long, though it was tried, is switched off."""

_RANDOM = SystemRandom()


def after_success(destination: Destination) -> Destination:
    """Return the destination after it took a notice."""
    return replace(destination, health=DestinationHealth())


def after_failure(destination: Destination, error: DeliveryError, at: datetime) -> Destination:
    """Return the destination after it did not take a notice: it waits, or is disabled."""
    before = destination.health
    health = replace(
        before, failing_since=before.failing_since or at, failure_count=0, retry_at=None, last_error=str(error)
    )
    if isinstance(error, DeliveryDeferred):
        if not before.failure_count:
            # It answered the last time: since a refusal, perhaps long ago, nothing may have been tried.
            health = replace(health, failing_since=at)
        failure_count = before.failure_count + 1
        asked = min(error.retry_after or timedelta(0), LONGEST_RETRY_AFTER)
        health = replace(health, failure_count=failure_count, retry_at=at + max(_back_off(failure_count), asked))
    reason = _reason_to_disable(health, error, at)
    if reason is None or not destination.enabled:
        return replace(destination, health=health)
    return replace(destination, enabled=False, health=replace(health, disabled_because=reason))


def next_attempt_at(
    delivery: Delivery, destination: Destination, error: DeliveryError, at: datetime
) -> datetime | None:
    """Return when the delivery that failed can be tried again, None to give it up. ``destination`` is as it is after
    the failure; where it is disabled, the delivery waits for it."""
    if not isinstance(error, DeliveryRefused) or error.gone:
        return destination.health.retry_at or at
    refusals = delivery.refusal_count + 1
    return None if refusals >= MOST_REFUSALS else at + _back_off(refusals)


def _reason_to_disable(health: DestinationHealth, error: DeliveryError, at: datetime) -> str | None:
    if isinstance(error, DeliveryRefused) and error.gone:
        return f"it is gone: {error}"
    if health.failing_since is not None and at - health.failing_since >= LONGEST_FAILURE:
        return f"it took nothing for {LONGEST_FAILURE.days} days: {error}"
    return None


def _back_off(failures: int) -> timedelta:
    """Return the wait after so many failures in a row (1 or more)."""
    if failures <= len(BACK_OFF):
        return BACK_OFF[failures - 1]
    return LAST_BACK_OFF * _RANDOM.uniform(1 - JITTER, 1 + JITTER)
