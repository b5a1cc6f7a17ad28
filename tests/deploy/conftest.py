"""A world of its own for these tests; the checker judges all that was done in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.conftest import by_hand
from tests.end_to_end.world import World

__all__ = ["by_hand"]

QUICK_WORLD = {
    "autopilot": True,
    "pack_after_seconds": 0.2,
    "hand_over_after_seconds": 0.2,
    "transit_after_seconds": 0.2,
    "deliver_after_seconds": 0.2,
}


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A Temporal of its own, the simulator with a warehouse that works by itself, and a worker."""
    state = tmp_path_factory.mktemp("deploy")
    async with (
        embedded_temporal(state) as temporal,
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=10) as http,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        world = World(simulator, client, http)
        await world.change("settings", QUICK_WORLD)
        async with world.working():
            yield world


@pytest.fixture(scope="session")
def settled() -> set[str]:
    """The orders that the shop said were fulfilled when a run that was reset asked anew."""
    return set()


@pytest.fixture(scope="module")
async def judged(world: World, settled: set[str]) -> AsyncIterator[None]:
    """When a module is done, the checker finds nothing wrong with it."""
    yield
    verdict = await world.verdict()
    found = {(one.reference, one.rule) for one in verdict.findings}
    assert found <= {(reference, "ignored-acted") for reference in settled}, verdict.findings
