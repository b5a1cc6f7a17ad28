"""What stands at the moment: what waits, by team and cause, and each breaker. Looked at anew every few seconds.

Temporal's visibility knows what waits, so every worker that runs processes tells the same: take the maximum over them.
A breaker is each worker's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import nan

from temporalio.common import MetricMeter
from temporalio.service import RPCError

from activities.waiting import ProcessList
from seamline.errors import Outage
from seamline.metrics import BREAKER, OLDEST_AGE, OVERDUE, WAITING
from seamline.process.view import Status
from seamline.records.notice import HeldGroup
from seamline.telemetry import log_event
from worker.breaker import State
from worker.slots import BreakerSlots

log = logging.getLogger(__name__)

Labels = tuple[str, str, str]
"""Team, cause, status."""


class Gauges:
    """The gauges of one worker. `held` is None where it runs no processes."""

    def __init__(self, meter: MetricMeter, breakers: Sequence[BreakerSlots], held: ProcessList | None) -> None:
        self._breakers = breakers
        self._held = held
        self._told: set[Labels] = set()
        self._breaker = meter.create_gauge(BREAKER, "Whether a connection's breaker is in this state")
        self._waiting = meter.create_gauge(WAITING, "Processes that one cause holds")
        self._overdue = meter.create_gauge(OVERDUE, "Processes whose decision should have come")
        self._age = meter.create_gauge_float(OLDEST_AGE, "Time since the first of them was started", "s")

    async def keep(self, interval_seconds: float) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(interval_seconds)

    async def look(self) -> None:
        """Set all gauges to what is now. While Temporal is away, what waits stays as it was last seen."""
        for slots in self._breakers:
            for state in State:
                labels = {"connection": slots.connection, "state": state.value}
                self._breaker.set(int(slots.state is state), labels)
        try:
            groups = (await self._held.held()).groups if self._held else ()
        except (Outage, RPCError) as error:
            log_event(log, "what waits was not counted", logging.WARNING, reason=type(error).__name__)
            return
        self._tell(groups)

    def _tell(self, groups: Iterable[HeldGroup]) -> None:
        now, found = datetime.now(UTC), set()
        for group in groups:
            labels = _labels(group)
            found.add(labels)
            age = (now - group.oldest).total_seconds() if group.oldest else nan
            self._set(labels, group.count, group.overdue, age)
        for gone in self._told - found:
            self._set(gone, 0, 0, 0)
        self._told = found

    def _set(self, labels: Labels, count: int, overdue: int, age: float) -> None:
        team, cause, status = labels
        named = {"team": team, "cause": cause, "status": status}
        self._waiting.set(count, named)
        self._overdue.set(overdue, named)
        self._age.set(age, named)


def _labels(group: HeldGroup) -> Labels:
    status = Status.HELD_UP if group.heals else Status.WAITING
    return group.team, group.cause, status.value
