"""Who told a customer that the parcel left: we or the shop, and never both or neither."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_process import Process

ORDER_PROCESS = "order-to-shipment"
_FIRST = "/send-shipped#1"
"""The end of our first mail's key: what is sent again is mailed by us in any case."""


def mailed(effects: Sequence[Effect], processes: Sequence[Process], reachable: Collection[str]) -> Iterator[Finding]:
    """Judge each completed order. `reachable` are those with a mail address."""
    ours = {one.reference for one in effects if one.operation == "send-mail" and one.key.endswith(_FIRST)}
    theirs = {one.reference for one in effects if one.operation == "shop-mail"}
    by_people = {one.reference for one in effects if one.operation == "post-fulfilment-by-hand"}
    for process in processes:
        if process.type != ORDER_PROCESS or process.ending != "completed":
            continue
        order = process.reference.partition(".")[0]
        by_us, by_shop = process.reference in ours, order in theirs
        left = {"send-mail", "post-fulfilment"} & process.by_hand or order in by_people
        if by_us and by_shop:
            yield Finding(reference=process.reference, rule="mailed", detail="we mailed the customer, and the shop did")
        if order in reachable and not (by_us or by_shop or left):
            yield Finding(reference=process.reference, rule="mailed", detail="nobody mailed the customer")
