"""Terminated at any point and resumed: what was done is kept, what was under way is found, all effects once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from seamline.process.view import Status
from seamline.resume import NotResumable, left_by
from tests.end_to_end.world import SECONDS_MAX, ByHand, Handle, World

pytestmark = pytest.mark.usefixtures("judged")

ONE_EACH = dict.fromkeys(["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"], 1)
TRY_SECONDS = 2


@dataclass(frozen=True, eq=False)
class Moment:
    """When the run is terminated: while this call is under way or just failed."""

    role: str
    operation: str
    fault: Mapping[str, object]


SLOW = {"kind": "slow", "count": 1, "delay_seconds": 1}
LOST = {"kind": "lost-reply", "count": 1}
MOMENTS = {
    "reserve-begun": Moment("inventory", "sale.sale.create", SLOW),
    "reserve-unheard": Moment("inventory", "sale.sale.create", LOST),
    "reserve-half": Moment("inventory", "stock.shipment.out.assign_try", SLOW),
    "label-begun": Moment("carrier", "transactions.create", SLOW),
    "label-unheard": Moment("carrier", "transactions.create", LOST),
    "fulfilment-begun": Moment("shop", "fulfillmentCreate", SLOW),
    "fulfilment-unheard": Moment("shop", "fulfillmentCreate", LOST),
}


async def struck(world: World, fault: str) -> None:
    """Until the fault has hit a call."""
    deadline = time.monotonic() + SECONDS_MAX
    while not await world.hits(fault):
        assert time.monotonic() < deadline, "the call never came"
        await asyncio.sleep(0.02)


async def resumed(world: World, handle: Handle) -> Handle:
    """The process after `seamline resume`."""
    said = json.loads(await world.command("seamline", "resume", handle.id, "--why", "by mistake", "--json"))
    return world.client.get_workflow_handle(handle.id, run_id=said["run_id"])


async def started(world: World, reference: str) -> Handle:
    return await world.start(reference, attempt_seconds_max=TRY_SECONDS)


@pytest.mark.parametrize("name", MOMENTS)
async def test_terminated_in_the_middle_of_an_effect_and_resumed_it_is_there_once(world: World, name: str) -> None:
    moment = MOMENTS[name]
    fault = await world.fault(getattr(world.names, moment.role), moment.operation, **moment.fault)
    reference = await world.order()
    handle = await started(world, reference)
    await struck(world, fault)
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


async def test_what_staff_decided_is_kept_and_a_wait_is_open_again(world: World) -> None:
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1)
    reference = await world.order(address={"zip": "ZZ9 9ZZ"})
    handle = await started(world, reference)
    await world.waiting(handle)
    await world.decide(handle, wait="check-address#1", action="amend", change={"postcode": "CB2 1RX"})
    await world.until(handle, lambda view: [one for one in view.waits if one.name == "buy-label#1"])
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    view = await world.waiting(handle)
    assert [one.name for one in view.waits] == ["buy-label#1"]
    assert [one.wait for one in view.decisions] == ["check-address#1"]
    await world.decide(handle, wait="buy-label#1", action="retry")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


async def test_held_up_it_is_held_up_again_and_heals(world: World) -> None:
    fault = await world.fault(world.names.carrier, "transactions.create", "down")
    reference = await world.order()
    handle = await started(world, reference)
    await world.waiting(handle, Status.HELD_UP)
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    hits = await world.hits(fault)
    await world.waiting(handle, Status.HELD_UP)
    await world.mended()
    assert hits
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


async def test_terminated_while_it_takes_back_it_goes_on_taking_back(world: World, by_hand: ByHand) -> None:
    fault = await world.fault(world.names.inventory, "stock.shipment.out.cancel", **SLOW)
    reference = await world.order()
    handle = await started(world, reference)
    await world.step(handle, "packed")
    await handle.cancel()
    await struck(world, fault)
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    view = await world.undone(handle)
    assert len(view.undone) == 2
    counts = Counter(await world.operations(reference))
    assert counts == {"reserve": 1, "buy-label": 1, "release": 1, "request-refund": 1, "refund": 1}


async def test_a_cancel_that_came_before_the_end_is_not_forgotten(world: World, by_hand: ByHand) -> None:
    fault = await world.fault(world.names.carrier, "transactions.create", "slow", count=1, delay_seconds=1.5)
    reference = await world.order()
    handle = await started(world, reference)
    await struck(world, fault)
    await handle.cancel()
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    await world.undone(handle)
    counts = Counter(await world.operations(reference))
    assert counts["reserve"] == counts["release"] == 1
    assert counts["buy-label"] == counts["refund"] <= 1


async def test_terminated_after_the_point_of_no_return_it_goes_forward(world: World) -> None:
    fault = await world.fault(world.names.shop, "fulfillmentCreate", "down")
    reference = await world.order()
    handle = await started(world, reference)
    await world.waiting(handle, Status.HELD_UP)
    await handle.terminate("by mistake")
    handle = await resumed(world, handle)
    await handle.cancel()
    await struck(world, fault)
    await world.mended()
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


async def test_terminated_twice_it_is_resumed_twice(world: World, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await started(world, reference)
    for _ in range(2):
        await world.step(handle, "packed")
        await handle.terminate("by mistake")
        handle = await resumed(world, handle)
    await by_hand.hand_over(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ONE_EACH


async def test_what_runs_or_ended_by_itself_is_not_resumed(world: World, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await started(world, reference)
    with pytest.raises(NotResumable, match="there is nothing to resume"):
        await left_by(world.client, handle.id)
    await world.step(handle, "packed")
    await by_hand.hand_over(reference)
    await world.outcome(handle)
    with pytest.raises(NotResumable, match=r"ended by itself \(completed\)"):
        await left_by(world.client, handle.id)
    with pytest.raises(NotResumable, match="there is no process"):
        await left_by(world.client, "order-to-shipment:shop-uk:404404")


async def test_what_a_terminated_run_left_is_told(world: World, by_hand: ByHand) -> None:
    fault = await world.fault(world.names.carrier, "transactions.create", **SLOW)
    handle = await started(world, await world.order())
    await struck(world, fault)
    await handle.terminate("by mistake")
    left = await left_by(world.client, handle.id)
    told: list[Any] = [(one.operation, one.answer.value) for one in left.called]
    assert told == [("inventory.reserve", "done"), ("carrier.buy_label", "open")]
    assert left.over_at
    await resumed(world, handle)
