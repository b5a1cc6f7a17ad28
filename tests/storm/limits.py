"""How often the systems were called, and how often they may be: while they are down, and at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.storm.odds import CARRIER, DELAY_SECONDS, ERP, NORTH_CARRIER, NORTH_ERP, SHOP, SHOP_ABROAD
from tests.storm.scene import Outage

CALLS_PER_SECOND_MAX = {SHOP: 10, ERP: 20, CARRIER: 5, SHOP_ABROAD: 10, NORTH_ERP: 20, NORTH_CARRIER: 5}
"""Of one worker. The carrier's is below the default, so that it holds calls back in a storm."""
CALLS_AT_ONCE_MAX = dict.fromkeys(CALLS_PER_SECOND_MAX, 8)
WINDOW_SECONDS = 10.0

FAILURES_TO_OPEN = 3
TASKS_AT_ONCE_MAX = 10
POLLERS = 1
PROBES_FIRST_SECONDS = (1, 2, 4)
PROBE_SECONDS = 5
"""Half-open lets one call through after 1, 2, 4 and then every 5 s: the breaker's settings on one machine."""

UNDER_WAY_SECONDS_MAX = 11.0
"""An attempt of the storm's policy, and what Temporal takes to hand out no more tasks."""

Call = Mapping[str, Any]


@dataclass(frozen=True)
class Workers:
    """How many there are, and when one was started again. Each starts with all its calls and a closed breaker."""

    count: int
    starts: Sequence[float]

    def lives(self, began: float, ended: float) -> int:
        """How many lived in this time."""
        return self.count + sum(began <= at <= ended for at in self.starts)


@dataclass(frozen=True)
class Counted:
    """Calls to a connection in some time, and how many there may be."""

    connection: str
    calls: int
    calls_max: int

    @property
    def share(self) -> float:
        """Of what is allowed."""
        return self.calls / self.calls_max

    def __str__(self) -> str:
        return f"{self.calls} of {self.calls_max} allowed ({self.connection})"


def calls_while_down(outage: Outage, calls: Sequence[Call], workers: Workers) -> Counted:
    """How many calls reached a system that was down."""
    hit = [
        one
        for one in calls
        if one["connection"] == outage.connection
        and one["outcome"] == "down"
        and outage.began <= one["at"] <= outage.ended
    ]
    lives = workers.lives(outage.began, outage.ended)
    return Counted(outage.connection, len(hit), lives * calls_of_one_worker_max(outage.ended - outage.began))


def calls_while_stopped(stop: Outage, calls: Sequence[Call]) -> int:
    """How many calls were made although people had stopped them, once those under way had ended."""
    began = stop.began + UNDER_WAY_SECONDS_MAX
    return sum(one["connection"] == stop.connection and began <= one["at"] <= stop.ended for one in calls)


def calls_of_one_worker_max(seconds: float) -> int:
    """What one worker may call a system that is down for so long: until its breaker opens, and then to look again."""
    left, probes = seconds, 0
    for pause in (*PROBES_FIRST_SECONDS, *[PROBE_SECONDS] * int(seconds)):
        left -= pause
        probes += left > 0
    return FAILURES_TO_OPEN + TASKS_AT_ONCE_MAX + POLLERS + probes


def busiest_windows(calls: Sequence[Call], workers: Workers) -> Iterator[Counted]:
    """For each connection the busiest WINDOW_SECONDS, by the share of what is allowed.

    A worker lets through a second's worth at once and then its rate. Calls are logged when they end, so what was under
    way when the window began counts too; a call that is kept waiting may be of a worker killed since.
    """
    for connection, rate in CALLS_PER_SECOND_MAX.items():
        at = [one["at"] for one in calls if one["connection"] == connection]
        of_one = rate * (WINDOW_SECONDS + 1) + CALLS_AT_ONCE_MAX[connection]
        counted = [
            Counted(
                connection,
                sum(began <= one <= began + WINDOW_SECONDS for one in at[place:]),
                int(workers.lives(began - max(DELAY_SECONDS), began + WINDOW_SECONDS) * of_one),
            )
            for place, began in enumerate(at)
        ]
        if counted:
            yield max(counted, key=lambda one: one.share)
