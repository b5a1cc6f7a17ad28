"""Take a customer's return: label, receipt, inspection, stock and money back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from temporalio import workflow

from activities import carrier, inventory, mail, shop, shop_remedies, shop_returns
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.asking import Choice, Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.followed import Course, ParcelWatch
from seamline.records.order import Order
from seamline.records.parcel import Label, LabelRequest, ParcelNumber, ParcelRequest, Rate
from seamline.records.remedy import GoodsRefundRequest
from seamline.records.returning import (
    CustomerReturn,
    DeclineRequest,
    InspectedLine,
    Inspection,
    ReturnEnd,
    ReturnRequest,
    ReturnState,
    Way,
    doubts,
    parcel_request,
    receipt_request,
    return_mail,
    undeclared,
    unserved,
    ways_back,
)

BACK_WHERE_FROM = "back-where-from"
"""The change since which goods go back to the warehouse that sent them: earlier runs have them go by the route."""
RESTOCK, SCRAP, REJECT = "restock", "scrap", "reject"
_CHOICES = (
    Choice(RESTOCK, "Accept the goods and put them back on the shelf"),
    Choice(SCRAP, "Accept the goods, which cannot be sold again"),
    Choice(REJECT, "Give nothing back for them"),
)
_OVER = {ReturnState.CLOSED: "the return is closed in the shop", ReturnState.OVER: "the return is over in the shop"}


@process("return-order")
class ReturnOrder(Process):
    """Starts when a return is asked for or opened in the shop, ends when goods and money are back."""

    roles = ("shop", "inventory", "carrier", "mail")
    origin = "shop"
    chosen = ("inventory", "carrier")
    starts_on = (EventKind.RETURN_OPENED,)
    hears = (EventKind.RETURN_OPENED, EventKind.RETURN_CANCELLED, EventKind.PARCEL_MOVED, EventKind.LABEL_CHANGED)
    stops_on: ClassVar = {EventKind.RETURN_CANCELLED: "the return was cancelled in the shop"}

    async def run(self, start: Start) -> Outcome:
        """The story; each line is one business step."""
        back = await self.do(shop_returns.fetch_return, ReturnRequest(), check=self.unserved, strict=True)
        if reason := _OVER.get(back.state):
            return self.ignored(reason)
        order = await self.do(shop.fetch_order, OrderRequest(), check=lambda found: self.unsendable(back, found))
        if declined := await self.refused(back, order):
            return self.completed(ReturnEnd(ended=declined))
        back = await self.sent_back_to(back)

        async with self.undoable():
            label = await self.send_label(back, order)
            await self.wait_until_used(label)

        # The customer has sent it: from here only forward.
        await self.until(carrier.delivered, number_of(label))
        end = await self.settle_with(await self.inspected(back), back, order)
        await self.do(shop_returns.close_return, ReturnRequest())
        return self.completed(end.model_copy(update={"tracking_number": label.tracking_number}))

    def unserved(self, back: CustomerReturn) -> list[Problem]:
        """Why nobody knows where its goods would go."""
        return [] if back.state in _OVER else unserved(back, self.policy, self.route)

    async def sent_back_to(self, back: CustomerReturn) -> CustomerReturn:
        """Have the goods go to the warehouse that they left from; if it may be one of several, people say to which."""
        ways = ways_back(back, self.policy, self.route)
        by_route = (self.route.get("inventory"), self.route.get("carrier"))
        if {(one.inventory, one.carrier) for one in ways.values()} == {by_route}:
            return back
        if not workflow.patched(BACK_WHERE_FROM):
            return back
        name = next(iter(ways)) if len(ways) == 1 else (await self.ask(where_to(back, ways))).choice
        self.choose("inventory", ways[name].inventory)
        self.choose("carrier", ways[name].carrier)
        return back.model_copy(update={"sent_from": (ways[name].place,)})

    def unsendable(self, back: CustomerReturn, order: Order) -> list[Problem]:
        """Why no label can be made."""
        if order.address is None:
            return [Problem(field="address", reason="is missing: enter it in the shop and retry, or amend it")]
        return undeclared(back, order, self.policy)

    async def refused(self, back: CustomerReturn, order: Order) -> str:
        """Who declined the return; empty when it is taken. What the rules do not take, support decides."""
        reasons = doubts(back, order, self.policy, workflow.now())
        if reasons:
            answer = await self.ask(Question("return", "Take a return", "; ".join(reasons), about=back, team="support"))
            if not answer.approved:
                await self.do(shop_returns.decline_return, DeclineRequest(note=answer.why))
                return answer.told
        if back.state is ReturnState.REQUESTED:
            await self.do(shop_returns.approve_return, ReturnRequest())
        return ""

    async def send_label(self, back: CustomerReturn, order: Order) -> Label:
        """Buy the cheapest label from the customer to us, and mail it."""
        parcel = parcel_request(back, order, order.address or Address(), self.policy)
        label = await self.do(carrier.buy_label, LabelRequest(parcel=parcel, rate=await self.rate(parcel)))
        if order.email:
            await self.do(mail.send_return_label, return_mail(back, order, label))
        else:
            self.manual.append(f"send the customer the return label: the order has no email address ({label.id})")
        return label

    async def rate(self, parcel: ParcelRequest) -> Rate:
        """The cheapest rate; a dear one is approved first."""
        quote = await self.do(carrier.quote, parcel)
        rate = min(quote.rates, key=lambda one: (one.price.amount, one.id))
        if reason := self.policy.too_dear(rate.price):
            answer = await self.ask(Question("dear-label", "Approve a dear label", reason, about=rate))
            if not answer.approved:
                await self.stop(answer.told)
        return rate

    async def wait_until_used(self, label: Label) -> None:
        """Until the carrier has the parcel. A label that nobody uses is given back."""
        days = self.policy.aftersales.unused_label_days
        watch = ParcelWatch(parcel=number_of(label), since=workflow.now(), silent_days=days)
        if (await self.until(carrier.used, watch)).course is Course.SILENT:
            self.manual.append("close the return in the shop: the customer sent nothing")
            await self.stop(f"nobody used the label for {days:g} days")

    async def inspected(self, back: CustomerReturn) -> tuple[Inspection, str]:
        """What staff say of the goods that came back; what nobody accepts is told with the reason."""
        lines = tuple(
            InspectedLine(order_line_id=one.order_line_id, sku=one.sku, quantity=one.quantity, restock=one.quantity)
            for one in back.lines
        )
        worth = await self.do(shop_remedies.worth_of, Inspection.goods_of(lines))
        proposed = Inspection(lines=lines, amount=worth.amount)
        why = "; ".join(f"{one.quantity} {one.title}: {one.reason} {one.note}".rstrip() for one in back.lines)
        answer = await self.ask(Question("inspect-return", "Inspect a return", why, about=proposed, choices=_CHOICES))
        found = answer.amended if isinstance(answer.amended, Inspection) else proposed
        if answer.choice == REJECT:
            return found.rejected, answer.told
        if found.lines != proposed.lines and found.amount == proposed.amount and found.accepted:
            worth = await self.do(shop_remedies.worth_of, Inspection.goods_of(found.lines))
            found = found.model_copy(update={"amount": worth.amount})
        return (found if answer.choice == RESTOCK else found.scrapped), answer.told

    async def settle_with(self, judged: tuple[Inspection, str], back: CustomerReturn, order: Order) -> ReturnEnd:
        """Put on the shelf what can be sold, and give back the money of what is accepted."""
        inspection, told = judged
        if inspection.restocked:
            await self.do(inventory.receive, receipt_request(inspection, back, order))
        if not inspection.accepted:
            self.manual.append(f"agree with the customer on the goods of {back.number}: nothing is given back for them")
            return ReturnEnd(ended=told)
        request = GoodsRefundRequest(goods=Inspection.goods_of(inspection.lines), amount=inspection.amount)
        made = await self.do(shop_remedies.refund_goods, request)
        refund = await self.until(shop_remedies.goods_refunded, made)
        return ReturnEnd(ended=told, refunded=str(refund.amount), restocked=inspection.restocked)


def where_to(back: CustomerReturn, ways: Mapping[str, Way]) -> Question:
    """Which warehouse the goods go to, where they are in one parcel and left from several, or nobody knows."""
    told = f"left from {' and '.join(back.sent_from)}" if back.sent_from else "left from a location that is not told"
    choices = tuple(
        Choice(name, f"Have them sent to {way.place or 'where the route leads'}") for name, way in ways.items()
    )
    reason = f"the goods of {back.number} {told}"
    return Question("return-warehouse", "Choose where a return goes", reason, about=back, choices=choices)


def number_of(label: Label) -> ParcelNumber:
    """What the carrier tracks it by."""
    return ParcelNumber(carrier=label.carrier, number=label.tracking_number)
