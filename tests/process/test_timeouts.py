"""Tries whose time runs out: with a worker that lives and is slow, with one that died, with none at all."""

from __future__ import annotations

import asyncio

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.exceptions import ApplicationError

from seamline.errors import Outage
from seamline.process.view import Status
from seamline.records.system import Repeat
from tests.process.history import sent
from tests.process.stage import Workshop
from tests.process.theatre import QUICK, Theatre, event_types


def painted(workshop: Workshop) -> int:
    """How many things were painted."""
    return len([made for made in workshop.made() if made.id.startswith("paint")])


async def take_and_die(theatre: Theatre) -> None:
    """Be a worker that takes the connection's next task and is never heard of again."""
    request = PollActivityTaskQueueRequest(
        namespace=theatre.client.namespace, task_queue=TaskQueue(name=theatre.connection), identity="a dead worker"
    )
    taken = await theatre.client.workflow_service.poll_activity_task_queue(request)
    assert taken.task_token


async def test_a_slow_try_is_repeated_and_finds_what_the_first_made(real: Theatre) -> None:
    gate = real.workshop.gates["paint"] = asyncio.Event()
    handle = await real.start(policy=QUICK.model_copy(update={"attempt_seconds_max": 0.3, "patience_seconds": 60}))
    await real.until(handle, lambda _: real.workshop.calls.count("paint") > 1)
    gate.set()
    assert (await handle.result())["kind"] == "completed"
    assert painted(real.workshop) == 1


async def test_a_step_that_never_answers_is_held_up_and_heals(real: Theatre) -> None:
    gate = real.workshop.gates["paint"] = asyncio.Event()
    handle = await real.start(policy=QUICK.model_copy(update={"attempt_seconds_max": 0.5}))
    view = await real.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{real.connection} outage timeout"
    gate.set()
    assert (await handle.result())["kind"] == "completed"
    assert [call["repeated"] for call in await sent(handle, "stage.paint")] == [False, True]
    assert painted(real.workshop) == 1


async def test_what_nothing_can_tell_is_not_repeated_by_healing(real: Theatre) -> None:
    """Healing is a new activity whose attempts count from one: it must be told of the earlier one."""
    real.workshop.repeat = Repeat.NEITHER
    real.workshop.after["paint"] = [Outage("cut", retry_after_seconds=60)]
    handle = await real.start()
    view = await real.waiting(handle)
    assert view.waits[0].cause.endswith("unknown outcome may-have-happened")
    assert painted(real.workshop) == 1
    made = next(made for made in real.workshop.made() if made.id.startswith("paint"))
    await real.decide(handle, wait=view.waits[0].name, action="skip", result=made.model_dump())
    assert (await handle.result())["kind"] == "completed"


async def test_a_try_that_died_with_its_worker_may_have_happened(real: Theatre) -> None:
    deserted = Theatre(real.env, real.workshop)
    deserted.queue = real.queue
    policy = QUICK.model_copy(update={"attempt_seconds_max": 0.3, "patience_seconds": 2})
    handle = await deserted.start(policy=policy)
    await take_and_die(deserted)
    view = await deserted.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{deserted.connection} outage timeout"
    async with deserted.acting():
        assert (await handle.result())["kind"] == "completed"
    assert [call["repeated"] for call in await sent(handle, "stage.look")] == [False, True]


async def test_what_nobody_picked_up_did_certainly_not_happen(real: Theatre) -> None:
    deserted = Theatre(real.env, real.workshop)
    deserted.queue = real.queue
    handle = await deserted.start(policy=QUICK.model_copy(update={"patience_seconds": 0.5}))
    view = await deserted.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{deserted.connection} outage not-picked-up"
    async with deserted.acting():
        assert (await handle.result())["kind"] == "completed"
    assert [call["repeated"] for call in await sent(handle, "stage.look")] == [False, False]


async def test_what_cannot_heal_asks_a_person_instead_of_trying_for_ever(real: Theatre) -> None:
    """Without an adapter's word and not to be retried: a result too large, arguments that cannot be decoded."""
    real.workshop.script["paint"] = [ApplicationError("too large", non_retryable=True)] * 50
    handle = await real.start()
    wait = (await real.waiting(handle)).waits[0]
    assert (wait.team, wait.cause) == ("it", f"{real.connection} defect ApplicationError")
    assert real.workshop.calls.count("paint") == 2
    real.workshop.script["paint"] = []
    await real.decide(handle, wait=wait.name, action="retry")
    assert (await handle.result())["kind"] == "completed"
    assert (await event_types(handle)).count("ACTIVITY_TASK_FAILED") == 2
