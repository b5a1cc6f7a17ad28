"""The express lane: the same effects by fewer events, and the connection's queue wherever it has no room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from seamline import catalog, stopping
from seamline.process.view import Status
from seamline.resume import Answer, left_by, resume
from seamline.settings import PROCESS_QUEUE
from seamline.simulator.server import running
from seamline.temporal import register_search_attributes
from tests.end_to_end.conftest import NONE_KEPT
from tests.end_to_end.test_orders import ALL
from tests.end_to_end.world import SECONDS_MAX, ByHand, Handle, Names, World
from worker.express import STOP_KNOWN_SECONDS
from worker.sandbox import strict_runner
from workflows.order_to_shipment import OrderToShipment

LABEL_EVENTS_MAX = 16
"""From the start to the label bought: the start, two workflow tasks, three reads, two effects, and the task between."""
BEST = {"autopilot": True, "pack_after_seconds": 0, "hand_over_after_seconds": 0, "deliver_after_seconds": 0}


@pytest.fixture(scope="module")
async def world(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world whose connections all have an express lane."""
    await register_search_attributes(dev_server.client)
    state = tmp_path_factory.mktemp("simulator") / "world.db"
    async with running(state) as simulator, httpx.AsyncClient(timeout=10, limits=NONE_KEPT) as http:
        world = World(simulator, dev_server.client, http, express=True)
        await world.change("settings", BEST)
        async with world.working():
            yield world


@dataclass(frozen=True)
class Told:
    """What a history tells of the lane."""

    activities: dict[str, list[str]]
    """The queues that each activity was scheduled on, in order."""
    inline: int
    """How many steps ran within a workflow task, well or not."""
    until_label: int
    """The number of the event by which the label was bought."""


async def told(handle: Handle) -> Told:
    activities: dict[str, list[str]] = {}
    inline, label, until_label = 0, 0, 0
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            activities.setdefault(scheduled.activity_type.name, []).append(scheduled.task_queue.name)
            label = event.event_id if scheduled.activity_type.name == "carrier.buy_label" else label
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            is_label = event.activity_task_completed_event_attributes.scheduled_event_id == label
            until_label = event.event_id if is_label else until_label
        inline += event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    return Told(activities, inline, until_label)


async def test_an_order_ships_with_the_same_effects_and_few_events(world: World) -> None:
    reference = await world.order()
    handle = await world.start(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL
    history = await told(handle)
    waits = {"inventory.packed": [world.names.inventory], "inventory.handed_over": [world.names.inventory]}
    effects = ("inventory.reserve", "carrier.buy_label", "shop.post_fulfilment", "mail.send_shipped")
    assert history.activities == {**waits, **{name: [PROCESS_QUEUE] for name in effects}}
    assert history.inline == 4
    assert history.until_label <= LABEL_EVENTS_MAX


async def test_a_history_of_the_lane_replays_whatever_the_setting_is_now(world: World) -> None:
    handle = await world.start(await world.order())
    await world.outcome(handle)
    replayer = Replayer(
        workflows=catalog.workflows(), workflow_runner=strict_runner(), data_converter=world.client.data_converter
    )
    await replayer.replay_workflow(await handle.fetch_history())


async def test_a_system_away_is_left_to_its_queue_and_heals(world: World) -> None:
    fault = await world.fault(world.names.carrier, "transactions.create", "down")
    reference = await world.order()
    handle = await world.start(reference)
    await world.waiting(handle, Status.HELD_UP)
    await world.end(fault)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL
    queues = (await told(handle)).activities["carrier.buy_label"]
    assert queues == [PROCESS_QUEUE, world.names.carrier, world.names.carrier]


@pytest.mark.parametrize(
    ("role", "operation"),
    [("inventory", "sale.sale.create"), ("carrier", "transactions.create"), ("shop", "fulfillmentCreate")],
)
async def test_an_effect_whose_answer_is_lost_is_looked_up_on_the_queue(
    world: World, role: str, operation: str
) -> None:
    await world.fault(getattr(world.names, role), operation, "lost-reply", count=1)
    reference = await world.order()
    handle = await world.start(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL


async def test_what_a_system_refuses_waits_at_once(world: World) -> None:
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1)
    reference = await world.order(address={"zip": "ZZ9 9ZZ"})
    handle = await world.start(reference)
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="amend", change={"postcode": "CB2 1RX"})
    view = await world.until(handle, lambda view: [one for one in view.waits if one.name == "buy-label#1"])
    assert (await told(handle)).activities["carrier.buy_label"] == [PROCESS_QUEUE]
    await world.decide(handle, wait="buy-label#1", action="retry")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL


async def test_no_call_reaches_a_stopped_connection(world: World) -> None:
    carrier = world.names.carrier
    await stopping.stop(world.client, carrier, why="carrier maintenance", who="kim")
    # Until then a worker that looked a moment ago counts it as not stopped.
    await asyncio.sleep(STOP_KNOWN_SECONDS)
    before = len(await world.get("calls", connection=carrier))
    handle = await world.start(await world.order())
    view = await world.waiting(handle, Status.HELD_UP)
    assert view.waits[0].cause == f"{carrier} outage not-picked-up"
    assert len(await world.get("calls", connection=carrier)) == before
    await stopping.release(world.client, carrier, why="done", who="kim")
    assert (await world.outcome(handle))["kind"] == "completed"


async def test_a_read_on_the_lane_is_let_end_whatever_is_told_meanwhile(world: World) -> None:
    fault = await world.fault(world.names.carrier, "addresses.create", "slow", count=1, delay_seconds=3)
    start = world.start_of(await world.order())
    identity = f"{OrderToShipment.name}:{start.reference}"
    # So short that the process is told of what happens while it reads.
    short = timedelta(seconds=1)
    handle = await world.client.start_workflow(
        OrderToShipment.name, start, id=identity, task_queue=PROCESS_QUEUE, task_timeout=short
    )
    deadline = time.monotonic() + SECONDS_MAX
    while not await world.hits(fault):
        assert time.monotonic() < deadline, "nobody reads"
        await asyncio.sleep(0.05)
    await handle.signal("happened", {"kind": "order-cancelled", "topic": "orders/cancelled"})
    assert (await world.outcome(handle))["kind"] == "undone"
    markers = [
        event.marker_recorded_event_attributes
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    ]
    assert len(markers) == 2
    assert not any(one.HasField("failure") for one in markers)


async def test_what_the_worker_beside_the_processes_does_not_serve_takes_its_queue(world: World) -> None:
    names = Names(shop="shop-far", inventory="erp-far", carrier="shippo-far", mail="mail-far")
    far = World(world.simulator, world.client, world.http, names, workflows=False, express=True)
    async with far.working():
        reference = await far.order()
        handle = await far.start(reference)
        assert (await far.outcome(handle))["kind"] == "completed"
    assert await far.counted(reference) == ALL
    history = await told(handle)
    assert history.activities["inventory.reserve"] == [PROCESS_QUEUE, names.inventory]
    assert history.activities["inventory.packed"] == [names.inventory]


async def test_a_terminated_run_tells_what_the_lane_did_and_is_resumed(world: World) -> None:
    await world.change("settings", {"autopilot": False})
    reference = await world.order()
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await handle.terminate()
    left = await left_by(world.client, handle.id)
    assert [(one.operation, one.connection, one.key, one.answer) for one in left.called] == [
        ("inventory.reserve", world.names.inventory, f"{reference}/reserve#1", Answer.DONE),
        ("carrier.buy_label", world.names.carrier, f"{reference}/buy-label#1", Answer.DONE),
    ]
    await resume(world.client, handle.id, left, reason="terminated by mistake")
    await ByHand(world).hand_over(reference)
    await world.change("settings", {"autopilot": True})
    assert (await world.outcome(world.client.get_workflow_handle(handle.id)))["kind"] == "completed"
    assert await world.counted(reference) == ALL


async def test_the_checker_agrees(world: World) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
