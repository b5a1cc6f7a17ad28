"""What a seed decides: the orders, what each meets, and after which order what is disturbed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.storm.deal_odds import PlannedDeal, draw_deals
from tests.storm.odds import (
    CARRIER,
    DEEDS,
    ERP,
    FAULTS,
    KINDS,
    MOMENTS,
    MONEY_DEEDS,
    MONEY_MOMENTS,
    NORTH_ERP,
    OPERATIONS,
    PARCEL_ENDS,
    RATE_OF_OTHERS,
    RATES,
    SCARCE_SKU,
    SECOND_LOCATION,
    SHOP,
    SKUS,
    STOP_SECONDS,
    WAREHOUSE_MOMENTS,
    Does,
)
from tests.storm.who import Who, draw_who

ORDER_ID_FIRST = 70_001
FAULTS_FOR_ORDERS = 6
ORDERS_FOR_STOP = 30
FAULTS_AT_ONCE = (5, 10)
STRUCK = (*(SHOP, ERP, CARRIER) * 3, *OPERATIONS)
"""The connections that faults strike; those that every order uses the most."""
PIECES_MAX = 3


@dataclass(frozen=True)
class Act:
    """What becomes of one order once its moment has come; `twice` cancels a second time through Temporal."""

    does: Does
    moment: str
    twice: bool = False
    change: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PlannedOrder:
    """One order: what the shop makes, how often its webhook comes again and how many orders later, and the acts."""

    id: int
    kind: str
    wanted: Mapping[str, Any]
    pause_seconds: float
    shop: str = SHOP
    again: int = 0
    again_at_once: int = 1
    again_after_orders: int = 0
    acts: Sequence[Act] = ()

    @property
    def reference(self) -> str:
        """`shop-uk:70001`."""
        return f"{self.shop}:{self.id}"

    @property
    def leaves_north(self) -> bool:
        """Whether its first fulfilment order leaves from the second location."""
        return bool(self.wanted["lines"][0].get("location") == SECOND_LOCATION)

    @property
    def topic(self) -> str:
        """The event that starts its process."""
        early = is_authorised(self.wanted) or self.wanted.get("terms") or awaits_rest(self.wanted)
        return "orders/create" if early else "orders/paid"


@dataclass(frozen=True)
class Kill:
    """A part dies and is started again after a while; with `door_too` it takes the door with it."""

    part: str
    down_seconds: float
    door_too: bool = False


@dataclass(frozen=True)
class Stop:
    """People stop all calls to a connection, and release it after a while."""

    connection: str
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Everything that a seed decides. What comes before an order is by that order's number.

    `world` are settings of the simulator that differ from other storms'.
    """

    seed: int
    orders: Sequence[PlannedOrder]
    kills: Mapping[int, Sequence[Kill]]
    faults: Mapping[int, Sequence[Mapping[str, Any]]]
    world: Mapping[str, Any] = field(default_factory=dict)
    stops: Mapping[int, Stop] = field(default_factory=dict)
    deals: Sequence[PlannedDeal] = ()
    express: Sequence[str] = ()
    """The connections whose steps take the express lane."""
    who: Who = field(default_factory=Who)
    choice: str = ""
    """What staff choose wherever it is offered; by default each in its turn."""


def make_plan(
    seed: int,
    orders: int,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    deeds: Mapping[Does | None, int] = DEEDS,
    who: Who | None = None,
) -> Plan:
    """The plan of a seed. Orders, kills and faults are drawn apart, so that one can be changed alone.

    `who` does what is drawn too, where it is not given.
    """
    return Plan(
        seed,
        orders=_orders(dice_of(seed, "orders"), orders, kinds, deeds),
        kills=_kills(dice_of(seed, "kills"), orders),
        faults=_faults(dice_of(seed, "faults"), orders),
        stops=_stops(dice_of(seed, "stops"), orders),
        deals=draw_deals(dice_of(seed, "deals"), orders),
        express=_express(dice_of(seed, "express")),
        who=draw_who(dice_of(seed, "who")) if who is None else who,
    )


def dice_of(seed: int, purpose: str) -> random.Random:
    """The dice of a seed for one purpose."""
    return random.Random(f"{seed}:{purpose}")  # noqa: S311 - repeatable, not secret


def _orders(
    dice: random.Random, count: int, kinds: Sequence[str], deeds: Mapping[Does | None, int]
) -> list[PlannedOrder]:
    weights = [KINDS[kind].weight for kind in kinds]
    return [_order(dice, ORDER_ID_FIRST + number, dice.choices(kinds, weights)[0], deeds) for number in range(count)]


def _order(dice: random.Random, order_id: int, kind: str, deeds: Mapping[Does | None, int]) -> PlannedOrder:
    lines = [{"sku": dice.choice(SKUS), "quantity": dice.randint(1, PIECES_MAX)}]
    again = dice.choice((0, 0, 0, 1, 2, 4))
    wanted = KINDS[kind].wanted
    first = (wanted.get("lines") or lines)[0].get("sku", SKUS[0])
    acts = [_act(dice, first, deeds), _money_act(dice, wanted), _others_act(dice, wanted)]
    return PlannedOrder(
        id=order_id,
        kind=kind,
        wanted={"id": order_id, "lines": lines, **wanted},
        again=again,
        again_at_once=dice.randint(1, max(again, 1)),
        again_after_orders=dice.choice((0, 0, 1, 5, 15)),
        acts=[one for one in acts if one] if KINDS[kind].ours else [],
        pause_seconds=dice.uniform(0.1, 0.6),
        shop=KINDS[kind].shop,
    )


def is_authorised(wanted: Mapping[str, Any]) -> bool:
    """Whether the money of such an order is left to us to take."""
    return wanted.get("financial_status") == "AUTHORIZED"


def awaits_rest(wanted: Mapping[str, Any]) -> bool:
    """Whether the customer of such an order has paid a part."""
    return wanted.get("financial_status") == "PARTIALLY_PAID"


def _act(dice: random.Random, sku: str, deeds: Mapping[Does | None, int]) -> Act | None:
    does = dice.choices(list(deeds), list(deeds.values()))[0]
    moment = dice.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    twice = dice.random() < 0.5
    street = {"address": {"address1": f"{dice.randint(1, 99)} Mill Lane"}}
    pieces, added = {sku: dice.randint(1, PIECES_MAX)}, [{"sku": dice.choice(SKUS)}]
    change = dice.choice((street, {"quantities": pieces}, {"add": added}))
    match does:
        case None:
            return None
        case Does.EDIT:
            return Act(does, moment, change=change)
        case Does.CANCEL | Does.SHOP_CANCEL:
            return Act(does, moment, twice)
        case Does.UNSHIP | Does.FULFIL | Does.HOLD:
            return Act(does, dice.choice(WAREHOUSE_MOMENTS))
        case Does.REFUND_LABEL:
            return Act(does, "buy-label")
        case Does.RETURN:
            back = {"sku": sku, "requested": dice.random() < 0.5, "cancelled": dice.random() < 0.2}
            return Act(does, "post-fulfilment", change=back)
        case Does.LOSE:
            return Act(does, "post-fulfilment", change={"state": dice.choice(PARCEL_ENDS)})
        case _:
            return Act(does, moment)


def _money_act(dice: random.Random, wanted: Mapping[str, Any]) -> Act | None:
    if wanted.get("financial_status") in ("PENDING", "PARTIALLY_PAID") and not wanted.get("terms"):
        return Act(Does.PAY, "start")
    if not is_authorised(wanted):
        return None
    does = dice.choices(list(MONEY_DEEDS), list(MONEY_DEEDS.values()))[0]
    moment = dice.choice(MONEY_MOMENTS)
    return Act(does, moment) if does else None


def _others_act(dice: random.Random, wanted: Mapping[str, Any]) -> Act | None:
    """What others have yet to do for such an order: release it, or bring the goods."""
    if wanted.get("fulfillment_order_status") in ("ON_HOLD", "SCHEDULED"):
        return Act(Does.RELEASE, "start")
    if any(line.get("sku") == SCARCE_SKU for line in wanted.get("lines", ())) and dice.random() < 0.5:
        return Act(Does.RESTOCK, "start")
    return None


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


def _stops(dice: random.Random, orders: int) -> dict[int, Stop]:
    return {
        dice.randrange(orders): Stop(dice.choice((SHOP, ERP, CARRIER, NORTH_ERP)), dice.uniform(*STOP_SECONDS))
        for _ in range(orders // ORDERS_FOR_STOP)
    }


def _express(dice: random.Random) -> list[str]:
    """In half of the storms none, else some."""
    share = dice.choice((0, 0.5))
    return [name for name in OPERATIONS if dice.random() < share]


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
    drawn = dice.choice(FAULTS)
    connection = drawn.get("connection") or dice.choice(STRUCK)
    fault: dict[str, Any] = {
        "connection": connection,
        "operation": dice.choice(OPERATIONS[connection]),
        "probability": RATES.get(drawn["kind"], RATE_OF_OTHERS),
        **drawn,
        "seed": dice.randrange(1_000_000),
    }
    for name, value in fault.items():
        if isinstance(value, tuple):
            fault[name] = round(dice.uniform(*value), 2)
    return fault
