"""A system that is down is left alone, and what waits for it goes on by itself once it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client

from activities.tracing import Tracing
from seamline.child import free_port
from seamline.process.start import Start
from seamline.records.policy import Policy
from seamline.service_settings import WorkerSettings
from seamline.settings import BreakerSettings, Connection, Settings
from seamline.temporal import start_process
from tests.worker.dead_system import AskOnce, OverTcp
from worker.connections import ServedConnection, activities_of
from worker.run import connection_worker, process_worker

DOWN_SECONDS = 20
CALLS_MAX = 15
PROCESSES = 3

POLICY = Policy(patience_seconds=4, healing_interval_max_seconds=2)
BREAKER = BreakerSettings(failures=3, open_seconds=1, open_seconds_max=5)


def served(system: OverTcp) -> ServedConnection:
    """The system as a connection `dead`, with a breaker."""
    connection = Connection(system="shopify", rate_per_second=1000, breaker=BREAKER)
    return ServedConnection("dead", connection, [system], activities_of(Tracing(system)), lambda: True)


@asynccontextmanager
async def working(client: Client, connection: ServedConnection) -> AsyncIterator[None]:
    """Both workers, running."""
    async with (
        process_worker(Settings(), client, [AskOnce]),
        connection_worker(connection, client, WorkerSettings(drain_seconds=0)),
    ):
        yield


async def test_a_dead_system_is_called_at_most_15_times_in_20_seconds_and_all_drain_after(client: Client) -> None:
    system = OverTcp(free_port())
    began = time.monotonic()
    async with working(client, served(system)):
        handles = []
        for number in range(PROCESSES):
            start = Start(reference=f"dead:{number}", route={"tracing": "dead"}, policy=POLICY)
            identity, _ = await start_process(client, AskOnce, start)
            handles.append(client.get_workflow_handle(identity))
        await asyncio.sleep(DOWN_SECONDS)  # how long the outage lasts is what the promise is about
        calls = system.calls
        statuses = {(await handle.query(AskOnce.view)).status for handle in handles}
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", system.port)
        async with server:
            outcomes = await asyncio.wait_for(asyncio.gather(*(handle.result() for handle in handles)), 20)
    assert time.monotonic() - began > DOWN_SECONDS
    assert PROCESSES <= calls <= CALLS_MAX
    assert statuses == {"held up"}
    assert [outcome["kind"] for outcome in outcomes] == ["completed"] * PROCESSES
