"""What waits or is held up, and what was begun, over all processes: read from Temporal, which alone knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import AwareDatetime, Field

from seamline.process.effect import Call, Read, operation
from seamline.records.base import Record
from seamline.records.notice import HeldGroups


class HeldRequest(Record):
    """Nothing is needed to ask for all."""


class Change(Record):
    """What a process would be started for: what became of its object, and when."""

    process_id: str
    changed_at: AwareDatetime


class Changes(Record):
    """Which of these processes were begun since?"""

    changes: tuple[Change, ...] = Field(max_length=2000)


class Begun(Record):
    """The processes that were begun since, and run or ended."""

    process_ids: tuple[str, ...] = ()


class ProcessList(Protocol):
    """Where the processes are listed."""

    async def held(self) -> HeldGroups:
        """The processes that wait or are held up, by team and cause. It lags by a moment."""

    async def begun(self, changes: Sequence[Change]) -> Sequence[str]:
        """The ids of those whose last run began after the change. This does not lag."""


class Waiting:
    """The activity over the list."""

    def __init__(self, processes: ProcessList) -> None:
        self.processes = processes

    @operation("waiting.held")
    async def held(self, call: Call[HeldRequest]) -> HeldGroups:
        """What is held, for whom and why."""
        return await self.processes.held()

    @operation("waiting.begun")
    async def begun(self, call: Call[Changes]) -> Begun:
        """Which processes were begun since."""
        return Begun(process_ids=tuple(await self.processes.begun(call.request.changes)))


held = Read(Waiting.held, title="See what waits")
begun = Read(Waiting.begun, title="See what was begun already")
