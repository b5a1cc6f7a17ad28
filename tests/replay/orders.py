"""The paths of orders whose histories are recorded: what people do meanwhile, parts and parcels, goods that are short,
parcels that do not arrive, and returns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from seamline.records.location import LabelsAt, Location
from seamline.records.shop_rules import Labels, ShopRules
from seamline.settings import start_for
from seamline.simulator.shopify_orders import MAIN_LOCATION
from seamline.temporal import start_process
from tests.end_to_end.world import Handle, World
from workflows.return_order import ReturnOrder

MUG, NORTH = "MUG-BLUE", "North warehouse"
PACKED_FIRST = {"locations": {NORTH: Location(labels_at=LabelsAt.PACKED)}}
Told = Callable[[World], Awaitable[Handle]]


async def by_hand(world: World) -> None:
    """From here on nothing moves in the warehouse and on the road but what the path moves."""
    await world.change("settings", {"autopilot": False})


async def tell(handle: Handle, kind: str, number: int = 1) -> None:
    """What a webhook would tell."""
    await handle.signal("happened", {"kind": kind, "topic": kind, "external_id": str(number)})


async def choose(world: World, handle: Handle, wait: str, choice: str, **change: Any) -> None:
    """Staff choose, once they are asked."""
    await world.until(handle, lambda view: [one for one in view.waits if one.name == wait])
    await world.decide(handle, wait=wait, action="choose", choice=choice, why="so it is", **change)


async def edit(world: World, reference: str, pieces: int, sku: str = MUG) -> None:
    """Staff of the shop change how many pieces are wanted."""
    number = reference.partition(":")[2]
    await world.post(f"shops/{world.names.shop}/orders/{number}/edit", {"quantities": {sku: pieces}})


async def move(world: World, reference: str, state: str, *packages: dict[str, Any]) -> None:
    """The warehouse moves what was reserved last."""
    await world.happened(reference, "reserve")
    reserved = [one["object_id"] for one in await world.effects(reference) if one["operation"] == "reserve"]
    body = {"state": state, **({"packages": packages} if packages else {})}
    await world.post(f"warehouse/{world.names.inventory}/shipments/{reserved[-1]}", body)


async def asked_for(world: World, mugs: int = 2, **wanted: Any) -> tuple[str, Handle]:
    """An order of mugs that waits to be packed by hand."""
    await by_hand(world)
    reference = await world.order(lines=[{"sku": MUG, "quantity": mugs}], **wanted)
    handle = await world.start(reference)
    await world.step(handle, "packed")
    return reference, handle


async def others_label(world: World) -> Handle:
    """Others buy the label, and tell the shop its number before the goods have left."""
    await by_hand(world)
    reference = await world.order()
    handle = await world.start(reference, shops={world.names.shop: ShopRules(labels=Labels.OTHERS)})
    await world.step(handle, "packed")
    number = reference.partition(":")[2]
    await world.post(f"shops/{world.names.shop}/orders/{number}/fulfil", {"tracking_number": "THEIRS1"})
    await tell(handle, "order-fulfilled")
    await world.until(handle, lambda view: view.notes and view.steps[-1].name == "packed")
    await move(world, reference, "done")
    return handle


# ---- what people do meanwhile ----------------------------------------------------------------------------------------


async def planned_anew(world: World) -> Handle:
    """Fewer pieces are wanted before it is packed."""
    reference, handle = await asked_for(world)
    await edit(world, reference, 1)
    await tell(handle, "order-edited")
    await world.until(handle, lambda view: view.notes and view.steps[-1].name == "packed")
    await move(world, reference, "done")
    return handle


async def changed_after_packing(world: World) -> Handle:
    """Fewer pieces are wanted after it is packed: staff have it packed anew."""
    reference, handle = await asked_for(world)
    await move(world, reference, "packed")
    await world.step(handle, "handed-over")
    await edit(world, reference, 1)
    await tell(handle, "order-edited")
    await choose(world, handle, "changed-after-packing#1", "plan-anew")
    await world.step(handle, "packed")
    await move(world, reference, "done")
    return handle


async def shipment_gone(world: World) -> Handle:
    """The shipment is cancelled in the ERP: staff have the stock reserved again."""
    reference, handle = await asked_for(world)
    await move(world, reference, "cancelled")
    await tell(handle, "stock-changed")
    await choose(world, handle, "shipment-gone#1", "reserve-anew")
    await world.step(handle, "packed")
    await move(world, reference, "done")
    return handle


async def label_gone(world: World) -> Handle:
    """The label is refunded at the carrier: staff have another bought."""
    reference, handle = await asked_for(world)
    await refund_label(world, reference)
    await tell(handle, "label-refunded")
    await choose(world, handle, "label-gone#1", "buy-anew")
    await world.step(handle, "packed")
    await move(world, reference, "done")
    return handle


async def label_gone_after_leaving(world: World) -> Handle:
    """The label is refunded as its parcel leaves, while the ERP is away: the parcel travels on with it."""
    reference, handle = await asked_for(world)
    await world.fault(world.names.inventory, "sale.sale.get", "down")
    await move(world, reference, "done")
    await refund_label(world, reference)
    await tell(handle, "label-refunded")
    await world.step(handle, "look")
    await world.mended()
    await choose(world, handle, "label-gone-after-leaving#1", "as-it-is")
    return handle


async def refund_label(world: World, reference: str) -> None:
    """Somebody has the label refunded at the carrier."""
    label = (await world.happened(reference, "buy-label"))["object_id"]
    answer = await world.http.post(
        f"{world.simulator.url}/shippo/{world.names.carrier}/refunds",
        json={"transaction": label},
        headers={"Authorization": f"ShippoToken shippo-test-{world.names.carrier}"},
    )
    assert answer.is_success, answer.text


# ---- parts and parcels -----------------------------------------------------------------------------------------------


async def in_parts(world: World) -> Handle:
    """An order of two locations, whose address staff amend once for both."""
    lines = [{"sku": MUG}, {"sku": MUG, "location": NORTH}]
    handle = await world.start(await world.order(lines=lines, address={"zip": "ZZ9 9ZZ"}))
    await world.waiting(handle)
    await world.decide(handle, wait="check-address#1", action="amend", change={"postcode": "CB2 1RX"})
    return handle


async def part(world: World) -> Handle:
    """The second part of one."""
    whole = await in_parts(world)
    await whole.result()
    return world.handle("order-to-shipment", f"{whole.id.partition(':')[2]}.2")


async def parts_amended(world: World) -> Handle:
    """The address is changed to a wrong one while both parts wait to be packed; staff amend it for both."""
    await by_hand(world)
    reference = await world.order(lines=[{"sku": MUG}, {"sku": MUG, "location": NORTH}])
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await world.step(world.handle("order-to-shipment", f"{reference}.2"), "packed")
    path = f"shops/{world.names.shop}/orders/{reference.partition(':')[2]}/edit"
    await world.post(path, {"address": {"zip": "ZZ9 9ZZ"}})
    await tell(handle, "order-edited")
    await world.waiting(handle)
    await world.decide(handle, wait="check-address#1", action="amend", change={"postcode": "CB2 1RX"})
    await world.step(handle, "packed")
    await move(world, reference, "done")
    return handle


async def fewer_parcels(world: World) -> Handle:
    """Packed in two parcels, then after a change in one: the other's label is given back."""
    await by_hand(world)
    reference = await world.order(lines=[{"sku": MUG, "quantity": 3, "location": NORTH}])
    handle = await world.start(reference, **PACKED_FIRST)
    await world.step(handle, "packed")
    await move(world, reference, "packed", {"lines": {MUG: 2}}, {"lines": {MUG: 1}})
    parcels = {"parcels": [{"weight_grams": 900}, {"weight_grams": 500}]}
    await world.until(handle, lambda view: view.waits)
    await world.decide(handle, wait="packed#1", action="amend", change=parcels, why="asked the packers")
    await world.step(handle, "handed-over")
    await edit(world, reference, 2)
    await tell(handle, "order-edited")
    await choose(world, handle, "changed-after-packing#1", "plan-anew")
    await world.step(handle, "packed")
    await move(world, reference, "packed")
    view = await world.until(handle, lambda view: view.waits)
    one = {"parcels": [{"weight_grams": 900}]}
    await world.decide(handle, wait=view.waits[0].name, action="amend", change=one, why="asked the packers")
    await world.step(handle, "handed-over")
    await move(world, reference, "done")
    return handle


# ---- goods that are short --------------------------------------------------------------------------------------------


async def sold_short(world: World, sku: str) -> tuple[str, Handle]:
    """One mug and three of an article of which there is one."""
    await world.change(f"stock/{world.names.inventory}", {sku: 1})
    reference = await world.order(lines=[{"sku": MUG}, {"sku": sku, "quantity": 3}])
    return reference, await world.start(reference)


async def short(world: World, sku: str, choice: str, **change: Any) -> tuple[str, Handle]:
    """The same; staff choose this."""
    reference, handle = await sold_short(world, sku)
    await choose(world, handle, "short-stock#1", choice, **change)
    return reference, handle


async def short_waited_for(world: World) -> Handle:
    """They wait, and stock comes."""
    _, handle = await short(world, "RARE-WAIT", "wait")
    await world.step(handle, "restocked")
    await world.change(f"stock/{world.names.inventory}", {"RARE-WAIT": 3})
    return handle


async def short_split(world: World) -> Handle:
    """What is there is sent, the rest back-ordered."""
    return (await short(world, "RARE-SPLIT", "ship-available"))[1]


async def short_rest_last(world: World) -> Handle:
    """What is there is reserved before the rest is back-ordered."""
    return (await short(world, "RARE-LAST", "ship-available"))[1]


async def short_edited(world: World) -> Handle:
    """While people are asked, what is not there is taken off in the shop."""
    reference, handle = await sold_short(world, "RARE-EDIT")
    await world.waiting(handle)
    await edit(world, reference, 1, "RARE-EDIT")
    await tell(handle, "order-edited")
    return handle


async def short_told_in_vain(world: World) -> Handle:
    """What is told of the order changes no goods, while they are waited for and while people are asked."""
    _, handle = await sold_short(world, "RARE-VAIN")
    await world.waiting(handle)
    await tell(handle, "order-fulfilled")
    await choose(world, handle, "short-stock#2", "wait")
    await world.step(handle, "restocked")
    await tell(handle, "order-fulfilled", 2)
    await world.until(handle, lambda view: [one.name for one in view.steps].count("restocked") > 1)
    await world.change(f"stock/{world.names.inventory}", {"RARE-VAIN": 3})
    return handle


async def back_ordered(world: World) -> Handle:
    """The rest of such an order, once it is there."""
    reference, handle = await short(world, "RARE-REST", "ship-available")
    await handle.result()
    rest = world.handle("order-to-shipment", f"{reference}.2")
    await world.step(rest, "restocked")
    await world.change(f"stock/{world.names.inventory}", {"RARE-REST": 2})
    return rest


async def short_substituted(world: World) -> Handle:
    """Something else is sent in its place."""
    change = {"lines": {"0": {"sku": "TEE-M"}}}
    return (await short(world, "RARE-OTHER", "substitute", change=change))[1]


async def short_cancelled(world: World) -> Handle:
    """What is not there comes off the order."""
    return (await short(world, "RARE-OFF", "cancel-lines"))[1]


# ---- after the parcel has left ---------------------------------------------------------------------------------------


async def in_trouble(world: World, state: str = "FAILURE") -> tuple[str, Handle]:
    """An order whose parcel the carrier reports of, and who follows it."""
    reference, handle = await asked_for(world)
    await move(world, reference, "done")
    shipped = (await world.outcome(handle))["result"]
    await world.post(f"parcels/{shipped['tracking_number']}", {"state": state})
    return reference, world.handle("follow-parcel", reference)


async def parcel_sent_again(world: World) -> Handle:
    """Its goods are sent once more."""
    _, handle = await in_trouble(world)
    await choose(world, handle, "parcel-exception#1", "reship")
    return handle


async def reship(world: World) -> Handle:
    """That second sending."""
    reference, handle = await in_trouble(world)
    await choose(world, handle, "parcel-exception#1", "reship")
    await handle.result()
    again = world.handle("reship-order", reference)
    await world.step(again, "packed")
    await move(world, reference, "done")
    return again


async def parcel_refunded(world: World) -> Handle:
    """It is claimed from the carrier, and its money goes back."""
    _, handle = await in_trouble(world)
    await choose(world, handle, "parcel-exception#1", "claim")
    await choose(world, handle, "parcel-exception#2", "refund")
    await world.until(handle, lambda view: [one for one in view.waits if one.name == "parcel-refund#1"])
    await world.decide(handle, wait="parcel-refund#1", action="approve")
    return handle


async def claim(world: World) -> Handle:
    """A claim that the carrier pays."""
    reference, handle = await in_trouble(world)
    await choose(world, handle, "parcel-exception#1", "claim")
    await choose(world, handle, "parcel-exception#2", "close")
    claimed = world.handle("claim-parcel", reference)
    await choose(world, claimed, "claim#1", "paid")
    return claimed


async def parcel_restocked(world: World) -> Handle:
    """It comes back, and its goods go on the shelf."""
    _, handle = await in_trouble(world, "RETURNED")
    await choose(world, handle, "parcel-returned#1", "restock")
    await choose(world, handle, "parcel-returned#2", "close")
    return handle


async def returned(world: World) -> Handle:
    """A customer's return: labelled, received, inspected, restocked, refunded."""
    return await sent_back(world)


async def returned_where_from(world: World) -> Handle:
    """One that goes to the warehouse that sent it, which is not the one of its route."""
    ours = Location(inventory=world.names.inventory, carrier=world.names.carrier)
    return await sent_back(world, {"inventory": "erp-lane"}, {"locations": {MAIN_LOCATION: ours}})


async def sent_back(world: World, route: Mapping[str, str] = {}, policy: Mapping[str, Any] = {}) -> Handle:
    """A return whose goods come back, with these changes to its route and policy."""
    reference, handle = await asked_for(world)
    await move(world, reference, "done")
    shipped = (await world.outcome(handle))["result"]
    await world.post(f"parcels/{shipped['tracking_number']}", {"state": "DELIVERED"})
    wanted = {"quantities": {MUG: 1}, "reason": "DEFECTIVE", "requested": True}
    path = f"shops/{world.names.shop}/orders/{reference.partition(':')[2]}/returns"
    back = (await world.post(path, wanted))["reference"]
    start = start_for(ReturnOrder, back, world.settings)
    changed = {"route": {**start.route, **route}, "policy": start.policy.model_copy(update=policy)}
    identity, _ = await start_process(world.client, ReturnOrder, start.model_copy(update=changed))
    taken = world.client.get_workflow_handle(identity)
    await world.step(taken, "used")
    label = (await world.happened(back, "buy-label"))["object_id"]
    parcels = world.simulator.world.find(world.names.carrier, "parcel")
    number = next(one["number"] for one in parcels if one["transaction"] == label)
    for state in ("TRANSIT", "DELIVERED"):
        await world.post(f"parcels/{number}", {"state": state})
    await choose(world, taken, "inspect-return#1", "restock")
    return taken


ORDER_PATHS: Mapping[str, Told] = {
    path.__name__.replace("_", "-"): path
    for path in (
        others_label,
        planned_anew,
        changed_after_packing,
        shipment_gone,
        label_gone,
        label_gone_after_leaving,
        in_parts,
        parts_amended,
        part,
        fewer_parcels,
        short_waited_for,
        short_split,
        short_rest_last,
        short_edited,
        short_told_in_vain,
        back_ordered,
        short_substituted,
        short_cancelled,
        parcel_sent_again,
        reship,
        parcel_refunded,
        claim,
        parcel_restocked,
        returned,
        returned_where_from,
    )
}
