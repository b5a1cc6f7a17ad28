"""What nobody may deploy: steps added under an old name."""

from __future__ import annotations

from activities import carrier, shop
from activities.shop import OrderRequest
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.address import Address
from tests.replay.changed_well import HOME
from workflows.follow_parcel import FollowStart


@process("order-to-shipment")
class Changed(Process):
    """The first step is new; a history made without it has none."""

    roles = ("shop", "inventory", "carrier", "mail")
    origin = "shop"

    async def run(self, start: Start) -> Outcome:
        await self.do(carrier.check_address, Address())
        return self.completed(await self.do(shop.fetch_order, OrderRequest()))


@process("follow-parcel", upgrades=True)
class ChangedBadly(Process):
    """The same change as in `changed_well.py`, without its guard."""

    roles = ("carrier",)

    async def run(self, start: FollowStart) -> Outcome:
        await self.do(carrier.check_address, HOME)
        return self.completed(await self.until(carrier.delivered, start.parcel))
