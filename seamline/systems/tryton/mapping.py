"""Tryton's wire models and our records, both ways, and which button comes next. Pure and total.

The ways of a shipment are those of `trytond_stock/shipment.py`: forward draft, waiting, assigned, picked, packed,
shipped, done. What is `shipped` has left the building just as what is `done`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from seamline.conversions import TEXT, always, by
from seamline.errors import Problem, Refusal
from seamline.fields import Field, FieldMapping, Way
from seamline.records.address import Address
from seamline.records.reference import connection_of, external_id_of
from seamline.records.returning import ReceiptRequest
from seamline.records.stock import (
    Availability,
    PackedLine,
    PackedParcel,
    Reservation,
    ShipmentState,
    ShortLine,
    StockLine,
    StockRequest,
)
from seamline.systems.tryton import mapping_returns, wire

SALE = "sale.sale"
SHIPMENT = "stock.shipment.out"
QUEUED = "process"
"""The button that Tryton's queue presses by itself; of users only administrators of sales may."""

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
    if button := {"draft": "quote", "quotation": "confirm", "confirmed": QUEUED}.get(sale.state):
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
    return state_of(sale.shipments, sale.state)


def state_of(shipments: Sequence[wire.Shipment], state: str) -> ShipmentState:
    """As far as the shipment that is behind; draft or cancelled as the sale is, where there is none."""
    states = [_state(one) for one in shipments if one.state != "cancelled"]
    if states:
        return min(states, key=_RANKS.__getitem__)
    return ShipmentState.CANCELLED if state == "cancelled" or shipments else ShipmentState.DRAFT


def parcels(packed: wire.Packed) -> list[PackedParcel]:
    """The parcels of a shipment: its outermost packages, each with all that is in it."""
    inner: dict[int | None, list[wire.Package]] = {}
    for one in packed.packages:
        inner.setdefault(one.parent, []).append(one)

    def goods(package: wire.Package) -> tuple[wire.PackedMove, ...]:
        return (*package.moves, *(move for one in inner.get(package.id, []) for move in goods(one)))

    outermost = (one.model_copy(update={"moves": goods(one)}) for one in inner.get(None, []))
    return [PACKAGE.read(one, f"packages.{place}") for place, one in enumerate(outermost)]


def shortages(lines: Sequence[StockLine], moves: wire.Moves) -> tuple[ShortLine, ...]:
    """The articles of which pieces have no stock assigned; all of them where Tryton does not tell.

    Tryton assigns what is there and splits a move that is short: a part is `assigned`, the rest stays `draft`.
    """
    wanted: Counter[str] = Counter()
    for line in lines:
        wanted[line.sku] += line.quantity
    missing: Counter[str] = Counter()
    for move in moves.inventory_moves or moves.outgoing_moves:
        if move.state in ("draft", "staging") and move.product and move.product.code in wanted:
            missing[move.product.code] += math.ceil(move.quantity)
    missing = missing or wanted
    return tuple(
        ShortLine(sku=sku, wanted=wanted[sku], there=max(0, wanted[sku] - missing[sku]))
        for sku in wanted
        if missing[sku]
    )


def held_domain(connection: str, skus: Sequence[str]) -> list[Any]:
    """Finds the goods on their way from the shelf to the door that are for orders of this connection."""
    return [
        ["state", "in", ["assigned", "done"]],
        ["product.code", "in", list(skus)],
        ["shipment.state", "in", ["waiting", "assigned", "picked", "packed"], SHIPMENT],
        ["origin.sale.reference", "like", f"{connection}:%", "stock.move"],
    ]


def availabilities(products: Sequence[wire.StockedProduct], held: Sequence[wire.Move]) -> list[Availability]:
    """What is free of each article, and what is held of it for the shop that asks."""
    kept: Counter[str] = Counter()
    for move in held:
        if move.product:
            kept[move.product.code] += math.ceil(move.quantity)
    return [
        Availability(sku=one.code, free=math.floor(one.quantity or 0), held=kept[one.code])
        for one in products
        if one.code
    ]


def party_code(reference: str) -> str:
    """One party for each order, all its parts: `shop-uk:5001` of `shop-uk:5001.2`."""
    return f"{connection_of(reference)}:{external_id_of(reference)}"


def same_address(found: wire.Address, values: Mapping[str, Any]) -> bool:
    """Whether a stored address is the one in `values`."""
    return all(getattr(found, name) == (value or ("" if name not in _IDS else None)) for name, value in values.items())


_IDS = ("country", "subdivision")


def sale_out(key: str, request: StockRequest, *, shipment_cost_module: bool, **given: Any) -> dict[str, Any]:
    """A draft sale, complete: a raw create runs no `on_change`. `given` holds the ids of what it refers to."""
    values = SALE_OUT.write(request, key=key, **given)
    return {**values, "shipment_cost_method": None} if shipment_cost_module else values


def unknown_articles(request: StockRequest | ReceiptRequest, products: Mapping[str, wire.Product]) -> list[Problem]:
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


def _twice(address: int) -> tuple[int, int]:
    """The same to both."""
    return address, address


def _own_key(description: str, reference: str) -> str:
    """The description, where it is an effect key of this reference."""
    return description if description.startswith(f"{reference}/") else ""


def _first_live(shipments: Sequence[wire.Shipment]) -> str:
    """The first that is not cancelled."""
    return next((str(one.id) for one in shipments if one.state != "cancelled"), "")


def _pieces(quantity: float) -> int:
    """Rounded up: ours are whole pieces."""
    # What a colleague sells by weight is never adopted and only has to be shown.
    return math.ceil(quantity)


def _grams(weight: float | None, kilograms: float | None) -> int:
    """In grams, rounded up; 0 where no weight is known."""
    return math.ceil(round((weight or 0) * (kilograms or 0) * 1000, 3))


def _is_goods(move: wire.PackedMove) -> bool:
    return move.product is not None and bool(move.product.code) and move.quantity > 0


def _unit_price(price: Decimal | None, currency: str) -> dict[str, Any]:
    """To four places, in the sale's currency; zero where there is none."""
    return {"amount": round(price or Decimal(0), 4), "currency": currency}


def _addressee(company: str, name: str) -> tuple[str, str | None]:
    """A company is the addressee, the person goes to its attention; without one the person is."""
    return company or name, name if company else None


def _place(address: wire.DeliveryAddress | None) -> dict[str, str] | None:
    """The address that a sale goes to, as it was written: the region is left out."""
    if address is None:
        return None
    street1, _, street2 = address.street.partition("\n")
    return {
        "name": (address.attn or address.party_name)[:200],
        "company": address.party_name[:200] if address.attn else "",
        "street1": street1[:200],
        "street2": street2[:200],
        "postcode": address.postal_code[:20],
        "city": address.city[:100],
        "country": address.country.code[:2] if address.country else "",
    }


def _street(street1: str, street2: str) -> str:
    """Both lines."""
    return "\n".join(filter(None, [street1, street2]))


def _product(sku: str, products: Mapping[str, wire.Product]) -> int:
    """The product of this code."""
    return products[sku].id


def _unit(sku: str, products: Mapping[str, wire.Product]) -> int | None:
    """The unit of sale of that product."""
    return products[sku].sale_uom


def _taxes(sku: str, products: Mapping[str, wire.Product]) -> list[Any]:
    """The taxes for customers of the product's category in accounting."""
    category = products[sku].account_category
    return [["add", list(category.customer_taxes_used) if category else []]]


def _created(lines: Sequence[StockLine], products: Mapping[str, wire.Product]) -> list[Any]:
    """Each line, as Tryton is told to create it."""
    return [["create", [SALE_LINE_OUT.write(line, products=products) for line in lines]]]


SALE_LINE = FieldMapping(
    "Tryton",
    StockLine,
    "sale.line",
    (
        Field("product.code", "sku", fact="OrderLine.sku"),
        Field("quantity", "quantity", by(_pieces)),
        Field(("unit_price", "^currency.code"), "unit_price", by(_unit_price)),
    ),
    way=Way.READ,
    wire=wire.SaleLine,
)
RESERVATION = FieldMapping(
    "Tryton",
    Reservation,
    SALE,
    (
        Field("id", "id", TEXT),
        Field("number", "number"),
        Field(("description", "$reference"), "key", by(_own_key), fact="effect key"),
        Field("shipments", "shipment_id", by(_first_live)),
        Field(("shipments", "state"), "state", by(state_of)),
        Field("lines", "lines", each=SALE_LINE, only=_counts, rule="those of a product, with a quantity"),
        Field("shipment_address", "address", by(_place)),
        Field("$page", "page"),
    ),
    way=Way.READ,
    wire=wire.Sale,
)
PACKED_LINE = FieldMapping(
    "Tryton",
    PackedLine,
    "stock.move",
    (
        Field("product.code", "sku", fact="OrderLine.sku"),
        Field("quantity", "quantity", by(_pieces)),
    ),
    way=Way.READ,
    wire=wire.PackedMove,
)
PACKAGE = FieldMapping(
    "Tryton",
    PackedParcel,
    "stock.package",
    (
        Field("number", "id"),
        Field(("total_weight", "weight_uom.factor"), "weight_grams", by(_grams, takes_none=True)),
        Field("moves", "lines", each=PACKED_LINE, only=_is_goods, rule="those of a product, with a quantity"),
        Field("shipping_reference", "tracking_number"),
    ),
    way=Way.READ,
    wire=wire.Package,
)
SALE_LINE_OUT = FieldMapping(
    "Tryton",
    StockLine,
    "sale.line",
    (
        Field("type", (), always("line")),
        Field("product", ("sku", "$products"), by(write=_product), fact="OrderLine.sku"),
        Field("unit", ("sku", "$products"), by(write=_unit)),
        Field("quantity", "quantity"),
        Field("unit_price", "unit_price.amount", by(write=wire.decimal_out)),
        Field("taxes", ("sku", "$products"), by(write=_taxes)),
    ),
    way=Way.WRITE,
)
SALE_OUT = FieldMapping(
    "Tryton",
    StockRequest,
    SALE,
    (
        Field("company", "$company"),
        Field("reference", "reference", fact="Order.reference"),
        Field("description", "$key", fact="effect key"),
        Field("party", "$party", rule="the party whose code is the order's reference"),
        Field(("invoice_address", "shipment_address"), "$address", by(write=_twice)),
        Field("currency", "$currency", rule="the currency of this code", fact="Order.currency"),
        Field("invoice_method", (), always("fulfillment"), "invoices follow the goods, so an undo finds none"),
        Field("shipment_method", (), always("order")),
        Field("lines", ("lines", "$products"), by(write=_created)),
    ),
    way=Way.WRITE,
)
ADDRESS = FieldMapping(
    "Tryton",
    Address,
    "party.address",
    (
        Field(("party_name", "attn"), ("company", "name"), by(write=_addressee)),
        Field("street", ("street1", "street2"), by(write=_street)),
        Field("postal_code", "postcode"),
        Field("city", "city"),
        Field("country", "$country", rule="the country of this code", fact="Address.country"),
        Field("subdivision", "$subdivision", rule="the subdivision of this code", fact="Address.region"),
    ),
    way=Way.WRITE,
    wire=wire.Address,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (
    SALE_OUT,
    SALE_LINE_OUT,
    RESERVATION,
    SALE_LINE,
    PACKAGE,
    PACKED_LINE,
    ADDRESS,
    *mapping_returns.MAPPINGS,
)
