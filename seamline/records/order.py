"""An order as any shop sells it: order -> fulfilment orders -> parcels."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Currency, Money
from seamline.records.policy import Policy
from seamline.records.reference import Reference


class Payment(StrEnum):
    """How far the customer's payment is, in the shop's own words made common."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"


class Delivery(StrEnum):
    """How a fulfilment order reaches the customer."""

    SHIPPING = "shipping"
    PICKUP = "pickup"
    LOCAL = "local"
    NONE = "none"
    """Nothing to carry: digital goods, point of sale."""


class OrderLine(Record):
    """One line of an order, after edits and removals. Prices are per piece, in the shop's currency."""

    id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    needs_shipping: bool = True
    weight_grams: int = 0


class FulfilmentLine(Record):
    """What of an order line a fulfilment order still has to ship. `id` is the shop's id of this line."""

    id: str
    order_line_id: str
    sku: str
    quantity: int


class FulfilmentOrder(Record):
    """The shop's unit of shipping: lines that leave from one location."""

    id: str
    location: str
    open: bool
    on_hold: bool = False
    delivery: Delivery = Delivery.SHIPPING
    lines: tuple[FulfilmentLine, ...] = ()


class Totals(Record):
    """The order's money after edits: total = lines + shipping + duties + tips - discounts + taxes unless included."""

    lines: Money
    shipping: Money
    duties: Money
    tips: Money
    discounts: Money
    taxes: Money
    taxes_included: bool
    rounding: Money
    total: Money

    def difference(self) -> Money:
        """What the stated total has over the sum of its parts; zero when the order adds up."""
        parts = self.lines + self.shipping + self.duties + self.tips - self.discounts + self.rounding
        return self.total - (parts if self.taxes_included else parts + self.taxes)


class Order(Record):
    """An order fetched from a shop."""

    reference: Reference
    number: str
    """What people call it: `#5001`."""
    created_at: datetime
    currency: Currency
    payment: Payment
    test: bool = False
    cancelled: bool = False
    lines: tuple[OrderLine, ...]
    fulfilment_orders: tuple[FulfilmentOrder, ...]
    totals: Totals
    address: Address | None
    email: str = Field(default="", max_length=254)
    locale: str = "en"
    service: str = ""
    """The delivery the customer chose, by the shop's code: `standard`, `express`."""
    page: str = ""
    """The order's page in the shop, for people."""

    @property
    def open_fulfilment_orders(self) -> tuple[FulfilmentOrder, ...]:
        """What is left to ship, on hold or not."""
        return tuple(f for f in self.fulfilment_orders if f.open and f.delivery is Delivery.SHIPPING and f.lines)

    def line(self, line_id: str) -> OrderLine:
        """The order line with this id. KeyError when there is none."""
        for line in self.lines:
            if line.id == line_id:
                return line
        raise KeyError(line_id)

    def weight_grams(self, fulfilment_order: FulfilmentOrder) -> int:
        """What the goods of a fulfilment order weigh, by the shop's own weights."""
        return sum(self.line(part.order_line_id).weight_grams * part.quantity for part in fulfilment_order.lines)

    def value(self, fulfilment_order: FulfilmentOrder) -> Money:
        """What the goods of a fulfilment order are worth at their selling price."""
        return Money.total(
            (self.line(part.order_line_id).unit_price * part.quantity for part in fulfilment_order.lines),
            self.currency,
        )

    def not_ours(self, policy: Policy) -> str:
        """Why nothing is to be done for this order, in words; empty when it is ours to ship."""
        if self.test and policy.production:
            return "a test order, and this is production"
        if self.cancelled:
            return "cancelled in the shop"
        if self.payment in (Payment.VOIDED, Payment.REFUNDED):
            return f"its payment is {self.payment}"
        if not self.open_fulfilment_orders:
            return "nothing is left to ship: all fulfilled, or nothing that is carried to the customer"
        return ""

    def not_ready(self) -> list[Problem]:
        """What people must do in the shop before this order can go, each with its field."""
        problems = []
        if self.payment is Payment.AUTHORIZED:
            problems.append(Problem(field="payment", reason="is authorised only: capture it in the shop, then retry"))
        elif self.payment not in (Payment.PAID, Payment.PARTIALLY_REFUNDED):
            problems.append(Problem(field="payment", reason=f"is {self.payment}: retry once it is paid"))
        parts = self.open_fulfilment_orders
        if len(parts) > 1:
            reason = f"are {len(parts)} to ship and one is handled: fulfil the others in the shop, then retry"
            problems.append(Problem(field="fulfilment_orders", reason=reason))
        if any(part.on_hold for part in parts):
            problems.append(Problem(field="fulfilment_orders.0", reason="is on hold: release it there, then retry"))
        return problems

    def broken_rules(self) -> list[Problem]:
        """Every rule this order breaks, each with its field; empty when it can be shipped."""
        problems = self.address.broken_rules() if self.address else [Problem(field="address", reason="is missing")]
        known = {line.id for line in self.lines}
        for place, line in enumerate(self.lines):
            if line.quantity < 0:
                problems.append(Problem(field=f"lines.{place}.quantity", reason="must not be negative"))
            if line.unit_price.amount < 0:
                problems.append(Problem(field=f"lines.{place}.unit_price", reason="must not be negative"))
            if line.unit_price.currency != self.currency:
                problems.append(Problem(field=f"lines.{place}.unit_price", reason="is not in the order's currency"))
        for place, part in enumerate(self.fulfilment_orders):
            problems += _broken_parts(f"fulfilment_orders.{place}", part, known)
        return problems + self._broken_totals()

    def _broken_totals(self) -> list[Problem]:
        money = (getattr(self.totals, name) for name in Totals.model_fields if name != "taxes_included")
        if any(part.currency != self.currency for part in money):
            return [Problem(field="totals", reason="are not all in the order's currency")]
        if self.totals.difference().amount:
            return [Problem(field="totals.total", reason=f"differs from its parts by {self.totals.difference()}")]
        return []


def _broken_parts(place: str, part: FulfilmentOrder, known: set[str]) -> list[Problem]:
    problems = []
    for number, line in enumerate(part.lines):
        where = f"{place}.lines.{number}"
        if line.quantity <= 0:
            problems.append(Problem(field=f"{where}.quantity", reason="must be at least 1"))
        if line.order_line_id not in known:
            problems.append(Problem(field=f"{where}.order_line_id", reason="is not a line of the order"))
        if not line.sku and part.delivery is Delivery.SHIPPING:
            problems.append(Problem(field=f"{where}.sku", reason="is missing, so no stock can be reserved"))
    return problems
