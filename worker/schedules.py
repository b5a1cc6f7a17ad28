"""Schedules in Temporal that are made, changed or ended as the settings have it, whenever a worker starts."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from seamline.temporal import RPC_SECONDS_MAX

CATCH_UP = timedelta(seconds=10)
"""Looks missed while Temporal was away are left out: the next sees all."""
RUN_MAX = timedelta(minutes=15)
"""A run that cannot go on, after a deploy that changed it, would otherwise keep all later ones from starting."""
_RPC = timedelta(seconds=RPC_SECONDS_MAX)


def every(seconds: float, action: ScheduleActionStartWorkflow) -> Schedule:
    """A schedule of looks that follow one another and never overlap."""
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=seconds))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def ensure(client: Client, identity: str, wanted: Schedule) -> None:
    """Make the schedule, or change the one there is. Running this again is harmless."""

    def changed(now: ScheduleUpdateInput) -> ScheduleUpdate:
        # Whether it is paused is the operators' business.
        wanted.state = now.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.create_schedule(identity, wanted, rpc_timeout=_RPC)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(identity).update(changed, rpc_timeout=_RPC)


async def end(client: Client, identity: str) -> None:
    """End the schedule, if there is one."""
    try:
        await client.get_schedule_handle(identity).delete(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
