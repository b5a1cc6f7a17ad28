"""No cent appears or vanishes, whatever the deal, its currency and its parts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seamline.records.bill import Bill, bill, problems
from seamline.records.cents import digits_of, from_cents, is_exact, spread, to_cents
from seamline.records.deal import Deal, DealLine
from seamline.records.money import Money
from seamline.records.policy import Policy
from tests.records.deals import TODAY, deal, instalment, line, policy

DEALS_MIN = 10_000
"""Over all currencies."""
CURRENCIES = ("GBP", "JPY", "KWD", "CLF")
CATEGORIES = {"standard": "20", "reduced": "5", "odd": "8.8750", "zero": "0"}
RULES = tuple(
    {"seller": "GB", "customer": "GB", "category": category, "code": category, "percent": percent}
    for category, percent in CATEGORIES.items()
)
PARTS_MAX = 6

Line = tuple[int, int]
LINES = st.lists(st.tuples(st.integers(0, 20) | st.integers(0, 10**11), st.integers(0, 10**12)), min_size=1, max_size=4)
"""The total in cents, and a number from which the rest of the line is taken."""

DEALS = st.tuples(
    LINES.filter(lambda lines: any(total for total, _ in lines)),
    st.lists(st.integers(1, 10**6 - 1), max_size=PARTS_MAX - 1),
    st.integers(-2000, 500),
)
"""Lines, where the amount is cut into parts (in millionths of it), and the close date in days from today."""

POLICIES = [
    policy(currencies=CURRENCIES, tax_rules=RULES, tax_rounding=rounding, invoice_date=day, standard_terms=terms)
    for rounding in ("line", "total")
    for day in ("close-date", "today", "end-of-month")
    for terms in ("net-0", "net-30", "end-of-month-30", "working-days-10")
]


def deal_of(currency: str, lines: list[Line], cuts: list[int], closed: int) -> Deal:
    """A deal that can be billed. Quantity, price and discount of a line may not come to its total."""
    cents = sum(total for total, _ in lines)
    ends = sorted({cents * cut // 10**6 for cut in cuts} - {0} | {cents})
    amounts = [end - begin for begin, end in zip([0, *ends], ends, strict=False)] if cuts else []
    day = TODAY + timedelta(days=closed)
    parts = tuple(
        instalment(number, from_cents(amount, currency), day + timedelta(days=30 * number), currency)
        for number, amount in enumerate(amounts, start=1)
    )
    sold = [_line_of(currency, *one) for one in lines]
    return deal(*sold, currency=currency, instalments=parts, close_date=day)


def _line_of(currency: str, total: int, rest: int) -> DealLine:
    rest, category = divmod(rest, len(CATEGORIES))
    rest, discount = divmod(rest, 101)
    price, quantity = divmod(rest, 10**5)
    return line(
        from_cents(total, currency),
        currency,
        quantity=Decimal(quantity + 1).scaleb(-2),
        unit_price=Money(amount=Decimal(price).scaleb(-2), currency=currency),
        discount_percent=Decimal(discount),
        tax_category=tuple(CATEGORIES)[category],
    )


@pytest.mark.timeout(600)
@given(sold=DEALS, by=st.sampled_from(POLICIES))
@settings(max_examples=DEALS_MIN // len(CURRENCIES), deadline=None, database=None)
def test_no_cent_appears_or_vanishes(sold: tuple[list[Line], list[int], int], by: Policy) -> None:
    for currency in CURRENCIES:
        _is_billed_to_the_cent(deal_of(currency, *sold), by)


def _is_billed_to_the_cent(one: Deal, by: Policy) -> None:
    numbers = [part.number for part in one.instalments] or [0]
    assert [found for number in numbers for found in problems(one, number, by, TODAY)] == []
    bills = [bill(one, number, by, TODAY) for number in numbers]
    for made in bills:
        _adds_up(made, by)
    assert sum(made.net.amount for made in bills) == one.amount.amount
    assert [made.net for made in bills] == ([part.amount for part in one.instalments] or [one.amount])
    assert _nets_by_code(bills) == _sold_by_category(one)


def _adds_up(made: Bill, by: Policy) -> None:
    assert made.lines
    assert made.issued <= made.due
    assert made.total == made.net + made.tax
    assert made.net == Money.total((one.net for one in made.lines), made.currency)
    assert made.tax == Money.total((one.tax for one in made.lines), made.currency)
    unit = from_cents(1, made.currency)
    rates = {category: Decimal(percent) / 100 for category, percent in CATEGORIES.items()}
    for one in made.lines:
        assert one.net.amount >= 0
        assert is_exact(one.net.amount, made.currency)
        assert is_exact(one.tax.amount, made.currency)
        assert abs(one.tax.amount - one.net.amount * rates[one.tax_code]) < unit
        explained = one.quantity * one.unit_price.amount * (1 - one.discount_percent / 100)
        assert abs(explained - one.net.amount) <= unit / 2
    if by.billing.tax_rounding == "line":
        assert all(abs(one.tax.amount - one.net.amount * rates[one.tax_code]) <= unit / 2 for one in made.lines)
    else:
        for code, net in _nets_by_code([made]).items():
            tax = sum(one.tax.amount for one in made.lines if one.tax_code == code)
            assert abs(tax - net * rates[code]) <= unit / 2


def _nets_by_code(bills: list[Bill]) -> dict[str, Decimal]:
    return _summed((one.tax_code, one.net.amount) for made in bills for one in made.lines)


def _sold_by_category(one: Deal) -> dict[str, Decimal]:
    return _summed((each.tax_category, each.total.amount) for each in one.lines)


def _summed(pairs: Any) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, amount in pairs:
        sums[name] = sums.get(name, Decimal(0)) + amount
    return {name: amount for name, amount in sums.items() if amount}


@given(cents=st.integers(0, 10**12), weights=st.lists(st.integers(0, 10**12), min_size=1, max_size=20).filter(any))
def test_what_is_spread_is_neither_more_nor_less(cents: int, weights: list[int]) -> None:
    parts = spread(cents, weights)
    assert sum(parts) == cents
    assert all(part >= 0 for part in parts)
    whole = sum(weights)
    assert all(abs(part * whole - cents * weight) < whole for part, weight in zip(parts, weights, strict=True))


@given(cents=st.integers(0, 10**14), currency=st.sampled_from(CURRENCIES))
def test_cents_come_back_as_they_were(cents: int, currency: str) -> None:
    amount = from_cents(cents, currency)
    assert to_cents(amount, currency) == cents
    assert is_exact(amount, currency)
    assert digits_of(currency) == 4 or not is_exact(amount + from_cents(1, "CLF"), currency)


@given(issued=st.dates(date(2020, 1, 1), date(2030, 1, 1)), count=st.integers(0, 100))
def test_working_days_are_counted_one_by_one(issued: date, count: int) -> None:
    calendar = policy().billing.calendar
    due = calendar.days_after(issued, count)
    between = [issued + timedelta(days=number) for number in range(1, (due - issued).days + 1)]
    assert sum(map(calendar.is_working, between)) == count
    assert count == 0 or calendar.is_working(due)
