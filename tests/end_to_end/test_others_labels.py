"""Labels that others buy: the process reserves, waits, and does what is left with the number that they tell."""

from __future__ import annotations

from seamline.records.shop_rules import Labels, ShopRules
from tests.end_to_end.world import ByHand, Handle, Names, World


async def begun(world: World, **wanted: object) -> tuple[str, Handle]:
    """An order whose label others buy."""
    reference = await world.order(**wanted)
    rules = {world.names.shop: ShopRules(labels=Labels.OTHERS)}
    return reference, await world.start(reference, shops=rules)


async def sent(world: World, reference: str, tracking_number: str) -> None:
    """Others fulfil it in the shop, where they bought the label."""
    number = reference.partition(":")[2]
    await world.post(f"shops/{world.names.shop}/orders/{number}/fulfil", {"tracking_number": tracking_number})


async def test_the_number_that_the_shop_is_told_is_used_and_mailed(world: World, by_hand: ByHand) -> None:
    reference, handle = await begun(world)
    await by_hand.move(reference, "done")
    await world.step(handle, "labelled")
    await sent(world, reference, "THEIRS1")
    outcome = await world.outcome(handle)
    assert outcome["result"]["tracking_number"] == "THEIRS1"
    assert outcome["by_hand"] == [f"{reference}/buy-label#1"]
    counted = await world.counted(reference)
    assert {name: counted[name] for name in ("reserve", "buy-label", "post-fulfilment", "send-mail")} == {
        "reserve": 1,
        "buy-label": 0,
        "post-fulfilment": 0,
        "send-mail": 1,
    }
    (mail,) = [one for one in await world.get("mails") if reference in str(one)]
    assert "THEIRS1" in str(mail)
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_what_is_fulfilled_before_it_left_is_adopted_once_it_left(world: World, by_hand: ByHand) -> None:
    reference, handle = await begun(world)
    await world.happened(reference, "reserve")
    await sent(world, reference, "THEIRS2")
    await by_hand.move(reference, "packed")
    view = await world.until(handle, lambda view: any("their tracking number" in one for one in view.notes))
    assert not view.waits
    await by_hand.move(reference, "done")
    assert (await world.outcome(handle))["result"]["tracking_number"] == "THEIRS2"
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_a_fulfilment_without_a_number_waits_for_it(world: World, by_hand: ByHand) -> None:
    reference, handle = await begun(world)
    await by_hand.move(reference, "done")
    await sent(world, reference, "")
    (wait,) = (await world.waiting(handle)).waits
    assert wait.cause.endswith("refusal no-tracking-number")
    made = world.simulator.world.find(world.names.shop, "fulfillment")[-1]
    world.edit("fulfillment", made["id"], tracking=[{"number": "THEIRS3"}])
    await world.decide(handle, wait=wait.name, action="retry", why="it is there now")
    assert (await world.outcome(handle))["result"]["tracking_number"] == "THEIRS3"


async def test_where_the_order_is_cancelled_once_it_left_people_give_the_number(world: World, by_hand: ByHand) -> None:
    reference, handle = await begun(world)
    await by_hand.move(reference, "done")
    await world.step(handle, "labelled")
    await world.post(f"shops/{world.names.shop}/orders/{reference.partition(':')[2]}/cancel", {})
    (wait,) = (await world.waiting(handle)).waits
    assert wait.cause.endswith("refusal order-cancelled")
    number = {"tracking_number": "THEIRS5"}
    await world.decide(handle, wait=wait.name, action="skip", why="asked them", result={"parcels": [number]})
    view = await world.until(handle, lambda view: any(one.name.startswith("post-ful") for one in view.waits))
    told = {"id": "none", **number}
    await world.decide(handle, wait=view.waits[0].name, action="skip", why="it takes none", result=told)
    assert (await world.outcome(handle))["result"]["tracking_number"] == "THEIRS5"


async def test_the_number_that_the_erp_has_is_told_to_the_shop(world: World, by_hand: ByHand) -> None:
    names = Names(shop="shop-label", inventory="erp-label", carrier="shippo-label", mail="mail-label")
    told = World(world.simulator, world.client, world.http, names, workflows=False)
    erp = told.settings.connections[names.inventory]
    account = {**erp.account, "package_modules": True, "shipping_module": True}
    with_packages = {names.inventory: erp.model_copy(update={"account": account})}
    told.settings = told.settings.model_copy(update={"connections": {**told.settings.connections, **with_packages}})
    async with told.working():
        reference, handle = await begun(told)
        shipment = (await told.happened(reference, "reserve"))["object_id"]
        package = {"lines": {"MUG-BLUE": 1}, "tracking_number": "THEIRS4"}
        warehouse = f"warehouse/{names.inventory}/shipments/{shipment}"
        await told.post(warehouse, {"state": "packed", "packages": [package]})
        await told.post(warehouse, {"state": "done"})
        assert (await told.outcome(handle))["result"]["tracking_number"] == "THEIRS4"
    counted = await told.counted(reference)
    assert (counted["buy-label"], counted["post-fulfilment"], counted["send-mail"]) == (0, 1, 1)
    verdict = await told.verdict()
    assert verdict.ok, verdict.findings
