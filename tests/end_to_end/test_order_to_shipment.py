"""An order, end to end: from the shop to the customer's door, on a good day and on bad ones."""

from __future__ import annotations

from tests.end_to_end.world import World

ALL = ["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"]


async def test_a_plain_paid_order_is_shipped_and_followed_to_the_door(world: World) -> None:
    reference = await world.order()
    handle = await world.start(reference)
    outcome = await world.outcome(handle)
    assert outcome["kind"] == "completed"
    assert await world.operations(reference) == ALL
    followed = world.client.get_workflow_handle(f"follow-parcel:{reference}")
    assert (await world.outcome(followed))["result"]["state"] == "delivered"
