"""Have an order packed ahead, so that a counter can hand it out."""

from __future__ import annotations

from activities import inventory, shop
from activities.shop import OrderRequest
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.address import Address
from seamline.records.order_rules import not_ours
from seamline.records.shipping_plan import Plan, stock_request


@process("pack-order")
class PackOrder(Process):
    """Starts by a call; ends when the goods lie packed."""

    roles = ("shop", "inventory")
    origin = "shop"

    async def run(self, start: Start) -> Outcome:
        """The story; each line is one business step."""
        order = await self.do(shop.fetch_order, OrderRequest())
        if ignored := not_ours(order, self.policy):
            return self.ignored(ignored.text, ignored.why)
        plan = Plan(order=order, found=order)

        async with self.undoable():
            stock = await self.do(inventory.reserve, stock_request(plan, order.address or Address()))
            packed = await self.until(inventory.packed, stock)
        return self.completed(packed)
