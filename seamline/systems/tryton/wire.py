"""The shape of Tryton's records as its REST protocol gives them (8.2), and the fields asked for.

Asking for `lines.product.code` nests: `{"lines": [{"product": {"code": ...}}]}`. Source: trytond/protocols/rest.py and
the modules sale, stock, party, product.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SALE_FIELDS = (
    "number",
    "reference",
    "description",
    "state",
    "currency.code",
    "lines.quantity",
    "lines.unit_price",
    "lines.product.code",
    "shipments.number",
    "shipments.state",
    "shipment_address.party_name",
    "shipment_address.attn",
    "shipment_address.street",
    "shipment_address.postal_code",
    "shipment_address.city",
    "shipment_address.country.code",
)
SHIPMENT_FIELDS = (
    "state",
    "inventory_moves.state",
    "inventory_moves.quantity",
    "inventory_moves.product.code",
    "outgoing_moves.state",
    "outgoing_moves.quantity",
    "outgoing_moves.product.code",
)
PACKED_FIELDS = (
    "packages.number",
    "packages.parent",
    "packages.total_weight",
    "packages.weight_uom.factor",
    "packages.moves.quantity",
    "packages.moves.product.code",
)
LABELLED_FIELDS = ("packages.shipping_reference",)
STOCKED_FIELDS = ("code", "quantity")
MOVE_FIELDS = ("state", "quantity", "product.code")
WAREHOUSE_FIELDS = ("storage_location",)
PRODUCT_FIELDS = ("code", "salable", "sale_uom", "account_category.customer_taxes_used")
ADDRESS_FIELDS = ("party_name", "attn", "street", "postal_code", "city", "country", "subdivision")


def _undecimal(value: Any) -> Any:
    """Tryton writes decimals as `{"__class__": "Decimal", "decimal": "12.50"}`."""
    return value.get("decimal") if isinstance(value, dict) and value.get("__class__") == "Decimal" else value


def _empty_for_none(value: Any) -> Any:
    return "" if value is None else value


def decimal_out(value: Decimal) -> dict[str, str]:
    """A decimal as Tryton reads it."""
    return {"__class__": "Decimal", "decimal": str(value)}


Text = Annotated[str, BeforeValidator(_empty_for_none)]
Amount = Annotated[Decimal, BeforeValidator(_undecimal), Field(max_digits=18, decimal_places=8, allow_inf_nan=False)]


class Wire(BaseModel):
    """Base of all records read; `id` is Tryton's."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: int


class Coded(Wire):
    """A record of which the code is read: a currency, a country, a party."""

    code: Text = ""


class SaleLine(Wire):
    """A line of a sale. Comments and titles have no product."""

    quantity: float | None = Field(default=None, allow_inf_nan=False)
    unit_price: Amount | None = None
    product: Coded | None = None


class Shipment(Wire):
    """A customer shipment: draft, waiting, assigned, picked, packed, shipped, done or cancelled."""

    number: Text = ""
    state: str


class DeliveryAddress(Wire):
    """Where a sale goes, with the code of its country."""

    party_name: Text = ""
    attn: Text = ""
    street: Text = ""
    postal_code: Text = ""
    city: Text = ""
    country: Coded | None = None


class Sale(Wire):
    """A sale: draft, quotation, confirmed, processing, done or cancelled."""

    number: Text = ""
    reference: Text = ""
    description: Text = ""
    state: str
    currency: Coded
    lines: tuple[SaleLine, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    shipment_address: DeliveryAddress | None = None


class Move(Wire):
    """Goods of a shipment; `draft` while no stock is assigned to them."""

    state: str
    quantity: float = Field(default=0, allow_inf_nan=False)
    product: Coded | None = None


class Moves(Wire):
    """A shipment with its moves: from the shelf to the door, and from the door to the customer."""

    state: str
    inventory_moves: tuple[Move, ...] = ()
    outgoing_moves: tuple[Move, ...] = ()


class WeightUnit(Wire):
    """A unit of weight: `factor` of it are kilograms."""

    factor: float = Field(allow_inf_nan=False)


class PackedMove(Wire):
    """Goods in a package."""

    quantity: float = Field(default=0, allow_inf_nan=False)
    product: Coded | None = None


class Package(Wire):
    """A package of a shipment, in another one where it has a `parent`. Its total weight counts those in it."""

    number: Text = ""
    parent: int | None = None
    total_weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    weight_uom: WeightUnit | None = None
    moves: tuple[PackedMove, ...] = ()
    shipping_reference: Text = ""


class Packed(Wire):
    """A shipment's packages."""

    packages: tuple[Package, ...] = ()


class Category(Wire):
    """What an article is to accounting: the taxes that apply by default."""

    customer_taxes_used: tuple[int, ...] = ()


class Product(Wire):
    """An article: its unit of sale, and its category in accounting."""

    code: Text = ""
    salable: bool | None = None
    sale_uom: int | None = None
    account_category: Category | None = None


class StockedProduct(Wire):
    """An article and what is there of it, at the locations of the request's context."""

    code: Text = ""
    quantity: float | None = Field(default=None, allow_inf_nan=False)


class Warehouse(Wire):
    """A warehouse and where it stores what can be sold."""

    storage_location: int


class Address(Wire):
    """A party's address."""

    party_name: Text = ""
    attn: Text = ""
    street: Text = ""
    postal_code: Text = ""
    city: Text = ""
    country: int | None = None
    subdivision: int | None = None


class CompanyParty(Wire):
    """The company's own name."""

    name: Text = ""


class Company(Wire):
    """The company the connection works for."""

    party: CompanyParty


class ErrorBody(BaseModel):
    """What Tryton answers with a 400."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    message: Text = ""
    description: Text = ""
