"""The customers, and staff who change their minds: orders with duplicates and disorder, cancels at chosen moments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from tests.storm.disturb import Disturber
from tests.storm.plan import SHOP, Plan, PlannedOrder
from tests.storm.scene import PROCESS, RPC_SECONDS_MAX, Scene, insist

LOOK_SECONDS = 0.2
SECOND_CANCEL_SECONDS = 0.5
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
        if faults := plan.faults.get(number):
            await disturber.draw_faults(faults)
        await _until_there_is_room(scene)
        await _make(scene, order)
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
    await scene.simulator("POST", f"shops/{SHOP}/orders", dict(order.wanted), taken=[CONFLICT])
    if not order.wanted.get("webhooks", True):
        await scene.simulator("POST", f"shops/{SHOP}/orders/{order.id}/cancel", {}, taken=[CONFLICT])
        await _deliver(scene, order, 1, 1)


async def _send_again(scene: Scene, order: PlannedOrder) -> None:
    scene.figures.duplicates += order.again
    await _deliver(scene, order, order.again, order.again_at_once)


async def _deliver(scene: Scene, order: PlannedOrder, times: int, at_once: int) -> None:
    again = {"topic": "orders/paid", "times": times, "at_once": at_once}
    answer = await scene.simulator("POST", f"shops/{SHOP}/orders/{order.id}/deliveries", again)
    if 200 in answer["statuses"]:
        scene.accepted.add(order.reference)


async def poll_for_gaps(scene: Scene, plan: Plan) -> None:
    """Start what the shop's webhooks did not: it gives up after its last try."""
    deadline = asyncio.get_running_loop().time() + RETRIES_SECONDS_MAX
    while asyncio.get_running_loop().time() < deadline:
        if not await scene.count_deliveries():
            break
        await asyncio.sleep(LOOK_SECONDS)
    for order in plan.orders:
        if order.reference not in scene.accepted:
            await scene.poll_for_gap(order.reference)


async def cancel_at_moments(scene: Scene, plan: Plan, over: asyncio.Event) -> None:
    """Cancel each process that is to be, as soon as the ledger has its effect, until it is over."""
    planned = {order.reference: order.cancel for order in plan.orders if order.cancel}
    while not over.is_set():
        effects = await scene.simulator("GET", "effects")
        seen = {(one["reference"], one["operation"]) for one in effects}
        for reference, cancel in list(planned.items()):
            if cancel.moment == "start" or (reference, cancel.moment) in seen:
                times = 1 + cancel.twice
                if await _cancel(scene, reference, times):
                    scene.figures.cancels[cancel.moment] += 1
                    del planned[reference]
        await asyncio.sleep(LOOK_SECONDS)


async def _cancel(scene: Scene, reference: str, times: int) -> bool:
    """Ask Temporal to cancel; False while there is no such process."""
    handle = scene.handle(f"{PROCESS}:{reference}")
    for _ in range(times):
        try:
            await insist(_quietly(lambda: handle.cancel(rpc_timeout=timedelta(seconds=RPC_SECONDS_MAX))))
        except _NotThere:
            return False
        if times > 1:
            await asyncio.sleep(SECOND_CANCEL_SECONDS)
    return True


class _NotThere(Exception):
    """Temporal knows no such process, or it is over."""


def _quietly(call: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def run() -> None:
        try:
            await call()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise _NotThere from None
            raise

    return run
