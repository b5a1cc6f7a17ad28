"""Shopify's wire models and our records, both ways. Pure and total: what does not fit raises Refusal naming the fields.

Totals are in the shop's currency, as they stand after edits and refunds. Discounts are not currentTotalDiscountsSet,
which also counts what was taken off shipping.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from seamline.conversions import AS_IS, DATETIME, MONEY, TEXT, UNSET, by, codes
from seamline.errors import Problem, Refusal
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.records.order import Delivery, FulfilmentLine, FulfilmentOrder, Order, OrderLine, Payment
from seamline.records.payment import PaymentMode
from seamline.records.shipping import Fulfilment, FulfilmentRequest, Tracked
from seamline.records.system import Holding
from seamline.systems.shopify import mapping_payment as paying
from seamline.systems.shopify import mapping_remedies as remedies
from seamline.systems.shopify import mapping_stock as stock
from seamline.systems.shopify import wire
from seamline.systems.shopify.ids import NUMBER_OF_GID, gid, number_of

_OPEN = {"OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED"}
_NOT_LIVE = {"CANCELLED", "ERROR", "FAILURE"}
_GRAMS = {"KILOGRAMS": 1000.0, "GRAMS": 1.0, "POUNDS": 453.59237, "OUNCES": 28.349523125}
_DELIVERIES = {
    "SHIPPING": Delivery.SHIPPING,
    "PICK_UP": Delivery.PICKUP,
    "PICKUP_POINT": Delivery.PICKUP,
    "LOCAL": Delivery.LOCAL,
    "RETAIL": Delivery.POINT_OF_SALE,
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
    None: Payment.PENDING,
}


def order(reference: str, found: wire.Order, page: str, mode: PaymentMode = PaymentMode.PAID) -> Order:
    """The order as all know it. `page` is where people see it; `mode` is who takes the money in this shop."""
    return ORDER.read(found, reference=reference, page=page, mode=mode)


def fulfilments(found: Iterable[wire.Fulfillment]) -> list[Fulfilment]:
    """The live fulfilments, one for each tracking number they carry."""
    return [
        Fulfilment(id=number_of(one.id), tracking_number=tracking.number or "", page=tracking.url or "")
        for one in found
        if one.status not in _NOT_LIVE
        for tracking in one.tracking_info or (wire.TrackingInfo(),)
    ]


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


def _part_lines(request_lines: Sequence[FulfilmentLine], part_id: str) -> list[dict[str, Any]]:
    """The lines of one fulfilment order, each by its id and quantity."""
    lines = [{"id": gid("FulfillmentOrderLineItem", line.id), "quantity": line.quantity} for line in request_lines]
    return [{"fulfillmentOrderId": gid("FulfillmentOrder", part_id), "fulfillmentOrderLineItems": lines}]


def _numbers(first: str, others: Sequence[Tracked]) -> list[str]:
    """The tracking number of each parcel."""
    return [first, *(one.tracking_number for one in others)]


def _pages(first: str, others: Sequence[Tracked]) -> Any:
    """The page of each parcel; none where one has no page, since Shopify takes all or none."""
    pages = [first, *(one.tracking_page for one in others)]
    return pages if all(pages) else UNSET


def _as_asked(_order_id: str, reference: str) -> str:
    """The connection, then the number at the end of the global id: as it was asked for."""
    return reference


def _needs_shipping(requires_shipping: bool, is_gift_card: bool) -> bool:
    """Whether it requires shipping and is no gift card."""
    return requires_shipping and not is_gift_card


def _weight_grams(line_id: str, parts: Sequence[wire.FulfillmentOrder]) -> int:
    """The weight of the same line in a fulfilment order, in grams, rounded up."""
    weights = {line.line_item.id: _grams(line.weight) for part in parts for line in part.line_items.nodes}
    return weights.get(line_id, 0)


def _is_open(status: str) -> bool:
    """Whether it is OPEN, IN_PROGRESS, ON_HOLD or SCHEDULED."""
    return status in _OPEN


def _on_hold(status: str, holds: Sequence[wire.FulfillmentHold], reference: str) -> bool:
    """Whether others than us hold it, or it is scheduled."""
    # A scheduled one (a pre-order) may not be fulfilled before its date, which is a hold by another name.
    return status == "SCHEDULED" or (status == "ON_HOLD" and paying.held_by_others(reference, holds))


def _delivery(method: str | None, lines: Sequence[wire.FulfillmentOrderLineItem]) -> Delivery:
    """SHIPPING, PICK_UP, PICKUP_POINT, LOCAL or none; shipping where there is no method and lines require it."""
    # Orders made through the API have no method: what must be shipped then is.
    if method is None:
        return Delivery.SHIPPING if any(line.requires_shipping for line in lines) else Delivery.NONE
    return _DELIVERIES[method]


def _is_left(line: wire.FulfillmentOrderLineItem) -> bool:
    return line.requires_shipping and not line.line_item.is_gift_card and bool(line.remaining_quantity)


def _lines_total(lines: Sequence[wire.LineItem], currency: str) -> dict[str, Any]:
    """The sum of price times current quantity, before any discount."""
    prices = [(line.original_unit_price_set.shop_money.amount, line.current_quantity) for line in lines]
    return {"amount": sum((price * quantity for price, quantity in prices), Decimal(0)), "currency": currency}


def _discounts(lines: Sequence[wire.LineItem], subtotal: wire.MoneyV2) -> dict[str, Any]:
    """What the lines come to less the subtotal: discounts on lines and order, not those on shipping."""
    whole = _lines_total(lines, subtotal.currency_code)["amount"]
    return {"amount": whole - subtotal.amount, "currency": subtotal.currency_code}


def _amount(given: wire.MoneyV2 | None, currency: str) -> dict[str, Any]:
    """None where there is none."""
    return {"amount": given.amount if given else 0, "currency": given.currency_code if given else currency}


def _duties(duties: wire.MoneyV2 | None, included: bool, currency: str) -> dict[str, Any]:
    """None where the lines' prices hold them."""
    if duties is None or included:
        return {"amount": 0, "currency": currency}
    return {"amount": duties.amount, "currency": duties.currency_code}


def _no_rounding(currency: str) -> dict[str, Any]:
    """Always nothing: Shopify rounds what is paid in cash, not what is owed."""
    return {"amount": 0, "currency": currency}


def _with_address(address: wire.MailingAddress | None, email: str | None) -> Any:
    """The order's mail address, where there is an address."""
    return UNSET if address is None else email or ""


def _service(code: str | None, title: str) -> str:
    """The code, else the title."""
    return code or title


def _is_set(moment: datetime) -> bool:
    """Whether it is set."""
    return moment is not None


def _grams(weight: wire.Weight | None) -> int:
    """Rounded up: a label must not be bought for less than the parcel weighs."""
    return math.ceil(round(weight.value * _GRAMS.get(weight.unit, 1.0), 3)) if weight else 0


def _shop_money(theirs: str, ours: str, rule: str = "") -> Field:
    """An amount in the shop's currency."""
    return Field((f"{theirs}.shopMoney.amount", f"{theirs}.shopMoney.currencyCode"), ours, MONEY, rule)


LINE = FieldMapping(
    "Shopify",
    OrderLine,
    "LineItem",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("sku", "sku", TEXT),
        Field("title", "title"),
        Field("currentQuantity", "quantity", rule="without what was refunded or removed"),
        _shop_money("originalUnitPriceSet", "unit_price"),
        Field(
            (
                "discountedUnitPriceAfterAllDiscountsSet.shopMoney.amount",
                "discountedUnitPriceAfterAllDiscountsSet.shopMoney.currencyCode",
            ),
            "paid_price",
            MONEY,
            "about: Shopify rounds it",
        ),
        Field(("requiresShipping", "isGiftCard"), "needs_shipping", by(_needs_shipping)),
        Field("isGiftCard", "gift_card"),
        Field("variant.inventoryItem.harmonizedSystemCode", "hs_code", TEXT),
        Field("variant.inventoryItem.countryCodeOfOrigin", "origin", TEXT),
        Field(("id", "^fulfillmentOrders.nodes"), "weight_grams", by(_weight_grams)),
    ),
    way=Way.READ,
    wire=wire.LineItem,
)
PART_LINE = FieldMapping(
    "Shopify",
    FulfilmentLine,
    "FulfillmentOrderLineItem",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("lineItem.id", "order_line_id", NUMBER_OF_GID),
        Field("sku", "sku", TEXT),
        Field("remainingQuantity", "quantity"),
    ),
    way=Way.READ,
    wire=wire.FulfillmentOrderLineItem,
)
PART = FieldMapping(
    "Shopify",
    FulfilmentOrder,
    "FulfillmentOrder",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("assignedLocation.name", "location"),
        Field("status", "open", by(_is_open)),
        Field(("status", "fulfillmentHolds", "$reference"), "on_hold", by(_on_hold)),
        Field("assignedLocation.location.isFulfillmentService", "by_others"),
        Field("internationalDuties.incoterm", "incoterm", TEXT),
        Field(("deliveryMethod.methodType", "lineItems.nodes"), "delivery", by(_delivery)),
        Field(
            "lineItems.nodes",
            "lines",
            each=PART_LINE,
            only=_is_left,
            rule="what remains and requires shipping, no gift cards",
        ),
    ),
    way=Way.READ,
    wire=wire.FulfillmentOrder,
)
ORDER = FieldMapping(
    "Shopify",
    Order,
    "Order",
    (
        Field(("id", "$reference"), "reference", by(_as_asked)),
        Field("name", "number"),
        Field("createdAt", "created_at", DATETIME),
        Field("currencyCode", "currency"),
        Field("displayFinancialStatus", "payment", codes(_PAYMENTS)),
        Field(("paymentTerms", "$mode"), "payment_mode", by(paying.payment_mode, takes_none=True)),
        Field("transactions", "authorization", by(paying.authorization_of)),
        Field(
            (
                "currentTotalPriceSet.presentmentMoney.amount",
                "currentTotalPriceSet.presentmentMoney.currencyCode",
            ),
            "charged",
            MONEY,
            "in the customer's currency",
        ),
        Field(("transactions", "presentmentCurrencyCode"), "collected", by(paying.collected_of)),
        Field("risk", "risk", by(paying.risk)),
        Field("test", "test"),
        Field("cancelledAt", "cancelled", by(_is_set)),
        Field("lineItems.nodes", "lines", each=LINE),
        Field("fulfillmentOrders.nodes", "fulfilment_orders", each=PART),
        Field(("lineItems.nodes", "currencyCode"), "totals.lines", by(_lines_total)),
        Field(("lineItems.nodes", "currentSubtotalPriceSet.shopMoney"), "totals.discounts", by(_discounts)),
        _shop_money("currentShippingPriceSet", "totals.shipping", "discounts on shipping already taken off"),
        Field(("currentTotalDutiesSet.shopMoney", "dutiesIncluded", "currencyCode"), "totals.duties", by(_duties)),
        Field(("currentTotalAdditionalFeesSet.shopMoney", "currencyCode"), "totals.fees", by(_amount)),
        _shop_money("refundDiscrepancySet", "totals.adjustment", "may be taken off the total"),
        _shop_money("totalTipReceivedSet", "totals.tips", "there is no current one"),
        _shop_money("currentTotalTaxSet", "totals.taxes"),
        Field("taxesIncluded", "totals.taxes_included"),
        Field("currencyCode", "totals.rounding", by(_no_rounding)),
        _shop_money("currentTotalPriceSet", "totals.total"),
        Field("shippingAddress.name", "address.name", TEXT),
        Field("shippingAddress.company", "address.company", TEXT),
        Field("shippingAddress.address1", "address.street1", TEXT),
        Field("shippingAddress.address2", "address.street2", TEXT),
        Field("shippingAddress.city", "address.city", TEXT),
        Field("shippingAddress.provinceCode", "address.region", TEXT),
        Field("shippingAddress.zip", "address.postcode", TEXT),
        Field("shippingAddress.countryCodeV2", "address.country", TEXT),
        Field("shippingAddress.phone", "address.phone", TEXT),
        Field(("shippingAddress", "email"), "address.email", by(_with_address)),
        Field("email", "email", TEXT),
        Field("customerLocale", "locale", TEXT.where_none("en")),
        Field(("shippingLine.code", "shippingLine.title"), "service", by(_service)),
        Field("$page", "page"),
    ),
    way=Way.READ,
    wire=wire.Order,
)
FULFILMENT = FieldMapping(
    "Shopify",
    FulfilmentRequest,
    "FulfillmentInput",
    (
        Field("notifyCustomer", "notify", AS_IS),
        Field("trackingInfo.numbers", ("tracking_number", "others"), by(write=_numbers)),
        Field("trackingInfo.urls", ("tracking_page", "others"), by(write=_pages)),
        Field("trackingInfo.company", "carrier"),
        Field("lineItemsByFulfillmentOrder", ("lines", "fulfilment_order_id"), by(write=_part_lines)),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (
    ORDER,
    PART,
    PART_LINE,
    LINE,
    FULFILMENT,
    *paying.MAPPINGS,
    *remedies.MAPPINGS,
    *stock.MAPPINGS,
)
