"""Plans rich in one thing each, for the self-test: what a break of the product hurts by comes often in its theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tests.storm.deal_odds import draw_deals
from tests.storm.odds import (
    CARRIER,
    CRM,
    DEEDS,
    ERP,
    KINDS,
    OPERATIONS,
    PARCEL_ENDS,
    SCARCE_SKU,
    SHOP,
    SHOP_ABROAD,
    SHOPS,
    SKUS,
    Does,
)
from tests.storm.plan import ORDER_ID_FIRST, PIECES_MAX, Act, Kill, Plan, PlannedOrder, Stop, dice_of, make_plan
from tests.storm.who import Who

PAUSE_SECONDS, SLOW_PAUSE_SECONDS = 0.3, 2.0
STOPPED_SECONDS = 26.0
TRAVEL_SECONDS = 20
HOUSE_SECONDS = 600
LOST_SHARE = 0.4
TEMPORAL_DOWN_SECONDS = 12.0
"""Long enough that orders come meanwhile, however slow the machine."""


def lost_answers(seed: int, orders: int) -> Plan:
    """Reservations and labels whose first answers are lost: each is looked up before it is made again."""
    lost = [
        {
            "connection": connection,
            "operation": operation,
            "kind": "lost-reply",
            "probability": LOST_SHARE,
            "seed": seed,
        }
        for connection, operation in ((ERP, "sale.sale.create"), (CARRIER, "transactions.create"))
    ]
    return Plan(seed, _plain(orders), {}, {0: lost})


def cancels_in_undo(seed: int, orders: int) -> Plan:
    """Orders cancelled in the shop, and in Temporal as soon as the stock is free and the label cannot be given back."""
    acts = (Act(Does.SHOP_CANCEL, "buy-label"), Act(Does.CANCEL, "release"))
    away = {"connection": CARRIER, "operation": "refunds.create", "kind": "status", "status": 503}
    # The goods stay in the house, so that no cancel is too late, however slow the machine.
    return Plan(seed, _plain(orders, acts), {}, {0: [away]}, {"hand_over_after_seconds": HOUSE_SECONDS})


def late_cancels(seed: int, orders: int) -> Plan:
    """Orders cancelled as soon as their goods have left, which their processes do not know yet."""
    slow = {"connection": ERP, "operation": "sale.sale.get", "kind": "slow", "delay_seconds": 1, "probability": 0.5}
    return Plan(seed, _plain(orders, (Act(Does.CANCEL, "ship"),)), {}, {0: [slow]})


def dead_temporal(seed: int, orders: int) -> Plan:
    """Orders while Temporal is dead, and a door that dies before it is back."""
    kill = Kill("Temporal", TEMPORAL_DOWN_SECONDS, door_too=True)
    return Plan(seed, _plain(orders), {1: [kill]}, {})


def stopped(seed: int, orders: int) -> Plan:
    """Orders that go on coming while people have stopped all calls to the warehouse's system."""
    slowly = [replace(one, pause_seconds=SLOW_PAUSE_SECONDS) for one in _plain(orders)]
    return Plan(seed, slowly, {}, {}, stops={0: Stop(ERP, STOPPED_SECONDS)})


def people(seed: int, orders: int) -> Plan:
    """Orders that people edit, fulfil by hand, or whose shipment they cancel, as soon as the label is bought."""
    changes = ({"add": [{"sku": SKUS[1]}]}, {"quantities": {SKUS[0]: PIECES_MAX}}, {"address": {"address1": "1 Quay"}})
    edits = [Act(Does.EDIT, "buy-label", change=change) for change in changes]
    acts = [*edits, Act(Does.FULFIL, "buy-label"), Act(Does.UNSHIP, "buy-label")]
    changed = [replace(one, acts=(acts[number % len(acts)],)) for number, one in enumerate(_plain(orders))]
    return Plan(seed, changed, {}, {}, {"hand_over_after_seconds": TRAVEL_SECONDS})


def lost_parcels(seed: int, orders: int) -> Plan:
    """Orders whose parcels the carrier loses or sends back, while answers of the carrier are lost."""
    acts = [(Act(Does.LOSE, "post-fulfilment", change={"state": state}),) for state in PARCEL_ENDS]
    lost = {"connection": CARRIER, "operation": "transactions.create", "kind": "lost-reply", "probability": LOST_SHARE}
    plain = [replace(one, acts=acts[number % len(acts)]) for number, one in enumerate(_plain(orders))]
    # They travel long enough to be lost, however slow the machine.
    return Plan(seed, plain, {}, {0: [lost | {"seed": seed}]}, {"deliver_after_seconds": TRAVEL_SECONDS})


def parts(seed: int, orders: int) -> Plan:
    """Orders in two parts, some of them cancelled in the shop once a label is bought."""
    acts = ((), (), (Act(Does.SHOP_CANCEL, "buy-label"),))
    made = [
        replace(one, wanted={**one.wanted, **KINDS["two parts"].wanted}, acts=acts[number % len(acts)])
        for number, one in enumerate(_plain(orders))
    ]
    return Plan(seed, made, {}, {})


def short_stock(seed: int, orders: int) -> Plan:
    """Orders that race for the last piece of an article."""
    last = [replace(one, wanted={**one.wanted, "lines": [{"sku": SCARCE_SKU}]}) for one in _plain(orders)]
    return Plan(seed, last, {}, {})


def deals(seed: int, orders: int) -> Plan:
    """As many deals as orders."""
    plan = make_plan(seed, orders, kinds=("plain",), deeds={None: 1}, who=Who())
    return replace(plan, deals=draw_deals(dice_of(seed, "deals"), orders, each=1))


def express(seed: int, orders: int) -> Plan:
    """The storm with every connection on the express lane."""
    return replace(make_plan(seed, orders), express=tuple(OPERATIONS))


def split_off(seed: int, orders: int) -> Plan:
    """Orders of which one line is short, and staff who send what is there."""
    plan = make_plan(seed, orders, kinds=("one line is short",), deeds={None: 1}, who=Who())
    return replace(plan, orders=[replace(one, acts=()) for one in plan.orders], choice="ship-available")


def rich_in(
    *kinds: str, deeds: Mapping[Does | None, int] | None = None, who: Who | None = None
) -> Callable[[int, int], Plan]:
    """The storm with these kinds of orders alone, with these deeds, and all ours to do but for what `who` says."""

    def plan(seed: int, orders: int) -> Plan:
        return make_plan(seed, orders, kinds=kinds, deeds=deeds or DEEDS, who=who or Who())

    return plan


def for_all(**rules: str) -> Who:
    """The same rules for all shops."""
    return Who(dict.fromkeys(SHOPS, rules))


OF_BOTH_SHOPS = ("plain", "authorised", "two parts", "labels at packing", "of the second shop", "abroad")
THEMES: Mapping[str, Callable[[int, int], Plan]] = {
    "all": make_plan,
    "lost-answers": lost_answers,
    "cancels-in-undo": cancels_in_undo,
    "late-cancels": late_cancels,
    "dead-temporal": dead_temporal,
    "stopped": stopped,
    "people": people,
    "lost-parcels": lost_parcels,
    "short-stock": short_stock,
    "parts": parts,
    "parcels": rich_in("several parcels", "labels at packing"),
    "back-orders": rich_in("one line is short", "too little stock"),
    "split-off": split_off,
    "abroad": rich_in("abroad", "abroad, not declarable"),
    "held": rich_in("held by another app", "pre-order", deeds={None: 1, Does.HOLD: 3, Does.CANCEL: 1}),
    "deals": deals,
    "express": express,
    "two-stores": rich_in("of the second shop", "labels at packing", "two parts"),
    "returns": rich_in("plain", "authorised", deeds={Does.RETURN: 1}),
    "others-labels": rich_in(*OF_BOTH_SHOPS, "one line is short", "several parcels", who=for_all(labels="others")),
    "shop-mails": rich_in(*OF_BOTH_SHOPS, "no email", who=for_all(mails="shop")),
    "shop-stock": rich_in(
        *OF_BOTH_SHOPS, "one line is short", who=Who({SHOP: {"stock": "shop"}, SHOP_ABROAD: {}}, shared=True)
    ),
    "observed": rich_in(*OF_BOTH_SHOPS, "risky", "bad postcode", who=Who(observed=(SHOP, CRM))),
    "labels": rich_in("plain", "labels at packing", deeds={Does.REFUND_LABEL: 4, Does.SHOP_CANCEL: 1, Does.EDIT: 1}),
}
"""By name; `all` is the storm itself."""


def _plain(count: int, acts: Sequence[Act] = ()) -> Sequence[PlannedOrder]:
    return [
        PlannedOrder(
            id=ORDER_ID_FIRST + number,
            kind="plain",
            wanted={"id": ORDER_ID_FIRST + number, "lines": [{"sku": SKUS[0]}], **KINDS["plain"].wanted},
            pause_seconds=PAUSE_SECONDS,
            acts=acts,
        )
        for number in range(count)
    ]
