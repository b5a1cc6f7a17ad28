"""Reserving stock and the shipment that leaves the building."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Currency, Money
from seamline.records.reference import Reference

PARCELS_MAX = 50
"""More parcels than this of one fulfilment order are a mistake."""


class StockLine(Record):
    """Pieces of one article. `unit_price` is what the customer pays for one."""

    sku: str = Field(min_length=1, max_length=100)
    quantity: int = Field(gt=0, le=100_000)
    unit_price: Money


class StockRequest(Record):
    """What to reserve for one fulfilment order, and where it will go."""

    reference: Reference
    number: str
    currency: Currency
    address: Address
    lines: tuple[StockLine, ...] = Field(min_length=1, max_length=500)

    def same(self, other: StockRequest) -> bool:
        """Whether it is for the same goods, to the same address."""
        mine, theirs = ([(one.sku, one.quantity) for one in lines] for lines in (self.lines, other.lines))
        return mine == theirs and self.address == other.address


class ShipmentState(StrEnum):
    """How far the goods are in the warehouse."""

    DRAFT = "draft"
    WAITING = "waiting"
    """Confirmed, stock not (all) assigned."""
    ASSIGNED = "assigned"
    PICKED = "picked"
    PACKED = "packed"
    DONE = "done"
    """Left the building."""
    CANCELLED = "cancelled"


class PackedLine(Record):
    """Pieces of one article in a parcel."""

    sku: str = Field(min_length=1, max_length=100)
    quantity: int = Field(gt=0, le=100_000)


class PackedParcel(Record):
    """A parcel as it was packed: its final weight, box and all (0 where it is not told), and what is in it if told."""

    weight_grams: int = Field(ge=0, le=1_000_000)
    lines: tuple[PackedLine, ...] = ()
    id: str = ""
    """The inventory system's own name of it."""
    tracking_number: str = Field(default="", max_length=100)
    """Of the label that others bought for it, where the system tells it."""


class ShortLine(Record):
    """An article of which too little is there: pieces wanted, and pieces that are held or could be."""

    sku: str = Field(min_length=1, max_length=100)
    wanted: int = Field(gt=0)
    there: int = Field(ge=0)

    @property
    def missing(self) -> int:
        """Pieces that are not there."""
        return max(0, self.wanted - self.there)


class Reservation(Record):
    """Stock held for a reference. `id` and `shipment_id` are the inventory system's own."""

    id: str
    number: str = ""
    key: str
    """The effect key it carries; empty when somebody else made it."""
    shipment_id: str = ""
    state: ShipmentState
    lines: tuple[StockLine, ...] = ()
    address: Address | None = None
    """Where it goes; None where the system does not tell."""
    parcels: tuple[PackedParcel, ...] = Field(default=(), max_length=PARCELS_MAX)
    """Once it is packed, where the system or the packers tell it."""

    short: tuple[ShortLine, ...] = ()
    """What is not there of it; empty once all of it is held."""
    page: str = ""


class RestockRequest(Record):
    """Hold the rest of a reservation as soon as it is there; after `until` look no longer."""

    reservation: Reservation
    until: AwareDatetime | None = None


class AvailabilityRequest(Record):
    """What is there of these articles? `connection` is the shop whose orders' goods are counted apart."""

    connection: str
    skus: tuple[str, ...] = Field(min_length=1, max_length=100)


class Availability(Record):
    """Pieces of one article: free for anybody, and held for orders of the asking shop that have not left."""

    sku: str
    free: int
    held: int = 0


class Availabilities(Record):
    """What is there of the articles that the inventory knows; the others are left out."""

    articles: tuple[Availability, ...] = ()
