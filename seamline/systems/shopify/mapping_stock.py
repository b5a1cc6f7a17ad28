"""Shopify's stock and our records, both ways. Pure and total, as in `mapping.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from seamline.conversions import TEXT, always, by
from seamline.fields import Field, FieldMapping, Way
from seamline.records.level import Level, LevelChange
from seamline.records.money import Money
from seamline.records.order import FulfilmentLine
from seamline.records.shortage import CancelGoodsRequest, CancelledGoods, SplitRequest
from seamline.systems.shopify import wire_stock as wire
from seamline.systems.shopify.ids import NUMBER_OF_GID, ORDER_GID, gid, gid_of, number_of
from seamline.systems.shopify.mapping_remedies import movements
from seamline.systems.shopify.wire_account import Place
from seamline.systems.shopify.wire_remedies import Refund

STALE = "CHANGE_FROM_QUANTITY_STALE"


def locations(places: Iterable[Place]) -> tuple[str, ...]:
    """Where goods sold online leave from, by name; what others store and send is theirs."""
    return tuple(one.name for one in places if one.fulfills_online_orders and not one.is_fulfillment_service)


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


def cancelled_goods(found: Refund, key: str, currency: str) -> CancelledGoods:
    """The refund of cancelled lines; without money where nothing was paid."""
    moved = [one.amount_set.presentment_money for one in found.transactions.nodes]
    amounts = (Money(amount=one.amount, currency=one.currency_code) for one in moved)
    total = Money.total(amounts, moved[0].currency_code if moved else currency)
    return CancelledGoods(id=number_of(found.id), key=key, amount=total)


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


def _cancelled_lines(lines: Sequence[FulfilmentLine], location: str) -> list[dict[str, Any]]:
    """Each line by its id and quantity: not to be shipped any more, and free again at its location."""
    pieces: dict[str, int] = {}
    for one in lines:
        pieces[one.order_line_id] = pieces.get(one.order_line_id, 0) + one.quantity
    return [
        {"lineItemId": gid("LineItem", line), "quantity": count, "restockType": "CANCEL", "locationId": location}
        for line, count in pieces.items()
    ]


CANCEL_GOODS = FieldMapping(
    "Shopify",
    CancelGoodsRequest,
    "RefundInput",
    (
        Field("orderId", "$reference", ORDER_GID, fact="Order.reference"),
        Field("currency", "$currency"),
        Field("note", "$key", fact="effect key"),
        Field("notify", (), always(True), "we mail what is sent; of what is not the shop tells the customer"),
        Field("refundLineItems", ("lines", "$location"), by(write=_cancelled_lines)),
        Field("transactions", ("$reference", "$parts"), by(write=movements)),
    ),
    way=Way.WRITE,
)
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
MAPPINGS: tuple[FieldMapping[Any], ...] = (LEVEL, LEVEL_CHANGE, SPLIT, CANCEL_GOODS)
