"""Send goods of an order once more, after their parcel was lost: the same steps under the next number."""

from __future__ import annotations

from temporalio import workflow

from activities import carrier, inventory, mail, shop, shop_remedies
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.asking import Question
from seamline.process.process import Process, process
from seamline.process.step import Done
from seamline.process.view import Outcome
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.followed import SentParcel
from seamline.records.order import Order
from seamline.records.parcel import Label, LabelRequest, ParcelNumber, ParcelRequest, Quote, Rate
from seamline.records.reference import with_parcel
from seamline.records.remedy import RetrackRequest
from seamline.records.reshipping import parcel_request, reshipped_mail, stock_request, undeclared
from seamline.records.shipping_plan import no_dearer, shipment
from workflows.follow_parcel import FollowParcel, FollowStart, ReshipStart


@process("reship-order")
class ReshipOrder(Process):
    """Starts when staff choose it as the remedy; ends when the second parcel is on the road and the customer knows."""

    roles = ("shop", "inventory", "carrier", "mail")
    repeats = True
    hears = (EventKind.LABEL_CHANGED,)

    def __init__(self) -> None:
        super().__init__()
        self.asked: ReshipStart

    async def run(self, start: ReshipStart) -> Outcome:
        """The story; each line is one business step."""
        self.asked = start
        sent, number = start.sent, start.sent.number
        order = await self.do(shop.fetch_order, OrderRequest(), check=self.unsendable)
        async with self.undoable():
            address = await self.checked_address(order)
            stock = await self.do(inventory.reserve, stock_request(order, sent, address), number=number)
            label = await self.buy_label(order, sent, address)
            await self.until(inventory.packed, stock)
            await self.until(inventory.handed_over, stock)

        # The parcel has left the building: from here only forward.
        await self.do(shop_remedies.retrack, self.retracked(label.result), number=number)
        told = await self.mail_customer(order, label)
        await self.follow(label.result)
        return self.completed(shipment(stock, [label.result], told))

    def unsendable(self, order: Order) -> list[Problem]:
        """Why it cannot be sent again."""
        if order.address is None:
            return [Problem(field="address", reason="is missing: enter it in the shop and retry, or amend it")]
        if order.cancelled:
            return [Problem(field="cancelled", reason="is true: cancel, or skip to send it all the same")]
        missing = undeclared(order, self.asked.sent, self.policy)
        # Runs of earlier releases left it to the carrier to say so.
        return missing if missing and workflow.patched("customs") else []

    async def checked_address(self, order: Order) -> Address:
        """The address as the carrier prints it; what it lacks for delivery, the shop's keeps."""
        given = order.address or Address()
        checked = await self.do(carrier.check_address, given)
        return checked.address.model_copy(update={"email": given.email, "phone": given.phone})

    async def buy_label(self, order: Order, sent: SentParcel, address: Address) -> Done[LabelRequest, Label]:
        """The cheapest rate that keeps the promise, and the label at it."""

        async def quote_again(before: LabelRequest, amended: LabelRequest) -> LabelRequest:
            rate = await self.rate(order, amended.parcel)
            earlier = (*before.earlier_rates, before.rate.id)
            return LabelRequest(parcel=amended.parcel, rate=rate, earlier_rates=earlier)

        parcel = parcel_request(order, sent, address, self.policy)
        first = LabelRequest(parcel=parcel, rate=await self.rate(order, parcel))
        return await self.perform(carrier.buy_label, first, number=sent.number, amended=quote_again)

    async def rate(self, order: Order, parcel: ParcelRequest) -> Rate:
        """The cheapest rate that keeps the promise. A dear one is approved, then quoted again: rates do not wait."""
        approved: Rate | None = None
        while True:
            quote = await self.do(carrier.quote, parcel, check=lambda found: self.too_slow(order, found))
            rate = self.policy.cheapest_rate(order.service, quote)
            reason = self.policy.too_dear(rate.price)
            if not reason or (approved and no_dearer(rate, approved)):
                return rate
            answer = await self.ask(Question("dear-label", "Approve a dear label", reason, about=rate))
            if not answer.approved:
                await self.stop(answer.told)
            approved = rate

    def too_slow(self, order: Order, quote: Quote) -> list[Problem]:
        """Why no rate keeps the promise."""
        return self.policy.rate_problems(order.service, quote)

    def retracked(self, label: Label) -> RetrackRequest:
        """What the shop is told."""
        return RetrackRequest(
            reference=self.start.reference,
            fulfilment_order_id=self.asked.sent.fulfilment_order_id,
            lost_number=self.asked.lost.number,
            tracking_number=label.tracking_number,
            tracking_page=label.tracking_page,
            carrier=label.carrier,
        )

    async def mail_customer(self, order: Order, label: Done[LabelRequest, Label]) -> str:
        """Tell the customer, by mail, unless the order has no address for it. The mail's Message-ID."""
        if not order.email:
            self.note("the customer was not mailed: the order has no email address")
            return ""
        written = reshipped_mail(order, self.asked.sent, label.request.parcel.address.name, label.result)
        return (await self.do(mail.send_shipped, written, number=self.asked.sent.number)).message_id

    async def follow(self, label: Label) -> None:
        """The parcel is followed as the lost one was, by a reference of its own."""
        start = FollowStart(
            reference=with_parcel(self.start.reference, self.asked.sent.number),
            route=self.start.route,
            policy=self.policy,
            started_by=self.name,
            parcel=ParcelNumber(carrier=label.carrier, number=label.tracking_number),
            sent=self.asked.sent,
        )
        await self.hand_on(FollowParcel, start)
