"""The rules for what was sold: parcels that do not arrive, and returns."""

from __future__ import annotations

from pydantic import Field

from seamline.records.base import Record


class Aftersales(Record):
    """The rules for parcels on the road and for returns."""

    silent_days: float = Field(
        default=7, gt=0, le=365, description="After so many days without a scan somebody is asked about a parcel."
    )
    return_days: int = Field(
        default=30, ge=0, le=3650, description="Until so many days after an order a return is taken without asking."
    )
    unused_label_days: float = Field(
        default=30, gt=0, le=365, description="After so many days a return label counts as never to be used."
    )
