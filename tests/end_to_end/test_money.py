"""Who takes the money, when, once; how it goes back; and an authorisation that ends before the goods leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from seamline.process.view import Status
from tests.end_to_end.world import ByHand, Names, World

OURS = Names(shop="shop-ours", inventory="erp-ours", carrier="shippo-ours", mail="mail-ours")


@pytest.fixture(scope="module")
async def shop(world: World) -> AsyncIterator[World]:
    """A shop whose authorised orders we capture."""
    ours = World(world.simulator, world.client, world.http, OURS, workflows=False, payment_mode="ours")
    async with ours.working():
        yield ours


@pytest.fixture
async def warehouse(shop: World, by_hand: ByHand) -> ByHand:
    """Its warehouse, while the autopilot is off."""
    return ByHand(shop)


async def money(shop: World, reference: str) -> list[tuple[str, Decimal]]:
    """What moved the order's money, in order."""
    return [
        (one["operation"], Decimal(one["amount"]))
        for one in await shop.effects(reference)
        if one["operation"].startswith(("capture", "refund-"))
    ]


async def green(shop: World) -> None:
    """The checker agrees."""
    verdict = await shop.verdict()
    assert verdict.ok, verdict.findings


async def test_what_is_authorised_is_captured_when_packed_and_before_hand_over(shop: World, warehouse: ByHand) -> None:
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    await shop.step(handle, "packed")
    assert await money(shop, reference) == []
    await warehouse.move(reference, "packed")
    await shop.step(handle, "handed-over")
    assert await money(shop, reference) == [("capture", Decimal("19.45"))]
    await warehouse.hand_over(reference)
    assert (await shop.outcome(handle))["kind"] == "completed"
    assert len(await money(shop, reference)) == 1
    await green(shop)


@pytest.mark.parametrize("kind", ["lost-reply", "down", "timeout"])
async def test_a_capture_disturbed_happens_once(shop: World, kind: str) -> None:
    await shop.fault(OURS.shop, "orderCapture", kind, count=1)
    reference = await shop.order(financial_status="AUTHORIZED")
    assert (await shop.outcome(await shop.start(reference)))["kind"] == "completed"
    assert await money(shop, reference) == [("capture", Decimal("19.45"))]


async def test_who_captured_by_hand_first_is_not_followed_by_a_second_capture(shop: World, warehouse: ByHand) -> None:
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    await shop.step(handle, "packed")
    await shop.staff_pay(reference, "capture")
    await warehouse.hand_over(reference)
    assert (await shop.outcome(handle))["kind"] == "completed"
    assert [name for name, _ in await money(shop, reference)] == ["capture-by-hand"]
    await green(shop)


async def test_taken_back_exactly_that_capture_is_refunded(shop: World, warehouse: ByHand) -> None:
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    await shop.step(handle, "packed")
    await warehouse.move(reference, "packed")
    await shop.step(handle, "handed-over")
    await handle.cancel()
    view = await shop.undone(handle)
    assert await money(shop, reference) == [("capture", Decimal("19.45")), ("refund-payment", Decimal("19.45"))]
    assert [str(one.answer.money) for one in view.undone if "Capture" in one.title] == ["19.45 GBP"]
    await green(shop)


async def test_a_paid_order_is_not_captured_again(shop: World) -> None:
    reference = await shop.order()
    assert (await shop.outcome(await shop.start(reference)))["kind"] == "completed"
    assert await money(shop, reference) == []


async def test_an_authorisation_about_to_end_waits_before_anything_is_reserved(shop: World) -> None:
    reference = await shop.order(financial_status="AUTHORIZED", authorization_hours=12)
    handle = await shop.start(reference)
    (wait,) = (await shop.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["authorization.expires_at"]
    assert await shop.operations(reference) == []
    await shop.staff_pay(reference, "capture")
    await shop.decide(handle, wait=wait.name, action="retry", why="captured by hand")
    assert (await shop.outcome(handle))["kind"] == "completed"


async def test_an_authorisation_that_lapses_during_an_outage_is_found_before_the_goods_leave(
    shop: World, warehouse: ByHand
) -> None:
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    await shop.step(handle, "packed")
    await shop.fault(OURS.shop, "order", "down")
    await warehouse.move(reference, "packed")
    await shop.waiting(handle, Status.HELD_UP)
    await shop.staff_pay(reference, "lapse")
    await shop.mended()
    (wait,) = (await shop.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["payment"]
    assert "ship" not in await shop.operations(reference)
    await shop.decide(handle, wait=wait.name, action="cancel", why="not paid")
    assert (await shop.outcome(handle))["kind"] == "undone"
    assert await money(shop, reference) == []


async def test_a_capture_that_the_bank_refuses_waits_for_finance(shop: World) -> None:
    fault = await shop.fault(OURS.shop, "orderCapture", "refuse", count=1)
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    (wait,) = (await shop.waiting(handle)).waits
    assert (wait.name, wait.team) == ("capture#1", "finance")
    assert await shop.hits(fault) == 1
    await shop.decide(handle, wait=wait.name, action="retry", why="the bank was asked")
    assert (await shop.outcome(handle))["kind"] == "completed"
    assert len(await money(shop, reference)) == 1


async def test_where_the_shop_takes_the_money_nothing_is_done_before_it_has(world: World) -> None:
    reference = await world.order(financial_status="AUTHORIZED")
    handle = await world.start(reference)
    await world.step(handle, "paid")
    assert await world.operations(reference) == []
    await world.staff_pay(reference, "capture")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert [name for name, _ in await money(world, reference)] == ["capture-by-hand"]
