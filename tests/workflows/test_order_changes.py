"""What people do to an order while it is sent: at moments that the table of a whole world cannot catch."""

from __future__ import annotations

import asyncio
from datetime import time

import pytest

from seamline.errors import Problem, Refusal
from seamline.process.view import View
from seamline.records.approval import ApprovalRule
from seamline.records.calendar import Weekday, WorkingHours
from seamline.records.stock import ShipmentState
from tests.process.theatre import QUICK, Handle
from tests.workflows.sending import SECOND, Sending

ALL_DAY = WorkingHours(days=tuple(Weekday), opens=time(0), closes=time(0))


async def test_goods_that_leave_while_all_their_lines_are_cancelled_go_on_and_are_told(sending: Sending) -> None:
    sending.shop.take_off("901", 1)
    sending.shelf.lacking = {"SKU-901": 1, "SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    wait = await sending.asked(handle, "short-stock")
    sending.shelf.move(sending.reference, ShipmentState.DONE)
    await sending.decide(handle, wait=wait, action="choose", choice="cancel-lines", who="kim", why="sold out")
    view = await sending.until(handle, lambda view: view.outcome or view.waits)
    assert [one.name for one in view.waits] == ["post-fulfilment#1"]
    assert [one for one in view.manual if "settle it with the customer" in one]
    assert "release" not in [effect for effect, _ in sending.shelf.effects]
    told = {"id": "none", "tracking_number": "none"}
    await sending.decide(handle, wait="post-fulfilment#1", action="skip", result=told, who="kim", why="settled")
    assert (await sending.finished(handle))["kind"] == "completed"


async def left_with_a_refunded_label(sending: Sending) -> Handle:
    """The label is refunded while the order is looked at before hand-over, and the goods leave in the same moment."""
    handle = await sending.begin("order-to-shipment")
    await sending.step(handle, "packed")
    gate = sending.shop.gates["fetch_order"] = asyncio.Event()
    sending.shelf.move(sending.reference, ShipmentState.PACKED)
    await sending.until(handle, lambda _: sending.shop.calls.count("fetch_order") > 1)
    sending.shelf.move(sending.reference, ShipmentState.DONE)
    sending.refund_labels()
    await sending.happens(handle, "label-refunded")
    gate.set()
    return handle


async def test_a_parcel_that_left_with_a_refunded_label_can_travel_on_with_it(sending: Sending) -> None:
    handle = await left_with_a_refunded_label(sending)
    await sending.choose(handle, "label-gone-after-leaving", "as-it-is")
    outcome = await sending.finished(handle)
    [label] = sending.carrier.labels
    assert outcome["result"]["tracking_number"] == sending.shop.fulfilments[0].tracking_number == label.tracking_number
    assert outcome["manual"] == [f"settle with the carrier: label {label.id} was refunded, and its parcel left with it"]
    assert outcome["by_hand"] == [label.key]


async def test_a_parcel_that_left_with_a_refunded_label_can_get_another(sending: Sending) -> None:
    handle = await left_with_a_refunded_label(sending)
    await sending.choose(handle, "label-gone-after-leaving", "buy-anew")
    outcome = await sending.finished(handle)
    _, other = sending.carrier.labels
    assert outcome["result"]["tracking_number"] == sending.shop.fulfilments[0].tracking_number == other.tracking_number
    assert outcome["manual"] == []


# ---- what is amended of an order in parts ----------------------------------------------------------------------------

RIGHT = {"parcel": {"address": {"postcode": "CB3 0AA"}}}


async def test_an_address_amended_for_its_label_reaches_the_parts_under_way(sending: Sending) -> None:
    sending.in_parts()
    sending.carrier.picky = {sending.reference}
    handle, part = await sending.begin("order-to-shipment"), sending.handed("order-to-shipment", sending.part)
    await sending.asked(handle, "buy-label")
    await sending.step(part, "packed")
    assert sending.carrier.bought_for == {sending.part: "CB2 1RX"}
    await sending.decide(handle, wait="buy-label#1", action="amend", change=RIGHT, who="kim", why="asked")
    await sending.until(part, lambda view: [one for one in view.notes if "another address" in one])
    assert (await sending.handed_over(part, sending.part))["result"]["planned_anew"] == 1
    assert (await sending.handed_over(handle, sending.reference))["kind"] == "completed"
    assert sending.carrier.bought_for == {sending.part: "CB3 0AA", sending.reference: "CB3 0AA"}
    left = [one for one in sending.shelf.held if one.state is ShipmentState.DONE and one.address]
    assert {one.key.partition("/")[0]: one.address and one.address.postcode for one in left} == {
        sending.part: "CB3 0AA",
        sending.reference: "CB2 1RX",
    }


async def test_a_part_that_is_over_when_an_address_is_amended_is_named(sending: Sending) -> None:
    sending.in_parts()
    sending.carrier.picky = {sending.reference}
    handle, part = await sending.begin("order-to-shipment"), sending.handed("order-to-shipment", sending.part)
    await sending.asked(handle, "buy-label")
    await sending.handed_over(part, sending.part)
    await sending.decide(handle, wait="buy-label#1", action="amend", change=RIGHT, who="kim", why="asked")
    view = await sending.step(handle, "packed")
    assert f"the address was amended, and {sending.part} is over: it went as it was" in view.notes


async def test_what_is_amended_at_a_part_stays_there_and_that_is_told(sending: Sending) -> None:
    sending.in_parts()
    sending.carrier.picky = {sending.part}
    handle, part = await sending.begin("order-to-shipment"), sending.handed("order-to-shipment", sending.part)
    await sending.step(handle, "packed")
    await sending.asked(part, "buy-label")
    await sending.decide(part, wait="buy-label#1", action="amend", change=RIGHT, who="kim", why="asked")
    view = await sending.step(part, "packed")
    assert "the address was amended for this part alone: the order and its other parts keep theirs" in view.notes
    assert (await sending.handed_over(part, sending.part))["result"]["planned_anew"] == 0
    assert (await sending.handed_over(handle, sending.reference))["kind"] == "completed"
    assert sending.carrier.bought_for == {sending.part: "CB3 0AA", sending.reference: "CB2 1RX"}


# ---- what is changed while goods are short ---------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ["", "wait"], ids=["asked", "waited for"])
async def test_goods_that_come_off_the_order_are_not_waited_for(sending: Sending, chosen: str) -> None:
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    await sending.asked(handle, "short-stock")
    if chosen:
        await sending.choose(handle, "short-stock", chosen)
        await sending.step(handle, "restocked")
    sending.shop.take_off("902", 1)
    await sending.happens(handle, "order-edited")
    outcome = await sending.handed_over(handle, sending.reference)
    assert outcome["result"]["planned_anew"] == 1
    [sent] = [one for one in sending.shelf.held if one.state is ShipmentState.DONE]
    assert [(one.sku, one.quantity) for one in sent.lines] == [("SKU-901", 2)]


async def looked_again(sending: Sending, handle: Handle, event: str, step: str) -> View:
    """The shop tells of something that changes no goods: what the process shows once it has looked."""
    looks = sending.shop.calls.count("fetch_order")
    await sending.happens(handle, event)
    return await sending.until(
        handle, lambda view: view.steps[-1].name == step and sending.shop.calls.count("fetch_order") > looks
    )


async def test_goods_are_waited_for_on_when_what_is_told_changes_nothing(sending: Sending) -> None:
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    await sending.choose(handle, "short-stock", "wait")
    await sending.step(handle, "restocked")
    view = await looked_again(sending, handle, "order-fulfilled", "restocked")
    assert view.waits == ()
    assert [one.name for one in view.steps].count("short-stock") == 1
    sending.shelf.lacking = {}
    assert (await sending.handed_over(handle, sending.reference))["result"]["planned_anew"] == 0
    assert len(sending.shelf.held) == 1


async def test_a_question_on_short_goods_keeps_its_times_when_what_is_told_changes_nothing(sending: Sending) -> None:
    approvals = {"short-stock": ApprovalRule(due_hours=4)}
    due = QUICK.model_copy(update={"approvals": approvals, "working_hours": ALL_DAY})
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment", policy=due)
    await sending.asked(handle, "short-stock")
    first = (await sending.view(handle)).waits[0]
    view = await looked_again(sending, handle, "order-fulfilled", "short-stock")
    assert [(one.name, one.due) for one in view.waits] == [("short-stock#2", first.due)]
    assert view.waits[0].since > first.since
    sending.shelf.lacking = {}
    await sending.handed_over(handle, sending.reference)
    assert sending.shelf.calls.count("create_reservation") == 1


async def test_an_address_that_is_changed_while_goods_are_short_is_checked_and_used(sending: Sending) -> None:
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    await sending.asked(handle, "short-stock")
    sending.shop.address = sending.shop.address.model_copy(update={"postcode": "CB3 0AA"})
    await sending.happens(handle, "order-edited")
    await sending.until(handle, lambda view: [one for one in view.waits if one.name == "short-stock#2"])
    sending.shelf.lacking = {}
    await sending.handed_over(handle, sending.reference)
    assert sending.carrier.bought_for == {sending.reference: "CB3 0AA"}
    [sent] = [one for one in sending.shelf.held if one.state is ShipmentState.DONE]
    assert sent.address == sending.shop.address


async def test_a_shipment_that_is_cancelled_while_its_stock_is_waited_for_is_asked_about(sending: Sending) -> None:
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    await sending.choose(handle, "short-stock", "wait")
    await sending.step(handle, "restocked")
    sending.shelf.move(sending.reference, ShipmentState.CANCELLED)
    sending.shelf.lacking = {}
    await sending.choose(handle, "shipment-gone", "reserve-anew")
    assert (await sending.handed_over(handle, sending.reference))["kind"] == "completed"
    assert len(sending.shelf.held) == 2


async def test_what_people_amend_of_a_changed_order_is_not_asked_again(sending: Sending) -> None:
    handle = await sending.begin("order-to-shipment")
    await sending.step(handle, "packed")
    right, sending.shop.address = sending.shop.address.model_copy(update={"postcode": "CB3 0AA"}), None
    await sending.happens(handle, "order-edited")
    wait = await sending.asked(handle, "fetch-order")
    change = {"address": right.model_dump(mode="json")}
    await sending.decide(handle, wait=wait, action="amend", change=change, who="kim", why="asked")
    await sending.step(handle, "packed")
    looks = sending.shop.calls.count("fetch_order")
    await sending.happens(handle, "order-edited")
    view = await sending.until(
        handle,
        lambda view: (
            view.waits or (view.steps[-1].name == "packed" and sending.shop.calls.count("fetch_order") > looks)
        ),
    )
    assert view.waits == ()
    assert (await sending.handed_over(handle, sending.reference))["result"]["planned_anew"] == 1
    assert sending.carrier.bought_for == {sending.reference: "CB3 0AA"}


async def test_the_rest_is_sent_apart_only_once_what_is_there_is_reserved(sending: Sending) -> None:
    """It waits for stock too: begun before, it would take the pieces that are there."""
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    await sending.asked(handle, "short-stock")
    reserving = sending.shelf.gates["advance_reservation"] = asyncio.Event()
    await sending.choose(handle, "short-stock", "ship-available")
    view = await sending.until(handle, lambda view: [one.name for one in view.steps].count("reserve") > 1)
    apart = f"fulfilment order {SECOND} is shipped apart, as {sending.part}"
    assert apart not in view.notes
    reserving.set()
    view = await sending.step(handle, "packed")
    assert apart in view.notes


async def test_a_rest_that_no_process_sends_is_named_when_its_order_is_taken_back(sending: Sending) -> None:
    sending.shelf.lacking = {"SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    wait = await sending.asked(handle, "short-stock")
    sending.shelf.fail(
        "create_reservation",
        Refusal("unknown-article", "", problems=[Problem(field="lines.0.sku", reason="is unknown")]),
    )
    await sending.decide(handle, wait=wait, action="choose", choice="ship-available", who="kim", why="so it is")
    wait = await sending.asked(handle, "reserve")
    await sending.decide(handle, wait=wait, action="cancel", who="kim", why="sold elsewhere")
    outcome = await sending.finished(handle)
    assert outcome["kind"] == "undone"
    rest = f"fulfilment order {SECOND} was split off, and no process sends it"
    assert outcome["manual"] == [f"{rest}: start the order again, or cancel it in the shop"]
