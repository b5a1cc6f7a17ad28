"""Reserving stock and the shipment that leaves the building."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

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


class Reservation(Record):
    """Stock held for a reference. `id` and `shipment_id` are the inventory system's own."""

    id: str
    number: str = ""
    key: str
    """The effect key it carries; empty when somebody else made it."""
    shipment_id: str = ""
    state: ShipmentState
    lines: tuple[StockLine, ...] = ()
    parcels: tuple[PackedParcel, ...] = Field(default=(), max_length=PARCELS_MAX)
    """Once it is packed, where the system or the packers tell it."""
    page: str = ""
