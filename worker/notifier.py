"""The schedule that runs the notifier: made, changed or ended as the settings have it, whenever a worker starts."""

from __future__ import annotations

import logging

from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from seamline.settings import PROCESS_QUEUE, Settings
from seamline.teams import NOTIFIER, TeamSettings
from seamline.telemetry import log_event
from seamline.temporal import reaching
from worker.schedules import RUN_MAX, end, ensure, every
from workflows.notify_teams import NotifyTeams, Place, Rules, Team

log = logging.getLogger(__name__)


async def schedule_notifier(client: Client, settings: Settings) -> None:
    """Have the notifier run as the settings say; it does not run without teams. Running this again is harmless.

    A failure is logged and stops no worker: the notifier being down delays notices and nothing else.
    """
    try:
        with reaching():
            if settings.teams and settings.notifier.enabled:
                await ensure(client, NOTIFIER, _schedule(settings))
            else:
                await end(client, NOTIFIER)
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
    """Where a team is told; not by a connection that only observes."""
    places = [Place(connection=settings.mailing, to=team.email)] if team.email and settings.mailing else []
    places += [Place(connection=team.chat)] if team.chat else []
    return [place for place in places if place.connection not in settings.observed]


def _schedule(settings: Settings) -> Schedule:
    return every(
        settings.notifier.interval_seconds,
        ScheduleActionStartWorkflow(
            NotifyTeams.run,
            rules_of(settings),
            id=NOTIFIER,
            task_queue=PROCESS_QUEUE,
            run_timeout=RUN_MAX,
            static_summary="Tell each team what waits for it",
        ),
    )
