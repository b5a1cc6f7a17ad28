"""Orders from payment to parcel over the real ERP: lost answers, killed workers, races, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from seamline.process.view import Status, View
from seamline.simulator.server import running
from seamline.temporal import register_search_attributes
from tests.end_to_end.conftest import NONE_KEPT
from tests.end_to_end.world import Handle
from tests.erp.conftest import Shop
from tests.erp.people import People
from tests.erp.proxy import Harm, proxy
from tests.erp.tryton import MAIN, Tryton
from tests.erp.warehouse import warehouse
from tests.erp.world import Business

pytestmark = pytest.mark.timeout(900)

ONE_EACH = dict.fromkeys(["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"], 1)
DELAYS = ("pack_after_seconds", "hand_over_after_seconds", "transit_after_seconds", "deliver_after_seconds")
AT_ONCE, MANY_SECONDS_MAX = 50, 600
PATIENT = {"attempt_seconds_max": 120, "patience_seconds": 240}
WRITES = (
    "POST .*/party.party$",
    "POST .*/party.address$",
    "POST .*/sale.sale$",
    "/quote$",
    "/confirm$",
    "/assign_try$",
)
"""Every call of a reservation that changes something."""
IN_FLIGHT = ("POST .*/sale.sale$", "/confirm$", "/assign_try$")


@pytest.fixture(scope="module")
async def business(
    erp: Tryton, dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Business]:
    """The product at work, with a warehouse that is never idle."""
    await register_search_attributes(dev_server.client)
    state = tmp_path_factory.mktemp("business")
    async with (
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=60, limits=NONE_KEPT) as http,
        proxy(erp.url) as through,
    ):
        people = People(erp, MAIN, http)
        made = Business(simulator, dev_server.client, http, Shop(erp, MAIN, people, through), state)
        await made.change("settings", {"autopilot": True, **dict.fromkeys(DELAYS, 0.2)})
        await made.worker.start()
        async with warehouse(people, made.observer, simulator.url, http):
            yield made
        await made.worker.stop()


@pytest.fixture(autouse=True)
async def _healed(business: Business) -> AsyncIterator[None]:
    yield
    business.shop.proxy.heal()


async def ends_well(business: Business, *handles: Handle) -> None:
    """Every order completed with one effect each."""
    for handle in handles:
        assert (await business.outcome(handle))["kind"] == "completed"
        reference = handle.id.partition(":")[2]
        await business.happened(reference, "ship")
        assert await business.counted(reference) == ONE_EACH


async def ordered(business: Business, sku: str, quantity: int = 1, **policy: Any) -> Handle:
    """An order of one article, begun."""
    return await business.start(await business.order(lines=[{"sku": sku, "quantity": quantity}]), **policy)


async def test_every_answer_lost_and_every_call_cut_once(business: Business) -> None:
    for harm in (Harm.CUT_BEFORE, Harm.CUT_AFTER):
        rules = [business.shop.proxy.harm(harm, pattern, 1) for pattern in WRITES]
        await ends_well(business, await ordered(business, "MUG-BLUE"))
        assert [rule.count for rule in rules] == [0] * len(rules)


async def test_a_worker_killed_while_the_erp_does_what_it_asked(business: Business) -> None:
    """Three orders at once, each in another call when the worker dies."""
    rules = [business.shop.proxy.harm(Harm.UNANSWERED, pattern, 1) for pattern in IN_FLIGHT]
    handles = [await ordered(business, "MUG-BLUE") for _ in rules]
    for rule in rules:
        await rule.used_up.wait()
    await business.worker.kill()
    await business.worker.start()
    await ends_well(business, *handles)


async def test_of_two_that_race_for_the_last_pieces_one_is_asked_about(business: Business) -> None:
    await business.shop.people.set_free("LAMP-OAK", 10)
    handles = await asyncio.gather(*(ordered(business, "LAMP-OAK", 7) for _ in range(2)))
    views = await asyncio.gather(*(business.until(handle, over) for handle in handles))
    asked = [handle for handle, view in zip(handles, views, strict=True) if view.waits]
    assert len(asked) == 1
    await business.decide(asked[0], wait="short-stock#1", action="cancel", why="sold out")
    assert (await business.outcome(asked[0]))["kind"] == "undone"
    await ends_well(business, *(one for one in handles if one not in asked))
    assert (await business.shop.people.held())["LAMP-OAK"] == 7
    assert await business.shop.people.free("LAMP-OAK") == 3


async def test_fifty_at_once_all_get_their_goods(business: Business) -> None:
    """Assignments that Tryton leaves waiting, since others hold its locks, are tried again."""
    before = (await business.shop.people.held())["TEE-M"]
    await business.shop.people.set_free("TEE-M", AT_ONCE)
    # A try that is given up is work for Tryton too: where many queue for it, each needs its time.
    handles = await asyncio.gather(*(ordered(business, "TEE-M", **PATIENT) for _ in range(AT_ONCE)))
    # Asking how each stands would load the machine more than the orders do.
    await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), MANY_SECONDS_MAX)
    await ends_well(business, *handles)
    assert (await business.shop.people.held())["TEE-M"] == before + AT_ONCE
    assert await business.shop.people.free("TEE-M") == 0


async def test_the_checker_agrees(business: Business) -> None:
    verdict = await business.settled()
    assert verdict.ok, verdict.findings


def over(view: View) -> bool:
    """Whether it ended, or asks people what to do."""
    return view.outcome is not None or (view.status is Status.WAITING and bool(view.waits))
