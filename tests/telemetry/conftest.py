"""Everything as `seamline up` runs it, watched: traces go to a collector, metrics can be fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.child import free_port
from seamline.local import Local, local_stack
from tests.telemetry.collector import Collector, collecting

QUICK = {
    "pack_after_seconds": 0.2,
    "hand_over_after_seconds": 0.2,
    "transit_after_seconds": 0.2,
    "deliver_after_seconds": 0.2,
}
POLICY = {
    "ATTEMPT_SECONDS_MAX": 3,
    "PATIENCE_SECONDS": 5,
    "HEALING_INTERVAL_MAX_SECONDS": 1,
    "POLL_SECONDS": 0.2,
    "POLL_MAX_SECONDS": 0.5,
    "TRACKING_POLL_SECONDS": 0.2,
    "TRACKING_POLL_MAX_SECONDS": 0.5,
}


@dataclass
class Watched:
    """The running stack, and what it tells of itself."""

    local: Local
    state: Path
    client: Client
    collector: Collector
    ports: dict[str, int]
    http: httpx.AsyncClient

    async def post(self, path: str, body: Any) -> Any:
        """Tell the simulator something."""
        answer = await self.http.post(f"{self.local.running.simulator}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def change(self, path: str, body: Any) -> None:
        """Set something in the simulator."""
        answer = await self.http.put(f"{self.local.running.simulator}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text

    async def order(self, **wanted: Any) -> str:
        """A customer's paid order, which the shop's webhook tells: its reference."""
        made = await self.post("shops/shop-uk/orders", wanted)
        return str(made["reference"])

    def handle(self, process: str, reference: str) -> WorkflowHandle[Any, Any]:
        """The process of a reference."""
        return self.client.get_workflow_handle(f"{process}:{reference}")

    async def metrics(self, program: str) -> str:
        """What Prometheus would fetch of a program."""
        answer = await self.http.get(f"http://127.0.0.1:{self.ports[program]}/metrics")
        return answer.raise_for_status().text

    def log(self, program: str) -> str:
        """What a program wrote so far."""
        return (self.state / f"{program}.log").read_text()


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """The collector of the stack."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="package")
async def watched(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[Watched]:
    """The stack with everything switched on that tells of it."""
    state = tmp_path_factory.mktemp("watched")
    ports = {"worker": free_port(), "api": free_port()}
    settings = {
        "SEAMLINE_TELEMETRY__OTLP_ENDPOINT": collector.url,
        "SEAMLINE_TELEMETRY__INTERVAL_SECONDS": "0.2",
        "SEAMLINE_WORKER__PROMETHEUS_PORT": str(ports["worker"]),
        "SEAMLINE_API__PROMETHEUS_PORT": str(ports["api"]),
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        # Both ways of a step are watched: by its connection's queue, and beside the process.
        "SEAMLINE_POLICY__EXPRESS": '["erp-main", "mail-main"]',
        **{f"SEAMLINE_POLICY__{name}": str(value) for name, value in POLICY.items()},
    }
    async with local_stack(state, who="these tests", settings=settings, well_known_ports=False) as local:
        client = await Client.connect(local.running.temporal, data_converter=pydantic_data_converter)
        async with httpx.AsyncClient(timeout=10) as http:
            stack = Watched(local, state, client, collector, ports, http)
            await stack.change("settings", QUICK)
            yield stack


@pytest.fixture(autouse=True)
async def _no_faults(watched: Watched) -> AsyncIterator[None]:
    yield
    answer = await watched.http.delete(f"{watched.local.running.simulator}/_simulator/faults")
    assert answer.is_success
