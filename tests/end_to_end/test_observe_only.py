"""Observe-only: everything runs and no write leaves; what would have been written is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.cli_observed import report_on
from seamline.process.start import Start
from seamline.process.view import Status
from seamline.records.location import LabelsAt
from seamline.settings import Settings, start_for
from seamline.temporal import start_process
from tests.end_to_end.deals import DealNames, DealWorld
from tests.end_to_end.test_deals import asked
from tests.end_to_end.world import Handle, Names, World
from workflows.return_order import ReturnOrder
from workflows.share_availability import ShareAvailability

APART = Names(shop="shop-watched", inventory="erp-watched", carrier="shippo-watched", mail="mail-watched")
NOTHING_WRITTEN: list[dict[str, Any]] = []


def watching(settings: Settings, *names: str) -> Settings:
    """The same, where these connections only observe."""
    connections = {
        name: one.model_copy(update={"observe_only": name in names}) for name, one in settings.connections.items()
    }
    return settings.model_copy(update={"connections": connections})


def watched(world: World, *names: str, **more: Any) -> World:
    """A world where these connections only observe."""
    shop = World(world.simulator, world.client, world.http, APART, workflows=False, **more)
    shop.settings = watching(shop.settings, *names)
    return shop


def purposes(outcome: dict[str, Any]) -> list[str]:
    """What would have been written, in its order."""
    assert outcome["kind"] == "observed", outcome
    return [one["key"].partition("/")[2] for one in outcome["unwritten"]]


@pytest.fixture(scope="module")
async def observed(world: World) -> AsyncIterator[World]:
    """A shop on trial: its own connection observes, the others would write."""
    shop = watched(world, APART.shop, payment_mode="ours")
    async with shop.working():
        yield shop


async def test_an_order_runs_to_its_end_and_nothing_is_written_by_any_connection(observed: World) -> None:
    reference = await observed.order(financial_status="AUTHORIZED")
    handle = await observed.start(reference)
    told = purposes(await observed.outcome(handle))
    assert await observed.effects(reference) == NOTHING_WRITTEN
    assert told == [
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
    told = purposes(await observed.outcome(handle))
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


async def test_a_parcel_that_would_be_labelled_once_it_is_packed_is_one_of_all_the_goods(observed: World) -> None:
    handle = await observed.start(await observed.order(), labels_at=LabelsAt.PACKED)
    assert purposes(await observed.outcome(handle)) == [
        "reserve#1",
        "buy-label#1",
        "post-fulfilment#1",
        "send-shipped#1",
    ]


async def test_each_part_of_an_order_is_observed_apart(observed: World) -> None:
    reference = await observed.order(lines=[{"sku": "MUG-BLUE"}, {"sku": "LAMP-OAK", "location": "North warehouse"}])
    whole = await observed.outcome(await observed.start(reference))
    apart = observed.handle("order-to-shipment", f"{reference}.2")
    part = await observed.outcome(apart)
    assert await (await apart.describe()).memo() == {"reference": f"{reference}.2", "observe_only": True}
    assert purposes(whole) == purposes(part)
    told = [[one["told"] for one in outcome["unwritten"] if one["holding"] == "sale"] for outcome in (whole, part)]
    assert told == [["1 MUG-BLUE"], ["1 LAMP-OAK"]]
    assert await observed.effects(reference) == await observed.effects(f"{reference}.2") == NOTHING_WRITTEN


async def begun(world: World, start: Start, process: Any) -> Handle:
    """Begin a process as the door does."""
    identity, _ = await start_process(world.client, process, start)
    return world.client.get_workflow_handle(identity)


async def test_a_return_runs_to_its_end_and_people_are_asked(world: World) -> None:
    names = Names(shop="shop-back", inventory="erp-back", carrier="shippo-back", mail="mail-back")
    before = World(world.simulator, world.client, world.http, names, workflows=False)
    after = World(world.simulator, world.client, world.http, names, workflows=False)
    after.settings = watching(after.settings, names.inventory)
    reference = await before.order(lines=[{"quantity": 2}])
    async with before.working():
        assert (await before.outcome(await before.start(reference)))["kind"] == "completed"
    asked_for = {"quantities": {"MUG-BLUE": 1}, "reason": "DEFECTIVE", "requested": True}
    back = (await after.post(f"shops/{names.shop}/orders/{reference.partition(':')[2]}/returns", asked_for))[
        "reference"
    ]
    known = [await after.operations(reference), await after.operations(back)]
    async with after.working():
        handle = await begun(after, start_for(ReturnOrder, back, after.settings), ReturnOrder)
        (wait,) = (await after.waiting(handle)).waits
        await after.decide(handle, wait=wait.name, action="choose", choice="restock", why="as new")
        outcome = await after.outcome(handle)
    assert purposes(outcome) == [
        "approve-return#1",
        "buy-label#1",
        "send-return-label#1",
        "receive#1",
        "refund-goods#1",
        "close-return#1",
    ]
    assert [await after.operations(reference), await after.operations(back)] == known


async def test_what_a_shop_would_be_told_of_its_stock_is_told(observed: World) -> None:
    start = start_for(ShareAvailability, f"{APART.shop}:stock", observed.settings)
    await observed.change(f"stock/{APART.inventory}", {"MUG-BLUE": 3})
    levels = await observed.get(f"shops/{APART.shop}/stock")
    outcome = await observed.outcome(await begun(observed, start, ShareAvailability))
    assert purposes(outcome) == ["set-levels#1"]
    assert "MUG-BLUE" in outcome["unwritten"][0]["told"]
    assert await observed.get(f"shops/{APART.shop}/stock") == levels


@pytest.fixture(scope="module")
async def deals(world: World) -> AsyncIterator[DealWorld]:
    """Sales on trial: the CRM observes, the books and marketing would be written to."""
    names = DealNames(crm="crm-watched", accounting="xero-watched", marketing="hub-watched", mail="mail-trial")
    office = DealWorld(world.simulator, world.client, world.http, names, workflows=False)
    office.settings = watching(office.settings, names.crm)
    await office.ready()
    async with office.working():
        yield office


async def test_a_deal_runs_to_its_end_and_is_set_beside_what_people_billed(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    handle = await deals.begin(reference)
    outcome = await deals.outcome(handle)
    assert purposes(outcome) == [
        "create-customer#1",
        "draft-invoice#1",
        "post-invoice#1",
        "send-invoice#1",
        "write-invoice#1",
        "become-customer#1",
        "stop-prospect-mail#1",
    ]
    assert await deals.effects(reference) == NOTHING_WRITTEN
    planned = next(one["amount"] for one in outcome["unwritten"] if one["holding"] == "invoice")
    report = await report_on(deals.client, deals.settings, handle.id)
    assert report
    assert report.differences == ("people made no invoice at xero-watched",)
    await deals.post(f"books/{deals.deal_names.accounting}/invoices", {"reference": reference})
    report = await report_on(deals.client, deals.settings, handle.id)
    assert report
    (difference,) = report.differences
    assert difference.startswith("people made the invoice at xero-watched for ")
    assert difference.endswith(f" instead of {planned}")


async def test_an_approval_of_a_deal_is_asked_for_and_rejected_without_a_trace(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    handle = await deals.begin(reference, billing=asked())
    (wait,) = (await deals.waiting(handle)).waits
    await deals.decide(handle, wait=wait.name, action="reject", who="fin", why="not yet")
    outcome = await deals.outcome(handle)
    assert outcome["kind"] == "undone"
    assert await deals.effects(reference) == NOTHING_WRITTEN


async def test_where_nobody_can_tell_what_follows_it_ends_with_the_reason(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    theirs = {"reference": reference, "status": "DRAFT"}
    made = await deals.post(f"books/{deals.deal_names.accounting}/invoices", theirs)
    handle = await deals.begin(reference)
    (wait,) = (await deals.waiting(handle)).waits
    assert wait.cause == "xero-watched refusal already-there"
    result = {"id": made["id"], "key": "", "state": "draft", "issued": "2026-11-22", "due": "2026-12-22"}
    none = {"amount": "0", "currency": "GBP"}
    sums = dict.fromkeys(("net", "tax", "total", "paid", "credited", "amount_due"), none)
    await deals.decide(
        handle, wait=wait.name, action="skip", why="theirs will do", result={**result, **sums, "customer_id": "theirs"}
    )
    outcome = await deals.outcome(handle)
    assert purposes(outcome) == ["create-customer#1", "post-invoice#1"]
    assert outcome["reason"] == "what follows depends on the answer to: Post the invoice"


async def test_the_checker_agrees_with_all_of_them(observed: World, deals: DealWorld) -> None:
    verdict = await observed.verdict()
    assert verdict.ok, verdict.findings
