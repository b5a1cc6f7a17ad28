"""Shopify's money, risk and holds and our records, both ways. Pure and total, as in `mapping.py`.

Amounts of money that moves are in the customer's currency, which captures and refunds are counted in; it is the shop's
too unless the shop sells in several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from seamline.errors import Problem, Refusal
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
from seamline.records.reading import refusing
from seamline.records.risk import CancelRequest, HoldRequest, Risk, RiskLevel
from seamline.systems.shopify import wire
from seamline.systems.shopify.documents import TRANSACTION_SIZE_MAX
from seamline.systems.shopify.ids import gid, number_of, order_gid

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


def transactions(found: Sequence[wire.Transaction]) -> list[Transaction]:
    """The movements of an order's money, oldest first. Refusal when there are more than we read at once."""
    if len(found) >= TRANSACTION_SIZE_MAX:
        problem = Problem(field="reference", reason=f"is an order with {TRANSACTION_SIZE_MAX} transactions or more")
        raise Refusal("too-large", "the order has too many transactions", problems=[problem])
    return [_transaction(one, f"transactions.{place}") for place, one in enumerate(found)]


def transaction(found: wire.Transaction) -> Transaction:
    """One movement of money."""
    return _transaction(found, "transaction")


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


def payment_mode(found: wire.Order, of_account: PaymentMode) -> PaymentMode:
    """Who takes the money: what was agreed with a business customer goes before the account's setting."""
    return PaymentMode.TERMS if found.payment_terms else of_account


def risk(found: wire.Risk) -> Risk:
    """What Shopify recommends; where it recommends nothing, the worst assessment."""
    assessed = [_ASSESSED[one.risk_level] for one in found.assessments if one.risk_level in _ASSESSED]
    worst = next((level for level in _ASSESSED.values() if level in assessed), RiskLevel.UNKNOWN)
    facts = [fact for one in found.assessments for fact in one.facts if fact.sentiment == "NEGATIVE"]
    return Risk(
        level=_LEVELS.get(found.recommendation, worst),
        facts=tuple(dict.fromkeys(fact.description for fact in facts)),
    )


def capture_input(reference: str, request: CaptureRequest) -> dict[str, Any]:
    """The variables of `orderCapture`: what the authorisation has beyond the amount is let go of."""
    return {
        "input": {
            "id": order_gid(reference),
            "parentTransactionId": gid("OrderTransaction", request.authorization_id),
            "amount": str(request.amount.amount),
            "currency": request.amount.currency,
            "finalCapture": True,
        }
    }


def refund_input(reference: str, key: str, request: RefundRequest) -> dict[str, Any]:
    """The variables of `refundCreate`: money only, no lines; the customer is told nothing by the shop."""
    one = {
        "orderId": order_gid(reference),
        "parentId": gid("OrderTransaction", request.transaction_id),
        "kind": "REFUND",
        "amount": str(request.amount.amount),
        "gateway": request.gateway,
    }
    wanted = {
        "orderId": order_gid(reference),
        "currency": request.amount.currency,
        "note": key,
        "notify": False,
        "transactions": [one],
    }
    return {"input": wanted, "key": key}


def hold_handle(reference: str) -> str:
    """What our hold for a reference is found by."""
    return reference if len(reference) <= HANDLE_LENGTH_MAX else hashlib.sha256(reference.encode()).hexdigest()


def hold_input(reference: str, request: HoldRequest) -> dict[str, Any]:
    """The variables of `fulfillmentOrderHold`."""
    return {
        "id": gid("FulfillmentOrder", request.fulfilment_order_id),
        "hold": {
            "reason": "HIGH_RISK_OF_FRAUD",
            "reasonNotes": request.reason[:NOTE_LENGTH_MAX],
            "handle": hold_handle(reference),
        },
    }


def is_ours(reference: str, hold: wire.FulfillmentHold) -> bool:
    """Whether we placed this hold for this reference."""
    return hold.held_by_requesting_app and hold.handle == hold_handle(reference)


def held_by_others(reference: str, holds: Iterable[wire.FulfillmentHold]) -> bool:
    """Whether a fulfilment order on hold is held by anybody but us."""
    known = list(holds)
    return not known or any(not is_ours(reference, hold) for hold in known)


def cancel_input(reference: str, key: str, request: CancelRequest) -> dict[str, Any]:
    """The variables of `orderCancel`; the note begins with our key."""
    note = f"{key} {request.note}".strip()
    return {"id": order_gid(reference), "reason": request.reason.name, "note": note[:NOTE_LENGTH_MAX]}


def refused(errors: Sequence[wire.UserError], fields: dict[str, str], otherwise: str) -> Refusal:
    """What Shopify's user errors say, by the request's own fields: `fields` has ours by a part of Shopify's path."""
    problems = [Problem(field=_field(error.field or (), fields, otherwise), reason=error.message) for error in errors]
    return Refusal("user-error", "; ".join(error.message for error in errors), problems=problems)


def _field(path: Sequence[str], fields: dict[str, str], otherwise: str) -> str:
    return next((ours for part, ours in fields.items() if part in path), otherwise)


def _transaction(found: wire.Transaction, place: str) -> Transaction:
    if found.status not in _STATES:
        problem = Problem(field=f"{place}.status", reason="is a status of a transaction that is not known here")
        raise Refusal("unknown-status", f"status is {found.status}", problems=[problem])
    money = found.amount_set.presentment_money
    with refusing("unreadable-order", "the shop's answer does not fit a transaction", place):
        return Transaction.model_validate(
            {
                "id": number_of(found.id),
                "kind": _KINDS.get(found.kind, TransactionKind.OTHER),
                "state": _STATES[found.status],
                "amount": {"amount": money.amount, "currency": money.currency_code},
                "parent_id": number_of(found.parent_transaction.id) if found.parent_transaction else "",
                "expires_at": found.authorization_expires_at,
                "gateway": found.gateway or "",
                "error": (found.error_code or "").lower().replace("_", "-"),
            }
        )
