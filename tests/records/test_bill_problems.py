"""What keeps a deal from being billed: every broken rule at once, each with its field and a remedy."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from seamline.records.address import Address
from seamline.records.bill import problems
from seamline.records.deal import BillingContact, Deal
from seamline.records.policy import Policy
from tests.records.deals import TODAY, customer, deal, instalment, line, money, policy

HALVES = (instalment(1, "50.00"), instalment(2, "50.00"))
ITALY = {"entities": {"Srl": "xero-it"}, "seller_countries": {"Srl": "IT"}}


def broken(one: Deal, part: int = 0, by: Policy | None = None) -> dict[str, str]:
    """Field -> what is wrong with it."""
    return {found.field: found.reason for found in problems(one, part, by or policy(), TODAY)}


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"entity": "GmbH"}, "entity", "is no legal entity"),
        ({"amount": money("0"), "lines": (line("0"),)}, "amount", "is not above zero"),
        ({"amount": money("-1")}, "amount", "is not above zero"),
        ({"amount": money("100", "EUR")}, "amount", "is not in the deal's currency"),
        ({"amount": money("100.001")}, "amount", "has more than the 2 digits"),
        ({"amount": money("1000000000000")}, "amount", "is not below 1,000,000,000,000"),
        ({"amount": money("100.01")}, "lines", "add up to 100.00, and the deal's amount is 100.01"),
        ({"lines": ()}, "lines", "are missing"),
        ({"close_date": None}, "close_date", "is missing"),
        ({"customer": None}, "customer", "is missing"),
        ({"customer": customer(name=" ")}, "customer.name", "is missing"),
        ({"customer": customer(address=Address())}, "customer.address.country", "two-letter country code"),
        ({"customer": customer(address=Address(country="gb"))}, "customer.address.country", "two-letter country code"),
        ({"contact": None}, "contact", "is missing"),
        ({"contact": BillingContact(id="003A")}, "contact.email", "is missing"),
        ({"contact": BillingContact(email="ap@acme")}, "contact.email", "is no mail address"),
        (
            {"customer": customer(purchase_order_required=True), "purchase_order": " "},
            "purchase_order",
            "is missing, and the customer asks for one",
        ),
        ({"terms": "net-31"}, "terms", "are not known; there are: net-0, net-7,"),
    ],
)
def test_a_broken_rule_is_named(changed: dict[str, Any], field: str, says: str) -> None:
    found = broken(deal(**changed))
    assert says in found[field]
    assert ": " in found[field]


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"quantity": Decimal(0)}, "quantity", "is not above zero"),
        ({"quantity": Decimal(-1)}, "quantity", "is not above zero"),
        ({"unit_price": money("-1")}, "unit_price", "is below zero"),
        ({"unit_price": money("1", "EUR")}, "unit_price", "is not in the deal's currency"),
        ({"discount_percent": Decimal(101)}, "discount_percent", "is not between 0 and 100"),
        ({"discount_percent": Decimal(-1)}, "discount_percent", "is not between 0 and 100"),
        ({"total": money("-1")}, "total", "is below zero"),
        ({"total": money("1", "EUR")}, "total", "is not in the deal's currency"),
        ({"total": money("0.001")}, "total", "has more than the 2 digits"),
        (
            {"tax_category": "books"},
            "tax_category",
            "has no tax rule for a seller in GB and a customer without a tax id in GB",
        ),
    ],
)
def test_a_broken_line_is_named_with_its_place(changed: dict[str, Any], field: str, says: str) -> None:
    sold = (line(), line(**changed))
    assert says in broken(deal(*sold, amount=money("100")))[f"lines.1.{field}"]


@pytest.mark.parametrize(
    ("parts", "part", "field", "says"),
    [
        ((), 1, "instalments", "have no number 1"),
        (HALVES, 3, "instalments", "have no number 3"),
        (HALVES[:1], 1, "instalments", "add up to 50.00, and the deal's amount is 100.00"),
        ((HALVES[0], instalment(1, "50.00")), 1, "instalments.1.number", "is used twice"),
        ((instalment(1, "-1"), instalment(2, "101")), 1, "instalments.0.amount", "is not above zero"),
        ((instalment(1, "0"), instalment(2, "100")), 1, "instalments.0.amount", "is not above zero"),
        ((HALVES[0], instalment(2, "50", currency="EUR")), 1, "instalments.1.amount", "is not in the deal's currency"),
        ((HALVES[0], instalment(2, "50", date(9999, 12, 31))), 1, "instalments.1.bill_on", "more than ten years ahead"),
    ],
)
def test_a_broken_instalment_is_named(parts: tuple[Any, ...], part: int, field: str, says: str) -> None:
    assert says in broken(deal(instalments=parts), part)[field]


def test_instalments_that_are_right_have_no_problems() -> None:
    assert broken(deal(instalments=HALVES), 2) == {}


@pytest.mark.parametrize(
    ("billing", "field", "says"),
    [
        ({"currencies": ("EUR", "USD")}, "currency", "is not billed in; there are: EUR, USD"),
        ({"invoice_date": "delivery-date"}, "delivery_date", "is missing, and invoices bear it"),
        ({"tax_rules": ()}, "lines.0.tax_category", "has no tax rule"),
        ({"seller_countries": {}}, "entity", "is no legal entity"),
        ({"standard_terms": "net-31"}, "terms", "are not known"),
    ],
)
def test_what_the_policy_does_not_know_is_named(billing: dict[str, Any], field: str, says: str) -> None:
    assert says in broken(deal(), by=policy(**billing))[field]


def test_a_consumer_in_the_european_union_is_left_to_staff() -> None:
    found = broken(deal(line(), line(), customer=customer(address=Address(country="DE"))))
    assert list(found) == ["lines.0.tax_category"]
    assert "a customer without a tax id in DE" in found["lines.0.tax_category"]


def test_the_rules_of_another_sellers_country_do_not_count() -> None:
    found = broken(deal(entity="Srl"), by=policy(**ITALY))
    assert "no tax rule for a seller in IT" in found["lines.0.tax_category"]


@pytest.mark.parametrize(("country", "tax_id", "waits"), [("IT", "IT1", True), ("IT", "", False), ("PL", "PL1", False)])
def test_an_e_invoicing_duty_waits(country: str, tax_id: str, waits: bool) -> None:
    rules = tuple({"seller": "IT", "customer": where, "code": "T", "percent": "22"} for where in ("IT", "EU"))
    ours = customer(address=Address(country=country), tax_id=tax_id)
    found = broken(deal(entity="Srl", customer=ours), by=policy(**ITALY, tax_rules=rules))
    assert list(found) == (["customer.address.country"] if waits else [])
    assert not waits or "asks for an e-invoice from a seller in IT" in found["customer.address.country"]


def test_every_broken_rule_is_told_at_once_and_nothing_personal() -> None:
    ours = customer(name="", tax_id="GB-SECRET", purchase_order_required=True, address=Address(country="Narnia"[:2]))
    one = deal(
        line(quantity=Decimal(0), unit_price=money("-1"), description="SECRET"),
        line("1.234", tax_category="SECRET"),
        amount=money("7", "USD"),
        currency="GBP",
        close_date=None,
        customer=ours,
        contact=BillingContact(email="SECRET"),
        purchase_order="",
        terms="SECRET",
        instalments=(instalment(1, "0"),),
        name="SECRET",
    )
    found = problems(one, 2, policy(), TODAY)
    assert {each.field for each in found} == {
        "amount",
        "close_date",
        "contact.email",
        "customer.name",
        "customer.address.country",
        "lines.0.quantity",
        "lines.0.unit_price",
        "lines.1.total",
        "lines",
        "instalments",
        "instalments.0.amount",
        "terms",
        "purchase_order",
    }
    assert "SECRET" not in str(found)
