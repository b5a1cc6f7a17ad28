"""The part of Tryton's models that the simulated ERP has: names, fields, types. Source: trytond 8.2 and its modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Values = dict[str, Any]


class Kind(StrEnum):
    """The type of a field."""

    INTEGER = "integer"
    FLOAT = "float"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CHAR = "char"
    DATE = "date"
    DATETIME = "datetime"
    SELECTION = "selection"
    MANY2ONE = "many2one"
    ONE2MANY = "one2many"
    MANY2MANY = "many2many"
    REFERENCE = "reference"
    COMPUTED = "computed"
    """Worked out when read; cannot be searched."""
    COMPUTED_MANY = "computed many"
    """Like COMPUTED, and a list of records of `target`; can be searched."""


@dataclass(frozen=True)
class Field:
    """One field. `target` is the model it links to, `inverse` the field there that links back."""

    kind: Kind
    label: str = ""
    target: str = ""
    inverse: str = ""
    required: bool = False
    readonly: bool = False
    default: Any = None
    options: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model: its label in messages and its fields."""

    label: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    newest_first: bool = False


def _char(label: str, **more: Any) -> Field:
    return Field(Kind.CHAR, label, **more)


def _one(label: str, target: str, **more: Any) -> Field:
    return Field(Kind.MANY2ONE, label, target, **more)


def _many(label: str, target: str, inverse: str, **more: Any) -> Field:
    return Field(Kind.ONE2MANY, label, target, inverse, **more)


def _choice(label: str, *options: str | None, **more: Any) -> Field:
    return Field(Kind.SELECTION, label, options=options, **more)


def _computed(label: str) -> Field:
    return Field(Kind.COMPUTED, label, readonly=True)


_EVERY = {
    "id": Field(Kind.INTEGER, "ID", readonly=True),
    "rec_name": _computed("Record Name"),
    "create_date": Field(Kind.DATETIME, "Created at", readonly=True),
    "write_date": Field(Kind.DATETIME, "Edited at", readonly=True),
}
_ACTIVE = {"active": Field(Kind.BOOLEAN, "Active", default=True)}


def _model(label: str, fields: Mapping[str, Field], *, newest_first: bool = False) -> Model:
    return Model(label, {**_EVERY, **fields}, newest_first)


MODELS: Mapping[str, Model] = {
    "country.country": _model(
        "Country",
        {"name": _char("Name", required=True), "code": _char("Code"), "code3": _char("3-letters Code"), **_ACTIVE},
    ),
    "country.subdivision": _model(
        "Subdivision",
        {
            "name": _char("Name", required=True),
            "code": _char("Code", required=True),
            "country": _one("Country", "country.country", required=True),
            **_ACTIVE,
        },
    ),
    "currency.currency": _model(
        "Currency",
        {
            "name": _char("Name", required=True),
            "code": _char("Code", required=True),
            "symbol": _char("Symbol"),
            "digits": Field(Kind.INTEGER, "Digits", required=True, default=2),
            **_ACTIVE,
        },
    ),
    "company.company": _model(
        "Company",
        {
            "party": _one("Party", "party.party", required=True),
            "currency": _one("Currency", "currency.currency", required=True),
        },
    ),
    "party.party": _model(
        "Party",
        {
            "name": _char("Name"),
            "code": _char("Code", required=True),
            "full_name": _computed("Full Name"),
            "addresses": _many("Addresses", "party.address", "party"),
            "contact_mechanisms": _many("Contact Mechanisms", "party.contact_mechanism", "party"),
            **_ACTIVE,
        },
    ),
    "party.address": _model(
        "Address",
        {
            "party": _one("Party", "party.party", required=True),
            "party_name": _char("Party Name"),
            "attn": _char("Attn"),
            "street": _char("Street"),
            "street_unstructured": _char("Street"),
            "street_name": _char("Street Name"),
            "building_name": _char("Building Name"),
            "building_number": _char("Building Number"),
            "postal_code": _char("Postal Code"),
            "city": _char("City"),
            "country": _one("Country", "country.country"),
            "subdivision": _one("Subdivision", "country.subdivision"),
            "full_address": _computed("Full Address"),
            "invoice": Field(Kind.BOOLEAN, "Invoice"),
            "delivery": Field(Kind.BOOLEAN, "Delivery"),
            **_ACTIVE,
        },
    ),
    "party.contact_mechanism": _model(
        "Contact Mechanism",
        {
            "party": _one("Party", "party.party", required=True),
            "type": _choice("Type", "phone", "mobile", "fax", "email", "website", "other", default="phone"),
            "value": _char("Value"),
            "name": _char("Name"),
            **_ACTIVE,
        },
    ),
    "account.tax": _model(
        "Tax", {"name": _char("Name", required=True), "rate": Field(Kind.NUMERIC, "Rate", required=True), **_ACTIVE}
    ),
    "product.uom": _model(
        "Unit of Measure",
        {
            "name": _char("Name", required=True),
            "symbol": _char("Symbol"),
            "factor": Field(Kind.FLOAT, "Factor", required=True, default=1.0),
            **_ACTIVE,
        },
    ),
    "product.category": _model(
        "Product Category",
        {
            "name": _char("Name", required=True),
            "customer_taxes_used": Field(Kind.COMPUTED_MANY, "Customer Taxes Used", "account.tax", readonly=True),
        },
    ),
    "product.product": _model(
        "Product Variant",
        {
            "name": _char("Name", required=True),
            "code": _char("Code"),
            "type": _choice("Type", "goods", "assets", "service", default="goods"),
            "salable": Field(Kind.BOOLEAN, "Salable", default=True),
            "default_uom": _one("Default UoM", "product.uom", required=True),
            "sale_uom": _one("Sale UoM", "product.uom", required=True),
            "list_price": Field(Kind.NUMERIC, "List Price"),
            "account_category": _one("Account Category", "product.category"),
            "quantity": _computed("Quantity"),
            "forecast_quantity": _computed("Forecast Quantity"),
            **_ACTIVE,
        },
    ),
    "stock.location": _model(
        "Stock Location",
        {
            "name": _char("Name", required=True),
            "code": _char("Code"),
            "type": _choice(
                "Type", "supplier", "customer", "lost_found", "warehouse", "storage", "production", "drop", "view"
            ),
            "parent": _one("Parent", "stock.location"),
            "input_location": _one("Input", "stock.location"),
            "output_location": _one("Output", "stock.location"),
            "storage_location": _one("Storage", "stock.location"),
            **_ACTIVE,
        },
    ),
    "sale.sale": _model(
        "Sale",
        {
            "company": _one("Company", "company.company", required=True),
            "number": _char("Number", readonly=True),
            "reference": _char("Reference"),
            "description": _char("Description"),
            "comment": _char("Comment"),
            "party": _one("Party", "party.party", required=True),
            "contact": _one("Contact", "party.contact_mechanism"),
            "invoice_party": _one("Invoice Party", "party.party"),
            "invoice_address": _one("Invoice Address", "party.address"),
            "shipment_party": _one("Shipment Party", "party.party"),
            "shipment_address": _one("Shipment Address", "party.address"),
            "warehouse": _one("Warehouse", "stock.location"),
            "currency": _one("Currency", "currency.currency", required=True),
            "sale_date": Field(Kind.DATE, "Sale Date"),
            "quotation_date": Field(Kind.DATE, "Quotation Date"),
            "shipping_date": Field(Kind.DATE, "Shipping Date"),
            "invoice_method": _choice(
                "Invoice Method", "manual", "order", "fulfillment", required=True, default="order"
            ),
            "shipment_method": _choice("Shipment Method", "manual", "order", "invoice", required=True, default="order"),
            "shipment_cost_method": _choice("Shipment Cost Method", None, "order", "shipment", default="order"),
            "lines": _many("Lines", "sale.line", "sale"),
            "untaxed_amount": _computed("Untaxed"),
            "tax_amount": _computed("Tax"),
            "total_amount": _computed("Total"),
            "shipments": Field(Kind.COMPUTED_MANY, "Shipments", "stock.shipment.out", readonly=True),
            "moves": Field(Kind.COMPUTED_MANY, "Stock Moves", "stock.move", readonly=True),
            "invoice_state": _choice("Invoice State", "none", "pending", "paid", readonly=True, default="none"),
            "shipment_state": _choice(
                "Shipment State",
                "none",
                "waiting",
                "partially shipped",
                "sent",
                "exception",
                readonly=True,
                default="none",
            ),
            "state": _choice(
                "State",
                "draft",
                "quotation",
                "confirmed",
                "processing",
                "done",
                "cancelled",
                readonly=True,
                default="draft",
            ),
        },
        newest_first=True,
    ),
    "sale.line": _model(
        "Sale Line",
        {
            "sale": _one("Sale", "sale.sale", required=True),
            "type": _choice("Type", "line", "subtotal", "title", "comment", required=True, default="line"),
            "quantity": Field(Kind.FLOAT, "Quantity"),
            "unit": _one("Unit", "product.uom"),
            "product": _one("Product", "product.product"),
            "unit_price": Field(Kind.NUMERIC, "Unit Price"),
            "description": _char("Description"),
            "note": _char("Note"),
            "amount": _computed("Amount"),
            "taxes": Field(Kind.MANY2MANY, "Taxes", "account.tax"),
            "moves": Field(Kind.COMPUTED_MANY, "Stock Moves", "stock.move", readonly=True),
        },
    ),
    "stock.shipment.out": _model(
        "Customer Shipment",
        {
            "company": _one("Company", "company.company", required=True, readonly=True),
            "number": _char("Number", readonly=True),
            "reference": _char("Reference"),
            "customer": _one("Customer", "party.party", required=True),
            "delivery_address": _one("Delivery Address", "party.address", required=True),
            "warehouse": _one("Warehouse", "stock.location", required=True),
            "planned_date": Field(Kind.DATE, "Planned Date"),
            "effective_date": Field(Kind.DATE, "Effective Date"),
            "moves": _many("Moves", "stock.move", "shipment", readonly=True),
            "outgoing_moves": Field(Kind.COMPUTED_MANY, "Outgoing Moves", "stock.move", readonly=True),
            "inventory_moves": Field(Kind.COMPUTED_MANY, "Inventory Moves", "stock.move", readonly=True),
            "packages": _many("Packages", "stock.package", "shipment", readonly=True),
            "root_packages": Field(Kind.COMPUTED_MANY, "Packages", "stock.package", readonly=True),
            "origins": _computed("Origins"),
            "partially_assigned": _computed("Partially Assigned"),
            "state": _choice(
                "State",
                "draft",
                "waiting",
                "assigned",
                "picked",
                "packed",
                "shipped",
                "done",
                "cancelled",
                readonly=True,
            ),
        },
    ),
    "stock.shipment.out.return": _model(
        "Customer Return Shipment",
        {
            "company": _one("Company", "company.company", required=True),
            "number": _char("Number", readonly=True),
            "reference": _char("Reference"),
            "customer": _one("Customer", "party.party", required=True),
            "contact_address": _one("Contact Address", "party.address"),
            "warehouse": _one("Warehouse", "stock.location", required=True),
            "warehouse_storage": _one("Warehouse Storage", "stock.location", required=True),
            "warehouse_input": _one("Warehouse Input", "stock.location", required=True),
            "effective_date": Field(Kind.DATE, "Effective Date", readonly=True),
            "incoming_moves": Field(Kind.COMPUTED_MANY, "Incoming Moves", "stock.move"),
            "inventory_moves": Field(Kind.COMPUTED_MANY, "Inventory Moves", "stock.move"),
            "state": _choice("State", "draft", "received", "done", "cancelled", readonly=True),
        },
    ),
    "stock.move": _model(
        "Stock Move",
        {
            "company": _one("Company", "company.company", required=True, readonly=True),
            "product": _one("Product", "product.product", required=True, readonly=True),
            "unit": _one("Unit", "product.uom", required=True, readonly=True),
            "quantity": Field(Kind.FLOAT, "Quantity", required=True, readonly=True),
            "from_location": _one("From Location", "stock.location", required=True, readonly=True),
            "to_location": _one("To Location", "stock.location", required=True, readonly=True),
            "shipment": Field(Kind.REFERENCE, "Shipment", readonly=True),
            "origin": Field(Kind.REFERENCE, "Origin", readonly=True),
            "sale": _one("Sale", "sale.sale", readonly=True),
            "unit_price": Field(Kind.NUMERIC, "Unit Price", readonly=True),
            "currency": _one("Currency", "currency.currency", readonly=True),
            "package": _one("Package", "stock.package", readonly=True),
            "state": _choice("State", "staging", "draft", "assigned", "done", "cancelled", readonly=True),
        },
    ),
    "stock.package": _model(
        "Stock Package",
        {
            "number": _char("Number", required=True, readonly=True),
            "company": _one("Company", "company.company", required=True),
            "shipment": Field(Kind.REFERENCE, "Shipment"),
            "shipping_reference": _char("Shipping Reference"),
            "moves": _many("Moves", "stock.move", "package"),
            "parent": _one("Parent", "stock.package"),
            "children": _many("Children", "stock.package", "parent"),
            "packaging_weight": Field(Kind.FLOAT, "Packaging Weight"),
            "packaging_weight_uom": _one("Packaging Weight UoM", "product.uom"),
            "additional_weight": Field(Kind.FLOAT, "Additional Weight"),
            "weight": _computed("Weight"),
            "weight_uom": _one("Weight UoM", "product.uom", readonly=True),
            "total_weight": _computed("Total Weight"),
            "state": _computed("State"),
        },
    ),
}
CREATED_OVER_REST = ("party.party", "party.address", "party.contact_mechanism", "sale.sale", "sale.line")
"""The others are seeded, or made by the ERP itself."""
