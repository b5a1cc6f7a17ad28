"""Amended after an unclear outcome: the first is taken back and followed, or kept where the parcel has left with it."""

from __future__ import annotations

import asyncio
import time

from seamline.process.view import Status
from tests.end_to_end.world import SECONDS_MAX, ByHand, Handle, World

HEAVIER = {"parcel": {"weight_grams": 483}}


async def unclear(world: World) -> tuple[str, Handle]:
    """An order whose label was bought, though nobody here knows: the answer was lost and the search is away."""
    await world.fault(world.names.carrier, "transactions.create", "lost-reply", count=1, delay_seconds=1)
    reference = await world.order()
    handle = await world.start(reference)
    await world.happened(reference, "buy-label")
    await world.fault(world.names.carrier, "transactions.list", "down")
    await world.waiting(handle, Status.HELD_UP)
    return reference, handle


async def amended(world: World, handle: Handle) -> None:
    """Staff amend, and the carrier answers again."""
    await world.decide(handle, wait="buy-label#1", action="amend", change=HEAVIER, why="weighed again")
    await world.mended()


async def test_the_first_label_is_taken_back_and_its_refund_followed(world: World, by_hand: ByHand) -> None:
    reference, handle = await unclear(world)
    await amended(world, handle)
    await world.step(handle, "packed")
    await by_hand.hand_over(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    followed = await world.outcome(world.handle("follow-refund", reference))
    assert followed["result"]["state"] == "undone"
    operations = await world.operations(reference)
    assert (operations.count("buy-label"), operations.count("refund")) == (2, 1)
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
    assert not verdict.pending


async def test_a_refund_that_the_carrier_rejects_waits_for_staff(world: World, by_hand: ByHand) -> None:
    await world.change("settings", {"refund_after_seconds": 1})
    reference, handle = await unclear(world)
    await amended(world, handle)
    await world.fault(world.names.carrier, "refunds.confirm", "refuse", count=1)
    await world.step(handle, "packed")
    await by_hand.hand_over(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    followed = world.handle("follow-refund", reference)
    (wait,) = (await world.waiting(followed)).waits
    assert (wait.team, wait.cause) == ("operations", f"{world.names.carrier} refusal refund-rejected")
    await world.decide(followed, wait=wait.name, action="skip", why="claimed by letter")
    assert (await world.outcome(followed))["result"]["state"] == "left to staff"
    await world.change("settings", {"refund_after_seconds": 0})
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def travelling(world: World, label_id: str) -> None:
    """Until the carrier has scanned the label's parcel."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        label = world.simulator.world.get(world.names.carrier, "transaction", label_id)
        if label and label["tracking_status"] in ("TRANSIT", "DELIVERED"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never scanned")


async def test_a_label_that_the_parcel_already_travels_with_is_kept(world: World, by_hand: ByHand) -> None:
    reference, handle = await unclear(world)
    bought = await world.happened(reference, "buy-label")
    await by_hand.hand_over(reference)
    await travelling(world, bought["object_id"])
    await amended(world, handle)
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["result"]["label_id"]) == ("completed", bought["object_id"])
    assert (await world.operations(reference)).count("buy-label") == 1
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_goods_that_left_before_the_amendment_are_not_reserved_again(world: World, by_hand: ByHand) -> None:
    await world.fault(world.names.inventory, "stock.shipment.out.assign_try", "lost-reply", count=1, delay_seconds=1)
    reference = await world.order()
    handle = await world.start(reference)
    await world.happened(reference, "reserve")
    await world.fault(world.names.inventory, "sale.sale.search", "down")
    await world.waiting(handle, Status.HELD_UP)
    await by_hand.hand_over(reference)
    await world.happened(reference, "ship")
    more = {"lines": {"0": {"quantity": 2}}}
    await world.decide(handle, wait="reserve#1", action="amend", change=more, why="they want two")
    await world.mended()
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await world.operations(reference)).count("reserve") == 1
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
