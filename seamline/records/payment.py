"""How an order is paid: what was authorised, captured, refunded, and who takes the money when."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.base import Record
from seamline.records.money import Money

PAY_ANEW = "have the customer pay anew in the shop, then retry"


class PaymentMode(StrEnum):
    """Who takes the customer's money, and when."""

    PAID = "paid"
    """The shop, at checkout: nothing is shipped before."""
    OURS = "ours"
    """We do: what was authorised is captured once the parcel is packed."""
    ON_FULFILMENT = "on fulfilment"
    """The shop, once it is told that the parcel left."""
    TERMS = "terms"
    """The customer pays later, by an agreement."""


class Authorization(Record):
    """Money that the customer's bank keeps for an order and that can be captured."""

    id: str
    amount: Money
    expires_at: AwareDatetime | None = None
    """None where the shop does not tell."""

    def ended(self, now: datetime) -> bool:
        """Whether its time is over, as far as is known."""
        return self.expires_at is not None and self.expires_at <= now


def ends(authorization: Authorization | None) -> str:
    """` (22 Nov 10:50 UTC)`, or nothing where the shop does not tell."""
    at = authorization.expires_at if authorization else None
    return f" ({at.astimezone(UTC):%d %b %H:%M} UTC)" if at else ""


class TransactionKind(StrEnum):
    """What a movement of money is."""

    AUTHORIZATION = "authorization"
    SALE = "sale"
    """Authorised and captured in one."""
    CAPTURE = "capture"
    REFUND = "refund"
    VOID = "void"
    OTHER = "other"


class TransactionState(StrEnum):
    """How far it is."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


class Transaction(Record):
    """One movement of money of an order. `parent_id` is what it captures, refunds or voids."""

    id: str
    kind: TransactionKind
    state: TransactionState
    amount: Money
    parent_id: str = ""
    expires_at: AwareDatetime | None = None
    """Of an authorisation."""
    gateway: str = ""
    """Who moved the money, by the shop's own name."""
    error: str = ""
    """Why it failed: a short code of the shop's, in lower case with hyphens."""


class CaptureRequest(Record):
    """Take this much of what was authorised."""

    authorization_id: str = Field(min_length=1, max_length=100)
    amount: Money


class Capture(Record):
    """Money taken from an authorisation."""

    id: str
    key: str
    """The effect key; empty when somebody else captured."""
    authorization_id: str
    amount: Money


class RefundRequest(Record):
    """Give this much of a capture or sale back."""

    transaction_id: str
    amount: Money
    gateway: str = ""
