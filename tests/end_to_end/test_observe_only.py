"""Observe-only: everything runs and no write leaves; what would have been written is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.cli_observed import report_on
from seamline.process.view import Status
from tests.end_to_end.world import Names, World

APART = Names(shop="shop-watched", inventory="erp-watched", carrier="shippo-watched", mail="mail-watched")
NOTHING_WRITTEN: list[dict[str, Any]] = []


def watched(world: World, *names: str, **more: Any) -> World:
    """A world where these connections only observe."""
    shop = World(world.simulator, world.client, world.http, APART, workflows=False, **more)
    connections = {
        name: one.model_copy(update={"observe_only": name in names}) for name, one in shop.settings.connections.items()
    }
    shop.settings = shop.settings.model_copy(update={"connections": connections})
    return shop


@pytest.fixture(scope="module")
async def observed(world: World) -> AsyncIterator[World]:
    """A shop on trial: its own connection observes, the others would write."""
    shop = watched(world, APART.shop, payment_mode="ours")
    async with shop.working():
        yield shop


async def test_an_order_runs_to_its_end_and_nothing_is_written_by_any_connection(observed: World) -> None:
    reference = await observed.order(financial_status="AUTHORIZED")
    handle = await observed.start(reference)
    outcome = await observed.outcome(handle)
    assert outcome["kind"] == "observed"
    assert await observed.effects(reference) == NOTHING_WRITTEN
    unwritten = outcome["unwritten"]
    assert [one["key"].partition("/")[2] for one in unwritten] == [
        "reserve#1",
        "buy-label#1",
        "capture#1",
        "post-fulfilment#1",
        "send-shipped#1",
    ]
    assert "follow-parcel would be started" in (await observed.view(handle)).notes
    verdict = await observed.verdict()
    assert verdict.ok, verdict.findings


async def test_the_report_tells_what_differs_from_what_people_did(observed: World) -> None:
    reference = await observed.order(financial_status="AUTHORIZED")
    handle = await observed.start(reference)
    await observed.outcome(handle)
    await observed.staff_pay(reference, "capture")
    report = await report_on(observed.client, observed.settings, handle.id)
    assert report
    assert report.status == "observed"
    assert set(report.differences) == {
        "people made no sale at erp-watched",
        "people made no label at shippo-watched",
        "people made no fulfilment at shop-watched",
    }


async def test_what_it_tells_holds_no_personal_data(observed: World) -> None:
    reference = await observed.order(email="jo.fielding@example.com")
    outcome = await observed.outcome(await observed.start(reference))
    assert len(outcome["unwritten"]) == 4
    assert "fielding" not in str(outcome).lower()


async def test_what_would_wait_for_a_person_waits_and_goes_on(observed: World) -> None:
    reference = await observed.order(risk="INVESTIGATE")
    handle = await observed.start(reference)
    (wait,) = (await observed.waiting(handle)).waits
    await observed.decide(handle, wait=wait.name, action="approve")
    told = [one["key"].partition("/")[2] for one in (await observed.outcome(handle))["unwritten"]]
    assert told[:2] == ["hold#1", "reserve#1"]
    assert await observed.effects(reference) == NOTHING_WRITTEN


async def test_a_process_that_has_begun_to_write_waits_until_its_writes_may_leave_again(world: World) -> None:
    names = Names(shop="shop-mid", inventory="erp-mid", carrier="shippo-mid", mail="mail-mid")
    before = World(world.simulator, world.client, world.http, names, workflows=False)
    after = World(world.simulator, world.client, world.http, names, workflows=False)
    carrier = after.settings.connections[names.carrier].model_copy(update={"observe_only": True})
    connections = {**after.settings.connections, names.carrier: carrier}
    after.settings = after.settings.model_copy(update={"connections": connections})
    reference = await before.order()
    async with after.working():
        handle = await before.start(reference)
        (wait,) = (await before.waiting(handle, Status.HELD_UP)).waits
        assert (wait.cause, wait.team) == ("shippo-mid held back observe-only", "it")
        assert "buy-label" not in await before.operations(reference)
    async with before.working():
        assert (await before.outcome(handle))["kind"] == "completed"
