"""The processes that the engine's tests run on the stage."""

from __future__ import annotations

from typing import ClassVar

from seamline.errors import Problem
from seamline.process.asking import Choice, Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.event import EventKind
from tests.process import stage
from tests.process.stage import Made, Thing

EDITED = (EventKind.ORDER_EDITED,)


@process("epilogue")
class Epilogue(Process):
    """What `play` hands on to."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        return self.completed(await self.do(stage.look, Thing(name="epilogue")))


@process("play")
class Play(Process):
    """All verbs in one story: look, three effects of which the first is the gate, a wait, and one effect after it."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        thing = await self.do(stage.look, Thing(name="play"), check=self.broken)
        if thing.colour == "none":
            return self.ignored("it has no colour")
        async with self.undoable():
            held = await self.do(stage.reserve, thing)
            done = await self.perform(stage.paint, thing, amended=self.whole)
            await self.do(stage.sell, done.request)
            await self.until(stage.collected, held)
        await self.do(stage.tell, held)
        await self.hand_on(Epilogue, Start(reference=start.reference, route=start.route, policy=start.policy))
        return self.completed(Made(id=held.id, key=held.key, colour=done.request.colour))

    def broken(self, thing: Thing) -> list[Problem]:
        return [Problem(field="colour", reason="is not mixed")] if thing.colour == "mud" else []

    async def whole(self, before: Thing, amended: Thing) -> Thing:
        return amended if amended.colour != "pale" else amended.model_copy(update={"colour": "white"})


@process("audition")
class Audition(Process):
    """A question while something is held, a wait that an event wakes, and an event that takes it all back."""

    roles = ("stage",)
    hears = (EventKind.ORDER_EDITED, EventKind.ORDER_CANCELLED, EventKind.ORDER_PAID)
    stops_on: ClassVar = {EventKind.ORDER_CANCELLED: "cancelled at the source"}

    async def run(self, start: Start) -> Outcome:
        thing = await self.do(stage.look, Thing(name="audition"), check=self.broken)
        async with self.undoable():
            held = await self.do(stage.reserve, thing)
            answer = await self.ask(Question("part", "Give the part", "a new face", about=thing))
            if not answer.approved:
                await self.stop(answer.told)
            await self.do(stage.welcome, thing)
            await self.until(stage.collected, held)
        told = await self.do(stage.tell, held)
        return self.completed(told)

    def broken(self, thing: Thing) -> list[Problem]:
        return [Problem(field="colour", reason="is not mixed")] if thing.colour == "mud" else []


@process("tour")
class Tour(Process):
    """Rests first, chooses its stage, takes no broken thing as it is, and lets what it asks about be amended."""

    roles = ("stage",)
    chosen = ("stage",)
    hears = (EventKind.ORDER_CANCELLED,)
    stops_on: ClassVar = {EventKind.ORDER_CANCELLED: "cancelled at the source"}

    async def run(self, start: Start) -> Outcome:
        await self.settle(7200, "Wait out the weather")
        self.choose("stage", start.started_by)
        thing = await self.do(stage.look, Thing(name="tour"), check=self.broken, strict=True)
        async with self.undoable():
            while True:
                held = await self.do(stage.reserve, thing)
                answer = await self.ask(Question("part", "Give the part", "a new face", about=thing, amendable=True))
                if not isinstance(answer.amended, Thing):
                    break
                thing = answer.amended
        return self.completed(held)

    def broken(self, thing: Thing) -> list[Problem]:
        return [Problem(field="colour", reason="is not mixed")] if thing.colour == "mud" else []


@process("casting")
class Casting(Process):
    """A question with choices, needless once the thing is collected; a choice may change what is asked about."""

    roles = ("stage",)
    hears = (EventKind.ORDER_EDITED,)

    async def run(self, start: Start) -> Outcome:
        thing = await self.do(stage.look, Thing(name="casting"))
        async with self.undoable():
            held = await self.do(stage.reserve, thing)
            choices = (Choice("lead", "Play the lead"), Choice("paint", "Another colour"))
            question = Question("part", "Cast the part", "two could play it", about=thing, choices=choices)
            answer = await self.ask_or_until(question, stage.collected, held)
        if isinstance(answer, Made):
            return self.completed(answer)
        chosen = answer.amended if isinstance(answer.amended, Thing) else thing
        return self.completed(Made(id=held.id, key=answer.choice, colour=chosen.colour))


@process("vigil")
class Vigil(Process):
    """A wait that gives way to an event: what was made before it is then made anew, under the same key."""

    roles = ("stage",)
    hears = (EventKind.ORDER_EDITED, EventKind.ORDER_CANCELLED)
    stops_on: ClassVar = {EventKind.ORDER_CANCELLED: "cancelled at the source"}

    async def run(self, start: Start) -> Outcome:
        async with self.undoable():
            since = self.heard(EDITED)
            painted = await self.painted()
            while not await self.until(stage.collected, painted, unless=EDITED, since=since, refused=("gone",)):
                since = self.heard(EDITED)
                painted = await self.painted()
        return self.completed(painted)

    async def painted(self) -> Made:
        return await self.do(stage.paint, await self.do(stage.look, Thing(name="vigil")))
