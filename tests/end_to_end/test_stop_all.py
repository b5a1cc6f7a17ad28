"""The worst day: people stop all calls to the systems, nothing is lost, and all goes on when they release them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from seamline import stopping
from seamline.process.view import Status
from tests.end_to_end.world import Names, World

APART = Names(shop="shop-stop", inventory="erp-stop", carrier="shippo-stop", mail="mail-stop")
ORDERS = 5


@pytest.fixture(scope="module")
async def apart(world: World) -> AsyncIterator[World]:
    """Connections of its own, so that stopping them stops nothing else."""
    shop = World(world.simulator, world.client, world.http, APART, workflows=False)
    async with shop.working():
        yield shop
        for name in shop.settings.connections:
            await stopping.release(shop.client, name, why="the tests are over", who="tests")


async def calls(shop: World) -> int:
    """The calls that reached its systems."""
    return sum([len(await shop.get("calls", connection=name)) for name in shop.settings.connections])


async def stop_all(shop: World) -> None:
    """As the command does for all connections."""
    for name in shop.settings.connections:
        await stopping.stop(shop.client, name, why="wrong labels", who="sam")


async def test_no_call_reaches_a_system_while_all_are_stopped_and_all_drain_on_release(apart: World) -> None:
    await stop_all(apart)
    references = [await apart.order() for _ in range(ORDERS)]
    before = await calls(apart)
    handles = [await apart.start(reference) for reference in references]
    causes = {wait.cause for handle in handles for wait in (await apart.waiting(handle, Status.HELD_UP)).waits}
    assert causes == {"shop-stop outage not-picked-up"}
    assert await calls(apart) == before
    stops = await stopping.stopped(apart.client, apart.settings.connections)
    assert {one.who for one in stops.values()} == {"sam"}
    assert len(stops) == len(apart.settings.connections)
    for name in apart.settings.connections:
        await stopping.release(apart.client, name, why="labels are right", who="sam")
    outcomes = await asyncio.gather(*(apart.outcome(handle) for handle in handles))
    assert [one["kind"] for one in outcomes] == ["completed"] * ORDERS
    verdict = await apart.verdict()
    assert verdict.ok, verdict.findings


async def test_one_connection_stops_alone_and_the_rest_goes_on(apart: World) -> None:
    await stopping.stop(apart.client, APART.carrier, why="carrier maintenance", who="kim")
    handle = await apart.start(await apart.order())
    (wait,) = (await apart.waiting(handle, Status.HELD_UP)).waits
    assert wait.cause == "shippo-stop outage not-picked-up"
    (stop,) = (await stopping.stopped(apart.client, apart.settings.connections)).values()
    assert stop.told().startswith("shippo-stop is stopped since ")
    assert "by kim: carrier maintenance (seamline release shippo-stop)" in stop.told()
    await stopping.release(apart.client, APART.carrier, why="", who="kim")
    assert (await apart.outcome(handle))["kind"] == "completed"
