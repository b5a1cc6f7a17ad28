"""What hides a cancel: an activity that completes anyway, one that hears nothing, a try whose time runs out.

On the real server, as all of cancelling.
"""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from seamline.errors import Refusal
from seamline.process.view import Status
from tests.process.history import sent
from tests.process.theatre import QUICK, ROUNDS_MAX, Handle, Theatre, event_types, events

UNDO = {"release", "unsell", "unpaint", "unsold"}


async def cancelled(handle: Handle) -> None:
    """The process ended as cancelled."""
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert isinstance(ended.value.cause, CancelledError)


async def heard(handle: Handle) -> None:
    """Until the process has asked an activity to stop."""
    for _ in range(ROUNDS_MAX):
        if "ACTIVITY_TASK_CANCEL_REQUESTED" in await event_types(handle):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no activity was asked to stop")


async def test_undo_begins_only_when_the_cancelled_activity_has_stopped(real: Theatre) -> None:
    gate = real.workshop.gates["paint"] = asyncio.Event()
    handle = await real.start()
    await real.called("paint")
    await handle.cancel()
    await heard(handle)
    assert (await real.view(handle)).status is Status.RUNNING
    assert not UNDO & set(real.workshop.calls)
    gate.set()
    await cancelled(handle)
    assert real.workshop.objects == {}


async def test_a_cancel_hidden_by_the_last_step_before_the_point_of_no_return_is_found(real: Theatre) -> None:
    gate = real.workshop.gates["collected"] = asyncio.Event()
    handle = await real.start()
    await real.called("collected")
    await handle.cancel()
    await heard(handle)
    gate.set()
    await cancelled(handle)
    assert real.workshop.objects == {}
    assert "tell" not in real.workshop.calls


async def test_a_cancel_hidden_by_a_try_whose_time_is_over_is_found(real: Theatre) -> None:
    gate = real.workshop.gates["paint"] = asyncio.Event()
    handle = await real.start(policy=QUICK.model_copy(update={"attempt_seconds_max": 0.5, "patience_seconds": 60}))
    await real.called("paint")
    await handle.cancel()
    await cancelled(handle)
    assert set(real.workshop.calls) >= {"release", "unpaint"}
    assert "sell" not in real.workshop.calls
    gate.set()


async def test_of_many_cancels_one_counts_and_is_kept_with_its_reason(real: Theatre) -> None:
    real.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await real.start()
    await real.waiting(handle)
    for _ in range(3):
        await handle.cancel()
    await cancelled(handle)
    assert (await event_types(handle)).count("WORKFLOW_EXECUTION_CANCEL_REQUESTED") == 1
    assert real.workshop.calls.count("release") == 1


async def test_a_cancel_that_came_too_late_repeats_what_it_stopped_and_shows_no_trouble(real: Theatre) -> None:
    real.workshop.left = True
    real.workshop.ready = False
    handle = await real.start()
    await real.called("collected")
    await handle.cancel()
    await real.until(handle, lambda view: any("too late" in note for note in view.notes))
    real.workshop.ready = True
    assert (await handle.result())["kind"] == "completed"
    assert [call["repeated"] for call in await sent(handle, "stage.collected")] == [False, True]
    assert "collected#1" not in str(await real.view(handle))
    assert b"defect" not in b"".join(one.SerializeToString() for one in await events(handle))
