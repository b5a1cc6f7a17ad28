"""Cancelled at every step: stock and money are back, or the parcel has left and the process goes forward."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from seamline.process.decision import Action
from seamline.process.details import commands
from seamline.process.view import Status, View
from tests.end_to_end.world import SECONDS_MAX, ByHand, Handle, World

RACES = 10
RACE_STEP_SECONDS = 0.06
SLOW = {"kind": "slow", "count": 1, "delay_seconds": 1}
TAKEN_BACK = {
    (): (),
    ("reserve",): ("reserve", "release"),
    ("reserve", "buy-label"): ("reserve", "buy-label", "release", "request-refund", "refund"),
}


@dataclass(frozen=True, eq=False)
class Moment:
    """When the cancel comes: while this call is slow or fails, and what had happened once the undo began."""

    role: str
    operation: str
    fault: Mapping[str, object]
    step: str
    happened: tuple[str, ...]


MOMENTS = {
    "while-fetching": Moment("shop", "order", SLOW, "fetch-order", ()),
    "before-reserve": Moment("carrier", "addresses.create", SLOW, "check-address", ()),
    "reserve-begun": Moment("inventory", "sale.sale.create", SLOW, "reserve", ("reserve",)),
    "reserve-confirmed": Moment("inventory", "sale.sale.confirm", SLOW, "reserve", ("reserve",)),
    "reserve-assigned": Moment(
        "inventory",
        "stock.shipment.out.assign_try",
        {**SLOW, "kind": "lost-reply"},
        "reserve",
        ("reserve",),
    ),
    "after-reserve": Moment("carrier", "shipments.create", SLOW, "quote", ("reserve",)),
    "label-begun": Moment("carrier", "transactions.create", SLOW, "buy-label", ("reserve", "buy-label")),
    "label-unheard": Moment(
        "carrier", "transactions.create", {**SLOW, "kind": "lost-reply"}, "buy-label", ("reserve", "buy-label")
    ),
}


async def called(world: World, fault: str) -> None:
    """Until the fault has struck: the call is on its way."""
    deadline = time.monotonic() + SECONDS_MAX
    while not await world.hits(fault):
        assert time.monotonic() < deadline, "the call never came"
        await asyncio.sleep(0.02)


async def fresh(world: World, sku: str) -> str:
    """An order for goods that no other order touches, of which there are five."""
    await world.change(f"stock/{world.names.inventory}", {sku: 5})
    return await world.order(lines=[{"sku": sku, "weight_grams": 300}])


async def is_taken_back(world: World, reference: str, sku: str) -> None:
    """No stock is held, no label is paid."""
    counts = Counter(await world.operations(reference))
    assert counts["reserve"] == counts["release"]
    assert counts["buy-label"] == counts["request-refund"] == counts["refund"]
    assert await world.stock(sku) == 5


@pytest.mark.parametrize("name", MOMENTS)
async def test_cancelled_on_the_way_nothing_is_left(world: World, by_hand: ByHand, name: str) -> None:
    moment, sku = MOMENTS[name], f"CANCEL-{name.upper()}"
    fault = await world.fault(getattr(world.names, moment.role), moment.operation, **moment.fault)
    reference = await fresh(world, sku)
    handle = await world.start(reference)
    await called(world, fault)
    await handle.cancel()
    view = await world.undone(handle)
    assert view.steps[len(view.steps) - 1].ended
    assert moment.step in {one.name for one in view.steps}
    assert set(await world.operations(reference)) in ({*TAKEN_BACK[moment.happened]}, set())
    await is_taken_back(world, reference, sku)


@pytest.mark.parametrize("packed", [False, True], ids=["assigned", "packed"])
async def test_cancelled_while_the_parcel_is_in_the_building_nothing_is_left(
    world: World, by_hand: ByHand, packed: bool
) -> None:
    sku = f"CANCEL-PACKED-{packed}".upper()
    reference = await fresh(world, sku)
    handle = await world.start(reference)
    if packed:
        await by_hand.move(reference, "packed")
    await world.step(handle, "handed-over" if packed else "packed")
    await handle.cancel()
    view = await world.undone(handle)
    assert tuple(await world.operations(reference)) == TAKEN_BACK["reserve", "buy-label"]
    assert [one.answer.state.value for one in view.undone] == ["undone", "undone"]
    await is_taken_back(world, reference, sku)


async def test_cancelled_once_the_parcel_left_the_process_goes_forward(world: World) -> None:
    fault = await world.fault(world.names.shop, "fulfillmentCreate", **SLOW)
    reference = await world.order()
    handle = await world.start(reference)
    await called(world, fault)
    await handle.cancel()
    assert (await world.outcome(handle))["kind"] == "completed"
    view = await world.until(handle, lambda view: view.outcome)
    assert view.notes == ("a cancel came too late: the point of no return is passed",)
    assert "release" not in await world.operations(reference)


async def test_cancelled_unseen_after_the_hand_over_the_gate_says_too_late(world: World, by_hand: ByHand) -> None:
    """The warehouse has handed over, and the process does not know it yet."""
    reference = await world.order()
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await world.fault(world.names.inventory, "sale.sale.get", "down", count=2)
    await by_hand.hand_over(reference)
    await handle.cancel()
    assert (await world.outcome(handle))["kind"] == "completed"
    view = await world.until(handle, lambda view: view.outcome)
    assert any("the process goes forward" in note or "came too late" in note for note in view.notes)


async def test_the_gate_decides_when_cancel_and_hand_over_come_together(world: World, by_hand: ByHand) -> None:
    references = [await fresh(world, f"RACE-{number}") for number in range(RACES)]
    handles = [await world.start(reference) for reference in references]
    for reference, handle in zip(references, handles, strict=True):
        await by_hand.move(reference, "packed")
        await world.step(handle, "handed-over")
    await world.change("settings", {"autopilot": True})

    async def race(number: int) -> None:
        handle, reference = handles[number], references[number]
        first, last = number == 0, number == RACES - 1
        if not first:
            await handle.cancel()
        if last:
            await _ended(world, handle)
        # The goods leave later and later, at every moment that the undo takes.
        await asyncio.sleep(number * RACE_STEP_SECONDS)
        await _try_to_leave(by_hand, reference)
        if first:
            await handle.cancel()

    await asyncio.gather(*map(race, range(RACES)))
    views = [await _ended(world, handle) for handle in handles]
    for number, (reference, view) in enumerate(zip(references, views, strict=True)):
        counts = await world.counted(reference)
        assert view.outcome
        if view.outcome.kind == "undone":
            assert counts["ship"] == 0
            await is_taken_back(world, reference, f"RACE-{number}")
        else:
            assert view.outcome.kind == "completed"
            assert counts == dict.fromkeys(["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"], 1)
    assert {view.outcome.kind for view in views if view.outcome} == {"completed", "undone"}


async def _try_to_leave(by_hand: ByHand, reference: str) -> None:
    """Hand over, unless the undo was first: then the ERP refuses."""
    shipment = (await by_hand.world.happened(reference, "reserve"))["object_id"]
    path = f"/_simulator/warehouse/{by_hand.world.names.inventory}/shipments/{shipment}"
    answer = await by_hand.world.http.post(f"{by_hand.world.simulator.url}{path}", json={"state": "done"})
    assert answer.status_code in (200, 409), answer.text


async def _ended(world: World, handle: Handle) -> View:
    return await world.until(handle, lambda view: view.outcome)


# ---- cancelled and decided by the commands that people have -------------------------------------------------------


async def test_the_temporal_command_cancels(world: World, by_hand: ByHand) -> None:
    reference = await fresh(world, "CANCEL-COMMAND")
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await world.command("temporal", "workflow", "cancel", "--workflow-id", handle.id)
    await world.undone(handle)
    await is_taken_back(world, reference, "CANCEL-COMMAND")


async def test_the_signal_that_the_view_prints_releases_what_waits(world: World) -> None:
    reference = await world.order(address={"zip": "ZZ9 9ZZ"})
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    _, printed = commands(handle.id, wait, Action.AMEND, "CB2 1RX")
    await world.command(*shlex.split(printed))
    assert (await world.outcome(handle))["kind"] == "completed"
    view = await world.until(handle, lambda view: view.outcome)
    assert [(one.action, one.verified) for one in view.decisions] == [(Action.AMEND, False)]


async def test_the_seamline_command_that_the_view_prints_releases_what_waits(world: World) -> None:
    reference = await world.order(address={"zip": "ZZ9 9ZZ"})
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    printed, _ = commands(handle.id, wait, Action.AMEND, "CB2 1RX")
    await world.command(*shlex.split(printed))
    assert (await world.outcome(handle))["kind"] == "completed"
    view = await world.until(handle, lambda view: view.outcome)
    assert [(one.action, one.verified) for one in view.decisions] == [(Action.AMEND, True)]


async def test_cancel_as_the_answer_to_a_wait_takes_back_what_was_done(world: World, by_hand: ByHand) -> None:
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1)
    reference = await fresh(world, "CANCEL-ANSWER")
    handle = await world.start(reference)
    [wait] = (await world.waiting(handle)).waits
    _, printed = commands(handle.id, wait, Action.CANCEL)
    await world.command(*shlex.split(printed))
    outcome = await world.outcome(handle)
    assert outcome["kind"] == "undone"
    assert outcome["reason"].startswith(f"cancelled by YOU at {wait.name}")
    assert tuple(await world.operations(reference)) == TAKEN_BACK[("reserve",)]
    await is_taken_back(world, reference, "CANCEL-ANSWER")


async def test_cancelled_while_held_up_nothing_is_left(world: World, by_hand: ByHand) -> None:
    reference = await fresh(world, "CANCEL-HELD-UP")
    await world.fault(world.names.carrier, "shipments.create", "down")
    handle = await world.start(reference)
    await world.waiting(handle, Status.HELD_UP)
    await handle.cancel()
    await world.undone(handle)
    assert tuple(await world.operations(reference)) == TAKEN_BACK[("reserve",)]
    await is_taken_back(world, reference, "CANCEL-HELD-UP")


async def test_the_checker_agrees(world: World) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_cancelled_in_the_shop_after_the_parcel_left_waits_and_says_so(world: World, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await world.start(reference)
    await by_hand.move(reference, "packed")
    await world.step(handle, "handed-over")
    number = reference.partition(":")[2]
    await world.post(f"shops/{world.names.shop}/orders/{number}/cancel", {})
    await by_hand.hand_over(reference)
    (wait,) = (await world.waiting(handle)).waits
    assert wait.cause == f"{world.names.shop} refusal order-cancelled"
    await world.decide(handle, wait=wait.name, action="skip", result={"id": "none", "tracking_number": "none"})
    assert (await world.outcome(handle))["kind"] == "completed"
