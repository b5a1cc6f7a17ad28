"""An order as any shop sells it: order -> fulfilment orders -> parcels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Currency, Money
from seamline.records.payment import Authorization, PaymentMode
from seamline.records.policy import Policy
from seamline.records.reference import Reference
from seamline.records.risk import Risk

_PAY_ANEW = "have the customer pay anew in the shop, then retry"


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
    """Held by others than us."""
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
    payment_mode: PaymentMode = PaymentMode.PAID
    authorization: Authorization | None = None
    """What can be captured, or could be before it ended."""
    collected: Money | None = None
    """What was paid and not given back; None where it was paid in another currency than the order's."""
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

    @property
    def to_collect(self) -> Money:
        """What the customer still owes: what is to be captured."""
        total, paid = self.totals.total, self.collected
        if paid is None or paid.currency != total.currency:
            return total
        return total - paid if paid < total else total * 0

    @property
    def awaits_payment(self) -> bool:
        """Whether the shop still has to take money that is authorised before anything is shipped."""
        return self.payment is Payment.AUTHORIZED and self.payment_mode is PaymentMode.PAID

    def not_ready(self, policy: Policy, now: datetime) -> list[Problem]:
        """What people must do in the shop before this order can go, each with its field."""
        problems = self._not_payable(policy, now)
        parts = self.open_fulfilment_orders
        if len(parts) > 1:
            reason = f"are {len(parts)} to ship and one is handled: fulfil the others in the shop, then retry"
            problems.append(Problem(field="fulfilment_orders", reason=reason))
        if any(part.on_hold for part in parts):
            problems.append(Problem(field="fulfilment_orders.0", reason="is on hold: release it there, then retry"))
        return problems

    def _not_payable(self, policy: Policy, now: datetime) -> list[Problem]:
        if self.payment in (Payment.PAID, Payment.PARTIALLY_REFUNDED):
            return []
        if self.payment_mode is PaymentMode.TERMS and self.payment is not Payment.EXPIRED:
            return []
        if self.payment is Payment.AUTHORIZED:
            ours = self.payment_mode is PaymentMode.OURS
            return self._not_capturable(now + timedelta(hours=policy.authorization_hours_min)) if ours else []
        reason = f"is {self.payment}: retry once it is paid"
        if self.payment is Payment.EXPIRED:
            reason = f"is an authorisation that has ended{_at(self.authorization)}: {_PAY_ANEW}"
        return [Problem(field="payment", reason=reason)]

    def _not_capturable(self, needed_until: datetime) -> list[Problem]:
        """Why we cannot count on capturing the total up to this moment."""
        kept = self.authorization
        if kept is None:
            return [Problem(field="authorization", reason="is missing: capture it in the shop, then retry")]
        if kept.amount.currency != self.to_collect.currency or kept.amount < self.to_collect:
            reason = f"is {kept.amount} and {self.to_collect} is owed: collect the payment in the shop, then retry"
            return [Problem(field="authorization.amount", reason=reason)]
        if kept.ended(needed_until):
            reason = f"is too soon{_at(kept)}: capture it in the shop, then retry"
            return [Problem(field="authorization.expires_at", reason=reason)]
        return []

    def problems_since(self, earlier: Order, now: datetime) -> list[Problem]:
        """What became of the order since `earlier` that matters to a parcel under way, each with its field."""
        if self.cancelled and not earlier.cancelled:
            return [Problem(field="cancelled", reason="it was cancelled in the shop: cancel here too")]
        problems = self._payment_since(earlier, now) + self._goods_since(earlier)
        if self.address != earlier.address:
            reason = "was changed in the shop after the label was made: cancel here and start anew, or change it back"
            problems.append(Problem(field="address", reason=reason))
        return problems

    def _payment_since(self, earlier: Order, now: datetime) -> list[Problem]:
        ours = self.payment_mode is PaymentMode.OURS
        lost = {Payment.VOIDED, Payment.REFUNDED} | ({Payment.PENDING, Payment.PARTIALLY_PAID} if ours else set())
        if self.payment in lost and self.payment is not earlier.payment:
            reason = f"is {self.payment} meanwhile: collect {self.to_collect} in the shop and retry, or cancel here"
            return [Problem(field="payment", reason=reason)]
        uncaptured = ours and self.payment is Payment.AUTHORIZED
        if self.payment is Payment.EXPIRED or (uncaptured and self.authorization and self.authorization.ended(now)):
            reason = f"is an authorisation that has ended{_at(self.authorization)}: {_PAY_ANEW}"
            return [Problem(field="payment", reason=reason)]
        return []

    def _goods_since(self, earlier: Order) -> list[Problem]:
        before, after = _left(earlier), _left(self)
        if before and not after:
            reason = "are all fulfilled or closed in the shop meanwhile: stop the parcel and cancel here"
            return [Problem(field="fulfilment_orders", reason=reason)]
        if before != after:
            told = ", ".join(
                f"{after.get(sku, 0)} {sku} instead of {before.get(sku, 0)}" for sku in _differing(before, after)
            )
            return [Problem(field="lines", reason=f"are {told}: cancel here and start anew, or change it back there")]
        if any(part.on_hold for part in self.open_fulfilment_orders):
            return [Problem(field="fulfilment_orders.0", reason="was put on hold: release it there, then retry")]
        return []

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


def _at(authorization: Authorization | None) -> str:
    """` (22 Nov 10:50 UTC)`, or nothing where the shop does not tell."""
    ends = authorization.expires_at if authorization else None
    return f" ({ends.astimezone(UTC):%d %b %H:%M} UTC)" if ends else ""


def _left(order: Order) -> dict[str, int]:
    """The pieces left to ship, by SKU."""
    pieces: dict[str, int] = {}
    for part in order.open_fulfilment_orders:
        for line in part.lines:
            pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
    return pieces


def _differing(before: dict[str, int], after: dict[str, int]) -> list[str]:
    return sorted(sku for sku in before.keys() | after.keys() if before.get(sku) != after.get(sku))


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
