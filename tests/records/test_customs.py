"""Which parcels pass customs, what is missing for their declaration, and the declaration."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from seamline.records.address import Address
from seamline.records.customs import leaves_area
from seamline.records.customs_rules import customs_of, undeclarable
from seamline.records.location import Location
from seamline.records.money import Money
from seamline.records.order import FulfilmentOrder, Order, OrderLine
from seamline.records.policy import Policy
from tests.records.test_order import ADDRESS, order, pounds

ABROAD = ADDRESS.model_copy(update={"country": "US", "postcode": "94117", "city": "San Francisco"})
POLICY = Policy(ship_from="GB")


def line(**changes: Any) -> OrderLine:
    known = {"hs_code": "732394", "origin": "PL", "weight_grams": 380}
    return order().lines[0].model_copy(update=known | changes)


def part(incoterm: str) -> tuple[FulfilmentOrder, ...]:
    return (order().fulfilment_orders[0].model_copy(update={"incoterm": incoterm}),)


def fields(of: Order, policy: Policy = POLICY) -> list[str]:
    return [one.field for one in undeclarable(of, of.fulfilment_orders[0], policy)]


@pytest.mark.parametrize(
    ("ship_from", "country", "postcode", "passes"),
    [
        ("GB", "GB", "CB2 1RX", False),
        ("GB", "GB", "BT1 5GS", False),
        ("IE", "GB", "BT1 5GS", False),
        ("US", "GB", "BT1 5GS", True),
        ("GB", "IM", "IM1 1AA", False),
        ("GB", "JE", "JE2 3AB", True),
        ("GB", "IE", "D02 AF30", True),
        ("DE", "FR", "75001", False),
        ("DE", "MC", "98000", False),
        ("DE", "FR", "97400", True),
        ("FR", "ES", "35001", True),
        ("FR", "ES", "28001", False),
        ("DE", "DE", "27498", True),
        ("DE", "CH", "8001", True),
        ("CH", "LI", "9490", False),
        ("US", "US", "94117", False),
        ("US", "PR", "00901", False),
        ("US", "US", "09012", True),
        ("US", "CA", "K1A 0B1", True),
    ],
)
def test_which_parcels_pass_customs(ship_from: str, country: str, postcode: str, passes: bool) -> None:
    assert leaves_area(ship_from, Address(country=country, postcode=postcode)) is passes


def test_nothing_is_asked_of_an_order_at_home() -> None:
    bare = order()
    assert fields(bare) == []
    assert customs_of(bare, bare.fulfilment_orders[0], ADDRESS, POLICY) is None
    assert fields(order(address=None)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hs_code": ""}, "lines.0.hs_code"),
        ({"hs_code": "7323"}, "lines.0.hs_code"),
        ({"hs_code": "7323.94"}, "lines.0.hs_code"),
        ({"origin": ""}, "lines.0.origin"),
        ({"origin": "Poland"}, "lines.0.origin"),
        ({"unit_price": pounds("0")}, "lines.0.unit_price"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Any], field: str) -> None:
    abroad = order(address=ABROAD, lines=(line(**changes),))
    assert fields(abroad) == [field]
    assert customs_of(abroad, abroad.fulfilment_orders[0], ABROAD, POLICY) is None
    assert fields(order(address=ABROAD, lines=(line(),))) == []


def test_only_what_is_shipped_is_asked_about() -> None:
    digital = OrderLine(id="L2", sku="E-BOOK", title="Book", quantity=1, unit_price=pounds("0"), needs_shipping=False)
    assert fields(order(address=ABROAD, lines=(line(), digital))) == []


def test_who_pays_the_duties() -> None:
    silent = POLICY.model_copy(update={"incoterm": ""})
    unsaid = order(address=ABROAD, lines=(line(),))
    assert fields(unsaid, silent) == ["fulfilment_orders.0.incoterm"]
    paid = unsaid.model_copy(update={"totals": unsaid.totals.model_copy(update={"duties": pounds("3.00")})})
    told = order(address=ABROAD, lines=(line(),), fulfilment_orders=part("ddp"))
    odd = order(address=ABROAD, lines=(line(),), fulfilment_orders=part("EXW"))
    assert [_incoterm(one, silent) for one in (paid, told)] == ["DDP", "DDP"]
    assert _incoterm(unsaid, POLICY) == "DAP"
    assert fields(odd) == ["fulfilment_orders.0.incoterm"]


def _incoterm(of: Order, policy: Policy) -> str:
    customs = customs_of(of, of.fulfilment_orders[0], ABROAD, policy)
    assert customs
    return customs.incoterm


def test_the_declaration_is_what_the_customer_paid_for_all_pieces() -> None:
    abroad = order(address=ABROAD, lines=(line(paid_price=pounds("12.00")),))
    customs = customs_of(abroad, abroad.fulfilment_orders[0], ABROAD, POLICY)
    assert customs
    (declared,) = customs.lines
    assert (declared.quantity, str(declared.value), declared.weight_grams) == (2, "24.00 GBP", 760)
    gift = order(address=ABROAD, lines=(line(paid_price=pounds("0")),))
    given = customs_of(gift, gift.fulfilment_orders[0], ABROAD, POLICY)
    assert given
    assert given.lines[0].value == Money(amount=Decimal("29.00"), currency="GBP")


def test_a_location_may_be_in_another_country() -> None:
    there = POLICY.model_copy(update={"locations": {"Main": Location(ship_from="US")}})
    assert fields(order(address=ABROAD, lines=(line(hs_code=""),)), there) == []
    assert fields(order(lines=(line(hs_code=""),)), there) == ["lines.0.hs_code"]
