"""Whatever is killed, at whatever moment, and started again: the order goes on with one effect each."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.child import Part, free_port
from seamline.settings import PolicySettings
from seamline.simulator.server import Simulator, running
from seamline.temporal import EmbeddedTemporal, embedded_temporal
from tests.end_to_end.programs import worker_program
from tests.end_to_end.world import QUICK, SECONDS_MAX, ByHand, Handle, World

ONE_EACH = dict.fromkeys(["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"], 1)
# The try of a killed worker is given up after two seconds, long before patience ends.
POLICY = PolicySettings.model_validate({**QUICK.model_dump(), "attempt_seconds_max": 2, "patience_seconds": 30})
NEVER_ANSWERED_SECONDS = 60


class Stack:
    """Temporal over its database, the simulator over its file, and a worker as a program: each can be restarted."""

    def __init__(self, state: Path, http: httpx.AsyncClient) -> None:
        self.state = state
        self.http = http
        self.temporal_port = free_port()
        self.ui_port = free_port()
        self._temporal: AbstractAsyncContextManager[EmbeddedTemporal]
        self._simulator: AbstractAsyncContextManager[Simulator]
        self.worker: Part
        self.world: World

    async def start(self) -> None:
        await self.start_temporal()
        self._simulator = running(self.state / "world.db")
        simulator = await self._simulator.__aenter__()
        address = f"127.0.0.1:{self.temporal_port}"
        client = await Client.connect(address, data_converter=pydantic_data_converter)
        self.world = World(simulator, client, self.http, policy=POLICY, express=True)
        self.worker = worker_program(self.world.settings, address, self.state)
        await self.worker.start()

    async def stop(self) -> None:
        await self.worker.stop()
        await self._simulator.__aexit__(None, None, None)
        await self._temporal.__aexit__(None, None, None)

    async def start_temporal(self) -> None:
        self._temporal = embedded_temporal(self.state, port=self.temporal_port, ui_port=self.ui_port)
        await self._temporal.__aenter__()

    async def kill_temporal(self) -> None:
        os.kill(_temporal_server(self.temporal_port), signal.SIGKILL)
        await self._temporal.__aexit__(None, None, None)

    async def restart_simulator(self) -> None:
        at = self.world.simulator
        await self._simulator.__aexit__(None, None, None)
        port = int(at.url.rpartition(":")[2])
        self._simulator = running(self.state / "world.db", port=port, smtp_port=at.smtp_port)
        self.world.simulator = await self._simulator.__aenter__()


def _temporal_server(port: int) -> int:
    """The process id of the server that we started on this port."""
    for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if "start-dev" in command and str(port) in command:
            return int(pid)
    raise AssertionError("no Temporal server is our child")


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with httpx.AsyncClient(timeout=10) as http:
        stack = Stack(tmp_path_factory.mktemp("stack"), http)
        await stack.start()
        yield stack
        await stack.stop()


@pytest.fixture(autouse=True)
async def _no_faults(stack: Stack) -> AsyncIterator[None]:
    await stack.world.change(
        "settings",
        {
            "autopilot": True,
            "pack_after_seconds": 0.2,
            "hand_over_after_seconds": 0.2,
            "transit_after_seconds": 0.2,
            "deliver_after_seconds": 0.2,
        },
    )
    yield
    await stack.world.mended()


async def waits_to_be_packed(stack: Stack) -> tuple[str, Handle]:
    await stack.world.change("settings", {"autopilot": False})
    reference = await stack.world.order()
    handle = await stack.world.start(reference)
    await stack.world.step(handle, "packed")
    return reference, handle


async def ends_well(world: World, reference: str, handle: Handle) -> None:
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


@pytest.mark.parametrize("express", [False, True], ids=["queues", "express-lane"])
async def test_a_worker_killed_in_the_middle_of_its_effects_leaves_one_of_each(stack: Stack, express: bool) -> None:
    """Four orders, each in the middle of another call whose effect is done and whose answer never comes."""
    world = stack.world
    fatal = [
        (world.names.inventory, "sale.sale.create"),
        (world.names.inventory, "sale.sale.confirm"),
        (world.names.inventory, "stock.shipment.out.assign_try"),
        (world.names.carrier, "transactions.create"),
    ]
    faults = [
        await world.fault(connection, operation, "lost-reply", count=1, delay_seconds=NEVER_ANSWERED_SECONDS)
        for connection, operation in fatal
    ]
    references = [await world.order() for _ in fatal]
    lanes = world.settings.policy.express if express else ()
    handles = [await world.start(reference, express=lanes) for reference in references]
    deadline = time.monotonic() + SECONDS_MAX
    while not all([await world.hits(fault) for fault in faults]):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await stack.worker.kill()
    await stack.worker.start()
    for reference, handle in zip(references, handles, strict=True):
        await ends_well(world, reference, handle)


async def test_temporal_killed_and_restarted_over_its_database_forgets_nothing(stack: Stack) -> None:
    reference, handle = await waits_to_be_packed(stack)
    await stack.kill_temporal()
    await stack.start_temporal()
    assert stack.worker.running
    await ByHand(stack.world).hand_over(reference)
    await ends_well(stack.world, reference, handle)


async def test_systems_away_and_back_again_change_nothing(stack: Stack) -> None:
    reference, handle = await waits_to_be_packed(stack)
    await stack.restart_simulator()
    await ByHand(stack.world).hand_over(reference)
    await ends_well(stack.world, reference, handle)


async def test_the_checker_agrees(stack: Stack) -> None:
    verdict = await stack.world.verdict()
    assert verdict.ok, verdict.findings
