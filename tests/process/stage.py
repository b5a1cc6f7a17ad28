"""A small world for the engine's tests: one role whose system does what the test tells it, and a process that uses it.

The system is a stand-in for a vendor, not for our code: it keeps objects by effect key, and fails as scripted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import Field

from activities.ensure import ensure
from seamline.errors import NotYet, SystemFailure
from seamline.process.effect import IRREVERSIBLE, STANDS, Call, Effect, Read, Wait, operation
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.system import Repeat
from seamline.records.undo import Undone, UndoState


class Thing(Record):
    """What is made: `colour` is what staff amend."""

    name: str
    colour: str = Field(default="red", max_length=10)


class Made(Record):
    """A thing made, under an id and a key."""

    id: str
    key: str
    colour: str


@dataclass
class Workshop:
    """The system. `script` holds, by operation, what the next calls raise; then they work."""

    objects: dict[str, Made] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    script: dict[str, list[Exception]] = field(default_factory=dict)
    after: dict[str, list[SystemFailure]] = field(default_factory=dict)
    """Raised after the effect happened: a lost answer."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """An operation that reaches its gate waits there until the test opens it."""
    colour: str = "red"
    left: bool = False
    ready: bool = True
    repeat: Repeat = Repeat.LOOK_UP

    async def called(self, name: str) -> None:
        self.calls.append(name)
        if gate := self.gates.get(name):
            await gate.wait()
        failures = self.script.get(name, [])
        if failures and (failure := failures.pop(0)):
            raise failure

    def answer(self, name: str) -> None:
        if failures := self.after.get(name, []):
            raise failures.pop(0)

    def made(self) -> Sequence[Made]:
        return list(self.objects.values())


class Stage:
    """The role's activities."""

    def __init__(self, system: Workshop) -> None:
        self.system = system

    @operation("stage.look")
    async def look(self, call: Call[Thing]) -> Thing:
        await self.system.called("look")
        return call.request.model_copy(update={"colour": self.system.colour})

    async def _make(self, what: str, call: Call[Thing]) -> Made:
        await self.system.called(what)

        async def find() -> Sequence[Made]:
            return self.system.made()

        async def create() -> Made:
            number = len(self.system.calls)
            made = Made(id=f"{what}-{number}", key=call.key, colour=call.request.colour)
            self.system.objects[made.id] = made
            self.system.answer(what)
            return made

        async def take_back(made: Made) -> None:
            del self.system.objects[made.id]

        return await ensure(
            call,
            self.system.repeat,
            find=find,
            matches=lambda one: one.colour == call.request.colour,
            create=create,
            take_back=take_back,
        )

    async def _unmake(self, what: str, call: Call[Thing]) -> Undone:
        await self.system.called(what)
        if what == "release" and self.system.left:
            return Undone(state=UndoState.TOO_LATE)
        ours = [one for one in self.system.made() if one.key == call.key]
        for one in ours:
            del self.system.objects[one.id]
        return Undone(state=UndoState.UNDONE if ours else UndoState.NOTHING)

    @operation("stage.reserve")
    async def reserve(self, call: Call[Thing]) -> Made:
        return await self._make("reserve", call)

    @operation("stage.release")
    async def release(self, call: Call[Thing]) -> Undone:
        return await self._unmake("release", call)

    @operation("stage.paint")
    async def paint(self, call: Call[Thing]) -> Made:
        return await self._make("paint", call)

    @operation("stage.unpaint")
    async def unpaint(self, call: Call[Thing]) -> Undone:
        return await self._unmake("unpaint", call)

    @operation("stage.sell")
    async def sell(self, call: Call[Thing]) -> Made:
        return await self._make("sell", call)

    @operation("stage.unsell")
    async def unsell(self, call: Call[Thing]) -> Undone:
        undone = await self._unmake("unsell", call)
        return undone.model_copy(update={"state": UndoState.REQUESTED})

    @operation("stage.unsold")
    async def unsold(self, call: Call[Thing]) -> Undone:
        await self.system.called("unsold")
        return Undone(state=UndoState.UNDONE, detail="confirmed")

    @operation("stage.collected")
    async def collected(self, call: Call[Made]) -> Made:
        await self.system.called("collected")
        if not self.system.ready:
            raise NotYet("not-collected")
        return call.request

    @operation("stage.tell")
    async def tell(self, call: Call[Made]) -> Made:
        await self.system.called("tell")
        return call.request

    @operation("stage.welcome")
    async def welcome(self, call: Call[Thing]) -> Made:
        return await self._make("welcome", call)


look = Read(Stage.look, title="Look", news=(EventKind.ORDER_EDITED,))
reserve = Effect(Stage.reserve, undo=Stage.release, gate=True, title="Reserve")
paint = Effect(Stage.paint, undo=Stage.unpaint, title="Paint")
sell = Effect(Stage.sell, undo=Stage.unsell, confirm=Stage.unsold, title="Sell")
collected = Wait(Stage.collected, title="Wait until collected", news=(EventKind.ORDER_EDITED,))
tell = Effect(Stage.tell, undo=IRREVERSIBLE, title="Tell")
welcome = Effect(Stage.welcome, undo=STANDS, title="Welcome")
