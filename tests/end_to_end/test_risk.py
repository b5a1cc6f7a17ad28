"""A risky order is held in the shop until somebody has decided; rejected, it is cancelled there."""

from __future__ import annotations

from seamline.process.view import View
from tests.end_to_end.world import Handle, World


async def asked(world: World, **policy: object) -> tuple[str, Handle, View]:
    """A risky order whose question is open."""
    reference = await world.order(risk="INVESTIGATE", risk_facts=["Billing and shipping address differ"])
    handle = await world.start(reference, **policy)
    return reference, handle, await world.waiting(handle)


def parts(world: World, reference: str) -> list[str]:
    """The states of its fulfilment orders."""
    number = reference.partition(":")[2]
    found = world.simulator.world.find(world.names.shop, "fulfillment-order", {"order_id": number})
    return [one["status"] for one in found]


async def test_it_is_held_until_approved(world: World) -> None:
    reference, handle, view = await asked(world)
    (wait,) = view.waits
    assert (wait.name, wait.team, wait.cause) == ("risk#1", "fraud", "seamline approval risk")
    assert "Billing and shipping address differ" in wait.reason
    assert (await world.operations(reference), parts(world, reference)) == (["hold"], ["ON_HOLD"])
    await world.decide(handle, wait=wait.name, action="approve", why="known customer")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await world.operations(reference))[:3] == ["hold", "release-hold", "reserve"]


async def test_rejected_it_is_cancelled_in_the_shop_and_held_until_that_is_confirmed(world: World) -> None:
    reference, handle, view = await asked(world)
    await world.decide(handle, wait=view.waits[0].name, action="reject", why="stolen card")
    outcome = await world.outcome(handle)
    assert outcome["kind"] == "undone"
    # The hold ends with the order and not before.
    assert await world.operations(reference) == ["hold", "refund-by-shop", "release-hold", "cancel-order"]
    assert parts(world, reference) == ["CLOSED"]
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_cancelled_while_asked_the_hold_is_released(world: World) -> None:
    reference, handle, _ = await asked(world)
    await handle.cancel()
    await world.undone(handle)
    assert await world.operations(reference) == ["hold", "release-hold"]
    assert parts(world, reference) == ["OPEN"]


async def test_cancelled_in_the_shop_while_asked(world: World) -> None:
    reference, handle, _ = await asked(world)
    number = reference.partition(":")[2]
    await world.post(f"shops/{world.names.shop}/orders/{number}/cancel", {})
    await handle.signal("happened", {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": number})
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["reason"]) == ("undone", "cancelled in the shop")


async def test_policy_says_what_is_risky(world: World) -> None:
    reference = await world.order(risk="INVESTIGATE")
    handle = await world.start(reference, risk_levels_asked=("high",))
    assert (await world.outcome(handle))["kind"] == "completed"
    assert "hold" not in await world.operations(reference)
