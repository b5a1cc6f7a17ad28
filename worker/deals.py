"""The schedules that look in each CRM for won deals, as the settings have it."""

from __future__ import annotations

import logging

from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from seamline.errors import ConfigurationError
from seamline.process.process import Process
from seamline.settings import PROCESS_QUEUE, Settings, observes, route_for
from seamline.telemetry import log_event
from seamline.temporal import reaching
from worker.schedules import RUN_MAX, end, ensure, every
from workflows.deal_to_invoice import DealToInvoice
from workflows.reverse_deal import ReverseDeal
from workflows.watch_deals import WatchDeals, WatchRules

STARTED: tuple[type[Process], ...] = (DealToInvoice, ReverseDeal)

log = logging.getLogger(__name__)


async def schedule_watches(client: Client, settings: Settings) -> None:
    """Have every CRM looked at. A failure is logged and stops no worker: webhooks come all the same."""
    for connection in settings.filling("crm"):
        identity = f"watch-deals:{connection}"
        try:
            with reaching():
                if settings.watch.enabled:
                    await ensure(client, identity, _schedule(identity, connection, settings))
                else:
                    await end(client, identity)
        except (RPCError, ConfigurationError) as error:
            reason = error.status.name if isinstance(error, RPCError) else str(error)
            log_event(log, "deals not watched", logging.WARNING, connection=connection, reason=reason)


def rules_of(connection: str, settings: Settings) -> WatchRules:
    """What a look is told. ConfigurationError when a role has no connection or several and no route."""
    return WatchRules(
        connection=connection,
        routes={one.name: route_for(one, connection, settings) for one in STARTED},
        policy=settings.policy,
        observe_only=tuple(one.name for one in STARTED if observes(one, connection, settings)),
        overlap_seconds=settings.watch.overlap_seconds,
        first_hours=settings.watch.first_hours,
    )


def _schedule(identity: str, connection: str, settings: Settings) -> Schedule:
    return every(
        settings.watch.interval_seconds,
        ScheduleActionStartWorkflow(
            WatchDeals.run,
            rules_of(connection, settings),
            id=identity,
            task_queue=PROCESS_QUEUE,
            run_timeout=RUN_MAX,
            static_summary=f"Look in {connection} for won deals",
        ),
    )
