"""What a vendor's webhook tells, in common words."""

from __future__ import annotations

from enum import StrEnum

from seamline.records.base import Record


class EventKind(StrEnum):
    """What happened. OTHER is an event nobody here waits for: acknowledged and not acted on."""

    ORDER_PAID = "order-paid"
    ORDER_CANCELLED = "order-cancelled"
    ORDER_EDITED = "order-edited"
    PARCEL_MOVED = "parcel-moved"
    LABEL_CHANGED = "label-changed"
    OTHER = "other"


class Event(Record):
    """One verified event. `external_id` is the object's id in the vendor's system, without any prefix."""

    kind: EventKind
    topic: str
    external_id: str
    delivery_id: str = ""


class BadSignature(Exception):
    """The webhook was not signed with our secret. The text says which header is wrong, never its value."""


class UnreadableEvent(ValueError):
    """The webhook is signed, but its body is not what the vendor documents. The text names the field."""
