"""Resting before the story begins, a connection chosen by it, a strict check, and a question that may be amended."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, CancelledError

from seamline.process.decision import Action
from seamline.process.view import Status
from seamline.records.approval import ApprovalRule
from seamline.records.event import Event, EventKind
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle, Theatre


@pytest.fixture
def theatre(own_theatre: Theatre) -> Theatre:
    """The stage, in its own time."""
    return own_theatre


CANCELLED = Event(kind=EventKind.ORDER_CANCELLED, topic="orders/cancelled")
AUTOMATIC = QUICK.model_copy(update={"approvals": {"part": ApprovalRule(automatic=True)}})
FOUR_EYES = QUICK.model_copy(update={"approvals": {"part": ApprovalRule(four_eyes=True)}})


async def on_tour(theatre: Theatre, policy: Policy = QUICK) -> Handle:
    """A tour that has no route, and is told by whom it is started where to play."""
    return await theatre.start(policy=policy, name="tour", started_by=theatre.connection, route=False)


async def refused(theatre: Theatre, handle: Handle, **decision: object) -> str:
    """What a decision that is not taken is told."""
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await theatre.decide(handle, **decision)
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.message


async def test_what_events_asked_before_the_story_began_is_outdated(theatre: Theatre) -> None:
    handle = await on_tour(theatre, AUTOMATIC)
    await handle.signal("happened", CANCELLED)
    outcome = await theatre.finished(handle)
    view = await theatre.view(handle)
    assert outcome["kind"] == "completed"
    assert [step.name for step in view.steps] == ["settle", "look", "reserve", "part"]
    assert view.steps[0].ended is not None
    assert (view.steps[0].ended - view.steps[0].started).total_seconds() >= 7200


async def test_a_cancel_ends_the_rest(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle = await on_tour(theatre)
        await theatre.until(handle, lambda view: view.steps)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as error:
            await handle.result()
    assert isinstance(error.value.cause, CancelledError)
    assert theatre.workshop.calls == []


async def test_the_story_chooses_its_connection(theatre: Theatre) -> None:
    handle = await on_tour(theatre, AUTOMATIC)
    await theatre.finished(handle)
    view = await theatre.view(handle)
    assert {step.connection for step in view.steps if step.name != "settle"} == {theatre.connection, "staff"}


async def test_a_strict_check_is_not_skipped(theatre: Theatre) -> None:
    theatre.workshop.colour = "mud"
    handle = await on_tour(theatre, AUTOMATIC)
    await theatre.env.sleep(7200)
    view = await theatre.waiting(handle)
    assert view.waits[0].actions == (Action.RETRY, Action.AMEND, Action.CANCEL)
    assert "not possible here" in await refused(theatre, handle, wait="look#1", action="skip")
    await theatre.decide(handle, wait="look#1", action="amend", change={"colour": "mud"})
    await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "look#2")
    await theatre.decide(handle, wait="look#2", action="amend", change={"colour": "blue"})
    assert (await theatre.finished(handle))["result"]["colour"] == "blue"


async def test_who_amended_what_is_asked_about_may_not_approve_it(theatre: Theatre) -> None:
    handle = await on_tour(theatre, FOUR_EYES)
    await theatre.env.sleep(7200)
    view = await theatre.waiting(handle)
    assert view.waits[0].actions == (Action.APPROVE, Action.REJECT, Action.AMEND, Action.CANCEL)
    wrong = await refused(theatre, handle, wait="part#1", action="amend", who="ann", change={"hat": "red"})
    assert "change.hat is no field here" in wrong
    await theatre.decide(handle, wait="part#1", action="amend", who="ann", change={"colour": "blue"})
    again = await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "part#2")
    assert again.waits[0].request == {"name": "tour", "colour": "blue"}
    told = await refused(theatre, handle, wait="part#2", action="approve", who="ann")
    assert "somebody else must approve" in told
    await theatre.decide(handle, wait="part#2", action="approve", who="kim")
    assert (await theatre.finished(handle))["result"]["colour"] == "blue"
    assert (await theatre.view(handle)).status is Status.COMPLETED
