"""Runs the workers: one for each served connection, one for the processes; ends in order when asked to."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import MetricMeter, VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import (
    FixedSizeSlotSupplier,
    PollerBehaviorSimpleMaximum,
    Worker,
    WorkerDeploymentConfig,
    WorkerTuner,
)

from activities.waiting import Waiting
from seamline import catalog
from seamline.http import HttpFactory
from seamline.metrics import runtime_of
from seamline.service_settings import WorkerSettings
from seamline.settings import PROCESS_QUEUE, Settings
from seamline.signals import stop_on_signals
from seamline.telemetry import log_event
from seamline.temporal import connect, register_search_attributes
from worker.connections import ServedConnection, activities_of, serve_connections
from worker.deals import schedule_watches
from worker.express import Express
from worker.gauges import Gauges
from worker.measured import ProcessMeter
from worker.notifier import schedule_notifier
from worker.sandbox import runner
from worker.slots import BreakerInterceptor
from worker.stock import schedule_shares
from worker.waiting import TemporalList

START_POLL_SECONDS = 0.01
POLLERS = 1
"""A poller that holds a slot when the breaker opens lets one more call through, so there is one for each connection."""
LOOKS_AT_ONCE_MAX = 2

log = logging.getLogger(__name__)


async def run(settings: Settings, *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then let running work end within `worker.drain_seconds`; a second ends at once.

    `on_ready` is called once tasks are asked for. Raises ConfigurationError, and TemporalUnreachable, before that.
    """
    served = serve_connections(settings, HttpFactory())
    runtime = runtime_of(settings.telemetry, "worker", settings.worker.prometheus_port)
    client = await connect(settings, runtime=runtime)
    await register_search_attributes(client)
    if settings.worker.workflows:
        await schedule_notifier(client, settings)
        await schedule_watches(client, settings)
        await schedule_shares(client, settings)
    workers = workers_of(settings, served, client)
    try:
        async with gauged(settings, served, client, runtime.metric_meter):
            await _run_until_stopped(workers, served, on_ready)
    finally:
        for connection in served:
            await connection.close()
    log_event(log, "stopped")


@asynccontextmanager
async def gauged(
    settings: Settings, served: Sequence[ServedConnection], client: Client, meter: MetricMeter
) -> AsyncIterator[None]:
    """Keep the gauges while the block runs, where metrics go anywhere."""
    if meter is MetricMeter.noop:
        yield
        return
    held = TemporalList(client, settings) if settings.worker.workflows else None
    gauges = Gauges(meter, [one.slots for one in served], held)
    keeping = asyncio.create_task(gauges.keep(settings.telemetry.interval_seconds))
    try:
        yield
    finally:
        keeping.cancel()


def workers_of(settings: Settings, served: Sequence[ServedConnection], client: Client) -> list[Worker]:
    """A worker for each served connection and, unless this is switched off, one for the processes."""
    workers = [connection_worker(connection, client, settings.worker) for connection in served]
    if settings.worker.workflows:
        lanes = [one for one in served if one.name in settings.policy.express]
        workers.append(process_worker(settings, client, catalog.workflows(), lanes))
    return workers


def build_of(settings: WorkerSettings) -> WorkerDeploymentConfig | None:
    """Which build of the code the workers say they are; None where none is set, as on a laptop.

    A process that says nothing of it stays with the build it began on.
    """
    if not settings.deployment:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def connection_worker(served: ServedConnection, client: Client, settings: WorkerSettings) -> Worker:
    """The worker of one connection: its rate holds over all workers, its concurrency and breaker within this one."""
    tuner = WorkerTuner.create_composite(
        workflow_supplier=FixedSizeSlotSupplier(1),
        activity_supplier=served.slots,
        local_activity_supplier=FixedSizeSlotSupplier(1),
        nexus_supplier=FixedSizeSlotSupplier(1),
    )
    return Worker(
        client,
        task_queue=served.name,
        activities=served.activities,
        tuner=tuner,
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(POLLERS),
        max_task_queue_activities_per_second=served.settings.rate_per_second,
        interceptors=[BreakerInterceptor(served.slots)],
        graceful_shutdown_timeout=timedelta(seconds=settings.drain_seconds),
        deployment_config=build_of(settings),
    )


def process_worker(
    settings: Settings, client: Client, workflows: Sequence[type], lanes: Sequence[ServedConnection] = ()
) -> Worker:
    """The worker that runs the processes themselves, looks what waits among them, and calls what has a lane."""
    build = build_of(settings.worker)
    express = Express(lanes, client)
    return Worker(
        client,
        task_queue=PROCESS_QUEUE,
        workflows=workflows,
        activities=[*activities_of(Waiting(TemporalList(client, settings))), express.run],
        max_concurrent_activities=LOOKS_AT_ONCE_MAX + express.at_once_max,
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(POLLERS),
        interceptors=[ProcessMeter()],
        workflow_runner=runner(versioned=build is not None),
        max_cached_workflows=settings.worker.workflows_cached_max,
        deployment_config=build,
    )


async def _run_until_stopped(
    workers: Sequence[Worker], served: Sequence[ServedConnection], on_ready: Callable[[], None]
) -> None:
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    stop = stop_on_signals()
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    try:
        await _started(workers, running)
        log_event(log, "ready", queues=[worker.task_queue for worker in workers], pid=os.getpid())
        on_ready()
        await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            log_event(log, "draining", connections=[one.name for one in served])
    finally:
        stopping.cancel()
        await asyncio.gather(*(worker.shutdown() for worker in workers if worker.is_running))
    await asyncio.gather(*running)


async def _started(workers: Sequence[Worker], running: Sequence[asyncio.Task[None]]) -> None:
    pairs = list(zip(workers, running, strict=True))
    while not all(worker.is_running or task.done() for worker, task in pairs):  # noqa: ASYNC110 a flag is all there is
        await asyncio.sleep(START_POLL_SECONDS)
    for task in running:
        if task.done():
            task.result()
