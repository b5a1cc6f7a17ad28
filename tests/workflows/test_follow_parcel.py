"""A parcel is followed until it arrives; one that does not is mended as staff, or the policy, choose."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.process.view import Status
from seamline.records.aftersales import Aftersales
from seamline.records.approval import ApprovalRule
from seamline.records.parcel import TrackingState
from seamline.records.policy import Policy
from seamline.records.remedy import Goods, GoodsLine
from tests.process.theatre import QUICK, Handle
from tests.workflows.dispatch import LOST, MUG, Dispatch, gbp

LONG = 1_000
SLOW = {"tracking_poll_seconds": 0.1, "tracking_poll_max_seconds": 0.1}


def ruled(silent_seconds: float = LONG, **choices: str) -> Policy:
    """A policy under which silence of so many seconds is one, and that chooses by itself where a choice is given."""
    rules = {name.replace("_", "-"): ApprovalRule(automatic=True, choice=choice) for name, choice in choices.items()}
    aftersales = Aftersales(silent_days=silent_seconds / 86_400)
    return QUICK.model_copy(update={**SLOW, "aftersales": aftersales, "approvals": rules})


async def followed(
    dispatch: Dispatch, policy: Policy | None = None, route: dict[str, str] | None = None, **sent: Any
) -> Handle:
    """The parcel with the whole order in it, on its way."""
    inside = {
        "order_number": "#5001",
        "fulfilment_order_id": "77",
        "lines": [one.model_dump() for one in dispatch.lines],
        "whole": True,
        **sent,
    }
    start = {"route": route or dispatch.route, "parcel": LOST.model_dump(), "sent": inside}
    return await dispatch.begin("follow-parcel", policy=policy or ruled(), **start)


async def story(handle: Handle) -> dict[str, Any]:
    """How it ended."""
    outcome = await handle.result()
    assert outcome["kind"] == "completed"
    return dict(outcome["result"])


async def test_a_parcel_that_arrives_asks_nobody(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.TRANSIT)
    handle = await followed(dispatch)
    dispatch.carrier.say(TrackingState.DELIVERED)
    assert (await story(handle))["course"] == "delivered"
    assert (await dispatch.view(handle)).decisions == ()


async def test_what_was_started_without_its_goods_is_followed_as_before(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.DELIVERED)
    handle = await dispatch.begin("follow-parcel", parcel=LOST.model_dump())
    assert (await story(handle))["state"] == "delivered"


@pytest.mark.parametrize(
    ("state", "substate", "question"),
    [
        (TrackingState.FAILURE, "", "parcel-exception"),
        (TrackingState.FAILURE, "package_lost", "parcel-lost"),
        (TrackingState.RETURNED, "", "parcel-returned"),
    ],
)
async def test_each_trouble_is_a_question_of_its_own(
    dispatch: Dispatch, state: TrackingState, substate: str, question: str
) -> None:
    dispatch.carrier.say(state, substate=substate)
    handle = await followed(dispatch)
    await dispatch.choose(handle, question, "close")
    ended = await story(handle)
    assert (ended["remedy"], ended["told"]) == ("close", "close chosen by kim: so it is")
    assert bool((await handle.result())["manual"]) is (state is TrackingState.RETURNED)


async def test_goods_that_come_back_go_on_the_shelf_once_where_staff_choose_so(dispatch: Dispatch) -> None:
    dispatch.shelf.lose("create_receipt")
    dispatch.carrier.say(TrackingState.RETURNED)
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-returned", "restock")
    view = await dispatch.until(handle, lambda view: bool(view.decisions and view.waits))
    assert "restock" not in view.waits[0].choices
    await dispatch.choose(handle, "parcel-returned", "close")
    ended = await story(handle)
    assert (ended["remedy"], ended["restocked"], (await handle.result())["manual"]) == ("close", 3, [])
    assert dispatch.shelf.keys_of("receive-return") == [f"{dispatch.reference}/receive#1"]


async def test_who_was_told_of_no_inventory_leaves_what_comes_back_to_people(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.RETURNED)
    route = {role: name for role, name in dispatch.route.items() if role != "inventory"}
    handle = await followed(dispatch, route=route)
    await dispatch.asked(handle, "parcel-returned")
    [wait] = (await dispatch.view(handle)).waits
    assert "restock" not in wait.choices
    await dispatch.choose(handle, "parcel-returned", "close")
    assert len((await handle.result())["manual"]) == 1


async def test_silence_is_asked_about_and_a_scan_makes_it_needless(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.TRANSIT)
    handle = await followed(dispatch, ruled(silent_seconds=0.4))
    await dispatch.asked(handle, "parcel-silent")
    dispatch.carrier.say(TrackingState.DELIVERED)
    await dispatch.happens(handle, "parcel-moved")
    assert (await story(handle))["course"] == "delivered"
    assert (await dispatch.view(handle)).decisions == ()


async def test_an_exception_that_heals_is_followed_on_without_anybody(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE)
    handle = await followed(dispatch)
    await dispatch.asked(handle, "parcel-exception")
    dispatch.carrier.say(TrackingState.TRANSIT)
    await dispatch.until(handle, lambda view: view.status is Status.RUNNING)
    dispatch.carrier.say(TrackingState.DELIVERED)
    assert (await story(handle))["course"] == "delivered"


async def test_an_exception_that_becomes_a_return_is_asked_anew(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE)
    handle = await followed(dispatch)
    await dispatch.asked(handle, "parcel-exception")
    dispatch.carrier.say(TrackingState.RETURNED)
    await dispatch.choose(handle, "parcel-returned", "close")
    assert (await story(handle))["course"] == "returned"


async def test_who_waits_on_is_asked_again(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.RETURNED)
    handle = await followed(dispatch, ruled(silent_seconds=0.5))
    await dispatch.choose(handle, "parcel-returned", "wait")
    await dispatch.choose(handle, "parcel-silent", "close")
    assert (await story(handle))["remedy"] == "close"


# ---- refund --------------------------------------------------------------------------------------------------------


async def test_the_money_goes_back_once_finance_agrees(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    dispatch.shop.lose("refund_goods")
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-lost", "refund")
    view = await dispatch.waiting(handle)
    assert [(one.team, one.request["amount"]["amount"]) for one in view.waits] == [("finance", "105")]
    await dispatch.answer(handle, "parcel-refund", "approve")
    assert (await story(handle))["refunded"] == "105.00 GBP"
    assert dispatch.shop.keys_of("refund-payment") == [f"{dispatch.reference}/refund-goods#1"]


async def test_a_refund_that_finance_rejects_leaves_the_question_open(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE)
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-exception", "refund")
    await dispatch.answer(handle, "parcel-refund", "reject")
    await dispatch.choose(handle, "parcel-exception", "close")
    assert (await story(handle))["remedy"] == "close"
    assert dispatch.shop.refunds == []


async def test_a_part_of_an_order_is_worth_its_goods_alone(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE)
    policy = ruled(parcel_exception="refund", parcel_refund="")
    lamp = dispatch.lines[1].model_dump()
    handle = await followed(dispatch, policy, whole=False, lines=[lamp])
    assert (await story(handle))["refunded"] == "80.00 GBP"


async def test_what_staff_refunded_by_hand_is_not_refunded_again(dispatch: Dispatch) -> None:
    lines = tuple(GoodsLine(order_line_id=one.order_line_id, quantity=one.quantity) for one in dispatch.lines)
    dispatch.carrier.say(TrackingState.FAILURE)
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-exception", "refund")
    await dispatch.asked(handle, "parcel-refund")
    dispatch.shop.give_back(gbp(105), Goods(lines=lines))
    await dispatch.answer(handle, "parcel-refund", "approve")
    await story(handle)
    assert dispatch.shop.keys_of("refund-payment") == []
    assert (await handle.result())["by_hand"] == [f"{dispatch.reference}/refund-goods#1"]


async def test_a_refund_that_names_nothing_waits_for_who_knows(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE)
    dispatch.shop.give_back(gbp(3))
    handle = await followed(dispatch, ruled(parcel_exception="refund", parcel_refund=""))
    view = await dispatch.waiting(handle)
    assert view.waits[0].cause.endswith("refusal refunded-by-hand")
    change = {"besides": gbp(3).model_dump(mode="json"), "amount": gbp(100).model_dump(mode="json")}
    await dispatch.decide(handle, wait=view.waits[0].name, action="amend", who="fin", change=change)
    assert (await story(handle))["refunded"] == "100.00 GBP"


# ---- once more ------------------------------------------------------------------------------------------------------


async def test_goods_are_sent_again_under_the_next_number(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-lost", "reship")
    assert (await story(handle))["remedy"] == "reship"
    again = await dispatch.handed("reship-order").result()
    number = again["result"]["tracking_number"]
    assert again["kind"] == "completed"
    key = f"{dispatch.reference}/{{}}#2"
    assert dispatch.shelf.keys_of("reserve") == [key.format("reserve")]
    assert dispatch.carrier.keys_of("buy-label") == [key.format("buy-label")]
    assert list(dispatch.letterbox.mails) == [key.format("send-shipped")]
    assert dispatch.shop.numbers == [number]
    dispatch.carrier.say(TrackingState.DELIVERED, number)
    second = dispatch.handed("follow-parcel", f"{dispatch.reference}.0.2")
    assert (await story(second))["tracking_number"] == number


async def test_what_customs_ask_is_asked_for_before_goods_are_held_once_more(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    abroad = ruled(parcel_lost="reship").model_copy(update={"ship_from": "US"})
    await story(await followed(dispatch, abroad))
    again = dispatch.handed("reship-order")
    (wait,) = (await dispatch.waiting(again)).waits
    assert {one.field.rpartition(".")[2] for one in wait.problems} == {"hs_code", "origin"}
    assert dispatch.shelf.keys_of("reserve") == []
    places = {one.field.split(".")[1] for one in wait.problems}
    change = {"lines": {place: {"hs_code": "732394", "origin": "PL"} for place in places}}
    await dispatch.decide(again, wait=wait.name, action="amend", change=change)
    assert (await again.result())["kind"] == "completed"


async def test_the_second_parcel_is_mended_too(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    await story(await followed(dispatch, ruled(parcel_lost="reship", parcel_refund="")))
    number = (await dispatch.handed("reship-order").result())["result"]["tracking_number"]
    second = dispatch.handed("follow-parcel", f"{dispatch.reference}.0.2")
    dispatch.carrier.say(TrackingState.RETURNED, number)
    await dispatch.choose(second, "parcel-returned", "refund")
    assert (await story(second))["refunded"] == "105.00 GBP"
    assert dispatch.shop.keys_of("refund-payment") == [f"{dispatch.reference}.0.2/refund-goods#1"]


async def test_sending_again_can_be_taken_back_until_it_has_left(dispatch: Dispatch) -> None:
    dispatch.shelf.stuck = True
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    await story(await followed(dispatch, ruled(parcel_lost="reship")))
    again = dispatch.handed("reship-order")
    await dispatch.until(again, lambda view: view.steps and view.steps[-1].name == "packed")
    await again.cancel()
    await dispatch.until(again, lambda view: view.outcome)
    assert (await dispatch.view(again)).undo_plan == ()
    assert dispatch.shelf.keys_of("release") == [f"{dispatch.reference}/reserve#2"]
    assert dispatch.carrier.keys_of("request-refund") == [f"{dispatch.reference}/buy-label#2"]


# ---- claim -----------------------------------------------------------------------------------------------------------


async def test_a_claim_is_open_until_somebody_closes_it(dispatch: Dispatch) -> None:
    dispatch.carrier.say(TrackingState.FAILURE, substate="package_lost")
    handle = await followed(dispatch)
    await dispatch.choose(handle, "parcel-lost", "claim")
    wait = await dispatch.asked(handle, "parcel-lost")
    (again,) = (await dispatch.view(handle)).waits
    assert (wait, "claim" in again.choices) == ("parcel-lost#2", False)
    await dispatch.choose(handle, "parcel-lost", "close")
    await story(handle)
    claim = dispatch.handed("claim-parcel")
    entered = {"claim_number": "C-7", "amount": gbp(40).model_dump(mode="json")}
    await dispatch.choose(claim, "claim", "paid", change=entered)
    ended = await story(claim)
    assert (ended["ended"], ended["claim"]["claim_number"], ended["claim"]["amount"]["amount"]) == ("paid", "C-7", "40")
    assert MUG in dispatch.shop.quantities
