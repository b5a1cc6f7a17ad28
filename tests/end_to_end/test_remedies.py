"""A parcel does not arrive: each remedy once through the whole product, and the checker agrees."""

from __future__ import annotations

from typing import Any

from seamline.settings import start_for
from seamline.temporal import start_process
from tests.end_to_end.world import ByHand, Handle, World
from workflows.return_order import ReturnOrder

ALL_ONCE = {"reserve": 1, "buy-label": 1, "ship": 1, "post-fulfilment": 1, "send-mail": 1}


async def lost(world: World, by_hand: ByHand, **wanted: Any) -> tuple[str, Handle]:
    """An order whose parcel the carrier has lost, and who follows it."""
    reference = await world.order(**wanted)
    handle = await world.start(reference)
    await by_hand.move(reference, "done")
    shipped = (await world.outcome(handle))["result"]
    await world.post(f"parcels/{shipped['tracking_number']}", {"state": "FAILURE"})
    return reference, world.handle("follow-parcel", reference)


async def choose(world: World, handle: Handle, choice: str) -> None:
    """Staff's choice."""
    view = await world.waiting(handle)
    assert view.waits[0].name == "parcel-exception#1"
    await world.decide(handle, wait=view.waits[0].name, action="choose", choice=choice, why="the customer waits")


async def test_a_lost_parcel_is_sent_again(world: World, by_hand: ByHand) -> None:
    reference, handle = await lost(world, by_hand)
    await choose(world, handle, "reship")
    assert (await world.outcome(handle))["result"]["remedy"] == "reship"
    again = world.handle("reship-order", reference)
    await world.step(again, "packed")
    second = (await world.effects(reference))[-2:]
    assert [(one["operation"], one["key"]) for one in second] == [
        ("reserve", f"{reference}/reserve#2"),
        ("buy-label", f"{reference}/buy-label#2"),
    ]
    await world.post(f"warehouse/{world.names.inventory}/shipments/{second[0]['object_id']}", {"state": "done"})
    number = (await world.outcome(again))["result"]["tracking_number"]
    assert await world.counted(reference) == {
        **{name: 2 * count for name, count in ALL_ONCE.items()},
        "post-fulfilment": 1,
        "retrack": 1,
    }
    shown = [one["tracking"] for one in world.simulator.world.find(world.names.shop, "fulfillment")][-1]
    assert [one["number"] for one in shown] == [number]
    await world.post(f"parcels/{number}", {"state": "DELIVERED"})
    arrived = await world.outcome(world.handle("follow-parcel", f"{reference}.0.2"))
    assert arrived["result"]["course"] == "delivered"
    assert (await world.verdict()).ok


async def test_the_money_of_a_lost_parcel_goes_back_once(world: World, by_hand: ByHand) -> None:
    reference, handle = await lost(world, by_hand, lines=[{"quantity": 2}, {"sku": "LAMP-OAK"}])
    await choose(world, handle, "refund")
    fault = await world.fault(world.names.shop, "refundCreate", "lost-reply", count=2)
    view = await world.until(handle, lambda view: view.waits and view.waits[0].name == "parcel-refund#1")
    assert view.waits[0].team == "finance"
    await world.decide(handle, wait="parcel-refund#1", action="approve")
    assert (await world.outcome(handle))["result"]["refunded"] == "122.95 GBP"
    assert await world.hits(fault) >= 1
    assert (await world.counted(reference))["refund-payment"] == 1
    assert (await world.verdict()).ok


async def test_an_authorised_order_gives_back_what_was_captured(ours: World, by_hand: ByHand) -> None:
    by_hand = ByHand(ours)
    reference, handle = await lost(ours, by_hand, financial_status="AUTHORIZED")
    await choose(ours, handle, "refund")
    await ours.until(handle, lambda view: view.waits and view.waits[0].name == "parcel-refund#1")
    await ours.decide(handle, wait="parcel-refund#1", action="approve")
    assert (await ours.outcome(handle))["result"]["refunded"] == "19.45 GBP"
    assert [one["amount"] for one in await ours.effects(reference) if one["operation"] == "refund-payment"] == ["19.45"]
    assert (await ours.verdict()).ok


async def test_a_return_is_labelled_received_inspected_restocked_and_refunded(world: World, by_hand: ByHand) -> None:
    reference = await world.order(lines=[{"quantity": 2}])
    handle = await world.start(reference)
    await by_hand.move(reference, "done")
    shipped = (await world.outcome(handle))["result"]
    await world.post(f"parcels/{shipped['tracking_number']}", {"state": "DELIVERED"})
    on_the_shelf = await world.stock("MUG-BLUE")

    wanted = {"quantities": {"MUG-BLUE": 1}, "reason": "DEFECTIVE", "requested": True}
    number = reference.partition(":")[2]
    back = (await world.post(f"shops/{world.names.shop}/orders/{number}/returns", wanted))["reference"]
    fault = await world.fault(world.names.inventory, "stock.shipment.out.return.create", "lost-reply", count=1)
    start = start_for(ReturnOrder, back, world.settings)
    identity, _ = await start_process(world.client, ReturnOrder, start)
    taken = world.client.get_workflow_handle(identity)
    await world.step(taken, "used")
    label = next(one for one in await world.effects(back) if one["operation"] == "buy-label")
    parcel = next(
        one
        for one in world.simulator.world.find(world.names.carrier, "parcel")
        if one["transaction"] == label["object_id"]
    )
    assert parcel["number"].endswith("GB")
    for state in ("TRANSIT", "DELIVERED"):
        await world.post(f"parcels/{parcel['number']}", {"state": state})
    view = await world.waiting(taken)
    assert [(one.name, one.team) for one in view.waits] == [("inspect-return#1", "operations")]
    await world.decide(taken, wait="inspect-return#1", action="choose", choice="restock", why="as new")
    end = (await world.outcome(taken))["result"]
    assert (end["refunded"], end["restocked"]) == ("14.50 GBP", 1)
    assert await world.hits(fault) == 1
    assert await world.stock("MUG-BLUE") == on_the_shelf + 1
    assert await world.operations(back) == [
        "approve-return",
        "buy-label",
        "send-mail",
        "receive-return",
        "close-return",
    ]
    refund = next(one for one in await world.effects(reference) if one["operation"] == "refund-payment")
    assert (refund["key"], refund["amount"]) == (f"{back}/refund-goods#1", "14.50")
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
