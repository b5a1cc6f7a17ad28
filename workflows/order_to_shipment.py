"""Take a paid order to a parcel in the carrier's hands, and tell the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from temporalio import workflow

from activities import carrier, inventory, mail, shop
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.asking import Question
from seamline.process.effect import IRREVERSIBLE
from seamline.process.process import process
from seamline.process.step import Done
from seamline.process.view import Outcome
from seamline.records.address import Address
from seamline.records.customs_rules import undeclarable
from seamline.records.event import EventKind
from seamline.records.location import LabelsAt
from seamline.records.order import Order
from seamline.records.order_changes import CANCELLED_THERE
from seamline.records.order_rules import broken_rules, not_ours, not_ready, waited_for
from seamline.records.parcel import (
    Label,
    LabelRequest,
    ParcelNumber,
    ParcelRequest,
    Quote,
    Rate,
    ReplacedLabel,
    ReplacedLabels,
)
from seamline.records.policy import Policy
from seamline.records.reference import effect_key, with_parcel
from seamline.records.risk import CancelRequest, HoldRequest
from seamline.records.shipping import FulfilmentRequest
from seamline.records.shipping_plan import (
    PACKED,
    Plan,
    Shipment,
    fulfilment_request,
    merged,
    no_dearer,
    parcel_requests,
    sent_parcel,
    shipment,
    shipped_mail,
    stock_request,
    unpacked,
)
from seamline.records.shop_rules import Mailer
from seamline.records.stock import Reservation, ShipmentState
from seamline.records.take_over import once_reserved, only_owes, taken_over
from workflows.follow_parcel import FollowParcel, FollowStart
from workflows.follow_refund import FollowRefund, RefundStart
from workflows.parting import OrderStart
from workflows.replanning import Replanning
from workflows.reserving import NEWS

SHIPPED_BY_OTHERS = ("reserve", "buy-label", "ship", "post-fulfilment", "send-shipped")
VANISHED = ("cancelled-there",)
"""What people did to the shipment when it is waited for in vain."""
CAPTURE_FOR_ALL = replace(shop.capture, undo=IRREVERSIBLE, confirm=None, title="Capture the payment of the whole order")
"""Where other parts ship for the same money, so that none takes it back: that is left to the shop and to people."""


@dataclass(frozen=True)
class Bought:
    """A label, and the parcel that it was planned for: staff may have amended what it was bought for."""

    planned: ParcelRequest
    done: Done[LabelRequest, Label]


@dataclass
class Ready:
    """A plan carried out as far as the goods can be packed; then as they were packed, with a label for each parcel."""

    plan: Plan
    address: Address
    """As the carrier prints it."""
    stock: Reservation
    bought: tuple[Bought, ...] = ()
    theirs: tuple[Label, ...] = ()
    """The labels where others buy them, once they have left with the parcels."""

    @property
    def labels(self) -> list[Label]:
        """The labels of its parcels."""
        return [*(one.done.result for one in self.bought), *self.theirs]


@process("order-to-shipment")
class OrderToShipment(Replanning):
    """Starts when an order is paid, ends when its parcels are on the road and the customer knows.

    One fulfilment order is shipped by one process: the order's own, which starts one for each of the others.
    """

    roles = ("shop", "inventory", "carrier", "mail")
    origin = "shop"
    chosen = ("inventory", "carrier")
    starts_on = (EventKind.ORDER_PAID, EventKind.ORDER_AUTHORIZED)
    hears = (
        EventKind.ORDER_PAID,
        EventKind.ORDER_CANCELLED,
        EventKind.ORDER_EDITED,
        EventKind.ORDER_REFUNDED,
        EventKind.ORDER_FULFILLED,
        EventKind.LABEL_CHANGED,
        EventKind.LABEL_REFUNDED,
        EventKind.STOCK_CHANGED,
    )
    stops_on: ClassVar = {EventKind.ORDER_CANCELLED: CANCELLED_THERE}

    async def run(self, start: OrderStart) -> Outcome:
        """The story; each line is one business step."""
        plan = await self.first_plan(start)
        if not start.fulfilment_order and only_owes(plan.order, self.policy):
            return await self.only_paid(plan.order)
        if ignored := not_ours(plan.order, self.policy):
            return self.ignored(ignored.text, ignored.why)
        self.serve_from(plan.part)
        self.taken_over = taken_over(plan.order, self.policy)

        async with self.undoable():
            await self.clear_risk(plan, start)
            plan = await self.as_it_is_now(plan)
            address = await self.checked_address(plan)
            await self.ship_others(plan.order)
            ready = await self.made_ready(plan, address)
            while not (await self.packed(ready) and await self.paid(ready) and await self.handed_over(ready)):
                ready = await self.planned_anew(ready)

        # The parcels have left the building: from here only forward.
        ready.theirs = await self.their_labels(ready.plan, ready.stock)
        await self.do(shop.post_fulfilment, self.fulfilment(ready))
        sent = await self.mail_customer(ready)
        await self.follow(ready)
        return self.completed(shipment(ready.stock, ready.labels, sent, self.times_anew))

    async def first_plan(self, start: OrderStart) -> Plan:
        """What to ship, once it can be shipped."""
        self.own, self.backordered = start.fulfilment_order, start.backordered
        # The order's process may have told of a later one before this began.
        self.amended = self.passed_on = self.amended or start.amended
        while True:
            looked = await self.fetched(self.broken_rules)
            order = looked.result
            if not_ours(order, self.policy) or not (order.awaits_payment or order.held):
                return Plan(order=order, found=looked.found, partial=bool(self.others))
            await self.until(shop.paid if order.awaits_payment else shop.released, OrderRequest(part=self.own))

    def broken_rules(self, order: Order) -> list[Problem]:
        """What staff must mend before anything is done; an order that is not ours needs no mending."""
        if not_ours(order, self.policy):
            return []
        problems = [*broken_rules(order), *not_ready(order, self.policy, workflow.now())]
        left_to_others = waited_for(order)
        # Runs of earlier releases had people look for what is now waited for.
        if left_to_others and not workflow.patched("waits-for-others"):
            problems += left_to_others
        undeclared = undeclarable(order, order.open_fulfilment_orders[0], self.policy)
        # Nor did they ask for what customs do.
        if undeclared and workflow.patched("customs"):
            problems += undeclared
        return problems

    async def clear_risk(self, plan: Plan, start: OrderStart) -> None:
        """Hold a risky order in the shop until somebody has decided; rejected, it is cancelled there."""
        risk = plan.order.risk
        reason = "" if start.cleared else self.policy.too_risky(risk)
        if not reason:
            return
        words = "waits for a decision on its risk"
        holds = [HoldRequest(fulfilment_order_id=one, reason=words) for one in (plan.part.id, *self.others)]
        for number, hold in enumerate(holds, 1):
            await self.do(shop.hold, hold, number=number)
        answer = await self.ask(Question("risk", "Clear a risky order", reason, about=risk, team="fraud"))
        if not answer.approved:
            cancellation = await self.do(shop.cancel_order, CancelRequest(note="its risk was not accepted"))
            await self.until(shop.cancelled, cancellation)
            await self.stop(answer.told)
        for number, hold in enumerate(holds, 1):
            await self.do(shop.release_hold, hold, number=number)

    async def made_ready(self, plan: Plan, address: Address) -> Ready:
        """Stock reserved, labels bought."""
        plan, address, stock = await self.reserved(plan, address)
        self.taken_over = once_reserved(self.taken_over, stock)
        return await self.labelled(Ready(plan, address, stock))

    async def made_anew(self, plan: Plan, before: Ready, *, stock_gone: bool) -> Ready:
        """The same again, and the address checked, as far as it does not fit any more, or is gone."""
        moved = before.plan.order.address != plan.order.address
        address = await self.checked_address(plan) if moved else before.address
        stock = before.stock
        if stock_gone or not stock_request(before.plan, before.address).same(stock_request(plan, address)):
            plan, address, stock = await self.reserved(plan, address)
        if stock.state is ShipmentState.DONE:
            return replace(before, plan=self.left_meanwhile(before.plan, plan.found), stock=stock)
        return await self.labelled(Ready(plan, address, stock, before.bought))

    async def labelled(self, ready: Ready) -> Ready:
        """A label for each parcel that is known so far; one that fits no more is given back for another."""
        if self.others_label:
            return ready
        bought = list(ready.bought)
        early = self.early(ready.plan)
        parcels = parcel_requests(ready.plan, ready.address, ready.stock, self.policy, early=early)
        for place, parcel in enumerate(parcels):
            old = bought[place] if place < len(bought) else None
            if old is None:
                bought.append(Bought(parcel, await self.buy_label(ready.plan, parcel, place + 1)))
            elif old.done.result.id in self.labels_gone or old.planned != parcel:
                wanted = merged(old.done.request.parcel, old.planned, parcel)
                bought[place] = Bought(parcel, await self.buy_label(ready.plan, wanted, place + 1, old.done.request))
        if ready.stock.state in PACKED:
            await self.give_back_labels(bought[len(parcels) :], len(parcels) + 1)
            del bought[len(parcels) :]
        return replace(ready, bought=tuple(bought))

    async def give_back_labels(self, bought: Sequence[Bought], first: int) -> None:
        """Ask back the money of labels that no parcel needs, since fewer were packed in the end."""
        for number, one in enumerate(bought, first):
            await self.give_back(carrier.buy_label, number=number)
            label = one.done.result
            self.given_back += [*label.replaces, ReplacedLabel(id=label.id, rate_id=label.rate_id)]
            self.note(f"label {label.id} is given back: fewer parcels were packed")

    def early(self, plan: Plan) -> bool:
        """Whether the label is there when the packers begin."""
        return self.policy.labels_at_location(plan.part.location) is LabelsAt.RESERVED

    async def packed(self, ready: Ready) -> bool:
        """Whether it is packed, and in which parcels; not as soon as something is told that may change the plan."""
        early, known = self.early(ready.plan), ready.stock.parcels
        told = await self.until(
            inventory.packed,
            ready.stock,
            unless=NEWS,
            since=self.known,
            refused=VANISHED,
            check=lambda packed: [] if self.others_label else unpacked(packed.parcels or known, early=early),
        )
        if told is not None:
            ready.stock = told.model_copy(update={"parcels": told.parcels or known})
        return told is not None

    async def handed_over(self, ready: Ready) -> bool:
        """Whether the carrier has it; not as soon as something is told that may change the plan."""
        told = await self.until(inventory.handed_over, ready.stock, unless=NEWS, since=self.known, refused=VANISHED)
        if told is not None and self.others_label:
            ready.stock = told
        return told is not None

    async def paid(self, ready: Ready) -> bool:
        """Whether what the order still wants is packed, each parcel has its label, and the payment is collected."""
        order = await self.still_wanted(ready.plan)
        if order is None:
            return False
        await self.ship_others(order)
        ready.bought = (await self.labelled(ready)).bought
        await self.collect_payment(order)
        return True

    async def planned_anew(self, ready: Ready) -> Ready:
        """What people did meanwhile: adopted where it is right, planned anew where it may be, else named to people."""
        told = fulfilment_request(ready.plan, ready.labels) if ready.bought else None
        plan, stock_gone = await self.looked_over(ready.plan, ready.stock, ready.labels, told)
        return await self.made_anew(plan, ready, stock_gone=stock_gone)

    async def collect_payment(self, order: Order) -> None:
        """Capture what is authorised, where that is left to us: of the whole order, whichever part is packed first."""
        if due := order.capture_due:
            await self.do(CAPTURE_FOR_ALL if order.in_parts else shop.capture, due)

    async def only_paid(self, order: Order) -> Outcome:
        """Take the payment of an order that others have shipped before it was ours; all else was theirs."""
        async with self.undoable():
            await self.collect_payment(order)
        theirs = tuple(effect_key(order.reference, purpose) for purpose in SHIPPED_BY_OTHERS)
        return self.completed(Shipment()).model_copy(update={"by_hand": (*theirs, *self.undo.by_hand)})

    async def checked_address(self, plan: Plan) -> Address:
        """The address as the carrier prints it; what it lacks for delivery, the shop's keeps.

        What people amend in it, or in the order before, they amend for all of its parts.
        """
        given = plan.order.address or Address()
        done = await self.perform(carrier.check_address, given)
        await self.amend(plan, done.request)
        return done.result.address.model_copy(update={"email": given.email, "phone": given.phone})

    async def buy_label(
        self, plan: Plan, parcel: ParcelRequest, number: int, before: LabelRequest | None = None
    ) -> Done[LabelRequest, Label]:
        """Quote, choose the cheapest rate that keeps the promise, buy it. One bought `before` is given back."""

        async def request(parcel: ParcelRequest, before: LabelRequest | None) -> LabelRequest:
            rate = await self.affordable_rate(plan.order, parcel)
            earlier = (*before.earlier_rates, before.rate.id) if before else ()
            return LabelRequest(parcel=parcel, rate=rate, earlier_rates=earlier)

        async def quote_again(before: LabelRequest, amended: LabelRequest) -> LabelRequest:
            return await request(amended.parcel, before)

        done = await self.perform(carrier.buy_label, await request(parcel, before), number=number, amended=quote_again)
        if done.request.parcel.address != parcel.address:
            await self.amend(plan, merged(self.address_of(plan), parcel.address, done.request.parcel.address))
        return done

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

    @property
    def shop_mails(self) -> bool:
        """Whether the shop tells the customer that a parcel left: then we do not."""
        return self.policy.shop(self.start.reference).mails is Mailer.SHOP

    def fulfilment(self, ready: Ready) -> FulfilmentRequest:
        """What the shop is told."""
        told = fulfilment_request(ready.plan, ready.labels)
        return told.model_copy(update={"notify": self.shop_mails})

    async def mail_customer(self, ready: Ready) -> str:
        """Tell the customer, by mail, unless the shop does or the order has no address. The mail's Message-ID."""
        if self.shop_mails:
            self.note("the customer is mailed by the shop")
            return ""
        if not ready.plan.order.email:
            self.note("the customer was not mailed: the order has no email address")
            return ""
        name = ready.bought[0].done.request.parcel.address.name if ready.bought else ready.address.name
        sent = await self.do(mail.send_shipped, shipped_mail(ready.plan, name, ready.labels))
        return sent.message_id

    async def follow(self, ready: Ready) -> None:
        """What takes days goes on in processes of its own: each parcel, and the money of replaced labels."""
        for number in range(1, len(ready.bought) + 1):
            await self.hand_on(FollowParcel, self.follow_start(ready, number))
        if replaced := [*(one for label in ready.labels for one in label.replaces), *self.given_back]:
            await self.hand_on(FollowRefund, self.refund_start(replaced))

    def follow_start(self, ready: Ready, number: int) -> FollowStart:
        """A parcel's own process."""
        label = ready.labels[number - 1]
        return FollowStart(
            reference=with_parcel(self.start.reference, number),
            route=self.route,
            policy=self.policy,
            started_by=self.name,
            parcel=ParcelNumber(carrier=label.carrier, number=label.tracking_number),
            sent=sent_parcel(ready.plan, number, len(ready.labels), ready.stock.parcels),
        )

    def refund_start(self, replaced: Sequence[ReplacedLabel]) -> RefundStart:
        """The process of the labels that others took the place of."""
        return RefundStart(
            reference=self.start.reference,
            route=self.route,
            policy=self.slower(),
            started_by=self.name,
            replaced=ReplacedLabels(labels=tuple(replaced)),
        )

    def slower(self) -> Policy:
        """Carriers are asked less often than shelves are looked at."""
        return self.policy.model_copy(
            update={
                "poll_seconds": self.policy.tracking_poll_seconds,
                "poll_max_seconds": self.policy.tracking_poll_max_seconds,
            }
        )
