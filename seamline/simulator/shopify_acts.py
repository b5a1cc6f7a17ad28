"""What happens to a simulated order and its money, whoever does it: the app over GraphQL, staff by hand, or the shop.

The ledger names what the app does `capture`, `refund-payment`, `hold`, `release-hold`, `cancel-order`. What others do
to the money is named apart: `capture-by-hand` and `refund-by-hand` (staff), `capture-by-shop` and `refund-by-shop` (the
shop, when all is fulfilled or the order is cancelled). A refund of the app's that is pending is
`request-payment-refund` until the money is back; one that the bank sends back is `payment-refund-rejected`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType

from seamline.simulator import shopify_money as money
from seamline.simulator.shopify_orders import (
    close_order,
    fulfilment_orders,
    fulfilments,
    gid,
    object_id,
    time_text,
    touch,
)
from seamline.simulator.shopify_webhooks import Webhooks
from seamline.simulator.shopify_worth import refunded
from seamline.simulator.world import Body, World

SYSTEM = "shopify"
SETTLE_REFUND = "shopify.settle-refund"


class By(StrEnum):
    """Who acts; the value is what the ledger's operations end in."""

    APP = ""
    STAFF = "-by-hand"
    SHOP = "-by-shop"


class UserError(Exception):
    """A refusal, as a payload's `userErrors` show it."""

    def __init__(self, message: str, *field: str, code: str | None = None) -> None:
        super().__init__(message)
        self.view: Body = {"field": list(field) or None, "message": message, "code": code}


class Acts:
    """Acts on the orders of one shop. Each stores the order, appends to the ledger and tells the subscribers."""

    def __init__(self, world: World, connection: str, webhooks: Webhooks) -> None:
        self.world = world
        self.connection = connection
        self.webhooks = webhooks

    def capture(self, order: Body, authorization: Body, amount: Decimal, by: By) -> Body:
        """The capture's transaction; a failed one when the authorisation has lapsed. UserError when it cannot be."""
        if authorization["kind"] != "AUTHORIZATION":
            raise UserError("Transaction is not an authorization", "parentTransactionId")
        if money.lapsed(authorization):
            failed = {"error_code": "AUTHORIZATION_EXPIRED"}
            made = money.transaction(self._new_id(), "CAPTURE", amount, parent_id=authorization["id"], status="FAILURE")
            self._add(order, made | failed)
            return made | failed
        left = money.capturable(order, authorization)
        if not left:
            raise UserError("The authorization has already been captured or voided", "parentTransactionId")
        if not 0 < amount <= left:
            raise UserError("Amount exceeds capturable amount", "amount")
        made = money.transaction(self._new_id(), "CAPTURE", amount, parent_id=authorization["id"])
        order = self._add(order, made)
        self._record(f"capture{by}", order, made)
        self._paid(order)
        return made

    def capture_all(self, order: Body, by: By) -> None:
        """Capture every authorisation that can be, in full."""
        for authorization in order["transactions"]:
            if left := money.capturable(order, authorization):
                self.capture(order, authorization, left, by)
                order = self._order(order["id"])

    def refund(
        self,
        order: Body,
        parts: Sequence[tuple[Body, Decimal]],
        by: By,
        note: str | None = None,
        *,
        lines: Mapping[str, int] = MappingProxyType({}),
        shipping: bool = False,
    ) -> Body:
        """Give back so much of each capture or sale, for lines or for none; the refund."""
        if any(not 0 < amount <= money.refundable(order, paid) for paid, amount in parts):
            raise UserError("Refund amount cannot be greater than the amount available to refund", "transactions")
        seconds = self.world.settings.payment_refund_after_seconds if by is By.APP else 0
        status = "PENDING" if seconds else "SUCCESS"
        made = [
            money.transaction(self._new_id(), "REFUND", amount, parent_id=paid["id"], status=status)
            for paid, amount in parts
        ]
        refund: Body = {
            "id": self._new_id(),
            "note": note,
            "created_at": time_text(),
            "transaction_ids": [one["id"] for one in made],
            "lines": dict(lines),
        }
        order = order | {"refunds": [*order["refunds"], refund], "transactions": [*order["transactions"], *made]}
        if lines or shipping:
            total = sum((amount for _, amount in parts), Decimal(0))
            order = refunded(order, lines, shipping=shipping, amount=total)
            if not made:
                # Nothing was paid of it yet: what is to be paid is less from now on.
                order["totals"].append(order["money"]["total"])
        order = touch(self.world, self.connection, order)
        for one in made:
            undoes = gid("OrderTransaction", one["parent_id"])
            if seconds:
                self._record("request-payment-refund", order, one, key=note or "", undoes=undoes)
                self.world.schedule(seconds, SETTLE_REFUND, self.connection, f"{order['id']}/{one['id']}")
            else:
                operation = "refund-payment" if by is By.APP else f"refund{by}"
                self._record(operation, order, one, key=note or "", undoes=undoes)
        body = {"id": int(refund["id"]), "order_id": int(order["id"]), "created_at": refund["created_at"], "note": note}
        self.webhooks.order_event("refunds/create", order, body)
        return refund

    def refund_all(self, order: Body, by: By) -> Body:
        """Give back all that was paid and let go of what was authorised; the order."""
        for one in order["transactions"]:
            if left := money.refundable(order, one):
                self.refund(order, [(one, left)], by)
                order = self._order(order["id"])
        return self.void(order)

    def void(self, order: Body) -> Body:
        """Let go of every authorisation that is not captured; the order."""
        for one in order["transactions"]:
            if left := money.capturable(order, one):
                order = self._add(order, money.transaction(self._new_id(), "VOID", left, parent_id=one["id"]))
        return order

    def lapse(self, order: Body) -> None:
        """The time of every authorisation is over from this moment on."""
        ended = [
            one | {"authorization_expires_at": time_text()} if one["kind"] == "AUTHORIZATION" else one
            for one in order["transactions"]
        ]
        touch(self.world, self.connection, order | {"transactions": ended})

    def pay(self, order: Body) -> None:
        """The customer pays what is owed, by other means than an authorisation."""
        owed = Decimal(order["money"]["total"]) - money.received(order)
        if owed <= 0:
            raise UserError("nothing is owed for this order")
        self._paid(self._add(order, money.transaction(self._new_id(), "SALE", owed)))

    def settle_refund(self, order_and_transaction: str, *, rejected: bool = False) -> None:
        """A pending refund has arrived, or the bank sends it back. Nothing when it is settled already."""
        order_id, made_id = order_and_transaction.split("/")
        order = self._order(order_id)
        made = next(one for one in order["transactions"] if one["id"] == made_id)
        if made["status"] != "PENDING":
            return
        made["status"] = "FAILURE" if rejected else "SUCCESS"
        touch(self.world, self.connection, order)
        operation = "payment-refund-rejected" if rejected else "refund-payment"
        key = next((one["note"] for one in order["refunds"] if made_id in one["transaction_ids"]), None) or ""
        self._record(operation, order, made, key=key, undoes=gid("OrderTransaction", made["parent_id"]))

    def cancel(self, order: Body, *, reason: str, staff_note: str | None, refund: bool, by: By) -> None:
        """Cancel an order for good. Authorisations are let go of; what was paid goes back where `refund` says so."""
        order = self.refund_all(order, By.SHOP) if refund else self.void(order)
        close_order(self.world, self.connection, order, reason=reason, staff_note=staff_note)
        for part in fulfilment_orders(self.world, self.connection, order["id"]):
            self.release(part, [hold["id"] for hold in part["holds"]])
        if by is By.APP:
            key = (staff_note or "").partition(" ")[0]
            reference = f"{self.connection}:{order['id']}"
            self.world.record_effect(
                self.connection,
                SYSTEM,
                "cancel-order",
                object_id=gid("Order", order["id"]),
                reference=reference,
                key=key,
            )
        self.webhooks.order_event("orders/cancelled", self._order(order["id"]))

    def release(self, part: Body, hold_ids: list[str]) -> Body:
        """Take holds off a fulfilment order; it opens again when none is left. The fulfilment order."""
        for hold in part["holds"]:
            if hold["id"] in hold_ids and hold["ours"]:
                self.world.record_effect(
                    self.connection,
                    SYSTEM,
                    "release-hold",
                    object_id=gid("FulfillmentHold", hold["id"]),
                    reference=f"{self.connection}:{part['order_id']}",
                    key=hold["handle"],
                    undoes=gid("FulfillmentHold", hold["id"]),
                )
        kept = [hold for hold in part["holds"] if hold["id"] not in hold_ids]
        status = "OPEN" if part["status"] == "ON_HOLD" and not kept else part["status"]
        part = part | {"holds": kept, "status": status, "updated_at": time_text()}
        self.world.put(self.connection, "fulfillment-order", part["id"], part)
        return part

    def _paid(self, order: Body) -> None:
        if money.financial_status(order) == "PAID":
            self.webhooks.order_event("orders/paid", order)
        self.webhooks.order_event("orders/updated", order)

    def _add(self, order: Body, made: Body) -> Body:
        return touch(self.world, self.connection, order | {"transactions": [*order["transactions"], made]})

    def _record(self, operation: str, order: Body, made: Body, *, key: str = "", undoes: str | None = None) -> None:
        self.world.record_effect(
            self.connection,
            SYSTEM,
            operation,
            object_id=gid("OrderTransaction", made["id"]),
            reference=f"{self.connection}:{order['id']}",
            key=key,
            amount=made["amount"],
            currency=order["currency"],
            undoes=undoes,
        )

    def _order(self, order_id: str) -> Body:
        order = self.world.get(self.connection, "order", order_id)
        if order is None:
            raise LookupError(f"order {order_id} is missing from the world")
        return order

    def _new_id(self) -> str:
        return object_id(self.world, self.connection)


def not_cancellable(world: World, order: Body) -> str | None:
    """Why the order cannot be cancelled, in Shopify's words; None when it can."""
    if order["cancelled_at"]:
        return "Cannot cancel an order that has already been canceled"
    if any(one["status"] == "SUCCESS" for one in fulfilments(world, order["connection"], order["id"])):
        return "Cannot cancel an order that has outstanding fulfillments"
    return None


def schedule_settling(world: World, webhooks: Webhooks) -> None:
    """Say what runs when a pending refund is due."""

    def settle(connection: str, order_and_transaction: str, _due: datetime) -> None:
        Acts(world, connection, webhooks).settle_refund(order_and_transaction)

    world.on(SETTLE_REFUND, settle)


def charged(order: Body, currency: str | None, text: object) -> Decimal:
    """An amount that the app gives in the customer's currency, in the shop's. At rates from 1 up no cent is lost."""
    if currency not in (None, order["presentment_currency"] or order["currency"]):
        raise UserError("Currency is not the presentment currency of the order", "currency")
    try:
        return (Decimal(str(text)) / Decimal(order["presentment_rate"])).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise UserError("Amount is not a number", "amount") from None
