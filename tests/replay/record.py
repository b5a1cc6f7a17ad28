"""`python -m tests.replay.record [PATH...]`: save the histories that `test_replay.py` replays: all, or those named.

They are made by the real server, worker and simulator. Record when a process is released with a change on purpose, and
keep the histories of every released version beside the new ones: its processes may still run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import time
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.process.view import Status
from seamline.records.approval import ApprovalRule
from seamline.records.calendar import Weekday, WorkingHours
from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.deals import DealWorld
from tests.end_to_end.world import ByHand, Handle, Names, World
from tests.replay.deals import DEAL_PATHS
from tests.replay.orders import ORDER_PATHS

HISTORIES = Path(__file__).parent / "histories"
QUICK_WORLD = {"pack_after_seconds": 0.2, "hand_over_after_seconds": 0.2, "transit_after_seconds": 0.2}
_PLACES = ("stackTrace", "identity", "binaryChecksum")
Told = Callable[[World], Awaitable[Handle]]


async def plain(world: World) -> Handle:
    """An order on a good day."""
    return await world.start(await world.order())


async def follow_parcel(world: World) -> Handle:
    """Its parcel."""
    reference = await world.order()
    await (await world.start(reference)).result()
    return world.handle("follow-parcel", reference)


async def held_up(world: World) -> Handle:
    """The carrier is away for longer than patience, and comes back."""
    await world.fault(world.names.carrier, "shipments.create", "down")
    handle = await world.start(await world.order())
    await world.waiting(handle, Status.HELD_UP)
    await world.mended()
    return handle


async def amended(world: World) -> Handle:
    """The carrier refuses the address, then the label; staff amend both."""
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1)
    handle = await world.start(await world.order(address={"zip": "ZZ9 9ZZ"}))
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="amend", change={"postcode": "CB2 1RX"})
    view = await world.until(handle, lambda view: [one for one in view.waits if one.name == "buy-label#1"])
    change = {"parcel": {"address": {"postcode": "CB3 0AA"}}}
    await world.decide(handle, wait="buy-label#1", action="amend", change=change)
    return handle


async def mended_order(world: World) -> Handle:
    """A broken order, amended as it was fetched; a dear label is approved."""
    handle = await world.start(await world.order(total="1.00"), label_price_max={"GBP": 1})
    await world.waiting(handle)
    total = {"totals": {"total": {"amount": "19.45", "currency": "GBP"}}}
    await world.decide(handle, wait="fetch-order#1", action="amend", change=total)
    view = await world.until(handle, lambda view: [one for one in view.waits if one.name == "dear-label#1"])
    await world.decide(handle, wait=view.waits[0].name, action="approve")
    return handle


async def cancelled(world: World) -> Handle:
    """Cancelled while the parcel waits to be packed."""
    await world.change("settings", {"autopilot": False})
    handle = await world.start(await world.order())
    await world.step(handle, "packed")
    await handle.cancel()
    await world.undone(handle)
    await world.change("settings", {"autopilot": True})
    return handle


async def cancelled_too_late(world: World) -> Handle:
    """Cancelled when the goods had left, which the process did not know yet."""
    await world.change("settings", {"autopilot": False})
    reference = await world.order()
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await world.fault(world.names.inventory, "sale.sale.get", "down", count=2)
    await ByHand(world).hand_over(reference)
    await handle.cancel()
    return handle


async def undone_by_decision(world: World) -> Handle:
    """The carrier refuses the label, and staff cancel."""
    await world.change("settings", {"autopilot": False})
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1)
    handle = await world.start(await world.order())
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="cancel", why="not worth it")
    await handle.result()
    await world.change("settings", {"autopilot": True})
    return handle


async def risk_cleared(world: World) -> Handle:
    """A risky order is held, approved, and goes on."""
    handle = await world.start(await world.order(risk="INVESTIGATE"))
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="approve", why="a known customer")
    return handle


async def risk_rejected(world: World) -> Handle:
    """A risky order is rejected, and cancelled in the shop."""
    handle = await world.start(await world.order(risk="CANCEL"))
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="reject", why="a stolen card")
    return handle


async def approval_expired(world: World) -> Handle:
    """Nobody answers for a dear label: it passes to the next team, and then the default answer counts."""
    rule = ApprovalRule(due_hours=0.0001, escalate_to="finance", expire_hours=0.0003)
    always = WorkingHours(days=tuple(Weekday), opens=time(0), closes=time(0))
    policy = {"label_price_max": {"GBP": 1}, "approvals": {"dear-label": rule}, "working_hours": always}
    handle = await world.start(await world.order(), **policy)
    await handle.result()
    return handle


async def captured_and_undone(world: World) -> Handle:
    """An authorised payment is captured, and given back when the order is cancelled in the shop."""
    await world.change("settings", {"autopilot": False})
    reference = await world.order(financial_status="AUTHORIZED")
    handle = await world.start(reference)
    await ByHand(world).move(reference, "packed")
    await world.step(handle, "handed-over")
    await handle.signal("happened", {"kind": "order-cancelled", "topic": "orders/cancelled", "external_id": "1"})
    await handle.result()
    await world.change("settings", {"autopilot": True})
    return handle


async def replaced_label(world: World) -> Handle:
    """The answer for a label is lost and staff amend it: another is bought, and the money of the first followed."""
    await world.change("settings", {"autopilot": False})
    await world.fault(world.names.carrier, "transactions.create", "lost-reply", count=1, delay_seconds=1)
    reference = await world.order()
    handle = await world.start(reference)
    await world.happened(reference, "buy-label")
    await world.fault(world.names.carrier, "transactions.list", "down")
    await world.waiting(handle, Status.HELD_UP)
    await world.decide(handle, wait="buy-label#1", action="amend", change={"parcel": {"weight_grams": 483}})
    await world.mended()
    await world.step(handle, "packed")
    await ByHand(world).hand_over(reference)
    return handle


async def follow_refund(world: World) -> Handle:
    """That money."""
    handle = await replaced_label(world)
    await handle.result()
    return world.handle("follow-refund", handle.id.partition(":")[2])


async def express(world: World) -> Handle:
    """An order by the express lane; the answer about its label is lost, so the carrier's queue looks it up."""
    lanes = with_lanes(world)
    await lanes.fault(lanes.names.carrier, "transactions.create", "lost-reply", count=1)
    return await lanes.start(await lanes.order())


async def ignored(world: World) -> Handle:
    """A test order in production."""
    return await world.start(await world.order(test=True))


PATHS: Mapping[str, Told] = {
    path.__name__.replace("_", "-"): path
    for path in (
        plain,
        follow_parcel,
        held_up,
        amended,
        mended_order,
        cancelled,
        cancelled_too_late,
        undone_by_decision,
        risk_cleared,
        risk_rejected,
        approval_expired,
        captured_and_undone,
        replaced_label,
        follow_refund,
        express,
        ignored,
    )
} | ORDER_PATHS

ALL = [*PATHS, *DEAL_PATHS]


def with_lanes(world: World) -> World:
    """Beside it, connections of their own that have an express lane, and the worker of all processes."""
    names = Names(shop="shop-lane", inventory="erp-lane", carrier="shippo-lane", mail="mail-lane")
    return World(world.simulator, world.client, world.http, names, express=True)


async def record(folder: Path, names: Collection[str]) -> None:
    """Save one history for each of these paths."""
    with tempfile.TemporaryDirectory() as state:
        async with (
            embedded_temporal(Path(state)) as temporal,
            running(Path(state) / "world.db") as simulator,
            httpx.AsyncClient(timeout=10) as http,
        ):
            client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
            world = World(simulator, client, http, workflows=False, payment_mode="ours")
            await world.change("settings", {"autopilot": True, "deliver_after_seconds": 0.2, **QUICK_WORLD})
            deals = DealWorld(simulator, client, http, workflows=False)
            await deals.ready()
            async with world.working(), with_lanes(world).working(), deals.working():
                for name in names:
                    path = PATHS[name](world) if name in PATHS else DEAL_PATHS[name](deals)
                    await _save(await path, folder / f"{name}.json")
                    await world.mended()
                    await world.change("settings", {"autopilot": True})


async def _save(handle: Handle, file: Path) -> None:
    try:
        await handle.result()
    except WorkflowFailureError:
        sys.stdout.write(f"{handle.id} was cancelled\n")
    history = await handle.fetch_history()
    events = [json.dumps(one) for one in _without_places(json.loads(history.to_json()))["events"]]
    await asyncio.to_thread(file.write_text, '{"events": [\n' + ",\n".join(events) + "\n]}\n")
    sys.stdout.write(f"{file.name}: {len(history.events)} events\n")


def _without_places(value: Any) -> Any:
    """The history without what tells of the machine it was made on; replay needs none of it."""
    if isinstance(value, dict):
        return {name: _without_places(one) for name, one in value.items() if name not in _PLACES}
    return [_without_places(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.replay.record", description="Record histories anew.")
    parser.add_argument("paths", nargs="*", metavar="PATH", help=f"all by default: {', '.join(ALL)}")
    chosen = parser.parse_args().paths or ALL
    if unknown := set(chosen) - {*ALL}:
        parser.error(f"no such path: {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    HISTORIES.mkdir(exist_ok=True)
    asyncio.run(record(HISTORIES, chosen))
