"""Stock end to end: the last piece is sold once, and what people choose where goods are short is done."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from seamline.process.view import OutcomeKind, Status, View
from seamline.records.approval import ApprovalRule
from tests.end_to_end.test_orders import ALL
from tests.end_to_end.world import Handle, World

_NUMBERS = itertools.count(1)


@pytest.fixture
def sku() -> str:
    """An article of this test's own."""
    return f"RARE-{next(_NUMBERS)}"


async def short_order(world: World, sku: str, *, there: int, wanted: int, **policy: object) -> tuple[str, Handle, View]:
    """An order of a mug and of more of an article than there is, which waits for people."""
    await world.change("stock/erp-main", {sku: there})
    reference = await world.order(lines=[{"sku": "MUG-BLUE"}, {"sku": sku, "quantity": wanted}])
    handle = await world.start(reference, **policy)
    view = await world.until(handle, lambda view: asked(view) or view.status in (Status.COMPLETED, Status.RUNNING))
    return reference, handle, await world.waiting(handle) if not policy else view


def asked(view: View) -> bool:
    """Whether it waits for people to decide on what is short."""
    return [wait.cause for wait in view.waits] == ["seamline approval short-stock"]


async def settled(world: World, handles: list[Handle], over: Callable[[View], bool]) -> list[View]:
    """The views once each order is over in this sense."""
    return list(await asyncio.gather(*(world.until(handle, over) for handle in handles)))


@pytest.mark.parametrize(("orders", "pieces"), [(2, 1), (20, 5)])
async def test_the_last_pieces_are_sold_once_and_the_other_orders_ask(
    world: World, sku: str, orders: int, pieces: int
) -> None:
    await world.change("stock/erp-main", {sku: pieces})
    references = [await world.order(lines=[{"sku": sku}]) for _ in range(orders)]
    handles = list(await asyncio.gather(*(world.start(reference) for reference in references)))
    views = await settled(world, handles, lambda view: asked(view) or view.outcome is not None)
    ended = Counter("asks" if asked(view) else str(view.outcome and view.outcome.kind) for view in views)
    assert ended == {"completed": pieces, "asks": orders - pieces}
    assert await world.stock(sku) == 0
    held = [await world.counted(reference) for reference in references]
    assert sum(one["reserve"] for one in held) == sum(one["ship"] for one in held) == pieces
    for handle, view in zip(handles, views, strict=True):
        if asked(view):
            await world.decide(handle, wait=view.waits[0].name, action="cancel", why="sold out")
            assert (await world.outcome(handle))["kind"] == OutcomeKind.UNDONE


async def test_one_order_may_wait_and_goes_on_by_itself(world: World, sku: str) -> None:
    reference, handle, view = await short_order(world, sku, there=1, wanted=3)
    assert (view.waits[0].team, sorted(view.waits[0].choices)) == (
        "operations",
        ["cancel-lines", "ship-available", "substitute", "wait"],
    )
    await world.decide(handle, wait="short-stock#1", action="choose", choice="wait", why="comes on Monday")
    await world.until(handle, lambda view: view.steps[-1].name == "restocked" and view.status is Status.RUNNING)
    await world.change("stock/erp-main", {sku: 4})
    assert (await world.outcome(handle))["kind"] == "completed"
    assert (await world.counted(reference), await world.stock(sku)) == (ALL, 2)


async def test_waiting_has_an_end_and_people_are_asked_again(world: World, sku: str) -> None:
    _, handle, _ = await short_order(world, sku, there=0, wanted=1, restock_hours=1e-6)
    await world.until(handle, asked)
    await world.decide(handle, wait="short-stock#1", action="choose", choice="wait", why="soon")
    view = await world.until(handle, lambda view: [one.name for one in view.waits] == ["short-stock#2"])
    await world.decide(handle, wait=view.waits[0].name, action="cancel", why="no more")
    assert (await world.outcome(handle))["kind"] == "undone"


async def test_what_is_there_goes_and_the_rest_is_back_ordered(world: World, sku: str) -> None:
    reference, handle, _ = await short_order(world, sku, there=1, wanted=3)
    await world.decide(handle, wait="short-stock#1", action="choose", choice="ship-available", why="do not wait")
    assert (await world.outcome(handle))["kind"] == "completed"
    rest = world.handle("order-to-shipment", f"{reference}.2")
    view = await world.until(rest, lambda view: view.steps[-1].name == "restocked")
    assert (view.waits, await world.stock(sku)) == ((), 0)
    assert any(f"{reference}.2" in note for note in (await world.view(handle)).notes)
    assert (await world.counted(reference))["post-fulfilment"] == 1
    await world.change("stock/erp-main", {sku: 2})
    assert (await world.outcome(rest))["kind"] == "completed"
    counts = await world.counted(reference) + await world.counted(f"{reference}.2")
    assert counts["split-order"] == 1
    assert {name: counts[name] for name in ALL} == {name: 2 * count for name, count in ALL.items()}
    assert await world.stock(sku) == 0


async def test_where_nothing_is_there_nothing_can_be_sent(world: World, sku: str) -> None:
    await world.change("stock/erp-main", {sku: 0})
    handle = await world.start(await world.order(lines=[{"sku": sku}]))
    [wait] = (await world.waiting(handle)).waits
    assert sorted(wait.choices) == ["cancel-lines", "substitute", "wait"]
    await world.decide(handle, wait=wait.name, action="cancel", why="sold out")
    assert (await world.outcome(handle))["kind"] == "undone"


async def test_something_else_is_sent_and_shop_and_customer_read_it(world: World, sku: str) -> None:
    reference, handle, _ = await short_order(world, sku, there=1, wanted=2)
    await world.decide(handle, wait="short-stock#1", action="choose", choice="substitute", why="without a change")
    view = await world.until(handle, lambda view: [one.name for one in view.waits] == ["short-stock#2"])
    assert any("without saying what" in note for note in view.notes)
    change = {"lines": {"0": {"sku": "TEE-M"}}}
    await world.decide(
        handle, wait="short-stock#2", action="choose", choice="substitute", change=change, why="she agreed"
    )
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL | {"note-order": 1, "reserve": 1}
    assert await world.stock(sku) == 1
    number = reference.partition(":")[2]
    assert world.body("order", number)["note"] == f"TEE-M is sent in place of {sku}"
    mail = (await world.get("mails"))[-1]
    assert f"TEE-M ({sku})" in mail["text"]


async def test_what_is_sent_abroad_in_its_place_is_declared_as_what_it_is(world: World, sku: str) -> None:
    await world.change("stock/erp-main", {sku: 0})
    abroad = {"countryCodeV2": "US", "provinceCode": "CA", "city": "San Francisco", "zip": "94117"}
    customs = {"hs_code": "732394", "origin": "PL"}
    handle = await world.start(await world.order(lines=[{"sku": sku, **customs}], address=abroad))
    await world.until(handle, asked)
    change = {"lines": {"0": {"sku": "TEE-M"}}}
    await world.decide(handle, wait="short-stock#1", action="choose", choice="substitute", change=change, why="agreed")
    [wait] = (await world.until(handle, lambda view: [one for one in view.waits if one.name != "short-stock#1"])).waits
    assert wait.cause == "seamline approval declare-substitute"
    told = {"goods": {"0": {"hs_code": "610910", "origin": "PT"}}}
    await world.decide(handle, wait=wait.name, action="amend", change=told, why="by its label")
    assert (await world.outcome(handle))["kind"] == "completed"
    items = world.simulator.world.find(world.names.carrier, "customs-item")
    assert [(one["sku_code"], one["tariff_number"], one["origin_country"]) for one in items[-1:]] == [
        ("TEE-M", "610910", "PT")
    ]


async def test_lines_that_are_short_are_cancelled_and_refunded_and_the_rest_goes(world: World, sku: str) -> None:
    reference, handle, _ = await short_order(world, sku, there=1, wanted=3)
    await world.decide(handle, wait="short-stock#1", action="choose", choice="cancel-lines", why="never again")
    assert (await world.outcome(handle))["kind"] == "completed"
    assert await world.counted(reference) == ALL | {"cancel-goods": 1, "refund-payment": 1, "reserve": 1}
    back = [one["amount"] for one in await world.effects(reference) if one["operation"] == "refund-payment"]
    assert (back, await world.stock(sku)) == (["20.00"], 0)


async def test_with_all_lines_cancelled_it_is_over(world: World, sku: str) -> None:
    await world.change("stock/erp-main", {sku: 0})
    reference = await world.order(lines=[{"sku": sku}])
    handle = await world.start(reference)
    await world.waiting(handle)
    await world.decide(handle, wait="short-stock#1", action="choose", choice="cancel-lines", why="never again")
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["manual"]) == ("undone", [])
    assert await world.operations(reference) == ["refund-payment", "cancel-goods"]


async def test_policy_chooses_for_people(world: World, sku: str) -> None:
    rule = ApprovalRule(automatic=True, choice="wait")
    _, handle, _ = await short_order(world, sku, there=0, wanted=1, approvals={"short-stock": rule})
    view = await world.until(handle, lambda view: view.steps[-1].name == "restocked")
    assert view.waits == ()
    assert [one.who for one in view.decisions] == ["policy"]
    await world.change("stock/erp-main", {sku: 1})
    assert (await world.outcome(handle))["kind"] == "completed"


async def test_what_waits_for_stock_is_given_back_when_it_is_cancelled(world: World, sku: str) -> None:
    reference, handle, _ = await short_order(world, sku, there=2, wanted=3)
    assert await world.stock(sku) == 0
    await world.decide(handle, wait="short-stock#1", action="cancel", why="too late")
    assert (await world.outcome(handle))["kind"] == "undone"
    assert (await world.stock(sku), await world.operations(reference)) == (2, [])


async def test_the_checker_agrees(world: World) -> None:
    assert (await world.verdict()).findings == []
