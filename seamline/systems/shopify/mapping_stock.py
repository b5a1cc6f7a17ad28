"""Shopify's stock and our records, both ways. Pure and total, as in `mapping.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from seamline.conversions import TEXT, by
from seamline.fields import Field, FieldMapping, Way
from seamline.records.level import Level, LevelChange
from seamline.records.order import FulfilmentLine
from seamline.records.shortage import SplitRequest
from seamline.systems.shopify import wire_stock as wire
from seamline.systems.shopify.ids import NUMBER_OF_GID, gid, gid_of

STALE = "CHANGE_FROM_QUANTITY_STALE"


def levels(items: Sequence[wire.InventoryItem]) -> list[Level]:
    """The levels of the articles that have an SKU and whose stock the store keeps."""
    return [
        LEVEL.read(level, item=item.id, sku=item.sku)
        for item in items
        if item.sku and item.tracked
        for level in item.inventory_levels.nodes
    ]


def stale_skus(errors: Sequence[wire.QuantityError], changes: Sequence[LevelChange]) -> list[str]:
    """The SKUs whose quantity was another by now; none unless that is all that is wrong."""
    places = [_place(error.field or ()) for error in errors if error.code == STALE]
    known = [changes[place].level.sku for place in places if place is not None and place < len(changes)]
    return known if len(known) == len(errors) else []


def native_key(look: str, changes: Sequence[LevelChange]) -> str:
    """The same for the same changes of one look, another for the next look's."""
    text = "\n".join([look, *(one.model_dump_json() for one in changes)])
    return hashlib.sha256(text.encode()).hexdigest()


def _place(path: Sequence[str]) -> int | None:
    return next((int(part) for part in path if part.isdigit()), None)


def _pieces(name: str) -> Any:
    def pieces(quantities: Sequence[wire.InventoryQuantity]) -> int:
        return sum(one.quantity for one in quantities if one.name == name)

    pieces.__doc__ = f"The quantity of the name {name}."
    return by(pieces)


def _split_lines(lines: Sequence[FulfilmentLine]) -> list[dict[str, Any]]:
    """Each line by its id, and how many pieces of it go."""
    return [{"id": gid("FulfillmentOrderLineItem", one.id), "quantity": one.quantity} for one in lines]


LEVEL = FieldMapping(
    "Shopify",
    Level,
    "InventoryLevel",
    (
        Field("$item", "item_id", NUMBER_OF_GID, "the article that is stocked"),
        Field("$sku", "sku", TEXT, "the article's", fact="OrderLine.sku"),
        Field("location.id", "location_id", NUMBER_OF_GID),
        Field("location.name", "location"),
        Field("quantities", "on_hand", _pieces("on_hand")),
        Field("quantities", "committed", _pieces("committed")),
    ),
    way=Way.READ,
    wire=wire.InventoryLevel,
)
LEVEL_CHANGE = FieldMapping(
    "Shopify",
    LevelChange,
    "InventoryQuantityInput",
    (
        Field("inventoryItemId", "level.item_id", gid_of("InventoryItem")),
        Field("locationId", "level.location_id", gid_of("Location")),
        Field("quantity", "on_hand"),
        Field("changeFromQuantity", "level.on_hand", rule="what we read: set only if it still is that"),
    ),
    way=Way.WRITE,
)
SPLIT = FieldMapping(
    "Shopify",
    SplitRequest,
    "FulfillmentOrderSplitInput",
    (
        Field("fulfillmentOrderId", "fulfilment_order_id", gid_of("FulfillmentOrder")),
        Field("fulfillmentOrderLineItems", "lines", by(write=_split_lines)),
    ),
    way=Way.WRITE,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (LEVEL, LEVEL_CHANGE, SPLIT)
