"""Shopify's webhooks: is it signed with our secret, and what does it tell.

Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https. The time in `X-Shopify-Triggered-At` is not
signed, so it proves nothing; what comes twice is caught by starting each process once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from seamline.records.event import BadSignature, Event, EventKind, UnreadableEvent

_KINDS = {
    "orders/paid": EventKind.ORDER_PAID,
    "orders/cancelled": EventKind.ORDER_CANCELLED,
    "orders/edited": EventKind.ORDER_EDITED,
}


def verify(secret: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> None:
    """Raise BadSignature unless `X-Shopify-Hmac-SHA256` is the base64 HMAC-SHA256 of the raw body."""
    given = _header(headers, "x-shopify-hmac-sha256")
    if not given:
        raise BadSignature("the header X-Shopify-Hmac-SHA256 is missing")
    right = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())
    if not hmac.compare_digest(right, given.encode()):
        raise BadSignature("the header X-Shopify-Hmac-SHA256 does not fit the body and our secret")


def read(headers: Mapping[str, str], body: bytes) -> Event:
    """The event; `external_id` is the order's number. UnreadableEvent names what is missing."""
    topic = _header(headers, "x-shopify-topic")
    if not topic:
        raise UnreadableEvent("the header X-Shopify-Topic is missing")
    try:
        payload = json.loads(body)
    except ValueError:
        raise UnreadableEvent("the body is not JSON") from None
    if not isinstance(payload, dict):
        raise UnreadableEvent("the body is not a JSON object")
    kind = _KINDS.get(topic, EventKind.OTHER)
    number = _order_number(payload)
    if not number and kind is not EventKind.OTHER:
        raise UnreadableEvent("id: the order's number is missing or not a number")
    delivery_id = _header(headers, "x-shopify-webhook-id")
    return Event(kind=kind, topic=topic, external_id=number, delivery_id=delivery_id)


def _order_number(payload: Mapping[str, object]) -> str:
    """An order carries its `id`; an edit `order_id` below `order_edit`; a refund or fulfilment `order_id`."""
    edit = payload.get("order_edit")
    source = edit if isinstance(edit, dict) else payload
    number = source.get("order_id", source.get("id") if source is payload else None)
    return str(number) if isinstance(number, int) and not isinstance(number, bool) and number > 0 else ""


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")
