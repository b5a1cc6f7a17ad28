"""Every call of the happy path, disturbed in every way that passes: each order still ends with one effect each.

An order meets one kind of disturbance, at each of some calls to a system, one call after the other. A fault that hits
the next call of a connection would hit whoever calls first, so each order has connections of its own while it lasts;
several sets of them work at the same time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from seamline.process.view import Status
from tests.end_to_end.world import SECONDS_MAX, Handle, Names, World

SETS = 8
ONE_EACH = Counter({"reserve": 1, "buy-label": 1, "ship": 1, "post-fulfilment": 1, "send-mail": 1})
PATIENCE_SECONDS, LONG_PATIENCE_SECONDS = 1, 60
LOOK_SECONDS = 0.05
SOMETIMES = {"token", "rates.get"}
"""Logging in, and asking what a label cost that is found again: not every order does it."""


@dataclass(frozen=True)
class Part:
    """Calls that one process makes to one system, in this order."""

    name: str
    role: str
    calls: Sequence[str]
    process: str = "order-to-shipment"


PARTS = (
    Part("shop", "shop", ("order", "fulfillmentOrder", "fulfillmentCreate")),
    Part(
        "customer",
        "inventory",
        (
            "sale.sale.search",
            "product.product.search",
            "currency.currency.search",
            "country.country.search",
            "country.subdivision.search",
            "party.party.search",
            "party.party.create",
            "party.address.search",
            "party.address.create",
        ),
    ),
    Part(
        "sale",
        "inventory",
        (
            "sale.sale.create",
            "sale.sale.get",
            "sale.sale.quote",
            "sale.sale.confirm",
            "stock.shipment.out.assign_try",
        ),
    ),
    Part("label", "carrier", ("addresses.create", "shipments.create", "transactions.list", "transactions.create")),
    # Only a label that is still being made is asked after, and it is made long before another disturbance is over.
    Part("queued", "carrier", ("transactions.get",)),
    Part("tracking", "carrier", ("tracks.get",), "follow-parcel"),
    Part("mail", "mail", ("send",)),
)


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
    Disturbance("long-outage", {"kind": "down"}, Status.HELD_UP),
    Disturbance("throttled", {"kind": "throttle", "count": 1, "delay_seconds": 1}),
    Disturbance("refused-once", {"kind": "refuse", "count": 1}, Status.WAITING, "retry"),
)


@dataclass(frozen=True)
class Case:
    """One order: which calls are disturbed, and how."""

    part: Part
    disturbance: Disturbance

    def __str__(self) -> str:
        return f"{self.part.name}-{self.disturbance.name}"


CASES = tuple(
    Case(part, disturbance)
    for disturbance in DISTURBANCES
    for part in PARTS
    if (part.name, disturbance.name) != ("queued", "long-outage")
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
    connection = getattr(world.names, case.part.role)
    faults = [await world.fault(connection, call, **disturbance.fault) for call in case.part.calls]
    reference = await world.order()
    outlasts = disturbance.shows is Status.HELD_UP
    handle = await world.start(reference, patience_seconds=PATIENCE_SECONDS if outlasts else LONG_PATIENCE_SECONDS)
    disturbed = world.handle(case.part.process, reference)
    followed = world.handle("follow-parcel", reference)
    if outlasts:
        await _outlast(world, disturbed, faults)
    elif disturbance.decision:
        if disturbed.id == followed.id:
            await world.outcome(handle)
        await _decide(world, disturbed, disturbance.decision, len(faults))
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await world.outcome(followed))["result"]["course"] == "delivered"
    if not outlasts:
        hits = {call: await world.hits(fault) for call, fault in zip(case.part.calls, faults, strict=True)}
        assert hits == dict.fromkeys(case.part.calls, 1)
    assert await world.counted(reference) == ONE_EACH
    assert await shown(disturbed) == ({disturbance.shows} if disturbance.shows else set())


async def _outlast(world: World, handle: Handle, faults: Sequence[str]) -> None:
    """Each outage lasts until the process shows that it is held up by it."""
    for fault in faults:
        deadline = time.monotonic() + SECONDS_MAX
        while not await world.hits(fault):
            assert time.monotonic() < deadline, "the call never came"
            await asyncio.sleep(LOOK_SECONDS)
        await world.waiting(handle, Status.HELD_UP)
        await world.end(fault)


async def _decide(world: World, handle: Handle, action: str, times: int) -> None:
    """Answer so many waits, one after the other."""
    answered: list[str] = []
    for _ in range(times):
        view = await world.until(handle, lambda view: view.waits and view.waits[0].name not in answered)
        answered.append(view.waits[0].name)
        await world.decide(handle, wait=answered[-1], action=action, why="looked into it")


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


async def test_these_are_all_the_calls_that_an_order_makes(world: World) -> None:
    names = Names("shop-whole", "erp-whole", "shippo-whole", "mail-whole")
    whole = World(world.simulator, world.client, world.http, names, workflows=False)
    async with whole.working():
        reference = await whole.order()
        await whole.outcome(await whole.start(reference))
        await whole.outcome(whole.handle("follow-parcel", reference))
    for role in {part.role for part in PARTS}:
        made = {one["operation"] for one in await whole.get("calls", connection=getattr(names, role))}
        assert made - SOMETIMES == {call for part in PARTS if part.role == role for call in part.calls}


async def test_the_checker_agrees(world: World, table: Table) -> None:
    await asyncio.gather(*table.values(), return_exceptions=True)
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
