"""The money of the simulated shop's orders as the GraphQL schema names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from seamline.simulator import shopify_money as money
from seamline.simulator.shopify_ids import number
from seamline.simulator.shopify_orders import gid
from seamline.simulator.shopify_worth import worth_of
from seamline.simulator.world import Body

View = dict[str, Any]


def order_money(order: Body) -> View:
    """The fields of the type Order that tell of money."""
    bag = bags(order)
    prices = order["money"]
    total, zero = Decimal(prices["total"]), Decimal(0)
    received, refunded = money.received(order), money.refunded(order)
    capturable, status = money.capturable_of_all(order), money.financial_status(order)
    duties = None if prices["duties"] is None else bag(prices["duties"])
    return {
        "displayFinancialStatus": status,
        "capturable": capturable > 0,
        "fullyPaid": status == "PAID",
        "unpaid": status in ("PENDING", "AUTHORIZED", "EXPIRED", "VOIDED"),
        "refundable": received > refunded,
        **dict.fromkeys(("subtotalPriceSet", "currentSubtotalPriceSet"), bag(prices["subtotal"])),
        **dict.fromkeys(("totalPriceSet", "originalTotalPriceSet", "currentTotalPriceSet"), bag(total)),
        **dict.fromkeys(("totalShippingPriceSet", "currentShippingPriceSet"), bag(prices["shipping"])),
        **dict.fromkeys(("originalTotalDutiesSet", "currentTotalDutiesSet"), duties),
        **dict.fromkeys(("totalDiscountsSet", "currentTotalDiscountsSet"), bag(prices["discounts"])),
        **dict.fromkeys(("totalTaxSet", "currentTotalTaxSet"), bag(prices["tax"])),
        "totalReceivedSet": bag(received),
        "netPaymentSet": bag(received - refunded),
        "currentCartDiscountAmountSet": bag(prices["discounts"]),
        "currentTotalAdditionalFeesSet": None if prices["fees"] is None else bag(prices["fees"]),
        "refundDiscrepancySet": bag(prices["adjustment"]),
        "totalTipReceivedSet": bag(prices["tips"]),
        "totalCashRoundingAdjustment": {"paymentSet": bag(prices["rounding"]), "refundSet": bag(zero)},
        "totalOutstandingSet": bag(max(total - received - capturable, zero)),
        "totalRefundedSet": bag(refunded),
        "totalCapturableSet": bag(capturable),
        "transactions": lambda: [transaction(order, one) for one in order["transactions"]],
        "refunds": lambda: [refund(order, one) for one in order["refunds"]],
        "suggestedRefund": lambda refundLineItems=(), refundShipping=False, **_: suggested_refund(
            order, refundLineItems or (), shipping=bool(refundShipping)
        ),
        "paymentTerms": _terms(order),
    }


def transaction(order: Body, one: Body) -> View:
    """The type OrderTransaction."""
    bag = bags(order)
    parents = {parent["id"]: parent for parent in order["transactions"]}
    capturable = money.capturable(order, one)
    return {
        "id": gid("OrderTransaction", one["id"]),
        "kind": one["kind"],
        "status": one["status"],
        "errorCode": one["error_code"],
        "gateway": one["gateway"],
        "formattedGateway": one["gateway"].replace("_", " ").title(),
        "createdAt": one["created_at"],
        "processedAt": one["created_at"],
        "amountSet": bag(one["amount"]),
        "totalUnsettledSet": bag(capturable),
        "authorizationExpiresAt": one["authorization_expires_at"],
        "manuallyCapturable": capturable > 0,
        "multiCapturable": False,
        "parentTransaction": lambda: transaction(order, parents[one["parent_id"]]) if one["parent_id"] else None,
        "test": order["test"],
    }


def refund(order: Body, one: Body) -> View:
    """The type Refund."""
    made = [known for known in order["transactions"] if known["id"] in one["transaction_ids"]]
    total = sum((Decimal(known["amount"]) for known in made), Decimal(0))
    return {
        "id": gid("Refund", one["id"]),
        "legacyResourceId": one["id"],
        "createdAt": one["created_at"],
        "note": one["note"],
        "totalRefundedSet": bags(order)(total),
        "transactions": [transaction(order, known) for known in made],
        "refundLineItems": [
            {
                "id": gid("RefundLineItem", f"{one['id']}{line_id}"),
                "lineItem": {"id": gid("LineItem", line_id)},
                "quantity": count,
                "restockType": "NO_RESTOCK",
                "restocked": False,
            }
            for line_id, count in one["lines"].items()
        ],
    }


def suggested_refund(order: Body, lines: Sequence[Mapping[str, Any]], *, shipping: bool) -> View:
    """The type SuggestedRefund: what the shop would give back for lines. GraphQLError for what cannot be refunded."""
    quantities: dict[str, int] = {}
    for one in lines:
        line_id = number(one["lineItemId"], "LineItem")
        quantities[line_id] = quantities.get(line_id, 0) + one["quantity"]
    left = {line["id"]: line["current_quantity"] for line in order["lines"]}
    if any(count > left.get(line_id, 0) for line_id, count in quantities.items()):
        raise GraphQLError("Quantity cannot refund more items than were purchased", extensions={"code": "BAD_REQUEST"})
    worth, bag = worth_of(order, quantities, shipping=shipping), bags(order)
    most = money.received(order) - money.refunded(order)
    return {
        "amountSet": bag(min(worth.total, most)),
        "maximumRefundableSet": bag(most),
        "subtotalSet": bag(worth.goods),
        "discountedSubtotalSet": bag(worth.goods),
        "totalTaxSet": bag(worth.tax),
    }


def _terms(order: Body) -> View | None:
    if not order["terms"]:
        return None
    return {
        "id": gid("PaymentTerms", order["id"]),
        "paymentTermsName": "Net 30",
        "paymentTermsType": "NET",
        "dueInDays": 30,
        "due": False,
        "overdue": False,
    }


def bags(order: Body) -> Callable[[Any], View]:
    """Makes the type MoneyBag of an amount in the shop's currency."""
    theirs, rate = order["presentment_currency"] or order["currency"], Decimal(order["presentment_rate"])

    def bag(amount: Any) -> View:
        given = Decimal(str(amount))
        return {"shopMoney": _money(given, order["currency"]), "presentmentMoney": _money(given * rate, theirs)}

    return bag


def _money(amount: Decimal, currency: str) -> View:
    """Shopify drops trailing zeros beyond one decimal: 14.0, 14.55."""
    text = str(amount.quantize(Decimal("0.01")))
    return {"amount": text[:-1] if text.endswith("0") else text, "currencyCode": currency}
