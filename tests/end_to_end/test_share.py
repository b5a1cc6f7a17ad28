"""What is in stock comes to the shop, so that it does not sell what is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.service import RPCError

from seamline.process.start import Start
from seamline.records.location import Location
from seamline.records.shop_rules import ShopRules, StockOwner
from seamline.service_settings import StockSettings
from seamline.settings import Settings, start_for
from seamline.simulator.checker_process import Process
from seamline.simulator.checker_stock import Shelves, oversold
from seamline.temporal import start_process
from tests.end_to_end.world import ByHand, Handle, Names, World
from tests.simulator.shopify_client import until
from worker.stock import schedule_shares
from workflows.share_availability import THE_SHOPS_OWN, ShareAvailability

SHARING = Names(shop="shop-share", inventory="erp-share", carrier="shippo-share", mail="mail-share")
REFERENCE = f"{SHARING.shop}:stock"


@pytest.fixture(scope="module")
async def shared(world: World) -> AsyncIterator[World]:
    """A shop, and the only inventory that has its goods."""
    stores = World(world.simulator, world.client, world.http, SHARING, workflows=False)
    async with stores.working():
        yield stores


async def begin(world: World, **changes: Any) -> Handle:
    """Begin a look, with these changes to what it is started with."""
    start: Start = start_for(ShareAvailability, REFERENCE, world.settings)
    policy = start.policy.model_copy(update=changes)
    identity, _ = await start_process(world.client, ShareAvailability, start.model_copy(update={"policy": policy}))
    return world.client.get_workflow_handle(identity)


async def share(world: World, **changes: Any) -> dict[str, Any]:
    """One look over all: what it did."""
    outcome = await world.outcome(await begin(world, **changes))
    assert outcome["kind"] == "completed"
    result: dict[str, Any] = outcome["result"]
    return result


async def offered(world: World, sku: str) -> tuple[int, int, int]:
    """What the shop has on hand, has sold, and offers of an article at its only location."""
    (one,) = [one for one in await world.get(f"shops/{SHARING.shop}/stock") if one["sku"] == sku]
    return one["on_hand"], one["committed"], one["available"]


async def test_the_shop_offers_what_is_free_less_what_it_sold(shared: World, by_hand: ByHand) -> None:
    await shared.outcome(await begin(shared))
    await shared.change(f"stock/{SHARING.inventory}", {"MUG-BLUE": 7, "LAMP-OAK": 0})
    reserved = await shared.order(lines=[{"quantity": 2}])
    await shared.start(reserved)
    await shared.happened(reserved, "reserve")
    await shared.order(lines=[{"quantity": 1}])
    assert await shared.stock("MUG-BLUE") == 5
    result = await share(shared)
    assert (result["changed"], result["stale"], result["unknown"]) == (2, [], [])
    assert await offered(shared, "MUG-BLUE") == (7, 3, 4)
    assert (await offered(shared, "LAMP-OAK"))[2] == 0
    assert (await share(shared))["changed"] == 0
    await by_hand.world.change("settings", {"autopilot": True})
    shipment = (await shared.happened(reserved, "reserve"))["object_id"]
    await shared.post(f"warehouse/{SHARING.inventory}/shipments/{shipment}", {"state": "done"})
    assert (await shared.outcome(shared.handle("order-to-shipment", reserved)))["kind"] == "completed"
    assert await offered(shared, "MUG-BLUE") == (5, 1, 4)
    assert (await share(shared))["changed"] == 0


async def test_a_safety_stock_is_held_back_of_what_could_be_sold(shared: World) -> None:
    await shared.change(f"stock/{SHARING.inventory}", {"TEE-M": 5})
    await shared.order(lines=[{"sku": "TEE-M", "quantity": 4}])
    await share(shared, safety_stock=3)
    assert await offered(shared, "TEE-M") == (4, 4, 0)
    await share(shared)
    assert await offered(shared, "TEE-M") == (5, 4, 1)


async def test_what_the_inventory_does_not_know_is_told_and_left(shared: World) -> None:
    await shared.change(f"shops/{SHARING.shop}/stock", {"quantities": {"GHOST": 9}})
    assert (await share(shared))["unknown"] == ["GHOST"]
    assert (await offered(shared, "GHOST"))[0] == 9


async def test_stock_of_one_inventory_is_not_offered_twice(shared: World) -> None:
    await shared.change(f"stock/{SHARING.inventory}", {"BOOK-TIDE": 6})
    quantities = {"quantities": {"BOOK-TIDE": 3}, "location": "Pop-up shop"}
    await shared.change(f"shops/{SHARING.shop}/stock", quantities)
    assert (await share(shared))["unclear"] == ["BOOK-TIDE"]
    named = await share(shared, locations={"Main warehouse": Location()})
    assert (named["unclear"], named["unserved"]) == ([], ["Pop-up shop"])
    levels = [one for one in await shared.get(f"shops/{SHARING.shop}/stock") if one["sku"] == "BOOK-TIDE"]
    assert sorted((one["location"], one["on_hand"]) for one in levels) == [("Main warehouse", 6), ("Pop-up shop", 3)]


async def test_what_the_shop_refuses_waits_for_people_and_an_outage_heals(shared: World) -> None:
    await shared.change(f"stock/{SHARING.inventory}", {"TEE-M": 50})
    refused = await shared.fault(SHARING.shop, "inventorySetQuantities", "refuse", reason="is not allowed")
    handle = await begin(shared)
    [wait] = (await shared.waiting(handle)).waits
    assert wait.cause == f"{SHARING.shop} refusal user-error"
    await shared.end(refused)
    await shared.fault(SHARING.inventory, "product.product.search", "down", count=3)
    await shared.decide(handle, wait=wait.name, action="retry", why="allowed now")
    assert (await shared.outcome(handle))["kind"] == "completed"
    assert (await offered(shared, "TEE-M"))[0] == 50


async def test_a_shop_that_owns_its_stock_is_told_nothing(shared: World) -> None:
    await shared.change(f"stock/{SHARING.inventory}", {"TEE-M": 17})
    levels = await shared.get(f"shops/{SHARING.shop}/stock")
    own = {SHARING.shop: ShopRules(stock=StockOwner.SHOP)}
    outcome = await shared.outcome(await begin(shared, shops=own))
    assert (outcome["kind"], outcome["reason"]) == ("ignored", THE_SHOPS_OWN)
    assert await shared.get(f"shops/{SHARING.shop}/stock") == levels
    settings = shared.settings.model_copy(update={"stock": StockSettings(share=True, interval_seconds=86_400)})
    await schedule_shares(shared.client, settings)
    policy = settings.policy.model_copy(update={"shops": own})
    await schedule_shares(shared.client, settings.model_copy(update={"policy": policy}))
    with pytest.raises(RPCError):
        await shared.client.get_schedule_handle(f"share-on-schedule:{SHARING.shop}").describe()


async def test_the_schedule_begins_a_look_and_ends_with_its_setting(shared: World) -> None:
    settings = shared.settings.model_copy(update={"stock": StockSettings(share=True, interval_seconds=86_400)})
    await schedule_shares(shared.client, settings)
    schedule = shared.client.get_schedule_handle(f"share-on-schedule:{SHARING.shop}")
    before = await looks(shared)
    await schedule.trigger()

    async def looked_again() -> bool:
        return await looks(shared) > before

    await until(looked_again)
    await schedule_shares(shared.client, without_sharing(settings))
    with pytest.raises(RPCError):
        await schedule.describe()


def without_sharing(settings: Settings) -> Settings:
    """The same, and shops are not told what is in stock."""
    return settings.model_copy(update={"stock": StockSettings()})


async def looks(world: World) -> int:
    """How often the shop's levels were asked for."""
    return len(await world.get("calls", connection=SHARING.shop, operation="inventoryItems"))


async def test_the_checker_agrees_and_can_say_no(shared: World) -> None:
    await share(shared, locations={"Main warehouse": Location()})
    levels = {SHARING.shop: await shared.get(f"shops/{SHARING.shop}/stock")}
    free = await shared.get(f"stock/{SHARING.inventory}")
    result = {"kind": "completed", "result": {"inventories": {"Main warehouse": SHARING.inventory}}}
    told = [Process(id=f"share-availability:{REFERENCE}", status="COMPLETED", result=result)]
    assert list(oversold(told, Shelves(levels=levels, free={SHARING.inventory: free}))) == []
    less = {SHARING.inventory: free | {"TEE-M": 0}}
    assert [one.rule for one in oversold(told, Shelves(levels=levels, free=less))] == ["oversold"]
    assert [one for one in (await shared.verdict()).findings if SHARING.shop in one.reference] == []
