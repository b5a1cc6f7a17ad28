"""The HTTP API as one app."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from temporalio.client import Client
from temporalio.common import MetricMeter

from seamline import catalog
from seamline.api import processes, webhooks
from seamline.api.body import BodyLimit
from seamline.api.door import Door, door_of
from seamline.api.problems import documented, handle_errors
from seamline.api.watched import Watched
from seamline.process.process import Process
from seamline.settings import Settings
from seamline.temporal import check_reachable

health = APIRouter(tags=["health"])

_FASTAPIS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""Left off: it would send paths, queries (some vendors put their webhook's token there) and texts of exceptions."""


def create_app(
    settings: Settings,
    client: Client,
    known: Mapping[str, type[Process]] | None = None,
    *,
    meter: MetricMeter = MetricMeter.noop,
) -> FastAPI:
    """The app. `client` may connect lazily: while Temporal is away the app answers 503. `known` are the processes."""
    app = FastAPI(
        title="Seamline",
        version=version("seamline"),
        summary="Business processes across systems: start and follow them, and take vendors' webhooks.",
        redoc_url=None,
        telemetry=_FASTAPIS_OWN,
    )
    app.state.door = Door(settings, client, catalog.processes() if known is None else known)
    app.add_middleware(
        BodyLimit, bytes_max=settings.api.body_limit_bytes, seconds_max=settings.api.body_timeout_seconds
    )
    app.add_middleware(Watched, meter=meter)
    handle_errors(app)
    for router in (webhooks.router, processes.router, health):
        app.include_router(router)
    return app


@health.get("/health", summary="Whether this server is alive")
async def alive() -> dict[str, bool]:
    """Always."""
    return {"alive": True}


@health.get("/ready", summary="Whether Temporal can be reached", responses=documented(503))
async def ready(door: Annotated[Door, Depends(door_of)]) -> dict[str, bool]:
    """503 while it cannot."""
    await check_reachable(door.client)
    return {"ready": True}
