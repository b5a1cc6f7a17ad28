"""The schedules that tell each shop what is in stock, as the settings have it."""

from __future__ import annotations

import logging

from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from seamline.errors import ConfigurationError
from seamline.settings import PROCESS_QUEUE, Settings, start_for
from seamline.telemetry import log_event
from seamline.temporal import reaching
from worker.schedules import RUN_MAX, end, ensure, every
from workflows.share_availability import ShareAvailability, ShareOnSchedule

log = logging.getLogger(__name__)


async def schedule_shares(client: Client, settings: Settings) -> None:
    """Have every shop told what is in stock. A failure is logged and stops no worker: orders go on all the same."""
    for connection in settings.filling("shop"):
        identity = f"share-on-schedule:{connection}"
        try:
            with reaching():
                if settings.stock.share and not settings.policy.shop(connection).counts_itself:
                    await ensure(client, identity, _schedule(identity, connection, settings))
                else:
                    await end(client, identity)
        except (RPCError, ConfigurationError) as error:
            reason = error.status.name if isinstance(error, RPCError) else str(error)
            log_event(log, "stock not shared", logging.WARNING, connection=connection, reason=reason)


def _schedule(identity: str, connection: str, settings: Settings) -> Schedule:
    start = start_for(ShareAvailability, f"{connection}:stock", settings)
    return every(
        settings.stock.interval_seconds,
        ScheduleActionStartWorkflow(
            ShareOnSchedule.run,
            start.model_copy(update={"started_by": "share-on-schedule"}),
            id=identity,
            task_queue=PROCESS_QUEUE,
            run_timeout=RUN_MAX,
            static_summary=f"Tell {connection} what is in stock",
        ),
    )
