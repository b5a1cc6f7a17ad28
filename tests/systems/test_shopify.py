"""Shopify in the role of the shop, and its oddities."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.errors import LockedOut, Outage, Refusal, SystemFailure
from seamline.http import Exchange, HttpFactory
from seamline.records.event import BadSignature, EventKind, UnreadableEvent
from seamline.systems.shopify import client, webhook, wire
from seamline.systems.shopify.shop import Account, ShopifyShop, connect
from tests.systems.deliveries import delivery
from tests.systems.remedy_suite import ShopRemedyConformance
from tests.systems.shop_role_suite import ShopRoleConformance
from tests.systems.shop_stock_suite import ShopStockConformance
from tests.systems.shop_suite import ShopConformance, ShopMoneyConformance, fulfilment
from tests.systems.vendors import Simulated

NAME = "shop-uk"
MUTATIONS = {
    "fulfilment": "fulfillmentCreate",
    "capture": "orderCapture",
    "refund": "refundCreate",
    "hold": "fulfillmentOrderHold",
    "cancellation": "orderCancel",
    "split": "fulfillmentOrderSplit",
    "levels": "inventorySetQuantities",
}


class Side:
    """The shop `shop-uk` and its customers."""

    name = NAME
    secrets = (f"secret-{NAME}", "shpat_")

    def __init__(self, adapter: ShopifyShop, simulated: Simulated) -> None:
        self.adapter = adapter
        self.simulated = simulated

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle", "shop", delay_seconds=4)

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        await self.simulated.fault(NAME, "status", status=401)

    async def heal(self) -> None:
        await self.simulated.heal()

    async def order(self, **wanted: Any) -> str:
        return await self.simulated.order(NAME, **wanted)

    async def lose_reply(self, what: str = "fulfilment") -> None:
        await self.simulated.fault(NAME, "lost-reply", MUTATIONS[what], count=1)

    async def by_hand(self, reference: str, what: str, **wanted: Any) -> None:
        await self.simulated.by_hand(reference, what, **wanted)

    async def send_back(self, reference: str, **wanted: Any) -> str:
        return await self.simulated.send_back(reference, **wanted)

    async def slow_refunds(self) -> None:
        await self.simulated.settings(payment_refund_after_seconds=60)

    async def ledger(self, reference: str) -> list[tuple[str, str | None]]:
        return [(one["operation"], one["amount"]) for one in await self.simulated.ledger(reference=reference)]


@pytest.fixture
async def side(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Side]:
    """The adapter and the shop it talks to."""
    secret = f"secret-{NAME}"
    values = {"url": f"{simulated.url}/shopify/{NAME}", "client_id": f"client-{NAME}", "client_secret": secret}
    adapter = connect(NAME, Account.model_validate(values), http)
    yield Side(adapter, simulated)
    await adapter.close()


class TestConformance(
    ShopConformance, ShopMoneyConformance, ShopRoleConformance, ShopRemedyConformance, ShopStockConformance
):
    """Shopify fills the role."""


async def test_one_token_serves_all_calls(side: Side, simulated: Simulated) -> None:
    reference = await side.order()
    await asyncio.gather(*(side.adapter.fetch_order(reference) for _ in range(5)))
    assert (await simulated.calls(connection=NAME)).count("token") == 1


async def test_a_refused_token_is_renewed_once(side: Side, simulated: Simulated) -> None:
    reference = await side.order()
    await side.adapter.fetch_order(reference)
    await simulated.fault(NAME, "status", "order", status=401, count=1)
    assert (await side.adapter.fetch_order(reference)).reference == reference
    await simulated.fault(NAME, "status", "order", status=401)
    with pytest.raises(LockedOut):
        await side.adapter.fetch_order(reference)
    assert (await simulated.calls(connection=NAME)).count("token") == 3


async def test_throttling_says_how_long(side: Side) -> None:
    await side.throttle()
    with pytest.raises(Outage) as caught:
        await side.adapter.card()
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("throttled", 4)


def test_the_pause_is_what_the_budget_lacks() -> None:
    cost = wire.Cost.model_validate(
        {"requestedQueryCost": 500, "throttleStatus": {"currentlyAvailable": 100, "restoreRate": 50}}
    )
    assert client.pause_seconds(cost) == 8
    assert client.pause_seconds(wire.Cost()) == 1


async def test_user_errors_name_our_fields(side: Side, simulated: Simulated) -> None:
    order = await side.adapter.fetch_order(await side.order())
    for field, ours in (
        ("fulfillment.trackingInfo.number", "tracking_number"),
        ("fulfillment.lineItemsByFulfillmentOrder.0.fulfillmentOrderLineItems.0.quantity", "lines"),
        ("fulfillment", "fulfilment_order_id"),
    ):
        await simulated.fault(NAME, "refuse", "fulfillmentCreate", count=1, field=field, reason="Mill Lane is wrong")
        with pytest.raises(Refusal) as caught:
            await side.adapter.create_fulfilment("key", fulfilment(order))
        (problem,) = caught.value.failure.problems
        assert (problem.field, problem.reason) == (ours, "Mill Lane is wrong")
        assert "Mill Lane" not in str(caught.value)


async def test_the_shop_does_not_notify_the_customer(side: Side, exchanges: list[Exchange]) -> None:
    order = await side.adapter.fetch_order(await side.order())
    await side.adapter.create_fulfilment("key", fulfilment(order))
    sent = json.loads(exchanges[-1].request.content)
    assert sent["variables"]["fulfillment"]["notifyCustomer"] is False
    assert [one.write for one in exchanges][-1]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("THROTTLED", Outage),
        ("INTERNAL_SERVER_ERROR", Outage),
        ("ACCESS_DENIED", LockedOut),
        ("undefinedField", Refusal),
        ("", Refusal),
    ],
)
def test_graphql_errors(code: str, kind: type[SystemFailure]) -> None:
    body = {"errors": [{"message": "Mill Lane", "extensions": {"code": code} if code else {}}]}
    error = client.graphql_error(wire.Reply.model_validate(body), "r1")
    assert (type(error), error.failure.request_id, error.failure.reason) == (kind, "r1", "Mill Lane")


def signed(body: bytes, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(), "x-shopify-topic": "orders/paid"}


def test_a_webhook_is_verified_over_the_raw_body() -> None:
    body = b'{"id": 5001}'
    webhook.verify("s3cret", delivery(body, headers=signed(body, "s3cret")))
    for headers, raw in (
        (signed(body, "s3cret"), body + b" "),
        (signed(body, "other"), body),
        ({}, body),
        ({"X-Shopify-Hmac-SHA256": "ü"}, body),
    ):
        with pytest.raises(BadSignature) as caught:
            webhook.verify("s3cret", delivery(raw, headers=headers))
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("topic", "body", "kind", "number"),
    [
        ("orders/paid", {"id": 5001}, EventKind.ORDER_PAID, "5001"),
        ("orders/create", {"id": 5001, "financial_status": "authorized"}, EventKind.ORDER_AUTHORIZED, "5001"),
        ("orders/create", {"id": 5001, "financial_status": "paid"}, EventKind.OTHER, ""),
        ("orders/cancelled", {"id": 5001}, EventKind.ORDER_CANCELLED, "5001"),
        ("orders/cancelled", {"id": 5001, "cancelled_at": "2026-11-22"}, EventKind.ORDER_CANCELLED, "5001"),
        ("orders/edited", {"order_edit": {"id": 7, "order_id": 5001}}, EventKind.ORDER_EDITED, "5001"),
        ("refunds/create", {"id": 9, "order_id": 5001}, EventKind.ORDER_REFUNDED, "5001"),
        ("returns/request", {"id": 9, "order": {"id": 5001}}, EventKind.RETURN_OPENED, "5001-R9"),
        ("returns/approve", {"id": 9, "order_id": 5001}, EventKind.RETURN_OPENED, "5001-R9"),
        ("returns/cancel", {"id": 9, "order": {"id": 5001}}, EventKind.RETURN_CANCELLED, "5001-R9"),
        ("fulfillments/create", {"id": 9, "order_id": 5001}, EventKind.ORDER_FULFILLED, "5001"),
        ("shop/update", {}, EventKind.OTHER, ""),
    ],
)
def test_events(topic: str, body: dict[str, Any], kind: EventKind, number: str) -> None:
    (event,) = webhook.read(delivery(json.dumps(body).encode(), headers={"X-Shopify-Topic": topic}))
    assert (event.kind, event.topic, event.external_id) == (kind, topic, number)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": "x"}', b'{"id": true}', b'{"id": -1}', b"\xff"])
def test_unreadable_events(body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        webhook.read(delivery(body, headers={"X-Shopify-Topic": "orders/paid"}))
    with pytest.raises(UnreadableEvent):
        webhook.read(delivery(b"{}"))


async def test_the_card_tells_where_goods_leave_from_and_what_was_paid_for_a_test(
    side: Side, simulated: Simulated
) -> None:
    await simulated.shop(NAME, "locations", name="North")
    await simulated.shop(NAME, "locations", name="Showroom", ships=False)
    assert ((await side.adapter.card()).live, (await side.adapter.card()).test_payments) == (False, ())
    await simulated.shop(NAME, "account", live=True)
    await simulated.order(NAME, test=True)
    card = await side.adapter.card()
    assert (card.live, card.locations, card.test_payments) == (True, ("Main warehouse", "North"), ("bogus",))
