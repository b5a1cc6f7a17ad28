"""What people amended of an order counts for its parts, as far as the shop has not changed the same."""

from __future__ import annotations

from seamline.records.address import Address
from seamline.records.order import FulfilmentLine, FulfilmentOrder
from seamline.records.parts import amendment
from tests.records.test_order import order

WRONG, RIGHT, NEW = (Address(name="Jo", country="GB", postcode=one) for one in ("ZZ9 9ZZ", "CB2 1RX", "BS1 6XN"))
SECOND = FulfilmentOrder(
    id="F2", location="North", open=True, lines=(FulfilmentLine(id="FL2", order_line_id="L1", sku="MUG", quantity=1),)
)


def test_what_nobody_amended_is_no_amendment() -> None:
    found = order(address=WRONG)
    assert amendment(found, found.model_copy(update={"fulfilment_orders": (SECOND,)})) is None


def test_an_amended_address_counts_for_a_part_until_the_shop_has_another() -> None:
    found = order(address=WRONG)
    made = amendment(found, found.model_copy(update={"address": RIGHT}))
    assert made
    part = found.model_copy(update={"fulfilment_orders": (SECOND,), "email": "new@example.com"})
    amended = made.of(part)
    assert (amended.address, amended.email, amended.fulfilment_orders) == (RIGHT, "new@example.com", (SECOND,))
    assert made.of(part.model_copy(update={"address": NEW})).address == NEW
