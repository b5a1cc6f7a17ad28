"""Who takes the money, when, once; how it goes back; and an authorisation that ends before the goods leave."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seamline.process.view import Status
from tests.end_to_end.world import ByHand, World


@pytest.fixture
async def warehouse(ours: World, by_hand: ByHand) -> ByHand:
    """Its warehouse, while the autopilot is off."""
    return ByHand(ours)


async def money(ours: World, reference: str) -> list[tuple[str, Decimal]]:
    """What moved the order's money, in order."""
    return [
        (one["operation"], Decimal(one["amount"]))
        for one in await ours.effects(reference)
        if one["operation"].startswith(("capture", "refund-"))
    ]


async def green(ours: World) -> None:
    """The checker agrees."""
    verdict = await ours.verdict()
    assert verdict.ok, verdict.findings


async def test_what_is_authorised_is_captured_when_packed_and_before_hand_over(ours: World, warehouse: ByHand) -> None:
    reference = await ours.order(financial_status="AUTHORIZED")
    handle = await ours.start(reference)
    await ours.step(handle, "packed")
    assert await money(ours, reference) == []
    await warehouse.move(reference, "packed")
    await ours.step(handle, "handed-over")
    assert await money(ours, reference) == [("capture", Decimal("19.45"))]
    await warehouse.hand_over(reference)
    assert (await ours.outcome(handle))["kind"] == "completed"
    assert len(await money(ours, reference)) == 1
    await green(ours)


@pytest.mark.parametrize("kind", ["lost-reply", "down", "timeout"])
async def test_a_capture_disturbed_happens_once(ours: World, kind: str) -> None:
    await ours.fault(ours.names.shop, "orderCapture", kind, count=1)
    reference = await ours.order(financial_status="AUTHORIZED")
    assert (await ours.outcome(await ours.start(reference)))["kind"] == "completed"
    assert await money(ours, reference) == [("capture", Decimal("19.45"))]


async def test_who_captured_by_hand_first_is_not_followed_by_a_second_capture(ours: World, warehouse: ByHand) -> None:
    reference = await ours.order(financial_status="AUTHORIZED")
    handle = await ours.start(reference)
    await ours.step(handle, "packed")
    await ours.staff_pay(reference, "capture")
    await warehouse.hand_over(reference)
    assert (await ours.outcome(handle))["kind"] == "completed"
    assert [name for name, _ in await money(ours, reference)] == ["capture-by-hand"]
    await green(ours)


async def test_taken_back_exactly_that_capture_is_refunded(ours: World, warehouse: ByHand) -> None:
    reference = await ours.order(financial_status="AUTHORIZED")
    handle = await ours.start(reference)
    await ours.step(handle, "packed")
    await warehouse.move(reference, "packed")
    await ours.step(handle, "handed-over")
    await handle.cancel()
    view = await ours.undone(handle)
    assert await money(ours, reference) == [("capture", Decimal("19.45")), ("refund-payment", Decimal("19.45"))]
    assert [str(one.answer.money) for one in view.undone if "Capture" in one.title] == ["19.45 GBP"]
    await green(ours)


async def test_a_paid_order_is_not_captured_again(ours: World) -> None:
    reference = await ours.order()
    assert (await ours.outcome(await ours.start(reference)))["kind"] == "completed"
    assert await money(ours, reference) == []


async def test_an_authorisation_about_to_end_waits_before_anything_is_reserved(ours: World) -> None:
    reference = await ours.order(financial_status="AUTHORIZED", authorization_hours=12)
    handle = await ours.start(reference)
    (wait,) = (await ours.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["authorization.expires_at"]
    assert await ours.operations(reference) == []
    await ours.staff_pay(reference, "capture")
    await ours.decide(handle, wait=wait.name, action="retry", why="captured by hand")
    assert (await ours.outcome(handle))["kind"] == "completed"


async def test_an_authorisation_that_lapses_during_an_outage_is_found_before_the_goods_leave(
    ours: World, warehouse: ByHand
) -> None:
    reference = await ours.order(financial_status="AUTHORIZED")
    handle = await ours.start(reference)
    await ours.step(handle, "packed")
    await ours.fault(ours.names.shop, "order", "down")
    await warehouse.move(reference, "packed")
    await ours.waiting(handle, Status.HELD_UP)
    await ours.staff_pay(reference, "lapse")
    await ours.mended()
    (wait,) = (await ours.waiting(handle)).waits
    assert [one.field for one in wait.problems] == ["payment"]
    assert "ship" not in await ours.operations(reference)
    await ours.decide(handle, wait=wait.name, action="cancel", why="not paid")
    assert (await ours.outcome(handle))["kind"] == "undone"
    assert await money(ours, reference) == []


async def test_a_capture_that_the_bank_refuses_waits_for_finance(ours: World) -> None:
    fault = await ours.fault(ours.names.shop, "orderCapture", "refuse", count=1)
    reference = await ours.order(financial_status="AUTHORIZED")
    handle = await ours.start(reference)
    (wait,) = (await ours.waiting(handle)).waits
    assert (wait.name, wait.team) == ("capture#1", "finance")
    assert await ours.hits(fault) == 1
    await ours.decide(handle, wait=wait.name, action="retry", why="the bank was asked")
    assert (await ours.outcome(handle))["kind"] == "completed"
    assert len(await money(ours, reference)) == 1


async def test_where_the_shop_takes_the_money_nothing_is_done_before_it_has(world: World) -> None:
    reference = await world.order(financial_status="AUTHORIZED")
    handle = await world.start(reference)
    await world.step(handle, "paid")
    assert await world.operations(reference) == []
    await world.staff_pay(reference, "capture")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert [name for name, _ in await money(world, reference)] == ["capture-by-hand"]
