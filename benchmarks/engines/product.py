"""Seamline: the order-to-shipment of this release, with its workers as production builds them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.engines import Ground, RunOrder
from benchmarks.place import Hurried, settings_for
from seamline.metrics import runtime_of
from seamline.process.start import workflow_id
from seamline.settings import Settings, start_for
from seamline.spans import ProcessSpans, configure_tracing
from seamline.telemetry_settings import TelemetrySettings
from seamline.temporal import start_process
from worker.connections import serve_connections
from worker.run import gauged, workers_of
from workflows.follow_parcel import FollowParcel
from workflows.order_to_shipment import OrderToShipment


@asynccontextmanager
async def opened(
    ground: Ground, *, express: bool = False, watched: bool = False, helped: bool = False
) -> AsyncIterator[RunOrder]:
    """Ready to run orders. `watched` sends all telemetry to a collector; `helped` has a second process of workers."""
    settings = settings_for(ground.simulator, ground.in_flight, express=express)
    async with AsyncExitStack() as stack:
        if helped:
            await stack.enter_async_context(_helper(ground))
        if watched:
            url = await stack.enter_async_context(_collector())
            telemetry = TelemetrySettings(otlp_endpoint=url)
            settings = settings.model_copy(update={"telemetry": telemetry})
            configure_tracing(telemetry, "worker")
            stack.callback(_last_spans)
        yield await stack.enter_async_context(_working(ground, settings))


@asynccontextmanager
async def _working(ground: Ground, settings: Settings) -> AsyncIterator[RunOrder]:
    runtime = runtime_of(settings.telemetry, "worker", None)
    client = await Client.connect(
        ground.temporal,
        data_converter=pydantic_data_converter,
        interceptors=[ProcessSpans()] if settings.telemetry.otlp_endpoint else [],
        runtime=runtime,
    )
    served = serve_connections(settings, Hurried())
    workers = workers_of(settings, served, client)
    running = [asyncio.create_task(worker.run()) for worker in workers]

    async def run(reference: str) -> None:
        await start_process(client, OrderToShipment, start_for(OrderToShipment, reference, settings))
        for process in (OrderToShipment, FollowParcel):
            await client.get_workflow_handle(workflow_id(process.name, reference)).result()

    try:
        async with gauged(settings, served, client, runtime.metric_meter):
            yield run
    finally:
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*running)
        for connection in served:
            await connection.close()


def _last_spans() -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


@asynccontextmanager
async def _helper(ground: Ground) -> AsyncIterator[None]:
    """A second process of the same workers: it takes tasks until its input ends."""
    told = json.dumps({**asdict(ground), "folder": str(ground.folder)})
    async with _child("benchmarks.runner", "seamline", told):
        yield


@asynccontextmanager
async def _collector() -> AsyncIterator[str]:
    """Where telemetry is sent: its address."""
    async with _child("benchmarks.collector") as said:
        yield said.strip()


@asynccontextmanager
async def _child(*module: str) -> AsyncIterator[str]:
    """A process that ends with its input: the first line that it says."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *module, stdin=pipe, stdout=pipe)
    assert process.stdin  # noqa: S101 it was opened as a pipe
    assert process.stdout  # noqa: S101 it was opened as a pipe
    try:
        yield (await process.stdout.readline()).decode()
    finally:
        process.stdin.close()
        await process.wait()
