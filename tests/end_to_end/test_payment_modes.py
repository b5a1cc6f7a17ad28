"""Shops that take the money themselves, customers who pay later, and refunds that the bank keeps waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.end_to_end.world import ByHand, Names, World

LATE = Names(shop="shop-late", inventory="erp-late", carrier="shippo-late", mail="mail-late")


@pytest.fixture(scope="module")
async def late(world: World) -> AsyncIterator[World]:
    """A shop that captures by itself once it is told that the parcel left."""
    shop = World(world.simulator, world.client, world.http, LATE, workflows=False, payment_mode="on-fulfilment")
    async with shop.working():
        yield shop


@pytest.fixture
async def slow_bank(ours: World) -> AsyncIterator[World]:
    """Its bank keeps refunds waiting."""
    await ours.change("settings", {"payment_refund_after_seconds": 600})
    yield ours
    await ours.change("settings", {"payment_refund_after_seconds": 0})


async def payments(shop: World, reference: str) -> list[str]:
    """What moved the order's money, in order."""
    moved = await shop.effects(reference)
    return [one["operation"] for one in moved if one["system"] == "shopify" and one["amount"] is not None]


async def completed(shop: World, **wanted: Any) -> str:
    """An order that goes through; its reference."""
    reference = await shop.order(**wanted)
    assert (await shop.outcome(await shop.start(reference)))["kind"] == "completed"
    verdict = await shop.verdict()
    assert verdict.ok, verdict.findings
    return reference


async def test_the_shop_captures_once_it_is_told_that_the_parcel_left(late: World) -> None:
    reference = await completed(late, financial_status="AUTHORIZED", capture="ON_FULFILLMENT")
    assert await payments(late, reference) == ["capture-by-shop"]


@pytest.mark.parametrize("mode", ["late", "ours"])
async def test_terms_agreed_with_a_customer_go_before_the_shops_mode(late: World, ours: World, mode: str) -> None:
    shop = {"late": late, "ours": ours}[mode]
    assert await payments(shop, await completed(shop, financial_status="PENDING", terms=True)) == []


async def test_a_refund_that_the_bank_sends_back_waits_for_finance(slow_bank: World, by_hand: ByHand) -> None:
    shop, warehouse = slow_bank, ByHand(slow_bank)
    reference = await shop.order(financial_status="AUTHORIZED")
    handle = await shop.start(reference)
    await shop.step(handle, "packed")
    await warehouse.move(reference, "packed")
    await shop.step(handle, "handed-over")
    await handle.cancel()
    await shop.happened(reference, "request-payment-refund")
    await shop.staff_pay(reference, "reject-refund")
    (wait,) = (await shop.waiting(handle)).waits
    assert (wait.cause.partition(" ")[2], wait.team) == ("refusal payment-refund-failed", "finance")
    await shop.staff_pay(reference, "refund")
    await shop.decide(handle, wait=wait.name, action="retry", why="refunded by hand")
    await shop.undone(handle)
    assert await payments(shop, reference) == [
        "capture",
        "request-payment-refund",
        "payment-refund-rejected",
        "refund-by-hand",
    ]
    verdict = await shop.verdict()
    assert verdict.ok, verdict.findings
