"""Deals for tests: one without problems, to be changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from seamline.records.address import Address
from seamline.records.billing import Billing
from seamline.records.customer import Customer
from seamline.records.deal import BillingContact, Deal, DealLine, DealStage, Instalment
from seamline.records.money import Money
from seamline.records.policy import Policy

TODAY = date(2026, 11, 20)
PURCHASE_ORDER = "PO-7"


def money(amount: str | int | Decimal, currency: str = "GBP") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def line(total: str | Decimal = "100.00", currency: str = "GBP", /, **changed: Any) -> DealLine:
    given = {"quantity": Decimal(1), "unit_price": money(total, currency), "total": money(total, currency)} | changed
    return DealLine.model_validate({"id": "00k1", "description": "Machine", **given})


def customer(**changed: Any) -> Customer:
    given = {"reference": "crm-main:001A", "name": "Acme", "address": Address(country="GB")} | changed
    return Customer.model_validate(given)


def instalment(number: int, amount: str | Decimal, bill_on: date = TODAY, currency: str = "GBP") -> Instalment:
    return Instalment(number=number, bill_on=bill_on, amount=money(amount, currency))


def deal(*lines: DealLine, currency: str = "GBP", **changed: Any) -> Deal:
    """A won deal over these lines, 100 GBP where none are given."""
    sold = lines or (line(),)
    given = {
        "reference": "crm-main:006A",
        "name": "Machines",
        "stage": DealStage.WON,
        "changed_at": datetime(2026, 11, 19, tzinfo=UTC),
        "currency": currency,
        "amount": money(sum(one.total.amount for one in sold), currency),
        "close_date": date(2026, 11, 19),
        "customer": customer(),
        "contact": BillingContact(id="003A", email="ap@acme.example"),
        "lines": sold,
        "purchase_order": PURCHASE_ORDER,
    } | changed
    return Deal.model_validate(given)


def policy(**billing: Any) -> Policy:
    return Policy(billing=Billing.model_validate(billing))
