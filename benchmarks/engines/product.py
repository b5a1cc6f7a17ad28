"""Seamline: the order-to-shipment of this release, with its workers as production builds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.engines import Ground, RunOrder
from benchmarks.place import Hurried, settings_for
from seamline.process.start import workflow_id
from seamline.settings import start_for
from seamline.temporal import start_process
from worker.connections import serve_connections
from worker.run import workers_of
from workflows.follow_parcel import FollowParcel
from workflows.order_to_shipment import OrderToShipment


@asynccontextmanager
async def opened(ground: Ground, *, express: bool = False) -> AsyncIterator[RunOrder]:
    """Ready to run orders."""
    settings = settings_for(ground.simulator, ground.in_flight, express=express)
    client = await Client.connect(ground.temporal, data_converter=pydantic_data_converter)
    served = serve_connections(settings, Hurried())
    workers = workers_of(settings, served, client)
    running = [asyncio.create_task(worker.run()) for worker in workers]

    async def run(reference: str) -> None:
        await start_process(client, OrderToShipment, start_for(OrderToShipment, reference, settings))
        for process in (OrderToShipment, FollowParcel):
            await client.get_workflow_handle(workflow_id(process.name, reference)).result()

    try:
        yield run
    finally:
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*running)
        for connection in served:
            await connection.close()
