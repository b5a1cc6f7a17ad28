"""Temporal as one would write it by hand for this story alone: one queue, each step an activity, plain retries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


class OrderStart(Record):
    """Which order, and in which lane its steps go."""

    reference: str
    local: bool = False


class ParcelStart(OrderStart):
    """Which parcel."""

    parcel: ParcelNumber


class Lane:
    """Carries out a step as an activity of the server's queue, or within the worker that runs the workflow."""

    def __init__(self, local: bool) -> None:
        self.local = local

    async def __call__(self, operation: Operation[Req, Res], call: Call[Req]) -> Res:
        if self.local:
            return await workflow.execute_local_activity(
                operation.name, call, result_type=operation.result_type, start_to_close_timeout=STEP
            )
        return await workflow.execute_activity(
            operation.name, call, result_type=operation.result_type, start_to_close_timeout=STEP
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
                ParcelStart(reference=reference, local=start.local, parcel=parcel),
                id=f"parcel:{reference}",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )

        return await ship(start.reference, Lane(start.local), follow)


@workflow.defn(name="arrive")
class Arrive:
    """One parcel."""

    @workflow.run
    async def run(self, start: ParcelStart) -> Record:
        """The story."""
        return await arrive(start.reference, start.parcel, workflow.now(), Lane(start.local))


@asynccontextmanager
async def opened(ground: Ground, *, local: bool = False) -> AsyncIterator[RunOrder]:
    """Ready to run orders."""
    client = await Client.connect(ground.temporal, data_converter=pydantic_data_converter)
    async with (
        methods(ground) as tools,
        Worker(client, task_queue=QUEUE, workflows=[Ship, Arrive], activities=list(tools.values())),
    ):

        async def run(reference: str) -> None:
            start = OrderStart(reference=reference, local=local)
            await client.execute_workflow(Ship.run, start, id=f"ship:{reference}", task_queue=QUEUE)
            await client.get_workflow_handle(f"parcel:{reference}").result()

        yield run
