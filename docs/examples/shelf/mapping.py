"""Between Shelf's words and ours: which field is which."""

from __future__ import annotations

from typing import Any

from docs.examples.shelf import wire
from seamline.conversions import MONEY, TEXT, codes
from seamline.fields import Field, FieldMapping, Way
from seamline.records.stock import Reservation, ShipmentState, StockLine, StockRequest

STATES = {
    "new": ShipmentState.DRAFT,
    "held": ShipmentState.ASSIGNED,
    "picked": ShipmentState.PICKED,
    "boxed": ShipmentState.PACKED,
    "sent": ShipmentState.DONE,
    "dropped": ShipmentState.CANCELLED,
}

LINE = FieldMapping(
    "Shelf",
    StockLine,
    "Line",
    (
        Field("sku", "sku"),
        Field("pieces", "quantity"),
        Field(("price", "^currency"), "unit_price", MONEY),
    ),
    wire=wire.Line,
)
HOLD = FieldMapping(
    "Shelf",
    Reservation,
    "Hold",
    (
        Field("id", "id", TEXT),
        Field("id", "shipment_id", TEXT),
        Field("note", "key", fact="effect key"),
        Field("status", "state", codes(STATES)),
        Field("lines", "lines", each=LINE),
    ),
    way=Way.READ,
    wire=wire.Hold,
)
NEW_HOLD = FieldMapping(
    "Shelf",
    StockRequest,
    "Hold",
    (
        Field("reference", "reference", fact="Order.reference"),
        Field("note", "$key", fact="effect key"),
        Field("currency", "currency"),
        Field("lines", "lines", each=LINE),
    ),
    way=Way.WRITE,
    wire=wire.Hold,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (HOLD, NEW_HOLD, LINE)
