"""Customers' orders in the simulated shop: what a test may ask for, and the objects made of it.

An order is stored as documents of the kinds `order` and `fulfillment-order`, later `fulfillment`. Amounts are decimal
texts in the order's currency; ids are Shopify's numeric ones, without `gid://`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.goods import ARTICLES
from seamline.simulator.shopify_money import AUTHORIZATION_HOURS, first_transactions, text_of
from seamline.simulator.world import Body, World, now

ORDER_ID_FIRST = 5001
OTHER_ID_FIRST = 900001
LINES_MAX = 250
MAIN_LOCATION = "Main warehouse"

Amount = Decimal


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LineWanted(_Wanted):
    """A line of an order. What is not given is the seeded article's; `discount` is for the whole line."""

    sku: str = Field(default="MUG-BLUE", max_length=100)
    title: str | None = Field(default=None, max_length=200)
    quantity: int = Field(default=1, ge=-1000, le=100_000)
    current_quantity: int | None = Field(default=None, description="After edits and removals; else the quantity.")
    unit_price: Amount | None = None
    discount: Amount = Amount(0)
    weight_grams: int | None = Field(default=None, ge=0)
    requires_shipping: bool | None = None
    gift_card: bool = False
    bundle: str | None = Field(default=None, max_length=200, description="Title of the bundle it is a component of.")
    hs_code: str | None = Field(default=None, max_length=13, description="Empty for none, as for origin.")
    origin: str | None = Field(default=None, pattern="^([A-Z]{2})?$")
    location: str = Field(default=MAIN_LOCATION, max_length=100)


class AddressWanted(_Wanted):
    """What differs from the default customer's address, by Shopify's names."""

    firstName: str | None = "Jo"
    lastName: str | None = "Fielding"
    company: str | None = None
    address1: str | None = "12 Mill Lane"
    address2: str | None = None
    city: str | None = "Cambridge"
    province: str | None = "England"
    provinceCode: str | None = "ENG"
    zip: str | None = "CB2 1RX"
    country: str | None = "United Kingdom"
    countryCodeV2: str | None = Field(default="GB", pattern="^[A-Z]{2}$")
    phone: str | None = "+441223000000"


class OrderWanted(_Wanted):
    """An order as a customer would make it; every default makes a plain, paid, one-line order to an address in GB.

    Lines with different `location` make one fulfilment order each. `total` and `subtotal` replace what adds up.
    """

    id: int | None = Field(default=None, gt=0, lt=10**15)
    test: bool = False
    currency: str = Field(default="GBP", pattern="^[A-Z]{3}$")
    presentment_currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="The customer's.")
    presentment_rate: Amount = Field(default=Amount(1), ge=1, description="What the customer pays for one of ours.")
    email: str | None = Field(default="jo.fielding@example.com", max_length=254)
    phone: str | None = None
    locale: str | None = "en"
    note: str | None = None
    tags: list[str] = []
    address: AddressWanted | None = AddressWanted()
    lines: list[LineWanted] = Field(default=[LineWanted()], min_length=1, max_length=LINES_MAX)
    service: str | None = Field(default="standard", max_length=100, description="Code of the shipping line, or none.")
    shipping: Amount = Amount("4.95")
    duties: Amount | None = None
    duties_included: bool = Field(default=False, description="Whether the lines' prices hold the duties.")
    incoterm: str | None = Field(default=None, max_length=4, description="Who pays the duties: DDP, DAP ...")
    fees: Amount | None = Field(default=None, description="Charged beside duties and taxes.")
    adjustment: Amount = Field(default=Amount(0), le=0, description="Given back without goods, and off the total.")
    tips: Amount = Amount(0)
    discounts: Amount = Amount(0)
    tax: Amount | None = Field(default=None, description="By default a sixth of what includes it: 20 % VAT.")
    taxes_included: bool = True
    rounding: Amount = Amount(0)
    subtotal: Amount | None = None
    total: Amount | None = None
    financial_status: Literal[
        "PENDING", "AUTHORIZED", "PARTIALLY_PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED", "EXPIRED"
    ] = "PAID"
    authorization_hours: float | None = Field(
        default=AUTHORIZATION_HOURS, description="How long an authorisation lives; null: the shop does not tell."
    )
    capture: Literal["MANUAL", "ON_FULFILLMENT"] = Field(
        default="MANUAL", description="Whether the shop itself captures what is authorised once all is fulfilled."
    )
    gift_card_payment: Amount = Field(default=Amount(0), ge=0, description="Paid by gift card, the rest otherwise.")
    terms: bool = Field(default=False, description="Whether the customer pays later, by agreed payment terms.")
    delivery: Literal["SHIPPING", "PICK_UP", "LOCAL", "RETAIL", "NONE", "PICKUP_POINT"] = "SHIPPING"
    fulfillment_service: bool = Field(default=False, description="Whether somebody else's warehouse fulfils it.")
    fulfillment_order_status: Literal["OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD", "INCOMPLETE", "CLOSED"] = "OPEN"
    risk: Literal["ACCEPT", "INVESTIGATE", "CANCEL", "NONE"] = "ACCEPT"
    risk_facts: list[Annotated[str, Field(max_length=500)]] = Field(
        default=[], max_length=50, description="What speaks against the order."
    )
    webhooks: bool = Field(default=True, description="Whether orders/create and orders/paid are sent.")


def make_order(world: World, connection: str, wanted: OrderWanted) -> Body:
    """Store the order with its fulfilment orders and return it. ValueError when the wanted id is taken."""
    order_id = str(wanted.id) if wanted.id else _free_id(world, connection)
    if world.get(connection, "order", order_id):
        raise ValueError(f"id: order {order_id} exists already; leave id out to get a free one")
    lines = [make_line(world, connection, line) for line in wanted.lines]
    stamp = time_text()
    order: Body = {
        **wanted.model_dump(
            include={
                "test",
                "currency",
                "email",
                "phone",
                "locale",
                "note",
                "tags",
                "service",
                "taxes_included",
                "duties_included",
                "incoterm",
                "presentment_currency",
                "risk",
                "risk_facts",
                "capture",
                "terms",
            }
        ),
        "id": order_id,
        "connection": connection,
        "name": f"#{order_id}",
        "created_at": stamp,
        "updated_at": stamp,
        "cancelled_at": None,
        "cancel_reason": None,
        "staff_note": None,
        "address": wanted.address.model_dump() if wanted.address else None,
        "presentment_rate": str(wanted.presentment_rate),
        "lines": lines,
        "money": _money(wanted, lines),
    }
    order["transactions"] = first_transactions(
        order,
        wanted.financial_status,
        wanted.authorization_hours,
        lambda: object_id(world, connection),
        gift_card=wanted.gift_card_payment,
    )
    order["refunds"] = []
    order["totals"] = [order["money"]["total"]]
    world.put(connection, "order", order_id, order)
    for location in dict.fromkeys(line.location for line in wanted.lines):
        parts = [line for line, want in zip(lines, wanted.lines, strict=True) if want.location == location]
        _make_fulfilment_order(world, connection, order, wanted, location, parts)
    return order


def gid(kind: str, number: str) -> str:
    """Shopify's global id: `gid://shopify/Order/5001`."""
    return f"gid://shopify/{kind}/{number}"


def time_text() -> str:
    """The world's time as Shopify writes it: whole seconds, UTC."""
    return text_of(now())


def touch(world: World, connection: str, order: Body) -> Body:
    """Store a changed order and return it."""
    order = order | {"updated_at": time_text()}
    world.put(connection, "order", order["id"], order)
    return order


def object_id(world: World, connection: str) -> str:
    """A new id for anything but an order."""
    return str(world.next_id(connection, "shopify-object", OTHER_ID_FIRST))


def fulfilment_orders(world: World, connection: str, order_id: str) -> list[Body]:
    """The order's fulfilment orders, closed ones too, oldest first."""
    return world.find(connection, "fulfillment-order", {"order_id": order_id})


def fulfilments(world: World, connection: str, order_id: str) -> list[Body]:
    """The order's fulfilments, cancelled ones too, newest first as Shopify lists them."""
    return world.find(connection, "fulfillment", {"order_id": order_id})[::-1]


def new_fulfilment_order(world: World, connection: str, like: Body, lines: Iterable[tuple[str, int]]) -> Body:
    """Store and return a fulfilment order at the same location, of these order lines and quantities."""
    part_id = object_id(world, connection)
    part = like | {
        "id": part_id,
        "status": "OPEN",
        "holds": [],
        "created_at": time_text(),
        "updated_at": time_text(),
        "lines": [
            {"id": object_id(world, connection), "line_id": line_id, "total": count, "remaining": count}
            for line_id, count in lines
        ],
    }
    world.put(connection, "fulfillment-order", part_id, part)
    return part


def close_order(world: World, connection: str, order: Body, *, reason: str, staff_note: str | None) -> None:
    """Cancel the order: its open fulfilment orders close with nothing fulfilled. The payment stays as it is."""
    touch(world, connection, order | {"cancelled_at": time_text(), "cancel_reason": reason, "staff_note": staff_note})
    for part in fulfilment_orders(world, connection, order["id"]):
        if part["status"] != "CLOSED":
            body = part | {"status": "CLOSED", "updated_at": time_text()}
            world.put(connection, "fulfillment-order", part["id"], body)


def edited_money(order: Body, lines: Iterable[Body]) -> dict[str, Any]:
    """The order's money once its lines are these; the tax is 20 % of the difference."""
    before, money = order["lines"], order["money"]
    difference = _gross(lines) - _gross(before)
    tax = (difference / 6 if order["taxes_included"] else difference / 5).quantize(Amount("0.01"))
    more = difference if order["taxes_included"] else difference + tax
    changed = {"subtotal": difference, "tax": tax, "total": more}
    return {**money, **{name: str(Amount(money[name]) + one) for name, one in changed.items()}}


def _gross(lines: Iterable[Body]) -> Amount:
    return sum((Amount(line["unit_price"]) * line["current_quantity"] for line in lines), Amount(0))


def _free_id(world: World, connection: str) -> str:
    while True:
        order_id = str(world.next_id(connection, "order", ORDER_ID_FIRST))
        if not world.get(connection, "order", order_id):
            return order_id


def make_line(world: World, connection: str, wanted: LineWanted) -> Body:
    """A new line of an order."""
    article = ARTICLES.get(wanted.sku)
    ships = wanted.requires_shipping
    price = wanted.unit_price if wanted.unit_price is not None else article.price if article else Amount(10)
    weight = wanted.weight_grams if wanted.weight_grams is not None else article.weight_grams if article else 500
    return {
        "id": object_id(world, connection),
        "variant_id": object_id(world, connection),
        "sku": wanted.sku,
        "title": wanted.title or (article.title if article else wanted.sku or "Untitled"),
        "quantity": wanted.quantity,
        "current_quantity": wanted.quantity if wanted.current_quantity is None else wanted.current_quantity,
        "unit_price": str(price),
        "discount": str(wanted.discount),
        "weight_grams": weight,
        "requires_shipping": (not article or article.ships) if ships is None else ships,
        "gift_card": wanted.gift_card,
        "bundle": wanted.bundle,
        "hs_code": wanted.hs_code if wanted.hs_code is not None else article.hs_code if article else "",
        "origin": wanted.origin if wanted.origin is not None else article.origin if article else "",
    }


def _money(wanted: OrderWanted, lines: Iterable[Body]) -> dict[str, str | None]:
    gross = _gross(lines)
    discounts = wanted.discounts + sum((line.discount for line in wanted.lines), Amount(0))
    taxed = gross - discounts + wanted.shipping
    tax = wanted.tax
    if tax is None:
        tax = (taxed / 6 if wanted.taxes_included else taxed / 5).quantize(Amount("0.01"))
    duties = 0 if wanted.duties_included else wanted.duties or 0
    total = taxed + duties + (wanted.fees or 0) + wanted.tips + (0 if wanted.taxes_included else tax)
    total += wanted.adjustment
    return {
        "subtotal": str(gross - discounts if wanted.subtotal is None else wanted.subtotal),
        "shipping": str(wanted.shipping),
        "duties": None if wanted.duties is None else str(wanted.duties),
        "fees": None if wanted.fees is None else str(wanted.fees),
        "adjustment": str(wanted.adjustment),
        "tips": str(wanted.tips),
        "discounts": str(discounts),
        "tax": str(tax),
        "rounding": str(wanted.rounding),
        "total": str(total if wanted.total is None else wanted.total),
    }


def _make_fulfilment_order(
    world: World, connection: str, order: Body, wanted: OrderWanted, location: str, lines: list[Body]
) -> None:
    held = wanted.fulfillment_order_status == "ON_HOLD"
    hold = {"id": object_id(world, connection), "reason": "OTHER", "notes": "Held by another app", "handle": None}
    # As in Shopify, what needs no shipping is fulfilled apart from what does.
    for ships in (True, False):
        parts = [(line["id"], line["current_quantity"]) for line in lines if line["requires_shipping"] is ships]
        parts = [(line_id, quantity) for line_id, quantity in parts if quantity]
        if not parts:
            continue
        like: dict[str, Any] = {
            "order_id": order["id"],
            "location": {
                "id": location_id(world, connection, location),
                "name": location,
                "service": wanted.fulfillment_service,
            },
            "method": wanted.delivery if ships else "NONE",
            "service": order["service"],
        }
        part = new_fulfilment_order(world, connection, like, parts)
        part |= {"status": wanted.fulfillment_order_status, "holds": [hold | {"ours": False}] if held else []}
        world.put(connection, "fulfillment-order", part["id"], part)


def location_id(world: World, connection: str, name: str) -> str:
    """The id of the location of this name."""
    known = world.get(connection, "location", name)
    if known is None:
        known = {"id": object_id(world, connection), "name": name}
        world.put(connection, "location", name, known)
    return str(known["id"])
