"""What an invoice says: its dates, its lines, its tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from seamline.records.address import Address
from seamline.records.bill import Bill, bill, problems
from seamline.records.billing import Billing
from seamline.records.calendar import WorkingDays
from seamline.records.deal import Deal
from seamline.records.policy import Policy
from tests.records.deals import TODAY, customer, deal, instalment, line, money, policy


def billed(one: Deal, part: int = 0, by: Policy | None = None, today: date = TODAY) -> Bill:
    """The bill of a deal that has no problems."""
    by = by or policy()
    assert problems(one, part, by, today) == []
    return bill(one, part, by, today)


def test_a_plain_deal() -> None:
    made = billed(deal(line("300.00", quantity=Decimal(3), unit_price=money("100")), line("20.50")))
    assert (made.part, made.terms, made.currency) == (0, "net-30", "GBP")
    assert (made.issued, made.due) == (date(2026, 11, 19), date(2026, 12, 19))
    assert (made.net, made.tax, made.total) == (money("320.50"), money("64.10"), money("384.60"))
    first = made.lines[0]
    assert (first.quantity, first.unit_price, first.net, first.tax) == (3, money("100"), money("300"), money("60"))
    assert {one.tax_code for one in made.lines} == {"OUTPUT2"}


# ---- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "closed", "delivered", "issued"),
    [
        ("close-date", "2026-11-19", None, "2026-11-19"),
        ("close-date", "2026-12-24", None, "2026-11-20"),
        ("close-date", "2026-08-22", None, "2026-08-22"),
        ("close-date", "2026-08-21", None, "2026-11-20"),
        ("delivery-date", "2026-11-19", "2026-11-02", "2026-11-02"),
        ("delivery-date", "2026-11-19", "2026-12-02", "2026-11-20"),
        ("today", "2026-11-01", None, "2026-11-20"),
        ("end-of-month", "2026-11-19", None, "2026-11-30"),
        ("end-of-month", "2026-10-03", None, "2026-10-31"),
        ("end-of-month", "2027-02-03", None, "2026-11-30"),
    ],
)
def test_the_invoice_bears_the_day_of_the_rule(rule: str, closed: str, delivered: str | None, issued: str) -> None:
    one = deal(close_date=date.fromisoformat(closed), delivery_date=delivered)
    assert billed(one, by=policy(invoice_date=rule)).issued == date.fromisoformat(issued)


@pytest.mark.parametrize(
    ("terms", "due"),
    [
        ("net-0", "2026-11-19"),
        ("net-14", "2026-12-03"),
        ("end-of-month-30", "2026-12-30"),
        ("working-days-10", "2026-12-04"),
    ],
)
def test_terms_decide_when_it_is_due(terms: str, due: str) -> None:
    by = policy(calendar=WorkingDays(holidays=(date(2026, 11, 30),)))
    made = billed(deal(terms=terms), by=by)
    assert (made.terms, made.due) == (terms, date.fromisoformat(due))


def test_working_days_are_those_of_the_calendar() -> None:
    by = policy(calendar=WorkingDays(days=("sat",), holidays=(date(2026, 11, 28),)), standard_terms="working-days-10")
    assert billed(deal(), by=by).due == date(2027, 1, 30)


def test_the_group_has_its_terms_and_the_deal_may_have_others() -> None:
    by = policy(group_terms={"public": "net-60"})
    ours = customer(group="public")
    assert billed(deal(customer=ours), by=by).terms == "net-60"
    assert billed(deal(customer=ours, terms="net-7"), by=by).terms == "net-7"
    assert billed(deal(customer=customer(group="unheard of")), by=by).terms == "net-30"


# ---- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "quantity", "price", "discount", "kept"),
    [
        ("90.00", 2, "50.00", "10", True),
        ("0.13", 1, "0.125", "0", True),
        ("100.00", 3, "33.33", "0", False),
        ("100.00", 1, "100.00", "5", False),
    ],
)
def test_a_line_that_does_not_multiply_is_one_piece(
    total: str, quantity: int, price: str, discount: str, kept: bool
) -> None:
    sold = line(total, quantity=Decimal(quantity), unit_price=money(price), discount_percent=Decimal(discount))
    (made,) = billed(deal(sold)).lines
    assert made.net == money(total)
    if kept:
        assert (made.quantity, made.unit_price, made.discount_percent) == (quantity, money(price), Decimal(discount))
        assert made.description == "Machine"
    else:
        assert (made.quantity, made.unit_price, made.discount_percent) == (1, money(total), 0)
        assert made.description == f"Machine ({quantity} in all)"


@pytest.mark.parametrize(
    ("changed", "told"), [({"description": "", "sku": "M-1"}, "M-1"), ({"description": ""}, "Machines")]
)
def test_a_line_always_has_a_text(changed: dict[str, Any], told: str) -> None:
    assert billed(deal(line(**changed))).lines[0].description == told


# ---- instalments -----------------------------------------------------------------------------------------------------


def test_an_instalment_is_billed_on_its_day_and_says_which_it_is() -> None:
    parts = (instalment(2, "70.00", date(2026, 12, 31)), instalment(1, "30.00", date(2026, 11, 25)))
    made = billed(deal(instalments=parts), 2)
    assert (made.part, made.issued, made.due) == (2, date(2026, 12, 31), date(2027, 1, 30))
    assert [(one.description, one.net, one.tax) for one in made.lines] == [
        ("Instalment 2 of 2: Machines", money("70.00"), money("14.00"))
    ]


def test_an_instalment_has_a_line_for_each_rate() -> None:
    sold = (line("60.00"), line("30.00", tax_category="zero"), line("10.00"))
    parts = (instalment(1, "33.33"), instalment(2, "33.33"), instalment(3, "33.34"))
    made = [billed(deal(*sold, instalments=parts), number) for number in (1, 2, 3)]
    assert [[one.net.amount for one in part.lines] for part in made] == [
        [Decimal("23.33"), Decimal("10.00")],
        [Decimal("23.33"), Decimal("10.00")],
        [Decimal("23.34"), Decimal("10.00")],
    ]
    assert [one.tax_code for one in made[0].lines] == ["OUTPUT2", "ZERORATEDOUTPUT"]
    assert made[0].lines[1].description == "Instalment 1 of 3: Machines, what is taxed at 0 %"


def test_a_rate_without_a_share_has_no_line() -> None:
    sold = (line("100.00"), line("0.00", tax_category="zero"))
    made = billed(deal(*sold, instalments=(instalment(1, "60.00"), instalment(2, "40.00"))), 1)
    assert [one.description for one in made.lines] == ["Instalment 1 of 2: Machines"]


# ---- tax -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "tax_id", "category", "code", "tax"),
    [
        ("GB", "", "", "OUTPUT2", "20"),
        ("GB", "GB123", "standard", "OUTPUT2", "20"),
        ("GB", "", "reduced", "RROUTPUT", "5"),
        ("GB", "", "zero", "ZERORATEDOUTPUT", "0"),
        ("GB", "", "exempt", "EXEMPTOUTPUT", "0"),
        ("DE", "DE123", "", "ECZROUTPUTSERVICES", "0"),
        ("IT", "IT123", "reduced", "ECZROUTPUTSERVICES", "0"),
        ("US", "", "", "ZERORATEDOUTPUT", "0"),
    ],
)
def test_tax_goes_by_country_tax_id_and_category(country: str, tax_id: str, category: str, code: str, tax: str) -> None:
    ours = customer(address=Address(country=country), tax_id=tax_id)
    (made,) = billed(deal(line(tax_category=category), customer=ours)).lines
    assert (made.tax_code, made.tax) == (code, money(tax))


def test_a_rule_may_be_for_a_region_and_another_seller() -> None:
    rules = (
        {"seller": "ES", "customer": "ES", "region": "GC", "code": "ESEXP", "percent": "0"},
        {"seller": "ES", "customer": "ES", "code": "ES21", "percent": "21"},
        {"seller": "ES", "customer": "EU", "business": True, "code": "ESEU", "percent": "0"},
    )
    by = policy(tax_rules=rules, entities={"SL": "xero-es"}, seller_countries={"SL": "ES"})
    codes = [
        billed(deal(entity="SL", customer=customer(address=address, tax_id="X1")), by=by).lines[0].tax_code
        for address in (Address(country="ES", region="GC"), Address(country="ES"), Address(country="PT"))
    ]
    assert codes == ["ESEXP", "ES21", "ESEU"]
    assert by.billing.connection_of("SL") == "xero-es"
    assert by.billing.connection_of("") == ""


@pytest.mark.parametrize(
    ("rounding", "taxes"), [("line", ["0.01", "0.01", "0.01"]), ("total", ["0.01", "0.01", "0.00"])]
)
def test_tax_is_rounded_by_line_or_by_total(rounding: str, taxes: list[str]) -> None:
    made = billed(deal(line("0.03"), line("0.03"), line("0.03")), by=policy(tax_rounding=rounding))
    assert [one.tax for one in made.lines] == [money(tax) for tax in taxes]
    assert made.total == made.net + made.tax


def test_half_a_cent_of_tax_is_rounded_up() -> None:
    by = policy(tax_rules=({"seller": "GB", "customer": "GB", "code": "T", "percent": "12.5"},))
    assert [billed(deal(line(net)), by=by).tax for net in ("0.04", "0.03", "0.12")] == [
        money("0.01"),
        money("0.00"),
        money("0.02"),
    ]


@pytest.mark.parametrize(
    ("currency", "amount", "tax", "told"),
    [("JPY", "1003", "201", "1204 JPY"), ("KWD", "10.003", "2.001", "12.004 KWD"), ("GBP", "1.03", "0.21", "1.24 GBP")],
)
def test_each_currency_has_its_smallest_unit(currency: str, amount: str, tax: str, told: str) -> None:
    made = billed(deal(line(amount, currency), currency=currency), by=policy(currencies=(currency,)))
    assert made.tax == money(tax, currency)
    assert str(made.total) == told


# ---- approval --------------------------------------------------------------------------------------------------------


def reasons(one: Deal, by: Policy, *, new_customer: bool = False) -> list[str]:
    return by.billing.reasons(one, billed(one, by=by), new_customer=new_customer)


def test_a_plain_invoice_needs_no_approval() -> None:
    assert reasons(deal(line("8333.33")), policy()) == []


def test_every_reason_for_an_approval_is_told() -> None:
    sold = line("8400.00", unit_price=money("10000"), discount_percent=Decimal(16))
    assert reasons(deal(sold, terms="net-60"), policy(), new_customer=True) == [
        "the invoice comes to 10080.00 GBP, above the limit of 10000",
        "the discount of 16 % is above the limit of 15 %",
        "the customer is new in accounting",
        "the terms are net-60, and the customer's standard ones net-30",
    ]


def test_a_currency_without_a_limit_is_asked() -> None:
    by = policy(currencies=("CHF",))
    told = ["the invoice comes to 120.00 CHF, and no invoice_max is set for CHF"]
    assert reasons(deal(line("100.00", "CHF"), currency="CHF"), by) == told


def test_what_is_not_to_be_asked_is_not() -> None:
    by = policy(
        new_customers_asked=False, other_terms_asked=False, discount_percent_max="50", invoice_max={"GBP": 1000}
    )
    sold = line("600.00", unit_price=money("1200"), discount_percent=Decimal(50))
    assert reasons(deal(sold, terms="net-60"), by, new_customer=True) == []


def test_the_customers_group_terms_are_its_standard_ones() -> None:
    by = policy(group_terms={"public": "net-60"})
    ours = customer(group="public")
    assert reasons(deal(customer=ours, terms="net-60"), by) == []
    assert len(reasons(deal(customer=ours, terms="net-30"), by)) == 1


def test_a_policy_of_billing_survives_its_journey() -> None:
    by = Policy(billing=Billing())
    assert Policy.model_validate_json(by.model_dump_json()) == by
