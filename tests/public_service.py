"""Ways to be sent notices by a service that people reach at a public address, and to follow the links in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
from pytest_httpserver import HTTPServer

from core.types import Community
from tests.api_service import Api
from tests.delivery_service import SECRET

PUBLIC_URL = "https://leaks.example/watch"
LEASE = timedelta(minutes=2)


@dataclass
class Reached:
    """A service with a public address, an admin of its one community, and the receivers of its notices."""

    api: Api
    community: Community
    admin: httpx2.AsyncClient
    anybody: httpx2.AsyncClient
    server: HTTPServer
    watchlist_id: str

    async def destination(self, name: str = "Night shift", **fields: Any) -> str:
        """Add a webhook that takes everything; return its id."""
        path = f"/{name.replace(' ', '-')}"
        self.server.expect_request(path).respond_with_data("")
        settings = {"url": self.server.url_for(path), "secret": SECRET}
        made = await self.admin.post(
            "/v1/destinations", json={"kind": "webhook", "name": name, "settings": settings, **fields}
        )
        assert made.status_code == 201, made.text
        identifier: str = made.json()["id"]
        return identifier

    async def deliver(self) -> list[dict[str, Any]]:
        """Deliver all that is due; return the bodies that arrived, in order."""
        before = len(self.server.log)
        service = self.api.service
        while (lease := await service.store.take_due_delivery(self.api.clock.now(), LEASE)) is not None:
            await service.dispatcher.deliver(lease)
        return [request.get_json() for request, _ in self.server.log[before:]]

    async def leak(self, **changes: Any) -> str:
        """Raise an alert; return the incident's id."""
        incident_id = (await self.api.alert(self.community, self.watchlist_id, **changes)).incident_id
        assert incident_id is not None
        return incident_id

    async def moderator(self, name: str, *destination_ids: str, **fields: Any) -> str:
        """Add a moderator who is reached there; return their id."""
        made = await self.admin.post("/v1/moderators", json={"name": name, "destinations": destination_ids, **fields})
        assert made.status_code == 201, made.text
        identifier: str = made.json()["id"]
        return identifier

    async def rotation(self, *moderator_ids: str, **fields: Any) -> None:
        """Put the moderators on call, in that order, from today on."""
        sent = {"name": "Nights", "moderators": moderator_ids, "starts_on": "2026-11-20", **fields}
        made = await self.admin.post("/v1/rotations", json=sent)
        assert made.status_code == 201, made.text

    async def link(self, **changes: Any) -> str:
        """Raise an alert and deliver it to the one destination; return the path of the link that was sent."""
        await self.leak(**changes)
        (body,) = await self.deliver()
        link: str = body["data"]["link"]
        assert link.startswith(f"{PUBLIC_URL}/incidents/")
        return link.removeprefix(PUBLIC_URL)
