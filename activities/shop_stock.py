"""The shop's part in what is in stock: goods that wait for it, and how much of it the shop may sell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from activities.shop_remedies import parts_of
from seamline.errors import Problem, Refusal
from seamline.process.effect import Call, operation
from seamline.records.level import LevelChange, Levels, LevelsRequest, LevelsSet, SetLevels
from seamline.records.order import Order
from seamline.records.payment import Transaction
from seamline.records.remedy import Goods, GoodsWorth, RefundPart
from seamline.records.shortage import (
    CancelGoodsRequest,
    CancelledGoods,
    Noted,
    NoteRequest,
    Split,
    SplitRequest,
    split_of,
)


class ShopStockSystem(Protocol):
    """What a shop must be able to do about stock. Adapters raise the errors of `seamline.errors`."""

    async def fetch_order(self, reference: str) -> Order:
        """The order as it is now. Refusal `not-found` when there is none."""

    async def split_part(self, reference: str, request: SplitRequest) -> None:
        """Move lines of a fulfilment order to a new one at the same location."""

    async def worth_of(self, reference: str, goods: Goods) -> GoodsWorth:
        """What the shop would give back for these goods. Refusal when they are not pieces of the order any more."""

    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        """The movements of the order's money, oldest first, whoever made them."""

    async def find_cancelled_goods(self, reference: str, key: str, currency: str) -> CancelledGoods | None:
        """The refund that carries our key, with lines."""

    async def cancel_goods(
        self, reference: str, key: str, request: CancelGoodsRequest, parts: Sequence[RefundPart], currency: str
    ) -> CancelledGoods:
        """Take the lines off the order and give the parts back. `key` is the native key too."""

    async def read_note(self, reference: str) -> str:
        """What people read on the order, empty when nothing."""

    async def write_note(self, reference: str, text: str) -> None:
        """Have them read this."""

    async def read_levels(self, after: str) -> Levels:
        """One page of what the shop says is in stock."""

    async def set_levels(self, look: str, changes: Sequence[LevelChange]) -> Sequence[str]:
        """Set what is on hand where it still is what was read; the SKUs of which it is not. Nothing is set then."""


class ShopStock:
    """These activities over any system that fills the role."""

    system: ShopStockSystem

    @operation("shop.split")
    async def split(self, call: Call[SplitRequest]) -> Split:
        """Split lines off a fulfilment order, or find where they are: it cannot carry a key."""
        made = split_of(await self.system.fetch_order(call.reference), call.request)
        if not made:
            await self.system.split_part(call.reference, call.request)
            made = split_of(await self.system.fetch_order(call.reference), call.request)
        if not made:
            problem = Problem(field="lines", reason="are not in a fulfilment order of their own: split it in the shop")
            raise Refusal("not-split", "the shop did not split the fulfilment order as asked", problems=[problem])
        return Split(id=made)

    @operation("shop.cancel_goods")
    async def cancel_goods(self, call: Call[CancelGoodsRequest]) -> CancelledGoods:
        """Take lines off the order that are not sent, and give back by the shop's own sum what was paid for them.

        Refusal `shared-lines` where the shop might take them off another of the order's parts.
        """
        order = await self.system.fetch_order(call.reference)
        if made := await self.system.find_cancelled_goods(call.reference, call.key, order.currency):
            return made
        if problems := call.request.shared_with(order):
            raise Refusal("shared-lines", "another part has the same lines", problems=problems)
        worth = await self.system.worth_of(call.reference, call.request.goods)
        parts = parts_of(worth.amount, await self.system.find_transactions(call.reference))
        currency = worth.amount.currency
        return await self.system.cancel_goods(call.reference, call.key, call.request, parts, currency)

    @operation("shop.add_note")
    async def add_note(self, call: Call[NoteRequest]) -> Noted:
        """Add a line to the order's note, below what people wrote there, unless it is there."""
        before = await self.system.read_note(call.reference)
        if call.request.text not in before.splitlines():
            await self.system.write_note(call.reference, f"{before}\n{call.request.text}".strip())
        return Noted()

    @operation("shop.levels")
    async def levels(self, call: Call[LevelsRequest]) -> Levels:
        """What the shop says is in stock, a page of it."""
        return await self.system.read_levels(call.request.after)

    @operation("shop.set_levels")
    async def set_levels(self, call: Call[SetLevels]) -> LevelsSet:
        """Set what differs, each unless it changed since it was read: then the others alone."""
        changes = list(call.request.changes)
        stale: list[str] = []
        while changes and (found := await self.system.set_levels(call.request.look, changes)):
            stale += found
            changes = [one for one in changes if one.level.sku not in found]
        return LevelsSet(count=len(changes), stale=tuple(stale))
