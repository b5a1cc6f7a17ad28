"""The express lane's end in the worker: runs a step of a process beside it, while its connection has room.

A connection has room while this worker serves it, nobody stopped it, its breaker is closed, and neither its slots nor
its limits are used up. Where there is none the step is told so at once, and takes the connection's queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from seamline.errors import Failure, Kind
from seamline.process.attempt import NOT_PICKED_UP
from seamline.process.effect import hints_of
from seamline.stopping import stopped
from seamline.temporal import TemporalUnreachable
from worker.connections import ServedConnection
from worker.slots import Permit, judged

STOP_KNOWN_SECONDS = 1.0
"""How long what was looked up counts: that nobody stopped the connection."""


class Express:
    """The lanes of all connections that have one."""

    def __init__(self, lanes: Sequence[ServedConnection], client: Client) -> None:
        self._lanes = {lane.name: lane for lane in lanes}
        self._activities = {lane.name: _by_name(lane.activities) for lane in lanes}
        self._client = client
        self._looked: dict[str, tuple[float, bool]] = {}
        """When was looked whether a connection is stopped, and whether it was."""

    @property
    def at_once_max(self) -> int:
        """How many steps all lanes let through at once."""
        return sum(lane.settings.concurrency for lane in self._lanes.values())

    @activity.defn(dynamic=True)
    async def run(self, args: Sequence[RawValue]) -> Any:
        """Run the activity that was asked for, with the call told first, at the connection told next.

        ApplicationError with the failure `not-picked-up` when the connection has no room, and as the activity has it.
        """
        converter = activity.payload_converter()
        name = converter.from_payload(args[1].payload, str)
        asked = self._activities.get(name, {}).get(activity.info().activity_type)
        permit = await self._enter(name) if asked else None
        if not (asked and permit):
            raise _no_room(name)
        try:
            return await judged(
                asked(converter.from_payload(args[0].payload, _call_type(asked))), self._lanes[name].slots
            )
        finally:
            self._lanes[name].slots.give_back(permit)

    async def _enter(self, name: str) -> Permit | None:
        """The right to call the connection now; none while it has no room."""
        if not self._lanes[name].has_room() or await self._is_stopped(name):
            return None
        return self._lanes[name].slots.take_at_once()

    async def _is_stopped(self, name: str) -> bool:
        at, is_stopped = self._looked.get(name, (float("-inf"), True))
        if time.monotonic() - at < STOP_KNOWN_SECONDS:
            return is_stopped
        try:
            is_stopped = bool(await stopped(self._client, [name]))
        except TemporalUnreachable:
            return True
        self._looked[name] = time.monotonic(), is_stopped
        return is_stopped


def _by_name(activities: Sequence[Callable[..., Any]]) -> Mapping[str, Callable[..., Any]]:
    return {str(activity._Definition.must_from_callable(one).name): one for one in activities}


def _call_type(asked: Callable[..., Any]) -> type[Any]:
    return cast(type[Any], hints_of(asked)["call"])


def _no_room(connection: str) -> ApplicationError:
    failure = Failure(kind=Kind.OUTAGE, code=NOT_PICKED_UP, connection=connection)
    return ApplicationError(
        f"{connection} has no room beside the process: its queue is next",
        failure,
        type=Kind.OUTAGE.value,
        non_retryable=True,
        category=ApplicationErrorCategory.BENIGN,
    )
