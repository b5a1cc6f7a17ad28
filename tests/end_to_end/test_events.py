"""What shop and carrier tell reaches the right process, by real webhooks through the real door."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode

from seamline.child import Child
from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.world import QUICK, SECONDS_MAX, ByHand, Handle, World

MOVES_AFTER = dict.fromkeys(
    ("pack_after_seconds", "hand_over_after_seconds", "transit_after_seconds", "deliver_after_seconds"), 0.2
)
# Nobody looks at a parcel by himself while a test runs: only what the carrier tells moves its process.
POLICY = QUICK.model_copy(update={"tracking_poll_seconds": 300, "tracking_poll_max_seconds": 300})
ONE_EACH = Counter({"reserve": 1, "buy-label": 1, "ship": 1, "post-fulfilment": 1, "send-mail": 1})


class Told(World):
    """A world whose shop and carrier send webhooks to the door."""

    async def listen(self, door: str) -> None:
        """Subscribe the door to all that is of use."""
        for topic in ("orders/paid", "orders/create", "orders/cancelled", "orders/edited"):
            url = f"{door}/webhooks/{self.names.shop}"
            await self.post(f"shops/{self.names.shop}/subscriptions", {"topic": topic, "url": url})
        for event in ("transaction_updated", "track_updated"):
            url = f"{door}/webhooks/{self.names.carrier}?token=secret-{self.names.carrier}"
            answer = await self.http.post(
                f"{self.simulator.url}/shippo/{self.names.carrier}/webhooks",
                json={"url": url, "event": event, "is_test": True},
                headers={"Authorization": f"ShippoToken shippo-test-{self.names.carrier}"},
            )
            assert answer.is_success, answer.text

    async def again(self, reference: str, topic: str = "orders/paid", times: int = 1) -> list[int]:
        """The shop sends its webhook of an order again: the door's answers."""
        number = reference.partition(":")[2]
        wanted = {"topic": topic, "times": times, "at_once": min(times, 20)}
        answer = await self.post(f"shops/{self.names.shop}/orders/{number}/deliveries", wanted)
        statuses: list[int] = answer["statuses"]
        return statuses

    async def cancel_in_shop(self, reference: str) -> None:
        """Somebody cancels an order in the shop's own admin."""
        await self.post(f"shops/{self.names.shop}/orders/{reference.partition(':')[2]}/cancel", {"reason": "CUSTOMER"})

    async def looked_at_parcels(self, since: float) -> None:
        """Until a process has looked at a parcel, and so looks again in minutes only."""
        deadline = time.monotonic() + SECONDS_MAX
        while not await self.get("calls", connection=self.names.carrier, operation="tracks.get", since=str(since)):
            assert time.monotonic() < deadline, "nobody looked"
            await asyncio.sleep(0.05)

    async def until_taken(self, reference: str, topic: str) -> None:
        """Until the door has answered the shop's webhook of an order with 200."""
        wanted = {"order_id": reference.partition(":")[2], "topic": topic, "status": 200}
        deadline = time.monotonic() + SECONDS_MAX
        while not any(wanted.items() <= one.items() for one in await self.get(f"shops/{self.names.shop}/deliveries")):
            assert time.monotonic() < deadline, f"{topic} of {reference} was not taken"
            await asyncio.sleep(0.05)

    async def there(self, handle: Handle) -> bool:
        """Whether Temporal has the process."""
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def until_there(self, handle: Handle, there: bool = True) -> None:
        """Until Temporal has the process, or has it no more."""
        deadline = time.monotonic() + SECONDS_MAX
        while await self.there(handle) is not there:
            assert time.monotonic() < deadline, f"{handle.id}: there is still {not there}"
            await asyncio.sleep(0.05)

    async def forget(self, handle: Handle) -> None:
        """What Temporal does with a process that ended, once its retention is over."""
        request = DeleteWorkflowExecutionRequest(
            namespace=self.client.namespace, workflow_execution=WorkflowExecution(workflow_id=handle.id)
        )
        await self.client.workflow_service.delete_workflow_execution(request, retry=True)
        await self.until_there(handle, there=False)

    async def started(self, process: str, reference: str) -> Handle:
        """The process of a reference once a webhook has started it."""
        handle = self.handle(process, reference)
        await self.until_there(handle)
        return handle


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """All of it for this module alone, since what Temporal forgets here would puzzle the checker elsewhere."""
    state = tmp_path_factory.mktemp("told")
    async with (
        embedded_temporal(state) as temporal,
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=10) as http,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        told = Told(simulator, client, http, policy=POLICY)
        await told.change("settings", {"autopilot": True, **MOVES_AFTER})
        async with door(told, temporal.address, state) as address, told.working():
            await told.listen(address)
            yield told


@asynccontextmanager
async def door(told: Told, temporal: str, folder: Path) -> AsyncIterator[str]:
    """`seamline api` as a program: its address."""
    secrets = {
        name: {"system": one.system, "webhook_secret": f"secret-{name}"}
        for name, one in told.settings.connections.items()
    }
    env = {
        "TEMPORAL_ADDRESS": temporal,
        "SEAMLINE_API__PORT": "0",
        "SEAMLINE_CONNECTIONS": json.dumps(secrets),
        "SEAMLINE_POLICY": told.settings.policy.model_dump_json(),
    }
    ready = folder / "api.ready"
    command = [sys.executable, "-m", "seamline.cli", "api", "--ready-file", str(ready)]
    api = await Child.start("api", command, folder / "api.log", env=env)
    try:
        # The file is there a moment before what is written in it.
        await api.until(lambda: asyncio.to_thread(lambda: ready.exists() and bool(ready.read_text())), SECONDS_MAX)
        yield ready.read_text().strip()
    finally:
        await api.kill()


async def test_a_parcel_that_moves_is_looked_at_at_once(world: Told, by_hand: ByHand) -> None:
    began = time.time()
    reference = await world.order()
    await by_hand.move(reference, "done")
    shipped = await world.outcome(await world.started("order-to-shipment", reference))
    followed = await world.started("follow-parcel", reference)
    await world.looked_at_parcels(began)
    await world.post(f"parcels/{shipped['result']['tracking_number']}", {"state": "DELIVERED"})
    assert (await world.outcome(followed))["result"]["course"] == "delivered"


async def test_an_order_cancelled_in_the_shop_is_taken_back(world: Told, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await world.started("order-to-shipment", reference)
    await world.happened(reference, "buy-label")
    await world.cancel_in_shop(reference)
    outcome = await world.outcome(handle)
    assert (outcome["kind"], outcome["reason"]) == ("undone", "cancelled in the shop")
    assert (await world.counted(reference)).keys() >= {"release", "refund"}


async def test_a_cancellation_that_overtakes_the_start_is_found_by_it(world: Told) -> None:
    reference = await world.order(webhooks=False)
    await world.cancel_in_shop(reference)
    await world.until_taken(reference, "orders/cancelled")
    assert not await world.there(world.handle("order-to-shipment", reference))
    assert await world.again(reference) == [200]
    outcome = await world.outcome(world.handle("order-to-shipment", reference))
    assert outcome["kind"] == "ignored"
    assert await world.operations(reference) == []


async def test_a_flood_of_copies_is_one_word_to_the_process(world: Told, by_hand: ByHand) -> None:
    reference = await world.order()
    handle = await world.started("order-to-shipment", reference)
    assert set(await world.again(reference, times=100)) == {200}
    view = await world.until(handle, lambda view: view.notes)
    assert view.notes.count("told by the source: order-paid") == 1
    await by_hand.hand_over(reference)
    assert (await world.outcome(handle))["kind"] == "completed"
    await world.outcome(await world.started("follow-parcel", reference))
    assert await world.counted(reference) == ONE_EACH


async def test_the_checker_agrees(world: Told) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings


async def test_a_webhook_months_after_temporal_forgot_ships_nothing_twice(world: Told) -> None:
    reference = await world.order()
    handles = [await world.started(name, reference) for name in ("order-to-shipment", "follow-parcel")]
    for handle in handles:
        await world.outcome(handle)
    before = await world.effects(reference)
    await asyncio.gather(*(world.forget(handle) for handle in handles))
    assert await world.again(reference, "orders/edited") == [200]
    assert not await world.there(handles[0])
    assert await world.again(reference) == [200]
    outcome = await world.outcome(handles[0])
    assert outcome["kind"] == "ignored"
    assert await world.effects(reference) == before
    assert not await world.there(handles[1])
