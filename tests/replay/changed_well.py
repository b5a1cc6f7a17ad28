"""A step added to follow-parcel as it may be released: what runs already goes on without it."""

from __future__ import annotations

from temporalio import workflow

from activities import carrier
from seamline.process.process import Process, process
from seamline.process.view import Outcome
from seamline.records.address import Address
from workflows.follow_parcel import FollowStart


@process("follow-parcel", upgrades=True)
class ChangedWell(Process):
    """The step is new; a history made without it has none, and this code knows that."""

    roles = ("carrier",)

    async def run(self, start: FollowStart) -> Outcome:
        if workflow.patched("check-address-first"):
            await self.do(carrier.check_address, HOME)
        return self.completed(await self.until(carrier.delivered, start.parcel))


HOME = Address(name="Jo", street1="1 Dock Road", city="London", postcode="E16 2QU", country="GB")
