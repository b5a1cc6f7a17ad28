"""The checker's rules for what is done after a parcel has left, each seen green and red."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.simulator.checker import Verdict, check
from seamline.simulator.checker_ledger import Effect
from seamline.simulator.checker_process import Process
from tests.simulator.test_checker import ORDER, completed, effect, ran, rules

GOODS = f"{ORDER}/refund-goods#1"
BACK = f"{ORDER}-R9"


def followed(remedy: str = "", refunded: str = "", reference: str = ORDER, restocked: int = 0, **more: Any) -> Process:
    """A parcel that was followed, and what staff chose."""
    told = {"remedy": remedy, "refunded": refunded, "restocked": restocked}
    result = {"kind": "completed", "result": told, **more}
    return Process(id=f"follow-parcel:{reference}", status="COMPLETED", result=result)


def refund(object_id: str = "R1", amount: str = "14.50", key: str = GOODS, **fields: Any) -> Effect:
    """Money back for goods of a plain sale."""
    place = {"connection": "shop-uk", "system": "shopify", "undoes": "SALE-1", "currency": "GBP"}
    values = {"operation": "refund-payment", **place, **fields}
    return effect(object_id=object_id, amount=amount, key=key, **values)


def judged(*more: Effect, process: Process) -> Verdict:
    """The verdict on a completed order with a parcel that was followed."""
    return check([*completed(), *more], [ran(), process])


def again() -> list[Effect]:
    """What a second parcel leaves behind."""
    return [
        effect("reserve", "S2", key=f"{ORDER}/reserve#2"),
        effect("buy-label", "L2", key=f"{ORDER}/buy-label#2"),
        effect("ship", "S2", key=f"{ORDER}/reserve#2"),
        effect("retrack", "F1", connection="shop-uk", system="shopify", key=""),
        effect("send-mail", "M2", key=f"{ORDER}/send-shipped#2"),
    ]


def test_goods_sent_again_as_chosen() -> None:
    assert judged(*again(), process=followed("reship")).ok
    assert judged(process=followed("reship")).ok


def test_goods_sent_again_that_nobody_chose() -> None:
    assert rules(judged(*again(), process=followed())) == {"twice", "count"}


def test_a_third_parcel_is_too_much() -> None:
    third = [effect("reserve", "S3", key=f"{ORDER}/reserve#3")]
    assert "twice" in rules(judged(*again(), *third, process=followed("reship")))


def test_a_number_that_the_shop_knows_and_nothing_left() -> None:
    told = [one for one in again() if one.operation == "retrack"]
    assert rules(judged(*told, process=followed("reship"))) == {"count"}


def test_money_goes_back_as_told() -> None:
    assert judged(refund(), process=followed("refund", "14.50 GBP")).ok
    pending = refund(operation="request-payment-refund")
    verdict = check([*completed(), pending], [ran(), followed("refund", "14.50 GBP")], settled=True)
    assert rules(verdict) == {"money-pending"}
    assert check([*completed(), pending, refund()], [ran(), followed("refund", "14.50 GBP")], settled=True).ok
    two = [refund(amount="10.00"), refund("R2", "4.50", undoes="SALE-2")]
    assert judged(*two, process=followed("refund", "14.50 GBP")).ok


@pytest.mark.parametrize(
    ("entries", "process", "found"),
    [
        ([refund()], followed(), "remedy"),
        ([], followed("refund", "14.50 GBP"), "remedy"),
        ([refund(amount="14.49")], followed("refund", "14.50 GBP"), "remedy"),
        ([refund(), refund("R2")], followed("refund", "29.00 GBP"), "twice"),
        ([refund(key=f"{ORDER}.0.2/refund-goods#1")], followed(), "no-process"),
        ([refund(operation="payment-refund-rejected")], followed("refund", "14.50 GBP"), "remedy"),
    ],
)
def test_money_that_does_not_fit_what_was_chosen(entries: list[Effect], process: Process, found: str) -> None:
    assert found in rules(judged(*entries, process=process))


def test_goods_that_come_back_undelivered_go_on_the_shelf_once_where_that_is_told() -> None:
    taken = [
        effect(
            "receive-return",
            f"T{one}",
            connection="erp-main",
            system="tryton",
            key=f"{ORDER}/receive#1",
            reference=ORDER,
        )
        for one in (1, 2)
    ]
    assert judged(taken[0], process=followed("close", restocked=2)).ok
    assert rules(judged(taken[0], process=followed("close"))) == {"count"}
    assert rules(judged(process=followed("close", restocked=2))) == {"count"}
    assert "count" in rules(judged(*taken, process=followed("close", restocked=2)))


def test_what_staff_gave_back_is_none_of_ours() -> None:
    assert judged(process=followed("refund", "14.50 GBP", by_hand=[GOODS])).ok


def returned(kind: str = "completed", **result: Any) -> Process:
    """A customer's return that ended."""
    told = {"kind": kind, "result": {"refunded": "14.50 GBP", "restocked": 1, "tracking_number": "N9", **result}}
    return Process(id=f"return-order:{BACK}", status="COMPLETED", result=told)


def sent_back(**fields: Any) -> list[Effect]:
    """What a return leaves behind."""
    return [
        effect("buy-label", "L9", reference=BACK, key=f"{BACK}/buy-label#1"),
        effect("receive-return", "T9", connection="erp-main", system="tryton", reference=BACK, key=f"{BACK}/receive#1"),
        refund(key=f"{BACK}/refund-goods#1", **fields),
    ]


def test_a_return_as_told() -> None:
    assert judged(*sent_back(), process=returned()).ok
    assert judged(process=returned(refunded="", restocked=0, tracking_number="")).ok
    amended = [sent_back()[0], effect("request-refund", "B9", undoes="L9", reference=BACK)]
    assert judged(*amended, *sent_back()[:1], *sent_back()[1:], process=returned()).ok


@pytest.mark.parametrize(
    ("entries", "process", "found"),
    [
        (sent_back(amount="15.00"), returned(), "remedy"),
        (sent_back()[:1], returned(refunded=""), "count"),
        (sent_back(), returned(restocked=0), "count"),
        ([*sent_back(), *sent_back()[:1]], returned(), "twice"),
        ([*sent_back(), effect("buy-label", "L10", reference=BACK, key=f"{BACK}/buy-label#2")], returned(), "count"),
        (sent_back()[1:], returned(), "count"),
        (sent_back()[:1], returned("undone"), "left-over"),
        (sent_back(), returned("ignored"), "left-over"),
    ],
)
def test_a_return_that_does_not_fit(entries: list[Effect], process: Process, found: str) -> None:
    assert found in rules(judged(*entries, process=process))
