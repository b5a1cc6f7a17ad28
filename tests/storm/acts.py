"""People who act while an order is under way: in Temporal and in the shop, each at its moment."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from tests.storm.odds import ERP, SCARCE_SKU, Does
from tests.storm.plan import Act, Plan
from tests.storm.scene import PARCEL, PROCESS, RPC_SECONDS_MAX, Handle, Scene, insist, order_path

LOOK_SECONDS = 0.2
SECOND_CANCEL_SECONDS = 0.5
CONFLICT = 409
"""What the shop answers to what cannot be done any more."""
UNPROCESSABLE = 422
RESUME_SECONDS_MAX = 60
START = "start"
PIECES_CAME_IN = 3
_ON_MONEY = {Does.CAPTURE: "capture", Does.LAPSE: "lapse", Does.REFUND: "refund", Does.PAY: "pay"}
_RPC = timedelta(seconds=RPC_SECONDS_MAX)


async def act_at_moments(scene: Scene, plan: Plan, over: asyncio.Event) -> None:
    """Do what is planned for each order as soon as the ledger has the effect it waits for, until it is over."""
    planned = {order.reference: list(order.acts) for order in plan.orders if order.acts}
    while not over.is_set():
        for reference in [one for one in planned if one in scene.made]:
            for act in list(planned[reference]):
                if await _has_come(scene, reference, act.moment) and await _do(scene, reference, act):
                    scene.figures.acts[act.does] += 1
                    planned[reference].remove(act)
            if not planned[reference]:
                del planned[reference]
        await asyncio.sleep(LOOK_SECONDS)


async def _has_come(scene: Scene, reference: str, moment: str) -> bool:
    return moment == START or bool(await scene.simulator("GET", f"effects?reference={reference}&operation={moment}"))


async def _do(scene: Scene, reference: str, act: Act) -> bool:
    """False while it cannot be done, since the process is not there yet or the order is not any more as it was."""
    order = order_path(reference)
    handle = scene.handle(f"{PROCESS}:{reference}")
    match act.does:
        case Does.SHOP_CANCEL:
            await scene.simulator("POST", f"{order}/cancel", {}, taken=[CONFLICT])
            scene.changed_in_shop.add(reference)
        case Does.EDIT:
            # An article can be missing: some kinds of orders have others.
            await scene.simulator("POST", f"{order}/edit", act.change, taken=[UNPROCESSABLE])
            scene.changed_in_shop.add(reference)
            scene.edited.add(reference)
        case Does.CAPTURE if reference in scene.paid_anew:
            # Nobody sane takes the money twice.
            return True
        case Does.CAPTURE | Does.LAPSE | Does.REFUND | Does.PAY:
            await scene.simulator("POST", f"{order}/payment", {"action": _ON_MONEY[act.does]}, taken=[CONFLICT])
        case Does.FULFIL:
            # Who buys the labels has their numbers.
            told = {"tracking_number": "THEIRS"} if scene.plan.who.others_label(reference) else {}
            await scene.simulator("POST", f"{order}/fulfil", told, taken=[CONFLICT])
            scene.changed_in_shop.add(reference)
            scene.fulfilled.add(reference)
        case Does.UNSHIP:
            [made, *_] = await scene.simulator("GET", f"effects?reference={reference}&operation=reserve")
            shipment = f"warehouse/{made['connection']}/shipments/{made['object_id']}"
            await scene.simulator("POST", shipment, {"state": "cancelled"}, taken=[CONFLICT, UNPROCESSABLE])
            scene.edited.add(reference)
        case Does.LOSE:
            return await _lost(scene, reference, act)
        case Does.RETURN:
            await _return(scene, reference, act.change or {})
        case Does.HOLD:
            await scene.simulator("POST", f"{order}/holds", {"held": True}, taken=[CONFLICT])
            scene.held.add(reference)
        case Does.RELEASE:
            return await _once_it_waits(scene, handle.id, "released", partial(scene.release, reference))
        case Does.RESTOCK:
            return await _once_it_waits(scene, handle.id, "short-stock", partial(_restock, scene, handle))
        case Does.REFUND_LABEL:
            [*_, label] = await scene.simulator("GET", f"effects?reference={reference}&operation=buy-label")
            await scene.refund_label(label["connection"], label["object_id"])
            scene.edited.add(reference)
        case Does.TERMINATE:
            if not await _terminated(handle):
                return act.moment != START
            scene.terminated.add(handle.id)
        case Does.CANCEL:
            if not await cancelled(handle):
                return act.moment != START
    if act.twice:
        await asyncio.sleep(SECOND_CANCEL_SECONDS)
        await cancelled(handle)
    return True


async def _lost(scene: Scene, reference: str, act: Act) -> bool:
    """False until the parcel is followed; one that has arrived is not lost any more."""
    shipped, followed = await scene.view(f"{PROCESS}:{reference}"), await scene.view(f"{PARCEL}:{reference}")
    if followed is None or shipped is None or shipped.outcome is None:
        return False
    if followed.outcome is None:
        number = shipped.outcome.model_dump()["result"]["tracking_number"]
        await scene.simulator("POST", f"parcels/{number}", act.change)
    return True


async def _return(scene: Scene, reference: str, change: Mapping[str, Any]) -> None:
    """The customer sends a piece of what was shipped back, and may think better of it."""
    order = order_path(reference)
    wanted = {"quantities": {change["sku"]: 1}, "requested": change["requested"]}
    # Another article may have been sent in its place, or nothing at all.
    made = await scene.simulator("POST", f"{order}/returns", wanted, taken=[CONFLICT])
    if "reference" not in made:
        return
    scene.returned[reference] = made["reference"]
    if change["cancelled"]:
        await asyncio.sleep(SECOND_CANCEL_SECONDS)
        await scene.simulator("POST", f"{order}/returns/{made['id']}/cancel", {}, taken=[CONFLICT])


async def _once_it_waits(
    scene: Scene, workflow_id: str, name: str, act: Callable[[], Coroutine[Any, Any, None]]
) -> bool:
    """False until the process waits for this by its step or its question; one that is over needs nothing any more."""
    view = await scene.view(workflow_id)
    if view is None:
        return False
    if view.outcome is None:
        waits = [one.name.partition("#")[0] for one in view.waits]
        if name not in (*waits, view.steps[-1].name if view.steps else ""):
            return False
        await act()
    return True


async def _restock(scene: Scene, handle: Handle) -> None:
    """Goods come in, and the warehouse tells it."""
    await scene.simulator("PUT", f"stock/{ERP}", {SCARCE_SKU: PIECES_CAME_IN})
    told = {"kind": "stock-changed", "topic": "goods received"}

    async def tell() -> bool:
        return await _found(handle.signal("happened", told, rpc_timeout=_RPC))

    await insist(tell)


async def cancelled(handle: Handle) -> bool:
    """Cancel through Temporal; whether there was such a process, and it was not over."""

    async def cancel() -> bool:
        return await _found(handle.cancel(rpc_timeout=_RPC))

    return await insist(cancel)


async def _terminated(handle: Handle) -> bool:
    async def terminate() -> bool:
        return await _found(handle.terminate(reason="the storm", rpc_timeout=_RPC))

    return await insist(terminate)


async def _found(call: Coroutine[Any, Any, None]) -> bool:
    """Whether Temporal knows such a process, and it is not over."""
    try:
        await call
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def resume_terminated(scene: Scene) -> None:
    """Staff resume by the command what was terminated. What it says when it refuses is kept."""
    for workflow_id in sorted(scene.terminated):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "seamline.cli", "resume", workflow_id, "--who", "sam", "--why", "the storm"),
            env={**os.environ, **scene.local.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(child.communicate(), RESUME_SECONDS_MAX)
        if child.returncode:
            scene.not_resumed[workflow_id] = said.decode(errors="replace").strip()
