"""Shopify's own Python client (ShopifyAPI, its GraphQL part) does its ordinary work against the simulated Shopify."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.error import HTTPError

import httpx
import pytest
import shopify

from seamline.simulator.server import Simulator
from tests.checked import Against, Checks
from tests.simulator.shopify_client import ShopClient

CHECKS = Checks(
    "shopify",
    Against.CLIENT,
    "ShopifyAPI 12.7, with the simulator",
    frozenset({"fetch_order", "capture", "post_fulfilment"}),
)
CONNECTION = "shop-uk"
ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    __typename id name displayFinancialStatus displayFulfillmentStatus
    ...Money
    fulfillmentOrders(first: 5) {
      nodes { id status lineItems(first: 10) { edges { node { id remainingQuantity } } } }
    }
  }
}
fragment Money on Order { currentTotalPriceSet { shopMoney { amount currencyCode } } transactions { id kind status } }
"""
FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { number company url } }
    userErrors { field message }
  }
}
"""
CAPTURE = """
mutation Capture($input: OrderCaptureInput!) {
  orderCapture(input: $input) { transaction { id kind status } userErrors { field message } }
}
"""
FIND = "query Find($query: String) { orders(first: 10, query: $query) { edges { node { id name } } } }"


class Vendor:
    """The client in a session of one shop: each call in a thread, since the client blocks."""

    def __init__(self, url: str, token: str) -> None:
        self.site = f"{url}/shopify/{CONNECTION}/admin/api/2026-07"
        self.token = token

    async def run(self, query: str, operation: str | None = None, /, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        answer: dict[str, Any] = json.loads(await asyncio.to_thread(self._run, query, operation, variables))
        return answer

    def _run(self, query: str, operation: str | None, variables: dict[str, Any]) -> str:
        # Settings of the client are a thread's own.
        shopify.ShopifyResource.set_site(self.site)
        shopify.ShopifyResource.set_headers({"X-Shopify-Access-Token": self.token})
        text: str = shopify.GraphQL().execute(query, variables, operation)
        return text


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> ShopClient:
    """The shop's customers and staff, and the token."""
    return await ShopClient(http, CONNECTION).log_in()


@pytest.fixture
def vendor(simulator: Simulator, shop: ShopClient) -> Vendor:
    """The client."""
    return Vendor(simulator.url, shop.token)


async def test_an_order_is_read_captured_and_fulfilled(vendor: Vendor, shop: ShopClient) -> None:
    identity = await shop.order(financial_status="AUTHORIZED")
    order = (await vendor.run(ORDER, "Order", id=identity))["data"]["order"]
    assert (order["__typename"], order["displayFinancialStatus"]) == ("Order", "AUTHORIZED")
    amount = order["currentTotalPriceSet"]["shopMoney"]["amount"]
    (authorized,) = order["transactions"]
    wanted = {"id": identity, "parentTransactionId": authorized["id"], "amount": amount, "currency": "GBP"}
    captured = (await vendor.run(CAPTURE, input=wanted))["data"]["orderCapture"]
    assert (captured["transaction"]["kind"], captured["userErrors"]) == ("CAPTURE", [])
    (part,) = order["fulfillmentOrders"]["nodes"]
    goods = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"]}]}
    tracking = {"trackingInfo": {"number": "TRACK-1", "company": "Royal Mail"}, "notifyCustomer": False}
    made = (await vendor.run(FULFIL, fulfillment=goods | tracking))["data"]["fulfillmentCreate"]
    assert (made["fulfillment"]["status"], made["userErrors"]) == ("SUCCESS", [])
    after = (await vendor.run(ORDER, id=identity))["data"]["order"]
    assert (after["displayFinancialStatus"], after["displayFulfillmentStatus"]) == ("PAID", "FULFILLED")
    found = (await vendor.run(FIND, query=f"name:{order['name']}"))["data"]["orders"]["edges"]
    assert [edge["node"]["id"] for edge in found] == [identity]


async def test_what_is_refused_says_why(vendor: Vendor, shop: ShopClient) -> None:
    identity = await shop.order()
    unknown = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/999999999"}]}
    refused = (await vendor.run(FULFIL, fulfillment=unknown))["data"]["fulfillmentCreate"]
    assert refused["userErrors"] == [{"field": ["fulfillment"], "message": "Fulfillment order does not exist."}]
    assert "errors" in await vendor.run(ORDER.replace("displayFinancialStatus", "financialStatus"), id=identity)
    vendor.token = "shpat_unknown"
    with pytest.raises(HTTPError) as locked_out:
        await vendor.run(ORDER, id=identity)
    assert locked_out.value.code == 401
    locked_out.value.close()
