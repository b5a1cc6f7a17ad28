"""Shippo's webhooks: is the token in their address ours, and what do they tell.

Shippo signs nothing unless asked by its support; its address is ours to choose, so it carries a secret: `?token=...`.
Which order a parcel or label belongs to stands in its metadata, where buying the label wrote the effect key. Shippo
leaves the metadata out of some tracking updates: such an event is of no use, and the process looks by itself.
Source: https://docs.goshippo.com/docs/tracking/webhooks/
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence

from seamline.records.event import BadSignature, Delivery, Event, EventKind, UnreadableEvent
from seamline.records.reference import number_of, reference_of, with_parcel

_KINDS = {"track_updated": EventKind.PARCEL_MOVED, "transaction_updated": EventKind.LABEL_CHANGED}


def verify(secret: str, delivery: Delivery) -> None:
    """Raise BadSignature unless the query's `token` is our secret."""
    if not hmac.compare_digest(secret.encode(), delivery.query.get("token", "").encode()):
        raise BadSignature("the query parameter token is missing or is not our secret")


def read(delivery: Delivery) -> Sequence[Event]:
    """The one event, with our reference where its metadata is a key of ours. UnreadableEvent names what is missing."""
    try:
        payload = json.loads(delivery.body)
    except (ValueError, RecursionError):
        raise UnreadableEvent("the body is not JSON") from None
    topic = payload.get("event") if isinstance(payload, dict) else None
    if not isinstance(topic, str):
        raise UnreadableEvent("event: is missing or not a text")
    if topic not in _KINDS:
        return [Event(kind=EventKind.OTHER, topic=topic)]
    data = payload.get("data")
    if not isinstance(data, dict):
        raise UnreadableEvent("data: is missing or not an object")
    metadata = data.get("metadata")
    key = metadata if isinstance(metadata, str) else ""
    kind = _kind(topic, data)
    return [Event(kind=kind, topic=topic, reference=_about(kind, key))]


def _kind(topic: str, data: Mapping[str, object]) -> EventKind:
    """What happened. What becomes of a label's money matters to those who do not care that it was made."""
    refunded = topic == "transaction_updated" and str(data.get("status")).startswith("REFUND")
    return EventKind.LABEL_REFUNDED if refunded else _KINDS[topic]


def _about(kind: EventKind, key: str) -> str:
    """Whose event it is: a label is its order's, a parcel on its way is followed by itself."""
    reference = reference_of(key)
    moved = bool(reference) and kind is EventKind.PARCEL_MOVED
    return with_parcel(reference, number_of(key)) if moved else reference
