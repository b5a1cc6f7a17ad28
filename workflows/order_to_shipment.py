"""Take a paid order to a parcel in the carrier's hands, and tell the customer."""

from __future__ import annotations

from typing import ClassVar

from temporalio import workflow

from activities import carrier, inventory, mail, shop
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.asking import Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.step import Done
from seamline.process.view import Outcome
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.event import EventKind
from seamline.records.order import FulfilmentOrder, Order, Payment
from seamline.records.parcel import Label, LabelRequest, ParcelNumber, ParcelRequest, Quote, Rate, ReplacedLabels
from seamline.records.payment import CaptureRequest, PaymentMode
from seamline.records.policy import Policy
from seamline.records.risk import CancelRequest, HoldRequest
from seamline.records.shipping import FulfilmentRequest, MailLine, ShippedMail
from seamline.records.stock import Reservation, StockLine, StockRequest
from workflows.follow_parcel import FollowParcel, FollowStart
from workflows.follow_refund import FollowRefund, RefundStart

CANCELLED_THERE = "cancelled in the shop"


class Shipment(Record):
    """What came of an order: the ids in each system, and what carrying it cost."""

    sale_id: str
    shipment_id: str
    label_id: str
    carrier: str
    service: str
    tracking_number: str
    label_price: str
    message_id: str = ""
    """The mail to the customer; empty when the order had no address for one."""


@process("order-to-shipment")
class OrderToShipment(Process):
    """Starts when an order is paid, ends when its parcel is on the road and the customer knows."""

    roles = ("shop", "inventory", "carrier", "mail")
    origin = "shop"
    starts_on = (EventKind.ORDER_PAID, EventKind.ORDER_AUTHORIZED)
    hears = (
        EventKind.ORDER_PAID,
        EventKind.ORDER_CANCELLED,
        EventKind.ORDER_EDITED,
        EventKind.ORDER_REFUNDED,
        EventKind.LABEL_CHANGED,
    )
    stops_on: ClassVar = {EventKind.ORDER_CANCELLED: CANCELLED_THERE}

    async def run(self, start: Start) -> Outcome:
        """The story; each line is one business step."""
        order, found = await self.ready_order()
        if reason := order.not_ours(self.policy):
            return self.ignored(reason)
        part = order.open_fulfilment_orders[0]

        async with self.undoable():
            await self.clear_risk(order, part)
            address = await self.checked_address(order)
            stock = await self.do(inventory.reserve, stock_request(order, part, address))
            label = await self.buy_label(order, part, address)
            await self.until(inventory.packed, stock)
            await self.collect_payment(await self.still_wanted(found))
            await self.until(inventory.handed_over, stock)

        # The parcel has left the building: from here only forward.
        await self.do(shop.post_fulfilment, fulfilment_request(order, part, label.result))
        sent = await self.mail_customer(order, part, label)
        await self.follow(label.result)
        return self.completed(shipment(stock, label.result, sent))

    async def ready_order(self) -> tuple[Order, Order]:
        """The order once it can be shipped, as staff may have amended it, and as the shop has it."""
        looked = await self.perform(shop.fetch_order, OrderRequest(), check=self.broken_rules)
        if looked.result.awaits_payment and not looked.result.not_ours(self.policy):
            await self.until(shop.paid, OrderRequest())
            looked = await self.perform(shop.fetch_order, OrderRequest(), check=self.broken_rules)
        return looked.result, looked.found

    def broken_rules(self, order: Order) -> list[Problem]:
        """What staff must mend before anything is done; an order that is not ours needs no mending."""
        if order.not_ours(self.policy):
            return []
        return [*order.broken_rules(), *order.not_ready(self.policy, workflow.now())]

    async def clear_risk(self, order: Order, part: FulfilmentOrder) -> None:
        """Hold a risky order in the shop until somebody has decided; rejected, it is cancelled there."""
        reason = self.policy.too_risky(order.risk)
        if not reason:
            return
        hold = HoldRequest(fulfilment_order_id=part.id, reason="waits for a decision on its risk")
        await self.do(shop.hold, hold)
        answer = await self.ask(Question("risk", "Clear a risky order", reason, about=order.risk, team="fraud"))
        if not answer.approved:
            cancellation = await self.do(shop.cancel_order, CancelRequest(note="its risk was not accepted"))
            await self.until(shop.cancelled, cancellation)
            await self.stop(answer.told)
        await self.do(shop.release_hold, hold)

    async def still_wanted(self, earlier: Order) -> Order:
        """The order as the shop has it now: people may have changed it, or its authorisation has ended."""
        order = await self.do(shop.fetch_order, OrderRequest(), check=lambda now: self.changed(earlier, now))
        if order.cancelled:
            await self.stop(CANCELLED_THERE)
        return order

    def changed(self, earlier: Order, now: Order) -> list[Problem]:
        """What became of the order meanwhile; a cancelled one needs no mending."""
        return [] if now.cancelled else now.problems_since(earlier, workflow.now())

    async def collect_payment(self, order: Order) -> None:
        """Capture what is authorised, where that is left to us."""
        ours = order.payment_mode is PaymentMode.OURS and order.payment is Payment.AUTHORIZED
        if ours and order.authorization:
            request = CaptureRequest(authorization_id=order.authorization.id, amount=order.to_collect)
            await self.do(shop.capture, request)

    async def checked_address(self, order: Order) -> Address:
        """The address as the carrier prints it; what it lacks for delivery, the shop's keeps."""
        given = order.address or Address()
        checked = await self.do(carrier.check_address, given)
        return checked.address.model_copy(update={"email": given.email, "phone": given.phone})

    async def buy_label(self, order: Order, part: FulfilmentOrder, address: Address) -> Done[LabelRequest, Label]:
        """Quote, choose the cheapest rate that keeps the promise, buy it."""

        async def request(parcel: ParcelRequest, earlier_rates: tuple[str, ...] = ()) -> LabelRequest:
            rate = await self.affordable_rate(order, parcel)
            return LabelRequest(parcel=parcel, rate=rate, earlier_rates=earlier_rates)

        async def quote_again(before: LabelRequest, amended: LabelRequest) -> LabelRequest:
            return await request(amended.parcel, (*before.earlier_rates, before.rate.id))

        first = await request(parcel_request(order, part, address))
        return await self.perform(carrier.buy_label, first, amended=quote_again)

    async def affordable_rate(self, order: Order, parcel: ParcelRequest) -> Rate:
        """The cheapest rate that keeps the promise. A dear one is approved, then quoted again: rates do not wait."""
        approved: Rate | None = None
        while True:
            quote = await self.do(carrier.quote, parcel, check=lambda found: self.too_slow(order, found))
            rate = self.policy.cheapest_rate(order.service, quote)
            reason = self.policy.too_dear(rate.price)
            if not reason or (approved and no_dearer(rate, approved)):
                return rate
            await self.approved(Question("dear-label", "Approve a dear label", reason, about=rate))
            approved = rate

    def too_slow(self, order: Order, quote: Quote) -> list[Problem]:
        """Why no rate keeps the promise."""
        return self.policy.rate_problems(order.service, quote)

    async def approved(self, question: Question) -> None:
        """Go on only with an approval; rejected, the order is taken back."""
        answer = await self.ask(question)
        if not answer.approved:
            await self.stop(answer.told)

    async def mail_customer(self, order: Order, part: FulfilmentOrder, label: Done[LabelRequest, Label]) -> str:
        """Tell the customer, by mail, unless the order has no address for it. The mail's Message-ID."""
        if not order.email:
            self.note("the customer was not mailed: the order has no email address")
            return ""
        sent = await self.do(mail.send_shipped, shipped_mail(order, part, label))
        return sent.message_id

    async def follow(self, label: Label) -> None:
        """What takes days goes on in processes of its own: the parcel, and the money of replaced labels."""
        await self.hand_on(FollowParcel, self.follow_start(label))
        if label.replaces:
            await self.hand_on(FollowRefund, self.refund_start(label))

    def follow_start(self, label: Label) -> FollowStart:
        """The parcel's own process."""
        return FollowStart(
            reference=self.start.reference,
            route=self.start.route,
            policy=self.slower(),
            started_by=self.name,
            parcel=ParcelNumber(carrier=label.carrier, number=label.tracking_number),
        )

    def refund_start(self, label: Label) -> RefundStart:
        """The process of the labels that this one took the place of."""
        return RefundStart(
            reference=self.start.reference,
            route=self.start.route,
            policy=self.slower(),
            started_by=self.name,
            replaced=ReplacedLabels(labels=label.replaces),
        )

    def slower(self) -> Policy:
        """Carriers are asked less often than shelves are looked at."""
        return self.policy.model_copy(
            update={
                "poll_seconds": self.policy.tracking_poll_seconds,
                "poll_max_seconds": self.policy.tracking_poll_max_seconds,
            }
        )


def no_dearer(rate: Rate, approved: Rate) -> bool:
    """Whether an approval of one rate holds for another."""
    return rate.price.currency == approved.price.currency and rate.price.amount <= approved.price.amount


def stock_request(order: Order, part: FulfilmentOrder, address: Address) -> StockRequest:
    """What to reserve for one fulfilment order."""
    return StockRequest(
        reference=order.reference,
        number=order.number,
        currency=order.currency,
        address=address,
        lines=tuple(
            StockLine(sku=one.sku, quantity=one.quantity, unit_price=order.line(one.order_line_id).unit_price)
            for one in part.lines
        ),
    )


def parcel_request(order: Order, part: FulfilmentOrder, address: Address) -> ParcelRequest:
    """One parcel with all of a fulfilment order. Goods without a weight count as one gram."""
    return ParcelRequest(
        reference=order.reference,
        address=address,
        weight_grams=max(1, order.weight_grams(part)),
        value=order.value(part),
    )


def fulfilment_request(order: Order, part: FulfilmentOrder, label: Label) -> FulfilmentRequest:
    """What the shop is told."""
    return FulfilmentRequest(
        reference=order.reference,
        fulfilment_order_id=part.id,
        lines=part.lines,
        tracking_number=label.tracking_number,
        tracking_page=label.tracking_page,
        carrier=label.carrier,
    )


def shipped_mail(order: Order, part: FulfilmentOrder, label: Done[LabelRequest, Label]) -> ShippedMail:
    """What the customer is told, at the address the label was finally bought for."""
    return ShippedMail(
        reference=order.reference,
        to=order.email,
        name=label.request.parcel.address.name,
        number=order.number,
        locale=order.locale,
        carrier=label.result.carrier,
        tracking_number=label.result.tracking_number,
        tracking_page=label.result.tracking_page,
        lines=tuple(MailLine(title=order.line(one.order_line_id).title, quantity=one.quantity) for one in part.lines),
    )


def shipment(stock: Reservation, label: Label, message_id: str) -> Shipment:
    """The outcome's record."""
    return Shipment(
        sale_id=stock.id,
        shipment_id=stock.shipment_id,
        label_id=label.id,
        carrier=label.carrier,
        service=label.service,
        tracking_number=label.tracking_number,
        label_price=str(label.price or ""),
        message_id=message_id,
    )
