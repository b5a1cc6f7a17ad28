"""What people changed in an order under way, and what is done about it: rules, and what holds for every change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.records.order import FulfilmentLine, FulfilmentOrder, Order, OrderLine, Payment
from seamline.records.order_changes import adopted, changed, difference, in_the_way, nothing_left, over
from seamline.records.payment import PaymentMode
from seamline.records.policy import Policy
from seamline.records.shipping import Fulfilled
from seamline.records.shipping_plan import Plan
from tests.records.test_order import ADDRESS, NOW, authorized, order, pounds

POLICY = Policy()
NOBODY = Fulfilled(ours=("SIM1",))
OURS = Fulfilled(numbers=("SIM1",), ours=("SIM1",))
OTHERS = Fulfilled(numbers=("OTHER1",), ours=("SIM1",))
ELSEWHERE = ADDRESS.model_copy(update={"postcode": "CB1 1AA"})
SKUS = ("MUG-BLUE", "TEE-M", "BOOK-TIDE")


def of(quantities: dict[str, int], **changes: Any) -> Order:
    """An order of these pieces, that adds up, in one fulfilment order."""
    lines = tuple(
        OrderLine(id=sku, sku=sku, title=sku, quantity=count, unit_price=pounds("1.00"))
        for sku, count in quantities.items()
    )
    parts = tuple(
        FulfilmentLine(id=f"P-{sku}", order_line_id=sku, sku=sku, quantity=count)
        for sku, count in quantities.items()
        if count
    )
    worth = pounds(f"{sum(quantities.values())}.00")
    totals = order().totals.model_copy(update={"lines": worth, "total": worth})
    part = FulfilmentOrder(id="F1", location="Main", open=bool(parts), lines=parts)
    return order(lines=lines, totals=totals, fulfilment_orders=(part,), **changes)


def plan_of(found: Order) -> Plan:
    return Plan(order=found, found=found)


pieces = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 3), min_size=1).filter(lambda all_: any(all_.values()))
addresses = st.sampled_from([ADDRESS, ELSEWHERE])
payments = st.sampled_from([Payment.PAID, Payment.PARTIALLY_REFUNDED])
orders = st.builds(lambda goods, where, payment: of(goods, address=where, payment=payment), pieces, addresses, payments)


def fields(plan: Plan, now: Order, fulfilled: Fulfilled = NOBODY) -> list[str]:
    return [one.field for one in in_the_way(plan, now, fulfilled, POLICY, NOW)]


@given(orders)
def test_an_order_that_nobody_touched_is_as_planned(found: Order) -> None:
    plan = plan_of(found)
    assert (changed(plan, found), difference(plan, found).told, fields(plan, found)) == ("", "", [])
    assert not over(plan, found, NOBODY)
    assert adopted(plan, found, NOBODY) == []


@given(orders, orders)
def test_what_is_planned_anew_is_what_the_order_says(found: Order, now: Order) -> None:
    plan = plan_of(found)
    assert fields(plan, now) == []
    anew = plan.anew(now)
    assert (anew.part.lines, anew.order.address) == (now.fulfilment_orders[0].lines, now.address)
    assert changed(anew, now) == ""


@given(orders, orders)
def test_what_people_have_answered_is_not_asked_again(found: Order, now: Order) -> None:
    kept = plan_of(found).seen(now)
    assert changed(kept, now) == ""
    assert kept.order == found
    assert not difference(kept, now)


@given(orders, orders)
def test_a_change_that_was_taken_back_is_none(found: Order, now: Order) -> None:
    assert not difference(plan_of(found).seen(now), found)


@given(orders, orders, st.integers(1, 9))
def test_what_staff_amended_stays_where_the_shop_changed_something_else(found: Order, now: Order, number: int) -> None:
    amended = Plan(order=found.model_copy(update={"email": f"jo{number}@example.com"}), found=found)
    assert amended.anew(now).order.email == f"jo{number}@example.com"
    there = now.model_copy(update={"email": "new@example.com"})
    assert amended.anew(there).order.email == "new@example.com"


@given(orders, orders)
def test_the_shop_is_told_no_more_than_it_has_left(found: Order, now: Order) -> None:
    kept = plan_of(found).seen(now)
    left = {one.id: one.quantity for one in now.fulfilment_orders[0].lines}
    planned = {one.id: one.quantity for one in found.fulfilment_orders[0].lines}
    told = {one.id: one.quantity for one in kept.left}
    both = {one: min(planned[one], left[one]) for one in planned.keys() & left.keys()}
    assert told == (both or planned)


def test_a_change_is_told_in_pieces_and_without_the_address() -> None:
    plan = plan_of(of({"MUG-BLUE": 2}))
    what = difference(plan, of({"MUG-BLUE": 1, "TEE-M": 1}, address=ELSEWHERE))
    assert what.told == "1 MUG-BLUE instead of 2, 1 TEE-M instead of 0, another address"


@pytest.mark.parametrize(
    ("changes", "fulfilled", "field"),
    [
        ({"payment": Payment.REFUNDED}, NOBODY, "payment"),
        ({"payment": Payment.VOIDED}, NOBODY, "payment"),
        ({"fulfilment_orders": ()}, OTHERS, "fulfilment_orders.0"),
        ({"fulfilment_orders": ()}, NOBODY, "fulfilment_orders"),
        ({}, OURS, "fulfilment_orders.0"),
    ],
)
def test_what_people_must_settle_first(changes: dict[str, Any], fulfilled: Fulfilled, field: str) -> None:
    found = of({"MUG-BLUE": 2})
    assert fields(plan_of(found), found.model_copy(update=changes), fulfilled) == [field]


def test_a_hold_is_named_once_it_is_put_on() -> None:
    found = of({"MUG-BLUE": 2})
    held = found.model_copy(
        update={"fulfilment_orders": (found.fulfilment_orders[0].model_copy(update={"on_hold": True}),)}
    )
    assert fields(plan_of(found), held) == ["fulfilment_orders.0"]
    assert changed(plan_of(found), held) == "it was put on hold"
    assert changed(plan_of(held), held) == ""


def test_more_goods_than_are_paid_wait_for_the_payment() -> None:
    found = of({"MUG-BLUE": 1})
    more = of({"MUG-BLUE": 2}, payment=Payment.PARTIALLY_PAID, collected=pounds("1.00"))
    assert fields(plan_of(found), more) == ["payment"]


def test_labels_that_others_buy_are_adopted_once_all_is_sent_under_them() -> None:
    found = of({"MUG-BLUE": 2})
    plan, closed = plan_of(found), found.model_copy(update={"fulfilment_orders": ()})
    theirs = Fulfilled(numbers=("T1",), ours=("T1",), by_others=True)
    (problem,) = in_the_way(plan, found, theirs, POLICY, NOW)
    assert problem.reason == "is fulfilled in part, under T1: fulfil the rest in the shop, then retry"
    assert in_the_way(plan, closed, theirs, POLICY, NOW) == []
    assert adopted(plan, closed, theirs) == [
        "adopted: it was fulfilled in the shop by others, under their tracking number"
    ]


def test_another_number_is_named_and_ours_is_adopted() -> None:
    found = of({"MUG-BLUE": 2})
    closed = found.model_copy(update={"fulfilment_orders": ()})
    plan = plan_of(found)
    (problem,) = in_the_way(plan, closed, OTHERS, POLICY, NOW)
    assert "OTHER1" in problem.reason
    assert "SIM1" in problem.reason
    assert in_the_way(plan, closed, OURS, POLICY, NOW) == []
    assert adopted(plan, closed, OURS) == ["adopted: it was fulfilled in the shop by others, under our tracking number"]
    assert nothing_left(plan, closed)
    assert not difference(plan, closed)


def test_a_payment_captured_by_others_is_adopted() -> None:
    found = order(Payment.AUTHORIZED, PaymentMode.OURS, authorization=authorized())
    now = found.model_copy(update={"payment": Payment.PAID})
    assert adopted(plan_of(found), now, NOBODY) == ["adopted: the payment was captured in the shop by others"]
    assert fields(plan_of(found), now) == []


def test_what_the_shop_gave_up_is_taken_back() -> None:
    found = of({"MUG-BLUE": 2})
    plan = plan_of(found)
    assert over(plan, found.model_copy(update={"cancelled": True}), NOBODY) == "cancelled in the shop"
    empty = found.model_copy(update={"payment": Payment.REFUNDED, "fulfilment_orders": ()})
    assert over(plan, empty, NOBODY)
    assert not over(plan, empty, OTHERS)
    assert not over(plan, found.model_copy(update={"payment": Payment.REFUNDED}), NOBODY)
