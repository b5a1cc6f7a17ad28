"""A customer's return: taken by rule or by people, labelled, received, inspected, restocked, refunded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from activities.carrier import Carrier, CarrierSystem
from activities.inventory import Inventory, InventorySystem
from seamline.process.view import View
from seamline.records.aftersales import Aftersales
from seamline.records.approval import ApprovalRule
from seamline.records.location import Location
from seamline.records.parcel import TrackingState
from seamline.records.policy import Policy
from seamline.records.returning import ReturnMail, ReturnState
from tests.process.theatre import QUICK, Handle
from tests.workflows.dispatch import LAMP, MUG, Dispatch, PaperCarrier, PaperShelf, gbp

BACK = "H-again-0001"


def ruled(choice: str = "", **rules: Any) -> Policy:
    """A policy that inspects by itself where a choice is given."""
    approvals = {"inspect-return": ApprovalRule(automatic=True, choice=choice)} if choice else {}
    return QUICK.model_copy(update={"aftersales": Aftersales(**rules), "approvals": approvals})


def reference(dispatch: Dispatch) -> str:
    """The return's own."""
    return f"{dispatch.reference}-R9001"


async def begun(dispatch: Dispatch, policy: Policy | None = None, **fields: Any) -> Handle:
    """The return is opened. The test server's clock may be years ahead of ours."""
    dispatch.shop.ordered += await dispatch.env.get_current_time() - datetime.now(UTC)
    return await dispatch.begin("return-order", reference(dispatch), policy=policy or ruled(), **fields)


async def sent_back(dispatch: Dispatch, policy: Policy | None = None) -> Handle:
    """The return is opened, and its goods have come."""
    handle = await begun(dispatch, policy)
    dispatch.carrier.say(TrackingState.DELIVERED, BACK)
    return handle


async def ended(handle: Handle) -> dict[str, Any]:
    """What came of it."""
    outcome = await handle.result()
    assert outcome["kind"] == "completed"
    return dict(outcome["result"])


def at(view: View, name: str) -> bool:
    """Whether it has come to this step."""
    return bool(view.steps) and view.steps[-1].name == name


async def test_goods_come_back_and_so_does_the_money(dispatch: Dispatch) -> None:
    for system, call in ((dispatch.shop, "refund_goods"), (dispatch.shelf, "create_receipt")):
        system.lose(call)
    handle = await sent_back(dispatch)
    await dispatch.choose(handle, "inspect-return", "restock")
    end = await ended(handle)
    assert (end["refunded"], end["restocked"], end["tracking_number"]) == ("10.00 GBP", 1, BACK)
    key = f"{reference(dispatch)}/{{}}#1"
    assert dispatch.carrier.keys_of("buy-label") == [key.format("buy-label")]
    assert dispatch.shelf.keys_of("receive-return") == [key.format("receive")]
    assert dispatch.shop.keys_of("refund-payment") == [key.format("refund-goods")]
    assert dispatch.shop.return_state is ReturnState.CLOSED
    (mail,) = dispatch.letterbox.mails.values()
    assert isinstance(mail, ReturnMail)
    assert (mail.label_page, [line.title for line in mail.lines]) == (f"https://labels.example/{BACK}", ["Thing 901"])


async def test_goods_that_come_back_from_abroad_are_declared_once_all_is_told(dispatch: Dispatch) -> None:
    dispatch.shop.address = dispatch.shop.address.model_copy(update={"country": "US", "postcode": "94117"})
    handle = await sent_back(dispatch, ruled("restock"))
    [wait] = (await dispatch.until(handle, lambda view: view.waits)).waits
    assert [one.field for one in wait.problems] == ["lines.0.hs_code", "lines.0.origin"]
    told = [{**line, "hs_code": "732394", "origin": "PL"} for line in wait.request["lines"]]
    await dispatch.decide(handle, wait=wait.name, action="amend", change={"lines": told}, who="kim", why="known")
    await ended(handle)
    (declared,) = [one.customs for one in dispatch.carrier.asked_for if one.customs]
    assert (declared.returned, [(one.hs_code, one.quantity) for one in declared.lines]) == (True, [("732394", 1)])


async def test_goods_that_cannot_be_sold_are_refunded_and_not_restocked(dispatch: Dispatch) -> None:
    end = await ended(await sent_back(dispatch, ruled("scrap")))
    assert (end["refunded"], end["restocked"], dispatch.shelf.receipts) == ("10.00 GBP", 0, [])


async def test_nothing_is_given_back_for_what_nobody_accepts(dispatch: Dispatch) -> None:
    handle = await sent_back(dispatch)
    await dispatch.choose(handle, "inspect-return", "reject")
    end = await ended(handle)
    assert (end["ended"], end["refunded"]) == ("reject chosen by kim: so it is", "")
    assert (dispatch.shop.refunds, dispatch.shelf.receipts) == ([], [])
    assert len((await handle.result())["manual"]) == 1


async def test_what_is_accepted_and_what_it_is_worth_can_be_amended(dispatch: Dispatch) -> None:
    dispatch.shop.coming_back = {MUG: 2, LAMP: 1}
    handle = await sent_back(dispatch)
    view = await dispatch.waiting(handle)
    lines = view.waits[0].request["lines"]
    lines[0] |= {"quantity": 1, "restock": 0}
    await dispatch.choose(handle, "inspect-return", "restock", change={"lines": lines})
    end = await ended(handle)
    assert (end["refunded"], end["restocked"]) == ("90.00 GBP", 1)
    ((_, request),) = dispatch.shelf.receipts
    assert [(one.sku, one.quantity) for one in request.lines] == [("SKU-902", 1)]


async def test_less_money_can_be_given_back(dispatch: Dispatch) -> None:
    handle = await sent_back(dispatch)
    await dispatch.choose(handle, "inspect-return", "restock", change={"amount": gbp("7.50").model_dump(mode="json")})
    assert (await ended(handle))["refunded"] == "7.50 GBP"


async def test_a_return_that_was_asked_for_is_approved_by_rule(dispatch: Dispatch) -> None:
    dispatch.shop.return_state = ReturnState.REQUESTED
    await ended(await sent_back(dispatch, ruled("restock")))
    assert [name for name, _ in dispatch.shop.effects] == ["approve-return", "refund-payment", "close-return"]


async def test_a_late_return_is_for_people(dispatch: Dispatch) -> None:
    dispatch.shop.return_state = ReturnState.REQUESTED
    dispatch.shop.ordered -= timedelta(days=31)
    handle = await begun(dispatch)
    view = await dispatch.waiting(handle)
    assert (view.waits[0].team, "31 days old" in view.waits[0].reason) == ("support", True)
    await dispatch.answer(handle, "return", "reject")
    assert (await ended(handle))["ended"] == "rejected by fin: so it is"
    assert dispatch.shop.effects == [("decline-return", "so it is")]


async def test_what_was_refunded_already_is_for_people(dispatch: Dispatch) -> None:
    dispatch.shop.quantities[MUG] = 0
    handle = await begun(dispatch)
    view = await dispatch.waiting(handle)
    assert view.waits[0].reason == "1 of Thing 901 come back, and 0 are not refunded or removed yet"


async def test_a_return_that_is_over_is_ignored(dispatch: Dispatch) -> None:
    dispatch.shop.return_state = ReturnState.CLOSED
    outcome = await (await begun(dispatch)).result()
    assert (outcome["kind"], outcome["reason"]) == ("ignored", "the return is closed in the shop")


async def test_a_label_that_nobody_uses_is_given_back(dispatch: Dispatch) -> None:
    outcome = await (await begun(dispatch, ruled(unused_label_days=0.5 / 86_400))).result()
    assert outcome["kind"] == "undone"
    assert dispatch.carrier.keys_of("request-refund") == [f"{reference(dispatch)}/buy-label#1"]
    assert outcome["manual"] == ["close the return in the shop: the customer sent nothing"]


async def test_a_return_cancelled_in_the_shop_gives_the_label_back(dispatch: Dispatch) -> None:
    handle = await begun(dispatch)
    await dispatch.until(handle, lambda view: at(view, "used"))
    await dispatch.happens(handle, "return-cancelled")
    outcome = await handle.result()
    assert (outcome["kind"], outcome["reason"]) == ("undone", "the return was cancelled in the shop")
    assert dispatch.carrier.keys_of("request-refund") == [f"{reference(dispatch)}/buy-label#1"]


async def test_once_the_label_is_used_there_is_no_way_back(dispatch: Dispatch) -> None:
    handle = await begun(dispatch, ruled("restock"))
    dispatch.carrier.say(TrackingState.TRANSIT, BACK)
    await dispatch.until(handle, lambda view: at(view, "delivered"))
    await handle.cancel()
    dispatch.carrier.say(TrackingState.DELIVERED, BACK)
    assert (await ended(handle))["refunded"] == "10.00 GBP"
    assert dispatch.carrier.keys_of("request-refund") == []


# ---- a second warehouse ----------------------------------------------------------------------------------------------


@dataclass
class North:
    """A second warehouse, with an account of its own at the carrier."""

    inventory: str
    shelf: PaperShelf
    carrier: PaperCarrier
    policy: Policy


@pytest.fixture
async def north(dispatch: Dispatch) -> AsyncIterator[North]:
    """It serves a location of its own."""
    async with opened(dispatch) as made:
        yield made


@asynccontextmanager
async def opened(dispatch: Dispatch) -> AsyncIterator[North]:
    shelf, account = PaperShelf(), PaperCarrier()
    location = Location(inventory=f"inventory-north-{dispatch.run}", carrier=f"carrier-north-{dispatch.run}")
    policy = ruled("restock").model_copy(update={"locations": {"North": location}})
    inventory, carrier = Inventory(cast(InventorySystem, shelf)), Carrier(cast(CarrierSystem, account))
    async with dispatch.serving(location.inventory, inventory), dispatch.serving(location.carrier, carrier):
        account.say(TrackingState.DELIVERED, BACK)
        yield North(location.inventory, shelf, account, policy)
        await dispatch.close()


async def test_goods_go_back_to_the_warehouse_that_sent_them(dispatch: Dispatch, north: North) -> None:
    dispatch.shop.sent_from = ("North",)
    end = await ended(await begun(dispatch, north.policy))
    assert (end["tracking_number"], len(north.shelf.receipts), len(north.carrier.labels)) == (BACK, 1, 1)
    assert (dispatch.shelf.receipts, dispatch.carrier.labels) == ([], [])


@pytest.mark.parametrize(("sent_from", "told"), [(("Main", "North"), "left from Main and North"), ((), "is not told")])
async def test_where_it_is_not_one_warehouse_people_say_which(
    dispatch: Dispatch, north: North, sent_from: tuple[str, ...], told: str
) -> None:
    dispatch.shop.sent_from = sent_from
    handle = await begun(dispatch, north.policy)
    [wait] = (await dispatch.waiting(handle)).waits
    assert told in wait.reason
    assert set(wait.choices) == {north.inventory, dispatch.route["inventory"]}
    await dispatch.choose(handle, "return-warehouse", north.inventory)
    assert (await ended(handle))["restocked"] == 1
    assert (len(north.shelf.receipts), dispatch.shelf.receipts) == (1, [])


async def test_goods_of_a_location_that_nobody_serves_wait_for_one_that_is(dispatch: Dispatch, north: North) -> None:
    dispatch.shop.sent_from = ("Lighthouse",)
    served = {role: name for role, name in dispatch.route.items() if role not in ("inventory", "carrier")}
    handle = await begun(dispatch, north.policy, route=served)
    [wait] = (await dispatch.waiting(handle)).waits
    assert ([one.field for one in wait.problems], "skip" in wait.actions) == (["sent_from"], False)
    await dispatch.decide(
        handle, wait=wait.name, action="amend", change={"sent_from": ["North"]}, who="kim", why="sent"
    )
    assert (await ended(handle))["restocked"] == 1
    assert len(north.shelf.receipts) == 1
