"""How likely an order is fraudulent, as the shop sees it."""

from __future__ import annotations

from enum import StrEnum

from seamline.records.base import Record


class RiskLevel(StrEnum):
    """What the shop recommends, in common words."""

    LOW = "low"
    MEDIUM = "medium"
    """To be looked into."""
    HIGH = "high"
    """Better cancelled."""
    UNKNOWN = "unknown"
    """Not assessed, or not yet."""


class Risk(Record):
    """The shop's assessment. `facts` are what speaks against the order, in the shop's words."""

    level: RiskLevel = RiskLevel.UNKNOWN
    facts: tuple[str, ...] = ()


class HoldRequest(Record):
    """Keep the shop from shipping this fulfilment order. `reason` is shown to staff there, without personal data."""

    fulfilment_order_id: str
    reason: str = ""


class Hold(Record):
    """A hold that we placed on a fulfilment order."""

    id: str
    fulfilment_order_id: str


class CancelReason(StrEnum):
    """Why an order is cancelled."""

    CUSTOMER = "customer"
    DECLINED = "declined"
    FRAUD = "fraud"
    INVENTORY = "inventory"
    STAFF = "staff"
    OTHER = "other"


class CancelRequest(Record):
    """Cancel the order in the shop; what was paid goes back. `note` is for staff there, without personal data."""

    reason: CancelReason = CancelReason.FRAUD
    note: str = ""


class CancellationState(StrEnum):
    """How far a cancellation is."""

    UNDER_WAY = "under way"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Cancellation(Record):
    """The shop's answer. `job_id` is what the shop does it under, where it tells."""

    state: CancellationState
    job_id: str = ""
