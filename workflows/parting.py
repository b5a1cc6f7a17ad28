"""An order in parts: each of its fulfilment orders is shipped by a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field, ValidationError
from temporalio import workflow
from temporalio.exceptions import FailureError

from activities import shop
from activities.shop import OrderRequest
from seamline.errors import Problem
from seamline.process.process import Process
from seamline.process.raw import raw, read
from seamline.process.start import Start, workflow_id
from seamline.process.step import Done
from seamline.records.address import Address
from seamline.records.event import EventKind
from seamline.records.order import FulfilmentOrder, Order
from seamline.records.order_rules import not_ours
from seamline.records.parts import (
    Amendment,
    alone,
    amendment,
    connections,
    others_open,
    own_part,
    part_number,
    unrouted,
)
from seamline.records.reference import part_of, whole_of, with_part
from seamline.records.shipping_plan import Plan

SHIPS_PARTS = "ships-parts"
"""The change since which all parts are shipped: runs that were begun before it wait until people saw to the others."""
TELLS_PARTS = "tells-parts"
"""The change since which parts under way are told what is amended: runs that were begun before it tell none."""


class OrderStart(Start):
    """Which part of an order; by default the first that is open, and the others are seen to."""

    fulfilment_order: str = Field(default="", max_length=100)
    cleared: bool = False
    """Whether what is decided for a whole order, its risk, is decided."""
    amended: Amendment | None = None
    """What people amended of the whole order, so that they are asked once."""
    backordered: bool = False
    """Whether it was split off since its goods were not there: they are waited for, and nobody is asked at first."""


class Parting(Process):
    """A process that ships one fulfilment order. The order's own process starts one for each of the others."""

    has_parts = True

    def __init__(self) -> None:
        super().__init__()
        self.own = ""
        """The fulfilment order that this process ships."""
        self.others: tuple[str, ...] = ()
        """The others that were to be shipped when the order was last looked at."""
        self.amended: Amendment | None = None
        """What people amended of the whole order, as a part was told."""
        self.passed_on: Amendment | None = None
        """The same with what they amended here: what parts are told."""
        self.apart: dict[str, str] = {}
        """Those that were given to processes of their own, with the references of these."""

    def mine(self, order: Order) -> Order:
        """The order as if only what this process ships were in it; a part's as people amended it for the whole."""
        order = alone(order, own_part(order, self.start.reference, self.own))
        return self.amended.of(order) if self.amended and part_of(self.start.reference) else order

    async def fetched_alone(self, check: Callable[[Order], list[Problem]]) -> Done[OrderRequest, Order]:
        """The order as the shop has it now, as if only this part were in it; `check` sees it so too."""
        request = OrderRequest()
        looked = await self.perform(shop.fetch_order, request, check=lambda now: self._problems(now, check))
        if self._unserved(looked.result):
            looked = await self.perform(shop.fetch_order, request, check=self._unserved, strict=True)
        part = own_part(looked.result, self.start.reference, self.own)
        self.own = part.id if part else self.own
        self.others = tuple(one.id for one in others_open(looked.result, self.own))
        return Done(looked.request, self.mine(looked.result), self.mine(looked.found))

    def _problems(self, order: Order, check: Callable[[Order], list[Problem]]) -> list[Problem]:
        parts = order.open_fulfilment_orders
        problems = [*check(self.mine(order)), *self._unserved(order)]
        first_look = not self.own and not not_ours(order, self.policy)
        if first_look and len(parts) > 1 and not workflow.patched(SHIPS_PARTS):
            reason = f"are {len(parts)} to ship and one is handled: fulfil the others in the shop, then retry"
            problems.append(Problem(field="fulfilment_orders", reason=reason))
        return problems

    def _unserved(self, order: Order) -> list[Problem]:
        """Why nobody knows who serves its location: without that nothing can be done, whatever staff accept."""
        mine = self.mine(order)
        return [] if not_ours(mine, self.policy) else unrouted(mine, self.policy, self.route)

    def serve_from(self, part: FulfilmentOrder) -> None:
        """Have warehouse and carrier be those of the location that it leaves from."""
        for role, connection in connections(part, self.policy).items():
            self.choose(role, connection)

    async def ship_others(self, order: Order) -> None:
        """Have the other parts shipped too. The order's own process alone sees to that, and once for each."""
        if not part_of(self.start.reference):
            for other in self.others:
                await self.ship_apart(order, other)

    async def ship_apart(self, order: Order, fulfilment_order: str, *, backordered: bool = False) -> None:
        """Have another fulfilment order shipped by a process of its own, as far as none does."""
        if fulfilment_order in self.apart:
            return
        reference = with_part(whole_of(self.start.reference), part_number(order, fulfilment_order))
        self.apart[fulfilment_order] = reference
        part = {"reference": reference, "fulfilment_order": fulfilment_order, "cleared": True, "started_by": self.name}
        known = {"amended": self.passed_on, "backordered": backordered}
        await self.hand_on(type(self), self.start.model_copy(update={**part, **known}))
        self.note(f"fulfilment order {fulfilment_order} is shipped apart, as {reference}")

    # ---- what people amend of the whole order ---------------------------------------------------------------------

    async def amend(self, plan: Plan, address: Address) -> None:
        """People have the order go to this address: so do its parts, those that are under way too."""
        made = amendment(plan.found, plan.order.model_copy(update={"address": address}), self.amended)
        if made is None or made == self.passed_on:
            return
        self.passed_on = made
        if part_of(self.start.reference):
            self.note("the address was amended for this part alone: the order and its other parts keep theirs")
        elif self.apart and workflow.patched(TELLS_PARTS):
            for reference in self.apart.values():
                await self.tell(reference, made)

    def address_of(self, plan: Plan) -> Address:
        """Where the order goes, as far as people have amended it."""
        order = self.passed_on.of(plan.found) if self.passed_on else plan.order
        return order.address or Address()

    async def tell(self, reference: str, amended: Amendment) -> None:
        """Have a part heed what was amended; one that is over is named to people."""
        part = workflow.get_external_workflow_handle(workflow_id(self.name, reference))
        try:
            await self.unbroken(part.signal("amended", amended))
        except FailureError:
            self.note(f"the address was amended, and {reference} is over: it went as it was")
        else:
            self.note(f"{reference} was told of the amended address")

    @workflow.signal(name="amended", description="The order's process tells what people amended of the whole order.")
    @raw
    async def heed_amended(self, *arguments: Any) -> None:
        """Heed it as a change in the shop. What is no amendment changes nothing."""
        try:
            self.amended = self.passed_on = Amendment.model_validate(*read(arguments))
        except (TypeError, ValidationError):
            self.note("a signal 'amended' was ignored: it is no amendment of an order")
            return
        self.wake(EventKind.ORDER_EDITED)
