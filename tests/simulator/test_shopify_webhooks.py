"""Webhooks of the simulated Shopify: signed, tried again until taken, redelivered under the same ids."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.http import trusted
from seamline.simulator.server import running
from tests.simulator.shopify_client import Inbox, ShopClient, inbox

SUBSCRIBE = """
mutation($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri}) {
    webhookSubscription { id topic uri } userErrors { field message }
  }
}
"""
LIST = "{ webhookSubscriptions(first: 10) { nodes { id topic uri } } }"
DELETE = "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId } }"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    state = tmp_path / "world.db"
    async with (
        running(state) as simulator,
        httpx.AsyncClient(base_url=simulator.url, timeout=10, verify=trusted()) as client,
    ):
        yield client


@pytest.fixture
async def box() -> AsyncIterator[Inbox]:
    async with inbox() as opened:
        yield opened


async def subscribe(http: httpx.AsyncClient, box: Inbox, topic: str = "orders/paid") -> None:
    answer = await http.post("/_simulator/shops/shop-uk/subscriptions", json={"topic": topic, "url": box.url})
    assert answer.status_code == 201


async def make(http: httpx.AsyncClient, **wanted: Any) -> str:
    return str((await http.post("/_simulator/shops/shop-uk/orders", json=wanted)).json()["id"])


async def test_an_order_is_told_signed_and_with_its_ids(http: httpx.AsyncClient, box: Inbox) -> None:
    await subscribe(http, box)
    await subscribe(http, box, "orders/create")
    order_id = await make(http)
    await box.until(2)
    assert {headers["x-shopify-topic"] for headers, _ in box.received} == {"orders/paid", "orders/create"}
    for headers, body in box.received:
        right = base64.b64encode(hmac.new(b"secret-shop-uk", body, hashlib.sha256).digest()).decode()
        assert headers["x-shopify-hmac-sha256"] == right
        assert headers["x-shopify-event-id"]
        assert headers["x-shopify-webhook-id"]
        assert headers["x-shopify-triggered-at"].endswith("Z")
        assert headers["x-shopify-shop-domain"] == "shop-uk.myshopify.example"
        told = json.loads(body)
        assert (str(told["id"]), told["financial_status"]) == (order_id, "paid")
        assert told["admin_graphql_api_id"] == f"gid://shopify/Order/{order_id}"


async def test_an_unpaid_order_is_not_told_as_paid(http: httpx.AsyncClient, box: Inbox) -> None:
    await subscribe(http, box)
    await make(http, financial_status="PENDING")
    paid = await make(http)
    await box.until(1)
    assert [str(json.loads(body)["id"]) for _, body in box.received] == [paid]


async def test_what_is_not_taken_is_sent_again_under_the_same_ids(http: httpx.AsyncClient, box: Inbox) -> None:
    box.answers = [503, 500]
    await subscribe(http, box)
    await make(http)
    await box.until(3)
    ids = {(headers["x-shopify-event-id"], headers["x-shopify-webhook-id"]) for headers, _ in box.received}
    assert len(ids) == 1
    assert len({body for _, body in box.received}) == 1


async def test_redelivery_repeats_the_event_at_the_same_moment(http: httpx.AsyncClient, box: Inbox) -> None:
    await subscribe(http, box)
    order_id = await make(http)
    await box.until(1)
    box.open_at_once = 0
    box.answers = [202, 202, 202, 401, 401]
    answer = await http.post(
        f"/_simulator/shops/shop-uk/orders/{order_id}/deliveries",
        json={"topic": "orders/paid", "times": 5, "at_once": 2},
    )
    assert sorted(answer.json()["statuses"]) == [202, 202, 202, 401, 401]
    assert box.open_at_once == 2
    assert len({headers["x-shopify-event-id"] for headers, _ in box.received}) == 1


async def test_redelivery_to_nobody_listening_says_so(http: httpx.AsyncClient) -> None:
    async with inbox() as gone:
        await subscribe(http, gone)
    order_id = await make(http, webhooks=False)
    answer = await http.post(f"/_simulator/shops/shop-uk/orders/{order_id}/deliveries", json={"times": 1})
    assert answer.json() == {"statuses": [0]}
    assert (await http.post("/_simulator/shops/shop-uk/orders/1/deliveries", json={})).status_code == 404


async def test_a_person_cancels_in_the_admin(http: httpx.AsyncClient, box: Inbox) -> None:
    await subscribe(http, box, "orders/cancelled")
    order_id = await make(http)
    path = f"/_simulator/shops/shop-uk/orders/{order_id}/cancel"
    assert (await http.post(path, json={"reason": "CUSTOMER"})).status_code == 200
    await box.until(1)
    headers, body = box.received[0]
    assert headers["x-shopify-topic"] == "orders/cancelled"
    assert json.loads(body)["cancel_reason"] == "customer"
    assert (await http.post(path, json={})).status_code == 409


async def test_subscriptions_over_graphql(http: httpx.AsyncClient, box: Inbox) -> None:
    shop = await ShopClient(http, "shop-uk").log_in()
    made = (await shop.run(SUBSCRIBE, topic="ORDERS_PAID", uri=box.url))["webhookSubscriptionCreate"]
    subscription = made["webhookSubscription"]
    assert (subscription["topic"], subscription["uri"], made["userErrors"]) == ("ORDERS_PAID", box.url, [])
    await make(http)
    await box.until(1)
    assert (await shop.run(LIST))["webhookSubscriptions"]["nodes"] == [subscription]
    await shop.run(DELETE, id=subscription["id"])
    assert (await shop.run(LIST))["webhookSubscriptions"]["nodes"] == []
    wrong = (await shop.run(SUBSCRIBE, topic="ORDERS_PAID", uri="nowhere"))["webhookSubscriptionCreate"]
    assert wrong["userErrors"][0]["field"] == ["webhookSubscription", "uri"]


async def test_an_untaken_webhook_survives_a_restart(tmp_path: Path, box: Inbox) -> None:
    state = tmp_path / "restarted.db"
    box.answers = [503]
    async with running(state) as first, httpx.AsyncClient(base_url=first.url) as http:
        await subscribe(http, box)
        await make(http)
        await box.until(1)
    async with running(state):
        await box.until(2)
    assert len({headers["x-shopify-event-id"] for headers, _ in box.received}) == 1
