"""Starting, rightly and wrongly; and parcels that do not arrive."""

from __future__ import annotations

import asyncio
import json

import pytest
from temporalio.client import WorkflowFailureError

from seamline.temporal import start_process
from tests.end_to_end.world import World
from workflows.order_to_shipment import OrderToShipment

ROUTE = {"shop": "shop-uk", "inventory": "erp-main", "carrier": "shippo-main", "mail": "mail-main"}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([], "input must be one JSON object"),
        (['"shop-uk:1"'], "input must be one JSON object"),
        (['{"reference": "shop-uk:1"}', '{"reference": "shop-uk:1"}'], "input must be one JSON object"),
        (['{"reference": "no reference"}'], "reference"),
        (['{"reference": "shop-uk:1", "route": "shop-uk"}'], "route"),
        (['{"reference": "shop-uk:1"}'], "route.shop is missing"),
        ([json.dumps({"reference": "shop-uk:1", "route": ROUTE})], "workflow id must be order-to-shipment:shop-uk:1"),
    ],
    ids=["none", "text", "two", "bad-reference", "bad-route", "no-route", "other-id"],
)
async def test_a_wrong_start_by_the_temporal_command_ends_with_what_is_wrong(
    world: World, request: pytest.FixtureRequest, inputs: list[str], says: str
) -> None:
    identity = f"order-to-shipment:wrong-{request.node.callspec.id}"
    options = ["--type", "order-to-shipment", "--task-queue", "seamline", "--workflow-id", identity]
    given = [part for one in inputs for part in ("--input", one)]
    await world.command("temporal", "workflow", "start", *options, *given)
    with pytest.raises(WorkflowFailureError) as error:
        await world.outcome(world.client.get_workflow_handle(identity))
    assert "nothing was started" in str(error.value.cause)
    assert says in str(error.value.cause)


async def test_a_right_start_by_the_temporal_command_runs(world: World) -> None:
    reference = await world.order()
    identity = f"order-to-shipment:{reference}"
    policy = world.settings.policy.model_dump(mode="json")
    start = json.dumps({"reference": reference, "route": ROUTE, "policy": policy})
    options = ["--type", "order-to-shipment", "--task-queue", "seamline", "--workflow-id", identity]
    await world.command("temporal", "workflow", "start", *options, "--input", start)
    assert (await world.outcome(world.client.get_workflow_handle(identity)))["kind"] == "completed"


async def test_an_order_that_the_shop_does_not_have_waits_for_staff(world: World) -> None:
    handle = await world.start("shop-uk:404404")
    [wait] = (await world.waiting(handle)).waits
    assert wait.cause == "shop-uk refusal not-found"
    await handle.cancel()
    await world.undone(handle)


async def test_started_often_at_once_and_again_later_it_runs_once(world: World) -> None:
    reference = await world.order()
    handles = await asyncio.gather(*(world.start(reference) for _ in range(8)))
    assert len({handle.id for handle in handles}) == 1
    assert (await world.outcome(handles[0]))["kind"] == "completed"
    start = world.start_of(reference)
    assert await start_process(world.client, OrderToShipment, start) == (handles[0].id, False)
    assert max((await world.counted(reference)).values()) == 1


async def test_the_checker_agrees(world: World) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
