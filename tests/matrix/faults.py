"""The faults of one cell, all at one connection: made, struck, ended."""

from __future__ import annotations

import asyncio
import time

from tests.end_to_end.world import SECONDS_MAX, World
from tests.matrix.table import HAPPENED, Cell, Disturbance, Moment

HELD_SECONDS_MAX = 60
"""How long a call is kept waiting unless it is let go, which is long before."""
LOOK_SECONDS = 0.1
NO_EFFECT, EFFECT_KEPT, EFFECT_LOST = "timeout", "late-reply", "lost-reply"


class Missed(AssertionError):
    """The cell was not brought to its moment, or not as it should be."""


class Faults:
    """What this cell's calls meet. `made` are the faults that are not ended yet, the oldest first."""

    def __init__(self, world: World, connection: str) -> None:
        self.world = world
        self.connection = connection
        self.made: list[str] = []

    async def for_cell(self, cell: Cell, call: str) -> str:
        """The fault that brings the cell to its moment, and often is the disturbance."""
        happened = cell.moment in HAPPENED
        match cell.disturbance:
            case Disturbance.REFUSAL:
                return await self.make(call, "refuse")
            case Disturbance.STAFF_CANCEL if cell.moment is Moment.BEFORE:
                return await self.make(call, "refuse")
            case Disturbance.UNKNOWN if not happened:
                return await self.make(call, "down")
            case Disturbance.LOST_REPLY | Disturbance.UNKNOWN:
                return await self.make(call, EFFECT_LOST, seconds=0)
            case Disturbance.OUTAGE if not happened:
                return await self.make(call, "down", count=None)
            case Disturbance.OUTAGE | Disturbance.WORKER_KILLED | Disturbance.TIMEOUT:
                return await self.make(call, EFFECT_LOST if happened else NO_EFFECT)
        return await self.make(call, EFFECT_KEPT if happened else "slow")

    async def make(self, call: str, kind: str, *, count: int | None = 1, seconds: float = HELD_SECONDS_MAX) -> str:
        """Make a fault: its id. Calls that it keeps waiting go on when it is ended."""
        delays = kind in ("slow", NO_EFFECT, EFFECT_KEPT, EFFECT_LOST)
        delay = {"delay_seconds": seconds if count else 0} if delays else {}
        fault = await self.world.fault(self.connection, call, kind, **({"count": count} if count else {}), **delay)
        self.made.append(fault)
        return fault

    async def struck(self, fault: str, *, more: int = 0) -> None:
        """Until the fault has struck, or has struck so often more."""
        wanted = (await self.world.hits(fault) if more else 0) + (more or 1)
        deadline = time.monotonic() + SECONDS_MAX
        while await self.world.hits(fault) < wanted:
            if time.monotonic() > deadline:
                raise Missed("the call was never made")
            await asyncio.sleep(LOOK_SECONDS / 2)

    async def given_up(self) -> None:
        """Until the system is called once more, since the call that is kept waiting was given up."""
        since = str(time.time())
        deadline = time.monotonic() + SECONDS_MAX
        while not await self.world.get("calls", connection=self.connection, since=since):
            if time.monotonic() > deadline:
                raise Missed("it was never tried again")
            await asyncio.sleep(LOOK_SECONDS)

    async def end(self, fault: str) -> None:
        """End a fault."""
        self.made.remove(fault)
        await self.world.http.delete(f"{self.world.simulator.url}/_simulator/faults/{fault}")
