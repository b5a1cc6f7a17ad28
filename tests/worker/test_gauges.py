"""The gauges tell what is: what waits no more goes back to nothing, and what cannot be looked up stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isnan

import pytest
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from activities.waiting import Change
from seamline.errors import Outage
from seamline.records.notice import HeldGroup, HeldGroups
from seamline.settings import BreakerSettings
from worker.gauges import Gauges
from worker.slots import BreakerSlots

Values = dict[tuple[str, ...], float]


class Listed:
    """The processes that wait, as the test says; None while Temporal is away."""

    def __init__(self, *groups: HeldGroup) -> None:
        self.groups: tuple[HeldGroup, ...] | None = groups

    async def held(self) -> HeldGroups:
        if self.groups is None:
            raise Outage("temporal-visibility")
        return HeldGroups(groups=self.groups)

    async def begun(self, changes: Sequence[Change]) -> Sequence[str]:
        return []


@pytest.fixture
def buffer() -> MetricBuffer:
    return MetricBuffer(1000)


def gauges(buffer: MetricBuffer, breakers: Sequence[BreakerSlots], held: Listed | None) -> Gauges:
    return Gauges(Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter, breakers, held)


def told(buffer: MetricBuffer, name: str, *labels: str) -> Values:
    """What was told since the last time, by these labels."""
    updates = [one for one in buffer.retrieve_updates() if one.metric.name == name]
    return {tuple(str(one.attributes[label]) for label in labels): one.value for one in updates}


def group(cause: str, count: int, *, heals: bool = False, oldest: datetime | None = None) -> HeldGroup:
    return HeldGroup(team="it", cause=cause, heals=heals, count=count, oldest=oldest, processes=())


async def test_what_waits_no_more_goes_back_to_nothing(buffer: MetricBuffer) -> None:
    listed = Listed(group("a outage timeout", 3, heals=True), group("b refusal invalid", 1))
    watched = gauges(buffer, [], listed)
    await watched.look()
    waiting = told(buffer, "seamline_waiting", "cause", "status")
    assert waiting == {("a outage timeout", "held up"): 3, ("b refusal invalid", "waiting"): 1}
    listed.groups = (group("b refusal invalid", 2),)
    await watched.look()
    waiting = told(buffer, "seamline_waiting", "cause", "status")
    assert waiting == {("a outage timeout", "held up"): 0, ("b refusal invalid", "waiting"): 2}


async def test_while_temporal_is_away_what_was_seen_stays(buffer: MetricBuffer) -> None:
    listed = Listed(group("a outage timeout", 3))
    watched = gauges(buffer, [], listed)
    await watched.look()
    assert told(buffer, "seamline_waiting", "cause") == {("a outage timeout",): 3}
    listed.groups = None
    await watched.look()
    assert told(buffer, "seamline_waiting", "cause") == {}


async def test_the_age_of_the_oldest_is_told_where_it_is_known(buffer: MetricBuffer) -> None:
    old = group("a outage timeout", 1, oldest=datetime.now(UTC) - timedelta(hours=2))
    await gauges(buffer, [], Listed(old, group("b refusal invalid", 5000))).look()
    ages = told(buffer, "seamline_waiting_oldest_age_seconds", "cause")
    assert 7200 <= ages["a outage timeout",] < 7300
    assert isnan(ages["b refusal invalid",])


async def test_a_breaker_is_in_one_state(buffer: MetricBuffer) -> None:
    slots = BreakerSlots("shop-uk", 1, BreakerSettings(failures=1, open_seconds=3600, open_seconds_max=3600))
    watched = gauges(buffer, [slots], None)
    await watched.look()
    assert told(buffer, "seamline_breaker", "connection", "state") == {
        ("shop-uk", "closed"): 1,
        ("shop-uk", "open"): 0,
        ("shop-uk", "half-open"): 0,
    }
    slots.failed()
    await watched.look()
    assert told(buffer, "seamline_breaker", "state") == {("closed",): 0, ("open",): 1, ("half-open",): 0}
