"""Decisions and starts as they really come: early, twice, at once, empty, wrong. None wedges or fails a process."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from seamline.errors import Outage, Refusal
from seamline.process.view import Status
from tests.process.history import sent
from tests.process.theatre import QUICK, Handle, Theatre, event_types


async def refused(theatre: Theatre) -> Handle:
    """A play that waits for a decision on its paint."""
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    return handle


def said(error: pytest.ExceptionInfo[WorkflowUpdateFailedError]) -> str:
    """What a refused update was told."""
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.message


RETRY = {"wait": "paint#1", "action": "retry"}

RUBBISH: list[tuple[list[Any], str]] = [
    ([], "must be one JSON object"),
    (["rubbish"], "must be one JSON object"),
    ([RETRY, RETRY], "must be one JSON object"),
    ([{"wait": "paint#1"}], "action Field required"),
    ([{"wait": "paint#1", "action": "dance"}], "action Input should be 'approve'"),
    ([{"wait": "paint#1", "action": "approve"}], "is not possible here; possible: retry, amend, skip, cancel"),
    ([{"wait": "paint#2", "action": "retry"}], "is not open here; open waits: paint#1"),
    ([{"wait": "paint#1", "action": "retry", "why": "x" * 501}], "why String should have at most 500"),
]


@pytest.mark.parametrize(("arguments", "reason"), RUBBISH)
async def test_a_signal_of_any_shape_is_noted_and_harms_nothing(
    theatre: Theatre, arguments: list[Any], reason: str
) -> None:
    handle = await refused(theatre)
    await handle.signal("decide", args=arguments)
    view = await theatre.until(handle, lambda view: view.notes)
    assert view.notes[0].startswith("a decision was ignored: ")
    assert reason in view.notes[0]
    await handle.signal("decide", RETRY)
    assert (await handle.result())["kind"] == "completed"
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)


@pytest.mark.parametrize(("arguments", "reason"), RUBBISH)
async def test_an_update_of_any_shape_is_refused_at_once_and_costs_no_event(
    theatre: Theatre, arguments: list[Any], reason: str
) -> None:
    handle = await refused(theatre)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await handle.execute_update("decide", args=arguments)
    assert reason in said(error)
    assert "WORKFLOW_EXECUTION_UPDATE_ACCEPTED" not in await event_types(handle)
    await theatre.decide(handle, **RETRY)
    await handle.result()


async def test_a_signal_that_no_process_knows_is_noted(theatre: Theatre) -> None:
    handle = await refused(theatre)
    await handle.signal("aprove", {"wait": "paint#1"})
    view = await theatre.until(handle, lambda view: view.notes)
    assert view.notes == ("signal 'aprove' was ignored: there are only 'decide' and 'happened'",)
    await handle.signal("decide", RETRY)
    await handle.result()


async def test_a_decision_that_comes_with_the_start_is_too_early(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start(start_signal="decide", start_signal_args=[RETRY])
    view = await theatre.waiting(handle)
    assert "is not open here; open waits: none" in view.notes[0]
    await theatre.decide(handle, **RETRY)
    await handle.result()


async def test_of_two_decisions_at_once_one_counts(theatre: Theatre) -> None:
    handle = await refused(theatre)
    amend = {"wait": "paint#1", "action": "amend", "change": {"colour": "blue"}}
    answers = await asyncio.gather(
        theatre.decide(handle, **RETRY), theatre.decide(handle, **amend), return_exceptions=True
    )
    await handle.result()
    refusals = [one for one in answers if isinstance(one, WorkflowUpdateFailedError)]
    assert len(refusals) == 1
    view = await theatre.view(handle)
    assert len(view.decisions) == 1
    colour = "blue" if view.decisions[0].action == "amend" else "red"
    assert {made.colour for made in theatre.workshop.made() if made.id.startswith("paint")} == {colour}


async def test_of_two_signals_in_one_task_the_first_counts(theatre: Theatre) -> None:
    handle = await refused(theatre)
    await asyncio.gather(handle.signal("decide", RETRY), handle.signal("decide", RETRY))
    await handle.result()
    view = await theatre.view(handle)
    assert len(view.decisions) == 1
    assert any("was already decided" in note or "is not open" in note for note in view.notes)


async def test_a_signals_sender_is_only_claimed(theatre: Theatre) -> None:
    handle = await refused(theatre)
    await handle.signal("decide", {**RETRY, "who": "the boss"})
    await handle.result()
    decided = (await theatre.view(handle)).decisions[0]
    assert (decided.who, decided.verified) == ("the boss", False)


async def test_a_held_up_step_may_be_tried_at_once(real: Theatre) -> None:
    slow = QUICK.model_copy(update={"healing_interval_max_seconds": 3600})
    real.workshop.script["paint"] = [Outage("http-503")] * 100
    handle = await real.start(policy=slow)
    await real.waiting(handle, Status.HELD_UP)
    await real.decide(handle, **RETRY)
    real.workshop.script["paint"] = []
    assert (await handle.result())["kind"] == "completed"
    assert len(await sent(handle, "stage.paint")) >= 3, (
        "the first issue, the healing that the decision ended, the retry"
    )


async def test_a_decision_is_void_when_the_attempt_in_flight_succeeds(real: Theatre) -> None:
    real.workshop.script["paint"] = [Outage("http-503")] * 1000
    handle = await real.start()
    await real.waiting(handle, Status.HELD_UP)
    gate = real.workshop.gates["paint"] = asyncio.Event()
    before = len(real.workshop.calls)
    real.workshop.script["paint"] = []
    await real.until(handle, lambda _: len(real.workshop.calls) > before)
    result = {"id": "mine", "key": "", "colour": "red"}
    skip = asyncio.create_task(real.decide(handle, wait="paint#1", action="skip", result=result))
    await real.until(handle, lambda view: view.decisions)
    gate.set()
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await skip
    assert "went on or was cancelled meanwhile" in said(error)
    await handle.result()
    view = await real.view(handle)
    assert view.steps[2].state.value == "done"
    assert view.notes == ("a decision was void: Paint succeeded meanwhile",)


STARTS: list[tuple[list[Any], str]] = [
    (["rubbish"], "input must be one JSON object"),
    ([{}], "reference Field required"),
    ([{"reference": "5001"}], "reference Value error, must look like connection:external-id"),
    ([{"reference": "shop-uk:5001/2"}], "reference Value error, must look like connection:external-id"),
    ([{"reference": "shop-uk:5001", "route": "erp"}], "route Input should be a valid dictionary"),
    ([{"reference": "shop-uk:5001"}], "route.stage is missing: which connection fills this role?"),
    ([{"reference": "shop-uk:5001", "route": {"stage": "w"}}, 7], "input must be one JSON object"),
    ([{"reference": "shop-uk:5001", "route": {"stage": "w"}}], "workflow id must be play:shop-uk:5001"),
    ([{"reference": "shop-uk:5001", "policy": {"patience_seconds": -1}}], "policy.patience_seconds Input should be"),
    ([{"reference": "shop-uk:5001", "policy": {"patience_seconds": 1e300}}], "policy.patience_seconds Input should be"),
    ([{"reference": "shop-uk:5001", "policy": {"poll_seconds": 1e-9}}], "policy.poll_seconds Input should be"),
    ([{"reference": "shop-uk:5001", "policy": {"poll_seconds": math.inf}}], "policy.poll_seconds Input should be"),
    ([{"reference": "shop-uk:5001", "route": {"stage": "/_sys/queue"}}], "route.stage String should match pattern"),
    ([{"reference": "shop-uk:5001", "route": {"stage": "w" * 5000}}], "route.stage String should match pattern"),
]


@pytest.mark.parametrize(("arguments", "reason"), STARTS)
async def test_a_wrong_start_ends_at_once_and_says_why(theatre: Theatre, arguments: list[Any], reason: str) -> None:
    handle = await theatre.start(*arguments)
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert reason in str(ended.value.cause)
    assert theatre.workshop.calls == []
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)


async def test_a_start_without_input_ends_at_once_and_says_why(theatre: Theatre) -> None:
    handle = await theatre.client.start_workflow("play", id=f"play:{theatre.connection}", task_queue=theatre.queue)
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert "nothing was started: input must be one JSON object" in str(ended.value.cause)
