"""Events of the systems: they wake what polls, mend what was found wrong, take a process back, or change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.errors import Refusal
from seamline.process.inbox import EVENTS_MAX
from seamline.process.view import Status
from seamline.records.approval import ApprovalRule
from seamline.records.policy import Policy
from tests.process.theatre import QUICK, Handle, Theatre, event_types

ASKS_NOBODY = QUICK.model_copy(update={"approvals": {"part": ApprovalRule(automatic=True)}})
SLOW = ASKS_NOBODY.model_copy(update={"poll_seconds": 3600.0, "poll_max_seconds": 3600.0})
CANCELLED = {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": "1"}


def edited(number: int) -> dict[str, str]:
    return {"kind": "order-edited", "topic": "orders/edited", "external_id": "1", "delivery_id": f"d-{number}"}


async def collecting(world: Theatre, policy: Policy = SLOW) -> Handle:
    """An audition that polls for something that has not happened."""
    world.workshop.ready = False
    handle = await world.start(policy=policy, name="audition")
    await world.called("collected")
    return handle


async def test_an_event_wakes_what_polls_slowly(real: Theatre) -> None:
    handle = await collecting(real)
    real.workshop.ready = True
    await handle.signal("happened", edited(1))
    assert (await real.finished(handle))["kind"] == "completed"
    assert real.workshop.calls.count("collected") == 2


async def test_an_event_that_is_no_news_to_a_wait_costs_it_nothing(real: Theatre) -> None:
    handle = await collecting(real)
    paid = {"kind": "order-paid", "topic": "orders/paid", "external_id": "1"}
    for number in range(5):
        await handle.signal("happened", {**paid, "delivery_id": f"p-{number}"})
    view = await real.until(handle, lambda view: view.notes)
    assert view.notes == ("told by the source: order-paid",)
    assert real.workshop.calls.count("collected") == 1
    real.workshop.ready = True
    await handle.signal("happened", edited(1))
    await real.finished(handle)
    assert real.workshop.calls.count("collected") == 2


async def test_the_same_delivery_is_heeded_once(real: Theatre) -> None:
    handle = await collecting(real)
    for _ in range(5):
        await handle.signal("happened", edited(1))
    await real.until(handle, lambda view: view.notes == ("told by the source: order-edited",))
    real.workshop.ready = True
    await handle.signal("happened", edited(2))
    await real.finished(handle)
    assert real.workshop.calls.count("collected") <= 3


async def test_an_event_has_what_was_found_wrong_read_again(real: Theatre) -> None:
    real.workshop.colour = "mud"
    handle = await real.start(policy=ASKS_NOBODY, name="audition")
    await real.waiting(handle)
    await handle.signal("happened", edited(1))
    await real.until(handle, lambda view: view.waits and view.waits[0].name == "look#2")
    real.workshop.colour = "blue"
    await handle.signal("happened", edited(2))
    assert (await real.finished(handle))["kind"] == "completed"


@pytest.mark.parametrize("times", [1, 3])
async def test_a_stopping_event_takes_everything_back(real: Theatre, times: int) -> None:
    handle = await collecting(real)
    for _ in range(times):
        await handle.signal("happened", CANCELLED)
    outcome = await real.finished(handle)
    assert (outcome["kind"], outcome["reason"]) == ("undone", "cancelled at the source")
    assert [one.id.split("-")[0] for one in real.workshop.made()] == ["welcome"]


async def test_a_stopping_event_ends_a_question(real: Theatre) -> None:
    handle = await real.start(name="audition")
    await real.waiting(handle)
    await handle.signal("happened", CANCELLED)
    assert (await real.finished(handle))["kind"] == "undone"
    assert real.workshop.objects == {}


async def test_a_stopping_event_that_comes_before_the_run_is_not_lost(real: Theatre) -> None:
    handle = await real.start(name="audition", start_signal="happened", start_signal_args=[CANCELLED])
    assert (await real.finished(handle))["kind"] == "undone"
    assert real.workshop.objects == {}


async def test_too_late_a_stopping_event_leaves_people_a_task(real: Theatre) -> None:
    real.workshop.script["tell"] = [Refusal("no-ears")]
    handle = await real.start(policy=ASKS_NOBODY, name="audition")
    await real.waiting(handle)
    await handle.signal("happened", CANCELLED)
    view = await real.until(handle, lambda view: view.manual)
    assert view.manual[0].startswith("cancelled at the source, after the point of no return")
    await real.decide(handle, wait="tell#1", action="retry")
    assert (await real.finished(handle))["manual"] == list(view.manual)


async def test_when_the_gate_says_too_late_the_process_goes_forward(real: Theatre) -> None:
    handle = await collecting(real, ASKS_NOBODY)
    real.workshop.left = True
    await handle.signal("happened", CANCELLED)
    await real.until(handle, lambda view: [note for note in view.notes if "goes forward" in note])
    real.workshop.ready = True
    outcome = await real.finished(handle)
    assert (outcome["kind"], len(outcome["manual"])) == ("completed", 1)
    assert outcome["manual"][0].startswith("cancelled at the source, after the point of no return")


RUBBISH: list[list[Any]] = [
    [],
    ["rubbish"],
    [None],
    [CANCELLED, CANCELLED],
    [{"kind": "dance", "topic": "x", "external_id": "1"}],
    [{"kind": "order-cancelled"}],
    [{"kind": "parcel-moved", "topic": "track_updated", "external_id": "1"}],
]


@pytest.mark.parametrize("arguments", RUBBISH)
async def test_rubbish_and_what_is_not_heard_changes_nothing(real: Theatre, arguments: list[Any]) -> None:
    handle = await collecting(real, ASKS_NOBODY)
    await handle.signal("happened", args=arguments)
    view = await real.until(handle, lambda view: view.notes)
    assert view.notes == ("an event was ignored: nothing that this process hears",)
    assert view.status is Status.RUNNING
    real.workshop.ready = True
    assert (await real.finished(handle))["kind"] == "completed"


async def test_a_flood_of_events_stays_bounded(real: Theatre) -> None:
    handle = await collecting(real)
    for number in range(EVENTS_MAX + 50):
        await handle.signal("happened", edited(number))
    await real.until(handle, lambda view: view.notes)
    real.workshop.ready = True
    await handle.signal("happened", CANCELLED)
    assert (await real.finished(handle))["kind"] == "undone"
    assert (await event_types(handle)).count("ACTIVITY_TASK_SCHEDULED") <= EVENTS_MAX + 6
