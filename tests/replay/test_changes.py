"""A released process changed wrongly is caught by its recorded history; changed rightly, old and new histories pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.workflow import NondeterminismError

from seamline.http import HttpFactory
from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.world import World
from tests.replay.changed import ChangedBadly
from tests.replay.changed_well import ChangedWell
from tests.replay.record import HISTORIES, QUICK_WORLD
from tests.replay.test_replay import history, replayer
from worker.connections import serve_connections
from worker.run import connection_worker, process_worker
from workflows.order_to_shipment import OrderToShipment

OLD = HISTORIES / "follow-parcel.json"


@pytest.fixture(scope="module")
async def new(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkflowHistory]:
    """A parcel followed by the changed process, on the real server."""
    state: Path = tmp_path_factory.mktemp("changes")
    async with (
        embedded_temporal(state) as temporal,
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=10) as http,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        world = World(simulator, client, http)
        await world.change("settings", {"autopilot": True, "deliver_after_seconds": 0.2, **QUICK_WORLD})
        served = serve_connections(world.settings, HttpFactory())
        workers = [connection_worker(one, client, world.settings.worker) for one in served]
        workers.append(process_worker(world.settings, client, [OrderToShipment, ChangedWell]))
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        reference = await world.order()
        await world.outcome(await world.start(reference))
        parcel = world.handle("follow-parcel", reference)
        await world.outcome(parcel)
        yield await parcel.fetch_history()
        await asyncio.gather(*(worker.shutdown() for worker in workers), *tasks)
        for one in served:
            await one.close()


async def test_a_step_added_without_a_guard_is_caught() -> None:
    with pytest.raises(NondeterminismError):
        await replayer(ChangedBadly).replay_workflow(history(OLD))


async def test_a_guarded_step_leaves_what_runs_as_it_was(new: WorkflowHistory) -> None:
    await replayer(ChangedWell).replay_workflow(history(OLD))
    await replayer(ChangedWell).replay_workflow(new)


async def test_the_guard_took_the_new_way(new: WorkflowHistory) -> None:
    scheduled = [one.activity_task_scheduled_event_attributes for one in new.events]
    assert [one.activity_type.name for one in scheduled if one.activity_type.name] == [
        "carrier.check_address",
        "carrier.delivered",
    ]
