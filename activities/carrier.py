"""The carrier: addresses checked, rates quoted, labels bought and refunded, parcels followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from temporalio import activity

from activities.ensure import ensure
from activities.tracing import Traceable
from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import Call, Effect, Foreseen, Read, Wait, operation
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.followed import Course, ParcelNews, ParcelWatch
from seamline.records.parcel import (
    CheckedAddress,
    Label,
    LabelRequest,
    LabelState,
    ParcelNumber,
    ParcelRequest,
    Quote,
    ReplacedLabel,
    ReplacedLabels,
    Tracking,
    TrackingState,
)
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState


class CarrierSystem(Traceable, Protocol):
    """What a carrier must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def check_address(self, address: Address) -> CheckedAddress:
        """The address as the carrier would print it; Refusal with a problem per field when it cannot deliver there."""

    async def quote(self, key: str, request: ParcelRequest) -> Quote:
        """Rates for a parcel. Costs nothing; repeating it gives new rate ids."""

    async def find_labels(self, reference: str, rate_ids: Sequence[str]) -> Sequence[Label]:
        """All labels bought at any of these rates, refunded or failed ones too; without rates, recent ones for it."""

    async def find_marked(self, reference: str, marks: Sequence[str]) -> Sequence[Label]:
        """Recent labels that others named by the reference, or in one of these ways; none has a key."""

    async def buy_label(self, key: str, request: LabelRequest) -> Label:
        """Buy at `request.rate`. May answer QUEUED. Refusal with the carrier's reason when it will not sell."""

    async def read_label(self, label: Label) -> Label:
        """The label as it is now. Refusal when buying it failed after being queued."""

    async def refund_label(self, label: Label) -> Label:
        """Ask for the money back; most carriers only promise it. Nothing happens when already asked."""

    async def track(self, parcel: ParcelNumber) -> Tracking:
        """Where the parcel is."""


class Carrier:
    """The carrier's activities over any system that fills the role."""

    def __init__(self, system: CarrierSystem) -> None:
        self.system = system

    @operation("carrier.check_address")
    async def check_address(self, call: Call[Address]) -> CheckedAddress:
        """Check and normalise the address."""
        return await self.system.check_address(call.request)

    @operation("carrier.quote")
    async def quote(self, call: Call[ParcelRequest]) -> Quote:
        """Quote rates. Refusal `no-rates` when no service carries this parcel there."""
        quote = await self.system.quote(call.key, call.request)
        if not quote.rates:
            problem = Problem(field="address", reason="no service of the carrier carries this parcel there")
            raise Refusal("no-rates", "the carrier offers no rate for this parcel", problems=[problem])
        return quote

    @operation("carrier.buy_label")
    async def buy_label(self, call: Call[LabelRequest]) -> Label:
        """Buy the label, or adopt the one already bought; one bought before an amendment is taken back.

        An earlier one that the parcel already travels with is adopted: its money would not come back.
        """
        request = call.request
        travelling: set[str] = set()

        async def find() -> list[Label]:
            live = await self._live_labels(call) or await self._begun_by_others(call)
            ours = [one for one in live if one.key == call.key and one.rate_id != request.rate.id]
            travelling.update([one.id for one in ours if await self._travels(one)])
            return live

        label = await ensure(
            call,
            self.system.repeats["buy_label"],
            find=find,
            matches=lambda found: found.id in travelling if travelling else found.rate_id not in request.earlier_rates,
            create=lambda: self._bought_anew(call),
            take_back=self.system.refund_label,
        )
        return await self._with_replaced(call, await self._settled(label))

    @operation("carrier.look", about="id")
    async def look(self, call: Call[Label]) -> Label:
        """The label as it is now, whatever people made of it."""
        return await self.system.read_label(call.request)

    @operation("carrier.refund_label")
    async def refund_label(self, call: Call[LabelRequest]) -> Undone:
        """Take the label back: a refund requested, which the carrier confirms days later."""
        labels = await self._labels_of(call)
        for label in labels:
            if label.state in (LabelState.BOUGHT, LabelState.QUEUED):
                await self.system.refund_label(label)
        if not labels:
            return Undone(state=UndoState.NOTHING)
        return Undone(state=UndoState.REQUESTED, detail=labels[0].tracking_number, money=labels[0].price)

    @operation("carrier.label_refunded")
    async def label_refunded(self, call: Call[LabelRequest]) -> Undone:
        """The refund once it is confirmed. Refusal `refund-rejected` when the carrier says no."""
        return _refunded(await self._labels_of(call))

    @operation("carrier.replaced_refunded")
    async def replaced_refunded(self, call: Call[ReplacedLabels]) -> Undone:
        """The refunds of replaced labels once all are confirmed. Refusal `refund-rejected` when the carrier says no."""
        replaced = {one.id: one.rate_id for one in call.request.labels}
        found = await self.system.find_labels(call.reference, list(replaced.values()))
        return _refunded([one for one in found if one.id in replaced])

    @operation("carrier.delivered")
    async def delivered(self, call: Call[ParcelNumber]) -> Tracking:
        """The carrier's word that the parcel arrived. Refusal when it is lost or comes back."""
        tracking = await self.system.track(call.request)
        if tracking.state is TrackingState.DELIVERED:
            return tracking
        if tracking.state in (TrackingState.RETURNED, TrackingState.FAILURE):
            raise Refusal(f"parcel-{tracking.state.value}", tracking.detail or f"the parcel is {tracking.state}")
        raise NotYet("on-its-way", f"the parcel is {tracking.state}")

    @operation("carrier.moved")
    async def moved(self, call: Call[ParcelWatch]) -> ParcelNews:
        """What is new of the parcel: it arrived, is in trouble, or nobody has scanned it for long."""
        tracking = await self.system.track(call.request.parcel)
        # The cluster's time, by which the process counts too: the worker's own clock may differ.
        news = call.request.news(tracking, activity.info().started_time)
        if news is None:
            raise NotYet("on-its-way", f"the parcel is {tracking.state}")
        return news

    @operation("carrier.used")
    async def used(self, call: Call[ParcelWatch]) -> ParcelNews:
        """Whether the carrier has got the parcel of a label, or nobody used that for too long."""
        tracking = await self.system.track(call.request.parcel)
        news = call.request.used(tracking, activity.info().started_time)
        if news is None:
            raise NotYet("unused", f"the parcel is {tracking.state}")
        return news

    async def _bought(self, call: Call[LabelRequest]) -> Sequence[Label]:
        """All labels at the call's rates. After a reset the quote is new: an older label has another rate."""
        found = await self.system.find_labels(call.reference, _rates(call))
        return found if found or not call.repeated else await self.system.find_labels(call.reference, ())

    async def _live_labels(self, call: Call[LabelRequest]) -> list[Label]:
        found = await self._bought(call)
        live = [one for one in found if one.state not in _GONE]
        if not live and activity.info().attempt > 1:
            await self._tell_refused([one for one in found if one.key == call.key])
        return live

    async def _begun_by_others(self, call: Call[LabelRequest]) -> list[Label]:
        # What others sent is one parcel: a second label of ours is for a further one.
        if call.taken_over is None or not call.key.endswith("#1"):
            return []
        found = await self.system.find_marked(call.reference, call.taken_over.marks)
        return [one for one in found if one.state not in _GONE]

    async def _bought_anew(self, call: Call[LabelRequest]) -> Label:
        if call.taken_over and call.taken_over.left:
            told = "the goods have left, and no label for them is found: skip with the one that they travel with"
            problem = Problem(field="rate", reason="is for a parcel that has left already")
            raise Refusal("left-without-label", told, problems=[problem])
        return await self.system.buy_label(call.key, call.request)

    async def _tell_refused(self, labels: Sequence[Label]) -> None:
        """Raise the Refusal of a label that an earlier attempt left queued, and that the carrier would not make."""
        for label in labels:
            if label.state is LabelState.FAILED:
                await self.system.read_label(label)

    async def _labels_of(self, call: Call[LabelRequest]) -> list[Label]:
        found = await self._bought(call)
        return [one for one in found if one.key == call.key and one.state is not LabelState.FAILED]

    async def _with_replaced(self, call: Call[LabelRequest], label: Label) -> Label:
        """The label with those it took the place of, so that their refunds can be followed."""
        if not call.request.earlier_rates:
            return label
        others = [one for one in await self._labels_of(call) if one.id != label.id and one.state in _TAKEN_BACK]
        replaced = tuple(ReplacedLabel(id=one.id, rate_id=one.rate_id) for one in others)
        return label.model_copy(update={"replaces": replaced})

    async def _travels(self, label: Label) -> bool:
        if not label.tracking_number:
            return False
        tracking = await self.system.track(ParcelNumber(carrier=label.carrier, number=label.tracking_number))
        return tracking.state not in (TrackingState.UNKNOWN, TrackingState.PRE_TRANSIT)

    async def _settled(self, label: Label) -> Label:
        """A queued purchase is asked after until the carrier has decided; Temporal's retry does the waiting."""
        if label.state is LabelState.QUEUED:
            label = await self.system.read_label(label)
        if label.state is LabelState.QUEUED:
            raise NotYet("label-queued", f"label {label.id} is being made", retry_after_seconds=1)
        return label


_GONE = (LabelState.FAILED, LabelState.REFUNDED, LabelState.REFUND_REQUESTED)
_TAKEN_BACK = (LabelState.REFUNDED, LabelState.REFUND_REQUESTED, LabelState.REFUND_REJECTED)


def _rates(call: Call[LabelRequest]) -> Sequence[str]:
    return [call.request.rate.id, *call.request.earlier_rates]


def _refunded(labels: Sequence[Label]) -> Undone:
    for label in labels:
        if label.state is LabelState.REFUND_REJECTED:
            raise Refusal("refund-rejected", f"the carrier rejected the refund of label {label.id}")
        if label.state is not LabelState.REFUNDED:
            raise NotYet("refund-pending", f"label {label.id} is {label.state}")
    money = labels[0].price if labels else None
    return Undone(state=UndoState.UNDONE, detail="refund confirmed", money=money)


def _label(call: Call[LabelRequest], _: Label | None) -> Label:
    rate = call.request.rate
    return Label(
        id=FORESEEN,
        rate_id=rate.id,
        key=call.key,
        state=LabelState.BOUGHT,
        carrier=rate.carrier,
        service=rate.service,
        tracking_number=FORESEEN,
        price=rate.price,
    )


def _service(request: LabelRequest) -> str:
    rate = request.rate
    return f"{rate.carrier} {rate.service}, {request.parcel.weight_grams} g, {rate.price}"


check_address = Read(Carrier.check_address, title="Check the address")
quote = Read(Carrier.quote, title="Quote rates")
buy_label = Effect(
    Carrier.buy_label,
    undo=Carrier.refund_label,
    confirm=Carrier.label_refunded,
    title="Buy the label",
    foreseen=Foreseen(_label, _service, "label", lambda request: request.rate.price),
    news=(EventKind.LABEL_CHANGED, EventKind.LABEL_REFUNDED),
)
look = Read(Carrier.look, title="Look at the label")
replaced_refunded = Wait(
    Carrier.replaced_refunded,
    title="Follow the refund of replaced labels",
    news=(EventKind.LABEL_CHANGED, EventKind.LABEL_REFUNDED),
)
moved = Wait(Carrier.moved, title="Follow the parcel", news=(EventKind.PARCEL_MOVED,))
used = Wait(
    Carrier.used,
    title="Wait until the customer has sent the parcel",
    news=(EventKind.PARCEL_MOVED,),
    foreseen=lambda request: ParcelNews(course=Course.MOVING, tracking=Tracking(state=TrackingState.TRANSIT)),
)
delivered = Wait(
    Carrier.delivered,
    title="Follow the parcel until delivered",
    news=(EventKind.PARCEL_MOVED,),
    foreseen=lambda request: Tracking(state=TrackingState.DELIVERED),
)
