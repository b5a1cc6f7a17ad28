"""Staff: the teams that are told what waits for them, by mail or in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from activities.tracing import Traceable
from seamline.process.effect import IRREVERSIBLE, Call, Effect, is_repeat, operation
from seamline.records.notice import Notice, Told
from seamline.records.system import Repeat


class StaffSystem(Traceable, Protocol):
    """What a system must be able to do that reaches teams. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def notify(self, key: str, notice: Notice) -> Told:
        """Write the notice where its team reads it. A lost answer is an Outage, and the notice may be read twice."""


class Staff:
    """The staff activities over any system that fills the role."""

    def __init__(self, system: StaffSystem) -> None:
        self.system = system

    @operation("staff.notify")
    async def notify(self, call: Call[Notice]) -> Told:
        """Tell a team. After a lost answer it is told again: twice is better than never."""
        told = await self.system.notify(call.key, call.request)
        return told.model_copy(update={"perhaps_twice": is_repeat(call)})


notify = Effect(Staff.notify, undo=IRREVERSIBLE, title="Tell a team", team="it")
