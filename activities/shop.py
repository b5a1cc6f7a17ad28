"""The shop: where orders come from and where their fulfilment is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from activities.tracing import Traceable
from seamline.process.effect import IRREVERSIBLE, Call, Effect, Read, operation
from seamline.records.base import Record
from seamline.records.order import Order
from seamline.records.shipping import Fulfilment, FulfilmentRequest
from seamline.records.system import Repeat


class OrderRequest(Record):
    """Nothing beyond the call's reference is needed to fetch an order."""


class ShopSystem(Traceable, Protocol):
    """What a shop must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def fetch_order(self, reference: str) -> Order:
        """The order as it is now. Refusal `not-found` when there is none."""

    async def find_fulfilments(self, request: FulfilmentRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the request's fulfilment order, whoever made them."""

    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        """Tell the shop that the lines left; the customer is not notified by the shop."""


class Shop:
    """The shop's activities over any system that fills the role."""

    def __init__(self, system: ShopSystem) -> None:
        self.system = system

    @operation("shop.fetch_order")
    async def fetch_order(self, call: Call[OrderRequest]) -> Order:
        """Fetch the order anew: a webhook's payload may be stale."""
        return await self.system.fetch_order(call.reference)

    @operation("shop.post_fulfilment")
    async def post_fulfilment(self, call: Call[FulfilmentRequest]) -> Fulfilment:
        """Post fulfilment and tracking. Found by tracking number: adopting one is right whoever made it."""
        for fulfilment in await self.system.find_fulfilments(call.request):
            if fulfilment.tracking_number == call.request.tracking_number:
                return fulfilment
        return await self.system.create_fulfilment(call.key, call.request)


fetch_order = Read(Shop.fetch_order, title="Fetch the order")
post_fulfilment = Effect(
    Shop.post_fulfilment,
    undo=IRREVERSIBLE,
    title="Post fulfilment and tracking to the shop",
)
