"""The shop's part in labels that others buy: under which numbers they tell it that goods left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import Call, Read, Wait, operation
from seamline.records.event import EventKind
from seamline.records.order import Order
from seamline.records.shipping import Fulfilled, Fulfilment, PartRequest, TheirParcels, Tracked
from seamline.records.system import FORESEEN


class ShopLabelSystem(Protocol):
    """What a shop must be able to do about others' labels. Adapters raise the errors of `seamline.errors`."""

    async def find_fulfilments(self, request: PartRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the fulfilment order, whoever made them, one for each tracking number."""

    async def fetch_order(self, reference: str) -> Order:
        """The order. Refusal `not-found`."""


class ShopLabels:
    """These activities over any system that fills the role."""

    system: ShopLabelSystem

    @operation("shop.sent_by_others")
    async def sent_by_others(self, call: Call[PartRequest]) -> Fulfilled:
        """Under which numbers those who buy the labels have fulfilled it: all are as good as ours."""
        numbers = tuple(one.tracking_number or "no number" for one in await self.system.find_fulfilments(call.request))
        return Fulfilled(numbers=numbers, ours=numbers, by_others=True)

    @operation("shop.labelled")
    async def labelled(self, call: Call[PartRequest]) -> TheirParcels:
        """The parcels once the shop is told of them.

        Refusal `no-tracking-number` where it is told without one, `order-cancelled` where it will not be told any more.
        """
        found = await self.system.find_fulfilments(call.request)
        parcels = tuple(
            Tracked(tracking_number=one.tracking_number, tracking_page=one.page) for one in found if one.tracking_number
        )
        if parcels:
            return TheirParcels(parcels=parcels)
        if found:
            reason = "is on no parcel there: add it to the fulfilment in the shop, then retry"
            problem = Problem(field="parcels.0.tracking_number", reason=reason)
            raise Refusal("no-tracking-number", "it was fulfilled without a tracking number", problems=[problem])
        if (await self.system.fetch_order(call.reference)).cancelled:
            reason = "is of an order that was cancelled: the shop is told no number any more, so skip with it"
            problem = Problem(field="parcels.0.tracking_number", reason=reason)
            raise Refusal("order-cancelled", "the order was cancelled after its parcel had left", problems=[problem])
        raise NotYet("not-labelled", "nobody has told the shop a tracking number")


sent_by_others = Read(ShopLabels.sent_by_others, title="Look at what others have sent")
labelled = Wait(
    ShopLabels.labelled,
    title="Wait for the label that others buy",
    news=(EventKind.ORDER_FULFILLED,),
    foreseen=lambda request: TheirParcels(parcels=(Tracked(tracking_number=FORESEEN),)),
)
