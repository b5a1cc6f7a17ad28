"""Shopify's wire models and our records, both ways. Pure and total: what does not fit raises Refusal naming the fields.

Totals are in the shop's currency, as they stand after edits and refunds:

    lines      sum of originalUnitPriceSet * currentQuantity, before any discount
    discounts  lines - currentSubtotalPriceSet: what line and order discounts took off these lines. Not
               currentTotalDiscountsSet, which also counts what was taken off shipping
    shipping   currentShippingPriceSet, discounts on shipping already taken off
    duties     currentTotalDutiesSet, unless dutiesIncluded says that the lines' prices hold them
    tips       totalTipReceivedSet (there is no current one)
    taxes      currentTotalTaxSet, shown apart unless taxesIncluded
    rounding   none: Shopify rounds what is paid in cash, not what is owed
    total      currentTotalPriceSet
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from seamline.errors import Problem, Refusal
from seamline.records.order import Delivery, Order, Payment
from seamline.records.payment import PaymentMode
from seamline.records.reading import refusing
from seamline.records.shipping import Fulfilment, FulfilmentRequest
from seamline.records.system import Holding
from seamline.systems.shopify import mapping_payment as paying
from seamline.systems.shopify import wire
from seamline.systems.shopify.ids import gid, number_of

_OPEN = {"OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED"}
_NOT_LIVE = {"CANCELLED", "ERROR", "FAILURE"}
_GRAMS = {"KILOGRAMS": 1000.0, "GRAMS": 1.0, "POUNDS": 453.59237, "OUNCES": 28.349523125}
_DELIVERIES = {
    "SHIPPING": Delivery.SHIPPING,
    "PICK_UP": Delivery.PICKUP,
    "PICKUP_POINT": Delivery.PICKUP,
    "LOCAL": Delivery.LOCAL,
    "RETAIL": Delivery.NONE,
    "NONE": Delivery.NONE,
}
_PAYMENTS = {
    "PENDING": Payment.PENDING,
    "AUTHORIZED": Payment.AUTHORIZED,
    "PARTIALLY_PAID": Payment.PARTIALLY_PAID,
    "PAID": Payment.PAID,
    "PARTIALLY_REFUNDED": Payment.PARTIALLY_REFUNDED,
    "REFUNDED": Payment.REFUNDED,
    "VOIDED": Payment.VOIDED,
    "EXPIRED": Payment.EXPIRED,
}


def order(reference: str, found: wire.Order, page: str, mode: PaymentMode = PaymentMode.PAID) -> Order:
    """The order as all know it. `page` is where people see it; `mode` is who takes the money in this shop."""
    moved = paying.transactions(found.transactions)
    with refusing("unreadable-order", "the shop's answer does not fit an order"):
        return Order.model_validate(
            {
                "reference": reference,
                "number": found.name,
                "created_at": found.created_at,
                "currency": found.currency_code,
                "payment": _payment(found),
                "payment_mode": paying.payment_mode(found, mode),
                "authorization": paying.authorization(moved),
                "collected": paying.collected(moved, found.currency_code),
                "risk": paying.risk(found.risk),
                "test": found.test,
                "cancelled": found.cancelled_at is not None,
                "lines": _lines(found),
                "fulfilment_orders": [_part(reference, part) for part in found.fulfillment_orders.nodes],
                "totals": _totals(found),
                "address": _address(found),
                "email": found.email or "",
                "locale": found.customer_locale or "en",
                "service": _service(found.shipping_line),
                "page": page,
            }
        )


def fulfilments(found: Iterable[wire.Fulfillment]) -> list[Fulfilment]:
    """The live fulfilments, one for each tracking number they carry."""
    return [
        Fulfilment(id=number_of(one.id), tracking_number=tracking.number or "", page=tracking.url or "")
        for one in found
        if one.status not in _NOT_LIVE
        for tracking in one.tracking_info or (wire.TrackingInfo(),)
    ]


def fulfilment_input(request: FulfilmentRequest) -> dict[str, Any]:
    """The variables of `fulfillmentCreate`. Customers are told by us, so not by the shop."""
    tracking = {
        "number": request.tracking_number,
        "url": request.tracking_page or None,
        "company": request.carrier or None,
    }
    lines = [{"id": gid("FulfillmentOrderLineItem", line.id), "quantity": line.quantity} for line in request.lines]
    part = {
        "fulfillmentOrderId": gid("FulfillmentOrder", request.fulfilment_order_id),
        "fulfillmentOrderLineItems": lines,
    }
    return {
        "fulfillment": {
            "notifyCustomer": False,
            "trackingInfo": {name: value for name, value in tracking.items() if value is not None},
            "lineItemsByFulfillmentOrder": [part],
        }
    }


def refused(errors: Sequence[wire.UserError]) -> Refusal:
    """What Shopify's user errors say of a fulfilment, by the request's own fields."""
    problems = [Problem(field=_field(error.field or ()), reason=error.message) for error in errors]
    return Refusal("user-error", "; ".join(error.message for error in errors), problems=problems)


def holdings(held: wire.Held, page: str) -> list[Holding]:
    """The order and its fulfilments, for `trace`."""
    money = held.current_total_price_set.shop_money
    paid = (held.display_financial_status or "unknown").lower()
    state = "cancelled" if held.cancelled_at else f"{paid}, {held.display_fulfillment_status.lower()}"
    amount = f"{money.amount} {money.currency_code}"
    order_held = Holding(kind="order", id=number_of(held.id), state=state.replace("_", " "), amount=amount, page=page)
    fulfilled = [
        Holding(kind="fulfilment", id=number_of(one.id), state=one.status.lower()) for one in held.fulfillments
    ]
    moved = [
        Holding(kind=one.kind.value, id=one.id, state=one.state.value, amount=str(one.amount))
        for one in paying.transactions(held.transactions)
    ]
    return [order_held, *fulfilled, *moved]


def _field(path: Sequence[str]) -> str:
    joined = ".".join(path)
    if "trackingInfo" in joined:
        return "tracking_page" if "url" in joined.lower() else "tracking_number"
    if "fulfillmentOrderLineItems" in joined or "quantity" in joined:
        return "lines"
    return "fulfilment_order_id"


def _payment(found: wire.Order) -> Payment:
    status = found.display_financial_status
    if status is None:
        return Payment.PENDING
    if status not in _PAYMENTS:
        problem = Problem(field="payment", reason="is a payment status that is not known here")
        raise Refusal("unknown-status", f"displayFinancialStatus is {status}", problems=[problem])
    return _PAYMENTS[status]


def _lines(found: wire.Order) -> list[dict[str, Any]]:
    parts = [line for part in found.fulfillment_orders.nodes for line in part.line_items.nodes]
    weights = {line.line_item.id: _grams(line.weight) for line in parts}
    return [
        {
            "id": number_of(line.id),
            "sku": line.sku or "",
            "title": line.title,
            "quantity": line.current_quantity,
            "unit_price": _money(line.original_unit_price_set),
            "needs_shipping": line.requires_shipping and not line.is_gift_card,
            "weight_grams": weights.get(line.id, 0),
        }
        for line in found.line_items.nodes
    ]


def _part(reference: str, part: wire.FulfillmentOrder) -> dict[str, Any]:
    # A scheduled one (a pre-order) may not be fulfilled before its date, which is a hold by another name.
    held = part.status == "ON_HOLD" and paying.held_by_others(reference, part.fulfillment_holds)
    lines = [line for line in part.line_items.nodes if line.requires_shipping]
    method = part.delivery_method.method_type if part.delivery_method else None
    # Orders made through the API have no method: what must be shipped then is.
    delivery = (Delivery.SHIPPING if lines else Delivery.NONE) if method is None else _DELIVERIES.get(method)
    if delivery is None:
        problem = Problem(field="fulfilment_orders.delivery", reason="is a delivery method that is not known here")
        raise Refusal("unknown-status", f"methodType is {method}", problems=[problem])
    return {
        "id": number_of(part.id),
        "location": part.assigned_location.name,
        "open": part.status in _OPEN,
        "on_hold": held or part.status == "SCHEDULED",
        "delivery": delivery,
        "lines": [
            {
                "id": number_of(line.id),
                "order_line_id": number_of(line.line_item.id),
                "sku": line.sku or "",
                "quantity": line.remaining_quantity,
            }
            for line in lines
            if line.remaining_quantity
        ],
    }


def _totals(found: wire.Order) -> dict[str, Any]:
    prices = [(line.original_unit_price_set, line.current_quantity) for line in found.line_items.nodes]
    lines = sum((price.shop_money.amount * quantity for price, quantity in prices), Decimal(0))
    duties = None if found.duties_included else found.current_total_duties_set
    return {
        "lines": {"amount": lines, "currency": found.currency_code},
        "discounts": {
            "amount": lines - found.current_subtotal_price_set.shop_money.amount,
            "currency": found.current_subtotal_price_set.shop_money.currency_code,
        },
        "shipping": _money(found.current_shipping_price_set),
        "duties": _money(duties) if duties else {"amount": 0, "currency": found.currency_code},
        "tips": _money(found.total_tip_received_set),
        "taxes": _money(found.current_total_tax_set),
        "taxes_included": found.taxes_included,
        "rounding": {"amount": 0, "currency": found.currency_code},
        "total": _money(found.current_total_price_set),
    }


def _money(bag: wire.MoneyBag) -> dict[str, Any]:
    return {"amount": bag.shop_money.amount, "currency": bag.shop_money.currency_code}


def _address(found: wire.Order) -> dict[str, str] | None:
    address = found.shipping_address
    if address is None:
        return None
    return {
        "name": address.name or "",
        "company": address.company or "",
        "street1": address.address1 or "",
        "street2": address.address2 or "",
        "city": address.city or "",
        "region": address.province_code or "",
        "postcode": address.zip or "",
        "country": address.country_code_v2 or "",
        "phone": address.phone or "",
        "email": found.email or "",
    }


def _service(line: wire.ShippingLine | None) -> str:
    return (line.code or line.title) if line else ""


def _grams(weight: wire.Weight | None) -> int:
    """Rounded up: a label must not be bought for less than the parcel weighs."""
    return math.ceil(round(weight.value * _GRAMS.get(weight.unit, 1.0), 3)) if weight else 0
