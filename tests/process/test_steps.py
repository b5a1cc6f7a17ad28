"""A step: done, retried, healed, refused, amended, skipped; and what it costs in history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateFailedError
from temporalio.worker import Worker

from seamline.errors import LockedOut, Outage, Problem, Refusal
from seamline.process.decision import Action
from seamline.process.effect import Call
from seamline.process.view import Status
from seamline.records.system import Repeat
from tests.process.play import Play
from tests.process.stage import Made, Thing
from tests.process.theatre import QUICK, Theatre, event_types, events, sandbox


@workflow.defn
class ByHand:
    """What an engineer would write without the engine: the same activities, look to sell."""

    @workflow.run
    async def run(self, queue: str) -> str:
        calls = [("look", ""), ("reserve", "1"), ("paint", "2"), ("sell", "3")]
        for name, key in calls:
            call = Call[Thing](reference="test:1", key=key, request=Thing(name="play"))
            await workflow.execute_activity(
                f"stage.{name}", call, task_queue=queue, start_to_close_timeout=timedelta(seconds=30)
            )
        return "done"


def _until_sold(types: list[str], names: list[str]) -> int:
    """How many events a history has until the sale's activity completed."""
    return [place for place, kind in enumerate(types) if kind == "ACTIVITY_TASK_COMPLETED"][
        names.index("stage.sell")
    ] + 1


async def _names(handle: Any) -> list[str]:
    scheduled = [one.activity_task_scheduled_event_attributes for one in await events(handle)]
    return [one.activity_type.name for one in scheduled if one.activity_type.name]


async def test_the_way_without_trouble_costs_no_event_beyond_the_activities(theatre: Theatre) -> None:
    handle = await theatre.start()
    outcome = await theatre.finished(handle)
    async with Worker(theatre.client, task_queue="by-hand", workflows=[ByHand], workflow_runner=sandbox()):
        by_hand = await theatre.client.start_workflow(
            ByHand.run, theatre.connection, id=f"by-hand-{theatre.connection}", task_queue="by-hand"
        )
        await by_hand.result()
    ours = _until_sold(await event_types(handle), await _names(handle))
    theirs = _until_sold(await event_types(by_hand), await _names(by_hand))
    assert outcome["kind"] == "completed"
    assert ours == theirs == 25


async def test_every_step_shows_what_it_made_and_under_which_key(theatre: Theatre) -> None:
    handle = await theatre.start()
    await theatre.finished(handle)
    view = await theatre.view(handle)
    assert [step.name for step in view.steps] == ["look", "reserve", "paint", "sell", "collected", "tell"]
    reserve = view.steps[1]
    assert reserve.key == f"{view.reference}/reserve#1"
    assert reserve.object_id in {made.id for made in theatre.workshop.made()}
    assert view.status is Status.COMPLETED


async def test_a_short_outage_is_retried_and_nobody_waits(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Outage("http-503"), Outage("http-503")]
    handle = await theatre.start()
    await theatre.finished(handle)
    assert theatre.workshop.calls.count("paint") == 3
    assert "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" not in await event_types(handle)


async def test_retry_after_is_kept(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Outage("http-429", retry_after_seconds=2)]
    handle = await theatre.start(policy=QUICK.model_copy(update={"patience_seconds": 60}))
    await theatre.finished(handle)
    step = (await theatre.view(handle)).steps[2]
    assert step.ended
    assert step.ended - step.started >= timedelta(seconds=2)


async def test_a_long_outage_is_held_up_and_heals_by_itself_with_one_activity(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Outage("http-503")] * 40
    handle = await theatre.start()
    view = await theatre.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{theatre.connection} outage http-503"
    assert view.waits[0].team == "operations"
    outcome = await theatre.finished(handle)
    assert outcome["kind"] == "completed"
    assert (await _names(handle)).count("stage.paint") == 2
    assert "TIMER_STARTED" not in await event_types(handle)
    assert theatre.workshop.calls.count("paint") == 41


async def test_being_locked_out_is_told_to_it(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [LockedOut("http-401")] * 20
    handle = await theatre.start()
    view = await theatre.waiting(handle, Status.HELD_UP)
    assert view.waits[0].team == "it"
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_a_connection_that_nobody_serves_holds_up_and_goes_on_when_served(theatre: Theatre) -> None:
    deserted = Theatre(theatre.env, theatre.workshop)
    deserted.queue = theatre.queue
    handle = await deserted.start()
    view = await deserted.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{deserted.connection} outage not-picked-up"
    async with deserted.acting():
        assert (await theatre.finished(handle))["kind"] == "completed"


async def test_a_defect_in_an_adapter_is_held_up_for_it_without_its_text(theatre: Theatre) -> None:
    bug = ValueError("the customer Ada Lovelace has no postcode")
    theatre.workshop.script["paint"] = [bug] * 20  # type: ignore[list-item]
    handle = await theatre.start()
    view = await theatre.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{theatre.connection} defect ValueError"
    assert view.waits[0].team == "it"
    await theatre.finished(handle)
    assert "Ada" not in str(await events(handle))


async def test_a_refusal_waits_with_system_field_and_reason(theatre: Theatre) -> None:
    problem = Problem(field="colour", reason="is sold out")
    theatre.workshop.script["paint"] = [Refusal("no-colour", "Red is sold out", problems=[problem])]
    handle = await theatre.start()
    wait = (await theatre.waiting(handle)).waits[0]
    assert wait.name == "paint#1"
    assert wait.cause == f"{theatre.connection} refusal no-colour"
    assert wait.reason == "Red is sold out"
    assert wait.problems == (problem,)
    assert wait.request == {"name": "play", "colour": "red"}
    assert wait.actions == (Action.RETRY, Action.AMEND, Action.SKIP, Action.CANCEL)
    await theatre.decide(handle, wait="paint#1", action="retry")
    await theatre.finished(handle)


async def test_the_vendors_text_stays_out_of_failure_messages(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour", "Ada Lovelace cannot have red")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    failed = [one.activity_task_failed_event_attributes.failure for one in await events(handle)]
    (failure,) = [one for one in failed if one.message]
    assert "Ada" not in failure.message
    assert "Ada" in str(failure.application_failure_info.details)


async def test_an_amended_request_is_used_and_flows_on(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="paint#1", action="amend", change={"colour": "blue"}, who="sam", why="sold out")
    outcome = await theatre.finished(handle)
    assert outcome["result"]["colour"] == "blue"
    assert {made.colour for made in theatre.workshop.made() if made.id.startswith("sell")} == {"blue"}
    decided = (await theatre.view(handle)).decisions[0]
    assert (decided.action, decided.who, decided.why, decided.verified) == (Action.AMEND, "sam", "sold out", True)


async def test_a_process_makes_an_amended_request_whole(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="paint#1", action="amend", change={"colour": "pale"})
    assert (await theatre.finished(handle))["result"]["colour"] == "white"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hue": "blue"}, "change.hue is no field here; there are: colour, name"),
        ({"colour": "far too long a colour"}, "change.colour String should have at most 10 characters"),
        ({"colour": 5}, "change.colour Input should be a valid string"),
        ({"name": None}, "change.name Field required"),
        (None, "change is missing: give the fields to amend"),
    ],
)
async def test_an_amendment_that_does_not_fit_is_refused_with_the_field(
    theatre: Theatre, change: Any, said: str
) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await theatre.decide(handle, wait="paint#1", action="amend", change=change)
    assert str(refused.value.cause.__cause__ or refused.value.cause).endswith(said)
    await theatre.decide(handle, wait="paint#1", action="retry")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_a_skipped_step_takes_the_result_that_staff_give(theatre: Theatre) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await theatre.decide(handle, wait="paint#1", action="skip")
    assert "result.id Field required" in str(refused.value.cause)
    result = {"id": "mine", "key": "", "colour": "red"}
    await theatre.decide(handle, wait="paint#1", action="skip", result=result)
    await theatre.finished(handle)
    step = (await theatre.view(handle)).steps[2]
    assert step.state.value == "skipped"
    assert not [made for made in theatre.workshop.made() if made.id.startswith("paint")]


async def test_a_lost_answer_is_looked_up_and_adopted(theatre: Theatre) -> None:
    theatre.workshop.after["paint"] = [Outage("cut")]
    handle = await theatre.start()
    await theatre.finished(handle)
    assert theatre.workshop.calls.count("paint") == 2
    assert len([made for made in theatre.workshop.made() if made.id.startswith("paint")]) == 1


async def test_where_nothing_can_tell_a_lost_answer_waits_for_a_person(theatre: Theatre) -> None:
    theatre.workshop.repeat = Repeat.NEITHER
    theatre.workshop.after["paint"] = [Outage("cut")]
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    assert view.waits[0].cause.endswith("unknown outcome may-have-happened")
    made = next(made for made in theatre.workshop.made() if made.id.startswith("paint"))
    await theatre.decide(handle, wait="paint#1", action="skip", result=made.model_dump())
    await theatre.finished(handle)
    assert len([made for made in theatre.workshop.made() if made.id.startswith("paint")]) == 1


async def test_staff_who_found_that_it_did_not_happen_may_have_it_done(theatre: Theatre) -> None:
    theatre.workshop.repeat = Repeat.NEITHER
    theatre.workshop.script["paint"] = [Outage("cut")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="paint#1", action="retry")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_an_amendment_after_an_unclear_outcome_replaces_what_was_made(theatre: Theatre) -> None:
    theatre.workshop.after["paint"] = [Refusal("no-colour", "but it was made")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await theatre.decide(handle, wait="paint#1", action="amend", change={"colour": "blue"})
    await theatre.finished(handle)
    painted = [made.colour for made in theatre.workshop.made() if made.id.startswith("paint")]
    assert painted == ["blue"]


async def test_what_a_colleague_made_is_not_adopted_in_silence(theatre: Theatre) -> None:
    theatre.workshop.objects["theirs"] = Made(id="theirs", key="", colour="red")
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    assert view.waits[0].cause.endswith("refusal already-there")
    del theatre.workshop.objects["theirs"]
    await theatre.decide(handle, wait="reserve#1", action="retry")
    assert (await theatre.finished(handle))["kind"] == "completed"


async def test_what_the_process_finds_wrong_is_amended_in_the_result(theatre: Theatre) -> None:
    theatre.workshop.colour = "mud"
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    assert view.waits[0].cause.endswith("refusal broken-rules")
    assert view.waits[0].reason == "colour is not mixed"
    await theatre.decide(handle, wait="look#1", action="retry")
    view = await theatre.until(handle, lambda view: view.waits and view.waits[0].name == "look#2")
    assert theatre.workshop.calls == ["look", "look"]
    await theatre.decide(handle, wait="look#2", action="amend", change={"colour": "green"})
    outcome = await theatre.finished(handle)
    assert outcome["result"]["colour"] == "green"


async def test_what_the_process_finds_wrong_may_be_accepted_as_it_is(theatre: Theatre) -> None:
    theatre.workshop.colour = "mud"
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    assert view.waits[0].result_fields == ()
    await theatre.decide(handle, wait="look#1", action="skip", who="sam")
    outcome = await theatre.finished(handle)
    assert outcome["result"]["colour"] == "mud"
    assert (await theatre.view(handle)).steps[0].detail == "accepted by sam"


async def test_an_object_that_is_not_ours_is_ignored_before_any_effect(theatre: Theatre) -> None:
    theatre.workshop.colour = "none"
    handle = await theatre.start()
    outcome = await theatre.finished(handle)
    assert (outcome["kind"], outcome["reason"]) == ("ignored", "it has no colour")
    assert theatre.workshop.calls == ["look"]


async def test_what_is_handed_on_twice_is_started_once(theatre: Theatre) -> None:
    theatre.workshop.script["tell"] = [Refusal("wait-here")]
    handle = await theatre.start()
    view = await theatre.waiting(handle)
    start = {"reference": view.reference, "route": {"stage": theatre.connection}}
    await theatre.client.execute_workflow("epilogue", start, id=f"epilogue:{view.reference}", task_queue=theatre.queue)
    await theatre.decide(handle, wait="tell#1", action="retry")
    assert (await theatre.finished(handle))["kind"] == "completed"
    assert (await theatre.view(handle)).notes == ("epilogue was already started",)


def test_a_process_is_known_by_its_name_and_the_start_it_takes() -> None:
    assert Play.name == "play"
    assert Play.start_type.__name__ == "Start"
