"""Shippo's webhooks: is the token in their address ours, and what do they tell.

Shippo signs nothing unless asked by its support; its address is ours to choose, so it carries a secret: `?token=...`.
Source: https://docs.goshippo.com/docs/tracking/webhooks/
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from seamline.records.event import BadSignature, Event, EventKind, UnreadableEvent

_KINDS = {
    "track_updated": (EventKind.PARCEL_MOVED, "tracking_number"),
    "transaction_updated": (EventKind.LABEL_CHANGED, "object_id"),
}


def verify(secret: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> None:
    """Raise BadSignature unless the query's `token` is our secret."""
    if not hmac.compare_digest(secret.encode(), query.get("token", "").encode()):
        raise BadSignature("the query parameter token is missing or is not our secret")


def read(headers: Mapping[str, str], body: bytes) -> Event:
    """The event; `external_id` is a tracking number or a transaction's id. UnreadableEvent names what is missing."""
    try:
        payload = json.loads(body)
    except ValueError:
        raise UnreadableEvent("the body is not JSON") from None
    topic = payload.get("event") if isinstance(payload, dict) else None
    if not isinstance(topic, str):
        raise UnreadableEvent("event: is missing or not a text")
    if topic not in _KINDS:
        return Event(kind=EventKind.OTHER, topic=topic, external_id="")
    kind, name = _KINDS[topic]
    data = payload.get("data")
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        raise UnreadableEvent(f"data.{name}: is missing or not a text")
    return Event(kind=kind, topic=topic, external_id=value)
