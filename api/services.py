"""What the API is given to work with, and how a route gets at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from core.clock import Clock
from core.plugins import Registry
from core.ports import Notifier, Pipeline, Source, Store
from core.settings import ApiSettings
from core.types import Pack


@dataclass(frozen=True)
class Services:
    """The parts behind the API. ``changed`` wakes the scheduler and the dispatcher after a change."""

    store: Store
    clock: Clock
    pipeline: Pipeline
    sources: Registry[Source]
    notifiers: Registry[Notifier]
    packs: tuple[Pack, ...]
    settings: ApiSettings
    changed: Callable[[], None]


def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


Given = Annotated[Services, Depends(_services)]
"""A route's parameter that is filled with the services."""
