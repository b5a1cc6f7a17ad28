"""Parcels: rates, labels and where a parcel is."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.customs import Customs
from seamline.records.money import Money
from seamline.records.reference import Reference


class CheckedAddress(Record):
    """An address as the carrier would print it. A carrier that cannot deliver there refuses instead."""

    address: Address
    residential: bool | None = None


class ParcelRequest(Record):
    """One parcel to be carried. The connection's settings add the sender and, where none is given, the box."""

    reference: Reference
    address: Address
    """Whose parcel it is: where it goes, or with `back` where it comes from."""
    back: bool = False
    """Whether the customer sends it to us."""
    weight_grams: int = Field(gt=0, le=1_000_000)
    value: Money
    customs: Customs | None = None
    """The declaration, where it passes customs."""


class Rate(Record):
    """What a carrier asks for one parcel. `days` is the estimate, None when the carrier names none."""

    id: str
    carrier: str
    service: str
    """The carrier's own code for the service, for example `usps_priority`."""
    price: Money
    days: int | None = None


class Quote(Record):
    """The rates offered for one parcel, in the carrier's order."""

    id: str
    rates: tuple[Rate, ...]


class LabelRequest(Record):
    """A label to buy at a quoted rate. `earlier_rates` are ids of rates this parcel was quoted before an amendment."""

    parcel: ParcelRequest
    rate: Rate
    earlier_rates: tuple[str, ...] = ()


class LabelState(StrEnum):
    """How far a label is; buying and refunding are both asynchronous at some carriers."""

    QUEUED = "queued"
    BOUGHT = "bought"
    REFUND_REQUESTED = "refund requested"
    REFUND_REJECTED = "refund rejected"
    REFUNDED = "refunded"
    FAILED = "failed"


class ReplacedLabel(Record):
    """A label that another took the place of."""

    id: str
    rate_id: str


class ReplacedLabels(Record):
    """Labels whose refunds are to be followed."""

    labels: tuple[ReplacedLabel, ...]


class Label(Record):
    """A label sold by a carrier. `rate_id` is the rate it was bought at."""

    id: str
    rate_id: str
    key: str
    """The effect key it carries; empty when somebody else bought it."""
    state: LabelState
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    tracking_page: str = ""
    label_page: str = ""
    price: Money | None = None
    replaces: tuple[ReplacedLabel, ...] = ()
    """Labels bought before it under the same key, whose money was asked back."""


class TrackingState(StrEnum):
    """Where a parcel is."""

    UNKNOWN = "unknown"
    PRE_TRANSIT = "pre transit"
    TRANSIT = "transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    FAILURE = "failure"


class ParcelNumber(Record):
    """What a carrier tracks a parcel by. `carrier` is the carrier's code, for example `usps`."""

    carrier: str = Field(min_length=1, max_length=60)
    number: str = Field(min_length=1, max_length=100)


class Tracking(Record):
    """The carrier's last word on a parcel."""

    state: TrackingState = TrackingState.UNKNOWN
    at: AwareDatetime | None = None
    detail: str = ""
    substate: str = ""
    """The carrier's own code for what happened: `package_lost`, `address_issue` ..."""
