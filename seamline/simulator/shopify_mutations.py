"""The simulated shop's mutations. What Shopify refuses comes back as `userErrors`, worded as real shops word it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from seamline.simulator.shopify_orders import (
    close_order,
    fulfilments,
    new_fulfilment_order,
    object_id,
    time_text,
)
from seamline.simulator.shopify_views import Shop, View, gid, hold_view
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.world import Body, Call

CANCEL_ORDER = "shopify.cancel-order"
CANCEL_JOB_SECONDS = 1.0
HOLDS_MAX = 10
_FULFILLABLE = ("OPEN", "IN_PROGRESS")

Input = Mapping[str, Any]


class _UserError(Exception):
    """A refusal, as the payload's `userErrors` show it."""

    def __init__(self, message: str, *field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.view: View = {"field": list(field) or None, "message": message, "code": code}


class Mutations:
    """The mutations of one connection's shop, within one call."""

    def __init__(self, shop: Shop, call: Call, webhooks: Webhooks) -> None:
        self.shop = shop
        self.call = call
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
            "orderCancel": self.order_cancel,
            "webhookSubscriptionCreate": self.webhook_subscription_create,
            "webhookSubscriptionDelete": self.webhook_subscription_delete,
        }

    def fulfillment_create(self, fulfillment: Input, message: str | None = None) -> View:
        """Close what of the fulfilment orders is left, or the lines and quantities named."""
        try:
            taken = self._taken(fulfillment["lineItemsByFulfillmentOrder"])
        except _UserError as error:
            return {"fulfillment": None, "userErrors": self._refused(error)}
        order = self.shop.read("order", taken[0][0]["order_id"])
        made = self._make_fulfilment(order, taken, fulfillment.get("trackingInfo") or {})
        self.call.effect(
            "post-fulfilment",
            object_id=gid("Fulfillment", made["id"]),
            reference=f"{self.connection}:{order['id']}",
        )
        self.webhooks.order_event("orders/updated", order)
        return {"fulfillment": self.shop.fulfilment(made), "userErrors": []}

    def fulfillment_cancel(self, id: str) -> View:
        """Cancel a fulfilment; its goods are to be fulfilled again by a new fulfilment order. Repeatable."""
        made = self.world.get(self.connection, "fulfillment", number(id, "Fulfillment"))
        if made is None:
            error = _UserError("Fulfillment not found.", "id")
            return {"fulfillment": None, "userErrors": self._refused(error)}
        if made["status"] != "CANCELLED":
            made = self._cancel_fulfilment(made)
        return {"fulfillment": self.shop.fulfilment(made), "userErrors": []}

    def fulfillment_order_hold(self, id: str, fulfillmentHold: Input) -> View:
        """Hold a whole fulfilment order."""
        part = self._fulfilment_order(id)
        try:
            hold = self._new_hold(part, fulfillmentHold)
        except _UserError as error:
            return {"fulfillmentHold": None, "fulfillmentOrder": None, "userErrors": self._refused(error)}
        part = self._store_part(part | {"holds": [*part["holds"], hold], "status": "ON_HOLD"})
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
        named = None if holdIds is None else {number(one, "FulfillmentHold") for one in holdIds}
        kept = [] if named is None else [hold for hold in part["holds"] if hold["id"] not in named]
        status = "OPEN" if part["status"] == "ON_HOLD" and not kept else part["status"]
        part = self._store_part(part | {"holds": kept, "status": status})
        return {"fulfillmentOrder": self.shop.fulfilment_order(part), "userErrors": []}

    def order_cancel(self, orderId: str, reason: str, staffNote: str | None = None, **_: Any) -> View:
        """Start a job that cancels the order a moment later."""
        order = self.world.get(self.connection, "order", number(orderId, "Order"))
        try:
            job_id = self._cancel_job(order, reason, staffNote)
        except _UserError as error:
            errors = self._refused(error)
            return {"job": None, "orderCancelUserErrors": errors, "userErrors": errors}
        job = {"id": gid("Job", job_id), "done": False}
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def webhook_subscription_create(self, topic: str, webhookSubscription: Input) -> View:
        """Subscribe an address to a topic such as ORDERS_PAID."""
        uri = webhookSubscription.get("uri") or webhookSubscription.get("callbackUrl") or ""
        if not re.fullmatch(r"https?://[^\s]+", uri):
            error = _UserError("Address is invalid", "webhookSubscription", "uri")
            return {"webhookSubscription": None, "userErrors": self._refused(error)}
        made = self.webhooks.subscribe(self.connection, topic_of(topic), uri)
        return {"webhookSubscription": subscription_view(made), "userErrors": []}

    def webhook_subscription_delete(self, id: str) -> View:
        """End a subscription."""
        if not self.webhooks.unsubscribe(self.connection, number(id, "WebhookSubscription")):
            error = _UserError("Webhook subscription does not exist", "id")
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
                raise _UserError("Fulfillment order does not exist.", "fulfillment")
            if part["status"] not in _FULFILLABLE:
                status = part["status"].lower()
                text = f"Fulfillment order {part['id']} has an unfulfillable status= {status}."
                raise _UserError(text, "fulfillment")
            taken += [(part, line, count) for line, count in _quantities(part, one, place)]
        if not taken:
            raise _UserError("Invalid fulfillment order line item quantity requested.", "fulfillment")
        return taken

    def _make_fulfilment(self, order: Body, taken: Sequence[tuple[Body, Body, int]], tracking: Input) -> Body:
        parts = {part["id"]: part for part, _, _ in taken}
        for part, line, count in taken:
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
            "tracking": _tracking(tracking),
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
            new_fulfilment_order(self.world, self.connection, self.shop.read("fulfillment-order", part_id), lines)
        self.call.effect(
            "cancel-fulfilment",
            object_id=gid("Fulfillment", made["id"]),
            reference=f"{self.connection}:{made['order_id']}",
            undoes=gid("Fulfillment", made["id"]),
        )
        return made

    def _fulfilment_order(self, id: str) -> Body:
        part = self.world.get(self.connection, "fulfillment-order", number(id, "FulfillmentOrder"))
        if part is None:
            raise GraphQLError(f"Invalid id: {id}", extensions={"code": "RESOURCE_NOT_FOUND"})
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
            raise _UserError(text, *where, code="FULFILLMENT_ORDER_NOT_SPLITTABLE")
        if part["status"] not in (*_FULFILLABLE, "SCHEDULED", "ON_HOLD"):
            raise _UserError("The fulfillment order is not in an open state.", "id")
        if any(hold["handle"] == handle and hold["ours"] for hold in part["holds"]):
            text = (
                "The handle provided for the fulfillment hold is already in use by this app "
                "for another hold on this fulfillment order."
            )
            raise _UserError(text, "fulfillmentHold", "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
        if sum(hold["ours"] for hold in part["holds"]) >= HOLDS_MAX:
            text = "The maximum number of fulfillment holds for this fulfillment order has been reached for this app."
            raise _UserError(text, "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
        return {
            "id": object_id(self.world, self.connection),
            "handle": handle,
            "reason": wanted["reason"],
            "notes": wanted.get("reasonNotes"),
            "ours": True,
        }

    # -- cancelling an order ---------------------------------------------------------------------------------------

    def _cancel_job(self, order: Body | None, reason: str, staff_note: str | None) -> str:
        if order is None:
            raise _UserError("Order does not exist", "orderId", code="NOT_FOUND")
        if problem := not_cancellable(self.shop, order):
            raise _UserError(problem, "orderId", code="INVALID")
        job_id = object_id(self.world, self.connection)
        job = {"id": job_id, "order_id": order["id"], "reason": reason, "staff_note": staff_note, "done": False}
        self.world.put(self.connection, "job", job_id, job)
        self.world.schedule(CANCEL_JOB_SECONDS, CANCEL_ORDER, self.connection, job_id)
        return job_id

    def _refused(self, error: _UserError) -> list[View]:
        self.call.outcome = "refused"
        return [error.view]


def cancel_order(shop: Shop, webhooks: Webhooks, order: Body, *, reason: str, staff_note: str | None) -> None:
    """Cancel an order for good and tell the subscribers."""
    close_order(shop.world, shop.connection, order, reason=reason, staff_note=staff_note)
    webhooks.order_event("orders/cancelled", shop.read("order", order["id"]))


def not_cancellable(shop: Shop, order: Body) -> str | None:
    """Why the order cannot be cancelled, in Shopify's words; None when it can."""
    if order["cancelled_at"]:
        return "Cannot cancel an order that has already been canceled"
    if any(one["status"] == "SUCCESS" for one in fulfilments(shop.world, shop.connection, order["id"])):
        return "Cannot cancel an order that has outstanding fulfillments"
    return None


def number(id: str, kind: str) -> str:
    """The numeric id of a global id of this kind. GraphQLError `Invalid global id` for anything else."""
    found = re.fullmatch(rf"gid://shopify/{kind}/([0-9]{{1,20}})(\?.*)?", id)
    if found is None:
        raise GraphQLError(f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"})
    if found[1] == "0":
        raise GraphQLError("invalid id", extensions={"code": "RESOURCE_NOT_FOUND"})
    return found[1]


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
            raise _UserError("Quantity must be greater than 0", "fulfillment", *where)
        if line is None or one["quantity"] > line["remaining"]:
            raise _UserError("Invalid fulfillment order line item quantity requested.", "fulfillment")
        found.append((line, one["quantity"]))
    return found


def _tracking(wanted: Input) -> list[View]:
    numbers = wanted.get("numbers") or ([wanted["number"]] if wanted.get("number") else [])
    urls = wanted.get("urls") or ([wanted["url"]] if wanted.get("url") else [])
    padded = [*urls, *[None] * len(numbers)]
    return [
        {"number": one, "url": padded[place], "company": wanted.get("company")} for place, one in enumerate(numbers)
    ]
