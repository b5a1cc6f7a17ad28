"""One order of every kind that shops sell: shipped, waited for without a person, or ignored and counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.finding import count_ignored
from seamline.records.order_rules import Why
from tests.end_to_end.kinds import ABROAD, CAPTURED, IGNORED, SHIPPED, WAITED_FOR
from tests.end_to_end.world import Names, World

AT_ONCE = 5


@pytest.fixture(scope="module")
async def shop(world: World) -> AsyncIterator[World]:
    """A shop of its own, whose ignored orders can be counted."""
    names = Names(shop="shop-kinds", inventory="erp-kinds", carrier="shippo-kinds", mail="mail-kinds")
    shop = World(world.simulator, world.client, world.http, names, workflows=False)
    async with shop.working():
        yield shop


async def run_all(shop: World, orders: dict[str, dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each order's reference and outcome, some run at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        async with room:
            reference = await shop.order(**wanted)
            return reference, await shop.outcome(await shop.start(reference))

    outcomes = await asyncio.gather(*map(one, orders.values()))
    return dict(zip(orders, outcomes, strict=True))


async def test_what_is_shipped(shop: World) -> None:
    ended = await run_all(shop, SHIPPED)
    assert {name: outcome["kind"] for name, (_, outcome) in ended.items()} == dict.fromkeys(SHIPPED, "completed")
    for name, (reference, _) in ended.items():
        mails = 0 if name == "no email address" else 1
        assert (await shop.counted(reference))["send-mail"] == mails
    left = {name: reserved(shop, ended[name][0]) for name in ("a gift card among goods", "partly digital", "edited")}
    assert left == {name: ["MUG-BLUE"] for name in left}
    assert sorted(reserved(shop, ended["bundle"][0])) == ["MUG-BLUE", "TEE-M"]
    verdict = await shop.verdict()
    assert verdict.ok, verdict.findings


def reserved(shop: World, reference: str) -> list[str]:
    """The articles that the warehouse sold for an order."""
    (sale,) = shop.simulator.world.find(shop.names.inventory, "sale.sale", {"reference": reference})
    lines = shop.simulator.world.find(shop.names.inventory, "sale.line", {"sale": sale["id"]})
    products = [shop.simulator.world.get(shop.names.inventory, "product.product", str(one["product"])) for one in lines]
    return [product["code"] for product in products if product]


async def test_what_we_capture(ours: World) -> None:
    wanted = {name: {"financial_status": "AUTHORIZED", **more} for name, (more, _) in CAPTURED.items()}
    ended = await run_all(ours, wanted)
    taken = {}
    for name, (reference, outcome) in ended.items():
        assert outcome["kind"] == "completed"
        taken[name] = [str(one["amount"]) for one in await ours.effects(reference) if one["operation"] == "capture"]
    assert taken == {name: [amount] for name, (_, amount) in CAPTURED.items()}
    verdict = await ours.verdict()
    assert verdict.ok, verdict.findings


async def test_what_is_ignored_is_counted_by_its_reason(shop: World) -> None:
    ended = await run_all(shop, {name: wanted for name, (wanted, _) in IGNORED.items()})
    told = {name: (outcome["kind"], outcome["code"]) for name, (_, outcome) in ended.items()}
    assert told == {name: ("ignored", why.value) for name, (_, why) in IGNORED.items()}
    for reference, _ in ended.values():
        assert await shop.operations(reference) == []
    wanted = Counter(why for _, why in IGNORED.values())
    counted: Counter[Why] = Counter()
    while counted != wanted:
        await asyncio.sleep(0.1)
        counted = Counter({one.reason: one.count for one in await count_ignored(shop.client, [shop.names.shop])})
        assert counted <= wanted, counted


@pytest.mark.parametrize("kind", WAITED_FOR)
async def test_what_others_have_yet_to_do_is_waited_for_without_a_person(shop: World, kind: str) -> None:
    wanted, step = WAITED_FOR[kind]
    reference = await shop.order(**wanted)
    handle = await shop.start(reference)
    view = await shop.step(handle, step)
    assert not view.waits
    assert await shop.operations(reference) == []
    if step == "paid":
        await shop.staff_pay(reference, "pay")
    else:
        number = reference.partition(":")[2]
        (part,) = shop.simulator.world.find(shop.names.shop, "fulfillment-order", {"order_id": number})
        shop.edit("fulfillment-order", part["id"], status="OPEN", holds=[])
    assert (await shop.outcome(handle))["kind"] == "completed"


async def test_goods_for_abroad_wait_for_what_customs_ask_before_anything_is_done(shop: World) -> None:
    lines = [{"hs_code": "", "quantity": 2}, {"sku": "TEE-M", "origin": ""}]
    reference = await shop.order(address=ABROAD, lines=lines, duties="7.20", taxes_included=False)
    handle = await shop.start(reference)
    (wait,) = (await shop.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["lines.0.hs_code", "lines.1.origin"]
    assert await shop.operations(reference) == []
    change = {"lines": {"0": {"hs_code": "732394"}, "1": {"origin": "PT"}}}
    await shop.decide(handle, wait=wait.name, action="amend", change=change)
    assert (await shop.outcome(handle))["kind"] == "completed"
    (declared,) = declarations(shop, reference)
    assert (declared["incoterm"], declared["certify"]) == ("DDP", True)
    items = [shop.simulator.world.get(shop.names.carrier, "customs-item", one) or {} for one in declared["items"]]
    told = [(one["tariff_number"], one["origin_country"], one["quantity"], one["value_amount"]) for one in items]
    assert told == [("732394", "PL", 2, "29.0"), ("620520", "PT", 1, "32.0")]


def declarations(shop: World, reference: str) -> list[dict[str, Any]]:
    """The customs declarations of the labels bought for an order."""
    get = shop.simulator.world.get
    carrier = shop.names.carrier
    found = []
    for label in shop.simulator.world.find(carrier, "transaction", {"status": "SUCCESS"}):
        if label["metadata"].startswith(f"{reference}/"):
            rate = get(carrier, "rate", label["rate"]) or {}
            shipment = get(carrier, "shipment", rate["shipment"]) or {}
            found.append(shipment["customs_declaration"])
    return found


async def test_an_authorisation_that_ended_waits_for_people(ours: World) -> None:
    reference = await ours.order(financial_status="EXPIRED")
    handle = await ours.start(reference)
    (wait,) = (await ours.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["payment"]
    await ours.decide(handle, wait=wait.name, action="cancel", why="never paid")
    await ours.outcome(handle)
