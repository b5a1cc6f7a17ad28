"""Rules of a whole run: a bug heals with the next release, every answer is given, what is handed on lives on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import ParentClosePolicy
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

from seamline.errors import Outage, Refusal
from seamline.process.decision import Decided
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome, Status, StepState
from tests.process import stage
from tests.process.history import sent
from tests.process.stage import Made, Thing
from tests.process.theatre import QUICK, ROUNDS_MAX, Handle, Theatre, event_types, events, sandbox

HOLDS = (Status.HELD_UP, Status.WAITING)


@process("released")
class Buggy(Process):
    """A release with a bug after its first effect."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        made = await self.do(stage.reserve, Thing(name="released"))
        raise KeyError(made.colour)


@process("released")
class BuggyAfterADecision(Process):
    """A release whose bug shows only once staff have answered."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        made = await self.do(stage.reserve, Thing(name="released"))
        raise KeyError(made.colour if self.decisions else "never asked")


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


@process("trio")
class Trio(Process):
    """A gate, and two effects at once behind it."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        async with self.undoable():
            held = await self.do(stage.reserve, Thing(name="trio"))
            await asyncio.gather(*(self.do(stage.paint, Thing(name="trio"), number=number) for number in (1, 2)))
        return self.completed(held)


@process("pause")
class Pause(Process):
    """Waits by itself, where only a verb knows what a cancel means."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        made = await self.do(stage.reserve, Thing(name="pause"))
        await workflow.sleep(timedelta(hours=1))
        return self.completed(made)


async def begun(theatre: Theatre, name: str, **options: Any) -> Handle:
    """A process of that name, on the queue of plays."""
    reference = f"test:{theatre.connection}"
    start = {"reference": reference, "route": {"stage": theatre.connection}, "policy": QUICK}
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


async def failed_task(handle: Handle) -> None:
    """Until a workflow task of the process has failed."""
    for _ in range(ROUNDS_MAX):
        if "WORKFLOW_TASK_FAILED" in await event_types(handle):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no task failed")


async def test_a_bug_fails_no_run_and_heals_with_the_next_release(real: Theatre) -> None:
    real.queue = f"releases-{real.connection}"
    handle = await begun(real, "released", task_timeout=timedelta(seconds=1))
    async with releasing(real, Buggy):
        await failed_task(handle)
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


async def test_each_decision_gets_its_own_answer_however_long_it_takes(real: Theatre) -> None:
    real.queue = f"duets-{real.connection}"
    real.workshop.script["paint"] = [Refusal("no-colour"), *[Outage("http-503")] * 1000]
    handle = await begun(real, "duet")
    async with releasing(real, Duet):
        view = await real.until(handle, lambda view: {one.status for one in view.waits} == {*HOLDS})
        slow, quick = (next(one.name for one in view.waits if one.status is status) for status in HOLDS)
        gate = real.workshop.gates["paint"] = asyncio.Event()
        before = len(real.workshop.calls)
        await real.until(handle, lambda _: len(real.workshop.calls) > before)
        answer = asyncio.create_task(real.decide(handle, wait=slow, action="retry"))
        await real.until(handle, lambda view: view.decisions)
        assert Decided.model_validate(await real.decide(handle, wait=quick, action="retry")).wait == quick
        gate.set()
        assert Decided.model_validate(await answer).wait == slow
        real.workshop.script["paint"] = []
        await handle.result()


async def test_a_cancel_that_comes_while_two_steps_run_takes_both_back(real: Theatre) -> None:
    real.queue = f"duets-{real.connection}"
    real.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await begun(real, "duet")
    async with releasing(real, Duet):
        await real.until(handle, lambda view: view.waits and real.workshop.objects)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        assert isinstance(ended.value.cause, CancelledError)
        assert (await real.view(handle)).status is Status.UNDONE
    assert real.workshop.objects == {}


async def test_a_cancel_outside_of_a_verb_leaves_no_effect_behind(real: Theatre) -> None:
    real.queue = f"pauses-{real.connection}"
    handle = await begun(real, "pause")
    async with releasing(real, Pause):
        await real.until(handle, lambda view: view.steps and view.steps[0].state is StepState.DONE)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        assert isinstance(ended.value.cause, CancelledError)
    assert real.workshop.objects == {}


async def test_what_is_handed_on_lives_on(theatre: Theatre) -> None:
    gate = asyncio.Event()
    tell = theatre.workshop.gates["tell"] = asyncio.Event()
    handle = await theatre.start()
    await theatre.called("tell")
    theatre.workshop.gates["look"] = gate
    tell.set()
    await handle.result()
    started = [one.start_child_workflow_execution_initiated_event_attributes for one in await events(handle)]
    assert [one.parent_close_policy for one in started if one.workflow_id] == [
        ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
    ]
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
    assert [call["repeated"] for call in calls[:2]] == [False, True]


async def test_a_cancel_of_two_steps_at_once_asks_the_gate_once(real: Theatre) -> None:
    real.queue = f"trios-{real.connection}"
    real.workshop.script["paint"] = [Refusal("no-colour"), Refusal("no-colour")]
    handle = await begun(real, "trio")
    async with releasing(real, Trio):
        await real.until(handle, lambda view: len(view.waits) == 2)
        await handle.cancel()
        await real.until(handle, lambda view: view.outcome)
    assert real.workshop.objects == {}
    assert real.workshop.calls.count("release") == 1


async def test_a_bug_that_shows_while_it_waits_loses_no_decision_and_heals_by_a_release(real: Theatre) -> None:
    real.queue = f"waiting-{real.connection}"
    real.workshop.script["reserve"] = [Refusal("no-room")]
    handle = await begun(real, "released", task_timeout=timedelta(seconds=1))
    async with releasing(real, BuggyAfterADecision):
        await real.waiting(handle)
        await handle.signal("decide", {"wait": "reserve#1", "action": "retry", "who": "kim", "why": "made room"})
        await failed_task(handle)
    assert len(real.workshop.objects) == 1
    async with releasing(real, Mended):
        assert (await handle.result())["kind"] == "completed"
        (decided,) = (await real.view(handle)).decisions
    assert (decided.who, len(real.workshop.objects)) == ("kim", 1)
