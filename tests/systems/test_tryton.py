"""Tryton in the role of the inventory, and its oddities."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import Exchange, HttpFactory
from seamline.records.stock import Reservation, ShipmentState, ShortLine
from seamline.records.undo import UndoState
from seamline.systems.tryton import mapping, wire
from seamline.systems.tryton.inventory import Account, TrytonInventory, connect
from tests.systems.conformance import REFERENCE
from tests.systems.inventory_suite import InventoryConformance, ReceiptConformance, stock_request
from tests.systems.vendors import Simulated

NAME = "erp-main"
KEY = f"{REFERENCE}/reserve#1"
MUG = {"id": 7, "code": "MUG-BLUE"}


class Side:
    """The ERP `erp-main` and its warehouse."""

    name = NAME
    secrets = (f"tryton-test-{NAME}",)

    def __init__(self, adapter: TrytonInventory, simulated: Simulated) -> None:
        self.adapter = adapter
        self.simulated = simulated

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle", delay_seconds=3)

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        await self.simulated.fault(NAME, "status", status=401)

    async def heal(self) -> None:
        await self.simulated.heal()

    async def free(self, sku: str) -> int:
        return (await self.simulated.stock(NAME))[sku]

    async def set_free(self, sku: str, pieces: int) -> None:
        await self.adapter.card()
        await self.simulated.stock(NAME, **{sku: pieces})

    async def warehouse(self, reservation: Reservation, *states: str) -> None:
        await self.simulated.warehouse(NAME, reservation.shipment_id, *states)

    async def miss_assignments(self, count: int) -> None:
        await self.simulated.fault(NAME, "not-assigned", count=count)

    async def lose_reply(self) -> None:
        await self.simulated.fault(NAME, "lost-reply", "sale.sale.create", count=1)


@pytest.fixture
async def side(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Side]:
    """The adapter and the ERP it talks to."""
    values = {"url": f"{simulated.url}/tryton/{NAME}", "database": "shop", "key": f"tryton-test-{NAME}"}
    adapter = connect(NAME, Account.model_validate(values), http)
    side = Side(adapter, simulated)
    await adapter.card()
    yield side
    await adapter.close()


class TestConformance(InventoryConformance, ReceiptConformance):
    """Tryton fills the role."""


async def test_parcels_are_told_once_they_are_packed(side: Side, simulated: Simulated, http: HttpFactory) -> None:
    made = await side.adapter.create_reservation(KEY, stock_request(MUG_BLUE=3, TEE_M=1))
    reservation = await side.adapter.advance_reservation(made)
    values = {"url": f"{simulated.url}/tryton/{NAME}", "database": "shop", "key": f"tryton-test-{NAME}"}
    packing = connect(NAME, Account.model_validate(values | {"package_modules": True, "shipping_module": True}), http)
    assert (await packing.read_reservation(reservation)).parcels == ()
    mugs: dict[str, Any] = {"lines": {"MUG-BLUE": 2}}
    rest = {"lines": {"MUG-BLUE": 1, "TEE-M": 1}, "weight_grams": 1234, "tracking_number": "T1"}
    await simulated.pack(NAME, reservation.shipment_id, mugs, rest)
    packed = await packing.read_reservation(reservation)
    await packing.close()
    told = [(one.weight_grams, {line.sku: line.quantity for line in one.lines}) for one in packed.parcels]
    assert told == [(2 * 380 + 120, {"MUG-BLUE": 2}), (1234, {"MUG-BLUE": 1, "TEE-M": 1})]
    assert all(one.id for one in packed.parcels)
    assert [one.tracking_number for one in packed.parcels] == ["", "T1"]
    assert (await side.adapter.read_reservation(reservation)).parcels == ()
    assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.UNDONE


def test_a_package_in_another_is_no_parcel_of_its_own() -> None:
    pounds = {"id": 9, "factor": 0.45359237}
    inner = {"id": 2, "number": "2", "parent": 1, "moves": [{"id": 5, "quantity": 1, "product": MUG}]}
    outer = {"id": 1, "number": "1", "total_weight": 2, "weight_uom": pounds, "moves": []}
    unweighed = {"id": 3, "number": "3", "moves": [{"id": 6, "quantity": 1, "product": None}]}
    found = mapping.parcels(wire.Packed.model_validate({"id": 1, "packages": [inner, outer, unweighed]}))
    assert [(one.id, one.weight_grams, len(one.lines)) for one in found] == [("1", 908, 1), ("3", 0, 0)]


async def test_a_page_for_people_is_no_outage(side: Side, simulated: Simulated) -> None:
    await simulated.fault(NAME, "status", "sale.sale.search", status=500)
    with pytest.raises(Refusal) as caught:
        await side.adapter.find_reservations(REFERENCE)
    assert (caught.value.failure.code, caught.value.failure.status) == ("malformed-request", 500)


@pytest.mark.parametrize(("status", "kind"), [(502, Outage), (503, Outage), (403, LockedOut), (404, Refusal)])
async def test_statuses(side: Side, simulated: Simulated, status: int, kind: type[Exception]) -> None:
    await simulated.fault(NAME, "status", "sale.sale.search", status=status)
    with pytest.raises(kind):
        await side.adapter.find_reservations(REFERENCE)


async def test_a_refused_button_is_tried_no_more(side: Side, simulated: Simulated) -> None:
    made = await side.adapter.create_reservation(KEY, stock_request())
    await simulated.fault(NAME, "refuse", "sale.sale.confirm", reason="Mill Lane is closed")
    with pytest.raises(Refusal) as caught:
        await side.adapter.advance_reservation(made)
    assert (caught.value.failure.code, caught.value.failure.connection) == ("bad-request", NAME)
    assert "Mill Lane" in caught.value.failure.reason
    assert "Mill Lane" not in str(caught.value)
    assert (await simulated.calls(connection=NAME)).count("sale.sale.confirm") == 1


async def test_a_sale_that_the_queue_has_not_come_to_is_no_refusal(side: Side, simulated: Simulated) -> None:
    await simulated.fault(NAME, "not-processed", delay_seconds=600)
    made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
    with pytest.raises(Outage) as caught:
        await side.adapter.advance_reservation(made)
    assert caught.value.failure.code == "no-progress"
    assert (await side.adapter.cancel_reservation(made)).state is UndoState.UNDONE


async def test_a_sale_that_the_queue_comes_to_in_a_moment_is_reserved(side: Side, simulated: Simulated) -> None:
    await simulated.fault(NAME, "not-processed", delay_seconds=0.3)
    made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
    assert (await side.adapter.advance_reservation(made)).state is ShipmentState.ASSIGNED


async def test_a_button_whose_answer_was_lost_is_not_pressed_again(side: Side, simulated: Simulated) -> None:
    made = await side.adapter.create_reservation(KEY, stock_request())
    await simulated.fault(NAME, "lost-reply", "sale.sale.confirm", count=1)
    with pytest.raises(Outage):
        await side.adapter.advance_reservation(made)
    assert (await side.adapter.advance_reservation(made)).state is ShipmentState.ASSIGNED
    assert (await simulated.calls(connection=NAME)).count("sale.sale.confirm") == 1


async def test_one_party_and_one_address_for_an_order(side: Side, simulated: Simulated) -> None:
    await side.adapter.create_reservation(KEY, stock_request())
    second = stock_request().model_copy(update={"reference": f"{REFERENCE}.2"})
    await side.adapter.create_reservation(f"{REFERENCE}.2/reserve#1", second)
    calls = await simulated.calls(connection=NAME)
    assert (calls.count("party.party.create"), calls.count("party.address.create")) == (1, 1)
    assert len(await side.adapter.find_reservations(REFERENCE)) == 1


async def test_a_sale_carries_all_that_a_raw_create_needs(side: Side, exchanges: list[Exchange]) -> None:
    await side.adapter.create_reservation(KEY, stock_request())
    (sent,) = [one for one in exchanges if one.operation == "create_sale"]
    body = json.loads(sent.request.content)
    assert (body["reference"], body["description"], body["shipment_cost_method"]) == (REFERENCE, KEY, None)
    assert body["invoice_method"] == "fulfillment"
    (command, lines) = body["lines"][0]
    assert (command, lines[0]["unit_price"]) == ("create", {"__class__": "Decimal", "decimal": "14.50"})
    assert sent.write
    assert sent.request.headers["X-Tryton-Context"]


async def test_unknown_country_and_currency_are_refused(side: Side) -> None:
    for changes, field in (
        ({"currency": "XXX"}, "currency"),
        ({"address": stock_request().address.model_copy(update={"country": "QQ"})}, "address.country"),
    ):
        with pytest.raises(Refusal) as caught:
            await side.adapter.create_reservation(KEY, stock_request().model_copy(update=changes))
        assert [problem.field for problem in caught.value.failure.problems] == [field]


async def test_a_colleagues_sale_has_no_key(side: Side) -> None:
    await side.adapter.create_reservation("made by Ann", stock_request())
    (found,) = await side.adapter.find_reservations(REFERENCE)
    assert found.key == ""


async def test_a_sale_cancelled_there_cannot_be_advanced(side: Side) -> None:
    made = await side.adapter.create_reservation(KEY, stock_request())
    await side.adapter.cancel_reservation(made)
    with pytest.raises(Refusal) as caught:
        await side.adapter.advance_reservation(made)
    assert caught.value.failure.code == "not-reserved"


async def test_a_deleted_sale_is_refused(side: Side) -> None:
    made = await side.adapter.create_reservation(KEY, stock_request())
    for gone in ("999999", "x"):
        with pytest.raises(Refusal) as caught:
            await side.adapter.read_reservation(made.model_copy(update={"id": gone}))
        assert caught.value.failure.code == "not-found"


async def test_goods_that_leave_while_taken_back(side: Side, simulated: Simulated) -> None:
    reservation = await side.adapter.advance_reservation(await side.adapter.create_reservation(KEY, stock_request()))
    await side.warehouse(reservation, "picked", "packed")
    await simulated.fault(NAME, "refuse", "stock.shipment.out.pick", count=1)
    await simulated.fault(NAME, "refuse", "stock.shipment.out.wait", count=1)
    with pytest.raises(Refusal):
        await side.adapter.cancel_reservation(reservation)
    await side.warehouse(reservation, "done")
    assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.TOO_LATE
    assert await simulated.effects(operation="cancel-shipment") == []


def sale(state: str, *shipments: str) -> wire.Sale:
    """A sale in a state, with shipments in states."""
    held = [{"id": place, "state": one} for place, one in enumerate(shipments, 1)]
    return wire.Sale.model_validate({"id": 9, "state": state, "currency": {"id": 1, "code": "GBP"}, "shipments": held})


@pytest.mark.parametrize(
    ("now", "buttons"),
    [
        (sale("draft"), ["quote"]),
        (sale("quotation"), ["confirm"]),
        (sale("confirmed"), ["process"]),
        (sale("processing", "draft"), ["wait"]),
        (sale("processing", "assigned", "waiting"), ["assign_try"]),
        (sale("processing", "assigned", "cancelled"), []),
        (sale("processing"), []),
        (sale("cancelled"), []),
    ],
)
def test_the_way_forward(now: wire.Sale, buttons: list[str]) -> None:
    assert [step.button for step in mapping.steps_forward(now)] == buttons


@pytest.mark.parametrize(
    ("now", "buttons"),
    [
        (sale("processing", "waiting"), ["cancel"]),
        (sale("processing", "assigned"), ["wait"]),
        (sale("processing", "picked"), ["cancel"]),
        (sale("processing", "packed"), ["pick", "wait"]),
        (sale("processing", "cancelled"), []),
        (sale("processing", "waiting", "done"), []),
        (sale("processing", "waiting", "shipped"), []),
        (sale("confirmed"), ["draft"]),
        (sale("quotation"), ["cancel"]),
    ],
)
def test_the_way_back_never_passes_a_shipment_that_left(now: wire.Sale, buttons: list[str]) -> None:
    assert [step.button for step in mapping.steps_back(now)] == buttons


def test_shortages_name_the_lines() -> None:
    moves = wire.Moves.model_validate(
        {
            "id": 1,
            "state": "waiting",
            "inventory_moves": [
                {"id": 1, "state": "assigned", "quantity": 1.0, "product": {"id": 1, "code": "MUG-BLUE"}},
                {"id": 2, "state": "draft", "quantity": 1.0, "product": {"id": 1, "code": "MUG-BLUE"}},
            ],
        }
    )
    assert mapping.shortages(stock_request().lines, moves) == (ShortLine(sku="MUG-BLUE", wanted=2, there=1),)
    untold = moves.model_copy(update={"inventory_moves": ()})
    assert [one.there for one in mapping.shortages(stock_request().lines, untold)] == [0, 0]
