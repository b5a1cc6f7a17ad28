"""When an order can go, by who takes its money; and what became of it while its parcel was under way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from seamline.records.address import Address
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine, Payment, Totals
from seamline.records.order_rules import not_ready
from seamline.records.payment import Authorization, PaymentMode
from seamline.records.policy import Policy

NOW = datetime(2026, 11, 22, 10, 50, tzinfo=UTC)
POLICY = Policy(authorization_hours_min=48)
ADDRESS = Address(name="Jo Fielding", street1="12 Mill Lane", city="Cambridge", postcode="CB2 1RX", country="GB")


def pounds(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="GBP")


def authorized(amount: str = "29.00", hours: float | None = 100, currency: str = "GBP") -> Authorization:
    ends = None if hours is None else NOW + timedelta(hours=hours)
    return Authorization(id="A1", amount=Money(amount=Decimal(amount), currency=currency), expires_at=ends)


def order(payment: Payment = Payment.PAID, mode: PaymentMode = PaymentMode.PAID, **changes: Any) -> Order:
    """Two mugs for 29.00 GBP."""
    part = FulfilmentLine(id="P1", order_line_id="L1", sku="MUG-BLUE", quantity=2)
    none = pounds("0")
    values: dict[str, Any] = {
        "reference": "shop-uk:5001",
        "number": "#5001",
        "created_at": NOW,
        "currency": "GBP",
        "payment": payment,
        "payment_mode": mode,
        "lines": (OrderLine(id="L1", sku="MUG-BLUE", title="Mug", quantity=2, unit_price=pounds("14.50")),),
        "fulfilment_orders": (FulfilmentOrder(id="F1", location="Main", open=True, lines=(part,)),),
        "totals": Totals(
            lines=pounds("29.00"),
            shipping=none,
            duties=none,
            tips=none,
            discounts=none,
            taxes=none,
            taxes_included=True,
            rounding=none,
            total=pounds("29.00"),
        ),
        "address": ADDRESS,
    }
    return Order.model_validate(values | changes)


def fields(of: Order) -> list[str]:
    return [problem.field for problem in not_ready(of, POLICY, NOW)]


@pytest.mark.parametrize(
    ("payment", "mode"),
    [
        *((Payment.PAID, mode) for mode in PaymentMode),
        (Payment.PARTIALLY_REFUNDED, PaymentMode.PAID),
        (Payment.AUTHORIZED, PaymentMode.OURS),
        (Payment.AUTHORIZED, PaymentMode.ON_FULFILMENT),
        (Payment.AUTHORIZED, PaymentMode.PAID),
        (Payment.PENDING, PaymentMode.TERMS),
    ],
)
def test_ready(payment: Payment, mode: PaymentMode) -> None:
    assert fields(order(payment, mode, authorization=authorized())) == []


def test_what_the_store_still_has_to_take_is_waited_for() -> None:
    assert order(Payment.AUTHORIZED).awaits_payment
    assert not order(Payment.AUTHORIZED, PaymentMode.OURS).awaits_payment
    assert order(Payment.PENDING).awaits_payment
    assert order(Payment.PARTIALLY_PAID, PaymentMode.OURS).awaits_payment
    assert not order(Payment.PENDING, PaymentMode.TERMS).awaits_payment


@pytest.mark.parametrize(
    ("payment", "mode", "kept", "field"),
    [
        *((Payment.EXPIRED, mode, authorized(hours=-1), "payment") for mode in PaymentMode),
        (Payment.AUTHORIZED, PaymentMode.OURS, None, "authorization"),
        (Payment.AUTHORIZED, PaymentMode.OURS, authorized("28.99"), "authorization.amount"),
        (Payment.AUTHORIZED, PaymentMode.OURS, authorized(currency="EUR"), "authorization.amount"),
        (Payment.AUTHORIZED, PaymentMode.OURS, authorized(hours=48), "authorization.expires_at"),
    ],
)
def test_not_ready(payment: Payment, mode: PaymentMode, kept: Authorization | None, field: str) -> None:
    assert fields(order(payment, mode, authorization=kept)) == [field]


def test_the_end_of_an_authorisation_is_named() -> None:
    late = order(Payment.AUTHORIZED, PaymentMode.OURS, authorization=authorized(hours=30))
    (problem,) = not_ready(late, POLICY, NOW)
    assert "23 Nov 16:50 UTC" in problem.reason
    assert fields(order(Payment.AUTHORIZED, PaymentMode.OURS, authorization=authorized(hours=None))) == []


def test_what_is_left_to_collect() -> None:
    assert str(order().to_collect) == "29.00 GBP"
    assert str(order(collected=pounds("9.00")).to_collect) == "20.00 GBP"
    assert str(order(collected=pounds("30.00")).to_collect) == "0.00 GBP"


@pytest.mark.parametrize("payment", [Payment.AUTHORIZED, Payment.PARTIALLY_PAID])
def test_what_a_gift_card_did_not_pay_is_captured(payment: Payment) -> None:
    gift = order(payment, PaymentMode.OURS, collected=pounds("9.00"), authorization=authorized("20.00"))
    assert fields(gift) == []
    assert not gift.awaits_payment
    assert gift.capture_due is not None
    assert str(gift.capture_due.amount) == "20.00 GBP"


def test_a_capture_is_in_the_customers_currency() -> None:
    euros = Money(amount=Decimal("33.93"), currency="EUR")
    abroad = order(
        Payment.AUTHORIZED, PaymentMode.OURS, charged=euros, authorization=authorized("33.93", currency="EUR")
    )
    assert fields(abroad) == []
    assert abroad.capture_due is not None
    assert abroad.capture_due.amount == euros


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payment": Payment.REFUNDED}, "payment"),
        ({"payment": Payment.VOIDED}, "payment"),
        ({"payment": Payment.EXPIRED}, "payment"),
        ({"payment": Payment.PARTIALLY_PAID, "collected": pounds("10.00")}, "payment"),
        ({"authorization": authorized(hours=0)}, "payment"),
    ],
)
def test_what_became_of_the_payment_meanwhile(changes: dict[str, Any], field: str) -> None:
    before = order(Payment.AUTHORIZED, PaymentMode.OURS, authorization=authorized())
    after = before.model_copy(update=changes)
    assert before.payment_since(before, NOW) == []
    assert [problem.field for problem in after.payment_since(before, NOW)] == [field]


def test_what_does_not_matter_to_a_parcel_under_way() -> None:
    before = order(Payment.AUTHORIZED, PaymentMode.OURS, authorization=authorized())
    after = before.model_copy(update={"payment": Payment.PAID, "authorization": None, "locale": "de"})
    assert after.payment_since(before, NOW) == []
    assert order(Payment.PARTIALLY_REFUNDED).payment_since(order(), NOW) == []
    agreed = order(Payment.PENDING, PaymentMode.TERMS)
    assert order(Payment.PARTIALLY_PAID, PaymentMode.TERMS).payment_since(agreed, NOW) == []
