"""Customer return shipments of the simulated ERP: goods come in at the door, then go on the shelf.

As in Tryton 8.2 one goes draft, received, done. The ledger has `receive-return` once it is done and the goods are in
stock again, under the shipment's id, with its reference as key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from seamline.simulator.keys import marks_of
from seamline.simulator.tryton_models import MODELS, Values
from seamline.simulator.tryton_records import Records
from seamline.simulator.tryton_values import Defect, UserError, created, stored

RETURN, MOVE = "stock.shipment.out.return", "stock.move"
_NEEDED = ("company", "product", "unit", "quantity", "from_location", "to_location", "unit_price", "currency")
_SHOWN = {"receive": ("draft",), "do": ("received",), "cancel": ("draft", "received"), "draft": ("cancelled",)}


def create_return(records: Records, given: Any) -> Values:
    """Create one from the wire, with its moves. UserError for what a user could mend, Defect for the rest."""
    if not isinstance(given, dict):
        raise Defect("the body is an object of fields")
    moves = created(given.get("incoming_moves") or [])
    shipment = records.create(RETURN, {name: one for name, one in given.items() if name != "incoming_moves"})
    number = str(records.world.next_id(records.connection, "return-number"))
    records.set(RETURN, shipment, number=number, state="draft")
    for one in moves:
        _add_move(records, shipment, _move(records, one))
    return shipment


def press_return(records: Records, shipment: Values, button: str, at: datetime) -> None:
    """Press a button. KeyError when there is none, UserError when the state does not show it."""
    if shipment["state"] not in _SHOWN[button]:
        raise UserError(f'You can not call "{button}" on "{shipment["number"]}" of "Customer Return Shipment".')
    if button == "receive":
        _receive(records, shipment)
    elif button == "do":
        _put_away(records, shipment, at)
    else:
        records.set(RETURN, shipment, state="cancelled" if button == "cancel" else "draft")


def moves_of(records: Records, shipment: Values, *, incoming: bool) -> list[Values]:
    """The moves from the customer, or those from the door to the shelf."""
    moves = records.find(MOVE, shipment=f"{RETURN},{shipment['id']}")
    return [one for one in moves if (one["to_location"] == shipment["warehouse_input"]) is incoming]


def _move(records: Records, given: Mapping[str, Any]) -> Values:
    fields = MODELS[MOVE].fields
    for name in _NEEDED:
        if given.get(name) is None:
            raise UserError(f'A value is required for field "{name}" in "Stock Move".')
    values = {name: stored(fields[name], value) for name, value in given.items()}
    records.known("product.product", values["product"])
    if values["quantity"] <= 0:
        raise UserError('The value for field "Quantity" in "Stock Move" is not valid according to its domain.')
    return values


def _add_move(records: Records, shipment: Values, values: Values) -> None:
    records.add(MOVE, shipment=f"{RETURN},{shipment['id']}", sale=None, state="draft", **{"origin": None, **values})


def _receive(records: Records, shipment: Values) -> None:
    moves = moves_of(records, shipment, incoming=True)
    if not all(one["origin"] for one in moves):
        # To a person it is a warning, which can be answered; over REST nobody can.
        raise UserError(f'Stock moves "{shipment["number"]}" have no origin.')
    for move in moves:
        records.set(MOVE, move, state="done")
        values = {name: move[name] for name in ("company", "product", "unit", "quantity")}
        places = {"from_location": shipment["warehouse_input"], "to_location": shipment["warehouse_storage"]}
        _add_move(records, shipment, values | places)
    records.set(RETURN, shipment, state="received")


def _put_away(records: Records, shipment: Values, at: datetime) -> None:
    for move in moves_of(records, shipment, incoming=False):
        records.set(MOVE, move, state="done")
        sku = str(records.known("product.product", move["product"])["code"])
        records.world.move_stock(records.connection, sku, int(move["quantity"]))
    records.set(RETURN, shipment, state="done", effective_date=at.date().isoformat())
    marks = marks_of(shipment.get("reference") or "") or {"reference": "", "key": ""}
    records.world.record_effect(
        records.connection, "tryton", "receive-return", object_id=f"return-{shipment['id']}", at=at, **marks
    )
