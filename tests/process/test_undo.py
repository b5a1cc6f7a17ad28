"""Cancel and undo: the gate first, then in reverse; nothing hides a cancel, nothing breaks an undo.

On the real server: the test server never ends a workflow task that cancels an activity which completed meanwhile.
"""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from seamline.errors import Outage, Refusal
from seamline.process.decision import Action
from seamline.process.view import Status, StepState
from tests.process.theatre import Handle, Theatre, event_types


@pytest.fixture
def theatre(real: Theatre) -> Theatre:
    """The stage on the real server."""
    return real


UNDONE_IN_ORDER = ["release", "unsell", "unpaint", "unsold"]


async def cancelled(handle: Handle) -> None:
    """The process ended as cancelled."""
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert isinstance(ended.value.cause, CancelledError)


def undoings(theatre: Theatre) -> list[str]:
    """The calls that took something back, in order."""
    return [name for name in theatre.workshop.calls if name in UNDONE_IN_ORDER]


async def before_collection(theatre: Theatre) -> Handle:
    """A play that has done all its effects and waits for collection."""
    theatre.workshop.ready = False
    handle = await theatre.start()
    await theatre.called("collected")
    return handle


async def test_cancel_takes_back_gate_first_then_in_reverse_and_confirms_what_was_promised(theatre: Theatre) -> None:
    handle = await before_collection(theatre)
    await handle.cancel()
    await cancelled(handle)
    assert undoings(theatre) == UNDONE_IN_ORDER
    assert theatre.workshop.objects == {}
    view = await theatre.view(handle)
    assert view.status is Status.UNDONE
    assert [(step.title, step.answer.state.value) for step in view.undone] == [
        ("Reserve", "undone"),
        ("Paint", "undone"),
        ("Sell", "undone"),
    ]


async def test_cancel_as_the_answer_to_a_wait_undoes_and_completes(theatre: Theatre) -> None:
    theatre.workshop.script["sell"] = [Refusal("sold-out")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="sell#1", action="cancel", who="sam", why="customer asked")
    outcome = await handle.result()
    assert outcome["kind"] == "undone"
    assert outcome["reason"] == "cancelled by sam at sell#1: customer asked"
    assert theatre.workshop.objects == {}


async def test_cancel_before_any_effect_undoes_nothing(theatre: Theatre) -> None:
    theatre.workshop.script["look"] = [Refusal("not-found")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await handle.cancel()
    await cancelled(handle)
    assert theatre.workshop.calls == ["look"]


async def test_a_cancel_swallowed_by_an_activity_that_completes_anyway_is_found(theatre: Theatre) -> None:
    gate = theatre.workshop.gates["paint"] = asyncio.Event()
    handle = await theatre.start()
    await theatre.called("paint")
    await handle.cancel()
    await theatre.until(handle, lambda _: True)
    gate.set()
    await cancelled(handle)
    assert theatre.workshop.objects == {}
    assert "sell" not in theatre.workshop.calls


async def test_a_cancel_during_retries_stops_them(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Outage("http-503")] * 1000
    handle = await theatre.start()
    await theatre.called("paint")
    await handle.cancel()
    await cancelled(handle)
    assert theatre.workshop.objects == {}


async def test_a_cancel_while_held_up_is_followed(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Outage("http-503")] * 1000
    handle = await theatre.start()
    await theatre.waiting(handle, Status.HELD_UP)
    await handle.cancel()
    await cancelled(handle)
    view = await theatre.view(handle)
    assert view.waits == ()
    assert theatre.workshop.objects == {}


async def test_an_undo_is_not_broken_by_another_cancel(theatre: Theatre) -> None:
    theatre.workshop.script["sell"] = [Refusal("sold-out")]
    gate = theatre.workshop.gates["unsell"] = asyncio.Event()
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="sell#1", action="cancel")
    await theatre.called("unsell")
    await handle.cancel()
    await handle.cancel()
    gate.set()
    await cancelled(handle)
    assert theatre.workshop.objects == {}


async def test_a_cancel_during_the_undo_that_a_cancel_began_changes_nothing(theatre: Theatre) -> None:
    gate = theatre.workshop.gates["release"] = asyncio.Event()
    handle = await before_collection(theatre)
    await handle.cancel()
    await theatre.called("release")
    await handle.cancel()
    gate.set()
    await cancelled(handle)
    assert undoings(theatre) == UNDONE_IN_ORDER


async def test_when_the_gate_says_too_late_the_process_goes_forward(theatre: Theatre) -> None:
    theatre.workshop.left = True
    handle = await before_collection(theatre)
    await handle.cancel()
    await theatre.called("release")
    theatre.workshop.ready = True
    outcome = await handle.result()
    assert outcome["kind"] == "completed"
    assert undoings(theatre) == ["release"]
    assert any("too late" in note for note in (await theatre.view(handle)).notes)


async def test_a_refused_wait_past_the_gate_takes_no_cancel_any_more(theatre: Theatre) -> None:
    theatre.workshop.left = True
    theatre.workshop.script["sell"] = [Refusal("sold-out")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="sell#1", action="cancel")
    view = await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "sell#2")
    assert Action.CANCEL not in view.waits[0].actions
    await theatre.decide(handle, wait="sell#2", action="retry")
    assert (await handle.result())["kind"] == "completed"


async def test_a_cancel_after_the_point_of_no_return_is_told_and_not_followed(theatre: Theatre) -> None:
    gate = theatre.workshop.gates["tell"] = asyncio.Event()
    handle = await theatre.start()
    await theatre.called("tell")
    await handle.cancel()
    await theatre.until(handle, lambda view: view.notes)
    gate.set()
    assert (await handle.result())["kind"] == "completed"
    assert undoings(theatre) == []


async def test_an_undo_that_is_refused_waits_and_may_be_left_to_staff(theatre: Theatre) -> None:
    theatre.workshop.script["unpaint"] = [Refusal("dry"), Refusal("dry")]
    handle = await before_collection(theatre)
    await handle.cancel()
    wait = (await theatre.waiting(handle)).waits[0]
    assert wait.actions == (Action.RETRY, Action.SKIP)
    await theatre.decide(handle, wait=wait.name, action="retry")
    view = await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "unpaint#2")
    await theatre.decide(handle, wait="unpaint#2", action="skip", who="sam")
    await cancelled(handle)
    view = await theatre.view(handle)
    assert [step.answer.state.value for step in view.undone] == ["undone", "left to staff", "undone"]
    assert view.manual == (f"take back by hand: Paint ({view.reference}/paint#1)",)


async def test_an_undo_rides_out_an_outage(theatre: Theatre) -> None:
    theatre.workshop.script["unpaint"] = [Outage("http-503")] * 5
    handle = await before_collection(theatre)
    await handle.cancel()
    await theatre.waiting(handle, Status.HELD_UP)
    await cancelled(handle)
    assert theatre.workshop.objects == {}


async def test_what_perhaps_happened_is_taken_back_too(theatre: Theatre) -> None:
    theatre.workshop.after["paint"] = [Refusal("no-colour", "but it was made")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await handle.cancel()
    await cancelled(handle)
    assert "unpaint" in theatre.workshop.calls
    assert theatre.workshop.objects == {}


async def test_a_skipped_effect_is_left_to_staff_and_never_called_undone(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    theatre.workshop.ready = False
    handle = await theatre.start()
    await theatre.waiting(handle)
    result = {"id": "mine", "key": "", "colour": "red"}
    await theatre.decide(handle, wait="paint#1", action="skip", result=result)
    await theatre.called("collected")
    await handle.cancel()
    await cancelled(handle)
    assert "unpaint" not in theatre.workshop.calls
    view = await theatre.view(handle)
    assert view.manual == (f"take back by hand: Paint ({view.reference}/paint#1)",)


async def test_nothing_of_another_process_is_taken_back(theatre: Theatre) -> None:
    other = await theatre.start()
    await other.result()
    handle = await before_collection(theatre)
    await handle.cancel()
    await cancelled(handle)
    reference = (await theatre.view(other)).reference
    assert {made.key.split("/")[0] for made in theatre.workshop.made()} == {reference}


async def test_eviction_from_the_cache_undoes_nothing_and_replays_alike(theatre: Theatre) -> None:
    """A worker without a cache evicts after every task: everything runs through replay, a cancel and its undo too."""
    forgetful = Theatre(theatre.env, theatre.workshop)
    forgetful.connection = theatre.connection
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    theatre.workshop.script["unpaint"] = [Refusal("dry")]
    theatre.workshop.ready = False
    async with forgetful.playing(max_cached_workflows=0):
        handle = await forgetful.start()
        await forgetful.waiting(handle)
        assert undoings(theatre) == []
        await forgetful.decide(handle, wait="paint#1", action="amend", change={"colour": "blue"})
        await forgetful.called("collected")
        assert undoings(theatre) == []
        await handle.cancel()
        await forgetful.until(handle, lambda view: view.waits and view.waits[0].name == "unpaint#1")
        await forgetful.decide(handle, wait="unpaint#1", action="retry")
        await cancelled(handle)
    assert theatre.workshop.objects == {}
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)


async def test_a_cancel_that_comes_with_the_start_stops_before_anything_is_done(theatre: Theatre) -> None:
    """Both are in the first task: no worker runs before the cancel is there."""
    late = Theatre(theatre.env, theatre.workshop)
    late.connection = theatre.connection
    handle = await late.start()
    await handle.cancel()
    async with late.playing():
        await cancelled(handle)
    assert theatre.workshop.calls == []


async def test_why_it_was_cancelled_is_kept_and_no_step_is_left_waiting(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.client.get_workflow_handle(handle.id).cancel(reason="the customer asked")
    await cancelled(handle)
    view = await theatre.view(handle)
    assert view.outcome
    assert view.outcome.reason == "cancelled: the customer asked"
    assert [step.state for step in view.steps if step.name == "paint"] == [StepState.STOPPED]
