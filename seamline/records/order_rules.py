"""Which orders are ours to ship, when they can go, and every rule that a broken one breaks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.cents import from_cents
from seamline.records.money import Money
from seamline.records.order import Delivery, FulfilmentOrder, Order, Payment, Totals
from seamline.records.payment import PAY_ANEW, PaymentMode, ends
from seamline.records.policy import Policy


class Why(StrEnum):
    """Why an order is not ours to ship: fixed codes, by which ignored orders are counted."""

    CUT_OVER = "before-cut-over"
    TEST = "test-order"
    CANCELLED = "cancelled"
    VOIDED = "payment-voided"
    REFUNDED = "payment-refunded"
    PICKUP = "pickup"
    LOCAL_DELIVERY = "local-delivery"
    POINT_OF_SALE = "point-of-sale"
    DIGITAL = "digital"
    GIFT_CARD = "gift-card"
    BY_OTHERS = "by-others"
    NOTHING_LEFT = "nothing-left"


WORDS = {
    Why.CUT_OVER: "created before the cut-over of its shop: whoever shipped then finishes it",
    Why.TEST: "a test order, and this is production",
    Why.CANCELLED: "cancelled in the shop",
    Why.VOIDED: "its payment is voided",
    Why.REFUNDED: "its payment is refunded",
    Why.PICKUP: "nothing is left to ship: the customer picks it up",
    Why.LOCAL_DELIVERY: "nothing is left to ship: the shop delivers it itself",
    Why.POINT_OF_SALE: "nothing is left to ship: it was handed over where it was sold",
    Why.DIGITAL: "nothing is left to ship: its goods are digital",
    Why.GIFT_CARD: "nothing is left to ship: gift cards are sent by the shop",
    Why.BY_OTHERS: "nothing is left to ship: a fulfilment service of the shop's does it",
    Why.NOTHING_LEFT: "nothing is left to ship: all is fulfilled or removed",
}
_NOT_CARRIED = {
    Delivery.PICKUP: Why.PICKUP,
    Delivery.LOCAL: Why.LOCAL_DELIVERY,
    Delivery.POINT_OF_SALE: Why.POINT_OF_SALE,
}
_SETTLED = (Payment.PAID, Payment.PARTIALLY_REFUNDED)


class NotOurs(Record):
    """Why nothing is to be done for an order: the code that counts it, and words for people."""

    why: Why

    @property
    def text(self) -> str:
        """In words."""
        return WORDS[self.why]


def not_ours(order: Order, policy: Policy) -> NotOurs | None:
    """Why nothing is to be done for this order; None when it is ours to ship."""
    if policy.shop(order.reference).too_old(order.created_at):
        return NotOurs(why=Why.CUT_OVER)
    if order.test and policy.production:
        return NotOurs(why=Why.TEST)
    if order.cancelled:
        return NotOurs(why=Why.CANCELLED)
    if order.payment is Payment.VOIDED:
        return NotOurs(why=Why.VOIDED)
    if order.payment is Payment.REFUNDED:
        return NotOurs(why=Why.REFUNDED)
    return None if order.open_fulfilment_orders else NotOurs(why=_nothing_to_ship(order))


def _nothing_to_ship(order: Order) -> Why:
    left = [part for part in order.fulfilment_orders if part.open] or order.fulfilment_orders
    if any(part.by_others for part in left):
        return Why.BY_OTHERS
    if reasons := [_NOT_CARRIED[part.delivery] for part in left if part.delivery in _NOT_CARRIED]:
        return reasons[0]
    wanted = [line for line in order.lines if line.quantity > 0]
    if not wanted or any(line.needs_shipping for line in wanted):
        return Why.NOTHING_LEFT
    return Why.GIFT_CARD if all(line.gift_card for line in wanted) else Why.DIGITAL


def not_ready(order: Order, policy: Policy, now: datetime) -> list[Problem]:
    """What people must do in the shop before this order can go, each with its field."""
    return _not_payable(order, policy, now)


def waited_for(order: Order) -> list[Problem]:
    """What others have yet to do, each with its field: it is waited for and needs no mending."""
    problems = []
    if order.awaits_payment and order.payment is not Payment.AUTHORIZED:
        problems.append(Problem(field="payment", reason=f"is {order.payment}: retry once it is paid"))
    if order.held:
        problems += order.held_parts("is on hold: release it there, then retry")
    return problems


def _not_payable(order: Order, policy: Policy, now: datetime) -> list[Problem]:
    if order.payment is Payment.EXPIRED:
        reason = f"is an authorisation that has ended{ends(order.authorization)}: {PAY_ANEW}"
        return [Problem(field="payment", reason=reason)]
    if order.payment in _SETTLED or order.payment_mode is not PaymentMode.OURS or order.awaits_payment:
        return []
    return _not_capturable(order, now + timedelta(hours=policy.authorization_hours_min))


def _not_capturable(order: Order, needed_until: datetime) -> list[Problem]:
    """Why we cannot count on capturing what is owed up to this moment."""
    kept = order.authorization
    if kept is None:
        return [Problem(field="authorization", reason="is missing: capture it in the shop, then retry")]
    if not order.covered:
        reason = f"is {kept.amount} and {order.to_collect} is owed: collect the payment in the shop, then retry"
        return [Problem(field="authorization.amount", reason=reason)]
    if kept.ended(needed_until):
        reason = f"is too soon{ends(kept)}: capture it in the shop, then retry"
        return [Problem(field="authorization.expires_at", reason=reason)]
    return []


def broken_rules(order: Order) -> list[Problem]:
    """Every rule this order breaks, each with its field; empty when it can be shipped."""
    problems = order.address.broken_rules() if order.address else [Problem(field="address", reason="is missing")]
    problems += _broken_lines(order)
    known = {line.id for line in order.lines}
    for place, part in enumerate(order.fulfilment_orders):
        problems += _broken_part(f"fulfilment_orders.{place}", part, known)
    return [*problems, *_broken_totals(order)]


def _broken_lines(order: Order) -> Iterator[Problem]:
    for place, line in enumerate(order.lines):
        if line.quantity < 0:
            yield Problem(field=f"lines.{place}.quantity", reason="must not be negative")
        if line.unit_price.amount < 0:
            yield Problem(field=f"lines.{place}.unit_price", reason="must not be negative")
        if line.unit_price.currency != order.currency:
            yield Problem(field=f"lines.{place}.unit_price", reason="is not in the order's currency")


def _broken_part(place: str, part: FulfilmentOrder, known: set[str]) -> Iterator[Problem]:
    for number, line in enumerate(part.lines):
        where = f"{place}.lines.{number}"
        if line.quantity <= 0:
            yield Problem(field=f"{where}.quantity", reason="must be at least 1")
        if line.order_line_id not in known:
            yield Problem(field=f"{where}.order_line_id", reason="is not a line of the order")
        if not line.sku and part.delivery is Delivery.SHIPPING:
            yield Problem(field=f"{where}.sku", reason="is missing, so no stock can be reserved")


def _broken_totals(order: Order) -> list[Problem]:
    """Amounts that cannot be; where all can, whether they add up."""
    totals = order.totals
    amounts = (getattr(totals, name) for name in Totals.model_fields if name != "taxes_included")
    if any(amount.currency != order.currency for amount in amounts):
        return [Problem(field="totals", reason="are not all in the order's currency")]
    if any(line.unit_price.currency != order.currency for line in order.lines):
        return []
    return [*_impossible(order)] or [*_not_adding_up(order)]


def _impossible(order: Order) -> Iterator[Problem]:
    totals = order.totals
    for name in ("lines", "shipping", "duties", "fees", "tips", "taxes", "total"):
        if getattr(totals, name).amount < 0:
            yield Problem(field=f"totals.{name}", reason="must not be negative")
    # Each share of a bundle's price is rounded, so that lines can come to a little less than the subtotal.
    rounded = from_cents(sum(max(line.quantity, 0) for line in order.lines), order.currency)
    if not -rounded <= totals.discounts.amount <= max(totals.lines.amount, Decimal(0)):
        yield Problem(field="totals.discounts", reason=f"cannot be {totals.discounts} of {totals.lines}")


def _not_adding_up(order: Order) -> Iterator[Problem]:
    lines = Money.total((line.unit_price * line.quantity for line in order.lines), order.currency)
    if order.totals.lines != lines:
        yield Problem(field="totals.lines", reason=f"are {order.totals.lines}, and the lines come to {lines}")
    if (difference := order.totals.difference()).amount:
        yield Problem(field="totals.total", reason=f"differs from its parts by {difference}")
