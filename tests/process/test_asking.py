"""Approvals: who may answer, by when, who else is asked, and what counts when nobody answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from seamline.errors import Refusal
from seamline.process.decision import Action
from seamline.process.view import Status, View
from seamline.records.approval import Absence, ApprovalRule, Expiry
from seamline.records.calendar import Weekday, WorkingHours
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle, Theatre, event_types

ALWAYS = WorkingHours(days=tuple(Weekday), opens="00:00", closes="00:00")  # type: ignore[arg-type]


@pytest.fixture
def theatre(own_theatre: Theatre) -> Theatre:
    """The stage, in its own time."""
    return own_theatre


def ruled(**rule: Any) -> Policy:
    """A policy with this rule for the question of the audition; every hour is a working hour."""
    approvals = {"part": ApprovalRule(team="casting", **rule)}
    return QUICK.model_copy(update={"approvals": approvals, "working_hours": ALWAYS})


async def asked(theatre: Theatre, policy: Policy, **more: Any) -> tuple[Handle, View]:
    """An audition whose question is open."""
    handle = await theatre.start(policy=policy, name="audition", **more)
    return handle, await theatre.waiting(handle)


async def refusal(theatre: Theatre, handle: Handle, **decision: Any) -> str:
    """What a decision that is not taken is told."""
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await theatre.decide(handle, wait="part#1", **decision)
    assert isinstance(error.value.cause, ApplicationError)
    return error.value.cause.message


async def test_the_question_shows_its_team_its_reason_and_when_it_is_due(theatre: Theatre) -> None:
    handle, view = await asked(theatre, ruled(due_hours=3))
    (wait,) = view.waits
    assert (wait.name, wait.team, wait.status) == ("part#1", "casting", Status.WAITING)
    assert (wait.cause, wait.reason) == ("seamline approval part", "a new face")
    assert wait.actions == (Action.APPROVE, Action.REJECT, Action.CANCEL)
    assert wait.request == {"name": "audition", "colour": "red"}
    assert wait.due is not None
    assert wait.due - wait.since == timedelta(hours=3)
    await theatre.decide(handle, wait="part#1", action="approve", who="kim")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_a_signal_approves_where_the_rule_does_not_forbid_it(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled())
    await handle.signal("decide", {"wait": "part#1", "action": "approve", "who": "kim", "why": "good voice"})
    assert (await theatre.finished(handle))["kind"] == "completed"
    (decided,) = (await theatre.view(handle)).decisions
    assert (decided.action, decided.who, decided.verified) == (Action.APPROVE, "kim", False)


async def test_rejected_is_taken_back_with_the_reason(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled())
    assert "say why" in await refusal(theatre, handle, action="reject", who="kim")
    await theatre.decide(handle, wait="part#1", action="reject", who="kim", why="no voice")
    outcome = await theatre.finished(handle)
    assert (outcome["kind"], outcome["reason"]) == ("undone", "rejected by kim: no voice")
    assert theatre.workshop.objects == {}


async def test_a_question_takes_no_retry_amend_or_skip(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled())
    for action in ("retry", "amend", "skip"):
        assert "possible: approve, reject, cancel" in await refusal(theatre, handle, action=action)
    await theatre.decide(handle, wait="part#1", action="cancel", who="kim")
    assert (await theatre.finished(handle))["kind"] == "undone"


async def test_authenticated_only_takes_no_signal(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled(authenticated=True))
    await handle.signal("decide", {"wait": "part#1", "action": "approve", "who": "kim"})
    view = await theatre.until(handle, lambda view: view.notes)
    assert "takes no signal" in view.notes[0]
    assert [one.name for one in view.waits] == ["part#1"]
    assert view.decisions == ()
    await theatre.decide(handle, wait="part#1", action="approve", who="kim")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_four_eyes_are_two_people(theatre: Theatre) -> None:
    theatre.workshop.colour = "mud"
    handle, _ = await asked(theatre, ruled(four_eyes=True), started_by="Ann")
    await theatre.decide(handle, wait="look#1", action="amend", who="bob", change={"colour": "blue"})
    await theatre.until(handle, lambda view: [one for one in view.waits if one.name == "part#1"])
    for who in ("ann", " ANN ", "bob"):
        assert "somebody else must approve" in await refusal(theatre, handle, action="approve", who=who)
    assert "needs a second person's name" in await refusal(theatre, handle, action="approve")
    await handle.signal("decide", {"wait": "part#1", "action": "approve", "who": "eve"})
    await theatre.until(handle, lambda view: [note for note in view.notes if "takes no signal" in note])
    await theatre.decide(handle, wait="part#1", action="approve", who="eve")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_who_may_not_approve_may_still_reject(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled(four_eyes=True), started_by="ann")
    await theatre.decide(handle, wait="part#1", action="reject", who="ann", why="my mistake")
    assert (await theatre.finished(handle))["kind"] == "undone"


async def test_automatic_asks_nobody_and_is_kept(theatre: Theatre) -> None:
    handle = await theatre.start(policy=ruled(automatic=True), name="audition")
    assert (await theatre.finished(handle))["kind"] == "completed"
    view = await theatre.view(handle)
    (decided,) = view.decisions
    assert (decided.who, decided.action, decided.why) == ("policy", Action.APPROVE, "automatic by its rule")
    assert [one.detail for one in view.steps if one.name == "part"] == ["approve by policy"]
    assert "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" not in await event_types(handle)


async def test_when_due_it_passes_to_the_next_team_once(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled(due_hours=3, escalate_to="board"))
    await theatre.env.sleep(timedelta(hours=2, minutes=59))
    assert (await theatre.view(handle)).waits[0].team == "casting"
    await theatre.env.sleep(timedelta(minutes=2))
    view = await theatre.until(handle, lambda view: view.waits[0].team == "board")
    due = view.waits[0].due
    assert due is not None
    assert timedelta(hours=6) <= due - view.waits[0].since < timedelta(hours=6, minutes=2)
    assert view.notes == ("part#1 was due: passed on from casting to board",)
    await theatre.env.sleep(timedelta(hours=10))
    assert (await theatre.view(handle)).notes == view.notes
    await theatre.decide(handle, wait="part#1", action="approve", who="kim")
    assert (await theatre.finished(handle))["kind"] == "completed"


@pytest.mark.parametrize(("answer", "ends"), [(Expiry.REJECT, "undone"), (Expiry.APPROVE, "completed")])
async def test_nobody_answers_in_time(theatre: Theatre, answer: Expiry, ends: str) -> None:
    handle, _ = await asked(theatre, ruled(due_hours=1, escalate_to="board", expire_hours=5, on_expiry=answer))
    await theatre.env.sleep(timedelta(hours=6))
    assert (await theatre.finished(handle))["kind"] == ends
    (decided,) = (await theatre.view(handle)).decisions
    assert (decided.who, decided.action.value, decided.why) == ("policy", answer.value, "nobody answered in time")


async def test_a_deputy_is_asked_for_a_team_that_is_away(theatre: Theatre) -> None:
    now = await theatre.env.get_current_time()
    away = Absence(team="casting", deputy="stage-hands", first_day=now.date(), last_day=now.date())
    policy = ruled().model_copy(update={"absences": (away,), "time_zone": "UTC"})
    handle, view = await asked(theatre, policy)
    assert view.waits[0].team == "stage-hands"
    await theatre.decide(handle, wait="part#1", action="approve", who="kim")
    await theatre.finished(handle)


async def test_cancelled_while_asked(real: Theatre) -> None:
    handle, _ = await asked(real, ruled())
    await handle.cancel()
    await real.until(handle, lambda view: view.outcome)
    assert real.workshop.objects == {}


async def test_a_cancel_that_comes_too_late_leaves_the_question_open(real: Theatre) -> None:
    handle, _ = await asked(real, ruled())
    real.workshop.left = True
    await handle.cancel()
    view = await real.until(handle, lambda view: view.waits and view.waits[0].name == "part#2")
    assert Action.CANCEL not in view.waits[0].actions
    await real.decide(handle, wait="part#2", action="approve", who="kim")
    assert (await real.finished(handle))["kind"] == "completed"


async def test_the_attributes_tell_team_cause_and_due_time(real: Theatre) -> None:
    handle, view = await asked(real, ruled())
    described = await handle.describe()
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert shown["SeamlineTeam"] == "casting"
    assert shown["SeamlineCause"] == "seamline approval part"
    assert shown["SeamlineDue"] == view.waits[0].due
    await real.decide(handle, wait="part#1", action="approve", who="kim")
    await real.finished(handle)
    names = {pair.key.name for pair in (await handle.describe()).typed_search_attributes}
    assert names == {"SeamlineReference"} | {name for name in names if not name.startswith("Seamline")}


async def test_an_effect_that_stands_is_not_taken_back_and_leaves_no_task(real: Theatre) -> None:
    real.workshop.ready = False
    handle, _ = await asked(real, ruled())
    await real.decide(handle, wait="part#1", action="approve", who="kim")
    await real.called("collected")
    await handle.cancel()
    view = await real.until(handle, lambda view: view.outcome)
    assert [one.id.split("-")[0] for one in real.workshop.made()] == ["welcome"]
    assert (view.manual, [one.title for one in view.undone]) == ((), ["Reserve"])


async def test_who_started_it_by_the_command_may_not_approve(theatre: Theatre) -> None:
    handle, _ = await asked(theatre, ruled(four_eyes=True), started_by="command ann")
    assert "somebody else must approve" in await refusal(theatre, handle, action="approve", who="ann")
    await theatre.decide(handle, wait="part#1", action="approve", who="eve")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_the_view_tells_what_a_cancel_would_undo_until_nothing_can_be(theatre: Theatre) -> None:
    theatre.workshop.script["sell"] = [Refusal("no-buyer")]
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    assert [(one.title, one.how) for one in view.undo_plan] == [
        ("Reserve", "is taken back first; if that is too late, nothing is"),
        ("Sell", "is asked back and followed until confirmed"),
        ("Paint", "is taken back"),
    ]
    theatre.workshop.script["tell"] = [Refusal("no-ears")]
    await theatre.decide(handle, wait="sell#1", action="skip", result={"id": "s", "key": "k", "colour": "red"})
    view = await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "tell#1")
    assert view.undo_plan == ()
    await theatre.decide(handle, wait="tell#1", action="retry")
    await theatre.finished(handle)
