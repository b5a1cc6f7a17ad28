"""The role inventory on the real Tryton: the same suite as on the simulated one."""

from __future__ import annotations

import pytest

from seamline.records.stock import Reservation
from seamline.records.undo import UndoState
from seamline.systems.tryton.inventory import TrytonInventory
from tests.checked import Against, Checks
from tests.erp.conftest import NAME, Shop
from tests.erp.proxy import Harm
from tests.erp.tryton import KEYS, OURS
from tests.systems.conformance import REFERENCE
from tests.systems.inventory_suite import InventoryConformance, ReceiptConformance, stock_request

pytestmark = pytest.mark.timeout(600)
CHECKS = Checks(
    "tryton",
    Against.REAL,
    "Tryton 8.2 on PostgreSQL, from PyPI",
    frozenset({"availability", "handed_over", "look", "packed", "receive", "release", "reserve", "restocked"}),
)


class Side:
    """The real ERP and its warehouse."""

    name = NAME
    secrets = (KEYS[OURS],)

    def __init__(self, adapter: TrytonInventory, shop: Shop) -> None:
        self.adapter = adapter
        self.shop = shop

    async def throttle(self) -> None:
        self.shop.proxy.harm(Harm.THROTTLED)

    async def go_down(self) -> None:
        self.shop.proxy.harm(Harm.CUT_BEFORE)

    async def lock_out(self) -> None:
        """An administrator takes the key back."""
        statement = "UPDATE res_user_application SET state = 'cancelled' WHERE application = 'rest'"
        await self.shop.erp.postgres.run(self.shop.database, statement)

    async def heal(self) -> None:
        self.shop.proxy.heal()

    async def free(self, sku: str) -> int:
        return await self.shop.people.free(sku)

    async def set_free(self, sku: str, pieces: int) -> None:
        await self.shop.people.set_free(sku, pieces)

    async def warehouse(self, reservation: Reservation, *states: str) -> None:
        await self.shop.people.move(reservation.shipment_id, *states)

    async def miss_assignments(self, count: int) -> None:
        self.shop.proxy.harm(Harm.UNPRESSED, "/assign_try$", count)

    async def lose_reply(self) -> None:
        self.shop.proxy.harm(Harm.CUT_AFTER, "POST .*/sale.sale$", 1)


@pytest.fixture
async def side(adapter: TrytonInventory, shop: Shop) -> Side:
    """The adapter and the ERP it talks to."""
    return Side(adapter, shop)


class TestConformance(InventoryConformance, ReceiptConformance):
    """The real Tryton fills the role."""


async def test_parcels_are_told_once_they_are_packed(adapter: TrytonInventory, shop: Shop) -> None:
    made = await adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
    reservation = await adapter.advance_reservation(made)
    await shop.people.pack(reservation.shipment_id, {"MUG-BLUE": 2}, {"TEE-M": 1})
    packed = await adapter.read_reservation(reservation)
    told = [(one.weight_grams, {line.sku: line.quantity for line in one.lines}) for one in packed.parcels]
    assert told == [(2 * 380 + 120, {"MUG-BLUE": 2}), (240 + 120, {"TEE-M": 1})]
    assert (await adapter.cancel_reservation(reservation)).state is UndoState.UNDONE


async def test_the_taxes_of_the_category_are_on_the_sale(adapter: TrytonInventory, shop: Shop) -> None:
    made = await adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
    (sale,) = await shop.people.find("sale.sale", [["id", "=", int(made.id)]], "untaxed_amount", "tax_amount")
    amounts = [sale[one]["decimal"] for one in ("untaxed_amount", "tax_amount")]
    assert amounts == ["43.50", "8.70"]
