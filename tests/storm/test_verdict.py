"""The storm's own statements, each seen to say no."""

from __future__ import annotations

from typing import Any

from tests.storm.odds import CARRIER, ERP, KINDS, NORTH_CARRIER, NORTH_ERP
from tests.storm.plan import Plan, PlannedOrder
from tests.storm.verdict import wrong_place

HERE, NORTH = (
    PlannedOrder(id=number, kind=kind, wanted={"lines": [{}], **KINDS[kind].wanted}, pause_seconds=0)
    for number, kind in ((1, "plain"), (2, "labels at packing"))
)
PLAN = Plan(1, [HERE, NORTH], {}, {})


def effect(order: PlannedOrder, operation: str, connection: str) -> dict[str, Any]:
    return {"reference": order.reference, "operation": operation, "connection": connection}


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
