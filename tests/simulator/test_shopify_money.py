"""Money in the simulated Shopify: authorised, captured, refunded, given back on cancelling, moved by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import Simulator, running
from tests.simulator.shopify_client import Inbox, ShopClient, inbox, until

ORDER = """
query($id: ID!) {
  order(id: $id) {
    displayFinancialStatus capturable cancelledAt
    totalCapturableSet { shopMoney { amount } } totalReceivedSet { shopMoney { amount } }
    totalRefundedSet { shopMoney { amount } } netPaymentSet { shopMoney { amount } }
    totalOutstandingSet { shopMoney { amount } }
    currentTotalPriceSet { shopMoney { amount } }
    paymentTerms { paymentTermsType dueInDays }
    risk { recommendation assessments { riskLevel facts { description sentiment } } }
    transactions(first: 20) {
      id kind status errorCode gateway createdAt authorizationExpiresAt
      amountSet { shopMoney { amount } } parentTransaction { id kind }
    }
    refunds(first: 10) { note totalRefundedSet { shopMoney { amount } } }
    fulfillmentOrders(first: 3) { nodes { id status fulfillmentHolds { id handle heldByRequestingApp } } }
  }
}
"""
CAPTURE = """
mutation($input: OrderCaptureInput!) {
  orderCapture(input: $input) {
    transaction { id kind status errorCode amountSet { shopMoney { amount } } parentTransaction { id } }
    userErrors { field message }
  }
}
"""
REFUND = """
mutation($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id note transactions(first: 5) { nodes { id status } } }
    order { displayFinancialStatus }
    userErrors { field message }
  }
}
"""
CANCEL = """
mutation($id: ID!, $refund: Boolean) {
  orderCancel(orderId: $id, reason: FRAUD, restock: true, staffNote: "shop-uk:1/cancel-order#1 fraud",
              refundMethod: {originalPaymentMethodsRefund: $refund}) {
    job { id } orderCancelUserErrors { field message code }
  }
}
"""
JOB = "query($id: ID!) { job(id: $id) { done } }"
HOLD = """
mutation($id: ID!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: HIGH_RISK_OF_FRAUD, handle: "us"}) {
    fulfillmentHold { id } userErrors { message }
  }
}
"""
RELEASE = """
mutation($id: ID!) { fulfillmentOrderReleaseHold(id: $id) { fulfillmentOrder { status } userErrors { message } } }
"""


@pytest.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    async with running(tmp_path_factory.mktemp("shopify") / "world.db") as started:
        yield started


@pytest.fixture
async def shop(simulator: Simulator) -> AsyncIterator[ShopClient]:
    async with httpx.AsyncClient(base_url=simulator.url, timeout=10, verify=trusted()) as http:
        yield await ShopClient(http, "shop-uk").log_in()
        await http.put("/_simulator/settings", json={"payment_refund_after_seconds": 0})


async def read(shop: ShopClient, order_id: str) -> dict[str, Any]:
    return (await shop.run(ORDER, id=order_id))["order"]


async def capture(shop: ShopClient, order_id: str, amount: str = "19.45") -> dict[str, Any]:
    first = (await read(shop, order_id))["transactions"][0]["id"]
    wanted = {"id": order_id, "parentTransactionId": first, "amount": amount, "currency": "GBP"}
    return (await shop.run(CAPTURE, input=wanted))["orderCapture"]


async def refund(shop: ShopClient, order_id: str, paid: str, amount: str = "19.45", key: str = "k") -> dict[str, Any]:
    one = {"orderId": order_id, "parentId": paid, "kind": "REFUND", "amount": amount, "gateway": "shopify_payments"}
    wanted = {"orderId": order_id, "note": "why", "transactions": [one]}
    return (await shop.run(REFUND, input=wanted, key=f"{order_id}{key}"))["refundCreate"]


async def by_hand(shop: ShopClient, order_id: str, what: str, **body: Any) -> httpx.Response:
    number = order_id.rsplit("/", 1)[1]
    return await shop.http.post(f"/_simulator/shops/shop-uk/orders/{number}/{what}", json=body)


async def ledger(shop: ShopClient, order_id: str) -> list[tuple[str, str | None]]:
    query = {"reference": f"shop-uk:{order_id.rsplit('/', 1)[1]}"}
    effects = (await shop.http.get("/_simulator/effects", params=query)).json()
    return [(one["operation"], one["amount"]) for one in effects]


def amounts(order: dict[str, Any]) -> dict[str, str]:
    return {name: order[f"{name}Set"]["shopMoney"]["amount"] for name in ("totalCapturable", "totalReceived")}


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("PENDING", []),
        ("AUTHORIZED", ["AUTHORIZATION"]),
        ("EXPIRED", ["AUTHORIZATION"]),
        ("VOIDED", ["AUTHORIZATION", "VOID"]),
        ("PARTIALLY_PAID", ["SALE"]),
        ("PAID", ["SALE"]),
        ("PARTIALLY_REFUNDED", ["SALE", "REFUND"]),
        ("REFUNDED", ["SALE", "REFUND"]),
    ],
)
async def test_every_status_follows_from_its_transactions(shop: ShopClient, status: str, kinds: list[str]) -> None:
    order = await read(shop, await shop.order(financial_status=status))
    assert (order["displayFinancialStatus"], [one["kind"] for one in order["transactions"]]) == (status, kinds)
    assert order["capturable"] is (status == "AUTHORIZED")


async def test_an_authorisation_is_captured_once_and_paid_is_told(shop: ShopClient) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED")
    async with inbox() as box:
        await shop.http.post("/_simulator/shops/shop-uk/subscriptions", json={"topic": "orders/paid", "url": box.url})
        made = await capture(shop, order_id)
        await box.until(1)
    first, second = (await read(shop, order_id))["transactions"]
    assert (made["userErrors"], made["transaction"]["id"]) == ([], second["id"])
    assert second["parentTransaction"] == {"id": first["id"], "kind": "AUTHORIZATION"}
    order = await read(shop, order_id)
    assert order["displayFinancialStatus"] == "PAID"
    assert amounts(order) == {"totalCapturable": "0.0", "totalReceived": "19.45"}
    again = await capture(shop, order_id)
    assert again["transaction"] is None
    assert [error["field"] for error in again["userErrors"]] == [["parentTransactionId"]]
    assert await ledger(shop, order_id) == [("capture", "19.45")]


@pytest.mark.parametrize("amount", ["19.46", "0", "-1", "much"])
async def test_no_more_is_captured_than_was_authorised(shop: ShopClient, amount: str) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED")
    assert [error["field"] for error in (await capture(shop, order_id, amount))["userErrors"]] == [["amount"]]
    assert (await read(shop, order_id))["displayFinancialStatus"] == "AUTHORIZED"


async def test_a_lapsed_authorisation_answers_a_failed_capture(shop: ShopClient) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED", authorization_hours=1)
    assert (await by_hand(shop, order_id, "payment", action="lapse")).json()["financial_status"] == "EXPIRED"
    failed = (await capture(shop, order_id))["transaction"]
    assert (failed["status"], failed["errorCode"]) == ("FAILURE", "AUTHORIZATION_EXPIRED")
    assert (await read(shop, order_id))["displayFinancialStatus"] == "EXPIRED"
    assert await ledger(shop, order_id) == []


async def test_a_shop_may_not_tell_when_an_authorisation_ends(shop: ShopClient) -> None:
    order = await read(shop, await shop.order(financial_status="AUTHORIZED", authorization_hours=None))
    assert order["transactions"][0]["authorizationExpiresAt"] is None


async def test_a_refund_needs_a_key_and_the_same_key_is_the_same_refund(shop: ShopClient) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED")
    paid = (await capture(shop, order_id))["transaction"]["id"]
    first = await refund(shop, order_id, paid, "10.00")
    again = await refund(shop, order_id, paid, "10.00")
    assert first == again
    assert first["order"] == {"displayFinancialStatus": "PARTIALLY_REFUNDED"}
    other = await refund(shop, order_id, paid, "9.00")
    assert "different operation parameters" in other["userErrors"][0]["message"]
    too_much = await refund(shop, order_id, paid, "10.00", key="other")
    assert too_much["refund"] is None
    assert await ledger(shop, order_id) == [("capture", "19.45"), ("refund-payment", "10.00")]
    assert (await read(shop, order_id))["refunds"] == [
        {"note": "why", "totalRefundedSet": {"shopMoney": {"amount": "10.0"}}}
    ]
    for document in (REFUND.replace("@idempotent(key: $key)", ""), REFUND.replace("$key)", '" ")')):
        one = document.replace(", $key: String!", "")
        refused = (await shop.post(one, input={"orderId": order_id})).json()
        assert "idempotent" in refused["errors"][0]["message"]


async def test_a_refund_can_be_pending_and_come_back(shop: ShopClient) -> None:
    await shop.http.put("/_simulator/settings", json={"payment_refund_after_seconds": 60})
    order_id = await shop.order(financial_status="AUTHORIZED")
    paid = (await capture(shop, order_id))["transaction"]["id"]
    made = await refund(shop, order_id, paid)
    assert [one["status"] for one in made["refund"]["transactions"]["nodes"]] == ["PENDING"]
    await by_hand(shop, order_id, "payment", action="reject-refund")
    assert (await read(shop, order_id))["displayFinancialStatus"] == "PAID"
    await shop.http.put("/_simulator/settings", json={"payment_refund_after_seconds": 0.1})
    await refund(shop, order_id, paid, key="second")

    async def settled() -> bool:
        return (await read(shop, order_id))["transactions"][-1]["status"] == "SUCCESS"

    await until(settled)
    assert [operation for operation, _ in await ledger(shop, order_id)] == [
        "capture",
        "request-payment-refund",
        "payment-refund-rejected",
        "request-payment-refund",
        "refund-payment",
    ]


async def test_staff_act_by_hand_and_are_told_apart(shop: ShopClient) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED")
    assert (await by_hand(shop, order_id, "payment", action="capture", amount="19.46")).status_code == 409
    assert (await by_hand(shop, order_id, "payment", action="capture")).json()["financial_status"] == "PAID"
    assert (await by_hand(shop, order_id, "payment", action="capture")).status_code == 409
    answer = await by_hand(shop, order_id, "payment", action="refund", amount="5")
    assert answer.json()["financial_status"] == "PARTIALLY_REFUNDED"
    assert await ledger(shop, order_id) == [("capture-by-hand", "19.45"), ("refund-by-hand", "5")]
    voided = await shop.order(financial_status="AUTHORIZED")
    assert (await by_hand(shop, voided, "payment", action="void")).json()["financial_status"] == "VOIDED"
    assert (await by_hand(shop, voided, "payment", action="void")).status_code == 409
    late = await shop.order(financial_status="PENDING", terms=True)
    assert (await read(shop, late))["paymentTerms"] == {"paymentTermsType": "NET", "dueInDays": 30}
    assert (await by_hand(shop, late, "payment", action="pay")).json()["financial_status"] == "PAID"
    assert (await by_hand(shop, late, "payment", action="pay")).status_code == 409


async def test_the_shop_captures_when_all_is_fulfilled(shop: ShopClient) -> None:
    order_id = await shop.order(financial_status="AUTHORIZED", capture="ON_FULFILLMENT")
    part = (await read(shop, order_id))["fulfillmentOrders"]["nodes"][0]["id"]
    create = "mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { userErrors { message } } }"
    await shop.run(create, f={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part}]})
    assert (await read(shop, order_id))["displayFinancialStatus"] == "PAID"
    assert await ledger(shop, order_id) == [("post-fulfilment", None), ("capture-by-shop", "19.45")]


@pytest.mark.parametrize(
    ("status", "refund_it", "ends", "entries"),
    [
        ("AUTHORIZED", True, "VOIDED", []),
        ("AUTHORIZED", False, "VOIDED", []),
        ("PAID", True, "REFUNDED", [("refund-by-shop", "19.45")]),
        ("PAID", False, "PAID", []),
    ],
)
async def test_cancelling_gives_money_back_and_ends_holds(
    shop: ShopClient, status: str, refund_it: bool, ends: str, entries: list[tuple[str, str]]
) -> None:
    order_id = await shop.order(financial_status=status)
    part = (await read(shop, order_id))["fulfillmentOrders"]["nodes"][0]["id"]
    await shop.run(HOLD, id=part)
    job = (await shop.run(CANCEL, id=order_id, refund=refund_it))["orderCancel"]["job"]["id"]

    async def done() -> bool:
        return bool((await shop.run(JOB, id=job))["job"]["done"])

    await until(done)
    order = await read(shop, order_id)
    assert (order["displayFinancialStatus"], order["cancelledAt"] is not None) == (ends, True)
    assert [(one["status"], one["fulfillmentHolds"]) for one in order["fulfillmentOrders"]["nodes"]] == [("CLOSED", [])]
    assert await ledger(shop, order_id) == [("hold", None), *entries, ("release-hold", None), ("cancel-order", None)]


async def test_a_hold_and_its_release_are_in_the_ledger_once(shop: ShopClient) -> None:
    order_id = await shop.order(risk="CANCEL", risk_facts=["The card's country is another"])
    risk = (await read(shop, order_id))["risk"]
    assert risk["recommendation"] == "CANCEL"
    assert risk["assessments"][0]["facts"] == [
        {"description": "The card's country is another", "sentiment": "NEGATIVE"}
    ]
    part = (await read(shop, order_id))["fulfillmentOrders"]["nodes"][0]["id"]
    hold = (await shop.run(HOLD, id=part))["fulfillmentOrderHold"]["fulfillmentHold"]["id"]
    held = (await read(shop, order_id))["fulfillmentOrders"]["nodes"][0]["fulfillmentHolds"]
    assert held == [{"id": hold, "handle": "us", "heldByRequestingApp": True}]
    for _ in range(2):
        assert (await shop.run(RELEASE, id=part))["fulfillmentOrderReleaseHold"]["userErrors"] == []
    assert [operation for operation, _ in await ledger(shop, order_id)] == ["hold", "release-hold"]


async def test_an_edit_changes_what_is_owed_and_what_is_left_to_ship(shop: ShopClient) -> None:
    order_id = await shop.order(lines=[{"sku": "MUG-BLUE", "quantity": 3}], financial_status="AUTHORIZED")
    wrong = await by_hand(shop, order_id, "edit", quantities={"TEE-M": 1})
    assert (wrong.status_code, "TEE-M" in wrong.text) == (422, True)
    async with inbox() as box:
        await subscribe(shop, box, "orders/edited", "refunds/create", "fulfillments/create")
        await by_hand(shop, order_id, "edit", quantities={"MUG-BLUE": 1}, address={"zip": "CB1 1AA"})
        await box.until(1)
        assert json.loads(box.received[0][1])["order_edit"]["order_id"] == int(order_id.rsplit("/", 1)[1])
        await by_hand(shop, order_id, "payment", action="capture")
        await by_hand(shop, order_id, "payment", action="refund", amount="29")
        await box.until(2)
        assert json.loads(box.received[1][1])["order_id"] == int(order_id.rsplit("/", 1)[1])
    order = await read(shop, order_id)
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "19.45"
    authorizations = (await shop.http.get("/_simulator/authorizations")).json()
    (mine,) = [one for one in authorizations if one["reference"].endswith(f":{order_id.rsplit('/', 1)[1]}")]
    assert mine == mine | {"amount": "48.45", "currency": "GBP", "totals": ["48.45", "19.45"]}


async def subscribe(shop: ShopClient, box: Inbox, *topics: str) -> None:
    for topic in topics:
        wanted = {"topic": topic, "url": box.url}
        assert (await shop.http.post("/_simulator/shops/shop-uk/subscriptions", json=wanted)).status_code == 201
