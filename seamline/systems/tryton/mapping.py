"""Tryton's wire models and our records, both ways, and which button comes next. Pure and total.

The ways of a shipment are those of `trytond_stock/shipment.py`: forward draft, waiting, assigned, picked, packed,
shipped, done. What is `shipped` has left the building just as what is `done`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seamline.errors import Problem, Refusal
from seamline.records.address import Address
from seamline.records.money import Money
from seamline.records.reading import refusing
from seamline.records.reference import connection_of, external_id_of
from seamline.records.stock import Reservation, ShipmentState, StockLine, StockRequest
from seamline.systems.tryton import wire

SALE = "sale.sale"
SHIPMENT = "stock.shipment.out"

# In the order of progress: a sale in several shipments is as far as the one that is behind.
_STATES = {
    "draft": ShipmentState.DRAFT,
    "waiting": ShipmentState.WAITING,
    "assigned": ShipmentState.ASSIGNED,
    "picked": ShipmentState.PICKED,
    "packed": ShipmentState.PACKED,
    "shipped": ShipmentState.DONE,
    "done": ShipmentState.DONE,
    "cancelled": ShipmentState.CANCELLED,
}
_RANKS = {state: rank for rank, state in enumerate(_STATES.values())}


@dataclass(frozen=True)
class Step:
    """A button to press on a record."""

    model: str
    id: int
    button: str


def steps_forward(sale: wire.Sale) -> list[Step]:
    """The button that brings the sale nearer to assigned stock; none when it is there, or in a state with no way on."""
    if button := {"draft": "quote", "quotation": "confirm", "confirmed": "process"}.get(sale.state):
        return [Step(SALE, sale.id, button)]
    buttons = {"draft": "wait", "waiting": "assign_try"}
    return [Step(SHIPMENT, one.id, buttons[one.state]) for one in live(sale) if one.state in buttons][:1]


def steps_back(sale: wire.Sale) -> list[Step]:
    """The buttons that take the sale back, alternatives to each other; none when it is, or when goods have left.

    Assigned and packed shipments first go a step back, which Tryton refuses once the goods are on their way. Cancelling
    them at once would not be refused: to Tryton even a done shipment can be cancelled, by those who may.
    """
    if has_left(sale):
        return []
    for one in live(sale):
        # Without an output location of its own a warehouse knows no picking: its packed goods go back to waiting.
        back = {"assigned": ("wait",), "packed": ("pick", "wait")}.get(one.state, ("cancel",))
        return [Step(SHIPMENT, one.id, button) for button in back]
    if button := {"draft": "cancel", "quotation": "cancel", "confirmed": "draft"}.get(sale.state):
        return [Step(SALE, sale.id, button)]
    return []


def live(sale: wire.Sale) -> list[wire.Shipment]:
    """The sale's shipments that are not cancelled."""
    return [one for one in sale.shipments if one.state != "cancelled"]


def has_left(sale: wire.Sale) -> bool:
    """Whether any goods have left the building."""
    return any(_STATES.get(one.state) is ShipmentState.DONE for one in sale.shipments)


def reservation_state(sale: wire.Sale) -> ShipmentState:
    """How far the goods are. Refusal `unknown-status` for a state that this release of Tryton does not have."""
    states = [_state(one) for one in live(sale)]
    if states:
        return min(states, key=_RANKS.__getitem__)
    if sale.state == "cancelled" or sale.shipments:
        return ShipmentState.CANCELLED
    return ShipmentState.DRAFT


def reservation(reference: str, sale: wire.Sale, page: str) -> Reservation:
    """The sale as a reservation. Its key is the description, when that is an effect key of this reference."""
    shipments = live(sale)
    with refusing("unreadable-answer", "the sale that Tryton answered does not fit"):
        return Reservation(
            id=str(sale.id),
            number=sale.number,
            key=sale.description if sale.description.startswith(f"{reference}/") else "",
            shipment_id=str(shipments[0].id) if shipments else "",
            state=reservation_state(sale),
            lines=tuple(_line(place, one, sale.currency.code) for place, one in enumerate(sale.lines) if _counts(one)),
            page=page,
        )


def shortages(lines: Sequence[StockLine], moves: wire.Moves) -> list[Problem]:
    """A problem for each line of which pieces have no stock assigned; the first line where Tryton does not tell."""
    short: dict[str, float] = {}
    for move in moves.inventory_moves or moves.outgoing_moves:
        if move.state in ("draft", "staging") and move.product:
            short[move.product.code] = short.get(move.product.code, 0) + move.quantity
    problems = [
        Problem(field=f"lines.{place}.quantity", reason=f"{short[line.sku]:g} of {line.quantity} {line.sku} are short")
        for place, line in enumerate(lines)
        if line.sku in short
    ]
    return problems or [Problem(field="lines", reason="are not all in stock")]


def party_code(reference: str) -> str:
    """One party for each order, all its parts: `shop-uk:5001` of `shop-uk:5001.2`."""
    return f"{connection_of(reference)}:{external_id_of(reference)}"


def address_out(address: Address, country: int, subdivision: int | None) -> dict[str, Any]:
    """The address as Tryton stores it. A company is the addressee, the person goes to its attention."""
    return {
        "party_name": address.company or address.name,
        "attn": address.name if address.company else None,
        "street": "\n".join(filter(None, [address.street1, address.street2])),
        "postal_code": address.postcode or None,
        "city": address.city or None,
        "country": country,
        "subdivision": subdivision,
    }


def same_address(found: wire.Address, values: Mapping[str, Any]) -> bool:
    """Whether a stored address is the one in `values`."""
    return all(getattr(found, name) == (value or ("" if name not in _IDS else None)) for name, value in values.items())


_IDS = ("country", "subdivision")


def sale_out(
    key: str,
    request: StockRequest,
    *,
    company: int,
    party: int,
    address: int,
    currency: int,
    products: Mapping[str, wire.Product],
    shipment_cost_module: bool,
) -> dict[str, Any]:
    """A draft sale, complete: a raw create runs no `on_change`. Invoices follow the goods, so an undo finds none."""
    lines = [
        {
            "type": "line",
            "product": products[line.sku].id,
            "unit": products[line.sku].sale_uom,
            "quantity": line.quantity,
            "unit_price": wire.decimal_out(line.unit_price.amount),
            "taxes": [["add", list(products[line.sku].customer_taxes_used)]],
        }
        for line in request.lines
    ]
    values = {
        "company": company,
        "reference": request.reference,
        "description": key,
        "party": party,
        "invoice_address": address,
        "shipment_address": address,
        "currency": currency,
        "invoice_method": "fulfillment",
        "shipment_method": "order",
        "lines": [["create", lines]],
    }
    return {**values, "shipment_cost_method": None} if shipment_cost_module else values


def unknown_articles(request: StockRequest, products: Mapping[str, wire.Product]) -> list[Problem]:
    """A problem for each line whose article cannot be sold here."""
    return [
        Problem(field=f"lines.{place}.sku", reason=reason)
        for place, line in enumerate(request.lines)
        if (reason := _unsalable(products.get(line.sku)))
    ]


def _unsalable(product: wire.Product | None) -> str:
    if product is None:
        return "is not the code of a product in Tryton"
    if product.salable is False or product.sale_uom is None:
        return "is a product that is not salable in Tryton"
    return ""


def _state(shipment: wire.Shipment) -> ShipmentState:
    if shipment.state not in _STATES:
        problem = Problem(field="shipments.state", reason="is a state that is not known here")
        raise Refusal("unknown-status", f"the shipment's state is {shipment.state}", problems=[problem])
    return _STATES[shipment.state]


def _counts(line: wire.SaleLine) -> bool:
    return line.product is not None and bool(line.product.code) and line.quantity is not None and line.quantity > 0


def _line(place: int, line: wire.SaleLine, currency: str) -> StockLine:
    with refusing("unreadable-answer", "a line of the sale does not fit", f"lines.{place}"):
        return StockLine(
            sku=line.product.code if line.product else "",
            # Ours are whole pieces; what a colleague sells by weight is never adopted and only has to be shown.
            quantity=math.ceil(line.quantity or 0),
            unit_price=Money(amount=round(line.unit_price or 0, 4), currency=currency),
        )
