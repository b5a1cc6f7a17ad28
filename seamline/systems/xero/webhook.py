"""Xero's webhooks: is the signature ours, and what do they tell.

Xero checks the address first: it sends no events at all, signed rightly and wrongly, and wants 200 and 401. What it
tells later carries ids alone, several events at once, and nothing of payments: an invoice that is paid is told as
changed. One app can have several organisations; give each connection an app of its own, since its events come to one
address. Source: https://developer.xero.com/documentation/guides/webhooks/overview/
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from seamline.records.event import BadSignature, Delivery, Event, EventKind, UnreadableEvent

ANSWERED_WITHOUT_BODY = True
"""Xero takes an answer with a body for a wrong one."""
_KINDS = {"INVOICE": EventKind.INVOICE_CHANGED, "CONTACT": EventKind.CUSTOMER_CHANGED}


def verify(secret: str, delivery: Delivery) -> None:
    """Raise BadSignature unless `x-xero-signature` is the body's, made with our key."""
    digest = hmac.new(secret.encode(), delivery.body, hashlib.sha256).digest()
    given = delivery.headers.get("x-xero-signature", "")
    if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
        raise BadSignature("the header x-xero-signature is missing or was not made with our key")


def read(delivery: Delivery) -> Sequence[Event]:
    """The events, none when Xero checks the address. UnreadableEvent names what is missing."""
    try:
        payload = json.loads(delivery.body)
    except (ValueError, RecursionError):
        raise UnreadableEvent("the body is not JSON") from None
    events = payload.get("events") if isinstance(payload, dict) else None
    if not isinstance(events, list):
        raise UnreadableEvent("events: is missing or not a list")
    return [_event(number, one) for number, one in enumerate(events)]


def _event(number: int, told: Any) -> Event:
    category = told.get("eventCategory") if isinstance(told, dict) else None
    if not isinstance(category, str):
        raise UnreadableEvent(f"events.{number}.eventCategory: is missing or not a text")
    topic = f"{category}.{told.get('eventType')}"
    if category not in _KINDS:
        return Event(kind=EventKind.OTHER, topic=topic)
    identity = told.get("resourceId")
    if not isinstance(identity, str) or not identity:
        raise UnreadableEvent(f"events.{number}.resourceId: is missing or not a text")
    return Event(kind=_KINDS[category], topic=topic, external_id=identity)
