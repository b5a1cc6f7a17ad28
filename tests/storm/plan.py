"""What a seed decides: the orders, what each meets, and after which order what is disturbed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ORDER_ID_FIRST = 70_001
SHOP, ERP, CARRIER, MAIL = "shop-uk", "erp-main", "shippo-main", "mail-main"
SKUS = ("MUG-BLUE", "TEE-M", "BOOK-TIDE")
SCARCE_SKU = "LAST-ONE"
BAD_POSTCODE = "ZZ9 9ZZ"
KINDS: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "plain": (70, {}),
    "no email": (5, {"email": None}),
    "bad postcode": (6, {"address": {"zip": BAD_POSTCODE}}),
    "no address": (3, {"address": None}),
    "unknown article": (4, {"lines": [{"sku": "NO-SUCH-ARTICLE"}]}),
    "too little stock": (4, {"lines": [{"sku": SCARCE_SKU}]}),
    "test order": (3, {"test": True}),
    "pickup": (3, {"delivery": "PICK_UP"}),
    "cancelled in the shop": (2, {"webhooks": False}),
}
"""Weight, and how the shop is told to make it."""
MOMENTS: Mapping[str, int] = {"start": 1, "reserve": 3, "buy-label": 3, "ship": 3, "post-fulfilment": 1, "send-mail": 1}
"""When a process is cancelled: as soon as it is there, or once the ledger has the effect. With weights."""

OUTAGE_SECONDS = (3.0, 8.0)
FAULTS_FOR_ORDERS = 6
FAULTS_AT_ONCE = (3, 7)
DELAY_SECONDS = (0.1, 5.0)
# The attempt's limit in the storm is shorter than the longest delay, so that some tries time out in Temporal.
_FAULTS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("status", {"status": 500}),
    ("status", {"status": 503}),
    ("status", {"status": 429}),
    ("timeout", {"delay": True}),
    ("lost-reply", {}),
    ("lost-reply", {"delay": True}),
    ("throttle", {"delay_seconds": 1}),
    ("refuse", {}),
    ("slow", {"delay": True}),
    ("not-assigned", {}),
    ("down", {"seconds": True}),
)
_OPERATIONS: Mapping[str, Sequence[str]] = {
    SHOP: ("*", "token", "order", "fulfillmentOrder", "fulfillmentCreate"),
    ERP: (
        "*",
        "sale.sale.search",
        "party.party.create",
        "sale.sale.create",
        "sale.sale.get",
        "sale.sale.quote",
        "sale.sale.confirm",
        "stock.shipment.out.assign_try",
        "stock.shipment.out.cancel",
        "sale.sale.cancel",
    ),
    CARRIER: (
        "*",
        "addresses.create",
        "shipments.create",
        "transactions.list",
        "transactions.create",
        "transactions.get",
        "refunds.create",
        "tracks.get",
    ),
    MAIL: ("*", "send"),
}


@dataclass(frozen=True)
class Cancel:
    """When a process is cancelled through Temporal, and whether a second request follows."""

    moment: str
    twice: bool


@dataclass(frozen=True)
class PlannedOrder:
    """One order: what the shop makes, how often its webhook comes again and how many orders later, and a cancel."""

    id: int
    kind: str
    wanted: Mapping[str, Any]
    again: int
    again_at_once: int
    again_after_orders: int
    cancel: Cancel | None
    pause_seconds: float

    @property
    def reference(self) -> str:
        """`shop-uk:70001`."""
        return f"{SHOP}:{self.id}"


@dataclass(frozen=True)
class Kill:
    """A part dies and is started again after a while; with `door_too` it takes the door with it."""

    part: str
    down_seconds: float
    door_too: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that a seed decides. `kills` and `faults` are by the number of the order before which they come."""

    orders: Sequence[PlannedOrder]
    kills: Mapping[int, Sequence[Kill]]
    faults: Mapping[int, Sequence[Mapping[str, Any]]]


def make_plan(seed: int, orders: int) -> Plan:
    """The plan of a seed. Orders, kills and faults are drawn apart, so that one can be changed alone."""
    return Plan(
        orders=_orders(dice_of(seed, "orders"), orders),
        kills=_kills(dice_of(seed, "kills"), orders),
        faults=_faults(dice_of(seed, "faults"), orders),
    )


def dice_of(seed: int, purpose: str) -> random.Random:
    """The dice of a seed for one purpose."""
    return random.Random(f"{seed}:{purpose}")  # noqa: S311 - repeatable, not secret


def _orders(dice: random.Random, count: int) -> list[PlannedOrder]:
    kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    return [_order(dice, ORDER_ID_FIRST + number, dice.choices(kinds, weights)[0]) for number in range(count)]


def _order(dice: random.Random, order_id: int, kind: str) -> PlannedOrder:
    wanted = {"id": order_id, "lines": [{"sku": dice.choice(SKUS), "quantity": dice.randint(1, 3)}], **KINDS[kind][1]}
    again = dice.choice((0, 0, 0, 1, 2, 4))
    cancelled = dice.random() < 0.2
    moment = dice.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    return PlannedOrder(
        id=order_id,
        kind=kind,
        wanted=wanted,
        again=again,
        again_at_once=dice.randint(1, max(again, 1)),
        again_after_orders=dice.choice((0, 0, 1, 5, 15)),
        cancel=Cancel(moment, dice.random() < 0.5) if cancelled else None,
        pause_seconds=dice.uniform(0.1, 0.6),
    )


def _kills(dice: random.Random, orders: int) -> dict[int, list[Kill]]:
    counts = {"worker": orders // 20, "worker-2": orders // 20, "api": orders // 20, "simulator": orders // 40}
    kills: dict[int, list[Kill]] = {}
    for part, count in counts.items():
        for _ in range(max(1, count)):
            kills.setdefault(dice.randrange(orders), []).append(Kill(part, dice.uniform(0.1, 3)))
    for number in range(max(1, min(6, orders // 60))):
        # Long enough that a door that answers before Temporal has the start loses it.
        kill = Kill("Temporal", dice.uniform(2, 6), door_too=number % 2 == 0)
        kills.setdefault(dice.randrange(orders), []).append(kill)
    return kills


def _faults(dice: random.Random, orders: int) -> dict[int, list[dict[str, Any]]]:
    return {
        moment: sorted(
            (_fault(dice) for _ in range(dice.randint(*FAULTS_AT_ONCE))),
            # The first fault that fits hits a call: while a system is down, nothing else answers for it.
            key=lambda fault: fault["kind"] != "down",
        )
        for moment in range(0, orders, FAULTS_FOR_ORDERS)
    }


def _fault(dice: random.Random) -> dict[str, Any]:
    kind, more = dice.choice(_FAULTS)
    connection = dice.choice(tuple(_OPERATIONS))
    fault: dict[str, Any] = {"connection": connection, "kind": kind, "operation": "*"}
    if kind == "down":
        return fault | {"seconds": round(dice.uniform(*OUTAGE_SECONDS), 1)}
    if kind == "not-assigned":
        fault |= {"connection": ERP}
    else:
        fault |= {"operation": dice.choice(_OPERATIONS[connection])}
    fault |= {name: value for name, value in more.items() if name != "delay"}
    if more.get("delay"):
        fault["delay_seconds"] = round(dice.uniform(*DELAY_SECONDS), 1)
    rate = dice.uniform(0.03, 0.1) if kind == "refuse" else dice.uniform(0.1, 0.6)
    return fault | {"probability": round(rate, 2), "seed": dice.randrange(1_000_000)}
