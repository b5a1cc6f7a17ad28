"""What every system must do that fills the role inventory."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import pytest

from activities.inventory import InventorySystem, TakesBack
from seamline.errors import Outage, Refusal
from seamline.records.money import Money
from seamline.records.returning import ReceiptRequest
from seamline.records.stock import Reservation, ShipmentState, ShortLine, StockLine, StockRequest
from seamline.records.undo import UndoState
from tests.systems.conformance import (
    ADDRESS,
    REFERENCE,
    Side,
    SystemConformance,
)

BACK = f"{REFERENCE}-R9001"


class InventorySide(Side, Protocol):
    """An inventory, and its warehouse."""

    @property
    def adapter(self) -> InventorySystem: ...

    async def free(self, sku: str) -> int:
        """How many pieces are not held for anybody."""

    async def set_free(self, sku: str, pieces: int) -> None:
        """Let there be so many."""

    async def warehouse(self, reservation: Reservation, *states: str) -> None:
        """The warehouse moves the goods: picked, packed, done."""

    async def miss_assignments(self, count: int) -> None:
        """The next tries to assign stock do nothing."""

    async def lose_reply(self) -> None:
        """The next reservation is made, and its answer is lost."""


class InventoryConformance(SystemConformance):
    """The role inventory."""

    async def reserved(self, side: InventorySide, request: StockRequest | None = None) -> Reservation:
        """Stock held for the request."""
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", request or stock_request())
        return await side.adapter.advance_reservation(made)

    async def test_stock_is_held_and_found(self, side: InventorySide) -> None:
        before = await side.free("MUG-BLUE")
        assert await side.adapter.find_reservations(REFERENCE) == []
        reservation = await self.reserved(side)
        assert (reservation.state, reservation.key) == (ShipmentState.ASSIGNED, f"{REFERENCE}/reserve#1")
        assert await side.free("MUG-BLUE") == before - 2
        (found,) = await side.adapter.find_reservations(REFERENCE)
        assert (found.id, found.key, found.shipment_id) == (reservation.id, reservation.key, reservation.shipment_id)
        assert [(line.sku, line.quantity, line.unit_price) for line in found.lines] == [
            (line.sku, line.quantity, line.unit_price) for line in stock_request().lines
        ]

    async def test_a_reservation_is_known_by_its_number_its_id_and_its_shipments(self, side: InventorySide) -> None:
        other = stock_request().model_copy(update={"reference": "shop-uk:5002"})
        await side.adapter.create_reservation("shop-uk:5002/reserve#1", other)
        reservation = await self.reserved(side)
        for known in (reservation.number or reservation.id, reservation.id, reservation.shipment_id):
            assert REFERENCE in await side.adapter.references(known)

    async def test_advancing_again_is_harmless(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        before = await side.free("MUG-BLUE")
        again = await side.adapter.advance_reservation(reservation)
        assert (again.state, await side.free("MUG-BLUE")) == (ShipmentState.ASSIGNED, before)

    async def test_a_reservation_whose_answer_was_lost_is_found(self, side: InventorySide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        (found,) = await side.adapter.find_reservations(REFERENCE)
        assert (found.key, found.state) == (f"{REFERENCE}/reserve#1", ShipmentState.DRAFT)
        assert (await side.adapter.advance_reservation(found)).state is ShipmentState.ASSIGNED

    async def test_assignment_is_tried_again(self, side: InventorySide) -> None:
        await side.miss_assignments(2)
        assert (await self.reserved(side)).state is ShipmentState.ASSIGNED

    async def test_what_is_short_is_told_by_article_and_given_back(self, side: InventorySide) -> None:
        await side.set_free("LAMP-OAK", 1)
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request(LAMP_OAK=4, MUG_BLUE=1))
        short = await side.adapter.advance_reservation(made)
        assert short.state in (ShipmentState.DRAFT, ShipmentState.WAITING)
        assert short.short == (ShortLine(sku="LAMP-OAK", wanted=4, there=1),)
        assert short.short[0].missing == 3
        assert (await side.adapter.cancel_reservation(short)).state is UndoState.UNDONE
        assert (await side.free("LAMP-OAK"), await side.free("MUG-BLUE")) == (1, 100)

    async def test_what_is_short_is_held_once_it_is_there(self, side: InventorySide) -> None:
        await side.set_free("LAMP-OAK", 0)
        short = await self.reserved(side, stock_request(LAMP_OAK=2))
        assert short.short == (ShortLine(sku="LAMP-OAK", wanted=2, there=0),)
        assert (await side.adapter.advance_reservation(short)).short
        await side.set_free("LAMP-OAK", 2)
        whole = await side.adapter.advance_reservation(short)
        assert (whole.state, whole.short, await side.free("LAMP-OAK")) == (ShipmentState.ASSIGNED, (), 0)

    async def test_what_is_there_counts_what_orders_of_the_shop_hold_until_it_leaves(self, side: InventorySide) -> None:
        async def there(connection: str = "shop-uk") -> tuple[int, int]:
            (found,) = await side.adapter.availability(connection, ["MUG-BLUE", "NO-SUCH"])
            return found.free, found.held

        assert await there() == (100, 0)
        reservation = await self.reserved(side)
        assert (await there(), await there("shop-de"), await there("shop-u")) == ((98, 2), (98, 0), (98, 0))
        for state in ("picked", "packed"):
            await side.warehouse(reservation, state)
            assert await there() == (98, 2)
        await side.warehouse(reservation, "done")
        assert await there() == (98, 0)

    async def test_unknown_articles_are_refused_by_line(self, side: InventorySide) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.create_reservation("key", stock_request(MUG_BLUE=1, NO_SUCH=1, NOR_THIS=1))
        assert [problem.field for problem in caught.value.failure.problems] == ["lines.1.sku", "lines.2.sku"]
        assert await side.adapter.find_reservations(REFERENCE) == []

    @pytest.mark.parametrize("states", [(), ("picked",), ("picked", "packed")])
    async def test_it_is_taken_back_from_every_state(self, side: InventorySide, states: tuple[str, ...]) -> None:
        before = await side.free("MUG-BLUE")
        reservation = await self.reserved(side)
        await side.warehouse(reservation, *states)
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.UNDONE
        assert await side.free("MUG-BLUE") == before
        assert await side.adapter.find_reservations(REFERENCE) == []
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.UNDONE

    async def test_a_draft_is_taken_back(self, side: InventorySide) -> None:
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        assert (await side.adapter.cancel_reservation(made)).state is UndoState.UNDONE
        assert await side.adapter.find_reservations(REFERENCE) == []

    async def test_what_has_left_is_not_taken_back(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        await side.warehouse(reservation, "picked", "packed", "done")
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.TOO_LATE
        assert (await side.adapter.read_reservation(reservation)).state is ShipmentState.DONE

    async def test_the_warehouse_is_followed(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        for state in ("picked", "packed", "done"):
            await side.warehouse(reservation, state)
            assert (await side.adapter.read_reservation(reservation)).state.value == state
        held = {one.kind: one for one in await side.adapter.holdings(REFERENCE)}
        assert held["shipment"].state == "done"

    async def test_a_second_reservation_of_one_order(self, side: InventorySide) -> None:
        first = await self.reserved(side)
        await side.adapter.cancel_reservation(first)
        moved = ADDRESS.model_copy(update={"street1": "14 Mill Lane"})
        second = await self.reserved(side, stock_request().model_copy(update={"address": moved}))
        assert [one.id for one in await side.adapter.find_reservations(REFERENCE)] == [second.id]


class ReceiptConformance:
    """The role inventory, where it takes goods of returns back by itself."""

    def request(self, sku: str = "MUG-BLUE") -> ReceiptRequest:
        """One piece that comes back."""
        price = Money(amount=Decimal("14.50"), currency="GBP")
        lines = (StockLine(sku=sku, quantity=1, unit_price=price),)
        return ReceiptRequest(reference=BACK, order_reference=REFERENCE, currency="GBP", lines=lines)

    async def test_goods_come_back_once(self, side: InventorySide) -> None:
        system = side.adapter
        assert isinstance(system, TakesBack)
        made = await system.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        await side.warehouse(await system.advance_reservation(made), "picked", "packed", "done")
        before = await side.free("MUG-BLUE")
        assert await system.find_receipts(BACK) == []
        draft = await system.create_receipt(f"{BACK}/receive#1", self.request())
        (found,) = await system.find_receipts(BACK)
        assert (found.id, found.key, found.done) == (draft.id, f"{BACK}/receive#1", False)
        for _ in range(2):
            assert (await system.finish_receipt(found)).done
        assert await side.free("MUG-BLUE") == before + 1
        assert await system.find_receipts(REFERENCE) == []

    async def test_what_cannot_come_back_is_refused(self, side: InventorySide) -> None:
        system = side.adapter
        assert isinstance(system, TakesBack)
        with pytest.raises(Refusal) as caught:
            await system.create_receipt("key", self.request())
        assert caught.value.failure.code == "unknown-customer"
        await system.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        with pytest.raises(Refusal) as caught:
            await system.create_receipt("key", self.request("NO-SUCH"))
        assert [problem.field for problem in caught.value.failure.problems] == ["lines.0.sku"]


def stock_request(**pieces: int) -> StockRequest:
    """What to hold; two mugs and a shirt unless said otherwise (names with `_` for `-`)."""
    price = Money(amount=Decimal("14.50"), currency="GBP")
    wanted = pieces or {"MUG_BLUE": 2, "TEE_M": 1}
    lines = tuple(StockLine(sku=k.replace("_", "-"), quantity=count, unit_price=price) for k, count in wanted.items())
    return StockRequest(reference=REFERENCE, number="#5001", currency="GBP", address=ADDRESS, lines=lines)
