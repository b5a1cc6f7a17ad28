"""What waits or is held up, was begun, or has ended, over all processes: read from Temporal, which alone knows.

Its operations are served where the processes themselves run: no connection fills this role.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import AwareDatetime, Field

from seamline.errors import NotYet
from seamline.process.effect import Call, Read, Wait, operation
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


class Processes(Record):
    """Have all of these ended? One that was never begun has."""

    process_ids: tuple[str, ...] = Field(max_length=2000)


class Ended(Record):
    """None of them runs."""


class ProcessList(Protocol):
    """Where the processes are listed."""

    async def held(self) -> HeldGroups:
        """The processes that wait or are held up, by team and cause. It lags by a moment."""

    async def begun(self, changes: Sequence[Change]) -> Sequence[str]:
        """The ids of those whose last run began after the change. This does not lag."""

    async def running(self, process_ids: Sequence[str]) -> Sequence[str]:
        """Those that have not ended. This does not lag."""


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

    @operation("waiting.ended")
    async def ended(self, call: Call[Processes]) -> Ended:
        """That all have ended. NotYet while one runs."""
        if running := await self.processes.running(call.request.process_ids):
            raise NotYet("still-running", f"{len(running)} of the processes have not ended")
        return Ended()


held = Read(Waiting.held, title="See what waits")
begun = Read(Waiting.begun, title="See what was begun already")
ended = Wait(Waiting.ended, title="Wait until other processes have ended", foreseen=lambda _: Ended())
