"""The processes that the engine's tests run on the stage."""

from __future__ import annotations

from seamline.errors import Problem
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from tests.process import stage
from tests.process.stage import Made, Thing


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
