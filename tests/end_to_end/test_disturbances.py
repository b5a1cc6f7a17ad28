"""Every call of the happy path, disturbed in every way that passes: each order still ends with one effect each.

A fault that hits the next call of a connection would hit whoever calls first, so each order has connections of its own
while it lasts; several sets of them work at the same time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from seamline.process.view import Status
from tests.end_to_end.world import Handle, Names, World

SETS = 8
ONE_EACH = Counter({"reserve": 1, "buy-label": 1, "ship": 1, "post-fulfilment": 1, "send-mail": 1})
# Two seconds hold at most five tries, one every half a second. No load makes the long patience end.
LONGER_THAN_PATIENCE_TRIES = 8
PATIENCE_SECONDS, LONG_PATIENCE_SECONDS = 2, 60

OPERATIONS: Mapping[str, Sequence[str]] = {
    "shop": ("order", "fulfillmentOrder", "fulfillmentCreate"),
    "inventory": (
        "sale.sale.search",
        "party.party.create",
        "sale.sale.create",
        "sale.sale.get",
        "sale.sale.quote",
        "sale.sale.confirm",
        "stock.shipment.out.assign_try",
    ),
    "carrier": (
        "addresses.create",
        "shipments.create",
        "transactions.list",
        "transactions.create",
        "transactions.get",
        "tracks.get",
    ),
    "mail": ("send",),
}


@dataclass(frozen=True, eq=False)
class Disturbance:
    """A fault, and the status that the process may show meanwhile, None when nobody needs to know."""

    name: str
    fault: Mapping[str, Any]
    shows: Status | None = None
    decision: str = ""


DISTURBANCES = (
    Disturbance("lost-reply", {"kind": "lost-reply", "count": 1}),
    Disturbance("short-outage", {"kind": "down", "count": 1}),
    Disturbance("long-outage", {"kind": "down", "count": LONGER_THAN_PATIENCE_TRIES}, Status.HELD_UP),
    Disturbance("throttled", {"kind": "throttle", "count": 1, "delay_seconds": 1}),
    Disturbance("refused-once", {"kind": "refuse", "count": 1}, Status.WAITING, "retry"),
)


@dataclass(frozen=True)
class Case:
    """One order: what is disturbed, and how."""

    role: str
    operation: str
    disturbance: Disturbance

    def __str__(self) -> str:
        return f"{self.operation}-{self.disturbance.name}"

    @property
    def process(self) -> str:
        """The process that makes the call."""
        return "follow-parcel" if self.operation == "tracks.get" else "order-to-shipment"


CASES = tuple(
    Case(role, operation, disturbance)
    for disturbance in DISTURBANCES
    for role, operations in OPERATIONS.items()
    for operation in operations
    # Only a label that is still being made is asked after, and it is made long before an outage is a long one.
    if (operation, disturbance.name) != ("transactions.get", "long-outage")
)

Table = Mapping[Case, asyncio.Task[None]]


@pytest.fixture(scope="module", autouse=True)
async def table(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Table]:
    """All chosen cases, running, as many at a time as there are sets of connections."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = [item.callspec.params["case"] for item in here]
    await world.change("settings", {"label_queued_seconds": 0.1})
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[World] = asyncio.Queue()
        for number in range(min(SETS, len(chosen))):
            names = Names(f"shop-{number}", f"erp-{number}", f"shippo-{number}", f"mail-{number}")
            one = World(world.simulator, world.client, world.http, names, workflows=False)
            await stack.enter_async_context(one.working())
            free.put_nowait(one)
        tasks = {case: asyncio.create_task(_in_turn(free, case)) for case in chosen}
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    await world.change("settings", {"label_queued_seconds": 0})


async def _in_turn(free: asyncio.Queue[World], case: Case) -> None:
    world = await free.get()
    try:
        await _play(world, case)
    finally:
        free.put_nowait(world)


async def _play(world: World, case: Case) -> None:
    disturbance = case.disturbance
    fault = await world.fault(getattr(world.names, case.role), case.operation, **disturbance.fault)
    reference = await world.order()
    outlasts = disturbance.shows is Status.HELD_UP
    handle = await world.start(reference, patience_seconds=PATIENCE_SECONDS if outlasts else LONG_PATIENCE_SECONDS)
    disturbed = world.handle(case.process, reference)
    followed = world.handle("follow-parcel", reference)
    if disturbance.decision:
        if disturbed.id == followed.id:
            await world.outcome(handle)
        view = await world.waiting(disturbed)
        await world.decide(disturbed, wait=view.waits[0].name, action=disturbance.decision, why="looked into it")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await world.outcome(followed))["result"]["state"] == "delivered"
    assert await world.hits(fault) == disturbance.fault["count"]
    assert await world.counted(reference) == ONE_EACH
    assert await shown(disturbed) == ({disturbance.shows} if disturbance.shows else set())


async def shown(handle: Handle) -> set[Status]:
    """The statuses that the process set while it ran."""
    found = set()
    async for event in handle.fetch_history_events():
        fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        text = fields["SeamlineStatus"].data.decode().strip('"') if "SeamlineStatus" in fields else ""
        if text in list(Status):
            found.add(Status(text))
    return found


@pytest.fixture(autouse=True)
async def _no_faults() -> None:
    """Faults stay: they belong to cases that run meanwhile, each to its own connections."""


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_one_effect_each_however_it_is_disturbed(case: Case, table: Table) -> None:
    await table[case]


async def test_the_checker_agrees(world: World, table: Table) -> None:
    await asyncio.gather(*table.values(), return_exceptions=True)
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
