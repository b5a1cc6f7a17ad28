"""The worker as a program: it says what is wrong with its settings, and ends in order."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from seamline.child import Child, free_port
from seamline.errors import ConfigurationError
from seamline.http import HttpFactory
from seamline.process.start import Start
from seamline.service_settings import WorkerSettings
from seamline.settings import Connection, Settings
from seamline.temporal import EmbeddedTemporal, start_process
from worker.connections import serve_connections
from worker.run import workers_of
from workflows.order_to_shipment import OrderToShipment

SECONDS_MAX = 30
ACCOUNT = {"url": "http://127.0.0.1:1", "client_id": "id", "client_secret": "hush"}


class SlowShop:
    """A shop that takes a call and answers 500 when the test lets it."""

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.answer = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.called.set()
        await self.answer.wait()
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def toml(port: int, extra: str = "") -> str:
    return f"""
[connections.slow-shop]
system = "shopify"
[connections.slow-shop.account]
url = "http://127.0.0.1:{port}"
client_id = "id"
client_secret = "hush"
{extra}
"""


@asynccontextmanager
async def working(folder: Path, settings: str, address: str) -> AsyncIterator[Child]:
    """`python -m worker` with these settings."""
    config, log = folder / "seamline.toml", folder / "worker.log"
    config.write_text(settings)
    env = {"SEAMLINE_CONFIG": str(config), "TEMPORAL_ADDRESS": address}
    command = [sys.executable, "-m", "worker", "--ready-file", str(folder / "ready")]
    child = await Child.start("worker", command, log, env=env)
    try:
        yield child
    finally:
        await child.kill()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_at_a_stop_running_work_ends_and_its_result_is_kept(
    tmp_path: Path, temporal: EmbeddedTemporal, client: Client
) -> None:
    shop = SlowShop()
    async with (
        await asyncio.start_server(shop, "127.0.0.1", 0) as server,
        working(tmp_path, toml(server.sockets[0].getsockname()[1]), temporal.address) as worker,
    ):
        route = dict.fromkeys(OrderToShipment.roles, "slow-shop")
        identity, _ = await start_process(client, OrderToShipment, Start(reference="slow-shop:1", route=route))
        await asyncio.wait_for(shop.called.wait(), SECONDS_MAX)
        worker.process.terminate()
        await until(lambda: '"draining"' in worker.log.read_text())
        assert worker.running
        shop.answer.set()
        assert await asyncio.wait_for(worker.process.wait(), SECONDS_MAX) == 0
    described = await client.get_workflow_handle(identity).describe()
    [pending] = described.raw_description.pending_activities
    assert pending.last_failure.message == "slow-shop outage status-500 in shop.fetch_order"
    assert "hush" not in worker.log.read_text()


async def test_a_second_signal_ends_at_once(tmp_path: Path, temporal: EmbeddedTemporal, client: Client) -> None:
    shop = SlowShop()
    async with (
        await asyncio.start_server(shop, "127.0.0.1", 0) as server,
        working(tmp_path, toml(server.sockets[0].getsockname()[1]), temporal.address) as worker,
    ):
        route = dict.fromkeys(OrderToShipment.roles, "slow-shop")
        await start_process(client, OrderToShipment, Start(reference="slow-shop:2", route=route))
        await asyncio.wait_for(shop.called.wait(), SECONDS_MAX)
        worker.process.terminate()
        await until(lambda: '"draining"' in worker.log.read_text())
        worker.process.terminate()
        assert await asyncio.wait_for(worker.process.wait(), 5) == 1
        shop.answer.set()


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        (toml(1, "token = 'hunter2'"), 1, "connections.slow-shop.account.token: is no setting here"),
        (toml(1), 3, "Temporal does not answer at"),
    ],
)
async def test_what_keeps_it_from_starting_is_told(tmp_path: Path, settings: str, code: int, says: str) -> None:
    async with working(tmp_path, settings, f"127.0.0.1:{free_port()}") as worker:
        assert await asyncio.wait_for(worker.process.wait(), SECONDS_MAX) == code
    assert says in worker.log.read_text()
    assert "hunter2" not in worker.log.read_text()


async def test_a_namespace_that_is_not_there_is_told(
    tmp_path: Path, temporal: EmbeddedTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    async with working(tmp_path, toml(1), temporal.address) as worker:
        assert await asyncio.wait_for(worker.process.wait(), SECONDS_MAX) == 1
    assert "TEMPORAL_NAMESPACE" in worker.log.read_text()


def test_every_wrong_account_is_named_at_once() -> None:
    settings = Settings(
        connections={
            "a": Connection(system="shopify", account={**ACCOUNT, "client_id": ""}),
            "b": Connection(system="shippo", account={"url": "not an address"}),
        }
    )
    with pytest.raises(ConfigurationError) as error:
        serve_connections(settings, HttpFactory())
    for setting in ("connections.a.account.client_id", "connections.b.account.url", "connections.b.account.token"):
        assert setting in str(error.value)


async def test_a_worker_serves_only_the_connections_it_is_told_to(client: Client) -> None:
    settings = Settings(
        connections={name: Connection(system="shopify", account=ACCOUNT) for name in ("a", "b")},
        worker=WorkerSettings(connections=("b",), workflows=False),
    )
    served = serve_connections(settings, HttpFactory())
    assert [worker.task_queue for worker in workers_of(settings, served, client)] == ["b"]
    for connection in served:
        await connection.close()


def test_a_connection_runs_its_role_and_can_be_traced() -> None:
    settings = Settings(connections={"a": Connection(system="shopify", account=ACCOUNT)})
    [served] = serve_connections(settings, HttpFactory())
    names = {method.__name__ for method in served.activities}
    assert names >= {"fetch_order", "paid", "hold", "cancel_order", "capture", "post_fulfilment", "refund_goods"}
    assert names >= {"holdings", "references", "card"}
