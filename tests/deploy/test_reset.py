"""Reset to any point of its past, a process repeats no effect."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from tests.end_to_end.world import Handle, World

pytestmark = pytest.mark.usefixtures("judged")

ONE_EACH = dict.fromkeys(["reserve", "buy-label", "ship", "post-fulfilment", "send-mail"], 1)


async def points(handle: Handle) -> list[int]:
    """The workflow tasks of a run: every point that it can be reset to."""
    history = await handle.fetch_history()
    return [one.event_id for one in history.events if one.HasField("workflow_task_completed_event_attributes")]


async def reset(world: World, handle: Handle, event_id: int) -> Handle:
    """The run that begins at this point of the handle's run."""
    request = ResetWorkflowExecutionRequest(
        namespace=world.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=handle.run_id),
        reason="to see whether anything is repeated",
        workflow_task_finish_event_id=event_id,
        request_id=f"{handle.run_id}-{event_id}",
    )
    answer = await world.client.workflow_service.reset_workflow_execution(request, retry=True)
    return world.client.get_workflow_handle(handle.id, run_id=answer.run_id)


async def test_an_order_reset_to_each_point_has_one_effect_each(world: World, settled: set[str]) -> None:
    """As many orders as there are points, each reset to another one. The first is before the order was fetched."""
    first = await world.start(await world.order())
    await world.outcome(first)
    count = len(await points(first))
    assert count > 5
    references = [await world.order() for _ in range(count)]
    handles = [await world.start(reference) for reference in references]
    await asyncio.gather(*(world.outcome(one) for one in handles))

    async def again(place: int) -> None:
        described = await handles[place].describe()
        run = world.client.get_workflow_handle(handles[place].id, run_id=described.run_id)
        event_id = (await points(run))[place]
        fresh = await reset(world, run, event_id)
        view = await world.until(fresh, lambda view: view.outcome or any(one.problems for one in view.waits))
        if not view.outcome:
            # It asks the shop whether the order is still wanted, and that was fulfilled by the run before.
            assert view.waits[0].problems[0].field == "fulfilment_orders", event_id
            await world.decide(fresh, wait=view.waits[0].name, action="skip", why="by us")
        outcome = await world.outcome(fresh)
        assert outcome["kind"] == ("completed" if place else "ignored"), event_id
        assert await world.counted(references[place]) == ONE_EACH, event_id

    await asyncio.gather(*map(again, range(count)))
    settled.add(references[0])


async def test_an_order_taken_back_and_reset_to_each_point_leaves_nothing(world: World) -> None:
    await world.change("settings", {"autopilot": False})
    reference = await world.order()
    handle = await world.start(reference)
    await world.step(handle, "packed")
    await handle.cancel()
    await world.undone(handle)
    described = await handle.describe()
    run = world.client.get_workflow_handle(handle.id, run_id=described.run_id)
    for event_id in (await points(run))[:-3]:
        again = await reset(world, run, event_id)
        await again.cancel()
        await world.undone(again)
    await world.change("settings", {"autopilot": True})
