"""The schedule that runs the notifier: made, changed or ended as the settings have it, whenever a worker starts."""

from __future__ import annotations

import logging
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

from seamline.settings import PROCESS_QUEUE, Settings
from seamline.teams import NOTIFIER, TeamSettings
from seamline.telemetry import log_event
from seamline.temporal import RPC_SECONDS_MAX, reaching
from workflows.notify_teams import NotifyTeams, Place, Rules, Team

CATCH_UP = timedelta(seconds=10)
"""Looks missed while Temporal was away are left out: the next tells all."""
RUN_MAX = timedelta(minutes=15)
"""A run that cannot go on, after a deploy that changed it, would otherwise keep all later ones from starting."""

log = logging.getLogger(__name__)


async def schedule_notifier(client: Client, settings: Settings) -> None:
    """Have the notifier run as the settings say; it does not run without teams. Running this again is harmless.

    A failure is logged and stops no worker: the notifier being down delays notices and nothing else.
    """
    try:
        with reaching():
            if settings.teams and settings.notifier.enabled:
                await _ensure(client, _schedule(settings))
            else:
                await _end(client)
    except RPCError as error:
        log_event(log, "notifier not scheduled", reason=error.status.name)


def rules_of(settings: Settings) -> Rules:
    """Who is told and how often, as the settings have it."""
    return Rules(
        teams={
            name: Team(title=team.title or name, places=tuple(_places(team, settings)))
            for name, team in settings.teams.items()
        },
        default_team=settings.notifier.default_team,
        remind_after_seconds=settings.notifier.remind_after_seconds,
        notices_max=settings.notifier.notices_max,
        time_zone=settings.policy.time_zone,
    )


def _places(team: TeamSettings, settings: Settings) -> list[Place]:
    places = [Place(connection=settings.mailing, to=team.email)] if team.email and settings.mailing else []
    return [*places, Place(connection=team.chat)] if team.chat else places


def _schedule(settings: Settings) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            NotifyTeams.run,
            rules_of(settings),
            id=NOTIFIER,
            task_queue=PROCESS_QUEUE,
            run_timeout=RUN_MAX,
            static_summary="Tell each team what waits for it",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=settings.notifier.interval_seconds))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def _ensure(client: Client, wanted: Schedule) -> None:
    def changed(now: ScheduleUpdateInput) -> ScheduleUpdate:
        # Whether it is paused is the operators' business.
        wanted.state = now.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.create_schedule(NOTIFIER, wanted, rpc_timeout=_RPC)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(NOTIFIER).update(changed, rpc_timeout=_RPC)


async def _end(client: Client) -> None:
    try:
        await client.get_schedule_handle(NOTIFIER).delete(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


_RPC = timedelta(seconds=RPC_SECONDS_MAX)
