"""The simulated Shopify over real HTTP: tokens, orders, fulfilments, holds, cancelling, throttling, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import Simulator, running
from tests.simulator.shopify_client import ShopClient, until

ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id name createdAt test cancelledAt displayFinancialStatus displayFulfillmentStatus currencyCode taxesIncluded
    email customerLocale
    currentSubtotalPriceSet { shopMoney { amount currencyCode } } currentTotalPriceSet { shopMoney { amount } }
    totalShippingPriceSet { shopMoney { amount } } currentTotalDutiesSet { shopMoney { amount } }
    totalTipReceivedSet { shopMoney { amount } } currentTotalDiscountsSet { shopMoney { amount } }
    currentTotalTaxSet { shopMoney { amount } } totalCashRoundingAdjustment { paymentSet { shopMoney { amount } } }
    shippingLine { code } shippingLines(first: 5) { nodes { code } }
    shippingAddress { name address1 city zip countryCodeV2 provinceCode phone }
    lineItems(first: 50) {
      nodes {
        id sku title currentQuantity requiresShipping discountedUnitPriceSet { shopMoney { amount } }
        variant { inventoryItem { measurement { weight { unit value } } } }
      }
      pageInfo { hasNextPage endCursor }
    }
    fulfillmentOrders(first: 10) {
      nodes {
        id status supportedActions { action } deliveryMethod { methodType } fulfillmentHolds { id reason }
        assignedLocation { name location { id } }
        lineItems(first: 50) { nodes { id remainingQuantity lineItem { id } } }
      }
    }
    fulfillments(first: 10) { id status trackingInfo(first: 5) { number url company } }
    transactions(first: 10) { kind status amountSet { shopMoney { amount } } authorizationExpiresAt }
    risk { recommendation assessments { riskLevel } }
  }
}
"""
CREATE = """
mutation Create($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { number company } }
    userErrors { field message }
  }
}
"""
CANCEL_FULFILMENT = (
    "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }"
)
CANCEL_ORDER = """
mutation($id: ID!) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: true, refundMethod: {originalPaymentMethodsRefund: false}) {
    job { id done } orderCancelUserErrors { field message code }
  }
}
"""
HOLD = """
mutation($id: ID!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: HIGH_RISK_OF_FRAUD, handle: "us"}) {
    fulfillmentHold { id } fulfillmentOrder { status } userErrors { field message code }
  }
}
"""
RELEASE = """
mutation($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) { fulfillmentOrder { status } userErrors { message } }
}
"""


@pytest.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with running(tmp_path_factory.mktemp("shopify") / "world.db") as started:
        yield started


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, verify=trusted()) as client:
        yield client
        await client.delete("/_simulator/faults")


@pytest.fixture
async def shop(http: httpx.AsyncClient) -> ShopClient:
    return await ShopClient(http, "shop-uk").log_in()


def part_of(order: dict[str, Any], place: int = 0) -> dict[str, Any]:
    return order["fulfillmentOrders"]["nodes"][place]


def fulfilment(
    part: dict[str, Any], number: str = "TRACK1", lines: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    one = {"fulfillmentOrderId": part["id"], **({"fulfillmentOrderLineItems": lines} if lines else {})}
    tracking = {"number": number, "company": "USPS", "url": "https://track.example/1"}
    return {"lineItemsByFulfillmentOrder": [one], "trackingInfo": tracking, "notifyCustomer": False}


async def effects(shop: ShopClient, order_id: str) -> list[dict[str, Any]]:
    reference = f"{shop.connection}:{order_id.rsplit('/', 1)[1]}"
    return (await shop.http.get("/_simulator/effects", params={"reference": reference})).json()


async def test_a_wrong_secret_and_a_wrong_token_are_refused(http: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials", "client_id": "client-shop-uk", "client_secret": "wrong"}
    assert (await http.post("/shopify/shop-uk/admin/oauth/access_token", data=form)).status_code == 401
    answer = await ShopClient(http, "shop-uk").post("{ shop { name } }")
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


async def test_a_token_of_another_shop_is_refused(shop: ShopClient) -> None:
    other = ShopClient(shop.http, "shop-de")
    other.token = shop.token
    assert (await other.post("{ shop { name } }")).status_code == 401


async def test_a_plain_order_reads_as_paid_open_and_adds_up(shop: ShopClient) -> None:
    order = (await shop.run(ORDER, id=await shop.order()))["order"]
    assert (order["displayFinancialStatus"], order["displayFulfillmentStatus"]) == ("PAID", "UNFULFILLED")
    assert order["currentSubtotalPriceSet"]["shopMoney"] == {"amount": "14.5", "currencyCode": "GBP"}
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "19.45"
    assert order["shippingLine"] == {"code": "standard"}
    assert order["shippingAddress"]["countryCodeV2"] == "GB"
    line = order["lineItems"]["nodes"][0]
    assert (line["sku"], line["currentQuantity"]) == ("MUG-BLUE", 1)
    assert line["variant"]["inventoryItem"]["measurement"]["weight"] == {"unit": "GRAMS", "value": 380.0}
    part = part_of(order)
    assert (part["status"], part["deliveryMethod"]) == ("OPEN", {"methodType": "SHIPPING"})
    assert {"action": "CREATE_FULFILLMENT"} in part["supportedActions"]
    assert part["lineItems"]["nodes"][0]["lineItem"]["id"] == line["id"]
    assert order["transactions"][0]["kind"] == "SALE"
    assert order["currentTotalDutiesSet"] is None


async def test_an_order_is_made_as_wished(shop: ShopClient) -> None:
    lines = [
        {"sku": "MUG-BLUE", "quantity": 2, "discount": "3.00", "location": "North"},
        {"sku": "TEE-M", "quantity": 1, "location": "South"},
        {"sku": "GIFT-CARD", "gift_card": True, "location": "North"},
    ]
    order_id = await shop.order(
        id=700123, lines=lines, test=True, financial_status="AUTHORIZED", total="1.00", email="x@example.com",
        address={"zip": "ZZ9 9ZZ"}, service="express", duties="2.50",
    )  # fmt: skip
    assert order_id == "gid://shopify/Order/700123"
    order = (await shop.run(ORDER, id=order_id))["order"]
    assert (order["name"], order["test"], order["email"]) == ("#700123", True, "x@example.com")
    assert order["shippingAddress"]["zip"] == "ZZ9 9ZZ"
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "1.0"
    assert order["currentTotalDiscountsSet"]["shopMoney"]["amount"] == "3.0"
    assert order["currentTotalDutiesSet"]["shopMoney"]["amount"] == "2.5"
    parts = [
        (part["assignedLocation"]["name"], part["deliveryMethod"]["methodType"])
        for part in order["fulfillmentOrders"]["nodes"]
    ]
    assert parts == [("North", "SHIPPING"), ("North", "NONE"), ("South", "SHIPPING")]
    transaction = order["transactions"][0]
    assert transaction["kind"] == "AUTHORIZATION"
    assert transaction["authorizationExpiresAt"] > order["createdAt"]


async def test_a_fixed_id_is_given_once_and_wrong_wishes_name_the_field(shop: ShopClient) -> None:
    path = "/_simulator/shops/shop-uk/orders"
    assert (await shop.http.post(path, json={"id": 700200})).status_code == 201
    assert (await shop.http.post(path, json={"id": 700200})).status_code == 409
    answer = await shop.http.post(path, json={"lines": [{"colour": "red"}]})
    assert answer.status_code == 422
    assert "lines.0.colour" in answer.text


async def test_an_order_without_address_and_a_pickup(shop: ShopClient) -> None:
    order = (await shop.run(ORDER, id=await shop.order(address=None, delivery="PICK_UP", service=None)))["order"]
    assert order["shippingAddress"] is None
    assert order["shippingLine"] is None
    assert part_of(order)["deliveryMethod"]["methodType"] == "PICK_UP"


async def test_unknown_ids_and_wrong_queries(shop: ShopClient) -> None:
    assert (await shop.run(ORDER, id="gid://shopify/Order/99"))["order"] is None
    wrong = (await shop.post(ORDER, id="99")).json()
    assert wrong["errors"][0]["message"] == "Invalid global id '99'"
    unknown = (await shop.post("{ order(id: 1) { mood } }")).json()
    assert unknown["errors"][0]["extensions"]["code"] == "undefinedField"
    assert (await shop.post("{ broken")).json()["errors"]
    without = (
        await shop.post(
            "mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { userErrors { message } } }"
        )
    ).json()
    assert "$f" in without["errors"][0]["message"]


async def test_a_fulfilment_closes_the_fulfilment_order_and_reaches_the_ledger(shop: ShopClient) -> None:
    order_id = await shop.order()
    part = part_of((await shop.run(ORDER, id=order_id))["order"])
    made = (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]
    assert made["userErrors"] == []
    assert made["fulfillment"]["trackingInfo"] == [{"number": "TRACK1", "company": "USPS"}]
    order = (await shop.run(ORDER, id=order_id))["order"]
    assert order["displayFulfillmentStatus"] == "FULFILLED"
    assert part_of(order)["status"] == "CLOSED"
    assert part_of(order)["lineItems"]["nodes"][0]["remainingQuantity"] == 0
    assert order["fulfillments"][0]["trackingInfo"][0]["number"] == "TRACK1"
    (effect,) = await effects(shop, order_id)
    assert (effect["operation"], effect["object_id"]) == ("post-fulfilment", made["fulfillment"]["id"])

    again = (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]
    number = part["id"].rsplit("/", 1)[1]
    assert again["fulfillment"] is None
    assert again["userErrors"] == [
        {"field": ["fulfillment"], "message": f"Fulfillment order {number} has an unfulfillable status= closed."}
    ]
    assert len(await effects(shop, order_id)) == 1


async def test_part_of_a_line_is_fulfilled_and_never_more_than_is_left(shop: ShopClient) -> None:
    order_id = await shop.order(lines=[{"sku": "TEE-M", "quantity": 3}])
    part = part_of((await shop.run(ORDER, id=order_id))["order"])
    line = part["lineItems"]["nodes"][0]["id"]
    for quantity, message in (
        (0, "Quantity must be greater than 0"),
        (4, "Invalid fulfillment order line item quantity requested."),
    ):
        wrong = fulfilment(part, lines=[{"id": line, "quantity": quantity}])
        refused = (await shop.run(CREATE, fulfillment=wrong))["fulfillmentCreate"]
        assert [error["message"] for error in refused["userErrors"]] == [message]
    await shop.run(CREATE, fulfillment=fulfilment(part, lines=[{"id": line, "quantity": 2}]))
    order = (await shop.run(ORDER, id=order_id))["order"]
    assert order["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert part_of(order)["lineItems"]["nodes"][0]["remainingQuantity"] == 1


async def test_a_fulfilment_of_an_unknown_fulfilment_order(shop: ShopClient) -> None:
    unknown = {"id": "gid://shopify/FulfillmentOrder/999999999"}
    refused = (await shop.run(CREATE, fulfillment=fulfilment(unknown)))["fulfillmentCreate"]
    assert refused["userErrors"] == [{"field": ["fulfillment"], "message": "Fulfillment order does not exist."}]
    zero = (await shop.post(CREATE, fulfillment=fulfilment({"id": "gid://shopify/FulfillmentOrder/0"}))).json()
    assert zero["data"] == {"fulfillmentCreate": None}
    assert (zero["errors"][0]["message"], zero["errors"][0]["extensions"]) == (
        "invalid id",
        {"code": "RESOURCE_NOT_FOUND"},
    )


async def test_a_cancelled_fulfilment_is_taken_back_once_and_can_be_made_anew(shop: ShopClient) -> None:
    order_id = await shop.order()
    part = part_of((await shop.run(ORDER, id=order_id))["order"])
    made = (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]["fulfillment"]
    for _ in range(2):
        answer = (await shop.run(CANCEL_FULFILMENT, id=made["id"]))["fulfillmentCancel"]
        assert answer == {"fulfillment": {"status": "CANCELLED"}, "userErrors": []}
    assert [one["operation"] for one in await effects(shop, order_id)] == ["post-fulfilment", "cancel-fulfilment"]
    assert (await effects(shop, order_id))[1]["undoes"] == made["id"]
    order = (await shop.run(ORDER, id=order_id))["order"]
    assert [one["status"] for one in order["fulfillmentOrders"]["nodes"]] == ["CLOSED", "OPEN"]
    again = (await shop.run(CREATE, fulfillment=fulfilment(part_of(order, 1))))["fulfillmentCreate"]
    assert again["userErrors"] == []
    unknown = (await shop.run(CANCEL_FULFILMENT, id="gid://shopify/Fulfillment/9"))["fulfillmentCancel"]
    assert unknown["userErrors"] == [{"message": "Fulfillment not found."}]


async def test_a_held_fulfilment_order_cannot_be_fulfilled_until_released(shop: ShopClient) -> None:
    order_id = await shop.order()
    part = part_of((await shop.run(ORDER, id=order_id))["order"])
    held = (await shop.run(HOLD, id=part["id"]))["fulfillmentOrderHold"]
    assert held["fulfillmentOrder"] == {"status": "ON_HOLD"}
    twice = (await shop.run(HOLD, id=part["id"]))["fulfillmentOrderHold"]
    assert twice["userErrors"][0]["code"] == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    refused = (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]
    assert refused["userErrors"][0]["message"].endswith("status= on_hold.")
    released = await shop.run(RELEASE, id=part["id"], holds=[held["fulfillmentHold"]["id"]])
    assert released["fulfillmentOrderReleaseHold"]["fulfillmentOrder"] == {"status": "OPEN"}
    assert (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]["userErrors"] == []


async def test_an_order_is_cancelled_by_a_job_and_only_once(shop: ShopClient) -> None:
    order_id = await shop.order()
    job = (await shop.run(CANCEL_ORDER, id=order_id))["orderCancel"]["job"]
    assert job["done"] is False
    assert (await shop.run(ORDER, id=order_id))["order"]["cancelledAt"] is None
    await until(lambda: shop_done(shop, job["id"]))
    order = (await shop.run(ORDER, id=order_id))["order"]
    assert order["cancelledAt"] is not None
    assert part_of(order)["status"] == "CLOSED"
    again = (await shop.run(CANCEL_ORDER, id=order_id))["orderCancel"]
    assert again["orderCancelUserErrors"] == [
        {"field": ["orderId"], "message": "Cannot cancel an order that has already been canceled", "code": "INVALID"}
    ]


async def shop_done(shop: ShopClient, job: str) -> bool:
    return bool((await shop.run("query($id: ID!) { job(id: $id) { done } }", id=job))["job"]["done"])


async def test_a_fulfilled_order_cannot_be_cancelled(shop: ShopClient) -> None:
    order_id = await shop.order()
    part = part_of((await shop.run(ORDER, id=order_id))["order"])
    await shop.run(CREATE, fulfillment=fulfilment(part))
    refused = (await shop.run(CANCEL_ORDER, id=order_id))["orderCancel"]
    assert refused["orderCancelUserErrors"][0]["message"] == "Cannot cancel an order that has outstanding fulfillments"


async def test_orders_are_searched_and_paged(http: httpx.AsyncClient) -> None:
    shop = await ShopClient(http, "shop-paged").log_in()
    ids = [await shop.order() for _ in range(5)]
    await shop.order(financial_status="PENDING")
    query = """
      query($after: String, $query: String) {
        orders(first: 2, after: $after, query: $query) { nodes { id } pageInfo { hasNextPage endCursor } }
      }
    """
    found: list[str] = []
    after = None
    while True:
        page = (await shop.run(query, after=after, query="financial_status:paid"))["orders"]
        assert len(page["nodes"]) <= 2
        found += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == ids
    named = await shop.run(query, query="name:#5003")
    assert named["orders"]["nodes"] == [{"id": ids[2]}]
    future = await shop.run(query, query="updated_at:>'2999-01-01T00:00:00Z'")
    assert future["orders"]["nodes"] == []
    unpaged = (await shop.post("{ orders { nodes { id } } }")).json()
    assert unpaged["errors"][0]["message"] == "you must provide one of first or last"


async def test_cost_is_counted_and_a_dear_query_refused(http: httpx.AsyncClient) -> None:
    shop = await ShopClient(http, "shop-busy").log_in()
    order_id = await shop.order()
    cost = (await shop.post(ORDER, id=order_id)).json()["extensions"]["cost"]
    assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert cost["throttleStatus"]["maximumAvailable"] == 20000.0
    part = "{ fulfillmentOrders(first: 250) { nodes { id lineItems(first: 250) { nodes { id lineItem { id } } } } } }"
    dear = (await shop.post("{ orders(first: 250) { nodes " + part + " } }")).json()
    assert dear["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


async def test_an_empty_bucket_throttles_and_fills_again(tmp_path: Path) -> None:
    seconds = 0.0
    bags = " ".join(
        f"m{n}: currentTotalPriceSet {{ shopMoney {{ amount }} presentmentMoney {{ amount }} }}" for n in range(230)
    )
    dear = "{ orders(first: 2) { nodes { id " + bags + " } } }"
    async with running(tmp_path / "world.db") as simulator, httpx.AsyncClient(base_url=simulator.url) as http:
        simulator.world.clock = lambda: seconds
        shop = await ShopClient(http, "shop-spent").log_in()
        for _ in range(2):
            await shop.order(webhooks=False)
        for _ in range(30):
            answer = await shop.post(dear)
            if "errors" in answer.json():
                break
        cost = answer.json()["extensions"]["cost"]
        assert answer.status_code == 200
        assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert cost["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"] <= 1000
        assert (await shop.post("{ shop { name } }")).json()["data"] == {"shop": {"name": "shop-spent"}}
        seconds += 1
        assert "errors" not in (await shop.post(dear)).json()
        assert (await shop.post(dear)).json()["errors"][0]["extensions"]["code"] == "THROTTLED"


async def test_faults_in_shopifys_shape(shop: ShopClient) -> None:
    order_id = await shop.order()
    part = part_of((await shop.run(ORDER, id=order_id))["order"])

    async def fault(**wanted: Any) -> None:
        answer = await shop.http.post("/_simulator/faults", json={"connection": "shop-uk", "count": 1, **wanted})
        assert answer.status_code == 201

    await fault(operation="order", kind="throttle", delay_seconds=2)
    throttled = (await shop.post(ORDER, id=order_id)).json()
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    status = throttled["extensions"]["cost"]["throttleStatus"]
    assert (throttled["extensions"]["cost"]["requestedQueryCost"], status["restoreRate"]) == (2000, 1000.0)
    assert status["currentlyAvailable"] == 0

    await fault(operation="fulfillmentCreate", kind="refuse", field="fulfillment.trackingInfo", reason="is not known")
    refused = (await shop.run(CREATE, fulfillment=fulfilment(part)))["fulfillmentCreate"]
    assert refused["fulfillment"] is None
    assert refused["userErrors"][0]["field"] == ["fulfillment", "trackingInfo"]
    assert refused["userErrors"][0]["message"] == "is not known"

    await fault(operation="order", kind="status", status=502)
    assert (await shop.post(ORDER, id=order_id)).status_code == 502

    await fault(operation="fulfillmentCreate", kind="lost-reply")
    with pytest.raises(httpx.RemoteProtocolError):
        await shop.post(CREATE, fulfillment=fulfilment(part))
    assert len(await effects(shop, order_id)) == 1

    await fault(operation="order", kind="blind")
    assert (await shop.run(ORDER, id=order_id))["order"]["fulfillments"] == []
    assert len((await shop.run(ORDER, id=order_id))["order"]["fulfillments"]) == 1


async def test_orders_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "world.db"
    async with running(state) as first, httpx.AsyncClient(base_url=first.url) as http:
        shop = await ShopClient(http, "shop-uk").log_in()
        order_id = await shop.order()
    async with running(state) as second, httpx.AsyncClient(base_url=second.url) as http:
        again = ShopClient(http, "shop-uk")
        again.token = shop.token
        assert (await again.run(ORDER, id=order_id))["order"]["id"] == order_id
