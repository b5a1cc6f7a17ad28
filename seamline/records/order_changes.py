"""What people changed in an order under way, and what is to be done about it. Pure: rules over records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.customs_rules import undeclarable
from seamline.records.order import FulfilmentOrder, Order, Payment
from seamline.records.order_rules import broken_rules, not_ready, waited_for
from seamline.records.policy import Policy
from seamline.records.shipping import Fulfilled
from seamline.records.shipping_plan import Plan

CANCELLED_THERE = "cancelled in the shop"
REFUNDED_THERE = "refunded in the shop, and nothing is left to ship"


class Pieces(Record):
    """How many pieces of an article are under way, and how many the order has now."""

    sku: str
    planned: int
    wanted: int


class Difference(Record):
    """How an order differs from what is under way; false when it does not."""

    pieces: tuple[Pieces, ...] = ()
    address: bool = False

    def __bool__(self) -> bool:
        return bool(self.pieces or self.address)

    @property
    def told(self) -> str:
        """In words, without the address."""
        lines = [f"{one.wanted} {one.sku} instead of {one.planned}" for one in self.pieces]
        return ", ".join([*lines, *(["another address"] if self.address else [])])


def difference(plan: Plan, now: Order) -> Difference:
    """What people changed of goods and address since they were last looked at, and is not under way already."""
    planned, seen, wanted = _pieces(plan.part), _pieces(plan.part_in(plan.found)), _pieces(plan.part_in(now))
    changed = bool(wanted) and wanted not in (planned, seen)
    lines = [Pieces(sku=sku, planned=planned.get(sku, 0), wanted=wanted.get(sku, 0)) for sku in {**planned, **wanted}]
    return Difference(
        pieces=tuple(one for one in lines if one.planned != one.wanted) if changed else (),
        address=now.address not in (plan.order.address, plan.found.address),
    )


def changed(plan: Plan, now: Order) -> str:
    """What became of the order since it was last looked at that matters to goods under way; empty when nothing."""
    if nothing_left(plan, now) and plan.part_in(plan.found).lines:
        return "nothing is left to ship"
    if plan.part_in(now).on_hold and not plan.part_in(plan.found).on_hold:
        return "it was put on hold"
    return difference(plan, now).told


def over(plan: Plan, now: Order, fulfilled: Fulfilled) -> str:
    """Why the process is to be taken back by itself; empty when it is not."""
    if now.cancelled:
        return CANCELLED_THERE
    given_back = now.payment in (Payment.REFUNDED, Payment.VOIDED)
    return REFUNDED_THERE if given_back and nothing_left(plan, now) and not fulfilled.numbers else ""


def adopted(plan: Plan, now: Order, fulfilled: Fulfilled) -> list[str]:
    """What people did that was ours to do, and is right as it is."""
    told = []
    if plan.found.payment is Payment.AUTHORIZED and now.payment is Payment.PAID:
        told.append("adopted: the payment was captured in the shop by others")
    if fulfilled.is_ours and nothing_left(plan, now):
        whose = "their" if fulfilled.by_others else "our"
        told.append(f"adopted: it was fulfilled in the shop by others, under {whose} tracking number")
    return told


def in_the_way(plan: Plan, now: Order, fulfilled: Fulfilled, policy: Policy, at: datetime) -> list[Problem]:
    """What people must settle before the goods under way can go on, each with its field and what to do."""
    if over(plan, now, fulfilled):
        return []
    if problems := now.payment_since(plan.found, at) + _fulfilled(plan, now, fulfilled):
        return problems
    if difference(plan, now):
        undeclared = undeclarable(now, plan.part_in(now), policy)
        return [*broken_rules(now), *not_ready(now, policy, at), *waited_for(now), *undeclared]
    if plan.part_in(now).on_hold and not plan.part_in(plan.found).on_hold:
        return now.held_parts("was put on hold: release it there, then retry")
    return []


def _fulfilled(plan: Plan, now: Order, fulfilled: Fulfilled) -> list[Problem]:
    left = not nothing_left(plan, now)
    if left and fulfilled.is_ours and fulfilled.by_others:
        reason = f"is fulfilled in part, under {', '.join(fulfilled.numbers)}: fulfil the rest in the shop, then retry"
        return [Problem(field="fulfilment_orders.0", reason=reason)]
    if left and fulfilled.is_ours:
        reason = "is fulfilled in part under our tracking number: cancel that fulfilment in the shop, then retry"
        return [Problem(field="fulfilment_orders.0", reason=reason)]
    if left or fulfilled.is_ours or not plan.part_in(plan.found).lines:
        return []
    if not fulfilled.numbers:
        return [
            Problem(field="fulfilment_orders", reason="are all closed in the shop: nothing is left to ship, cancel")
        ]
    reason = (
        f"was fulfilled by others under {', '.join(fulfilled.numbers)}, and our label is {', '.join(fulfilled.ours)}: "
        "cancel here and stop our parcel, or correct the tracking number there and retry"
    )
    return [Problem(field="fulfilment_orders.0", reason=reason)]


def nothing_left(plan: Plan, now: Order) -> bool:
    """Whether the shop has nothing left to ship of what is under way."""
    return not plan.part_in(now).lines


def _pieces(part: FulfilmentOrder) -> Mapping[str, int]:
    pieces: dict[str, int] = {}
    for line in part.lines:
        pieces[line.sku] = pieces.get(line.sku, 0) + line.quantity
    return pieces
