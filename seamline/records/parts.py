"""An order in parts: each of its fulfilment orders is shipped by a process of its own, as if it were alone."""

from __future__ import annotations

from collections.abc import Mapping

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.order import FulfilmentOrder, Order
from seamline.records.policy import Policy
from seamline.records.reference import part_of
from seamline.records.shipping_plan import merged


class Amendment(Record):
    """What people amended of an order, for all of its parts. Both are without fulfilment orders, each part's own."""

    before: Order
    after: Order

    def of(self, now: Order) -> Order:
        """The order as amended, as far as the shop has not changed the same since."""
        made = merged(self.after, self.before, now)
        return made.model_copy(update={"fulfilment_orders": now.fulfilment_orders})


def amendment(found: Order, amended: Order, earlier: Amendment | None = None) -> Amendment | None:
    """What people amended of an order beyond its parts, on top of what they had amended `earlier`; None for nothing."""
    before, after = (one.model_copy(update={"fulfilment_orders": ()}) for one in (found, amended))
    if before == after:
        return earlier
    return Amendment(before=earlier.before if earlier else before, after=after)


ROLES = ("inventory", "carrier")
"""The roles whose connection follows from the location that the goods leave from."""


def part_number(order: Order, fulfilment_order: str) -> int:
    """The rank of a fulfilment order among all of the order, from 1; ids grow, so it stays. KeyError for no such."""
    ids = sorted((one.id for one in order.fulfilment_orders), key=_by_age)
    if fulfilment_order not in ids:
        raise KeyError(fulfilment_order)
    return ids.index(fulfilment_order) + 1


def own_part(order: Order, reference: str, fulfilment_order: str) -> FulfilmentOrder | None:
    """What a process ships: the fulfilment order named, else the first to ship. None when there is none.

    A part is always named by who starts it: which fulfilment order a number meant is known then.
    """
    if fulfilment_order or part_of(reference):
        return next((one for one in order.fulfilment_orders if one.id == fulfilment_order), None)
    return next(iter(order.open_fulfilment_orders), None)


def alone(order: Order, part: FulfilmentOrder | None) -> Order:
    """The order as if this were its only fulfilment order: the others are shown as closed."""
    kept = part.id if part else ""
    parts = (one if one.id == kept else one.model_copy(update=_CLOSED) for one in order.fulfilment_orders)
    return order.model_copy(update={"fulfilment_orders": tuple(parts)})


def others_open(order: Order, own: str) -> tuple[FulfilmentOrder, ...]:
    """What is to ship besides the fulfilment order with this id."""
    return tuple(one for one in order.open_fulfilment_orders if one.id != own)


def connections(part: FulfilmentOrder, policy: Policy) -> dict[str, str]:
    """Role -> connection, where the location that it leaves from decides."""
    location = policy.location(part.location)
    return {role: name for role in ROLES if (name := getattr(location, role))}


def unrouted(order: Order, policy: Policy, route: Mapping[str, str]) -> list[Problem]:
    """Why nobody knows which warehouse or carrier serves an open part's location; empty when it is known."""
    remedy = "amend it to a location that is set in policy.locations, and set this one for the next orders"
    problems = []
    for place, part in enumerate(order.fulfilment_orders):
        known = {**route, **connections(part, policy)}
        lacking = " and no ".join(role for role in ROLES if not known.get(role))
        if part in order.open_fulfilment_orders and lacking:
            reason = f"is a location of which no {lacking} is known: {remedy}"
            problems.append(Problem(field=f"fulfilment_orders.{place}.location", reason=reason))
    return problems


_CLOSED = {"open": False, "lines": ()}


def _by_age(identity: str) -> tuple[int, str]:
    return (int(identity), "") if identity.isdecimal() else (0, identity)
