"""Packages of shipments in the simulated ERP, as of the modules stock_package, stock_shipment_measurements
and stock_package_shipping.

A package holds whole moves, so the packers split a move whose pieces go apart. Its total weight is that of its goods,
of its packaging, and what is added by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.goods import ARTICLES
from seamline.simulator.tryton_models import Values

if TYPE_CHECKING:
    from seamline.simulator.tryton_records import Records

PACKAGE, MOVE, SHIPMENT = "stock.package", "stock.move", "stock.shipment.out"
BOX_GRAMS = 120
PACKAGES_MAX = 50


class PackageWanted(BaseModel):
    """One parcel as the packers make it: pieces by SKU, and what the scales say; else goods and box are summed up."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    lines: dict[str, int] = Field(min_length=1, max_length=100)
    weight_grams: int | None = Field(default=None, gt=0, le=1_000_000)
    tracking_number: str = Field(default="", max_length=100)
    """Of the label that somebody bought for it."""


def pack(records: Records, shipment: Values, wanted: Sequence[PackageWanted]) -> None:
    """Put the shipment's goods into packages. ValueError unless each piece is in one."""
    left = {one["id"]: one for one in _outgoing(records, shipment) if one["state"] != "cancelled"}
    for one in wanted:
        package = _new_package(records, shipment, one)
        for sku, pieces in one.lines.items():
            _put(records, left, package, sku, pieces)
    if left:
        raise ValueError("packages: every piece of the shipment must be in one")


def filled(records: Records, shipment: Values, grams_max: int) -> list[PackageWanted]:
    """The packages of a packer who fills one after the other up to a weight; what is heavier goes alone."""
    full: list[dict[str, int]] = [{}]
    weight = 0
    for move in _outgoing(records, shipment):
        sku = sku_of(records, move)
        for _ in range(int(move["quantity"])):
            if full[-1] and weight + grams_of(sku) > grams_max and len(full) < PACKAGES_MAX:
                full.append({})
                weight = 0
            full[-1][sku] = full[-1].get(sku, 0) + 1
            weight += grams_of(sku)
    return [PackageWanted(lines=lines) for lines in full if lines]


def packages_of(records: Records, shipment: Values) -> list[Values]:
    """The shipment's packages, in the order they were made."""
    return records.find(PACKAGE, shipment=f"{SHIPMENT},{shipment['id']}")


def unpack(records: Records, shipment: Values) -> list[Values]:
    """Take the goods out of the shipment's packages again; the packages, which are of no shipment any more."""
    found = packages_of(records, shipment)
    for package in found:
        for move in records.find(MOVE, package=package["id"]):
            records.set(MOVE, move, package=None)
        records.set(PACKAGE, package, shipment=None)
    return found


def name_of(package: Values) -> str:
    """What the ledger calls it: a shipment may have the same number."""
    return f"package-{package['number']}"


def package_value(records: Records, package: Mapping[str, Any], name: str) -> Any:
    """A package's computed field: weights are in kilograms, its unit."""
    if name == "state":
        shipment = records.get(SHIPMENT, int((package["shipment"] or ",0").partition(",")[2])) or {}
        return "closed" if shipment.get("state") in ("packed", "shipped", "done", "cancelled") else "open"
    goods = sum(_grams(records, move) for move in records.find(MOVE, package=package["id"])) / 1000
    added = (package["packaging_weight"] or 0) + (package["additional_weight"] or 0)
    return round(goods + added if name == "total_weight" else goods, 3)


def grams_of(sku: str) -> int:
    """What a piece weighs; nothing where the ERP was not told."""
    return ARTICLES[sku].weight_grams if sku in ARTICLES else 0


def sku_of(records: Records, move: Mapping[str, Any]) -> str:
    """The moved product's code."""
    return str(records.known("product.product", move["product"])["code"])


def _outgoing(records: Records, shipment: Values) -> list[Values]:
    return [one for _, one in records.linked(SHIPMENT, shipment, "outgoing_moves")]


def _grams(records: Records, move: Mapping[str, Any]) -> float:
    return grams_of(sku_of(records, move)) * float(move["quantity"])


def _new_package(records: Records, shipment: Values, wanted: PackageWanted) -> Values:
    goods = sum(grams_of(sku) * pieces for sku, pieces in wanted.lines.items())
    added = 0.0 if wanted.weight_grams is None else (wanted.weight_grams - goods - BOX_GRAMS) / 1000
    kilogram = records.find("product.uom", symbol="kg")[0]["id"]
    return records.add(
        PACKAGE,
        number=str(records.world.next_id(records.connection, "package-number")),
        company=shipment["company"],
        shipment=f"{SHIPMENT},{shipment['id']}",
        shipping_reference=wanted.tracking_number,
        packaging_weight=BOX_GRAMS / 1000,
        packaging_weight_uom=kilogram,
        additional_weight=added,
        weight_uom=kilogram,
    )


def _put(records: Records, left: dict[int, Values], package: Values, sku: str, pieces: int) -> None:
    for move in [one for one in left.values() if sku_of(records, one) == sku]:
        taken = min(pieces, math.floor(move["quantity"]))
        if not taken:
            continue
        pieces -= taken
        if taken < move["quantity"]:
            like = {name: value for name, value in move.items() if name not in ("id", "create_date", "write_date")}
            rest = records.add(MOVE, **(like | {"quantity": move["quantity"] - taken}))
            left[rest["id"]] = rest
        records.set(MOVE, move, quantity=float(taken), package=package["id"])
        del left[move["id"]]
    if pieces:
        raise ValueError(f"packages: {pieces} {sku} more than the shipment has left")
