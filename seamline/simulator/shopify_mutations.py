"""The simulated shop's mutations. What Shopify refuses comes back as `userErrors`, worded as real shops word it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from seamline.simulator.shopify_acts import Acts, By, UserError, charged, not_cancellable
from seamline.simulator.shopify_aftersales import Aftersales, tracking_of
from seamline.simulator.shopify_ids import number
from seamline.simulator.shopify_money_views import View, transaction
from seamline.simulator.shopify_orders import (
    fulfilment_orders,
    fulfilments,
    gid,
    new_fulfilment_order,
    object_id,
    time_text,
)
from seamline.simulator.shopify_stock import Shelf, StockMutations
from seamline.simulator.shopify_views import Shop, hold_view
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.world import Body, Call

CANCEL_ORDER = "shopify.cancel-order"
CANCEL_JOB_SECONDS = 1.0
HOLDS_MAX = 10
_FULFILLABLE = ("OPEN", "IN_PROGRESS")

Input = Mapping[str, Any]


class Mutations:
    """The mutations of one connection's shop, within one call."""

    def __init__(self, shop: Shop, call: Call, webhooks: Webhooks, idempotency_key: str | None) -> None:
        self.shop = shop
        self.call = call
        self.acts = Acts(shop.world, shop.connection, webhooks)
        self.aftersales = Aftersales(shop, call, webhooks, idempotency_key)
        self.stock = StockMutations(shop, call, idempotency_key)
        self.shelf = Shelf(shop.world, shop.connection)
        self.webhooks = webhooks
        self.world = shop.world
        self.connection = shop.connection

    def roots(self) -> dict[str, Any]:
        """The fields of the schema's type Mutation."""
        return {
            "fulfillmentCreate": self.fulfillment_create,
            "fulfillmentCancel": self.fulfillment_cancel,
            "fulfillmentOrderHold": self.fulfillment_order_hold,
            "fulfillmentOrderReleaseHold": self.fulfillment_order_release_hold,
            "orderCapture": self.order_capture,
            "orderCancel": self.order_cancel,
            "webhookSubscriptionCreate": self.webhook_subscription_create,
            "webhookSubscriptionDelete": self.webhook_subscription_delete,
            **self.aftersales.roots(),
            **self.stock.roots(),
        }

    def fulfillment_create(self, fulfillment: Input, message: str | None = None) -> View:
        """Close what of the fulfilment orders is left, or the lines and quantities named."""
        try:
            taken = self._taken(fulfillment["lineItemsByFulfillmentOrder"])
        except UserError as error:
            return {"fulfillment": None, "userErrors": self._refused(error)}
        order = self.shop.read("order", taken[0][0]["order_id"])
        made = self._make_fulfilment(order, taken, fulfillment.get("trackingInfo") or {})
        self.call.effect(
            "post-fulfilment",
            object_id=gid("Fulfillment", made["id"]),
            reference=f"{self.connection}:{order['id']}",
        )
        if fulfillment.get("notifyCustomer") and order["email"]:
            mail = gid("Fulfillment", made["id"])
            self.call.effect("shop-mail", object_id=mail, reference=f"{self.connection}:{order['id']}")
        told = {"id": int(made["id"]), "order_id": int(order["id"]), "status": "success", "name": made["name"]}
        self.webhooks.order_event("fulfillments/create", order, told)
        self.webhooks.order_event("orders/updated", order)
        parts = fulfilment_orders(self.world, self.connection, order["id"])
        if order["capture"] == "ON_FULFILLMENT" and all(part["status"] == "CLOSED" for part in parts):
            self.acts.capture_all(order, By.SHOP)
        return {"fulfillment": self.shop.fulfilment(made), "userErrors": []}

    def fulfillment_cancel(self, id: str) -> View:
        """Cancel a fulfilment; its goods are to be fulfilled again by a new fulfilment order. Repeatable."""
        made = self.world.get(self.connection, "fulfillment", number(id, "Fulfillment"))
        if made is None:
            error = UserError("Fulfillment not found.", "id")
            return {"fulfillment": None, "userErrors": self._refused(error)}
        if made["status"] != "CANCELLED":
            made = self._cancel_fulfilment(made)
        return {"fulfillment": self.shop.fulfilment(made), "userErrors": []}

    def fulfillment_order_hold(self, id: str, fulfillmentHold: Input) -> View:
        """Hold a whole fulfilment order."""
        part = self._fulfilment_order(id)
        try:
            hold = self._new_hold(part, fulfillmentHold)
        except UserError as error:
            return {"fulfillmentHold": None, "fulfillmentOrder": None, "userErrors": self._refused(error)}
        part = self._store_part(part | {"holds": [*part["holds"], hold], "status": "ON_HOLD"})
        self.call.effect(
            "hold",
            object_id=gid("FulfillmentHold", hold["id"]),
            reference=f"{self.connection}:{part['order_id']}",
            key=hold["handle"],
        )
        return {
            "fulfillmentHold": hold_view(hold),
            "fulfillmentOrder": self.shop.fulfilment_order(part),
            "remainingFulfillmentOrder": None,
            "userErrors": [],
        }

    def fulfillment_order_release_hold(
        self, id: str, holdIds: Sequence[str] | None = None, externalId: str | None = None
    ) -> View:
        """Release the holds named, or all of them. It opens again when none is left."""
        part = self._fulfilment_order(id)
        named = [hold["id"] for hold in part["holds"]]
        if holdIds is not None:
            named = [number(one, "FulfillmentHold") for one in holdIds]
        return {"fulfillmentOrder": self.shop.fulfilment_order(self.acts.release(part, named)), "userErrors": []}

    def order_capture(self, input: Input) -> View:
        """Capture an authorisation, once. One that has lapsed answers a failed transaction."""
        try:
            order, authorization = self._order_and_transaction(input["id"], input["parentTransactionId"])
            amount = charged(order, input.get("currency"), input["amount"])
            made = self.acts.capture(order, authorization, amount, By.APP)
        except UserError as error:
            return {"transaction": None, "userErrors": self._refused(error)}
        return {"transaction": transaction(self.shop.read("order", order["id"]), made), "userErrors": []}

    def order_cancel(
        self,
        orderId: str,
        reason: str,
        staffNote: str | None = None,
        refund: bool | None = None,
        refundMethod: Input | None = None,
        **_: Any,
    ) -> View:
        """Start a job that cancels the order a moment later."""
        order = self.world.get(self.connection, "order", number(orderId, "Order"))
        back = bool(refund or (refundMethod or {}).get("originalPaymentMethodsRefund"))
        try:
            job_id = self._cancel_job(order, reason, staffNote, refund=back)
        except UserError as error:
            errors = self._refused(error)
            return {"job": None, "orderCancelUserErrors": errors, "userErrors": errors}
        job = {"id": gid("Job", job_id), "done": False}
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def webhook_subscription_create(self, topic: str, webhookSubscription: Input) -> View:
        """Subscribe an address to a topic such as ORDERS_PAID."""
        uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl") or ""
        if not re.fullmatch(r"https?://[^\s]+", uri):
            error = UserError("Address is invalid", "webhookSubscription", "uri")
            return {"webhookSubscription": None, "userErrors": self._refused(error)}
        made = self.webhooks.subscribe(self.connection, topic_of(topic), uri)
        return {"webhookSubscription": subscription_view(made), "userErrors": []}

    def webhook_subscription_delete(self, id: str) -> View:
        """End a subscription."""
        if not self.webhooks.unsubscribe(self.connection, number(id, "WebhookSubscription")):
            error = UserError("Webhook subscription does not exist", "id")
            return {"deletedWebhookSubscriptionId": None, "userErrors": self._refused(error)}
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}

    # -- fulfilling ------------------------------------------------------------------------------------------------

    def _taken(self, wanted: Sequence[Input]) -> list[tuple[Body, Body, int]]:
        """What is to be fulfilled: fulfilment order, its line, quantity."""
        taken: list[tuple[Body, Body, int]] = []
        for place, one in enumerate(wanted):
            part = self.world.get(
                self.connection, "fulfillment-order", number(one["fulfillmentOrderId"], "FulfillmentOrder")
            )
            if part is None:
                raise UserError("Fulfillment order does not exist.", "fulfillment")
            if part["status"] not in _FULFILLABLE:
                status = part["status"].lower()
                text = f"Fulfillment order {part['id']} has an unfulfillable status= {status}."
                raise UserError(text, "fulfillment")
            taken += [(part, line, count) for line, count in _quantities(part, one, place)]
        if not taken:
            raise UserError("Invalid fulfillment order line item quantity requested.", "fulfillment")
        return taken

    def _make_fulfilment(self, order: Body, taken: Sequence[tuple[Body, Body, int]], tracking: Input) -> Body:
        parts = {part["id"]: part for part, _, _ in taken}
        for part, line, count in taken:
            self._put_back(order, part, line["line_id"], -count)
            line["remaining"] -= count
            parts[part["id"]] = part
        for part in parts.values():
            left = any(line["remaining"] for line in part["lines"])
            self._store_part(part | {"status": "IN_PROGRESS" if left else "CLOSED"})
        made_id = object_id(self.world, self.connection)
        made = {
            "id": made_id,
            "order_id": order["id"],
            "name": f"{order['name']}-F{len(fulfilments(self.world, self.connection, order['id'])) + 1}",
            "status": "SUCCESS",
            "created_at": time_text(),
            "updated_at": time_text(),
            "tracking": tracking_of(tracking),
            "lines": [
                {
                    "id": object_id(self.world, self.connection),
                    "fulfilment_order_id": part["id"],
                    "line_id": line["line_id"],
                    "quantity": count,
                }
                for part, line, count in taken
            ],
        }
        self.world.put(self.connection, "fulfillment", made_id, made)
        return made

    def _cancel_fulfilment(self, made: Body) -> Body:
        made = made | {"status": "CANCELLED", "updated_at": time_text()}
        self.world.put(self.connection, "fulfillment", made["id"], made)
        for part_id in dict.fromkeys(used["fulfilment_order_id"] for used in made["lines"]):
            lines = [(u["line_id"], u["quantity"]) for u in made["lines"] if u["fulfilment_order_id"] == part_id]
            part = self.shop.read("fulfillment-order", part_id)
            for line_id, count in lines:
                self._put_back(self.shop.read("order", made["order_id"]), part, line_id, count)
            new_fulfilment_order(self.world, self.connection, part, lines)
        self.call.effect(
            "cancel-fulfilment",
            object_id=gid("Fulfillment", made["id"]),
            reference=f"{self.connection}:{made['order_id']}",
            undoes=gid("Fulfillment", made["id"]),
        )
        return made

    def _put_back(self, order: Body, part: Body, line_id: str, pieces: int) -> None:
        """Goods come back to their location's shelf; fewer than none leave it."""
        line = next(one for one in order["lines"] if one["id"] == line_id)
        if line["sku"] and line["requires_shipping"]:
            self.shelf.add(line["sku"], part["location"]["name"], pieces)

    def _fulfilment_order(self, id: str) -> Body:
        unknown = GraphQLError(f"Invalid id: {id}", extensions={"code": "RESOURCE_NOT_FOUND"})
        try:
            part = self.world.get(self.connection, "fulfillment-order", number(id, "FulfillmentOrder"))
        except GraphQLError:
            raise unknown from None
        if part is None:
            raise unknown
        return part

    def _store_part(self, part: Body) -> Body:
        part = part | {"updated_at": time_text()}
        self.world.put(self.connection, "fulfillment-order", part["id"], part)
        return part

    def _new_hold(self, part: Body, wanted: Input) -> Body:
        handle = wanted.get("handle") or ""
        if wanted.get("fulfillmentOrderLineItems"):
            where = ("fulfillmentHold", "fulfillmentOrderLineItems")
            text = "The fulfillment order is not in a splittable state."
            raise UserError(text, *where, code="FULFILLMENT_ORDER_NOT_SPLITTABLE")
        if part["status"] not in (*_FULFILLABLE, "SCHEDULED", "ON_HOLD"):
            raise UserError("The fulfillment order is not in an open state.", "id")
        if any(hold["handle"] == handle and hold["ours"] for hold in part["holds"]):
            text = (
                "The handle provided for the fulfillment hold is already in use by this app "
                "for another hold on this fulfillment order."
            )
            raise UserError(text, "fulfillmentHold", "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
        if sum(hold["ours"] for hold in part["holds"]) >= HOLDS_MAX:
            text = (
                "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. "
                f"An app can only have up to {HOLDS_MAX} holds on a single fulfillment order at any one time."
            )
            raise UserError(text, "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
        return {
            "id": object_id(self.world, self.connection),
            "handle": handle,
            "reason": wanted["reason"],
            "notes": wanted.get("reasonNotes"),
            "ours": True,
        }

    # -- money ------------------------------------------------------------------------------------------------------

    def _order_and_transaction(self, order_id: str, transaction_id: str) -> tuple[Body, Body]:
        order = self.world.get(self.connection, "order", number(order_id, "Order"))
        if order is None:
            raise UserError("Order does not exist", "id")
        wanted = number(transaction_id, "OrderTransaction")
        found = next((one for one in order["transactions"] if one["id"] == wanted), None)
        if found is None:
            raise UserError("Transaction does not exist", "parentTransactionId")
        return order, found

    # -- cancelling an order ---------------------------------------------------------------------------------------

    def _cancel_job(self, order: Body | None, reason: str, staff_note: str | None, *, refund: bool) -> str:
        if order is None:
            raise UserError("Order does not exist", "orderId", code="NOT_FOUND")
        if problem := not_cancellable(self.world, order):
            raise UserError(problem, "orderId", code="INVALID")
        job_id = object_id(self.world, self.connection)
        wanted = {"reason": reason, "staff_note": staff_note, "refund": refund}
        job = {"id": job_id, "order_id": order["id"], "done": False} | wanted
        self.world.put(self.connection, "job", job_id, job)
        self.world.schedule(CANCEL_JOB_SECONDS, CANCEL_ORDER, self.connection, job_id)
        return job_id

    def _refused(self, error: UserError) -> list[View]:
        self.call.outcome = "refused"
        return [error.view]


def topic_of(name: str) -> str:
    """The topic in headers of a webhook: `orders/paid` of ORDERS_PAID."""
    return name.lower().replace("_", "/", 1)


def subscription_view(subscription: Body) -> View:
    """The type WebhookSubscription."""
    return {
        "id": gid("WebhookSubscription", subscription["id"]),
        "legacyResourceId": subscription["id"],
        "topic": subscription["topic"].upper().replace("/", "_"),
        "uri": subscription["url"],
        "format": "JSON",
        "createdAt": subscription["created_at"],
        "updatedAt": subscription["created_at"],
        "apiVersion": {"displayName": "2026-07", "handle": "2026-07", "supported": True},
        "includeFields": [],
    }


def _quantities(part: Body, wanted: Input, place: int) -> list[tuple[Body, int]]:
    named = wanted.get("fulfillmentOrderLineItems")
    if not named:
        return [(line, line["remaining"]) for line in part["lines"] if line["remaining"]]
    lines = {line["id"]: line for line in part["lines"]}
    found = []
    for index, one in enumerate(named):
        line = lines.get(number(one["id"], "FulfillmentOrderLineItem"))
        where = ("lineItemsByFulfillmentOrder", str(place), "fulfillmentOrderLineItems", str(index), "quantity")
        if one["quantity"] <= 0:
            raise UserError("Quantity must be greater than 0", "fulfillment", *where)
        if line is None or one["quantity"] > line["remaining"]:
            raise UserError("Invalid fulfillment order line item quantity requested.", "fulfillment")
        found.append((line, one["quantity"]))
    return found
