"""Webhooks of the simulated shop: signed, numbered, tried again when they are not taken.

Each event is stored once with its body; each subscription to its topic is sent it under the same `X-Shopify-Event-Id`
and `X-Shopify-Webhook-Id`, however often. Signed with the connection's client secret, `secret-<connection>`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import uuid

from seamline.simulator.deliveries import Deliveries
from seamline.simulator.shopify_money import financial_status
from seamline.simulator.shopify_orders import object_id, time_text
from seamline.simulator.world import Body, World

ANSWER_SECONDS_MAX = 5.0
TRIES_MAX = 6
API_VERSION = "2026-07"


class Webhooks:
    """Subscriptions and deliveries of all simulated shops."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._deliveries = Deliveries(
            world,
            "shopify.deliver-webhook",
            answer_seconds_max=ANSWER_SECONDS_MAX,
            tries_max=TRIES_MAX,
            again=lambda status: not 200 <= status < 300,
        )

    def subscribe(self, connection: str, topic: str, url: str) -> Body:
        """Send the topic's events to `url` from now on. The same pair twice is one subscription."""
        for known in self.subscriptions(connection):
            if (known["topic"], known["url"]) == (topic, url):
                return known
        made_id = object_id(self.world, connection)
        made = {"id": made_id, "topic": topic, "url": url, "created_at": time_text(), "active": True}
        self.world.put(connection, "subscription", made_id, made)
        return made

    def unsubscribe(self, connection: str, subscription_id: str) -> bool:
        """End a subscription; False when there is none."""
        made = self.world.get(connection, "subscription", subscription_id)
        if made is None or not made["active"]:
            return False
        self.world.put(connection, "subscription", subscription_id, made | {"active": False})
        return True

    def subscriptions(self, connection: str) -> list[Body]:
        """The live subscriptions."""
        return [one for one in self.world.find(connection, "subscription") if one["active"]]

    def order_event(self, topic: str, order: Body, body: Body | None = None) -> None:
        """Tell the topic's subscribers of something that happened to the order; `body` where it is not the order."""
        event = self._event(topic, order, body)
        for subscription in self.subscriptions(event["connection"]):
            if subscription["topic"] == topic:
                about = {"order_id": event["order_id"], "topic": topic}
                self._deliveries.post(
                    event["connection"], subscription["url"], event["body"], headers=_headers(event), about=about
                )

    def deliveries(self, connection: str) -> list[Body]:
        """Every delivery by order and topic: how often it was tried, and the last answer's status (0 for none)."""
        return [
            {**one["about"], "tries": one["tries"], "status": one["status"]}
            for one in self.world.find(connection, "delivery")
        ]

    async def redeliver(self, order: Body, topic: str, *, times: int, at_once: int) -> list[int]:
        """Send the last event of this topic again, `at_once` at one moment; the statuses received, 0 for none."""
        connection = order["connection"]
        past = self.world.find(connection, "event", {"topic": topic, "order_id": order["id"]})
        event = past[-1] if past else self._event(topic, order)
        urls = [one["url"] for one in self.subscriptions(connection) if one["topic"] == topic]
        statuses: list[int] = []
        for start in range(0, times, at_once):
            count = min(at_once, times - start)
            copies = [url for url in urls for _ in range(count)]
            sent = (self._deliveries.send(url, event["body"], _headers(event)) for url in copies)
            statuses += await asyncio.gather(*sent)
        return statuses

    def _event(self, topic: str, order: Body, body: Body | None = None) -> Body:
        event_id = str(uuid.uuid4())
        event = {
            "id": event_id,
            "webhook_id": str(uuid.uuid4()),
            "connection": order["connection"],
            "topic": topic,
            "order_id": order["id"],
            "triggered_at": time_text(),
            "body": json.dumps(payload(order) if body is None else body),
        }
        self.world.put(order["connection"], "event", event_id, event)
        return event


def _headers(event: Body) -> dict[str, str]:
    return {
        "X-Shopify-Topic": event["topic"],
        "X-Shopify-Hmac-Sha256": sign(event["connection"], event["body"].encode()),
        "X-Shopify-Shop-Domain": f"{event['connection']}.myshopify.example",
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": event["webhook_id"],
        "X-Shopify-Event-Id": event["id"],
        "X-Shopify-Triggered-At": event["triggered_at"],
    }


def sign(connection: str, body: bytes) -> str:
    """The value of `X-Shopify-Hmac-Sha256`: base64 HMAC-SHA256 of the raw body."""
    digest = hmac.new(f"secret-{connection}".encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def payload(order: Body) -> Body:
    """The order as webhooks show it: the REST resource, cut down to what identifies it and its state."""
    return {
        "id": int(order["id"]),
        "admin_graphql_api_id": f"gid://shopify/Order/{order['id']}",
        "name": order["name"],
        "order_number": int(order["id"]),
        "created_at": order["created_at"],
        "updated_at": order["updated_at"],
        "cancelled_at": order["cancelled_at"],
        "cancel_reason": (order["cancel_reason"] or "").lower() or None,
        "currency": order["currency"],
        "total_price": order["money"]["total"],
        "financial_status": financial_status(order).lower(),
        "payment_terms": {"payment_terms_type": "net", "due_in_days": 30} if order["terms"] else None,
        "test": order["test"],
        "email": order["email"],
        "line_items": [
            {"id": int(line["id"]), "sku": line["sku"], "title": line["title"], "quantity": line["quantity"]}
            for line in order["lines"]
        ],
    }
