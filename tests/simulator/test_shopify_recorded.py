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
from tests.simulator.shopify_client import ShopClient

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
