"""Every call that a deal's happy path makes, disturbed in every way that passes: one effect each all the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from seamline.process.view import Status
from tests.end_to_end.deals import DealNames, DealWorld
from tests.end_to_end.test_disturbances import (
    DISTURBANCES,
    LONG_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    Disturbance,
    shown,
)
from tests.end_to_end.world import World

SETS = 6
ONE_EACH = Counter(
    {
        "create-customer": 1,
        "draft-invoice": 1,
        "post-invoice": 1,
        "send-invoice": 1,
        "write-invoice": 1,
        "become-customer": 2,
        "stop-prospect-mail": 1,
    }
)
READS: Mapping[str, Sequence[str]] = {
    "crm": ("Opportunity.query",),
    "accounting": ("contacts.list", "invoices.list", "invoices.get", "invoices.online"),
    "marketing": ("companies.read", "companies.search", "contacts.read", "mail.status", "properties.get"),
}
WRITES: Mapping[str, Sequence[str]] = {
    "crm": ("composite",),
    "accounting": ("contacts.create", "invoices.create", "invoices.update", "invoices.email"),
    "marketing": ("companies.update", "contacts.update", "mail.unsubscribe"),
}
KEPT = {
    "token",
    "Organization.query",
    "connections.list",
    "organisation.get",
    "tax-rates.list",
    "currencies.list",
    "account.details",
}
"""What a connection asks when it is first used, and keeps."""
LONG_OUTAGE = Disturbance("long-outage", {"kind": "down", "count": 8}, Status.HELD_UP)
"""Longer than patience: two seconds hold at most five tries."""
PASSING = [one for one in DISTURBANCES if one.name != LONG_OUTAGE.name]
THROTTLED = next(one for one in DISTURBANCES if one.name == "throttled")
TIMEOUT = Disturbance("timeout", {"kind": "timeout", "count": 1, "delay_seconds": 1})


@dataclass(frozen=True)
class Case:
    """One deal: what is disturbed, and how."""

    role: str
    operation: str
    disturbance: Disturbance

    def __str__(self) -> str:
        return f"{self.operation}-{self.disturbance.name}"


CASES = (
    *(
        Case(role, one, how)
        for role, names in WRITES.items()
        for one in names
        for how in (*PASSING, LONG_OUTAGE, TIMEOUT)
    ),
    *(Case(role, one, THROTTLED) for role, names in READS.items() for one in names),
)
Table = Mapping[Case, asyncio.Task[None]]


@pytest.fixture(scope="module")
async def deals(world: World) -> AsyncIterator[DealWorld]:
    """The connections of the happy path."""
    names = DealNames("crm-1", "xero-1", "hub-1", "mail-1")
    one = DealWorld(world.simulator, world.client, world.http, names, workflows=False)
    await one.ready()
    async with one.working():
        yield one


@pytest.fixture(scope="module")
async def table(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Table]:
    """All chosen cases, running, as many at a time as there are sets of connections."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = [item.callspec.params["case"] for item in here]
    async with AsyncExitStack() as stack:
        free: asyncio.Queue[DealWorld] = asyncio.Queue()
        for number in range(min(SETS, len(chosen))):
            names = DealNames(*(f"{role}-set-{number}" for role in ("crm", "xero", "hub", "mail")))
            one = DealWorld(world.simulator, world.client, world.http, names, workflows=False)
            await one.ready()
            await stack.enter_async_context(one.working())
            free.put_nowait(one)
        tasks = {case: asyncio.create_task(_in_turn(free, case)) for case in chosen}
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _in_turn(free: asyncio.Queue[DealWorld], case: Case) -> None:
    world = await free.get()
    try:
        await _play(world, case)
    finally:
        free.put_nowait(world)


async def _play(world: DealWorld, case: Case) -> None:
    disturbance = case.disturbance
    reference = await world.new_customers_deal()
    fault = await world.fault(getattr(world.deal_names, case.role), case.operation, **disturbance.fault)
    outlasts = disturbance.shows is Status.HELD_UP
    handle = await world.begin(reference, patience_seconds=PATIENCE_SECONDS if outlasts else LONG_PATIENCE_SECONDS)
    if disturbance.decision:
        view = await world.waiting(handle)
        await world.decide(handle, wait=view.waits[0].name, action=disturbance.decision, why="looked into it")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.hits(fault) == disturbance.fault["count"]
    assert await world.counted(reference) == ONE_EACH
    assert await shown(handle) == ({disturbance.shows} if disturbance.shows else set())


@pytest.fixture(autouse=True)
async def _no_faults() -> None:
    """Faults stay: they belong to cases that run meanwhile, each to its own connections."""


async def test_the_table_has_every_call(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    assert (await deals.outcome(await deals.begin(reference)))["kind"] == "completed"
    for role in READS:
        made = await deals.get("calls", connection=getattr(deals.deal_names, role))
        assert {one["operation"] for one in made} - KEPT == {*READS[role], *WRITES[role]}, role
    assert await deals.counted(reference) == ONE_EACH


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_one_effect_each_however_it_is_disturbed(case: Case, table: Table) -> None:
    await table[case]


async def test_the_checker_agrees(world: World, table: Table) -> None:
    await asyncio.gather(*table.values(), return_exceptions=True)
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
