"""A plan that changes: a wait gives way to an event, and an effect done again under its key replaces what it made."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from temporalio.worker import Worker

from seamline.errors import Outage, Refusal
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome, Status, StepState, View
from seamline.records.event import EventKind
from tests.process import stage
from tests.process.history import sent
from tests.process.play import Vigil
from tests.process.stage import Thing
from tests.process.theatre import Handle, Theatre, event_types, sandbox

CANCELLED = {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": "1"}


@process("vigil")
class Earlier(Process):
    """The release before a vigil's wait gave way."""

    roles = ("stage",)
    hears = (EventKind.ORDER_EDITED,)

    async def run(self, start: Start) -> Outcome:
        async with self.undoable():
            painted = await self.do(stage.paint, await self.do(stage.look, Thing(name="vigil")))
            await self.until(stage.collected, painted)
        return self.completed(painted)


def edited(number: int = 1) -> dict[str, str]:
    return {"kind": "order-edited", "topic": "orders/edited", "external_id": "1", "delivery_id": f"d-{number}"}


async def watching(world: Theatre) -> Handle:
    """A vigil that waits for what does not happen."""
    world.workshop.ready = False
    handle = await world.start(name="vigil")
    await world.called("collected")
    return handle


async def repainted(world: Theatre, handle: Handle, times: int = 2) -> View:
    """The view once it was painted so often, and waits again."""
    calls = world.workshop.calls
    return await world.until(handle, lambda _: calls.count("paint") == times and calls[-1] == "collected")


async def test_a_wait_gives_way_to_an_event_and_what_was_made_is_made_anew_under_its_key(real: Theatre) -> None:
    handle = await watching(real)
    real.workshop.colour = "blue"
    await handle.signal("happened", edited())
    view = await repainted(real, handle)
    (one,) = real.workshop.made()
    assert one.colour == "blue"
    assert [step.state for step in view.steps if step.name == "collected"] == [StepState.STOPPED, StepState.RUNNING]
    calls = await sent(handle, "stage.paint")
    assert [(call["amendment"], call["repeated"]) for call in calls] == [(0, False), (1, True)]
    assert {call["key"] for call in calls} == {one.key}
    real.workshop.ready = True
    await handle.signal("happened", edited(2))
    assert (await real.finished(handle))["kind"] == "completed"


async def test_what_was_made_anew_is_taken_back_once(real: Theatre) -> None:
    handle = await watching(real)
    real.workshop.colour = "blue"
    await handle.signal("happened", edited())
    view = await repainted(real, handle)
    assert [one.title for one in view.undo_plan] == ["Paint"]
    await handle.signal("happened", CANCELLED)
    assert (await real.finished(handle))["kind"] == "undone"
    assert real.workshop.objects == {}
    (call,) = await sent(handle, "stage.unpaint")
    assert (call["request"]["colour"], call["amendment"]) == ("blue", 1)


async def test_what_staff_did_by_hand_is_not_replaced_but_left_to_them(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour")]
    real.workshop.ready = False
    handle = await real.start(name="vigil")
    await real.waiting(handle)
    result = {"id": "by-hand", "key": "", "colour": "red"}
    await real.decide(handle, wait="paint#1", action="skip", result=result)
    await real.called("collected")
    await handle.signal("happened", edited())
    view = await repainted(real, handle)
    assert [one.how for one in view.undo_plan] == ["is taken back", "is left to people"]


async def test_an_event_that_came_before_the_wait_began_leaves_nothing_to_await(real: Theatre) -> None:
    gate = real.workshop.gates["paint"] = asyncio.Event()
    handle = await real.start(name="vigil")
    await real.called("paint")
    await handle.signal("happened", edited())
    gate.set()
    assert (await real.finished(handle))["kind"] == "completed"
    assert Counter(real.workshop.calls) == {"look": 2, "paint": 2, "collected": 1}


async def test_what_happened_all_the_same_counts(real: Theatre) -> None:
    gate = real.workshop.gates["collected"] = asyncio.Event()
    handle = await watching(real)
    real.workshop.ready = True
    await handle.signal("happened", edited())
    await real.until(handle, lambda view: view.notes)
    gate.set()
    assert (await real.finished(handle))["kind"] == "completed"
    assert real.workshop.calls.count("paint") == 1


async def test_a_wait_that_needs_a_person_gives_way_too(real: Theatre) -> None:
    real.workshop.script["collected"] = [Refusal("lost")]
    handle = await real.start(name="vigil")
    await real.waiting(handle)
    await handle.signal("happened", edited())
    assert (await real.finished(handle))["kind"] == "completed"
    assert (await real.view(handle)).waits == ()


async def test_a_wait_that_is_held_up_gives_way_too(real: Theatre) -> None:
    real.workshop.script["collected"] = [Outage("http-503")] * 1000
    handle = await real.start(name="vigil")
    await real.waiting(handle, Status.HELD_UP)
    real.workshop.colour = "blue"
    await handle.signal("happened", edited())
    await real.until(handle, lambda _: real.workshop.calls.count("paint") == 2)
    real.workshop.script["collected"] = []
    await real.finished(handle)
    assert "ACTIVITY_TASK_CANCELED" in await event_types(handle)


async def test_a_refusal_that_the_story_knows_gives_way_too(real: Theatre) -> None:
    real.workshop.script["collected"] = [Refusal("gone")]
    handle = await real.start(name="vigil")
    assert (await real.finished(handle))["kind"] == "completed"
    assert real.workshop.calls.count("paint") == 2
    assert not (await real.view(handle)).decisions


async def test_what_began_to_wait_before_the_release_goes_on_waiting(real: Theatre) -> None:
    real.workshop.ready = False
    real.queue = f"releases-{real.connection}"
    handle = await real.start(name="vigil", task_timeout=timedelta(seconds=1))
    async with released(real, Earlier):
        await real.called("collected")
        await handle.signal("happened", edited())
        await real.until(handle, lambda view: view.notes)
    async with released(real, Vigil):
        await handle.signal("happened", edited(2))
        await real.view(handle)
        real.workshop.ready = True
        assert (await real.finished(handle))["kind"] == "completed"
    assert real.workshop.calls.count("paint") == 1
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)


def released(world: Theatre, one: type[Process]) -> Worker:
    """A worker of one release; without a cache the next release takes over at once."""
    return Worker(
        world.client, task_queue=world.queue, workflows=[one], workflow_runner=sandbox(), max_cached_workflows=0
    )
