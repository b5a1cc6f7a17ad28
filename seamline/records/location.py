"""The shop's locations: who keeps the stock there, who carries what leaves, and when labels are bought."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from seamline.records.base import Record


class LabelsAt(StrEnum):
    """When labels are bought."""

    RESERVED = "reserved"
    """Once the stock is reserved: one parcel by the goods' weight, its label waits for the packers."""
    PACKED = "packed"
    """Once it is packed: a label for each parcel that was made, by its final weight."""


class Location(Record):
    """What differs at one of the shop's locations; what is empty is as everywhere."""

    inventory: str = Field(default="", description="The connection that keeps the stock there; else by the route.")
    carrier: str = Field(default="", description="The connection that carries what leaves there; else by the route.")
    ship_from: str = Field(
        default="",
        pattern="^([A-Z]{2})?$",
        description="The country that goods leave from; else that of its carrier's sender, else `policy.ship_from`.",
    )
    labels_at: LabelsAt | None = Field(default=None, description="When labels are bought there: `reserved`, `packed`.")
