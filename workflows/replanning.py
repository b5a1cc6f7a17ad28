"""What people do to an order while its process runs: noticed, adopted, planned anew, or named to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from temporalio import workflow

from activities import carrier, inventory, shop, shop_labels
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.asking import Choice, Question
from seamline.process.step import Done
from seamline.records.order import Order
from seamline.records.order_changes import (
    CANCELLED_THERE,
    Difference,
    adopted,
    changed,
    difference,
    in_the_way,
    over,
)
from seamline.records.order_rules import not_ours
from seamline.records.parcel import Label, LabelState, ReplacedLabel
from seamline.records.reference import effect_key
from seamline.records.shipping import Fulfilled, FulfilmentRequest, PartRequest, Tracked
from seamline.records.shipping_plan import Plan, bought_by_others
from seamline.records.shop_rules import Labels
from seamline.records.stock import Reservation, ShipmentState
from workflows.reserving import NEWS, Reserving

PLANS_ANEW = "plans-anew"
"""The change since which people's changes are planned anew: runs that were begun before it wait for staff."""
LEFT_LABELS = "left-labels"
"""The change since which it is told that a refunded label's parcel has left: earlier runs ask as if it had not."""
KEEPS_FOUND = "keeps-found"
"""The change since which what people amend in a look is no change of the shop's: earlier runs ask about it again."""
PLAN_ANEW, AS_PLANNED, AS_IT_IS = "plan-anew", "as-planned", "as-it-is"
GIVEN_BACK = (LabelState.REFUND_REQUESTED, LabelState.REFUNDED)


class Replanning(Reserving):
    """A process whose plan follows what people do in the systems."""

    def __init__(self) -> None:
        super().__init__()
        self.times_anew = 0
        self.labels_gone: set[str] = set()
        """Labels that people took back, by their ids: what is packed in the end needs others."""
        self.labels_kept: set[str] = set()
        """Labels that people took back when their parcels had left, and that these travel with all the same."""
        self.given_back: list[ReplacedLabel] = []
        """Labels whose money was asked back since no parcel needs them."""

    def broken_rules(self, order: Order) -> list[Problem]:
        """What staff must mend before anything is done."""
        raise NotImplementedError

    async def fetched(self, check: Callable[[Order], list[Problem]]) -> Done[OrderRequest, Order]:
        """The order as the shop has it now: what was told of it until here is no news any more."""
        self.known = self.heard(NEWS)
        return await self.fetched_alone(check)

    async def as_it_is_now(self, plan: Plan) -> Plan:
        """The plan, made anew where something was told of the order while it was held."""
        if self.heard(NEWS) == self.known or not workflow.patched(PLANS_ANEW):
            return plan
        now = (await self.fetched(self.broken_rules)).result
        if ignored := not_ours(now, self.policy):
            await self.stop(ignored.text)
        return plan.anew(now)

    async def still_wanted(self, plan: Plan) -> Order | None:
        """The order as the shop has it now; None when people changed what is under way."""
        order = (await self.fetched(lambda now: self.unpayable(plan, now))).result
        if order.cancelled:
            await self.stop(CANCELLED_THERE)
        return None if changed(plan, order) and workflow.patched(PLANS_ANEW) else order

    def unpayable(self, plan: Plan, now: Order) -> list[Problem]:
        """Why the payment cannot be collected. What else was changed is looked over next, by its own rules."""
        what = changed(plan, now)
        if now.cancelled or (what and workflow.patched(PLANS_ANEW)):
            return []
        if what:
            return [Problem(field="lines", reason=f"{what}: cancel here and start anew, or change it back there")]
        return now.payment_since(plan.found, workflow.now())

    async def looked_over(
        self, plan: Plan, stock: Reservation, labels: Sequence[Label], told: FulfilmentRequest | None
    ) -> tuple[Plan, bool]:
        """The plan for what the systems have now, and whether stock must be reserved anew: people gave it back."""
        stock = await self.do(inventory.look, stock)
        labels = [await self.do(carrier.look, label) if label.key else label for label in labels]
        fulfilled = await self.fulfilled(plan, told)
        looked = await self.fetched(lambda now: in_the_way(plan, now, fulfilled, self.policy, workflow.now()))
        now = looked.result
        if reason := over(plan, now, fulfilled):
            await self.stop(reason)
        for note in adopted(plan, now, fulfilled):
            self.note(note)
        plan = await self.next_plan(plan, now, stock.state)
        if looked.found != now and workflow.patched(KEEPS_FOUND):
            plan = plan.model_copy(update={"found": looked.found})
        return plan, await self.taken_back(stock, labels)

    async def changed_meanwhile(self, plan: Plan, stock: Reservation) -> tuple[Plan, bool]:
        """The plan for what the systems have now, while its stock is waited for; whether people gave that back."""
        return await self.looked_over(plan, stock, (), None)

    async def fulfilled(self, plan: Plan, told: FulfilmentRequest | None) -> Fulfilled:
        """What the shop was told of the goods by others: beside our labels, or with theirs where they buy them."""
        if self.others_label:
            return await self.do(shop_labels.sent_by_others, self.part_of(plan))
        return await self.do(shop.fulfilments, told) if told else Fulfilled()

    @property
    def others_label(self) -> bool:
        """Whether others buy the labels: then we do not."""
        return self.policy.shop(self.start.reference).labels is Labels.OTHERS

    def part_of(self, plan: Plan) -> PartRequest:
        """What the shop is asked about."""
        return PartRequest(reference=plan.order.reference, fulfilment_order_id=plan.part.id)

    async def their_labels(self, plan: Plan, stock: Reservation) -> tuple[Label, ...]:
        """The labels that others bought: with the numbers that the packers tell, else those that the shop is told."""
        if not self.others_label:
            return ()
        told = tuple(Tracked(tracking_number=one.tracking_number) for one in stock.parcels if one.tracking_number)
        self.undo.by_others.append(effect_key(self.start.reference, carrier.buy_label.purpose))
        self.note("others bought the labels, and follow the parcels")
        theirs = told or (await self.until(shop_labels.labelled, self.part_of(plan))).parcels
        return tuple(bought_by_others(one) for one in theirs)

    async def next_plan(self, plan: Plan, now: Order, state: ShipmentState) -> Plan:
        """The plan for what the order is now, if people or the policy want that, else as it was."""
        what = difference(plan, now)
        if not what:
            return plan.seen(now)
        if state is ShipmentState.DONE:
            return self.left_meanwhile(plan, now)
        answer = await self.ask(changed_order(what, packed=state is ShipmentState.PACKED))
        self.note(f"changed in the shop to {what.told}: {answer.told}")
        if answer.choice == AS_PLANNED:
            return plan.seen(now)
        self.times_anew += 1
        return plan.anew(now)

    def left_meanwhile(self, plan: Plan, now: Order) -> Plan:
        """The goods have left as they were planned: what the customer is to get of the change is for people."""
        if what := difference(plan, now).told:
            self.leave_customer_to_people(f"changed in the shop to {what}")
        return plan.seen(now)

    async def taken_back(self, stock: Reservation, labels: Sequence[Label]) -> bool:
        """Have people decide on what others took back in the systems; whether the shipment is among it."""
        gone = stock.state is ShipmentState.CANCELLED
        if gone:
            await self.ask(shipment_gone(stock))
        for label in labels:
            if label.state in GIVEN_BACK and label.id not in self.labels_gone | self.labels_kept:
                await self.label_taken_back(label, left=stock.state is ShipmentState.DONE)
        return gone

    async def label_taken_back(self, label: Label, *, left: bool) -> None:
        """Have people decide on a label that others had refunded; one whose parcel has left can be left as it is."""
        if not left or not workflow.patched(LEFT_LABELS):
            await self.ask(label_gone(label))
        elif (await self.ask(left_label_gone(label))).choice == AS_IT_IS:
            self.labels_kept.add(label.id)
            self.undo.by_others.append(label.key)
            self.manual.append(f"settle with the carrier: label {label.id} was refunded, and its parcel left with it")
            return
        self.labels_gone.add(label.id)


def changed_order(what: Difference, *, packed: bool) -> Question:
    """Whether a change in the shop is followed. Before packing the policy says so, unless it is set otherwise."""
    title, reason = "Decide on a changed order", f"the order was changed in the shop to {what.told}"
    as_planned = Choice(AS_PLANNED, "Ship what was planned")
    if packed:
        anew = Choice(PLAN_ANEW, "Take back what is packed, and pack what the order says now")
        return Question("changed-after-packing", title, f"{reason}, and it is packed", what, choices=(anew, as_planned))
    anew = Choice(PLAN_ANEW, "Plan anew what the order says now")
    return Question("changed-order", title, reason, what, choices=(anew, as_planned))


def shipment_gone(stock: Reservation) -> Question:
    """Whether stock is reserved again after people cancelled the shipment."""
    return Question(
        "shipment-gone",
        "Decide on a cancelled shipment",
        f"shipment {stock.shipment_id} was cancelled in the inventory system",
        about=stock,
        choices=(Choice("reserve-anew", "Reserve the stock again, in a new shipment"),),
    )


def label_gone(label: Label) -> Question:
    """Whether another label is bought after people had this one refunded."""
    return Question(
        "label-gone",
        "Decide on a refunded label",
        f"label {label.id} was refunded at the carrier by others",
        about=label,
        choices=(Choice("buy-anew", "Buy another label, for the same parcel"),),
    )


def left_label_gone(label: Label) -> Question:
    """What the parcel travels with that left with a label which people had refunded."""
    return Question(
        "label-gone-after-leaving",
        "Decide on a refunded label whose parcel has left",
        f"label {label.id} was refunded at the carrier by others, and its parcel has left the building",
        about=label,
        choices=(
            Choice(AS_IT_IS, "Leave it: the parcel travels with this label, and you settle it with the carrier"),
            Choice("buy-anew", "Buy another label, which the parcel must still get: customer and shop get its number"),
        ),
    )
