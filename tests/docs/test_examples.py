"""The worked examples of the guides do what the guides say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from docs.examples.pack_order import PackOrder
from seamline.http import HttpFactory
from seamline.settings import start_for
from seamline.simulator.server import running
from seamline.temporal import register_search_attributes, start_process
from tests.docs.shelf import Side
from tests.end_to_end.world import World
from tests.systems.conformance import REFERENCE
from tests.systems.inventory_suite import InventoryConformance
from worker.connections import serve_connections
from worker.run import connection_worker, process_worker

ANSWER_SECONDS_MAX = 30


@pytest.fixture
def side() -> Side:
    """Shelf, and the adapter that speaks to it."""
    return Side()


class TestNewSystem(InventoryConformance):
    """The example system passes its role's suite."""

    async def test_what_others_hold_is_found_by_their_name_of_it(self, side: Side) -> None:
        made = await self.reserved(side)
        by_hand = {**side.shelf.holds[int(made.id)], "id": 2, "reference": "5001", "note": ""}
        side.shelf.holds[2] = by_hand
        (found,) = await side.adapter.find_marked(REFERENCE, ["#5001", "5001", "5001-1"])
        assert (found.id, found.key) == ("2", "")
        by_hand["status"] = "dropped"
        assert await side.adapter.find_marked(REFERENCE, ["5001"]) == []
        by_hand |= {"status": "held", "note": "shop-uk:5001/reserve#2"}
        assert await side.adapter.find_marked(REFERENCE, ["5001"]) == []


@pytest.fixture(scope="module")
async def world(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The simulator with a quick warehouse, and a worker that knows the example process."""
    await register_search_attributes(dev_server.client)
    state = tmp_path_factory.mktemp("simulator") / "world.db"
    async with running(state) as simulator, httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX) as http:
        world = World(simulator, dev_server.client, http)
        await world.change("settings", {"autopilot": True, "pack_after_seconds": 0.2})
        served = [
            one for one in serve_connections(world.settings, HttpFactory()) if one.name in ("shop-uk", "erp-main")
        ]
        workers = [connection_worker(one, world.client, world.settings.worker) for one in served]
        workers.append(process_worker(world.settings, world.client, [PackOrder]))
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield world
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))
            await asyncio.gather(*tasks)
            for one in served:
                await one.close()


async def packed(world: World, reference: str) -> dict[str, object]:
    """The outcome of the example process for an order."""
    start = start_for(PackOrder, reference, world.settings)
    identity, _ = await start_process(world.client, PackOrder, start)
    return await world.outcome(world.client.get_workflow_handle(identity))


async def test_new_process_reserves_and_waits_until_packed(world: World) -> None:
    outcome = await packed(world, await world.order())
    assert outcome["kind"] == "completed"
    assert outcome["result"]["state"] == "packed"  # type: ignore[index]


async def test_new_process_ignores_what_is_not_ours(world: World) -> None:
    reference = await world.order(test=True)
    outcome = await packed(world, reference)
    assert outcome["kind"] == "ignored"
    assert await world.operations(reference) == []
