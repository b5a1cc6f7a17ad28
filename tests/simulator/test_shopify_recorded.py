"""What the simulated Shopify refuses, it refuses in the words recorded from a real shop."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import running
from tests.checked import Against, Checks
from tests.simulator.shopify_client import ShopClient

CHECKS = Checks(
    "shopify",
    Against.RECORDING,
    "answers recorded from a real shop, of mistakes above all",
    frozenset({"post_fulfilment", "split", "hold", "retrack", "cancel_order"}),
)
SPECS = os.environ.get("SEAMLINE_SPECS")
pytestmark = pytest.mark.skipif(not SPECS, reason="SEAMLINE_SPECS is not set: the recorded answers are not at hand")
PARTS = """
query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 1) { nodes { id lineItems(first: 5) { nodes { id } } } } } }
"""
SPLIT = """
mutation($splits: [FulfillmentOrderSplitInput!]!) {
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) {
    fulfillmentOrderSplits {
      fulfillmentOrder { id lineItems(first: 5) { nodes { totalQuantity remainingQuantity } } }
      remainingFulfillmentOrder { id lineItems(first: 5) { nodes { totalQuantity remainingQuantity } } }
    }
    userErrors { field message code }
  }
}
"""
CREATE = """
mutation($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field message } }
}
"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopClient]:
    state = tmp_path / "world.db"
    async with (
        running(state) as simulator,
        httpx.AsyncClient(base_url=simulator.url, timeout=10, verify=trusted()) as http,
    ):
        yield await ShopClient(http, "shop-uk").log_in()


def recorded(name: str) -> Any:
    return json.loads((Path(str(SPECS)) / "shopify" / "recorded" / name).read_text())


def without_ids(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [error | {"message": re.sub(r"\d{4,}", "ID", error["message"])} for error in errors]


@pytest.mark.parametrize(
    ("case", "quantity"),
    [("nonPositiveQuantity", 0), ("overFulfill", 99), ("missingFulfillmentOrder", 1), ("closed", 1)],
)
async def test_refused_fulfilments(shop: ShopClient, case: str, quantity: int) -> None:
    part = (await shop.run(PARTS, id=await shop.order()))["order"]["fulfillmentOrders"]["nodes"][0]
    line = {"id": part["lineItems"]["nodes"][0]["id"], "quantity": quantity}
    wanted = {"fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": [line]}
    if case == "missingFulfillmentOrder":
        wanted["fulfillmentOrderId"] = "gid://shopify/FulfillmentOrder/999999999"
    if case == "closed":
        await shop.run(CREATE, fulfillment={"lineItemsByFulfillmentOrder": [wanted]})
    ours = (await shop.run(CREATE, fulfillment={"lineItemsByFulfillmentOrder": [wanted]}))["fulfillmentCreate"]
    theirs = recorded("fulfillment-create-preconditions.json")["cases"][case]["response"]["data"]["fulfillmentCreate"]
    assert ours["fulfillment"] is theirs["fulfillment"] is None
    assert theirs["userErrors"]
    assert without_ids(ours["userErrors"]) == without_ids(theirs["userErrors"])


@pytest.mark.parametrize("case", ["emptyLineItems", "zeroQuantity", "unknownFulfillmentOrder"])
async def test_refused_splits(shop: ShopClient, case: str) -> None:
    part = (await shop.run(PARTS, id=await shop.order(lines=[{"quantity": 2}])))["order"]["fulfillmentOrders"]["nodes"][
        0
    ]
    line = {"id": part["lineItems"]["nodes"][0]["id"], "quantity": 0 if case == "zeroQuantity" else 1}
    wanted = {"fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": [] if case == "emptyLineItems" else [line]}
    if case == "unknownFulfillmentOrder":
        wanted["fulfillmentOrderId"] = "gid://shopify/FulfillmentOrder/999999999"
    ours = (await shop.run(SPLIT, splits=[wanted]))["fulfillmentOrderSplit"]
    capture = recorded("fulfillment-order-split-multi.json")["captures"][case]["response"]["payload"]["data"]
    assert ours["userErrors"] == capture["fulfillmentOrderSplit"]["userErrors"]


async def test_a_split_keeps_the_rest_where_it_was(shop: ShopClient) -> None:
    captures = recorded("fulfillment-order-split-multi.json")["captures"]
    theirs = captures["multiSplit"]["response"]["payload"]["data"]["fulfillmentOrderSplit"]["fulfillmentOrderSplits"][0]
    lines = [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "TEE-M", "quantity": 3}]
    part = (await shop.run(PARTS, id=await shop.order(lines=lines)))["order"]["fulfillmentOrders"]["nodes"][0]
    wanted = [{"id": one["id"], "quantity": 1} for one in part["lineItems"]["nodes"]]
    asked = {"fulfillmentOrderId": part["id"], "fulfillmentOrderLineItems": wanted}
    (ours,) = (await shop.run(SPLIT, splits=[asked]))["fulfillmentOrderSplit"]["fulfillmentOrderSplits"]
    assert ours["fulfillmentOrder"]["id"] == part["id"]
    for name in ("fulfillmentOrder", "remainingFulfillmentOrder"):
        assert quantities(ours[name]) == quantities(theirs[name])


def quantities(part: dict[str, Any]) -> list[tuple[int, int]]:
    return [(one["totalQuantity"], one["remainingQuantity"]) for one in part["lineItems"]["nodes"]]


async def test_an_unknown_fulfilment_is_not_cancelled(shop: ShopClient) -> None:
    query = "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { id } userErrors { field message } } }"
    ours = await shop.run(query, id="gid://shopify/Fulfillment/999999999")
    theirs = recorded("fulfillment-unknown-not-found.json")["fulfillmentCancel"]["response"]["payload"]["data"]
    assert ours["fulfillmentCancel"]["userErrors"] == theirs["fulfillmentCancel"]["userErrors"]


HOLD = """
mutation($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id } userErrors { field message code }
  }
}
"""
RELEASE = """
mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) { userErrors { field message } } }
"""
RETRACK = """
mutation($id: ID!, $tracking: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking) {
    fulfillment { id } userErrors { field message }
  }
}
"""
CANCEL = """
mutation($id: ID!) {
  orderCancel(orderId: $id, reason: OTHER, restock: true, refundMethod: {originalPaymentMethodsRefund: true}) {
    job { id } userErrors { field message } orderCancelUserErrors { field message code }
  }
}
"""


async def a_part(shop: ShopClient) -> str:
    """The fulfilment order of a new order."""
    order = (await shop.run(PARTS, id=await shop.order()))["order"]
    return str(order["fulfillmentOrders"]["nodes"][0]["id"])


def of_holds(case: str) -> Any:
    """What the real shop answered to a hold that is not right."""
    workflows = recorded("fulfillment-order-hold-validation.json")["workflows"]["validation"]
    return workflows[case]["response"]["payload"]["data"]["fulfillmentOrderHold"]["userErrors"]


async def hold(shop: ShopClient, part: str, handle: str) -> Any:
    """Hold it: the user errors."""
    answer = await shop.run(HOLD, id=part, hold={"reason": "OTHER", "handle": handle})
    return answer["fulfillmentOrderHold"]["userErrors"]


async def test_a_handle_in_use_holds_nothing(shop: ShopClient) -> None:
    part = await a_part(shop)
    assert await hold(shop, part, "ours") == []
    assert await hold(shop, part, "ours") == of_holds("duplicateHandle")


async def test_ten_holds_of_one_app_are_enough(shop: ShopClient) -> None:
    part = await a_part(shop)
    for number in range(10):
        assert await hold(shop, part, f"hold-{number}") == []
    assert await hold(shop, part, "one-more") == of_holds("limitReached")


@pytest.mark.parametrize("case", ["holdUnknownId", "releaseHoldUnknownId"])
async def test_an_unknown_fulfilment_order_is_an_error_beside_the_data(shop: ShopClient, case: str) -> None:
    unknown = "gid://shopify/FulfillmentOrder/0"
    if case == "holdUnknownId":
        answer = await shop.post(HOLD, id=unknown, hold={"reason": "OTHER"})
    else:
        answer = await shop.post(RELEASE, id=unknown)
    theirs = recorded("fulfillment-order-lifecycle.json")["validation"][case]["response"]["payload"]
    (ours,), (error,) = answer.json()["errors"], theirs["errors"]
    assert (ours["message"], ours["path"], ours["extensions"]["code"]) == (
        error["message"],
        error["path"],
        error["extensions"]["code"],
    )


async def test_an_unknown_fulfilment_gets_no_other_number(shop: ShopClient) -> None:
    name = "fulfillmentTrackingInfoUpdate"
    ours = await shop.run(RETRACK, id="gid://shopify/Fulfillment/999999999", tracking={"number": "T"})
    theirs = recorded("fulfillment-unknown-not-found.json")[name]["response"]["payload"]["data"]
    assert ours[name]["userErrors"] == theirs[name]["userErrors"]


@pytest.mark.parametrize("why", ["outstanding fulfillments", "already been canceled"])
async def test_an_order_that_cannot_be_cancelled(shop: ShopClient, why: str) -> None:
    order = await shop.order()
    if why == "outstanding fulfillments":
        part = (await shop.run(PARTS, id=order))["order"]["fulfillmentOrders"]["nodes"][0]["id"]
        await shop.run(CREATE, fulfillment={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part}]})
    else:
        path = f"/_simulator/shops/shop-uk/orders/{order.rpartition('/')[2]}/cancel"
        assert (await shop.http.post(path, json={})).is_success
    ours = (await shop.run(CANCEL, id=order))["orderCancel"]
    cleanup = recorded("fulfillment-create-preconditions.json")["cleanup"]
    answers = [one["cancel"]["response"]["data"]["orderCancel"] for one in cleanup.values() if "cancel" in one]
    theirs = next(one for one in answers if why in str(one["userErrors"]))
    for name in ("orderCancelUserErrors", "userErrors"):
        assert ours[name] == theirs[name]
