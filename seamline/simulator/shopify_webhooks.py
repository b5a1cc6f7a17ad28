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
import logging
import sqlite3
import uuid
from datetime import datetime

import httpx

from seamline.simulator.shopify_money import financial_status
from seamline.simulator.shopify_orders import object_id, time_text
from seamline.simulator.world import Body, World

ANSWER_SECONDS_MAX = 5.0
TRIES_MAX = 6
RETRY_SECONDS_FIRST = 0.5
API_VERSION = "2026-07"
DELIVER = "shopify.deliver-webhook"
NO_ANSWER = 0
"""Stands for the status where no answer came."""

log = logging.getLogger(__name__)


class Webhooks:
    """Subscriptions and deliveries of all simulated shops."""

    def __init__(self, world: World) -> None:
        self.world = world
        # No connection is kept open, so that nothing has to be closed when the simulator stops.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, trust_env=False, limits=limits)
        self._sending: set[asyncio.Task[None]] = set()
        world.on(DELIVER, self._deliver)

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
                self._enqueue(event, subscription["url"])

    def deliveries(self, connection: str) -> list[Body]:
        """Every delivery by order and topic: how often it was tried, and the last answer's status (0 for none)."""
        events = {one["id"]: one for one in self.world.find(connection, "event")}
        return [
            {
                "order_id": events[one["event_id"]]["order_id"],
                "topic": events[one["event_id"]]["topic"],
                "tries": one["tries"],
                "status": one["status"],
            }
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
            statuses += await asyncio.gather(*(self._send(event, url) for url in urls for _ in range(count)))
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

    def _enqueue(self, event: Body, url: str) -> None:
        delivery_id = str(uuid.uuid4())
        body = {"id": delivery_id, "event_id": event["id"], "url": url, "tries": 0, "status": None}
        self.world.put(event["connection"], "delivery", delivery_id, body)
        self._schedule(event["connection"], body, 0)

    def _schedule(self, connection: str, delivery: Body, after_seconds: float) -> None:
        self.world.schedule(after_seconds, DELIVER, connection, f"{delivery['id']}/{delivery['tries']}")

    def _deliver(self, connection: str, delivery_and_tries: str, _due: datetime) -> None:
        """Start a try, and schedule the next in case this process dies before the answer."""
        delivery_id, tries = delivery_and_tries.split("/")
        delivery = self.world.get(connection, "delivery", delivery_id)
        if delivery is None or delivery["tries"] != int(tries) or tries == str(TRIES_MAX) or _taken(delivery["status"]):
            return
        delivery["tries"] += 1
        self.world.put(connection, "delivery", delivery_id, delivery)
        self._schedule(connection, delivery, ANSWER_SECONDS_MAX + _pause_seconds(delivery))
        task = asyncio.get_running_loop().create_task(self._try(connection, delivery))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _try(self, connection: str, delivery: Body) -> None:
        event = self.world.get(connection, "event", delivery["event_id"])
        if event is None:
            raise LookupError(f"event {delivery['event_id']} is missing from the world")
        status = await self._send(event, delivery["url"])
        try:
            self.world.put(connection, "delivery", delivery["id"], delivery | {"status": status})
            if not _taken(status):
                self._schedule(connection, delivery, _pause_seconds(delivery))
        except sqlite3.ProgrammingError:
            log.info("the world was closed before a webhook was answered; it is sent again after the next start")

    async def _send(self, event: Body, url: str) -> int:
        body = event["body"].encode()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": event["topic"],
            "X-Shopify-Hmac-Sha256": sign(event["connection"], body),
            "X-Shopify-Shop-Domain": f"{event['connection']}.myshopify.example",
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": event["webhook_id"],
            "X-Shopify-Event-Id": event["id"],
            "X-Shopify-Triggered-At": event["triggered_at"],
        }
        try:
            return (await self._client.post(url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return NO_ANSWER


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
        "test": order["test"],
        "email": order["email"],
        "line_items": [
            {"id": int(line["id"]), "sku": line["sku"], "title": line["title"], "quantity": line["quantity"]}
            for line in order["lines"]
        ],
    }


def _pause_seconds(delivery: Body) -> float:
    return RETRY_SECONDS_FIRST * float(2 ** (delivery["tries"] - 1))


def _taken(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
