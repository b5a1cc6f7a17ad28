"""Rules of a whole run: a bug heals with the next release, every answer is given, what is handed on lives on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.worker import Worker

from seamline.errors import Refusal
from seamline.process.decision import Decided
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome, Status
from tests.process import stage
from tests.process.history import sent
from tests.process.stage import Made, Thing
from tests.process.theatre import ROUNDS_MAX, Handle, Theatre, event_types, sandbox


@process("released")
class Buggy(Process):
    """A release with a bug after its first effect."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        made = await self.do(stage.reserve, Thing(name="released"))
        raise KeyError(made.colour)


@process("released")
class Mended(Process):
    """The next release."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        return self.completed(await self.do(stage.reserve, Thing(name="released")))


@process("duet")
class Duet(Process):
    """Two effects at once, the second a repeat that is meant."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        first, _ = await asyncio.gather(self.painted(1), self.painted(2))
        return self.completed(first)

    async def painted(self, number: int) -> Made:
        return await self.do(stage.paint, Thing(name="duet"), number=number)


async def begun(theatre: Theatre, name: str, **options: Any) -> Handle:
    """A process of that name, on the queue of plays."""
    reference = f"test:{theatre.connection}"
    start = {"reference": reference, "route": {"stage": theatre.connection}}
    return await theatre.client.start_workflow(
        name, start, id=f"{name}:{reference}", task_queue=theatre.queue, **options
    )


def releasing(theatre: Theatre, *processes: type[Any]) -> Worker:
    """A worker of one release on a queue of its own, without a cache, so that the next release takes over at once."""
    return Worker(
        theatre.client,
        task_queue=theatre.queue,
        workflows=processes,
        workflow_runner=sandbox(),
        max_cached_workflows=0,
    )


async def test_a_bug_fails_no_run_and_heals_with_the_next_release(real: Theatre) -> None:
    real.queue = f"releases-{real.connection}"
    handle = await begun(real, "released", task_timeout=timedelta(seconds=1))
    async with releasing(real, Buggy):
        for _ in range(ROUNDS_MAX):
            if "WORKFLOW_TASK_FAILED" in await event_types(handle):
                break
            await asyncio.sleep(0.05)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    async with releasing(real, Mended):
        assert (await handle.result())["kind"] == "completed"
    assert real.workshop.calls == ["reserve"]


async def test_the_last_answer_is_given_before_the_run_ends(theatre: Theatre) -> None:
    """Nothing follows the skipped step: the run could end before whoever decided is told."""
    theatre.workshop.script["look"] = [Refusal("not-found")]
    handle = await begun(theatre, "epilogue")
    await theatre.waiting(handle)
    answer = await theatre.decide(handle, wait="look#1", action="skip", result={"name": "epilogue"}, who="sam")
    assert Decided.model_validate(answer).who == "sam"
    assert (await handle.result())["kind"] == "completed"


async def test_two_steps_at_once_have_keys_waits_and_answers_of_their_own(theatre: Theatre) -> None:
    theatre.queue = f"duets-{theatre.connection}"
    theatre.workshop.script["paint"] = [Refusal("no-colour"), Refusal("no-colour")]
    handle = await begun(theatre, "duet")
    async with releasing(theatre, Duet):
        await theatre.until(handle, lambda view: len(view.waits) == 2)
        names = ["paint#1", "paint#2"]
        answers = await asyncio.gather(*(theatre.decide(handle, wait=name, action="retry") for name in names))
        assert [Decided.model_validate(one).wait for one in answers] == names
        await handle.result()
    keys = {f"test:{theatre.connection}/paint#{number}" for number in (1, 2)}
    assert {made.key for made in theatre.workshop.made()} == keys


async def test_what_is_handed_on_lives_on(theatre: Theatre) -> None:
    gate = asyncio.Event()
    tell = theatre.workshop.gates["tell"] = asyncio.Event()
    handle = await theatre.start()
    await theatre.called("tell")
    theatre.workshop.gates["look"] = gate
    tell.set()
    await handle.result()
    epilogue = theatre.client.get_workflow_handle(handle.id.replace("play", "epilogue"))
    assert (await epilogue.describe()).status is WorkflowExecutionStatus.RUNNING
    gate.set()
    assert (await epilogue.result())["kind"] == "completed"


async def test_the_undo_is_told_the_request_that_was_finally_used(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour")]
    real.workshop.ready = False
    handle = await real.start()
    await real.waiting(handle)
    await real.decide(handle, wait="paint#1", action="amend", change={"colour": "blue"})
    await real.called("collected")
    await handle.cancel()
    await real.until(handle, lambda view: view.status is Status.UNDONE)
    calls = [*await sent(handle, "stage.paint"), *await sent(handle, "stage.unpaint")]
    assert [(call["request"]["colour"], call["amendment"]) for call in calls] == [("red", 0), ("blue", 1), ("blue", 1)]
    assert len({call["key"] for call in calls}) == 1
