"""What the simulated shop says is in stock, by article and location, and how its goods to ship are split.

As in Shopify, `on_hand` is `available` and `committed`, which is what open fulfilment orders at the location still have
to ship. A fulfilment takes its goods off `on_hand`. A level is made when it is first looked at or touched, with what
the seeded article has; articles are known by their SKU once an order has them, or stock is set for them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from seamline.simulator.goods import ARTICLES
from seamline.simulator.shopify_acts import UserError
from seamline.simulator.shopify_ids import number
from seamline.simulator.shopify_money_views import View
from seamline.simulator.shopify_orders import (
    MAIN_LOCATION,
    gid,
    location_id,
    new_fulfilment_order,
    object_id,
    time_text,
)
from seamline.simulator.shopify_views import Shop
from seamline.simulator.world import Body, Call, World

ITEM, LEVEL = "inventory-item", "inventory-level"
_SPLITTABLE = ("OPEN", "IN_PROGRESS")
_SEEDED = "inventory-seed"

Input = Mapping[str, Any]


class Shelf:
    """The levels of one connection's shop."""

    def __init__(self, world: World, connection: str) -> None:
        self.world = world
        self.connection = connection

    def items(self) -> list[Body]:
        """Every article that the shop keeps stock of; those that are seeded are there from the start."""
        if not self.world.get(self.connection, _SEEDED, "1"):
            self.world.put(self.connection, _SEEDED, "1", {"id": "1"})
            for article in ARTICLES.values():
                if article.ships:
                    self.level(article.sku, MAIN_LOCATION)
        return self.world.find(self.connection, ITEM)

    def levels(self, item: Body) -> list[Body]:
        """Where the article is stocked, with its quantities."""
        return self._counted(self.world.find(self.connection, LEVEL, {"item_id": item["id"]}))

    def all_levels(self) -> list[Body]:
        """Every level, for tests and the checker."""
        names = ("sku", "location", "on_hand", "committed", "available")
        return [
            {name: one[name] for name in names} | {"location": one["location"]["name"]}
            for one in self._counted(self.world.find(self.connection, LEVEL) if self.items() else [])
        ]

    def level(self, sku: str, location: str) -> Body:
        """The level of an article at a location, made where there is none."""
        item = self.world.get(self.connection, ITEM, sku)
        if item is None:
            item = {"id": object_id(self.world, self.connection), "sku": sku}
            self.world.put(self.connection, ITEM, sku, item)
        key = f"{sku} {location}"
        known = self.world.get(self.connection, LEVEL, key)
        if known is None:
            article = ARTICLES.get(sku)
            known = {
                "id": key,
                "item_id": item["id"],
                "sku": sku,
                "location": {"id": location_id(self.world, self.connection, location), "name": location},
                "on_hand": article.stock if article else 0,
            }
            self.world.put(self.connection, LEVEL, key, known)
        return known

    def add(self, sku: str, location: str, pieces: int) -> None:
        """More pieces on hand, or fewer: what was fulfilled is gone."""
        level = self.level(sku, location)
        self.set(level, level["on_hand"] + pieces)

    def set(self, level: Body, on_hand: int) -> None:
        """So many pieces are on hand."""
        kept = {name: level[name] for name in ("id", "item_id", "sku", "location")}
        self.world.put(self.connection, LEVEL, level["id"], kept | {"on_hand": on_hand})

    def not_to_ship(self, order: Body, lines: Sequence[Mapping[str, Any]]) -> None:
        """Cancelled pieces come off the fulfilment orders at their location. UserError where they are not there."""
        parts = self.world.find(self.connection, "fulfillment-order", {"order_id": order["id"]})
        for place, one in enumerate(lines):
            if not one.get("locationId"):
                raise UserError("Location is required to cancel", "refundLineItems", str(place), "locationId")
            left = one["quantity"]
            for part in parts:
                if part["status"] != "CLOSED" and part["location"]["id"] == number(one["locationId"], "Location"):
                    left -= self._take_off(part, number(one["lineItemId"], "LineItem"), left)
            if left:
                text = "Quantity cannot cancel more items than are unfulfilled"
                raise UserError(text, "refundLineItems", str(place), "quantity")

    def _take_off(self, part: Body, line_id: str, most: int) -> int:
        """At most so many pieces of a line, which is closed with nothing left; how many there were."""
        taken = 0
        for line in part["lines"]:
            if line["line_id"] == line_id:
                taken = min(most, line["remaining"])
                line |= {"remaining": line["remaining"] - taken, "total": line["total"] - taken}
        if not any(line["remaining"] for line in part["lines"]):
            part["status"] = "CLOSED"
        self.world.put(self.connection, "fulfillment-order", part["id"], part | {"updated_at": time_text()})
        return taken

    def at(self, item_id: str, location: str) -> Body | None:
        """The level of an article at a location, by their ids."""
        found = self.world.find(self.connection, LEVEL, {"item_id": item_id})
        return next(iter(self._counted([one for one in found if one["location"]["id"] == location])), None)

    def _counted(self, levels: Sequence[Body]) -> list[Body]:
        """The levels with what is sold of them and not sent."""
        committed = self._committed() if levels else Counter()
        counts = [committed[one["sku"], one["location"]["id"]] for one in levels]
        return [
            one | {"committed": count, "available": one["on_hand"] - count}
            for one, count in zip(levels, counts, strict=True)
        ]

    def _committed(self) -> Counter[tuple[str, str]]:
        """What open fulfilment orders have to ship, by SKU and location."""
        pieces: Counter[tuple[str, str]] = Counter()
        for part in self.world.find(self.connection, "fulfillment-order"):
            if part["status"] in ("CLOSED", "INCOMPLETE"):
                continue
            order = self.world.get(self.connection, "order", part["order_id"])
            skus = {line["id"]: line["sku"] for line in order["lines"]} if order else {}
            for line in part["lines"]:
                pieces[skus.get(line["line_id"], ""), part["location"]["id"]] += line["remaining"]
        return pieces


class StockViews:
    """The root fields of type QueryRoot that tell of stock."""

    def __init__(self, shop: Shop) -> None:
        self.shelf = Shelf(shop.world, shop.connection)

    def roots(self) -> dict[str, Any]:
        """Fields of the schema's type QueryRoot."""
        return {"inventoryItems": self.inventory_items}

    def inventory_items(self, **_: Any) -> list[View]:
        """Every article with its levels."""
        return [self._item(one) for one in self.shelf.items()]

    def _item(self, item: Body) -> View:
        view: View = {
            "id": gid("InventoryItem", item["id"]),
            "sku": item["sku"] or None,
            "tracked": True,
            "requiresShipping": True,
        }
        return view | {"inventoryLevels": lambda: [self._level(view, one) for one in self.shelf.levels(item)]}

    def _level(self, item: View, level: Body) -> View:
        where = f"{level['location']['id']}?inventory_item_id={level['item_id']}"
        quantities = [
            {"id": gid("InventoryQuantity", f"{where}&name={name}"), "name": name, "quantity": level[name]}
            for name in ("available", "committed", "on_hand")
        ]
        return {
            "id": gid("InventoryLevel", where),
            "item": item,
            "isActive": True,
            "location": {"id": gid("Location", level["location"]["id"]), "name": level["location"]["name"]},
            "quantities": lambda names: [one for one in quantities if one["name"] in names],
        }


class StockMutations:
    """The mutations for stock, and for goods that wait for it, within one call."""

    def __init__(self, shop: Shop, call: Call, idempotency_key: str | None) -> None:
        self.shop = shop
        self.call = call
        self.world = shop.world
        self.connection = shop.connection
        self.shelf = Shelf(shop.world, shop.connection)
        self.idempotency_key = idempotency_key

    def roots(self) -> dict[str, Any]:
        """Fields of the schema's type Mutation."""
        return {
            "fulfillmentOrderSplit": self.fulfillment_order_split,
            "inventorySetQuantities": self.inventory_set_quantities,
            "orderUpdate": self.order_update,
        }

    # -- splitting ---------------------------------------------------------------------------------------------------

    def fulfillment_order_split(self, fulfillmentOrderSplits: Sequence[Input]) -> View:
        """Move lines and quantities of fulfilment orders into new ones at the same location: all of them or none."""
        try:
            wanted = [self._to_split(one, place) for place, one in enumerate(fulfillmentOrderSplits)]
        except UserError as error:
            return {"fulfillmentOrderSplits": None, "userErrors": self._refused(error)}
        return {"fulfillmentOrderSplits": [self._split(part, taken) for part, taken in wanted], "userErrors": []}

    def _to_split(self, wanted: Input, place: int) -> tuple[Body, dict[str, int]]:
        where = ("fulfillmentOrderSplits", str(place), "fulfillmentOrderLineItems")
        named = wanted["fulfillmentOrderLineItems"]
        if not named:
            text = "There must be at least one item selected in this fulfillment to split it."
            raise UserError(text, *where, code="NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
        for index, one in enumerate(named):
            if one["quantity"] <= 0:
                text = "You must select at least one item to split into a new fulfillment order."
                raise UserError(text, *where, str(index), "quantity", code="GREATER_THAN")
        part_id = number(wanted["fulfillmentOrderId"], "FulfillmentOrder")
        part = self.world.get(self.connection, "fulfillment-order", part_id)
        if part is None:
            raise UserError("Fulfillment order does not exist.", code="FULFILLMENT_ORDER_NOT_FOUND")
        taken = {number(one["id"], "FulfillmentOrderLineItem"): one["quantity"] for one in named}
        left = {line["id"]: line["remaining"] for line in part["lines"]}
        if any(count > left.get(line_id, 0) for line_id, count in taken.items()):
            raise UserError(
                "Invalid fulfillment order line item quantity requested.", code="INVALID_LINE_ITEM_QUANTITY"
            )
        if part["status"] not in _SPLITTABLE or sum(taken.values()) == sum(left.values()):
            raise UserError("The fulfillment order is not in a splittable state.", code="INVALID_LINE_ITEM_QUANTITY")
        return part, taken

    def _split(self, part: Body, taken: Mapping[str, int]) -> View:
        moved = [(line["line_id"], taken[line["id"]]) for line in part["lines"] if line["id"] in taken]
        kept = []
        for line in part["lines"]:
            count = taken.get(line["id"], 0)
            if line["total"] > count:
                less = {"total": line["total"] - count, "remaining": line["remaining"] - count}
                kept.append(line | less)
        part = part | {"lines": kept, "updated_at": time_text()}
        self.world.put(self.connection, "fulfillment-order", part["id"], part)
        made = new_fulfilment_order(self.world, self.connection, part, moved)
        self.call.effect(
            "split-order",
            object_id=gid("FulfillmentOrder", made["id"]),
            reference=f"{self.connection}:{part['order_id']}",
        )
        return {
            "fulfillmentOrder": self.shop.fulfilment_order(part),
            "remainingFulfillmentOrder": self.shop.fulfilment_order(made),
            "replacementFulfillmentOrder": None,
        }

    # -- quantities ---------------------------------------------------------------------------------------------------

    def inventory_set_quantities(self, input: Input) -> View:
        """Set what is available or on hand, all or nothing, where it still is what the caller compares with."""
        if not (self.idempotency_key or "").strip():
            text = "The @idempotent directive is required for this mutation but was not provided"
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
        try:
            made = self._known(input) or self._set(input)
        except UserError as error:
            return {"inventoryAdjustmentGroup": None, "userErrors": self._refused(error)}
        group = {"id": gid("InventoryAdjustmentGroup", made["id"]), "reason": input["reason"]}
        uri = {"referenceDocumentUri": input.get("referenceDocumentUri")}
        return {"inventoryAdjustmentGroup": group | uri, "userErrors": []}

    def _known(self, wanted: Input) -> Body | None:
        known = self.world.get(self.connection, "idempotency-key", str(self.idempotency_key))
        if known is not None and known["asked"] != json.dumps(wanted, sort_keys=True):
            text = "The same idempotency key cannot be used with different operation parameters."
            raise UserError(text, code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        return known

    def _set(self, wanted: Input) -> Body:
        if wanted["name"] not in ("available", "on_hand"):
            text = "The quantity name must be either 'available' or 'on_hand'."
            raise UserError(text, "input", "name", code="INVALID_NAME")
        found = [self._to_set(one, wanted["name"], place) for place, one in enumerate(wanted["quantities"])]
        for level, on_hand in found:
            self.shelf.set(level, on_hand)
            self.call.effect(
                "set-stock",
                object_id=f"{level['sku']} {level['location']['name']}",
                key=str(self.idempotency_key),
                amount=str(on_hand - level["committed"]),
            )
        made = {"id": object_id(self.world, self.connection), "asked": json.dumps(wanted, sort_keys=True)}
        self.world.put(self.connection, "idempotency-key", str(self.idempotency_key), made)
        return made

    def _to_set(self, one: Input, name: str, place: int) -> tuple[Body, int]:
        where = ("input", "quantities", str(place))
        location = number(one["locationId"], "Location")
        level = self.shelf.at(number(one["inventoryItemId"], "InventoryItem"), location)
        if level is None:
            text = "The specified inventory item is not stocked at the location."
            raise UserError(text, *where, "locationId", code="ITEM_NOT_STOCKED_AT_LOCATION")
        if one["quantity"] < 0:
            text = "The quantity can't be negative."
            raise UserError(text, *where, "quantity", code="INVALID_QUANTITY_NEGATIVE")
        if "changeFromQuantity" not in one:
            raise GraphQLError("changeFromQuantity is required", extensions={"code": "BAD_REQUEST"})
        if one["changeFromQuantity"] not in (None, level[name]):
            text = "The changeFromQuantity value does not match persisted value."
            raise UserError(text, *where, "changeFromQuantity", code="CHANGE_FROM_QUANTITY_STALE")
        return level, one["quantity"] + (level["committed"] if name == "available" else 0)

    # -- the note ----------------------------------------------------------------------------------------------------

    def order_update(self, input: Input) -> View:
        """Replace the order's note."""
        order = self.world.get(self.connection, "order", number(input["id"], "Order"))
        if order is None:
            return {"order": None, "userErrors": self._refused(UserError("Order does not exist", "id"))}
        order = order | {"note": input.get("note"), "updated_at": time_text()}
        self.world.put(self.connection, "order", order["id"], order)
        self.call.effect(
            "note-order", object_id=gid("Order", order["id"]), reference=f"{self.connection}:{order['id']}"
        )
        return {"order": self.shop.order(order), "userErrors": []}

    def _refused(self, error: UserError) -> list[View]:
        self.call.outcome = "refused"
        return [error.view]
