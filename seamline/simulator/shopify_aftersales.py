"""The simulated shop's mutations for what was sold: money given back, returns, and another tracking number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from seamline.simulator.shopify_acts import Acts, By, UserError, charged
from seamline.simulator.shopify_ids import number
from seamline.simulator.shopify_money_views import View, refund
from seamline.simulator.shopify_orders import gid, time_text
from seamline.simulator.shopify_returns import Returns
from seamline.simulator.shopify_stock import Shelf
from seamline.simulator.shopify_views import Shop
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.world import Body, Call

Input = Mapping[str, Any]


class Aftersales:
    """These mutations of one connection's shop, within one call."""

    def __init__(self, shop: Shop, call: Call, webhooks: Webhooks, idempotency_key: str | None) -> None:
        self.shop = shop
        self.call = call
        self.world = shop.world
        self.connection = shop.connection
        self.acts = Acts(shop.world, shop.connection, webhooks)
        self.returns = Returns(shop.world, shop.connection, webhooks)
        self.idempotency_key = idempotency_key
        self.shelf = Shelf(shop.world, shop.connection)

    def roots(self) -> dict[str, Any]:
        """Fields of the schema's type Mutation."""
        return {
            "refundCreate": self.refund_create,
            "fulfillmentTrackingInfoUpdate": self.fulfillment_tracking_info_update,
            "returnApproveRequest": lambda input: self._return(input["id"], "REQUESTED", "OPEN", "approve-return"),
            "returnDeclineRequest": lambda input: self._return(input["id"], "REQUESTED", "DECLINED", "decline-return"),
            "returnClose": lambda id: self._return(id, "OPEN", "CLOSED", "close-return"),
        }

    def refund_create(self, input: Input) -> View:
        """Refund captures or sales, for lines or without. Needs `@idempotent`; its key gives the same refund again."""
        if not (self.idempotency_key or "").strip():
            text = "The @idempotent directive is required for this mutation but was not provided"
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
        try:
            order, made = self._refund(input)
        except UserError as error:
            return {"order": None, "refund": None, "userErrors": self._refused(error)}
        return {"order": self.shop.order(order), "refund": refund(order, made), "userErrors": []}

    def fulfillment_tracking_info_update(
        self, fulfillmentId: str, trackingInfoInput: Input, notifyCustomer: bool | None = None
    ) -> View:
        """Replace all tracking numbers of a fulfilment, cancelled or not. Repeatable."""
        made = self.world.get(self.connection, "fulfillment", number(fulfillmentId, "Fulfillment"))
        if made is None:
            error = UserError("Fulfillment does not exist.", "fulfillmentId")
            return {"fulfillment": None, "userErrors": self._refused(error)}
        before = [one["number"] for one in made["tracking"]]
        made = made | {"tracking": tracking_of(trackingInfoInput), "updated_at": time_text()}
        self.world.put(self.connection, "fulfillment", made["id"], made)
        if [one["number"] for one in made["tracking"]] != before:
            self.call.effect(
                "retrack",
                object_id=gid("Fulfillment", made["id"]),
                reference=f"{self.connection}:{made['order_id']}",
            )
        return {"fulfillment": self.shop.fulfilment(made), "userErrors": []}

    # -- money ------------------------------------------------------------------------------------------------------

    def _refund(self, wanted: Input) -> tuple[Body, Body]:
        asked = json.dumps(wanted, sort_keys=True)
        known = self.world.get(self.connection, "idempotency-key", str(self.idempotency_key))
        if known is not None:
            if known["asked"] != asked:
                raise UserError("The same idempotency key cannot be used with different operation parameters.")
            order = self.shop.read("order", known["order_id"])
            return order, next(one for one in order["refunds"] if one["id"] == known["refund_id"])
        found = self.world.get(self.connection, "order", number(wanted["orderId"], "Order"))
        if found is None:
            raise UserError("Order does not exist", "id")
        order = found
        parts = [_part(order, wanted.get("currency"), one) for one in wanted.get("transactions") or []]
        lines = _refunded_lines(order, wanted.get("refundLineItems") or [])
        if not (parts or lines):
            raise UserError("Transactions must be of the kind REFUND with a parent", "transactions")
        cancelled = [one for one in wanted.get("refundLineItems") or [] if one.get("restockType") == "CANCEL"]
        self.shelf.not_to_ship(order, cancelled)
        shipping = bool((wanted.get("shipping") or {}).get("fullRefund"))
        made = self.acts.refund(order, parts, By.APP, wanted.get("note"), lines=lines, shipping=shipping)
        if cancelled:
            self.call.effect(
                "cancel-goods",
                object_id=gid("Refund", made["id"]),
                reference=f"{self.connection}:{order['id']}",
                key=wanted.get("note") or "",
            )
        used = {"asked": asked, "order_id": order["id"], "refund_id": made["id"]}
        self.world.put(self.connection, "idempotency-key", str(self.idempotency_key), used)
        return self.shop.read("order", order["id"]), made

    # -- returns -----------------------------------------------------------------------------------------------------

    def _return(self, id: str, needed: str, state: str, operation: str) -> View:
        made = self.world.get(self.connection, "return", number(id, "Return"))
        if made is None:
            return {"return": None, "userErrors": self._refused(UserError("Return not found.", "id", code="NOT_FOUND"))}
        # Closing what is closed changes nothing, as in Shopify.
        if made["status"] not in (needed, *(("CLOSED",) if state == "CLOSED" else ())):
            error = UserError(f"Return is not {needed.lower()}.", "id", code="INVALID_STATE")
            return {"return": None, "userErrors": self._refused(error)}
        if made["status"] != state:
            made = self.returns.set_status(made, state)
            self.call.effect(operation, object_id=gid("Return", made["id"]), reference=self.returns.reference_of(made))
        return {"return": self.shop.customer_return(made), "userErrors": []}

    def _refused(self, error: UserError) -> list[View]:
        self.call.outcome = "refused"
        return [error.view]


def tracking_of(wanted: Input) -> list[View]:
    """Tracking numbers as a fulfilment keeps them."""
    numbers = wanted.get("numbers") or ([wanted["number"]] if wanted.get("number") else [])
    urls = wanted.get("urls") or ([wanted["url"]] if wanted.get("url") else [])
    padded = [*urls, *[None] * len(numbers)]
    return [
        {"number": one, "url": padded[place], "company": wanted.get("company")} for place, one in enumerate(numbers)
    ]


def _part(order: Body, currency: str | None, one: Input) -> tuple[Body, Decimal]:
    if one["kind"] != "REFUND" or not one.get("parentId"):
        raise UserError("Transactions must be of the kind REFUND with a parent", "transactions")
    wanted = number(one["parentId"], "OrderTransaction")
    paid = next((known for known in order["transactions"] if known["id"] == wanted), None)
    if paid is None:
        raise UserError("Transaction does not exist", "parentTransactionId")
    if one["gateway"] != paid["gateway"]:
        raise UserError("Gateway is not that of the parent transaction", "transactions", "0", "gateway")
    return paid, charged(order, currency, one["amount"])


def _refunded_lines(order: Body, wanted: Sequence[Input]) -> dict[str, int]:
    lines: dict[str, int] = {}
    known = {line["id"]: line for line in order["lines"]}
    for place, one in enumerate(wanted):
        line = known.get(number(one["lineItemId"], "LineItem"))
        where = ("refundLineItems", str(place), "quantity")
        if line is None:
            raise UserError("Line item does not exist", "refundLineItems", str(place), "lineItemId")
        if not 0 < one["quantity"] <= line["current_quantity"] - lines.get(line["id"], 0):
            raise UserError("Quantity cannot refund more items than were purchased", *where)
        lines[line["id"]] = lines.get(line["id"], 0) + one["quantity"]
    return lines
