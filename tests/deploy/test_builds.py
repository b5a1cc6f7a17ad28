"""Processes in flight over three builds of the code, each with workers of its own, released by the script."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.deploy.builds import Build, build, builds_of
from tests.deploy.conftest import QUICK_WORLD
from tests.docs.pages import Command, commands
from tests.end_to_end.world import SECONDS_MAX, ByHand, Handle, World

CHECK_AGAIN = "        await self.do(carrier.check_address, ready.address)\n"
BEGINNING = "        self.serve_from(plan.part)\n"
LEFT = "        # The parcels have left the building: from here only forward.\n"
BREAKS_REPLAY = {BEGINNING: BEGINNING + "        await self.do(shop.fetch_order, OrderRequest())\n"}
KEEPS_REPLAY = {LEFT: LEFT + CHECK_AGAIN}
"""Nobody who waits for staff before the label is bought has come that far."""
BAD_POSTCODE = {"zip": "ZZ9 9ZZ"}


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, dict[str, Build]]]:
    """A Temporal and a simulator, and three builds whose workers the test starts."""
    folder = tmp_path_factory.mktemp("builds")
    async with (
        embedded_temporal(folder) as temporal,
        running(folder / "world.db") as simulator,
        httpx.AsyncClient(timeout=10) as http,
        AsyncExitStack() as stopping,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        world = World(simulator, client, http)
        await world.change("settings", {**QUICK_WORLD, "autopilot": False})
        stories = {"1.0": {}, "2.0": BREAKS_REPLAY, "3.0": KEEPS_REPLAY}
        builds = {name: build(world, folder, name, changes) for name, changes in stories.items()}
        for one in builds.values():
            stopping.push_async_callback(one.stop)
        yield world, builds


async def said(one: Build, *arguments: str, code: int = 0) -> str:
    """What `python -m worker.release` says with this build's code."""
    ended, output = await one.release(*arguments)
    assert ended == code, output
    return output


async def ships(world: World, reference: str) -> Handle:
    """The order's process, at its end."""
    handle = world.handle("order-to-shipment", reference)
    await ByHand(world).move(reference, "done")
    assert (await world.outcome(handle))["kind"] == "completed"
    return handle


async def moved(handle: Handle, build_id: str) -> None:
    """Until a build runs the process."""
    deadline = time.monotonic() + SECONDS_MAX
    while (await builds_of(handle))[-1] != build_id:
        assert time.monotonic() < deadline, await builds_of(handle)
        await asyncio.sleep(0.1)


async def test_processes_in_flight_over_three_builds(stage: tuple[World, dict[str, Build]]) -> None:
    world, builds = stage
    one, two, three = builds["1.0"], builds["2.0"], builds["3.0"]

    await one.start()
    assert "gets all that starts" in await said(one, "current", "1.0")
    packing, followed = await world.order(), await world.order()
    for reference in (packing, followed):
        await world.step(await world.start(reference), "packed")
    waits = await world.order(address=BAD_POSTCODE)
    await world.waiting(await world.start(waits))
    await ships(world, followed)

    await two.start()
    assert "gets 10 % of what starts" in await said(two, "ramp", "2.0", "10")
    assert "gets none" in await said(two, "ramp", "2.0", "0")
    await said(two, "current", "2.0")
    shown = await said(two, "show")
    assert "2.0: gets all that starts, workers run, " in shown
    assert "1.0: workers run, " in shown
    fresh = await world.order()
    await world.step(await world.start(fresh), "packed")
    assert await builds_of(world.handle("order-to-shipment", fresh)) == ["2.0"]

    # What is followed for weeks moves by itself.
    await moved(world.handle("follow-parcel", followed), "2.0")

    # What waits on the old build cannot go on with this one, so it stays where it can.
    drained = await said(two, "drain", "1.0", code=4)
    assert f"stays, since this code does not continue it: order-to-shipment:{waits} (NondeterminismError)" in drained
    assert "is still needed" in drained

    # Back, and forward with a build that continues what waits.
    await said(two, "back", "1.0")
    await three.start()
    await said(three, "current", "3.0")
    drained = await said(three, "drain", "1.0", code=4)
    assert f"moved: order-to-shipment:{waits}" in drained
    await world.decide(
        world.handle("order-to-shipment", waits), wait="check-address#1", action="amend", change={"postcode": "CB2 1RX"}
    )
    await world.step(world.handle("order-to-shipment", waits), "packed")
    for reference, expected in ((packing, ["1.0"]), (fresh, ["2.0"]), (waits, ["1.0", "3.0"])):
        assert await builds_of(await ships(world, reference)) == expected

    # Nothing is left.
    shipped = await world.outcome(world.handle("order-to-shipment", followed))
    await world.post(f"parcels/{shipped['result']['tracking_number']}", {"state": "DELIVERED"})
    parcel = world.handle("follow-parcel", followed)
    await world.outcome(parcel)
    assert "its workers can be stopped" in await said(three, "drain", "1.0")


@pytest.mark.parametrize("command", [one for one in commands("temporal") if one.page.name == "deploying.md"], ids=str)
async def test_temporals_own_commands_do_the_same(stage: tuple[World, dict[str, Build]], command: Command) -> None:
    world, _ = stage
    line = command.line.replace("1.5.0", "3.0").replace("1.4.0", "2.0")
    if "shop-uk:5001" in line:
        reference = await world.order(address=BAD_POSTCODE)
        await world.waiting(await world.start(reference))
        line = line.replace("shop-uk:5001", reference)
    if "set-ramping" in line:
        line = line.replace("3.0", "2.0")
    await world.command(*shlex.split(line))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("current", "9.9"), 1, "Temporal knows no build 9.9 of seamline"),
        (("ramp", "3.0", "10"), 1, "gets all that starts already"),
        (("drain", "3.0"), 1, "still gets what starts"),
        (("ramp", "2.0", "101"), 2, "invalid choice"),
        (("ramp", "2.0"), 2, "ramp needs a percentage"),
        (("current",), 2, "current needs a build"),
    ],
)
async def test_nonsense_is_refused(
    stage: tuple[World, dict[str, Build]], arguments: tuple[str, ...], code: int, says: str
) -> None:
    _, builds = stage
    assert says in await said(builds["3.0"], *arguments, code=code)


async def test_the_checker_agrees(stage: tuple[World, dict[str, Build]]) -> None:
    verdict = await stage[0].verdict()
    assert verdict.ok, verdict.findings
