"""Amending: whatever is sent, the answer is a valid record or a BadDecision that names fields and no values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.process.decision import BadDecision, Decision, amend, read_decision
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.stock import StockLine, StockRequest

SECRET = "Ada Lovelace"
PRICE = Money(amount=Decimal("9.50"), currency="GBP")
REQUEST = StockRequest(
    reference="shop-uk:5001",
    number="#5001",
    currency="GBP",
    address=Address(name="Ada", street1="1 High Street", city="London", postcode="N1", country="GB"),
    lines=(StockLine(sku="A", quantity=1, unit_price=PRICE), StockLine(sku="B", quantity=2, unit_price=PRICE)),
)
NAMES = st.sampled_from(
    [
        *StockRequest.model_fields,
        *StockLine.model_fields,
        *Money.model_fields,
        "postcode",
        "country",
        "0",
        "1",
        "9",
        "x",
    ]
)
VALUES = st.sampled_from(
    [None, True, 0, -1, 10**30, 1e308, float("inf"), float("nan"), "", SECRET, "GBP", "1.5", "NaN"]
)
PATCHES = st.dictionaries(
    NAMES,
    st.recursive(VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3)),
    max_size=4,
)


def or_refused(answer: Callable[[], Record]) -> Record | str:
    """The answer, or the text of its refusal, which names something and no value."""
    try:
        return answer()
    except BadDecision as refused:
        text = str(refused)
    assert text
    assert SECRET not in text
    return text


@given(PATCHES)
def test_an_amendment_ends_in_a_valid_record_or_a_bad_decision(change: dict[str, Any]) -> None:
    answer = or_refused(lambda: amend(REQUEST, change))
    assert isinstance(answer, Record | str)
    if isinstance(answer, Record):
        assert StockRequest.model_validate(answer.model_dump(mode="json")) == answer


JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
DECISIONS = st.fixed_dictionaries(
    {}, optional={"wait": JSON, "action": JSON | st.just("amend"), "who": JSON, "change": JSON, "result": JSON}
)


@given(st.lists(JSON | DECISIONS, max_size=2))
def test_any_arguments_are_a_decision_or_a_bad_one(arguments: list[Any]) -> None:
    assert isinstance(or_refused(lambda: read_decision(arguments)), Decision | str)


@pytest.mark.parametrize(
    ("change", "place", "value"),
    [
        ({"address": {"postcode": "N2"}}, ("address", "postcode"), "N2"),
        ({"address": {"postcode": None}}, ("address", "postcode"), ""),
        ({"lines": {"1": {"quantity": 5}}}, ("lines", 1, "quantity"), 5),
        ({"lines": {"0": {"unit_price": {"amount": "8"}}}}, ("lines", 0, "unit_price", "amount"), "8"),
    ],
)
def test_only_what_is_named_changes(change: dict[str, Any], place: tuple[str | int, ...], value: object) -> None:
    expected = REQUEST.model_dump(mode="json")
    found = amend(REQUEST, change).model_dump(mode="json")
    before: Any = expected
    after: Any = found
    for name in place[:-1]:
        before, after = before[name], after[name]
    assert after[place[-1]] == value
    before[place[-1]] = value
    assert found == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "change is missing: give the fields to amend"),
        ({"adress": {}}, "change.adress is no field here; there are: address, currency, lines, number, reference"),
        ({"lines": {"2": {"quantity": 5}}}, "change.lines.2 is no field here; there are: 0, 1"),
        ({"lines": {"0": {"qty": 5}}}, "change.lines.0.qty is no field here; there are: quantity, sku, unit_price"),
        ({"currency": {"code": "EUR"}}, "change.currency.code is no field here; there are: none"),
        ({"lines": {"0": None}}, "change.lines.0 Input should be a valid dictionary or instance of StockLine"),
    ],
)
def test_a_field_that_is_none_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadDecision) as refused:
        amend(REQUEST, change)
    assert str(refused.value) == said
