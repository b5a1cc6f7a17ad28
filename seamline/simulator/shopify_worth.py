"""What goods of a simulated order are worth to the customer, and the order's money once they are refunded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from seamline.simulator.world import Body

_CENT = Decimal("0.01")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Worth:
    """Goods after all discounts, what delivery cost, and the tax in or on top of both."""

    goods: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


def worth_of(order: Body, quantities: Mapping[str, int], *, shipping: bool) -> Worth:
    """What these pieces of lines, by the lines' ids, are worth; all that is left is worth all that is left."""
    money = order["money"]
    whole = _after_own_discounts((line, line["current_quantity"]) for line in order["lines"])
    some = _after_own_discounts((line, quantities.get(line["id"], 0)) for line in order["lines"])
    subtotal, delivery = Decimal(money["subtotal"]), Decimal(money["shipping"])
    goods = (subtotal * some / whole).quantize(_CENT) if whole else _ZERO
    carried = delivery if shipping else _ZERO
    taxed = subtotal + delivery
    tax = (Decimal(money["tax"]) * (goods + carried) / taxed).quantize(_CENT) if taxed else _ZERO
    return Worth(goods, carried, tax, goods + carried + (_ZERO if order["taxes_included"] else tax))


def refunded(order: Body, quantities: Mapping[str, int], *, shipping: bool, amount: Decimal) -> Body:
    """The order once these pieces are refunded for this amount: fewer pieces, less money."""
    worth = worth_of(order, quantities, shipping=shipping)
    less = {"subtotal": worth.goods, "shipping": worth.shipping, "tax": worth.tax, "total": worth.total}
    money = order["money"] | {name: str(Decimal(order["money"][name]) - part) for name, part in less.items()}
    lines = [
        line | {"current_quantity": line["current_quantity"] - quantities.get(line["id"], 0)} for line in order["lines"]
    ]
    return order | {
        "money": money,
        "lines": lines,
        "totals": [*order["totals"], str(Decimal(order["totals"][-1]) - amount)],
    }


def _after_own_discounts(taken: Iterable[tuple[dict[str, Any], int]]) -> Decimal:
    return sum(
        (
            count * (Decimal(line["unit_price"]) - Decimal(line["discount"]) / line["quantity"])
            for line, count in taken
            if line["quantity"]
        ),
        _ZERO,
    )
