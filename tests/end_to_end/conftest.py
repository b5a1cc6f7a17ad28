"""One world for all end-to-end tests of a module; each test has orders of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from seamline.simulator.server import running
from seamline.temporal import register_search_attributes
from tests.end_to_end.world import ByHand, Names, World

NONE_KEPT = httpx.Limits(max_keepalive_connections=0)
"""The simulator closes a connection that was silent for some seconds; none must be used in that moment."""


@pytest.fixture(scope="module")
async def world(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The simulator with a warehouse that works by itself, and a worker."""
    await register_search_attributes(dev_server.client)
    state = tmp_path_factory.mktemp("simulator") / "world.db"
    async with running(state) as simulator, httpx.AsyncClient(timeout=10, limits=NONE_KEPT) as http:
        world = World(simulator, dev_server.client, http)
        await world.change(
            "settings",
            {
                "autopilot": True,
                "pack_after_seconds": 0.2,
                "hand_over_after_seconds": 0.2,
                "transit_after_seconds": 0.2,
                "deliver_after_seconds": 0.2,
            },
        )
        async with world.working():
            yield world


@pytest.fixture(scope="module")
async def ours(world: World) -> AsyncIterator[World]:
    """A shop whose authorised orders we capture."""
    names = Names(shop="shop-ours", inventory="erp-ours", carrier="shippo-ours", mail="mail-ours")
    shop = World(world.simulator, world.client, world.http, names, workflows=False, payment_mode="ours")
    async with shop.working():
        yield shop


@pytest.fixture(autouse=True)
async def _no_faults(world: World) -> AsyncIterator[None]:
    yield
    await world.mended()


@pytest.fixture
async def by_hand(world: World) -> AsyncIterator[ByHand]:
    """The warehouse's autopilot is off for this test's orders."""
    await world.change("settings", {"autopilot": False})
    yield ByHand(world)
    await world.change("settings", {"autopilot": True})
