"""No good order waits, and every rule that a broken one breaks is named: over thousands of orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamline.records.order import Order
from seamline.records.order_rules import broken_rules, not_ready
from seamline.records.payment import PaymentMode
from seamline.records.policy import Policy
from seamline.simulator.shopify_orders import OrderWanted, make_order
from seamline.simulator.shopify_views import Shop
from seamline.simulator.world import World
from seamline.systems.shopify import mapping, wire
from tests.records.orders import NOW, Checkout, breaks, order_of

POLICY = Policy()
BATCH = 100
batches = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
seeds = st.integers(0, 2**32)


def problems(order: Order) -> list[str]:
    return [one.field for one in [*broken_rules(order), *not_ready(order, POLICY, NOW)]]


def checkouts(seed: int) -> Iterator[Checkout]:
    """A batch of customers' orders with something to ship."""
    dice = Random(seed)  # noqa: S311 - dice, no secret
    left = BATCH
    while left:
        checkout = Checkout(dice)
        if any(line.ships for line in checkout.lines):
            left -= 1
            yield checkout


@settings(batches, max_examples=90)
@given(seeds)
def test_no_good_order_waits(seed: int) -> None:
    for checkout in checkouts(seed):
        assert problems(order_of(checkout)) == [], checkout.answer()


def wanted(dice: Random) -> OrderWanted:
    """An order as the simulator makes it, by the dice."""
    lines = [
        {
            "quantity": (bought := dice.randint(1, 4)),
            "current_quantity": dice.randint(1, bought),
            "unit_price": Decimal(dice.randint(100, 9999)) / 100,
            "discount": Decimal(dice.randint(0, 99)) / 100,
            "bundle": dice.choice((None, "Breakfast set")),
        }
        for _ in range(dice.randint(1, 3))
    ]
    several = dice.random() < 0.3
    values: dict[str, Any] = {
        "lines": lines,
        "shipping": Decimal(dice.randint(0, 999)) / 100,
        "taxes_included": dice.random() < 0.5,
        "duties": dice.choice((None, Decimal("7.20"))),
        "duties_included": dice.random() < 0.2,
        "fees": dice.choice((None, Decimal("0.28"))),
        "tips": dice.choice((0, Decimal("2.50"))),
        "adjustment": dice.choice((0, Decimal("-0.50"))),
        "gift_card_payment": dice.choice((0, Decimal("0.40"))),
        "presentment_currency": "EUR" if several else None,
        "presentment_rate": Decimal(dice.randint(100, 200)) / 100 if several else 1,
        "financial_status": dice.choice(("PAID", "AUTHORIZED", "PARTIALLY_REFUNDED")),
    }
    return OrderWanted.model_validate(values)


def answered(view: dict[str, Any]) -> wire.Order:
    """An object of the simulator's as its GraphQL answers it."""
    parts = [part | {"lineItems": {"nodes": part["lineItems"]}} for part in view["fulfillmentOrders"]()]
    moved = [one | {"parentTransaction": one["parentTransaction"]()} for one in view["transactions"]()]
    nodes = {"lineItems": {"nodes": view["lineItems"]}, "fulfillmentOrders": {"nodes": parts}}
    return wire.Order.model_validate(view | nodes | {"transactions": moved})


def test_no_good_order_of_the_simulators_waits(tmp_path: Path) -> None:
    dice = Random(5)  # noqa: S311 - dice, no secret
    with closing(World(tmp_path / "world.db")) as world, world.transaction():
        world.connect("shop-uk", "shopify")
        for _ in range(1000):
            order = make_order(world, "shop-uk", wanted(dice))
            answer = answered(Shop(world, "shop-uk", "http://shop.example").order(order))
            mode = dice.choice(tuple(PaymentMode))
            assert problems(mapping.order("shop-uk:1", answer, "", mode)) == []


@settings(batches, max_examples=22)
@given(seeds)
def test_every_broken_rule_is_named(seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - dice, no secret
    for checkout in checkouts(seed):
        order = order_of(checkout)
        broken = breaks(order, dice)
        for one in broken:
            order = one.change(order)
        named = Counter(problems(order))
        for one in broken:
            assert _is_named(one.field, named), (one.field, named)


def _is_named(field: str, named: Counter[str]) -> bool:
    """Amounts that cannot be are told before sums are made of them, and a missing address has no lines."""
    if field.startswith("address.") and "address" in named:
        return True
    if field.startswith("totals.") and any(one.startswith("lines.") for one in named):
        return True
    return bool(named[field])
