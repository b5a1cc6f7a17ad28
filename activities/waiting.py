"""What waits for a team or is held up, over all processes: read from Temporal, which alone knows."""

from __future__ import annotations

from typing import Protocol

from seamline.process.effect import Call, Read, operation
from seamline.records.base import Record
from seamline.records.notice import HeldGroups


class HeldRequest(Record):
    """Nothing is needed to ask for all."""


class ProcessList(Protocol):
    """Where the processes are listed."""

    async def held(self) -> HeldGroups:
        """The processes that wait or are held up, by team and cause. It lags by a moment."""


class Waiting:
    """The activity over the list."""

    def __init__(self, processes: ProcessList) -> None:
        self.processes = processes

    @operation("waiting.held")
    async def held(self, call: Call[HeldRequest]) -> HeldGroups:
        """What is held, for whom and why."""
        return await self.processes.held()


held = Read(Waiting.held, title="See what waits")
