"""What can be fetched: steps, failures, what waits, breakers, how long processes lived; and no object in any label."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.telemetry.collector import SECONDS_MAX
from tests.telemetry.conftest import Watched

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
HELD = {"cause": "shippo-main refusal label-refused", "status": "waiting", "team": "operations"}


class Told:
    """Metrics as Prometheus reads them."""

    def __init__(self, text: str) -> None:
        self.lines = [
            (line.partition("{")[0], dict(LABEL.findall(line)), float(line.rpartition(" ")[2]))
            for line in text.splitlines()
            if line and not line.startswith("#")
        ]

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of the series with these labels, and any others."""
        return [value for own, has, value in self.lines if own == name and labels.items() <= has.items()]


async def test_metrics_tell_steps_waits_and_ends(watched: Watched) -> None:
    before = Told(await watched.metrics("worker"))
    await watched.post(
        "faults", {"connection": "shippo-main", "operation": "transactions.create", "kind": "refuse", "count": 1}
    )
    reference = await watched.order()
    told = await until(watched, lambda told: told.values("seamline_waiting", **HELD) == [1])
    assert told.values("seamline_waiting_overdue", **HELD) == [0]
    assert told.values("seamline_waiting_oldest_age_seconds", **HELD) > [0]

    handle = watched.handle("order-to-shipment", reference)
    await handle.execute_update("decide", {"who": "sam", "wait": "buy-label#1", "action": "retry"})
    await handle.result()
    told = await until(watched, lambda told: told.values("seamline_waiting", **HELD) == [0])
    bought = {"connection": "shippo-main", "activity_type": "carrier.buy_label"}
    for name, labels in (
        ("seamline_failures_total", {"kind": "refusal"}),
        ("seamline_step_duration_seconds_count", {"end": "refusal"}),
        ("seamline_step_duration_seconds_count", {"end": "done"}),
    ):
        assert sum(told.values(name, **labels, **bought)) - sum(before.values(name, **labels, **bought)) == 1
    assert told.values("seamline_failures_total", kind="not yet") == []
    assert told.values("seamline_process_duration_seconds_count", workflow_type="order-to-shipment", end="completed")
    assert told.values("seamline_breaker", connection="shop-uk", state="closed") == [1]
    assert told.values("seamline_breaker", connection="shop-uk", state="open") == [0]
    assert told.values("temporal_activity_succeed_endtoend_latency_seconds_count", task_queue="shop-uk")

    door = Told(await watched.metrics("api"))
    answered = {"http_route": "/webhooks/{connection}", "http_response_status_code": "200"}
    assert door.values("http_server_request_duration_seconds_count", **answered)
    values = {value for one in (told, door) for _, labels, _ in one.lines for value in labels.values()}
    assert not [value for value in values if reference in value or value == reference.partition(":")[2]]

    there = {name for one in (told, door) for name, _, _ in one.lines}
    assert wanted_by_alerts() - there <= {"temporal_workflow_task_execution_failed_total"}


def wanted_by_alerts() -> set[str]:
    """The metrics that the examples of alerts look at; each has what an alert needs."""
    wanted: set[str] = set()
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
            wanted |= set(re.findall(r"\b(?:seamline|temporal|http)_\w+(?=[{\[)])", rule["expr"]))
    return wanted


async def test_an_undone_process_is_counted_as_such(watched: Watched) -> None:
    undone = {"workflow_type": "order-to-shipment", "end": "undone"}
    before = Told(await watched.metrics("worker")).values("seamline_process_duration_seconds_count", **undone) or [0]
    # A parcel that is on its way would let the order go forward.
    await watched.change("settings", {"autopilot": False})
    await watched.post(
        "faults", {"connection": "shippo-main", "operation": "transactions.create", "kind": "refuse", "count": 1}
    )
    reference = await watched.order()
    await until(watched, lambda told: told.values("seamline_waiting", **HELD) == [1])
    handle = watched.handle("order-to-shipment", reference)
    await handle.execute_update("decide", {"who": "sam", "wait": "buy-label#1", "action": "cancel", "why": "a test"})
    assert (await handle.result())["kind"] == "undone"
    told = Told(await watched.metrics("worker"))
    assert told.values("seamline_process_duration_seconds_count", **undone) == [before[0] + 1]
    await watched.change("settings", {"autopilot": True})


async def until(watched: Watched, there: Callable[[Told], bool]) -> Told:
    """The worker's metrics once they tell it."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        told = Told(await watched.metrics("worker"))
        if there(told):
            return told
        await asyncio.sleep(0.1)
    raise AssertionError(told.lines)
