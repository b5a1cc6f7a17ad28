"""Orders in parts, from two warehouses with a carrier's account each, and in several parcels."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline import catalog
from seamline.api.door import Door
from seamline.finding import parts_of
from seamline.process.view import View
from seamline.records.approval import ApprovalRule
from seamline.records.event import Event, EventKind
from seamline.records.location import LabelsAt, Location
from seamline.settings import Settings, start_for
from seamline.temporal import start_process
from tests.end_to_end.world import ByHand, Handle, Names, World
from workflows.order_to_shipment import OrderStart, OrderToShipment
from workflows.return_order import ReturnOrder

NAMES = Names(shop="shop-parts", inventory="erp-south", carrier="shippo-south", mail="mail-parts")
NORTH = "North warehouse"
UNKNOWN = "Lighthouse"
BOTH = [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "LAMP-OAK", "location": NORTH}]
AS_NEW = ApprovalRule(automatic=True, choice="restock")
ONE_PART = Counter(("reserve", "pack-parcel", "buy-label", "ship", "send-mail"))


def with_north(settings: Settings) -> Settings:
    """The same, with a second warehouse that tells the parcels it packs, and a second account with the carrier."""

    def like(name: str, system: str, other: str, **account: Any) -> Any:
        known = settings.connections[name]
        values = {key: str(value).replace(name, other) for key, value in known.account.items() if key in _NAMED[system]}
        return known.model_copy(update={"account": {**known.account, **values, **account}})

    more = {
        "erp-north": like("erp-south", "tryton", "erp-north", package_modules=True),
        "shippo-north": like("shippo-south", "shippo", "shippo-north"),
    }
    routes = {"inventory": "erp-south", "carrier": "shippo-south"}
    return settings.model_copy(update={"connections": {**settings.connections, **more}, "routes": routes})


_NAMED = {"tryton": ("url", "key"), "shippo": ("url", "token")}


@pytest.fixture(scope="module")
async def split(world: World) -> AsyncIterator[World]:
    """A shop with two warehouses, whose authorised orders we capture."""
    north = Location(inventory="erp-north", carrier="shippo-north", labels_at=LabelsAt.PACKED)
    shop = World(world.simulator, world.client, world.http, NAMES, workflows=False, payment_mode="ours")
    shop.settings = with_north(shop.settings)
    policy = shop.settings.policy.model_copy(update={"locations": {NORTH: north}})
    shop.settings = shop.settings.model_copy(update={"policy": policy})
    async with shop.working():
        yield shop


@pytest.fixture
async def packing(split: World) -> AsyncIterator[None]:
    """The packers put everything into one parcel, and tell it, by themselves."""
    await split.change("settings", {"parcel_grams_max": 30_000})
    yield
    await split.change("settings", {"parcel_grams_max": None})


def part_of(world: World, reference: str, number: int) -> Handle:
    """The process of a part of an order."""
    return world.handle("order-to-shipment", f"{reference}.{number}")


async def pack(world: World, reference: str, *parcels: dict[str, Any], at: str = "erp-north") -> None:
    """The packers put the goods into parcels, once they are reserved."""
    shipment = (await world.happened(reference, "reserve"))["object_id"]
    await world.post(f"warehouse/{at}/shipments/{shipment}", {"state": "packed", "packages": parcels})


async def leave(world: World, reference: str, at: str = "erp-north") -> None:
    """The goods leave the building."""
    shipment = (await world.happened(reference, "reserve"))["object_id"]
    await world.post(f"warehouse/{at}/shipments/{shipment}", {"state": "done"})


@pytest.mark.usefixtures("packing")
async def test_each_part_is_shipped_from_its_own_warehouse_and_paid_for_once(split: World) -> None:
    reference = await split.order(lines=BOTH, financial_status="AUTHORIZED")
    first = await split.outcome(await split.start(reference))
    second = await split.outcome(part_of(split, reference, 2))
    assert (first["kind"], second["kind"]) == ("completed", "completed")
    mine, others = await split.effects(reference), await split.effects(f"{reference}.2")
    assert Counter(one["operation"] for one in mine) == ONE_PART + Counter(("post-fulfilment",) * 2 + ("capture",))
    assert Counter(one["operation"] for one in others) == ONE_PART
    assert {one["connection"] for one in mine} == {"shop-parts", "erp-south", "shippo-south", "mail-parts"}
    assert {one["connection"] for one in others} == {"erp-north", "shippo-north", "mail-parts"}
    assert (await split.outcome(split.handle("follow-parcel", f"{reference}.2")))["result"]["course"] == "delivered"
    [capture] = [one for one in mine if one["operation"] == "capture"]
    assert capture["amount"] == str(2 * 14.5 + 89 + 4.95)


async def test_two_parcels_have_a_label_each_by_their_final_weight(split: World, by_hand: ByHand) -> None:
    lines = [{"sku": "MUG-BLUE", "quantity": 3, "location": NORTH}, {"sku": "LAMP-OAK", "location": NORTH}]
    reference = await split.order(lines=lines)
    handle = await split.start(reference)
    lamp = {"lines": {"LAMP-OAK": 1}, "weight_grams": 2931}
    await pack(split, reference, {"lines": {"MUG-BLUE": 3}}, lamp)
    await split.step(handle, "handed-over")
    await leave(split, reference)
    outcome = await split.outcome(handle)
    [other] = outcome["result"]["others"]
    labels = [one for one in await split.effects(reference) if one["operation"] == "buy-label"]
    assert [one["key"].rpartition("#")[2] for one in labels] == ["1", "2"]
    assert [await weight_of(split, one["object_id"]) for one in labels] == [3 * 380 + 120, 2931]
    [fulfilment] = split.simulator.world.find(NAMES.shop, "fulfillment", {"order_id": reference.partition(":")[2]})
    numbers = [outcome["result"]["tracking_number"], other["tracking_number"]]
    assert [one["number"] for one in fulfilment["tracking"]] == numbers
    [mail] = [one for one in await split.get("mails", to="jo.fielding@example.com") if one["reference"] == reference]
    assert all(number in mail["text"] for number in numbers)
    for number, followed in zip(numbers, (reference, f"{reference}.0.2"), strict=True):
        await split.post(f"parcels/{number}", {"state": "DELIVERED"})
        assert (await split.outcome(split.handle("follow-parcel", followed)))["result"]["course"] == "delivered"


async def test_parcels_that_the_warehouse_does_not_tell_are_told_by_people(split: World, by_hand: ByHand) -> None:
    reference = await split.order(lines=[{"sku": "MUG-BLUE", "quantity": 2, "location": NORTH}])
    handle = await split.start(reference)
    await pack(split, reference)
    [wait] = (await split.waiting(handle)).waits
    assert (wait.name, [one.field for one in wait.problems]) == ("packed#1", ["parcels"])
    parcels = [{"weight_grams": 500}, {"weight_grams": 620}]
    await split.decide(handle, wait=wait.name, action="amend", change={"parcels": parcels}, why="asked the packers")
    await split.step(handle, "handed-over")
    await leave(split, reference)
    assert len((await split.outcome(handle))["result"]["others"]) == 1
    labels = [one for one in await split.effects(reference) if one["operation"] == "buy-label"]
    assert [await weight_of(split, one["object_id"]) for one in labels] == [500, 620]


async def test_a_second_parcel_gets_a_label_though_the_first_was_bought_early(split: World, by_hand: ByHand) -> None:
    north = Location(inventory="erp-north", carrier="shippo-north", labels_at=LabelsAt.RESERVED)
    reference = await split.order(lines=[{"sku": "MUG-BLUE", "quantity": 2, "location": NORTH}])
    handle = await split.start(reference, locations={NORTH: north})
    await split.happened(reference, "buy-label")
    await pack(split, reference, {"lines": {"MUG-BLUE": 1}}, {"lines": {"MUG-BLUE": 1}})
    await split.step(handle, "handed-over")
    await leave(split, reference)
    assert len((await split.outcome(handle))["result"]["others"]) == 1
    assert (await split.counted(reference))["buy-label"] == 2


async def test_a_part_that_is_cancelled_leaves_the_others_and_their_money(split: World, by_hand: ByHand) -> None:
    reference = await split.order(lines=BOTH, financial_status="AUTHORIZED")
    first, second = await split.start(reference), part_of(split, reference, 2)
    await pack(split, f"{reference}.2", {"lines": {"LAMP-OAK": 1}})
    await split.happened(reference, "capture")
    await split.step(second, "handed-over")
    await second.cancel()
    view = await split.undone(second)
    assert [one for one in view.manual if "capture" in one.lower()]
    left = Counter(one["operation"] for one in await split.effects(f"{reference}.2"))
    assert (left["release"], left["request-refund"]) == (1, 1)
    await split.step(first, "packed")
    await pack(split, reference, at="erp-south")
    await leave(split, reference, at="erp-south")
    assert (await split.outcome(first))["kind"] == "completed"
    counts = await split.counted(reference)
    assert (counts["capture"], counts["refund-payment"], counts["post-fulfilment"]) == (1, 0, 1)


@pytest.mark.usefixtures("packing")
async def test_what_is_amended_for_an_order_is_asked_once_for_all_its_parts(split: World) -> None:
    reference = await split.order(lines=BOTH, address={"zip": "ZZ9 9ZZ"})
    handle, second = await split.start(reference), part_of(split, reference, 2)
    [wait] = (await split.waiting(handle)).waits
    assert await parts_of(split.client, handle.id) == []
    await split.decide(handle, wait=wait.name, action="amend", change={"postcode": "CB2 1RX"}, why="asked")
    assert (await split.outcome(handle))["kind"] == (await split.outcome(second))["kind"] == "completed"
    assert View.model_validate(await second.query("view")).decisions == ()


async def test_the_label_of_a_parcel_that_is_not_packed_again_is_given_back(split: World, by_hand: ByHand) -> None:
    reference = await split.order(lines=[{"sku": "MUG-BLUE", "quantity": 3, "location": NORTH}])
    handle = await split.start(reference)
    await pack(split, reference, {"lines": {"MUG-BLUE": 2}}, {"lines": {"MUG-BLUE": 1}})
    await split.step(handle, "handed-over")
    shop, number = reference.split(":")
    await split.post(f"shops/{shop}/orders/{number}/edit", {"quantities": {"MUG-BLUE": 2}})
    await handle.signal("happened", {"kind": "order-edited", "topic": "orders/edited", "external_id": "1"})
    [wait] = (await split.waiting(handle)).waits
    await split.decide(handle, wait=wait.name, action="choose", choice="plan-anew", why="the customer wants less")
    await split.step(handle, "packed")
    shipment = [one for one in await split.effects(reference) if one["operation"] == "reserve"][-1]["object_id"]
    one_parcel = {"state": "packed", "packages": [{"lines": {"MUG-BLUE": 2}}]}
    await split.post(f"warehouse/erp-north/shipments/{shipment}", one_parcel)
    await split.step(handle, "handed-over")
    await split.post(f"warehouse/erp-north/shipments/{shipment}", {"state": "done"})
    outcome = await split.outcome(handle)
    assert (outcome["kind"], outcome["result"]["others"]) == ("completed", [])
    assert (await split.outcome(split.handle("follow-refund", reference)))["kind"] == "completed"
    counts = await split.counted(reference)
    assert counts["buy-label"] - counts["refund"] == 1
    [fulfilment] = split.simulator.world.find(NAMES.shop, "fulfillment", {"order_id": number})
    assert [one["number"] for one in fulfilment["tracking"]] == [outcome["result"]["tracking_number"]]


@pytest.mark.usefixtures("packing")
async def test_a_risky_order_is_held_whole_and_decided_once(split: World) -> None:
    reference = await split.order(lines=BOTH, risk="INVESTIGATE")
    handle = await split.start(reference)
    [wait] = (await split.waiting(handle)).waits
    assert (await split.counted(reference))["hold"] == 2
    await split.decide(handle, wait=wait.name, action="approve", why="a known customer")
    assert (await split.outcome(handle))["kind"] == "completed"
    assert (await split.outcome(part_of(split, reference, 2)))["kind"] == "completed"
    assert (await split.counted(reference))["release-hold"] == 2


async def test_a_part_that_was_closed_before_it_begins_is_ignored(split: World) -> None:
    reference = await split.order(lines=BOTH)
    number = reference.partition(":")[2]
    _, north = split.simulator.world.find(NAMES.shop, "fulfillment-order", {"order_id": number})
    split.edit("fulfillment-order", north["id"], status="CLOSED")
    whole = split.start_of(reference).model_dump() | {"reference": f"{reference}.2", "cleared": True}
    start = OrderStart.model_validate(whole | {"fulfilment_order": north["id"]})
    await start_process(split.client, OrderToShipment, start)
    ignored = await split.outcome(part_of(split, reference, 2))
    assert (ignored["kind"], "nothing is left to ship" in ignored["reason"]) == ("ignored", True)
    assert await split.operations(f"{reference}.2") == []


@pytest.mark.usefixtures("packing")
async def test_goods_at_a_location_that_nobody_serves_wait_for_one_that_is(split: World) -> None:
    settings = split.settings
    split.settings = settings.model_copy(update={"routes": {}})
    try:
        reference = await split.order(lines=[{"sku": "MUG-BLUE", "location": UNKNOWN}])
        handle = await split.start(reference)
    finally:
        split.settings = settings
    [wait] = (await split.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["fulfilment_orders.0.location"]
    await split.decide(handle, wait=wait.name, action="skip", why="it will do")
    [again] = (await split.until(handle, lambda view: [one for one in view.waits if one.name != wait.name])).waits
    assert "skip" not in again.actions
    order = again.request
    moved = [{**part, "location": NORTH} for part in order["fulfilment_orders"]]
    await split.decide(handle, wait=again.name, action="amend", change={"fulfilment_orders": moved}, why="moved")
    assert (await split.outcome(handle))["kind"] == "completed"


async def test_what_the_shop_tells_of_an_order_reaches_its_parts(split: World, by_hand: ByHand) -> None:
    reference = await split.order(lines=BOTH)
    whole, part = await split.start(reference), part_of(split, reference, 2)
    await split.step(whole, "packed")
    while not await parts_of(split.client, whole.id, running=True):
        assert await split.operations(reference)
    await split.post(f"shops/{NAMES.shop}/orders/{reference.partition(':')[2]}/cancel", {})
    door = Door(split.settings, split.client, catalog.processes())
    told = await door.deliver(reference, Event(kind=EventKind.ORDER_CANCELLED, topic="orders/cancelled"))
    assert set(told.told) == {whole.id, part.id}
    assert [(await split.outcome(one))["kind"] for one in (whole, part)] == ["undone", "undone"]
    assert [one.id for one in await parts_of(split.client, part.id)] == []


@pytest.mark.usefixtures("packing")
async def test_goods_that_come_back_go_to_the_warehouse_that_sent_them(split: World) -> None:
    reference = await split.order(lines=BOTH)
    await split.outcome(await split.start(reference))
    await split.outcome(part_of(split, reference, 2))
    path = f"shops/{NAMES.shop}/orders/{reference.partition(':')[2]}/returns"
    back = (await split.post(path, {"quantities": {"LAMP-OAK": 1}}))["reference"]
    policy = split.settings.policy.model_copy(update={"approvals": {"inspect-return": AS_NEW}})
    settings = split.settings.model_copy(update={"policy": policy})
    identity, _ = await start_process(split.client, ReturnOrder, start_for(ReturnOrder, back, settings))
    assert (await split.outcome(split.client.get_workflow_handle(identity)))["result"]["restocked"] == 1
    made = {one["operation"]: one["connection"] for one in await split.effects(back)}
    assert (made["buy-label"], made["receive-return"]) == ("shippo-north", "erp-north")


async def test_the_checker_knows_parts_and_parcels(split: World) -> None:
    verdict = await split.verdict()
    assert [one for one in verdict.findings if one.reference.startswith(NAMES.shop)] == []


async def weight_of(world: World, label: str, connection: str = "shippo-north") -> int:
    """What the parcel weighs that a label was bought for, by the carrier's books."""
    get = world.simulator.world.get
    bought = get(connection, "transaction", label)
    assert bought
    rate = get(connection, "rate", bought["rate"])
    assert rate
    shipment = get(connection, "shipment", rate["shipment"])
    assert shipment
    return int(float(shipment["parcels"][0]["weight"]))
