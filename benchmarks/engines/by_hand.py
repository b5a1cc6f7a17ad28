"""Temporal as one would write it by hand for this story alone, with plain retries, in each of three lanes.

`queue`: one queue for all. The server hands the worker that scheduled a step its task at once. `queues`: one for each
role, as it must be where each system has its own limits. `local`: steps run within the workflow's task.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Literal

from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from benchmarks.engines import Ground, RunOrder

with workflow.unsafe.imports_passed_through():
    from benchmarks.engines.tools import STEP, methods
    from benchmarks.story import arrive, ship
    from seamline.process.effect import Call, Operation, Req, Res
    from seamline.records.base import Record
    from seamline.records.parcel import ParcelNumber
    from seamline.records.shipping_plan import Shipment

QUEUE = "orders"
TASK = timedelta(seconds=60)
"""What a workflow's task may take: one that is lost runs its steps again, where they run within it."""
Lanes = Literal["queue", "queues", "local"]


class OrderStart(Record):
    """Which order, and in which lane its steps go."""

    reference: str
    lane: Lanes


class ParcelStart(OrderStart):
    """Which parcel."""

    parcel: ParcelNumber


class Lane:
    """Carries out a step in one of the lanes."""

    def __init__(self, lane: Lanes) -> None:
        self.lane = lane

    async def __call__(self, operation: Operation[Req, Res], call: Call[Req]) -> Res:
        if self.lane == "local":
            return await workflow.execute_local_activity(
                operation.name, call, result_type=operation.result_type, start_to_close_timeout=STEP
            )
        return await workflow.execute_activity(
            operation.name,
            call,
            task_queue=operation.role if self.lane == "queues" else None,
            result_type=operation.result_type,
            start_to_close_timeout=STEP,
        )


@workflow.defn(name="ship")
class Ship:
    """One order."""

    @workflow.run
    async def run(self, start: OrderStart) -> Shipment:
        """The story."""

        async def follow(reference: str, parcel: ParcelNumber) -> None:
            await workflow.start_child_workflow(
                Arrive.run,
                ParcelStart(reference=reference, lane=start.lane, parcel=parcel),
                id=f"parcel:{reference}",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )

        return await ship(start.reference, Lane(start.lane), follow)


@workflow.defn(name="arrive")
class Arrive:
    """One parcel."""

    @workflow.run
    async def run(self, start: ParcelStart) -> Record:
        """The story."""
        return await arrive(start.reference, start.parcel, workflow.now(), Lane(start.lane))


@asynccontextmanager
async def opened(ground: Ground, *, lane: Lanes) -> AsyncIterator[RunOrder]:
    """Ready to run orders."""
    client = await Client.connect(ground.temporal, data_converter=pydantic_data_converter)
    async with AsyncExitStack() as stack:
        tools = await stack.enter_async_context(methods(ground))
        here = tools.values() if lane != "queues" else ()
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=QUEUE,
                workflows=[Ship, Arrive],
                activities=list(here),
                workflow_failure_exception_types=[Exception],
            )
        )
        for role in {name.split(".")[0] for name in tools} if lane == "queues" else ():
            of_role = [method for name, method in tools.items() if name.startswith(f"{role}.")]
            await stack.enter_async_context(Worker(client, task_queue=role, activities=of_role))

        async def run(reference: str) -> None:
            start = OrderStart(reference=reference, lane=lane)
            await client.execute_workflow(Ship.run, start, id=f"ship:{reference}", task_queue=QUEUE, task_timeout=TASK)
            await client.get_workflow_handle(f"parcel:{reference}").result()

        yield run
