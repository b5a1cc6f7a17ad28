"""An order as any shop sells it: order -> fulfilment orders -> parcels."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Currency, Money
from seamline.records.payment import PAY_ANEW, Authorization, CaptureRequest, PaymentMode, ends
from seamline.records.reference import Reference
from seamline.records.risk import Risk


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
    """By the shop itself, nearby."""
    POINT_OF_SALE = "point of sale"
    """Handed over where it was sold."""
    NONE = "none"
    """Nothing to carry: digital goods."""


class OrderLine(Record):
    """One line of an order, after edits and removals. Prices are per piece, in the shop's currency.

    Of a bundle the components are lines, each with its share of the price; the bundle itself is none.
    """

    id: str
    sku: str
    title: str
    quantity: int
    unit_price: Money
    paid_price: Money | None = None
    """After all discounts; None where the shop does not tell."""
    needs_shipping: bool = True
    gift_card: bool = False
    weight_grams: int = 0
    hs_code: str = ""
    """What it is to customs: 6 to 13 digits of the Harmonized System."""
    origin: str = ""
    """The country that it was made in, ISO 3166-1 alpha-2."""

    @property
    def worth(self) -> Money:
        """What the customer pays for a piece; for a gift what it usually costs."""
        return self.paid_price if self.paid_price and self.paid_price.amount > 0 else self.unit_price


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
    """Held by others than us, or to be shipped later: a pre-order."""
    by_others: bool = False
    """Left to a fulfilment service of the shop's."""
    delivery: Delivery = Delivery.SHIPPING
    incoterm: str = ""
    """Who pays the duties, as the customer was told; empty where the shop does not tell."""
    lines: tuple[FulfilmentLine, ...] = ()


def _none(parts: dict[str, Any]) -> Money:
    """Nothing, in the total's currency."""
    total = parts["total"]
    return Money(amount=Decimal(0), currency=total.currency)


class Totals(Record):
    """The order's money after edits.

    total = lines + shipping + duties + fees + tips - discounts + rounding, + taxes unless included.
    """

    lines: Money
    shipping: Money
    duties: Money
    tips: Money
    discounts: Money
    taxes: Money
    taxes_included: bool
    rounding: Money
    total: Money
    fees: Money = Field(default_factory=_none)
    """What else is charged, beside duties and taxes."""
    adjustment: Money = Field(default_factory=_none)
    """What refunds gave back beyond (below zero) or short of the goods returned: a total may have it in or not."""

    def difference(self) -> Money:
        """What the stated total has over the sum of its parts; zero when the order adds up."""
        parts = self.lines + self.shipping + self.duties + self.fees + self.tips - self.discounts + self.rounding
        left = self.total - (parts if self.taxes_included else parts + self.taxes)
        return left * 0 if left.amount == self.adjustment.amount else left


class Order(Record):
    """An order fetched from a shop."""

    reference: Reference
    number: str
    """What people call it: `#5001`."""
    created_at: datetime
    currency: Currency
    payment: Payment
    payment_mode: PaymentMode = PaymentMode.PAID
    authorization: Authorization | None = None
    """What can be captured, or could be before it ended."""
    charged: Money | None = None
    """The total in the currency that the customer pays in; None where that is the order's."""
    collected: Money | None = None
    """What was paid and not given back, in the customer's currency; None where it was paid in several."""
    risk: Risk = Risk()
    test: bool = False
    cancelled: bool = False
    lines: tuple[OrderLine, ...]
    fulfilment_orders: tuple[FulfilmentOrder, ...]
    totals: Totals
    address: Address | None = None
    email: str = Field(default="", max_length=254)
    locale: str = "en"
    service: str = ""
    """The delivery the customer chose, by the shop's code: `standard`, `express`."""
    page: str = ""
    """The order's page in the shop, for people."""

    @property
    def open_fulfilment_orders(self) -> tuple[FulfilmentOrder, ...]:
        """What is left to ship, on hold or not."""
        return tuple(
            part
            for part in self.fulfilment_orders
            if part.open and part.delivery is Delivery.SHIPPING and part.lines and not part.by_others
        )

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

    @property
    def to_collect(self) -> Money:
        """What the customer still owes, in the currency that it is captured in."""
        total, paid = self.charged or self.totals.total, self.collected
        if paid is None or paid.currency != total.currency:
            return total
        return total - paid if paid < total else total * 0

    @property
    def awaits_payment(self) -> bool:
        """Whether the customer or the shop has yet to see to the payment before anything is shipped."""
        if self.payment_mode is PaymentMode.TERMS:
            return False
        if self.payment is Payment.AUTHORIZED:
            return self.payment_mode is PaymentMode.PAID
        if self.payment in (Payment.PENDING, Payment.PARTIALLY_PAID):
            return self.payment_mode is PaymentMode.PAID or not self.covered
        return False

    @property
    def covered(self) -> bool:
        """Whether what is authorised covers what is owed: a gift card may have paid the rest."""
        kept, owed = self.authorization, self.to_collect
        return kept is not None and kept.amount.currency == owed.currency and owed <= kept.amount

    @property
    def capture_due(self) -> CaptureRequest | None:
        """What we take of the customer's money, where that is left to us."""
        ours = self.payment_mode is PaymentMode.OURS and self.payment in (Payment.AUTHORIZED, Payment.PARTIALLY_PAID)
        if not ours or self.authorization is None:
            return None
        return CaptureRequest(authorization_id=self.authorization.id, amount=self.to_collect)

    @property
    def held(self) -> bool:
        """Whether something to ship is held by others than us, or is to be shipped later."""
        return any(part.on_hold for part in self.open_fulfilment_orders)

    @property
    def in_parts(self) -> bool:
        """Whether it has several parts, whatever became of them: its payment is for all."""
        return len(self.fulfilment_orders) > 1

    def held_parts(self, reason: str) -> list[Problem]:
        """A problem with this reason for each part that is held."""
        return [
            Problem(field=f"fulfilment_orders.{place}", reason=reason)
            for place, part in enumerate(self.fulfilment_orders)
            if part.on_hold and part in self.open_fulfilment_orders
        ]

    def payment_since(self, earlier: Order, now: datetime) -> list[Problem]:
        """What became of the payment since `earlier` that matters to a parcel under way."""
        ours = self.payment_mode is PaymentMode.OURS
        lost = {Payment.VOIDED, Payment.REFUNDED} | ({Payment.PENDING, Payment.PARTIALLY_PAID} if ours else set())
        if self.payment in lost and self.payment is not earlier.payment:
            reason = f"is {self.payment} meanwhile: collect {self.to_collect} in the shop and retry, or cancel here"
            return [Problem(field="payment", reason=reason)]
        uncaptured = ours and self.payment is Payment.AUTHORIZED
        if self.payment is Payment.EXPIRED or (uncaptured and self.authorization and self.authorization.ended(now)):
            reason = f"is an authorisation that has ended{ends(self.authorization)}: {PAY_ANEW}"
            return [Problem(field="payment", reason=reason)]
        return []
