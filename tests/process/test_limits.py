"""Nothing that is sent to a process makes it grow without end, or asks of Temporal what it cannot take."""

from __future__ import annotations

import asyncio

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from seamline.errors import Refusal
from seamline.process import attributes
from seamline.process.inbox import DECISIONS_MAX, HISTORY_LENGTH_MAX, REFUSED_LENGTH_MAX
from seamline.process.process import Process, process
from seamline.process.shown import NOTE_LENGTH_MAX, NOTES_MAX
from seamline.process.start import Start
from seamline.process.view import Outcome
from tests.process import stage
from tests.process.stage import Thing
from tests.process.test_on_the_real_server import listed
from tests.process.theatre import QUICK, Theatre, event_types, sandbox

RETRY = {"wait": "paint#1", "action": "retry"}
LEFT = 2_300
"""Events that are left to a process whose history is long already: enough for more decisions than are shown."""
CHAPTER = 300
"""Events that it makes at a time: a workflow must not be busy for long."""
WRONG = {"wait": "paint#1", "action": "amend", "change": {f"field-{number}": 1 for number in range(1000)}}


async def test_notes_are_bounded_in_number_and_length(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await asyncio.gather(*(handle.signal(f"wrong-{number}") for number in range(NOTES_MAX + 5)))
    await handle.signal("decide", WRONG)
    view = await theatre.until(handle, lambda view: view.notes and "field-0" in view.notes[-1])
    assert len(view.notes) == NOTES_MAX
    assert len(view.notes[-1]) == NOTE_LENGTH_MAX
    await theatre.decide(handle, **RETRY)
    await handle.result()


async def test_the_answer_to_a_wrong_update_is_bounded(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await theatre.decide(handle, **WRONG)
    assert isinstance(refused.value.cause, ApplicationError)
    assert len(refused.value.cause.message) == REFUSED_LENGTH_MAX
    await theatre.decide(handle, **RETRY)
    await handle.result()


async def test_a_cause_of_any_length_can_be_searched_for(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("x" * 5000)]
    handle = await real.start()
    await real.waiting(handle)
    cause = f"{real.connection} refusal {'x' * 5000}"[: attributes.LENGTH_MAX]
    assert await listed(real, handle, f"SeamlineCause = '{cause}'")
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)
    await real.decide(handle, **RETRY)
    await handle.result()


@pytest.mark.parametrize("time_zone", ["", "Europe", "../..", "x" * 5000, "Nowhere/Else"])
async def test_a_time_zone_that_is_none_harms_nothing(theatre: Theatre, time_zone: str) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start(policy=QUICK.model_copy(update={"time_zone": time_zone}))
    await theatre.waiting(handle)
    await theatre.decide(handle, **RETRY)
    await handle.result()
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)


@process("epic")
class Epic(Process):
    """Has a long history already when it begins."""

    roles = ("stage",)

    async def run(self, start: Start) -> Outcome:
        while workflow.info().get_current_history_length() < HISTORY_LENGTH_MAX - LEFT:
            for _ in range(CHAPTER):
                workflow.upsert_memo({"chapter": None})
            await self.do(stage.look, Thing(name="epic"))
        async with self.undoable():
            painted = await self.do(stage.paint, Thing(name="epic"))
        return self.completed(painted)


async def test_hundreds_of_amendments_fit_and_then_the_history_is_kept_bounded(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour") for _ in range(LEFT)]
    real.queue = f"epics-{real.connection}"
    async with Worker(real.client, task_queue=real.queue, workflows=[Epic], workflow_runner=sandbox()):
        handle = await real.start(name="epic")
        await real.waiting(handle)
        taken, refused = 0, ""
        while "skip or cancel" not in refused:
            change = {"colour": f"c{taken % 7}"}
            try:
                await real.decide(handle, wait=f"paint#{taken + 1}", action="amend", change=change)
                taken += 1
            except WorkflowUpdateFailedError as error:
                refused = str(error.cause)
        assert taken * HISTORY_LENGTH_MAX / LEFT >= 500
        # Two events of the task that refused are not kept.
        assert HISTORY_LENGTH_MAX - 2 < (await handle.describe()).history_length < HISTORY_LENGTH_MAX + 100
        assert len((await real.view(handle)).decisions) == DECISIONS_MAX
        await real.decide(handle, wait=f"paint#{taken + 1}", action="cancel")
        assert (await real.finished(handle))["kind"] == "undone"
    assert real.workshop.objects == {}
