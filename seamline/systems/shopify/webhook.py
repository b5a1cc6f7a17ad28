"""Shopify's webhooks: is it signed with our secret, and what does it tell.

Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https. No header is signed, only the body: time and ids
in headers prove nothing, and where the body denies what the topic says the event is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from seamline.records.event import BadSignature, Delivery, Event, EventKind, UnreadableEvent
from seamline.records.reference import RETURN_SIGN

_KINDS = {
    "orders/paid": EventKind.ORDER_PAID,
    "orders/cancelled": EventKind.ORDER_CANCELLED,
    "orders/edited": EventKind.ORDER_EDITED,
    # Shopify has no topic for a changed address. It is told by this one, as is much that changes nothing for us.
    "orders/updated": EventKind.ORDER_EDITED,
    "refunds/create": EventKind.ORDER_REFUNDED,
    "fulfillments/create": EventKind.ORDER_FULFILLED,
    "returns/request": EventKind.RETURN_OPENED,
    "returns/approve": EventKind.RETURN_OPENED,
    "returns/cancel": EventKind.RETURN_CANCELLED,
}


def verify(secret: str, delivery: Delivery) -> None:
    """Raise BadSignature unless `X-Shopify-Hmac-SHA256` is the base64 HMAC-SHA256 of the raw body."""
    given = delivery.headers.get("x-shopify-hmac-sha256", "")
    if not given:
        raise BadSignature("the header X-Shopify-Hmac-SHA256 is missing")
    right = base64.b64encode(hmac.new(secret.encode(), delivery.body, hashlib.sha256).digest())
    if not hmac.compare_digest(right, given.encode()):
        raise BadSignature("the header X-Shopify-Hmac-SHA256 does not fit the body and our secret")


def read(delivery: Delivery) -> Sequence[Event]:
    """The one event, with the number of its order, or of order and return. UnreadableEvent names what is missing."""
    topic = delivery.headers.get("x-shopify-topic", "")
    if not topic:
        raise UnreadableEvent("the header X-Shopify-Topic is missing")
    try:
        payload = json.loads(delivery.body)
    except (ValueError, RecursionError):
        raise UnreadableEvent("the body is not JSON") from None
    if not isinstance(payload, dict):
        raise UnreadableEvent("the body is not a JSON object")
    kind = _kind(topic, payload)
    if kind is EventKind.OTHER:
        return [Event(kind=kind, topic=topic)]
    number = _return_number(payload) if topic.startswith("returns/") else _order_number(payload)
    if not number:
        raise UnreadableEvent("id: the order's number is missing or not a number")
    return [Event(kind=kind, topic=topic, external_id=number)]


def _kind(topic: str, payload: Mapping[str, object]) -> EventKind:
    """What happened. Of the new orders those matter that may go before they are paid; `orders/paid` tells the others.

    A gift card can have paid a part already, while the rest is authorised.
    """
    if topic == "orders/create" and (
        payload.get("financial_status") in ("authorized", "partially_paid") or payload.get("payment_terms")
    ):
        return EventKind.ORDER_AUTHORIZED
    if topic == "orders/cancelled" and payload.get("cancelled_at", "") is None:
        raise UnreadableEvent("cancelled_at: is null, so the order is not cancelled")
    return _KINDS.get(topic, EventKind.OTHER)


def _order_number(payload: Mapping[str, object]) -> str:
    """An order carries its `id`; an edit `order_id` below `order_edit`; a refund or fulfilment `order_id`."""
    edit = payload.get("order_edit")
    source = edit if isinstance(edit, dict) else payload
    number = source.get("order_id", source.get("id") if source is payload else None)
    return _positive(number)


def _return_number(payload: Mapping[str, object]) -> str:
    """`5001-R9001`: a return carries its own `id`, and its order's below `order`."""
    order = payload.get("order")
    of_order = _order_number(order) if isinstance(order, dict) else _positive(payload.get("order_id"))
    own = _positive(payload.get("id"))
    return f"{of_order}{RETURN_SIGN}{own}" if of_order and own else ""


def _positive(number: object) -> str:
    return str(number) if isinstance(number, int) and not isinstance(number, bool) and number > 0 else ""
