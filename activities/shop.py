"""The shop: where orders come from, where money is taken, and where their fulfilment is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from activities.shop_labels import ShopLabels, ShopLabelSystem
from activities.shop_remedies import Remedies, RemedySystem
from activities.shop_returns import Returns, ReturnSystem
from activities.shop_stock import ShopStock, ShopStockSystem
from activities.tracing import Traceable
from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import IRREVERSIBLE, STANDS, Call, Effect, Foreseen, Read, Wait, is_repeat, operation
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.level import LevelsSet
from seamline.records.money import Money
from seamline.records.order import Order, Payment
from seamline.records.payment import (
    Capture,
    CaptureRequest,
    RefundRequest,
    Transaction,
    TransactionKind,
    TransactionState,
)
from seamline.records.risk import Cancellation, CancellationState, CancelRequest, Hold, HoldRequest
from seamline.records.shipping import Fulfilled, Fulfilment, FulfilmentRequest
from seamline.records.shortage import Noted
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState

_PENDING_SECONDS = 5.0
_OVER = (Payment.VOIDED, Payment.EXPIRED, Payment.REFUNDED)


class OrderRequest(Record):
    """Nothing beyond the call's reference is needed to fetch an order; `part`: which fulfilment order it is about."""

    part: str = ""


class ShopSystem(Traceable, RemedySystem, ReturnSystem, ShopStockSystem, ShopLabelSystem, Protocol):
    """What a shop must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def fetch_order(self, reference: str) -> Order:
        """The order as it is now. Refusal `not-found` when there is none."""

    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        """Tell the shop that the lines left; the customer is not notified by the shop."""

    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        """The movements of the order's money, oldest first, whoever made them."""

    async def capture(self, reference: str, request: CaptureRequest) -> Transaction:
        """Take money from an authorisation. Answers a FAILED transaction, or refuses, when it cannot be."""

    async def refund(self, reference: str, key: str, request: RefundRequest) -> Transaction:
        """Give money back. May answer PENDING. `key` is the native key where the shop knows one."""

    async def find_hold(self, reference: str, fulfilment_order_id: str) -> Hold | None:
        """Our live hold on a fulfilment order."""

    async def place_hold(self, reference: str, request: HoldRequest) -> Hold:
        """Keep the shop from shipping the fulfilment order."""

    async def release_hold(self, hold: Hold) -> None:
        """Take the hold off; others' holds stay."""

    async def cancel_order(self, reference: str, key: str, request: CancelRequest) -> Cancellation:
        """Have the order cancelled and what was paid given back. May answer UNDER_WAY."""

    async def read_cancellation(self, reference: str, job_id: str) -> Cancellation:
        """Whether the order is cancelled, still to be, or (FAILED) neither."""


class Shop(Remedies, Returns, ShopStock, ShopLabels):
    """The shop's activities over any system that fills the role."""

    system: ShopSystem

    def __init__(self, system: ShopSystem) -> None:
        self.system = system

    @operation("shop.fetch_order")
    async def fetch_order(self, call: Call[OrderRequest]) -> Order:
        """Fetch the order anew: a webhook's payload may be stale."""
        return await self.system.fetch_order(call.reference)

    @operation("shop.paid")
    async def paid(self, call: Call[OrderRequest]) -> Order:
        """The order once nobody waits for its payment. Refusal `payment-over` when it will not come any more."""
        order = await self.system.fetch_order(call.reference)
        if order.payment in (Payment.PAID, Payment.PARTIALLY_REFUNDED):
            return order
        if order.cancelled or order.payment in _OVER:
            state = "of a cancelled order" if order.cancelled else str(order.payment)
            problem = Problem(field="payment", reason=f"is {state}: have it paid anew in the shop and retry, or cancel")
            raise Refusal("payment-over", f"the payment is {state}", problems=[problem])
        if order.awaits_payment:
            raise NotYet("not-paid", f"the payment is {order.payment}")
        return order

    @operation("shop.released")
    async def released(self, call: Call[OrderRequest]) -> Order:
        """The order once nobody else holds it, or the part asked about; or once there is nothing left of it to hold."""
        order = await self.system.fetch_order(call.reference)
        part = call.request.part
        held = [one for one in order.open_fulfilment_orders if one.on_hold and part in ("", one.id)]
        if held and not order.cancelled:
            raise NotYet("on-hold", "others hold it in the shop, or it is to be shipped later")
        return order

    @operation("shop.hold")
    async def hold(self, call: Call[HoldRequest]) -> Hold:
        """Hold the fulfilment order, or find the hold that we placed before. Others' holds do not count."""
        request = call.request
        found = await self.system.find_hold(call.reference, request.fulfilment_order_id)
        return found or await self.system.place_hold(call.reference, request)

    @operation("shop.release_hold")
    async def release_hold(self, call: Call[HoldRequest]) -> Undone:
        """Release our hold. Nothing to do when it is gone, or when the fulfilment order is closed."""
        found = await self.system.find_hold(call.reference, call.request.fulfilment_order_id)
        if found is None:
            return Undone(state=UndoState.NOTHING)
        await self.system.release_hold(found)
        return Undone(state=UndoState.UNDONE, detail=found.id)

    @operation("shop.cancel_order")
    async def cancel_order(self, call: Call[CancelRequest]) -> Cancellation:
        """Have the order cancelled, unless it is."""
        now = await self.system.read_cancellation(call.reference, "")
        if now.state is CancellationState.CANCELLED:
            return now
        return await self.system.cancel_order(call.reference, call.key, call.request)

    @operation("shop.cancelled")
    async def cancelled(self, call: Call[Cancellation]) -> Cancellation:
        """The cancellation once the order is cancelled. Refusal `not-cancelled` when the shop gave it up."""
        now = await self.system.read_cancellation(call.reference, call.request.job_id)
        if now.state is CancellationState.CANCELLED:
            return now
        if now.state is CancellationState.FAILED:
            problem = Problem(field="reference", reason="is not cancelled: cancel it in the shop, then retry")
            raise Refusal("not-cancelled", "the shop ended the cancellation and the order stands", problems=[problem])
        raise NotYet("not-cancelled-yet", "the shop is cancelling the order")

    @operation("shop.capture")
    async def capture(self, call: Call[CaptureRequest]) -> Capture:
        """Take the money, or adopt what was taken, whoever did it: a second capture would always be wrong.

        What is there before our first try was captured by somebody else, and its key is empty.
        """
        known = await self.system.find_transactions(call.reference)
        try:
            if taken := _captures(call.request, known):
                return _adopted(call, taken, known)
            _check_authorization(call.request, known)
            made = await self.system.capture(call.reference, call.request)
            if made.state is TransactionState.FAILED:
                raise _failed_capture(made)
        except Refusal as refusal:
            return await self._paid_otherwise(call, refusal)
        _settled([made])
        return Capture(id=made.id, key=call.key, authorization_id=call.request.authorization_id, amount=made.amount)

    async def _paid_otherwise(self, call: Call[CaptureRequest], refusal: Refusal) -> Capture:
        """What somebody else collected, perhaps since we looked; the refusal where the shop is still owed money."""
        order = await self.system.fetch_order(call.reference)
        known = await self.system.find_transactions(call.reference)
        taken = _live(known, TransactionKind.CAPTURE, TransactionKind.SALE)
        if order.payment is not Payment.PAID or not taken:
            raise refusal
        request = call.request
        return Capture(id=taken[-1].id, key="", authorization_id=request.authorization_id, amount=request.amount)

    @operation("shop.refund_capture")
    async def refund_capture(self, call: Call[CaptureRequest]) -> Undone:
        """Give back what was captured of the authorisation and is not given back yet, and nothing else."""
        known = list(await self.system.find_transactions(call.reference))
        captures = _captures(call.request, known)
        _settled(captures)
        for capture in captures:
            if left := _left(capture, known):
                # One that failed must not be answered again under its own key.
                number = 1 + sum(one.parent_id == capture.id for one in known)
                request = RefundRequest(transaction_id=capture.id, amount=left, gateway=capture.gateway)
                try:
                    known.append(await self.system.refund(call.reference, f"{call.key}/refund#{number}", request))
                except Refusal:
                    # Staff may have given it back in the same moment.
                    known = list(await self.system.find_transactions(call.reference))
                    if _left(capture, known):
                        raise
        return _refunded(captures, known)

    @operation("shop.capture_refunded")
    async def capture_refunded(self, call: Call[CaptureRequest]) -> Undone:
        """The refund once the money is back. Refusal `payment-refund-failed` when it did not get there."""
        known = await self.system.find_transactions(call.reference)
        undone = _refunded(_captures(call.request, known), known)
        if undone.state is UndoState.REQUESTED:
            raise NotYet("payment-refund-pending", "the refund is on its way")
        return undone

    @operation("shop.fulfilments")
    async def fulfilments(self, call: Call[FulfilmentRequest]) -> Fulfilled:
        """Under which numbers the fulfilment order was fulfilled already, whoever did it."""
        numbers = [one.tracking_number for one in await self.system.find_fulfilments(call.request)]
        ours = tuple(one.tracking_number for one in call.request.parcels)
        return Fulfilled(numbers=tuple(one or "no number" for one in numbers), ours=ours)

    @operation("shop.post_fulfilment")
    async def post_fulfilment(self, call: Call[FulfilmentRequest]) -> Fulfilment:
        """Post fulfilment and tracking. Found by any tracking number: adopting one is right whoever made it.

        Refusal `order-cancelled` where the order was cancelled after the parcel had left.
        """
        ours = {one.tracking_number for one in call.request.parcels}
        for fulfilment in await self.system.find_fulfilments(call.request):
            if fulfilment.tracking_number in ours:
                return fulfilment
        try:
            return await self.system.create_fulfilment(call.key, call.request)
        except Refusal:
            if not (await self.system.fetch_order(call.reference)).cancelled:
                raise
        problem = Problem(field="fulfilment_order_id", reason="belongs to an order that was cancelled: skip")
        raise Refusal("order-cancelled", "the order was cancelled after its parcel had left", problems=[problem])


def _live(known: Sequence[Transaction], *kinds: TransactionKind) -> list[Transaction]:
    return [one for one in known if one.kind in kinds and one.state is not TransactionState.FAILED]


def _captures(request: CaptureRequest, known: Sequence[Transaction]) -> list[Transaction]:
    """The captures of this authorisation, pending ones too."""
    return [one for one in _live(known, TransactionKind.CAPTURE) if one.parent_id == request.authorization_id]


def _settled(captures: Sequence[Transaction]) -> None:
    """Raise NotYet while a capture is on its way."""
    if any(one.state is TransactionState.PENDING for one in captures):
        raise NotYet("capture-pending", "the capture is on its way", retry_after_seconds=_PENDING_SECONDS)


def _adopted(call: Call[CaptureRequest], taken: Sequence[Transaction], known: Sequence[Transaction]) -> Capture:
    """What was captured, as the result. Refusal when it is too little: what to do about it is for people to decide."""
    _settled(taken)
    wanted = call.request.amount
    total = Money.total((left for one in taken if (left := _left(one, known))), wanted.currency)
    if total < wanted:
        problem = Problem(
            field="amount",
            reason=f"is {wanted}, and {total} was captured already and not given back: "
            "collect the rest in the shop and retry, or amend the amount",
        )
        raise Refusal("captured-less", f"{total} of {wanted} was captured", problems=[problem])
    key = call.key if is_repeat(call) else ""
    return Capture(id=taken[0].id, key=key, authorization_id=call.request.authorization_id, amount=total)


def _check_authorization(request: CaptureRequest, known: Sequence[Transaction]) -> None:
    """Refuse what the shop could only refuse, in words that say what to do."""
    kept = next((one for one in known if one.id == request.authorization_id), None)
    if kept is None or kept.kind is not TransactionKind.AUTHORIZATION:
        raise _no_capture("authorization-gone", "authorization_id", "is no authorisation of this order")
    if any(one.parent_id == kept.id for one in _live(known, TransactionKind.VOID)):
        raise _no_capture("authorization-voided", "authorization_id", "was voided in the shop")
    if kept.expires_at is not None and kept.expires_at <= datetime.now(UTC):
        raise _no_capture("authorization-expired", "authorization_id", f"ended at {kept.expires_at:%d %b %H:%M} UTC")
    if request.amount.currency != kept.amount.currency or kept.amount < request.amount:
        reason = f"is {request.amount} and {kept.amount} is authorised: amend it, or collect the payment in the shop"
        problem = Problem(field="amount", reason=f"{reason} and retry")
        raise Refusal("beyond-authorized", reason, problems=[problem])


def _no_capture(code: str, field: str, reason: str) -> Refusal:
    problem = Problem(field=field, reason=f"{reason}: have the customer pay anew in the shop and retry, or cancel")
    return Refusal(code, reason, problems=[problem])


def _failed_capture(made: Transaction) -> Refusal:
    if made.error == "authorization-expired":
        return _no_capture("authorization-expired", "authorization_id", "has ended")
    return _no_capture("capture-failed", "authorization_id", f"was not paid out ({made.error or 'no reason told'})")


def _left(capture: Transaction, known: Sequence[Transaction]) -> Money | None:
    """What of a capture was not given back; None when all was, or is on its way."""
    refunds = [one.amount for one in _live(known, TransactionKind.REFUND) if one.parent_id == capture.id]
    left = capture.amount - Money.total(refunds, capture.amount.currency)
    return left if left.amount > 0 else None


def _refunded(captures: Sequence[Transaction], known: Sequence[Transaction]) -> Undone:
    """What became of the captures. Refusal `payment-refund-failed` when something of them is left."""
    if any(_left(capture, known) for capture in captures):
        problem = Problem(field="amount", reason="did not reach the customer: refund it in the shop, then retry")
        raise Refusal("payment-refund-failed", "the refund failed", problems=[problem])
    ids = {one.id for one in captures}
    refunds = [one for one in _live(known, TransactionKind.REFUND) if one.parent_id in ids]
    if not refunds:
        return Undone(state=UndoState.NOTHING)
    pending = [one for one in refunds if one.state is TransactionState.PENDING]
    told = pending or refunds
    return Undone(
        state=UndoState.REQUESTED if pending else UndoState.UNDONE,
        detail=told[0].id,
        money=Money.total((one.amount for one in told), told[0].amount.currency),
    )


_CHANGES = (EventKind.ORDER_PAID, EventKind.ORDER_EDITED, EventKind.ORDER_REFUNDED)

fetch_order = Read(Shop.fetch_order, title="Fetch the order", news=_CHANGES)
paid = Wait(Shop.paid, title="Wait until paid", team="finance", news=_CHANGES)
released = Wait(Shop.released, title="Wait until others release it", news=_CHANGES)
hold = Effect(
    Shop.hold,
    undo=Shop.release_hold,
    title="Hold the order in the shop",
    foreseen=Foreseen(
        lambda call, _: Hold(id=FORESEEN, fulfilment_order_id=call.request.fulfilment_order_id),
        lambda request: request.reason,
    ),
)
release_hold = Effect(
    Shop.release_hold,
    undo=STANDS,
    title="Release the hold in the shop",
    foreseen=Foreseen(lambda call, _: Undone(state=UndoState.NOTHING), lambda request: ""),
)
cancel_order = Effect(
    Shop.cancel_order,
    undo=STANDS,
    title="Cancel the order in the shop",
    foreseen=Foreseen(
        lambda call, _: Cancellation(state=CancellationState.CANCELLED), lambda request: request.reason.value
    ),
)
cancelled = Wait(Shop.cancelled, title="Wait until cancelled in the shop")
capture = Effect(
    Shop.capture,
    undo=Shop.refund_capture,
    confirm=Shop.capture_refunded,
    title="Capture the payment",
    news=(EventKind.ORDER_REFUNDED,),
    team="finance",
    foreseen=Foreseen(
        lambda call, _: Capture(
            id=FORESEEN,
            key=call.key,
            authorization_id=call.request.authorization_id,
            amount=call.request.amount,
        ),
        lambda request: str(request.amount),
        "capture",
        lambda request: request.amount,
    ),
)
split = Effect(Shop.split, undo=STANDS, title="Split the fulfilment order in the shop")
cancel_goods = Effect(Shop.cancel_goods, undo=STANDS, title="Cancel lines in the shop", team="finance")
add_note = Effect(
    Shop.add_note,
    undo=STANDS,
    title="Note it on the order in the shop",
    foreseen=Foreseen(lambda call, _: Noted(), lambda request: request.text),
)
levels = Read(Shop.levels, title="See what the shop says is in stock")
set_levels = Effect(
    Shop.set_levels,
    undo=STANDS,
    title="Set what the shop may sell",
    foreseen=Foreseen(lambda call, _: LevelsSet(count=len(call.request.changes)), lambda request: request.told),
)
fulfilments = Read(Shop.fulfilments, title="Look at what is fulfilled")
post_fulfilment = Effect(
    Shop.post_fulfilment,
    undo=IRREVERSIBLE,
    title="Post fulfilment and tracking to the shop",
    foreseen=Foreseen(
        lambda call, _: Fulfilment(id=FORESEEN, tracking_number=call.request.tracking_number),
        lambda request: ", ".join(f"{line.quantity} {line.sku}" for line in request.lines),
        "fulfilment",
    ),
)
