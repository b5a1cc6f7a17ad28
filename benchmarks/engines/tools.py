"""The product's adapters for engines that are not the product: each operation by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.testing import ActivityEnvironment

from benchmarks.engines import Ground
from benchmarks.place import Hurried, settings_for
from benchmarks.story import OPERATIONS
from seamline.process.effect import Call, Operation, Req, Res
from worker.connections import serve_connections

STEP = timedelta(seconds=60)

Methods = Mapping[str, Callable[..., Any]]


@asynccontextmanager
async def methods(ground: Ground) -> AsyncIterator[Methods]:
    """The activities of the four connections, with what is open to the systems."""
    served = serve_connections(settings_for(ground.simulator, ground.in_flight), Hurried())
    wanted = {one.name for one in OPERATIONS}
    found = {_name(one): one for connection in served for one in connection.activities}
    try:
        yield {name: method for name, method in found.items() if name in wanted}
    finally:
        for connection in served:
            await connection.close()


def in_place(tools: Methods) -> Callable[[Operation[Req, Res], Call[Req]], Any]:
    """Carries out a step by calling the activity, in the context that activities may ask for."""

    async def do(operation: Operation[Req, Res], call: Call[Req]) -> Res:
        env = ActivityEnvironment()
        now = datetime.now(UTC)
        env.info = replace(
            env.info,
            started_time=now,
            scheduled_time=now,
            current_attempt_scheduled_time=now,
            start_to_close_timeout=STEP,
            schedule_to_close_timeout=STEP,
        )
        result: Res = await env.run(tools[operation.name], call)
        return result

    return do


def _name(method: Callable[..., Any]) -> str:
    return str(activity._Definition.must_from_callable(method).name)
