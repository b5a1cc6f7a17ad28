"""The customers and their shop: orders with duplicates and disorder, and a poll for those the webhooks left out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.service import RPCError

from tests.storm.deals import Sales
from tests.storm.disturb import Disturber
from tests.storm.plan import Plan, PlannedOrder
from tests.storm.scene import PROCESS, RETURN, Scene, order_path

LOOK_SECONDS = 0.2
DELIVERIES_LOOK_SECONDS = 1.0
CONFLICT = 409
UNDER_WAY_MAX = 12
ROOM_SECONDS_MAX = 4
COUNT_SECONDS_MAX = 0.5
RETRIES_SECONDS_MAX = 40
"""The shop's tries of one webhook take less."""


async def send_orders(scene: Scene, plan: Plan, disturber: Disturber) -> None:
    """Send every order of the plan, disturbed as planned; returns once the last was made."""
    sent: list[PlannedOrder] = []
    late: set[asyncio.Task[None]] = set()
    for number, order in enumerate(plan.orders):
        for kill in plan.kills.get(number, ()):
            disturber.kill(kill)
        if stop := plan.stops.get(number):
            disturber.stop(stop)
        if faults := plan.faults.get(number):
            await disturber.draw_faults(faults)
        await _until_there_is_room(scene)
        scene.topics[order.reference] = order.topic
        await _make(scene, order)
        scene.made.add(order.reference)
        sent.append(order)
        for one in sent:
            if one.again and one.again_after_orders == order.id - one.id:
                late.add(asyncio.create_task(_send_again(scene, one)))
        await asyncio.sleep(order.pause_seconds)
    await asyncio.gather(*late)


async def _until_there_is_room(scene: Scene) -> None:
    """Let what was sent get on, so that work under way is disturbed and no queue; a dead Temporal holds nobody up."""
    query = "ExecutionStatus = 'Running' AND SeamlineReference IS NOT NULL AND SeamlineStatus IS NULL"
    deadline = asyncio.get_running_loop().time() + ROOM_SECONDS_MAX
    while asyncio.get_running_loop().time() < deadline:
        try:
            under_way = await scene.client.count_workflows(query, rpc_timeout=timedelta(seconds=COUNT_SECONDS_MAX))
        except RPCError:
            break
        if under_way.count < UNDER_WAY_MAX:
            break
        await asyncio.sleep(LOOK_SECONDS)


async def _make(scene: Scene, order: PlannedOrder) -> None:
    await scene.simulator("POST", f"shops/{order.shop}/orders", dict(order.wanted), taken=[CONFLICT])
    if not order.wanted.get("webhooks", True):
        await scene.simulator("POST", f"{order_path(order.reference)}/cancel", {}, taken=[CONFLICT])
        await _deliver(scene, order, 1, 1)


async def _send_again(scene: Scene, order: PlannedOrder) -> None:
    scene.figures.duplicates += order.again
    await _deliver(scene, order, order.again, order.again_at_once)


async def _deliver(scene: Scene, order: PlannedOrder, times: int, at_once: int) -> None:
    again = {"topic": order.topic, "times": times, "at_once": at_once}
    answer = await scene.simulator("POST", f"{order_path(order.reference)}/deliveries", again)
    if 200 in answer["statuses"]:
        scene.accepted.add(f"{PROCESS}:{order.reference}")


async def poll_for_gaps(scene: Scene, plan: Plan, sales: Sales) -> None:
    """Start what the webhooks of shop and CRM did not: they give up after their last try."""
    deadline = asyncio.get_running_loop().time() + RETRIES_SECONDS_MAX
    while asyncio.get_running_loop().time() < deadline:
        if not await scene.count_deliveries() + await sales.count_deliveries():
            break
        await asyncio.sleep(DELIVERIES_LOOK_SECONDS)
    orders = [f"{PROCESS}:{order.reference}" for order in plan.orders]
    for workflow_id in (*orders, *(f"{RETURN}:{one}" for one in scene.returned.values()), *sales.wanted()):
        if workflow_id not in scene.accepted:
            await scene.poll_for_gap(workflow_id)
