"""Orders that people had begun in the real dialects of the systems are finished by us; the checker judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from activities.carrier import CarrierSystem
from activities.inventory import InventorySystem
from activities.shop import ShopSystem
from seamline.http import HttpFactory
from seamline.records.address import Address
from seamline.records.order import Order
from seamline.records.parcel import LabelRequest
from seamline.records.policy import Policy
from seamline.records.shipping_plan import Plan, parcel_requests, stock_request
from seamline.records.shop_rules import ShopRules, TakeOver
from tests.end_to_end.world import ByHand, Names, World
from worker.connections import serve_connections

APART = Names(shop="shop-taken", inventory="erp-taken", carrier="shippo-taken", mail="mail-taken")
DAY = timedelta(days=1)
STAGES = ("nothing", "sold", "labelled", "captured")


class People:
    """Whoever began the orders: they write our reference, and no key."""

    def __init__(self, shop: World) -> None:
        self.shop = shop
        served = {one.name: one for one in serve_connections(shop.settings, HttpFactory())}
        self._served = served
        self.orders = cast(ShopSystem, served[APART.shop].adapters[0])
        self.stock = cast(InventorySystem, served[APART.inventory].adapters[0])
        self.labels = cast(CarrierSystem, served[APART.carrier].adapters[0])

    async def begin(self, stage: str) -> str:
        """An order, done up to this stage; its reference."""
        reference = await self.shop.order(financial_status="AUTHORIZED")
        order: Order = await self.orders.fetch_order(reference)
        plan, address = Plan(order=order, found=order), order.address or Address()
        if stage == "nothing":
            return reference
        sale = await self.stock.create_reservation("", stock_request(plan, address))
        sale = await self.stock.advance_reservation(sale)
        if stage in ("labelled", "captured"):
            (parcel,) = parcel_requests(plan, address, sale, Policy(), early=True)
            quote = await self.labels.quote("", parcel)
            await self.labels.buy_label(reference, LabelRequest(parcel=parcel, rate=quote.rates[0]))
        if stage == "captured":
            await self.shop.staff_pay(reference, "capture")
        return reference

    async def close(self) -> None:
        """Close what is open to the systems."""
        for one in self._served.values():
            await one.close()


@pytest.fixture(scope="module")
async def people(world: World) -> AsyncIterator[People]:
    """A shop whose orders of these days were begun by others."""
    shop = World(world.simulator, world.client, world.http, APART, workflows=False, payment_mode="ours")
    begun = People(shop)
    async with shop.working():
        yield begun
    await begun.close()


def rules(**more: Any) -> dict[str, ShopRules]:
    """What is set for the shop."""
    now = datetime.now(UTC)
    rule = TakeOver(since=now - DAY, until=now + DAY)
    return {APART.shop: ShopRules(**({"take_over": rule} | more))}


@pytest.mark.usefixtures("by_hand")
async def test_what_people_began_is_finished_and_nothing_is_there_twice(people: People) -> None:
    shop, warehouse = people.shop, ByHand(people.shop)
    references = [await people.begin(stage) for stage in STAGES for _ in range(2)]
    handles = [await shop.start(reference, shops=rules()) for reference in references]
    for reference, handle in zip(references, handles, strict=True):
        await shop.step(handle, "packed")
        await warehouse.move(reference, "packed")
        await shop.step(handle, "handed-over")
    for reference in references:
        await warehouse.hand_over(reference)
    outcomes = await asyncio.gather(*(shop.outcome(handle) for handle in handles))
    assert [one["kind"] for one in outcomes] == ["completed"] * len(references)
    for reference in references:
        counted = await shop.counted(reference)
        assert (counted["reserve"], counted["buy-label"]) == (1, 1)
        assert counted["capture"] + counted["capture-by-hand"] == 1
    verdict = await shop.verdict()
    assert verdict.ok, verdict.findings


async def test_a_parcel_that_left_under_an_unknown_label_waits(people: People) -> None:
    shop = people.shop
    reference = await people.begin("sold")
    await shop.happened(reference, "ship")
    handle = await shop.start(reference, shops=rules())
    (wait,) = (await shop.waiting(handle)).waits
    assert wait.cause == "shippo-taken refusal left-without-label"
    assert "buy-label" not in await shop.operations(reference)
    label = {"id": "by-hand", "rate_id": "", "key": "", "state": "bought", "carrier": "usps", "tracking_number": "9400"}
    await shop.decide(handle, wait=wait.name, action="skip", result=label)
    assert (await shop.outcome(handle))["kind"] == "completed"


@pytest.mark.usefixtures("by_hand")
async def test_what_people_reserved_twice_waits_and_both_are_named(people: People) -> None:
    shop, warehouse = people.shop, ByHand(people.shop)
    reference = await people.begin("sold")
    order = await people.orders.fetch_order(reference)
    again = stock_request(Plan(order=order, found=order), order.address or Address())
    second = await people.stock.create_reservation("", again)
    handle = await shop.start(reference, shops=rules())
    (wait,) = (await shop.waiting(handle)).waits
    assert wait.cause == "erp-taken refusal already-there"
    assert second.id in wait.reason.partition(" exist for ")[0].split(", ")
    await people.stock.cancel_reservation(second)
    await shop.decide(handle, wait=wait.name, action="retry")
    await shop.step(handle, "packed")
    await warehouse.hand_over(reference)
    assert (await shop.outcome(handle))["kind"] == "completed"


async def test_an_order_from_before_the_cut_over_is_ignored(people: People) -> None:
    shop = people.shop
    reference = await people.begin("sold")
    handle = await shop.start(reference, shops=rules(take_over=None, cut_over=datetime.now(UTC) + DAY))
    outcome = await shop.outcome(handle)
    assert (outcome["kind"], outcome["code"]) == ("ignored", "before-cut-over")
    assert "buy-label" not in await shop.operations(reference)
