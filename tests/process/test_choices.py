"""Choices: one of several ways, by people or by policy, and a question that becomes needless."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from seamline.errors import Refusal
from seamline.process.decision import Action
from seamline.process.view import View
from seamline.records.approval import ApprovalRule
from seamline.records.calendar import Weekday, WorkingHours
from seamline.records.event import Event, EventKind
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle, Theatre

ALWAYS = WorkingHours(days=tuple(Weekday), opens="00:00", closes="00:00")  # type: ignore[arg-type]


@pytest.fixture
def theatre(own_theatre: Theatre) -> Theatre:
    """The stage, in its own time. Nothing is collected until a test says so."""
    own_theatre.workshop.ready = False
    return own_theatre


def ruled(**rule: Any) -> Policy:
    """A policy with this rule for the question; every hour is a working hour, and looks are an hour apart."""
    update = {
        "approvals": {"part": ApprovalRule(**rule)},
        "working_hours": ALWAYS,
        "poll_seconds": 3600,
        "poll_max_seconds": 3600,
    }
    return QUICK.model_copy(update=update)


async def asked(theatre: Theatre, policy: Policy) -> tuple[Handle, View]:
    """A casting whose question is open."""
    handle = await theatre.start(policy=policy, name="casting")
    return handle, await theatre.waiting(handle)


async def refusal(theatre: Theatre, handle: Handle, **decision: Any) -> str:
    """What a decision that is not taken is told."""
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await theatre.decide(handle, wait="part#1", **decision)
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.message


async def test_choices_stand_in_the_place_of_yes_and_no(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, view = await asked(theatre, ruled())
        (wait,) = view.waits
        assert wait.actions == (Action.CHOOSE, Action.CANCEL)
        assert wait.choices == {"lead": "Play the lead", "paint": "Another colour"}
        assert "not possible here" in await refusal(theatre, handle, action="approve", who="kim")
        assert "choice is not offered here; there are: lead, paint" in await refusal(
            theatre, handle, action="choose", choice="sing", who="kim"
        )
        await theatre.decide(handle, wait="part#1", action="choose", choice="lead", who="kim")
        outcome = await theatre.finished(handle)
    assert outcome["result"]["key"] == "lead"
    (decided,) = (await theatre.view(handle)).decisions
    assert (decided.action, decided.choice, decided.who) == (Action.CHOOSE, "lead", "kim")


async def test_a_choice_may_come_with_a_change(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, _ = await asked(theatre, ruled())
        told = await refusal(theatre, handle, action="choose", choice="paint", change={"size": "big"})
        assert "change.size is no field here" in told
        await theatre.decide(handle, wait="part#1", action="choose", choice="paint", change={"colour": "blue"})
        outcome = await theatre.finished(handle)
    assert (outcome["result"]["key"], outcome["result"]["colour"]) == ("paint", "blue")


async def test_a_signal_chooses(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, _ = await asked(theatre, ruled())
        await handle.signal("decide", {"wait": "part#1", "action": "choose", "choice": "lead"})
        assert (await theatre.finished(handle))["result"]["key"] == "lead"


async def test_the_policy_chooses_without_asking(theatre: Theatre) -> None:
    handle = await theatre.start(policy=ruled(automatic=True, choice="lead"), name="casting")
    assert (await theatre.finished(handle))["result"]["key"] == "lead"
    (decided,) = (await theatre.view(handle)).decisions
    assert (decided.who, decided.choice) == ("policy", "lead")


async def test_a_policy_that_names_no_choice_leaves_it_to_people(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, view = await asked(theatre, ruled(automatic=True, choice="dance"))
        assert [one.name for one in view.waits] == ["part#1"]
        await theatre.decide(handle, wait="part#1", action="choose", choice="lead")
        await theatre.finished(handle)


async def test_nobody_answers_in_time_and_the_policy_chooses(theatre: Theatre) -> None:
    handle = await theatre.start(policy=ruled(expire_hours=30, choice="paint"), name="casting")
    assert (await theatre.finished(handle))["result"]["key"] == "paint"
    (decided,) = (await theatre.view(handle)).decisions
    assert decided.why == "nobody answered in time"


async def test_what_comes_to_pass_makes_the_question_needless(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled())
    theatre.workshop.ready = True
    outcome = await theatre.finished(handle)
    assert outcome["result"]["colour"] == "red"
    view = await theatre.view(handle)
    assert (view.waits, view.decisions) == ((), ())
    assert view.steps[-1].detail == "needless: Wait until collected"


async def test_an_event_has_it_looked_for_at_once(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, _ = await asked(theatre, ruled())
        theatre.workshop.ready = True
        await handle.signal("happened", Event(kind=EventKind.ORDER_EDITED, topic="orders/edited"))
        began = await theatre.env.get_current_time()
        assert (await theatre.finished(handle))["kind"] == "completed"
        assert await theatre.env.get_current_time() - began < timedelta(minutes=30)


async def test_when_looking_fails_the_question_stays(theatre: Theatre) -> None:
    theatre.workshop.script["collected"] = [Refusal("gone", "no such thing")]
    with theatre.env.auto_time_skipping_disabled():
        handle, _ = await asked(theatre, ruled())
        await theatre.until(handle, lambda view: "collected" in theatre.workshop.calls)
        await theatre.decide(handle, wait="part#1", action="choose", choice="lead")
        assert (await theatre.finished(handle))["result"]["key"] == "lead"


async def test_a_cancel_ends_the_question_and_the_looking(theatre: Theatre) -> None:
    with theatre.env.auto_time_skipping_disabled():
        handle, _ = await asked(theatre, ruled())
        await handle.cancel()
        await theatre.until(handle, lambda view: view.outcome)
    assert theatre.workshop.objects == {}
