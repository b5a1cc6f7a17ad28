"""Tell a shop what is in stock, so that it does not sell what is not there.

The order of the looks is what makes it safe: first the shop, then the inventory, then each change only where the shop
still says what it said. What leaves or is sold in between either was seen by the later look, or stops the change.
"""

from __future__ import annotations

from temporalio import workflow

from activities import inventory, shop
from seamline.process.beginning import begin
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.level import (
    Level,
    Levels,
    LevelsRequest,
    SetLevels,
    Shared,
    level_changes,
    sharing,
)
from seamline.records.reference import connection_of
from seamline.records.stock import AvailabilityRequest

PAGES_MAX = 200
THE_SHOPS_OWN = "the shop owns its stock, by policy: its count is never changed"


@process("share-availability")
class ShareAvailability(Process):
    """One look over all that a shop has in stock; its reference is `shop-uk:stock`."""

    roles = ("shop", "inventory")
    origin = "shop"
    chosen = ("inventory",)
    repeats = True

    async def run(self, start: Start) -> Outcome:
        """Page by page: what the shop says, what is there, and the difference."""
        if self.policy.shop(start.reference).counts_itself:
            return self.ignored(THE_SHOPS_OWN)
        done, after = Shared(), ""
        for number in range(1, PAGES_MAX + 1):
            page = await self.do(shop.levels, LevelsRequest(after=after))
            done = done.and_(await self.shared(page, number))
            after = page.after
            if not after:
                return self.completed(done)
        self.note(f"the shop has more articles than {PAGES_MAX} pages: the rest was not looked at")
        return self.completed(done)

    async def shared(self, page: Levels, number: int) -> Shared:
        """What became of one page."""
        plan = sharing(page.levels, self.policy, self.start.route.get("inventory", ""))
        done = Shared(looked=len(page.levels), unclear=plan.unclear, unserved=plan.unserved)
        for connection, levels in plan.asked.items():
            if levels:
                self.choose("inventory", connection)
                done = done.and_(await self.set_right(levels, f"{workflow.info().run_id}.{number}.{connection}"))
        return done

    async def set_right(self, levels: tuple[Level, ...], look: str) -> Shared:
        """Set what differs from what one inventory has."""
        asked = AvailabilityRequest(
            connection=connection_of(self.start.reference), skus=tuple(one.sku for one in levels)
        )
        found = await self.do(inventory.availability, asked)
        there = {one.sku: one for one in found.articles}
        done = Shared(
            unknown=tuple(one.sku for one in levels if one.sku not in there),
            inventories={one.location: self.route["inventory"] for one in levels},
        )
        changes = level_changes(levels, there, self.policy.safety_stock)
        if not changes:
            return done
        made = await self.do(shop.set_levels, SetLevels(look=look, changes=changes))
        return done.and_(Shared(changed=made.count, stale=made.stale))


@workflow.defn(name="share-on-schedule")
class ShareOnSchedule:
    """Begin a look, unless one is still under way: one that waits for people is not overtaken."""

    @workflow.run
    async def run(self, start: Start) -> bool:
        """Whether it was begun."""
        return await begin(ShareAvailability.name, start, again=True)
