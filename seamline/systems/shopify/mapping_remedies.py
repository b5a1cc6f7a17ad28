"""Shopify's refunds and returns and our records, both ways. Pure and total, as in `mapping.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seamline.conversions import DATETIME, MONEY, TEXT, UNSET, always, by, codes
from seamline.errors import Problem, Refusal
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.records.money import Money
from seamline.records.payment import TransactionState
from seamline.records.reference import RETURN_SIGN, external_id_of, reference_of, with_external_id
from seamline.records.remedy import Goods, GoodsLine, GoodsWorth, KnownRefund, RefundPart, RetrackRequest
from seamline.records.returning import CustomerReturn, ReturnedLine, ReturnState
from seamline.systems.shopify import wire, wire_remedies
from seamline.systems.shopify.ids import NUMBER_OF_GID, ORDER_GID, gid, order_gid
from seamline.systems.shopify.mapping_payment import TRANSACTION

_STATES = {
    "REQUESTED": ReturnState.REQUESTED,
    "OPEN": ReturnState.OPEN,
    "CLOSED": ReturnState.CLOSED,
    "DECLINED": ReturnState.OVER,
    "CANCELED": ReturnState.OVER,
}


def too_many(what: str, most: int) -> Refusal:
    """More of something than is read at once."""
    problem = Problem(field="reference", reason=f"has more than {most} {what}: refund it in the shop")
    return Refusal("too-large", f"there are too many {what}", problems=[problem])


def refund_lines(lines: Sequence[GoodsLine]) -> list[dict[str, Any]]:
    """Each line by its id and quantity; the ERP, not the shop, puts goods back to stock."""
    return [
        {"lineItemId": gid("LineItem", one.order_line_id), "quantity": one.quantity, "restockType": "NO_RESTOCK"}
        for one in lines
    ]


def movements(reference: str, parts: Sequence[RefundPart]) -> list[dict[str, Any]]:
    """One movement of kind REFUND for each capture or sale that it comes from."""
    return [
        {
            "orderId": order_gid(reference),
            "parentId": gid("OrderTransaction", one.transaction_id),
            "kind": "REFUND",
            "amount": str(one.amount.amount),
            "gateway": one.gateway,
        }
        for one in parts
    ]


def _shipping(shipping: bool) -> Any:
    """All that delivery cost; left out where only goods are refunded."""
    return {"fullRefund": True} if shipping else UNSET


def _own_key(note: str | None) -> str:
    """The note, where it is an effect key."""
    return note if note and reference_of(note) else ""


def _amount(moved: Sequence[wire.Transaction]) -> Any:
    """The sum of its movements, in the customer's currency."""
    parts = [one.amount_set.presentment_money for one in moved]
    if not parts:
        return UNSET
    total = Money.total((Money(amount=one.amount, currency=one.currency_code) for one in parts), parts[0].currency_code)
    return total.model_dump()


def _state(moved: Sequence[wire.Transaction]) -> TransactionState:
    """Pending while any movement is, failed once any failed."""
    states = {TRANSACTION.read(one, "transaction").state for one in moved}
    if TransactionState.FAILED in states:
        return TransactionState.FAILED
    return TransactionState.PENDING if TransactionState.PENDING in states else TransactionState.DONE


def _of_order(order_id: str, reference: str) -> str:
    """The connection, then the number of its order."""
    return with_external_id(reference, order_id.rsplit("/", 1)[-1])


def _reason(code: str) -> str:
    """In lower case with hyphens."""
    return code.lower().replace("_", "-")


def _sent_from(sent: Sequence[wire_remedies.SentFrom], back: Sequence[wire_remedies.ReturnLine]) -> tuple[str, ...]:
    """The locations that the goods left from, if that is told of all of them."""
    places = {line.id: one.location.name for one in sent if one.location for line in one.fulfillment_line_items.nodes}
    lines = [line.fulfillment_line_item.id for line in back if line.fulfillment_line_item]
    known = all(one in places for one in lines)
    return tuple(dict.fromkeys(places[one] for one in lines)) if known else ()


def _is_verified(line: wire_remedies.ReturnLine) -> bool:
    return line.fulfillment_line_item is not None


def return_id_of(reference: str) -> str:
    """The return's own id: `9001` of `shop-uk:5001-R9001`. Refusal when the reference names no return."""
    order, sign, number = external_id_of(reference).partition(RETURN_SIGN)
    if not (order.isdigit() and sign and number.isdigit()):
        problem = Problem(field="reference", reason="must name order and return, for example shop-uk:5001-R9001")
        raise Refusal("not-found", "there is no return with this id", problems=[problem])
    return number


REFUND_LINE = FieldMapping(
    "Shopify",
    GoodsLine,
    "RefundLineItem",
    (Field("lineItem.id", "order_line_id", NUMBER_OF_GID), Field("quantity", "quantity")),
    way=Way.READ,
    wire=wire_remedies.RefundLine,
)
KNOWN_REFUND = FieldMapping(
    "Shopify",
    KnownRefund,
    "Refund",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("note", "key", by(_own_key, takes_none=True), fact="effect key"),
        Field("refundLineItems.nodes", "lines", each=REFUND_LINE),
        Field("transactions.nodes", "amount", by(_amount)),
        Field("transactions.nodes", "state", by(_state)),
    ),
    way=Way.READ,
    wire=wire_remedies.Refund,
)
WORTH = FieldMapping(
    "Shopify",
    GoodsWorth,
    "SuggestedRefund",
    (
        Field(
            ("amountSet.presentmentMoney.amount", "amountSet.presentmentMoney.currencyCode"),
            "amount",
            MONEY,
            "in the customer's currency",
        ),
    ),
    way=Way.READ,
    wire=wire_remedies.SuggestedRefund,
)
REFUND_GOODS = FieldMapping(
    "Shopify",
    Goods,
    "RefundInput",
    (
        Field("orderId", "$reference", ORDER_GID, fact="Order.reference"),
        Field("currency", "$currency"),
        Field("note", "$key", fact="effect key"),
        Field("notify", (), always(False), "the customer is told nothing by the shop"),
        Field("refundLineItems", "lines", by(write=refund_lines)),
        Field("shipping", "shipping", by(write=_shipping)),
        Field("transactions", ("$reference", "$parts"), by(write=movements)),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
RETRACK = FieldMapping(
    "Shopify",
    RetrackRequest,
    "FulfillmentTrackingInput",
    (
        Field("numbers", "$numbers", rule="the fulfilment's numbers, the new one in the lost one's place"),
        Field("urls", "$urls"),
        Field("company", "carrier"),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
RETURN_LINE = FieldMapping(
    "Shopify",
    ReturnedLine,
    "ReturnLineItem",
    (
        Field("fulfillmentLineItem.lineItem.id", "order_line_id", NUMBER_OF_GID),
        Field("fulfillmentLineItem.lineItem.sku", "sku", TEXT),
        Field("fulfillmentLineItem.lineItem.title", "title"),
        Field("quantity", "quantity"),
        Field("returnReason", "reason", by(_reason)),
        Field("returnReasonNote", "note", TEXT),
    ),
    way=Way.READ,
    wire=wire_remedies.ReturnLine,
)
RETURN = FieldMapping(
    "Shopify",
    CustomerReturn,
    "Return",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("name", "number"),
        Field(("order.id", "$reference"), "order_reference", by(_of_order)),
        Field("status", "state", codes(_STATES)),
        Field("createdAt", "opened_at", DATETIME),
        Field(("order.fulfillments", "returnLineItems.nodes"), "sent_from", by(_sent_from)),
        Field("returnLineItems.nodes", "lines", each=RETURN_LINE, only=_is_verified, rule="those of the order"),
    ),
    way=Way.READ,
    wire=wire_remedies.Return,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (KNOWN_REFUND, REFUND_LINE, WORTH, REFUND_GOODS, RETRACK, RETURN, RETURN_LINE)
