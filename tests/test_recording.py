"""A page of leaks is recorded together: the database is asked by the page, not by the alert."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from core.listing import whole
from core.types import Document, Severity
from monitor.parts import build_parts
from monitor.setup import add_destination
from monitor.wiring import open_service
from tests.service_fixtures import handle, import_sample, settings_for, watchlist_of_handles

LEAKS = 40


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Collect the statements that any database is asked."""
    statements: list[str] = []

    def count(*execution: object) -> None:
        statements.append(str(execution[2]))

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", count)


async def test_a_page_of_unrelated_leaks_asks_hardly_more_than_one_leak(tmp_path: Path) -> None:
    async with open_service(build_parts(settings_for(tmp_path))) as service:
        community = await import_sample(service, tmp_path, watchlist_of_handles(LEAKS + 2))
        await add_destination(
            service.store,
            service.parts,
            community.id,
            kind="webhook",
            name="moderators",
            settings={"url": "http://127.0.0.1:9/hook", "secret": "whsec_" + "A" * 32},
            minimum_severity=Severity.INFO,
        )
        leaks = [Document(id=f"d{number}", text=f"everybody knows {handle(number)}") for number in range(LEAKS + 2)]
        await service.pipeline.ingest(community.id, leaks[:1])
        with _counted() as one:
            await service.pipeline.ingest(community.id, leaks[1:2])
        with _counted() as many:
            intake = await service.pipeline.ingest(community.id, leaks[2:])
        assert len({alert.incident_id for alert in intake.alerts}) == LEAKS
        assert len(many) < len(one) + LEAKS
        deliveries = await whole(lambda listing: service.store.deliveries(community.id, listing))
        assert sorted(delivery.sequence for delivery in deliveries) == list(range(1, LEAKS + 3))
