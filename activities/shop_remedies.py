"""The shop after the parcel has left: money given back for goods, and the number of a parcel sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import IRREVERSIBLE, Call, Effect, Foreseen, Read, Wait, operation
from seamline.records.event import EventKind
from seamline.records.money import Money
from seamline.records.order import Order
from seamline.records.payment import Transaction, TransactionKind, TransactionState
from seamline.records.remedy import (
    Goods,
    GoodsRefund,
    GoodsRefundRequest,
    GoodsWorth,
    KnownRefund,
    RefundPart,
    RetrackRequest,
)
from seamline.records.shipping import Fulfilment
from seamline.records.system import FORESEEN


class RemedySystem(Protocol):
    """What a shop must be able to do for goods that have left. Adapters raise the errors of `seamline.errors`."""

    async def fetch_order(self, reference: str) -> Order:
        """The order as it is now."""

    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        """The movements of the order's money, oldest first, whoever made them."""

    async def worth_of(self, reference: str, goods: Goods) -> GoodsWorth:
        """What the shop itself would give back for these goods. Refusal when they are not the order's."""

    async def find_refunds(self, reference: str) -> Sequence[KnownRefund]:
        """All refunds of the order, oldest first, failed ones too."""

    async def refund_goods(
        self, reference: str, key: str, native_key: str, goods: Goods, parts: Sequence[RefundPart]
    ) -> KnownRefund:
        """Give money back for goods, which are not put back to stock; the refund carries `key`. May answer PENDING."""

    async def retrack(self, request: RetrackRequest, fulfilment: Fulfilment) -> Fulfilment:
        """Have the fulfilment show the new number in the lost one's place; the customer is told nothing by the shop."""

    async def find_tracked(self, request: RetrackRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the fulfilment order, one for each number."""


class Remedies:
    """The shop's activities for goods that have left."""

    system: RemedySystem

    @operation("shop.worth_of")
    async def worth_of(self, call: Call[Goods]) -> GoodsWorth:
        """What the customer paid for the goods and has not got back."""
        return await self.system.worth_of(call.reference, call.request)

    @operation("shop.refund_goods")
    async def refund_goods(self, call: Call[GoodsRefundRequest]) -> GoodsRefund:
        """Give the money back, or adopt what was given back for the same goods, whoever did it.

        Refusal `refunded-in-part` or `refunded-by-hand` where it cannot be told whether people gave it back already.
        """
        known = await self.system.find_refunds(call.reference)
        ours = [one for one in known if one.key == call.key]
        made = next((one for one in ours if one.state is not TransactionState.FAILED), None)
        if made is not None:
            return _as_result(made, call.key)
        others = [one for one in known if one.key != call.key and one.state is not TransactionState.FAILED]
        paid = await self.system.find_transactions(call.reference)
        _check_currency(call.request, paid)
        if by_hand := await self._given_back(call, others):
            return by_hand
        _check_unnamed(call.request, others)
        parts = parts_of(call.request.amount, paid)
        # A native key holds for one content: an amended request, or one after a failed refund, needs another.
        native = f"{call.key}/{len(ours) + call.amendment}" if ours or call.amendment else call.key
        made = await self.system.refund_goods(call.reference, call.key, native, call.request.goods, parts)
        return _as_result(made, call.key)

    @operation("shop.goods_refunded")
    async def goods_refunded(self, call: Call[GoodsRefund]) -> GoodsRefund:
        """The refund once the money is back. Refusal `payment-refund-failed` when it did not get there."""
        asked = call.request
        found = next((one for one in await self.system.find_refunds(call.reference) if one.id == asked.id), None)
        if found is None or found.state is TransactionState.FAILED:
            problem = Problem(field="id", reason="did not reach the customer: refund it in the shop, then skip")
            raise Refusal("payment-refund-failed", "the refund failed", problems=[problem])
        if found.state is TransactionState.PENDING:
            raise NotYet("payment-refund-pending", "the refund is on its way")
        return _as_result(found, asked.key)

    @operation("shop.retrack")
    async def retrack(self, call: Call[RetrackRequest]) -> Fulfilment:
        """Have the shop show the number of the parcel sent again, unless it does."""
        found = await self.system.find_tracked(call.request)
        for one in found:
            if one.tracking_number == call.request.tracking_number:
                return one
        lost = next((one for one in found if one.tracking_number == call.request.lost_number), None)
        if lost is None:
            problem = Problem(field="lost_number", reason="is on no fulfilment there: correct it, or skip")
            raise Refusal("no-fulfilment", "the shop has no fulfilment with this number", problems=[problem])
        return await self.system.retrack(call.request, lost)

    async def _given_back(self, call: Call[GoodsRefundRequest], others: Sequence[KnownRefund]) -> GoodsRefund | None:
        """What others gave back for all of these goods. Refusal when it was for some of them."""
        order = await self.system.fetch_order(call.reference)
        left = {line.id: line.quantity for line in order.lines}
        returned = _pieces(others)
        short = [
            (place, one, left.get(one.order_line_id, 0))
            for place, one in enumerate(call.request.goods.lines)
            if left.get(one.order_line_id, 0) < one.quantity and returned.get(one.order_line_id)
        ]
        if not short:
            return None
        wanted = {one.order_line_id for one in call.request.goods.lines}
        if len(short) == len(wanted) and not any(count for _, _, count in short):
            theirs = [one for one in others if wanted & {line.order_line_id for line in one.lines}]
            total = Money.total((one.amount for one in theirs), call.request.amount.currency)
            return GoodsRefund(id=theirs[-1].id, key="", amount=total, state=theirs[-1].state)
        problems = [
            Problem(
                field=f"goods.lines.{place}.quantity",
                reason=f"is {one.quantity}, and {count} are not refunded yet: amend goods and amount, or skip",
            )
            for place, one, count in short
        ]
        raise Refusal("refunded-in-part", "some of the goods were refunded by others", problems=problems)


def _pieces(refunds: Sequence[KnownRefund]) -> Mapping[str, int]:
    """How many pieces of each line these refunds were for."""
    pieces: dict[str, int] = {}
    for line in (line for one in refunds for line in one.lines):
        pieces[line.order_line_id] = pieces.get(line.order_line_id, 0) + line.quantity
    return pieces


def _check_unnamed(request: GoodsRefundRequest, others: Sequence[KnownRefund]) -> None:
    """Refuse where people gave money back and named no goods: it may have been for these."""
    currency = request.amount.currency
    # What our own undo of a capture gave back names its key, and is no refund for goods.
    given = Money.total((one.amount for one in others if not one.lines and not one.key), currency)
    named = request.besides or Money.total((), currency)
    if given.amount <= named.amount:
        return
    problem = Problem(
        field="besides",
        reason=f"is {named}, and {given} was given back by hand for goods that nobody named: skip where it was for "
        "these, or write here how much of it was not",
    )
    raise Refusal("refunded-by-hand", f"{given} was given back by hand", problems=[problem])


def _check_currency(request: GoodsRefundRequest, paid: Sequence[Transaction]) -> None:
    """Refuse a currency that the customer did not pay in."""
    currencies = {one.amount.currency for one in paid}
    for field, amount in (("amount", request.amount), ("besides", request.besides)):
        if amount is not None and currencies and amount.currency not in currencies:
            problem = Problem(field=field, reason=f"must be in the currency that was paid: {', '.join(currencies)}")
            raise Refusal("other-currency", "the customer did not pay in this currency", problems=[problem])


def parts_of(amount: Money, known: Sequence[Transaction]) -> list[RefundPart]:
    """From which captures and sales the money comes, the oldest first."""
    parts: list[RefundPart] = []
    wanted = amount
    for paid in known:
        if paid.state is not TransactionState.DONE or paid.kind not in (TransactionKind.CAPTURE, TransactionKind.SALE):
            continue
        left = left_of(paid, known)
        part = left if left <= wanted else wanted
        if part.amount > 0:
            parts.append(RefundPart(transaction_id=paid.id, amount=part, gateway=paid.gateway))
            wanted = wanted - part
    if wanted.amount > 0:
        problem = Problem(field="amount", reason=f"is {wanted} more than is left of what the customer paid: amend it")
        raise Refusal("beyond-paid", "more would go back than was paid", problems=[problem])
    return parts


def left_of(paid: Transaction, known: Sequence[Transaction]) -> Money:
    """What of a capture or sale was not given back."""
    refunds = [
        one.amount
        for one in known
        if one.kind is TransactionKind.REFUND and one.parent_id == paid.id and one.state is not TransactionState.FAILED
    ]
    return paid.amount - Money.total(refunds, paid.amount.currency)


def _as_result(found: KnownRefund, key: str) -> GoodsRefund:
    return GoodsRefund(id=found.id, key=key, amount=found.amount, state=found.state)


worth_of = Read(Remedies.worth_of, title="See what the goods are worth", team="finance")
refund_goods = Effect(
    Remedies.refund_goods,
    undo=IRREVERSIBLE,
    title="Give the money back",
    team="finance",
    news=(EventKind.ORDER_REFUNDED,),
    foreseen=Foreseen(
        lambda call, _: GoodsRefund(id=FORESEEN, key=call.key, amount=call.request.amount, state=TransactionState.DONE),
        lambda request: str(request.amount),
        "refund",
        lambda request: request.amount,
    ),
)
goods_refunded = Wait(Remedies.goods_refunded, title="Wait until the money is back", team="finance")
retrack = Effect(
    Remedies.retrack,
    undo=IRREVERSIBLE,
    title="Tell the shop the new tracking number",
    foreseen=Foreseen(
        lambda call, _: Fulfilment(id=FORESEEN, tracking_number=call.request.tracking_number),
        lambda request: f"in place of {request.lost_number}",
    ),
)
