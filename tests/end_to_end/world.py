"""The whole product in one place: real Temporal, real worker, real door to the simulator's vendors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from temporalio.client import Client, WorkflowHandle

from seamline.http import HttpFactory
from seamline.process.start import Start
from seamline.process.view import Status, View
from seamline.settings import PolicySettings, Settings, start_for
from seamline.simulator.checker import Verdict, audit
from seamline.simulator.server import Simulator
from seamline.temporal import start_process
from worker.connections import serve_connections
from worker.run import workers_of
from workflows.order_to_shipment import OrderToShipment

SECONDS_MAX = 30
QUICK = PolicySettings(
    patience_seconds=2,
    healing_interval_max_seconds=0.5,
    poll_seconds=0.2,
    poll_max_seconds=0.5,
    tracking_poll_seconds=0.2,
    tracking_poll_max_seconds=0.5,
)
SENDER = {
    "name": "Warehouse",
    "street1": "1 Dock Road",
    "city": "London",
    "postcode": "E16 2QU",
    "country": "GB",
    "phone": "+442070000000",
    "email": "warehouse@shop.example",
}


def settings_for(simulator: Simulator) -> Settings:
    """Four connections, all to the simulator."""
    return Settings(
        connections={
            "shop-uk": {
                "system": "shopify",
                "account": {
                    "url": f"{simulator.url}/shopify/shop-uk",
                    "client_id": "client-shop-uk",
                    "client_secret": "secret-shop-uk",
                },
            },
            "erp-main": {
                "system": "tryton",
                "account": {
                    "url": f"{simulator.url}/tryton/erp-main",
                    "database": "main",
                    "key": "tryton-test-erp-main",
                },
            },
            "shippo-main": {
                "system": "shippo",
                "account": {
                    "url": f"{simulator.url}/shippo/shippo-main",
                    "token": "shippo-test-shippo-main",
                    "test": True,
                    "sender": SENDER,
                },
            },
            "mail-main": {
                "system": "smtp",
                "account": {
                    "host": simulator.smtp_host,
                    "port": simulator.smtp_port,
                    "security": "plain",
                    "sender": "orders@shop.example",
                },
            },
        },
        policy=QUICK,
    )


class World:
    """What a test does and sees."""

    def __init__(self, simulator: Simulator, client: Client, http: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self.client = client
        self.http = http
        self.settings = settings_for(simulator)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The worker, as production builds it."""
        served = serve_connections(self.settings, HttpFactory())
        workers = workers_of(self.settings, served, self.client)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))
            await asyncio.gather(*running)
            for connection in served:
                await connection.close()

    async def post(self, path: str, body: Any) -> Any:
        """Tell the simulator something."""
        answer = await self.http.post(f"{self.simulator.url}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def change(self, path: str, body: Any) -> None:
        """Set something in the simulator."""
        answer = await self.http.put(f"{self.simulator.url}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text

    async def fault(self, connection: str, operation: str, kind: str, **more: Any) -> None:
        """Make a fault."""
        await self.post("faults", {"connection": connection, "operation": operation, "kind": kind, **more})

    async def order(self, **wanted: Any) -> str:
        """A customer's paid order: its reference."""
        made = await self.post("shops/shop-uk/orders", wanted)
        reference: str = made["reference"]
        return reference

    async def start(self, reference: str) -> WorkflowHandle[Any, Any]:
        """Start the process as the door does."""
        start: Start = start_for(OrderToShipment, reference, self.settings)
        identity, _ = await start_process(self.client, OrderToShipment, start)
        return self.client.get_workflow_handle(identity)

    async def effects(self, reference: str) -> list[dict[str, Any]]:
        """The ledger for a reference."""
        answer = await self.http.get(f"{self.simulator.url}/_simulator/effects", params={"reference": reference})
        effects: list[dict[str, Any]] = answer.json()
        return effects

    async def operations(self, reference: str) -> list[str]:
        """What happened for a reference, in order."""
        return [one["operation"] for one in await self.effects(reference)]

    async def until(self, handle: WorkflowHandle[Any, Any], seen: Callable[[View], object]) -> View:
        """The first view for which `seen` is true."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            view = View.model_validate(await handle.query("view"))
            if seen(view):
                return view
            await asyncio.sleep(0.1)
        raise AssertionError(f"never seen; last: {view}")

    async def waiting(self, handle: WorkflowHandle[Any, Any], status: Status = Status.WAITING) -> View:
        """The view once it waits, or is held up."""
        return await self.until(handle, lambda view: view.status is status and view.waits)

    async def outcome(self, handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
        """The result, or a failed test that tells where the process is."""
        try:
            outcome: dict[str, Any] = await asyncio.wait_for(handle.result(), SECONDS_MAX)
        except TimeoutError:
            view = View.model_validate(await handle.query("view"))
            raise AssertionError(f"not ended: {view.model_dump_json(indent=1)}") from None
        return outcome

    async def verdict(self) -> Verdict:
        """What the independent checker says of everything so far."""
        return await audit(self.simulator.url, self.client)
