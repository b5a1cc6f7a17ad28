"""Tryton's return shipments and our records, both ways. Pure and total, as in `mapping.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seamline.conversions import TEXT, by
from seamline.fields import Field, FieldMapping, Way
from seamline.records.returning import Receipt, ReceiptRequest
from seamline.records.stock import StockLine
from seamline.systems.tryton import wire, wire_returns

RETURN, MOVE = "stock.shipment.out.return", "stock.move"
BUTTONS = {"draft": "receive", "received": "do"}
"""The button that brings a return shipment on, by its state."""


def sent_domain(party: int, request: ReceiptRequest) -> list[Any]:
    """Finds the moves that bring the request's goods to the order's customer."""
    return [
        ["sale.party", "=", party],
        ["product.code", "in", sorted({line.sku for line in request.lines})],
        ["to_location.type", "=", "customer"],
        ["state", "!=", "cancelled"],
    ]


def _is_done(state: str) -> bool:
    """Whether it is done: the goods are on the shelf."""
    return state == "done"


def _moves(
    lines: Sequence[StockLine],
    company: int,
    currency: int,
    customers: int,
    warehouse: wire_returns.Warehouse,
    products: Mapping[str, wire.Product],
    sent: Mapping[str, int],
) -> list[Any]:
    """From the customers to where goods come in, each at the price it was sold for, of the move that sent it.

    Without an origin Tryton warns whoever receives them, which over REST refuses.
    """
    moves = [
        {
            "company": company,
            "product": products[one.sku].id,
            "unit": products[one.sku].sale_uom,
            "quantity": one.quantity,
            "from_location": customers,
            "to_location": warehouse.input_location,
            "unit_price": wire.decimal_out(one.unit_price.amount),
            "currency": currency,
            "origin": f"{MOVE},{sent[one.sku]}" if one.sku in sent else None,
        }
        for one in lines
    ]
    return [["create", moves]]


def _places(warehouse: wire_returns.Warehouse) -> tuple[int, int, int]:
    """The warehouse, where goods come in, and where they are kept."""
    return warehouse.id, warehouse.input_location, warehouse.storage_location


RECEIPT = FieldMapping(
    "Tryton",
    Receipt,
    RETURN,
    (
        Field("id", "id", TEXT),
        Field("number", "number"),
        Field("reference", "key", fact="effect key"),
        Field("state", "done", by(_is_done)),
    ),
    way=Way.READ,
    wire=wire_returns.ReturnShipment,
)
RETURN_OUT = FieldMapping(
    "Tryton",
    ReceiptRequest,
    RETURN,
    (
        Field("company", "$company"),
        Field("reference", "$key", fact="effect key"),
        Field("customer", "$party", rule="the party whose code is the order's reference"),
        Field(("warehouse", "warehouse_input", "warehouse_storage"), "$warehouse", by(write=_places)),
        Field(
            "incoming_moves",
            ("lines", "$company", "$currency", "$customers", "$warehouse", "$products", "$sent"),
            by(write=_moves),
        ),
    ),
    way=Way.WRITE,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (RETURN_OUT, RECEIPT)
