"""What nobody may deploy: order-to-shipment with a step before its first, under its old name."""

from __future__ import annotations

from activities import carrier, shop
from activities.shop import OrderRequest
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.address import Address


@process("order-to-shipment")
class Changed(Process):
    """The step is new; a history made without it has none."""

    roles = ("shop", "inventory", "carrier", "mail")

    async def run(self, start: Start) -> Outcome:
        await self.do(carrier.check_address, Address())
        return self.completed(await self.do(shop.fetch_order, OrderRequest()))
