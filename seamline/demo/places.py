"""The demo's stories of several places: two shops, two warehouses, two accounts with the carrier, and a back-order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seamline.demo.orders import ONE_EACH
from seamline.demo.stage import Stage, waits
from seamline.demo.story import Scenario, Told, kind_of
from seamline.local_settings import (
    CARRIER,
    CARRIER_NORTH,
    LOCATION_NORTH,
    SHOP,
    SHOP_ABROAD,
    WAREHOUSE,
    WAREHOUSE_NORTH,
)
from seamline.process.view import View

BERLIN = {
    "address1": "Lindenallee 4",
    "city": "Berlin",
    "province": "Berlin",
    "provinceCode": "BE",
    "zip": "10115",
    "country": "Germany",
    "countryCodeV2": "DE",
}
MAIL = "mail-main"
WIDE = {"sku": "JUG-WIDE", "title": "Wide jug"}


async def abroad(stage: Stage) -> Told:
    """An order of the second shop, which has a warehouse and an account with the carrier of its own."""
    lines = [{"location": LOCATION_NORTH}]
    reference = await stage.order(SHOP_ABROAD, currency="EUR", locale="de", address=BERLIN, lines=lines)
    view = await stage.ended(reference)
    await stage.delivered(reference)
    effects = await stage.effects(reference)
    used = by_connection(effects)
    labels = [f"{one['amount']} {one['currency']}" for one in effects if one["operation"] == "buy-label"]
    # This shop tells its customers by itself, so no mail is ours.
    ok = kind_of(view) == "completed" and used == {
        SHOP_ABROAD: Counter({"post-fulfilment": 1, "shop-mail": 1}),
        WAREHOUSE_NORTH: Counter({"reserve": 1, "ship": 1}),
        CARRIER_NORTH: Counter({"buy-label": 1}),
    }
    places = ", ".join(sorted(used))
    return Told(ok, f"{kind_of(view)} by {places}; label {', '.join(labels)}, mailed by the shop", [reference])


async def apart(stage: Stage) -> Told:
    """One order whose goods lie in two warehouses, authorised only."""
    lines = [{"quantity": 2}, {"sku": "LAMP-OAK", "location": LOCATION_NORTH}]
    reference = await stage.order(lines=lines, financial_status="AUTHORIZED")
    part = f"{reference}.2"
    views = [await stage.ended(reference), await stage.ended(part)]
    for one in (reference, part):
        await stage.delivered(one)
    mine, others = await stage.effects(reference), await stage.effects(part)
    there = (set(by_connection(mine)), set(by_connection(others)))
    apart = there == ({SHOP, WAREHOUSE, CARRIER, MAIL}, {WAREHOUSE_NORTH, CARRIER_NORTH, MAIL})
    once = await stage.live(reference, part) == ONE_EACH + ONE_EACH + Counter({"capture": 1})
    taken = ", ".join(f"{one['amount']} {one['currency']}" for one in mine if one["operation"] == "capture")
    ok = apart and once and {kind_of(view) for view in views} == {"completed"}
    ended = " and ".join(kind_of(view) for view in views)
    return Told(ok, f"{ended}, from {WAREHOUSE} and {WAREHOUSE_NORTH}; captured {taken}", [reference, part])


async def backordered(stage: Stage) -> Told:
    """Of two articles one is short. Staff send what is there; the rest follows when it comes."""
    await stage.erp.stock(WAREHOUSE, WIDE["sku"], 1)
    reference = await stage.order(lines=[{}, {**WIDE, "quantity": 3}])
    handle, part = stage.handle("order-to-shipment", reference), f"{reference}.2"
    wait = (await stage.until(handle, waits, "waiting")).waits[0]
    stage.say(f"[yellow]waits for {wait.team}[/]: {wait.reason}")
    await stage.command("choose", handle.id, wait.name, "ship-available", "--why", "the customer wants the mug")
    first = await stage.ended(reference)
    stage.say(f"a mug and a jug have left; two jugs wait as {stage.process_link(f'order-to-shipment:{part}')}")
    await stage.until(stage.handle("order-to-shipment", part), _waits_for_stock, "waiting for stock")
    before = await stage.live(part)
    await stage.erp.stock(WAREHOUSE, WIDE["sku"], 2)
    stage.say("two jugs come: the rest is sent by itself")
    second = await stage.ended(part)
    for one in (reference, part):
        await stage.delivered(one)
    once = await stage.live(reference, part) == ONE_EACH + ONE_EACH + Counter({"split-order": 1})
    left = await stage.erp.pieces(WAREHOUSE, WIDE["sku"])
    ok = once and not before and not left and {kind_of(first), kind_of(second)} == {"completed"}
    return Told(
        ok, f"{kind_of(first)}, then {kind_of(second)}: two parcels, {left} left on the shelf", [reference, part]
    )


def _waits_for_stock(view: View) -> bool:
    return bool(view.steps) and view.steps[-1].name == "restocked"


def by_connection(effects: Sequence[dict[str, Any]]) -> dict[str, Counter[str]]:
    """What was made, by connection."""
    made: dict[str, Counter[str]] = {}
    for one in effects:
        made.setdefault(one["connection"], Counter())[one["operation"]] += 1
    return made


STORIES = (
    Scenario("an order of the second shop", "its own warehouse, its own account with the carrier", abroad),
    Scenario("an order from two warehouses", "a parcel from each, one capture", apart),
    Scenario("goods that are short are back-ordered", "what is there leaves; the rest, when it comes", backordered),
)
