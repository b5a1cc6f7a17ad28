"""The storm's own statements, each seen to say no."""

from __future__ import annotations

from typing import Any

import pytest

from tests.storm.odds import CARRIER, ERP, KINDS, MAIL, NORTH_CARRIER, NORTH_ERP, SHOP
from tests.storm.plan import Plan, PlannedOrder
from tests.storm.verdict import wrong_hands, wrong_place
from tests.storm.who import Who

HERE, NORTH = (
    PlannedOrder(id=number, kind=kind, wanted={"lines": [{}], **KINDS[kind].wanted}, pause_seconds=0)
    for number, kind in ((1, "plain"), (2, "labels at packing"))
)
PLAN = Plan(1, [HERE, NORTH], {}, {})


def effect(order: PlannedOrder, operation: str, connection: str, purpose: str = "") -> dict[str, Any]:
    key = f"{order.reference}/{purpose}#1" if purpose else ""
    return {"reference": order.reference, "operation": operation, "connection": connection, "key": key}


def test_goods_leave_from_the_warehouse_and_by_the_account_of_their_location() -> None:
    right = [
        effect(HERE, "reserve", ERP),
        effect(HERE, "buy-label", CARRIER),
        effect(NORTH, "reserve", NORTH_ERP),
        effect(NORTH, "buy-label", NORTH_CARRIER),
    ]
    assert list(wrong_place(PLAN, right)) == []
    wrong = [effect(HERE, "reserve", NORTH_ERP), effect(NORTH, "buy-label", CARRIER)]
    assert [(one.reference, one.rule) for one in wrong_place(PLAN, wrong)] == [
        (HERE.reference, "wrong-place"),
        (NORTH.reference, "wrong-place"),
    ]


@pytest.mark.parametrize(
    ("rule", "done"),
    [
        ({"labels": "others"}, effect(HERE, "buy-label", CARRIER, "buy-label")),
        ({"mails": "shop"}, effect(HERE, "send-mail", MAIL, "send-shipped")),
        ({"stock": "shop"}, effect(HERE, "set-stock", SHOP)),
    ],
)
def test_what_others_do_for_a_shop_we_leave_to_them(rule: dict[str, str], done: dict[str, Any]) -> None:
    assert [one.rule for one in wrong_hands(Who({SHOP: rule}, shared=True), [done])] == ["wrong-hands"]
    assert list(wrong_hands(Who(shared=True), [done])) == []


def test_the_shop_mails_nobody_where_we_do_and_is_told_of_no_stock_unless_it_is_shared() -> None:
    mailed, counted = effect(HERE, "shop-mail", SHOP), effect(HERE, "set-stock", SHOP)
    assert [one.rule for one in wrong_hands(Who(), [mailed, counted])] == ["wrong-hands", "wrong-hands"]
    assert list(wrong_hands(Who({SHOP: {"mails": "shop"}}), [mailed])) == []
    abroad = {**mailed, "reference": "shop-de:1"}
    assert list(wrong_hands(Who(), [abroad])) == []
    assert [one.rule for one in wrong_hands(Who({"shop-de": {"mails": "us"}}), [abroad])] == ["wrong-hands"]


def test_nothing_is_written_for_what_is_observed_alone() -> None:
    reserved = effect(HERE, "reserve", ERP, "reserve")
    assert [one.rule for one in wrong_hands(Who(observed=[SHOP]), [reserved])] == ["observed-acted"]
    assert list(wrong_hands(Who(observed=["shop-de"]), [reserved])) == []
