"""Between Shelf's words and ours: which field is which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from docs.examples.shelf import wire
from seamline.conversions import MONEY, TEXT, codes
from seamline.fields import Field, FieldMapping, Way
from seamline.records.reference import connection_of
from seamline.records.stock import Reservation, ShipmentState, ShortLine, StockLine, StockRequest

STATES = {
    "new": ShipmentState.DRAFT,
    "held": ShipmentState.ASSIGNED,
    "picked": ShipmentState.PICKED,
    "boxed": ShipmentState.PACKED,
    "sent": ShipmentState.DONE,
    "dropped": ShipmentState.CANCELLED,
}


def short(lines: Sequence[StockLine], free: Mapping[str, int]) -> tuple[ShortLine, ...]:
    """The lines of which more is wanted than is free."""
    return tuple(
        ShortLine(sku=line.sku, wanted=line.quantity, there=free.get(line.sku, 0))
        for line in lines
        if free.get(line.sku, 0) < line.quantity
    )


def held(holds: Sequence[wire.Hold], connection: str) -> Counter[str]:
    """What live holds keep for orders of this connection, by SKU."""
    kept: Counter[str] = Counter()
    for hold in holds:
        if connection_of(hold.reference) == connection and hold.status in ("held", "picked", "boxed"):
            kept.update({line.sku: line.pieces for line in hold.lines})
    return kept


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
