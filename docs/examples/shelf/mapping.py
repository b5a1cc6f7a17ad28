"""Between Shelf's words and ours: pure functions."""

from __future__ import annotations

from typing import Any

from docs.examples.shelf import wire
from seamline.errors import Refusal
from seamline.records.money import Money
from seamline.records.stock import Reservation, ShipmentState, StockLine, StockRequest

STATES = {
    "new": ShipmentState.DRAFT,
    "held": ShipmentState.ASSIGNED,
    "picked": ShipmentState.PICKED,
    "boxed": ShipmentState.PACKED,
    "sent": ShipmentState.DONE,
    "dropped": ShipmentState.CANCELLED,
}


def reservation(hold: wire.Hold) -> Reservation:
    """A hold as a reservation. Refusal `unreadable-answer` for a status that is not documented."""
    if hold.status not in STATES:
        raise Refusal("unreadable-answer", "Shelf gave a status that it does not document")
    return Reservation(
        id=str(hold.id),
        key=hold.note,
        shipment_id=str(hold.id),
        state=STATES[hold.status],
        lines=tuple(
            StockLine(
                sku=line.sku,
                quantity=line.pieces,
                unit_price=Money(amount=line.price, currency=hold.currency),
            )
            for line in hold.lines
        ),
    )


def new_hold(key: str, request: StockRequest) -> dict[str, Any]:
    """A request as Shelf wants it."""
    return {
        "reference": request.reference,
        "note": key,
        "currency": request.currency,
        "lines": [
            {"sku": line.sku, "pieces": line.quantity, "price": str(line.unit_price.amount)} for line in request.lines
        ],
    }
