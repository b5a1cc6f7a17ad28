"""What a vendor's webhook tells, in common words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from seamline.records.base import Record


class EventKind(StrEnum):
    """What happened. OTHER is an event nobody here waits for: acknowledged and not acted on."""

    ORDER_PAID = "order-paid"
    ORDER_AUTHORIZED = "order-authorized"
    ORDER_CANCELLED = "order-cancelled"
    ORDER_EDITED = "order-edited"
    ORDER_REFUNDED = "order-refunded"
    ORDER_FULFILLED = "order-fulfilled"
    RETURN_OPENED = "return-opened"
    RETURN_CANCELLED = "return-cancelled"
    STOCK_CHANGED = "stock-changed"
    PARCEL_MOVED = "parcel-moved"
    LABEL_CHANGED = "label-changed"
    LABEL_REFUNDED = "label-refunded"
    """A label's money was asked back, is back, or does not come back."""
    DEAL_WON = "deal-won"
    DEAL_REOPENED = "deal-reopened"
    DEAL_CHANGED = "deal-changed"
    INVOICE_CHANGED = "invoice-changed"
    CUSTOMER_CHANGED = "customer-changed"
    CONSENT_CHANGED = "consent-changed"
    OTHER = "other"


class Event(Record):
    """One verified event.

    It is about one business object: named by `external_id`, the object's id in the vendor's system without any prefix,
    or by `reference`, ours, where the vendor's object carries it. `delivery_id` is the same for every copy of an event.
    """

    kind: EventKind
    topic: str
    external_id: str = ""
    reference: str = ""
    delivery_id: str = ""


@dataclass(frozen=True)
class Delivery:
    """A webhook as it came in. Header names are in lower case; `url` is the address that the vendor called."""

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class BadSignature(Exception):
    """The webhook was not signed with our secret. The text says which header is wrong, never its value."""


class UnreadableEvent(ValueError):
    """The webhook is signed, but its body is not what the vendor documents. The text names the field."""
