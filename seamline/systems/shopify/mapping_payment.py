"""Shopify's money, risk and holds and our records, both ways. Pure and total, as in `mapping.py`.

Amounts of money that moves are in the customer's currency, which captures and refunds are counted in; it is the shop's
too unless the shop sells in several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from seamline.conversions import DATETIME, MONEY, TEXT, always, by, codes
from seamline.errors import Problem, Refusal
from seamline.fields import Field, FieldMapping, Way
from seamline.records.money import Money
from seamline.records.payment import (
    Authorization,
    CaptureRequest,
    PaymentMode,
    RefundRequest,
    Transaction,
    TransactionKind,
    TransactionState,
)
from seamline.records.risk import CancelReason, CancelRequest, HoldRequest, Risk, RiskLevel
from seamline.systems.shopify import wire
from seamline.systems.shopify.documents import TRANSACTION_SIZE_MAX
from seamline.systems.shopify.ids import NUMBER_OF_GID, ORDER_GID, gid, gid_of, order_gid
from seamline.systems.shopify.wire_account import Paid

HANDLE_LENGTH_MAX = 64
NOTE_LENGTH_MAX = 255
_KINDS = {
    "AUTHORIZATION": TransactionKind.AUTHORIZATION,
    "EMV_AUTHORIZATION": TransactionKind.AUTHORIZATION,
    "SALE": TransactionKind.SALE,
    "CAPTURE": TransactionKind.CAPTURE,
    "REFUND": TransactionKind.REFUND,
    "VOID": TransactionKind.VOID,
}
_STATES = {
    "SUCCESS": TransactionState.DONE,
    "PENDING": TransactionState.PENDING,
    "AWAITING_RESPONSE": TransactionState.PENDING,
    "UNKNOWN": TransactionState.PENDING,
    "FAILURE": TransactionState.FAILED,
    "ERROR": TransactionState.FAILED,
}
_LEVELS = {"ACCEPT": RiskLevel.LOW, "INVESTIGATE": RiskLevel.MEDIUM, "CANCEL": RiskLevel.HIGH}
_ASSESSED = {"HIGH": RiskLevel.HIGH, "MEDIUM": RiskLevel.MEDIUM, "LOW": RiskLevel.LOW}


def paid_for_test(orders: Iterable[Paid]) -> tuple[str, ...]:
    """The gateways by which orders were paid for a test."""
    return tuple(dict.fromkeys(name for one in orders if one.test for name in one.payment_gateway_names))


def transactions(found: Sequence[wire.Transaction]) -> list[Transaction]:
    """The movements of an order's money, oldest first. Refusal when there are more than we read at once."""
    if len(found) >= TRANSACTION_SIZE_MAX:
        problem = Problem(field="reference", reason=f"is an order with {TRANSACTION_SIZE_MAX} transactions or more")
        raise Refusal("too-large", "the order has too many transactions", problems=[problem])
    return [TRANSACTION.read(one, f"transactions.{place}") for place, one in enumerate(found)]


def authorization_of(found: Sequence[wire.Transaction]) -> Authorization | None:
    """The last authorisation that was neither captured nor voided, ended or not."""
    return authorization(transactions(found))


def collected_of(found: Sequence[wire.Transaction], currency: str) -> Money | None:
    """What was paid and not given back; none where some of it is in another currency."""
    return collected(transactions(found), currency)


def authorization(known: Sequence[Transaction]) -> Authorization | None:
    """The last authorisation that was neither captured nor voided, ended or not."""
    used = {
        one.parent_id
        for one in known
        if one.kind in (TransactionKind.CAPTURE, TransactionKind.VOID) and one.state is not TransactionState.FAILED
    }
    for one in reversed(known):
        if one.kind is TransactionKind.AUTHORIZATION and one.state is TransactionState.DONE and one.id not in used:
            return Authorization(id=one.id, amount=one.amount, expires_at=one.expires_at)
    return None


def collected(known: Sequence[Transaction], currency: str) -> Money | None:
    """What was paid and not given back; None where some of it is in another currency."""
    if any(one.amount.currency != currency for one in known):
        return None
    taken = (TransactionKind.SALE, TransactionKind.CAPTURE)
    came = [one.amount for one in known if one.kind in taken and one.state is TransactionState.DONE]
    went = [
        one.amount for one in known if one.kind is TransactionKind.REFUND and one.state is not TransactionState.FAILED
    ]
    return Money.total(came, currency) - Money.total(went, currency) if known else None


def payment_mode(terms: wire.Identified | None, of_account: PaymentMode) -> PaymentMode:
    """Terms agreed with a business customer go before the account's setting."""
    return PaymentMode.TERMS if terms else of_account


def risk(found: wire.Risk) -> Risk:
    """What Shopify recommends; where it recommends nothing, the worst assessment; facts are the negative ones."""
    assessed = [_ASSESSED[one.risk_level] for one in found.assessments if one.risk_level in _ASSESSED]
    worst = next((level for level in _ASSESSED.values() if level in assessed), RiskLevel.UNKNOWN)
    facts = [fact for one in found.assessments for fact in one.facts if fact.sentiment == "NEGATIVE"]
    return Risk(
        level=_LEVELS.get(found.recommendation, worst),
        facts=tuple(dict.fromkeys(fact.description for fact in facts)),
    )


def hold_handle(reference: str) -> str:
    """The reference, or its hash where it is too long: what our hold is found by."""
    return reference if len(reference) <= HANDLE_LENGTH_MAX else hashlib.sha256(reference.encode()).hexdigest()


def is_ours(reference: str, hold: wire.FulfillmentHold) -> bool:
    """Whether we placed this hold for this reference."""
    return hold.held_by_requesting_app and hold.handle == hold_handle(reference)


def held_by_others(reference: str, holds: Iterable[wire.FulfillmentHold]) -> bool:
    """Whether a fulfilment order on hold is held by anybody but us."""
    known = list(holds)
    return not known or any(not is_ours(reference, hold) for hold in known)


def refused(errors: Sequence[wire.UserError], fields: dict[str, str], otherwise: str) -> Refusal:
    """What Shopify's user errors say, by the request's own fields: `fields` has ours by a part of Shopify's path."""
    problems = [Problem(field=_field(error.field or (), fields, otherwise), reason=error.message) for error in errors]
    return Refusal("user-error", "; ".join(error.message for error in errors), problems=problems)


def _field(path: Sequence[str], fields: dict[str, str], otherwise: str) -> str:
    return next((ours for part, ours in fields.items() if part in path), otherwise)


def _error_code(code: str) -> str:
    """In lower case with hyphens."""
    return code.lower().replace("_", "-")


def _movement(reference: str, transaction_id: str, amount: Money, gateway: str) -> list[dict[str, Any]]:
    """One movement of kind REFUND of that capture or sale: money only, no lines."""
    one = {
        "orderId": order_gid(reference),
        "parentId": gid("OrderTransaction", transaction_id),
        "kind": "REFUND",
        "amount": str(amount.amount),
        "gateway": gateway,
    }
    return [one]


def _hold_note(reason: str) -> str:
    """Cut to what Shopify takes."""
    return reason[:NOTE_LENGTH_MAX]


def _cancel_note(key: str, note: str) -> str:
    """Our key, then the note, cut to what Shopify takes."""
    return f"{key} {note}".strip()[:NOTE_LENGTH_MAX]


TRANSACTION = FieldMapping(
    "Shopify",
    Transaction,
    "OrderTransaction",
    (
        Field("id", "id", NUMBER_OF_GID),
        Field("kind", "kind", codes(_KINDS, otherwise=TransactionKind.OTHER)),
        Field("status", "state", codes(_STATES)),
        Field(
            ("amountSet.presentmentMoney.amount", "amountSet.presentmentMoney.currencyCode"),
            "amount",
            MONEY,
            "in the customer's currency",
        ),
        Field("parentTransaction.id", "parent_id", NUMBER_OF_GID),
        Field("authorizationExpiresAt", "expires_at", DATETIME, "told to stores on the plan Plus only"),
        Field("gateway", "gateway", TEXT),
        Field("errorCode", "error", by(_error_code)),
    ),
    way=Way.READ,
    wire=wire.Transaction,
)
CAPTURE = FieldMapping(
    "Shopify",
    CaptureRequest,
    "OrderCaptureInput",
    (
        Field("id", "$reference", ORDER_GID, fact="Order.reference"),
        Field("parentTransactionId", "authorization_id", gid_of("OrderTransaction")),
        Field(("amount", "currency"), "amount", MONEY),
        Field("finalCapture", (), always(True), "what the authorisation has beyond the amount is let go of"),
    ),
    way=Way.WRITE,
)
REFUND = FieldMapping(
    "Shopify",
    RefundRequest,
    "RefundInput",
    (
        Field("orderId", "$reference", ORDER_GID, fact="Order.reference"),
        Field("currency", "amount.currency"),
        Field("note", "$key", fact="effect key"),
        Field("notify", (), always(False), "the customer is told nothing by the shop"),
        Field("transactions", ("$reference", "transaction_id", "amount", "gateway"), by(write=_movement)),
    ),
    way=Way.WRITE,
)
HOLD = FieldMapping(
    "Shopify",
    HoldRequest,
    "FulfillmentOrderHoldInput",
    (
        Field("reason", (), always("HIGH_RISK_OF_FRAUD")),
        Field("reasonNotes", "reason", by(write=_hold_note)),
        Field("handle", "$reference", by(write=hold_handle), fact="Order.reference"),
    ),
    way=Way.WRITE,
    empty="",
)
CANCEL = FieldMapping(
    "Shopify",
    CancelRequest,
    "orderCancel",
    (
        Field("id", "$reference", ORDER_GID, fact="Order.reference"),
        Field("reason", "reason", codes({one.name: one for one in CancelReason})),
        Field("note", ("$key", "note"), by(write=_cancel_note), fact="effect key"),
    ),
    way=Way.WRITE,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (TRANSACTION, CAPTURE, REFUND, HOLD, CANCEL)
