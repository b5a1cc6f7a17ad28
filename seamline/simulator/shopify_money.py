"""What was paid for a simulated order: its transactions, the amounts that follow from them, and the status.

An order's `transactions` are all that is stored of its payment, oldest first. An authorisation can be captured once;
what a capture leaves of it is free again. Amounts are decimal texts in the order's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from seamline.simulator.world import Body, now

AUTHORIZATION_HOURS = 7 * 24.0
GATEWAY = "shopify_payments"
GIFT_CARD = "gift_card"
BOGUS = "bogus"
"""The gateway that takes no money: whoever pays by it has made a test order."""
_LIVE = ("SUCCESS", "PENDING")

Left = Callable[[Body, Body], Decimal]
"""What is left of an order's transaction: `capturable` or `refundable`."""


def first_transactions(
    order: Body, status: str, hours: float | None, new_id: Callable[[], str], *, gift_card: Decimal = Decimal(0)
) -> list[Body]:
    """The payment that a new order's financial status implies; `hours` is how long an authorisation lives.

    What a gift card pays is taken at once, and the status is that of the rest.
    """
    total = Decimal(order["money"]["total"]) - gift_card
    half = (total / 2).quantize(Decimal("0.01"))
    made: list[Body] = []
    paid = [transaction(new_id(), "SALE", gift_card, gateway=GIFT_CARD)] if gift_card else []

    def add(kind: str, amount: Decimal, *, ends_in: float | None = None) -> None:
        parent = made[-1]["id"] if made else None
        made.append(
            transaction(new_id(), kind, amount, parent_id=parent, gateway=BOGUS if order["test"] else GATEWAY)
            | {"authorization_expires_at": _ends(ends_in)}
        )

    if status in ("AUTHORIZED", "VOIDED"):
        add("AUTHORIZATION", total, ends_in=hours)
    elif status == "EXPIRED":
        add("AUTHORIZATION", total, ends_in=-24.0)
    elif status == "PARTIALLY_PAID":
        add("SALE", half)
    elif status != "PENDING":
        add("SALE", total)
    if status == "VOIDED":
        add("VOID", total)
    if status in ("PARTIALLY_REFUNDED", "REFUNDED"):
        add("REFUND", half if status == "PARTIALLY_REFUNDED" else total)
    return [*paid, *made]


def transaction(
    made_id: str,
    kind: str,
    amount: Decimal,
    *,
    parent_id: str | None = None,
    status: str = "SUCCESS",
    gateway: str = GATEWAY,
) -> Body:
    """A transaction as it is stored."""
    return {
        "id": made_id,
        "kind": kind,
        "status": status,
        "gateway": gateway,
        "error_code": None,
        "created_at": text_of(now()),
        "amount": str(amount),
        "parent_id": parent_id,
        "authorization_expires_at": None,
    }


def text_of(moment: datetime) -> str:
    """A time as Shopify writes it: whole seconds, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def capturable(order: Body, authorization: Body) -> Decimal:
    """What can still be captured of an authorisation."""
    if authorization["kind"] != "AUTHORIZATION" or authorization["status"] != "SUCCESS" or lapsed(authorization):
        return Decimal(0)
    used = any(one["kind"] in ("CAPTURE", "VOID") for one in _children(order, authorization))
    return Decimal(0) if used else Decimal(authorization["amount"])


def refundable(order: Body, paid: Body) -> Decimal:
    """What can still be refunded of a capture or sale."""
    if paid["kind"] not in ("CAPTURE", "SALE") or paid["status"] != "SUCCESS":
        return Decimal(0)
    return Decimal(paid["amount"]) - _sum(one for one in _children(order, paid) if one["kind"] == "REFUND")


def lapsed(authorization: Body) -> bool:
    """Whether the authorisation's time is over."""
    ends = authorization["authorization_expires_at"]
    return ends is not None and bool(ends <= text_of(now()))


def received(order: Body) -> Decimal:
    """What the customer has paid, refunds not taken off."""
    return _sum(
        one for one in order["transactions"] if one["kind"] in ("SALE", "CAPTURE") and one["status"] == "SUCCESS"
    )


def refunded(order: Body) -> Decimal:
    """What went back to the customer or is on its way."""
    return _sum(one for one in order["transactions"] if one["kind"] == "REFUND" and one["status"] in _LIVE)


def capturable_of_all(order: Body) -> Decimal:
    """What can still be captured, over all authorisations."""
    return sum((capturable(order, one) for one in order["transactions"]), Decimal(0))


def financial_status(order: Body) -> str:
    """The payment's state in one of Shopify's words."""
    kinds = {one["kind"] for one in order["transactions"] if one["status"] == "SUCCESS"}
    paid, back = received(order), refunded(order)
    if back:
        return "REFUNDED" if back >= paid else "PARTIALLY_REFUNDED"
    if kinds & {"SALE", "CAPTURE"}:
        return "PAID" if paid >= Decimal(order["money"]["total"]) else "PARTIALLY_PAID"
    if capturable_of_all(order):
        return "AUTHORIZED"
    if "VOID" in kinds:
        return "VOIDED"
    return "EXPIRED" if "AUTHORIZATION" in kinds else "PENDING"


def _children(order: Body, parent: Body) -> list[Body]:
    return [one for one in order["transactions"] if one["parent_id"] == parent["id"] and one["status"] in _LIVE]


def _sum(transactions: Iterable[Body]) -> Decimal:
    return sum((Decimal(one["amount"]) for one in transactions), Decimal(0))


def _ends(hours: float | None) -> str | None:
    return None if hours is None else text_of(now() + timedelta(hours=hours))
