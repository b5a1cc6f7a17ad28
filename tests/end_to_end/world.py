"""The whole product in one place: real Temporal, real worker, real door to the simulator's vendors."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from seamline.http import HttpFactory
from seamline.process.start import Start
from seamline.process.view import Status, View
from seamline.settings import PolicySettings, Settings, start_for
from seamline.simulator.checker import Verdict, audit
from seamline.simulator.server import Simulator
from seamline.temporal import start_process
from tests.contract import descriptions
from tests.contract.judges import Overheard
from worker.connections import serve_connections
from worker.run import workers_of
from workflows.order_to_shipment import OrderToShipment

Handle = WorkflowHandle[Any, Any]

SECONDS_MAX = 60
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


@dataclass(frozen=True)
class Names:
    """One connection for each role; any name works, since the simulator makes it on first use."""

    shop: str = "shop-uk"
    inventory: str = "erp-main"
    carrier: str = "shippo-main"
    mail: str = "mail-main"


def settings_for(
    simulator: Simulator,
    names: Names = Names(),
    policy: PolicySettings = QUICK,
    *,
    workflows: bool = True,
    payment_mode: str = "paid",
    express: bool = False,
) -> Settings:
    """Four connections, all to the simulator. No limit or breaker of ours slows a test down: patience is short here."""
    quick = {"rate_per_second": 1000, "breaker": {"failures": 100, "open_seconds": 0.2, "open_seconds_max": 0.2}}
    systems: dict[str, dict[str, Any]] = {
        names.shop: {
            "system": "shopify",
            "account": {
                "url": f"{simulator.url}/shopify/{names.shop}",
                "client_id": f"client-{names.shop}",
                "client_secret": f"secret-{names.shop}",
                "payment_mode": payment_mode,
            },
        },
        names.inventory: {
            "system": "tryton",
            "account": {
                "url": f"{simulator.url}/tryton/{names.inventory}",
                "database": "main",
                "key": f"tryton-test-{names.inventory}",
                "calls_per_second_max": 200,
            },
        },
        names.carrier: {
            "system": "shippo",
            "account": {
                "url": f"{simulator.url}/shippo/{names.carrier}",
                "token": f"shippo-test-{names.carrier}",
                "test": True,
                "calls_per_second_max": 100,
                "sender": SENDER,
            },
        },
        names.mail: {
            "system": "smtp",
            "account": {
                "host": simulator.smtp_host,
                "port": simulator.smtp_port,
                "security": "plain",
                "username": names.mail,
                "password": f"smtp-test-{names.mail}",
                "sender": "orders@shop.example",
                "mails_per_second_max": 100,
            },
        },
    }
    return Settings(
        connections={name: {**one, **quick} for name, one in systems.items()},
        policy=policy.model_copy(update={"express": tuple(systems) if express else ()}),
        worker={"workflows": workflows},
    )


class World:
    """What a test does and sees."""

    def __init__(
        self,
        simulator: Simulator,
        client: Client,
        http: httpx.AsyncClient,
        names: Names = Names(),
        policy: PolicySettings = QUICK,
        *,
        workflows: bool = True,
        payment_mode: str = "paid",
        express: bool = False,
    ) -> None:
        self.simulator = simulator
        self.client = client
        self.http = http
        self.names = names
        self.settings = settings_for(
            simulator, names, policy, workflows=workflows, payment_mode=payment_mode, express=express
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The worker, as production builds it. What it said to vendors, and they to it, is judged at the end."""
        overheard = Overheard() if descriptions.AT_HAND else None
        served = serve_connections(self.settings, HttpFactory(observe=overheard.hear if overheard else None))
        workers = workers_of(self.settings, served, self.client)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))
            await asyncio.gather(*running)
            for connection in served:
                await connection.close()
        if overheard:
            overheard.judge()

    async def post(self, path: str, body: Any) -> Any:
        """Tell the simulator something."""
        answer = await self.http.post(f"{self.simulator.url}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def change(self, path: str, body: Any) -> None:
        """Set something in the simulator."""
        answer = await self.http.put(f"{self.simulator.url}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text

    async def get(self, path: str, **query: str) -> Any:
        """Ask the simulator."""
        answer = await self.http.get(f"{self.simulator.url}/_simulator/{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def fault(self, connection: str, operation: str, kind: str, **more: Any) -> str:
        """Make a fault: its id."""
        made = await self.post("faults", {"connection": connection, "operation": operation, "kind": kind, **more})
        identity: str = made["id"]
        return identity

    async def hits(self, fault: str) -> int:
        """How many calls a fault hit."""
        return next(int(one["hits"]) for one in await self.get("faults") if one["id"] == fault)

    async def end(self, fault: str) -> None:
        """Let one fault end."""
        answer = await self.http.delete(f"{self.simulator.url}/_simulator/faults/{fault}")
        assert answer.is_success, answer.text

    async def mended(self) -> None:
        """Let every fault end."""
        answer = await self.http.delete(f"{self.simulator.url}/_simulator/faults")
        assert answer.is_success, answer.text

    async def order(self, **wanted: Any) -> str:
        """A customer's paid order: its reference."""
        made = await self.post(f"shops/{self.names.shop}/orders", wanted)
        reference: str = made["reference"]
        return reference

    async def stock(self, sku: str) -> int:
        """Pieces on the shelf that nobody holds."""
        pieces: int = (await self.get(f"stock/{self.names.inventory}"))[sku]
        return pieces

    def body(self, kind: str, object_id: str) -> dict[str, Any]:
        """An object as the shop keeps it."""
        found = self.simulator.world.get(self.names.shop, kind, object_id)
        assert found
        return dict(found)

    def edit(self, kind: str, object_id: str, **changes: Any) -> None:
        """Staff edit an object in the shop's own admin."""
        self.simulator.world.put(self.names.shop, kind, object_id, self.body(kind, object_id) | changes)

    def start_of(self, reference: str, **policy: Any) -> Start:
        """What the process is started with."""
        start = start_for(OrderToShipment, reference, self.settings)
        return start.model_copy(update={"policy": start.policy.model_copy(update=policy)})

    async def start(self, reference: str, **policy: Any) -> Handle:
        """Start the process as the door does, with these changes to the policy."""
        identity, _ = await start_process(self.client, OrderToShipment, self.start_of(reference, **policy))
        return self.client.get_workflow_handle(identity)

    async def effects(self, reference: str) -> list[dict[str, Any]]:
        """The ledger for a reference."""
        effects: list[dict[str, Any]] = await self.get("effects", reference=reference)
        return effects

    async def operations(self, reference: str) -> list[str]:
        """What happened for a reference, in order."""
        return [one["operation"] for one in await self.effects(reference)]

    async def counted(self, reference: str) -> Counter[str]:
        """How often each effect happened; a mail that left twice under one Message-ID is one."""
        effects = {(one["operation"], one["object_id"]) for one in await self.effects(reference)}
        return Counter(operation for operation, _ in effects)

    async def happened(self, reference: str, operation: str) -> dict[str, Any]:
        """The effect once the ledger has it."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            for one in await self.effects(reference):
                if one["operation"] == operation:
                    return one
            await asyncio.sleep(0.05)
        raise AssertionError(f"{operation} never happened for {reference}")

    def handle(self, process: str, reference: str) -> Handle:
        """The process of a reference."""
        return self.client.get_workflow_handle(f"{process}:{reference}")

    async def decide(self, handle: Handle, **decision: Any) -> Any:
        """Answer a wait by the update, as the command does."""
        return await handle.execute_update("decide", {"who": "sam", **decision}, rpc_timeout=timedelta(seconds=10))

    async def command(self, *arguments: str) -> str:
        """Run a command of the environment, `temporal` or `seamline`, against this Temporal: what it says."""
        address = self.client.service_client.config.target_host
        program = Path(sys.executable).parent / arguments[0]
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "TEMPORAL_ADDRESS": address},
        )
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def view(self, handle: Handle) -> View:
        """What the process shows now."""
        return View.model_validate(await handle.query("view"))

    async def staff_pay(self, reference: str, action: str) -> None:
        """Somebody moves an order's money in the shop's admin: capture, refund, void, lapse, pay."""
        number = reference.partition(":")[2]
        await self.post(f"shops/{self.names.shop}/orders/{number}/payment", {"action": action})

    async def step(self, handle: Handle, name: str) -> View:
        """The view once the last step is this one."""
        return await self.until(handle, lambda view: bool(view.steps) and view.steps[-1].name == name)

    async def until(self, handle: Handle, seen: Callable[[View], object]) -> View:
        """The first view for which `seen` is true."""
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            view = View.model_validate(await handle.query("view"))
            if seen(view):
                return view
            await asyncio.sleep(0.1)
        raise AssertionError(f"never seen; last: {view}")

    async def waiting(self, handle: Handle, status: Status = Status.WAITING) -> View:
        """The view once it waits, or is held up."""
        return await self.until(handle, lambda view: view.status is status and view.waits)

    async def outcome(self, handle: Handle) -> dict[str, Any]:
        """The result, or a failed test that tells where the process is."""
        try:
            outcome: dict[str, Any] = await asyncio.wait_for(handle.result(), SECONDS_MAX)
        except TimeoutError:
            view = View.model_validate(await handle.query("view"))
            raise AssertionError(f"not ended: {view.model_dump_json(indent=1)}") from None
        return outcome

    async def undone(self, handle: Handle) -> View:
        """The last view of a process that was cancelled and took everything back."""
        try:
            raise AssertionError(f"not cancelled but {await self.outcome(handle)}")
        except WorkflowFailureError as error:
            assert isinstance(error.cause, CancelledError), error.cause  # noqa: PT017
        return View.model_validate(await handle.query("view"))

    async def verdict(self) -> Verdict:
        """What the independent checker says of everything so far."""
        return await audit(self.simulator.url, self.client)


class ByHand:
    """The warehouse while its autopilot is off: nothing moves but what the test moves."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def move(self, reference: str, state: str) -> None:
        """Pick, pack or hand over the shipment reserved for a reference."""
        shipment = (await self.world.happened(reference, "reserve"))["object_id"]
        await self.world.post(f"warehouse/{self.world.names.inventory}/shipments/{shipment}", {"state": state})

    async def hand_over(self, reference: str) -> None:
        """All that is left to do, and the carrier takes it to the door."""
        await self.world.change("settings", {"autopilot": True})
        await self.move(reference, "done")
