"""The checker against a real Temporal and a real ledger, and its exit codes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import RawValue
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from seamline.simulator.checker import audit
from seamline.simulator.checker_world import read_facts
from seamline.simulator.server import Simulator
from tests.conftest import real_server
from tests.end_to_end.kinds import ABROAD
from tests.simulator.carrier import Customer

COMMAND_SECONDS_MAX = 60


@workflow.defn(dynamic=True)
class Ends:
    """A process that ends as it is told, or waits."""

    @workflow.run
    async def run(self, arguments: Sequence[RawValue]) -> dict[str, Any]:
        ending = workflow.payload_converter().from_payload(arguments[0].payload, str)
        if ending == "running":
            await workflow.sleep(timedelta(days=1))
        return {"kind": ending, "reason": ""}


@pytest.fixture
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own for each test, since the checker judges all that a namespace holds."""
    async with real_server() as env:
        yield env


@pytest.fixture
async def queue(temporal: WorkflowEnvironment) -> AsyncIterator[str]:
    """A task queue with a worker."""
    name = uuid4().hex
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal.client, task_queue=name, workflows=[Ends], workflow_runner=runner):
        yield name


async def start(
    env: WorkflowEnvironment, queue: str, reference: str, ending: str, process: str = "order-to-shipment"
) -> WorkflowHandle[Any, Any]:
    return await env.client.start_workflow(process, ending, id=f"{process}:{reference}", task_queue=queue)


async def seen(env: WorkflowEnvironment, count: int) -> None:
    """Wait until Temporal's list, which lags behind, shows so many runs."""
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        while len([run async for run in env.client.list_workflows()]) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def run_command(simulator: Simulator, env: WorkflowEnvironment, *more: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "seamline.simulator.checker", "--simulator", simulator.url, *more),
        env=os.environ | {"TEMPORAL_ADDRESS": env.client.service_client.config.target_host},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS_MAX)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_a_run_of_each_ending(
    simulator: Simulator, http: httpx.AsyncClient, temporal: WorkflowEnvironment, queue: str
) -> None:
    await (await start(temporal, queue, "shop-uk:5001", "undone")).result()
    await (await start(temporal, queue, "shop-uk:5002", "ignored")).result()
    running = await start(temporal, queue, "shop-uk:5003", "running")
    await seen(temporal, 3)

    label = await Customer(http).buy(metadata="shop-uk:5001/buy-label#1")
    verdict = await audit(simulator.url, temporal.client)
    assert [(finding.reference, finding.rule) for finding in verdict.findings] == [("shop-uk:5001", "left-over")]
    assert verdict.processes == {"undone": 1, "ignored": 1, "running": 1}

    await Customer(http).post("/refunds", {"transaction": label["object_id"]})
    assert (await audit(simulator.url, temporal.client)).ok
    settled = await audit(simulator.url, temporal.client, settled=True)
    assert [finding.rule for finding in settled.findings] == ["unsettled"]

    await running.cancel()
    with pytest.raises(WorkflowFailureError):
        await running.result()
    assert (await audit(simulator.url, temporal.client, settled=True)).ok


async def test_the_last_run_of_a_process_counts(
    simulator: Simulator, http: httpx.AsyncClient, temporal: WorkflowEnvironment, queue: str
) -> None:
    await (await start(temporal, queue, "shop-uk:5001", "running")).terminate()
    await Customer(http).buy()
    await seen(temporal, 1)
    assert [finding.rule for finding in (await audit(simulator.url, temporal.client)).findings] == [
        "failed-with-effects"
    ]
    await start(temporal, queue, "shop-uk:5001", "running")
    await seen(temporal, 2)
    assert (await audit(simulator.url, temporal.client)).unsettled == ["order-to-shipment:shop-uk:5001"]


async def test_a_later_run_that_was_ignored_hides_no_earlier_one(
    simulator: Simulator, temporal: WorkflowEnvironment, queue: str
) -> None:
    for ending in ("completed", "ignored", "ignored"):
        await (await start(temporal, queue, "crm-main:006A", ending, "deal-to-invoice")).result()
    await seen(temporal, 3)
    verdict = await audit(simulator.url, temporal.client)
    assert [finding.rule for finding in verdict.findings] == ["count"]
    assert verdict.processes == {"completed": 1}


async def test_what_deals_came_to_and_what_was_billed_is_asked_of_the_systems(
    simulator: Simulator, http: httpx.AsyncClient
) -> None:
    parts = [{"due_date": "2026-12-01", "amount": "400"}, {"due_date": "2027-01-01", "amount": "800"}]
    made = await http.post("/_simulator/crms/crm-main/deals", json={"instalments": parts})
    reference = made.json()["reference"]
    await http.patch(f"/_simulator/crms/crm-main/deals/{made.json()['id']}", json={"amount": "1100.50"})
    asked = {"reference": f"{reference}/draft-invoice#1", "lines": [{"unit_amount": "1100.50"}]}
    invoice = (await http.post("/_simulator/books/xero-main/invoices", json=asked)).json()
    paid = {"invoice": invoice["id"], "amount": "20.00"}
    (await http.post("/_simulator/books/xero-main/payments", json=paid)).raise_for_status()

    facts = await read_facts(simulator.url)
    worth = {one.reference: {str(amount) for amount in one.amounts} for one in facts.worth}
    assert {"1200.00", "1100.50"} <= worth[reference]
    assert (worth[f"{reference}.1"], worth[f"{reference}.2"]) == ({"400.00"}, {"800.00"})
    (document,) = facts.documents
    assert (document.connection, document.id, document.status) == ("xero-main", invoice["id"], "AUTHORISED")
    assert (document.carries, str(document.net), str(document.paid)) == (asked["reference"], "1100.50", "20.00")


async def test_goods_are_reserved_only_once_people_told_what_customs_ask(
    simulator: Simulator, http: httpx.AsyncClient, temporal: WorkflowEnvironment, queue: str
) -> None:
    wanted = {"id": 5001, "webhooks": False, "address": ABROAD, "lines": [{"hs_code": ""}]}
    (await http.post("/_simulator/shops/shop-uk/orders", json=wanted)).raise_for_status()
    reserved = {"object_id": "S1", "reference": "shop-uk:5001", "key": "shop-uk:5001/reserve#1"}
    simulator.world.record_effect("erp-main", "tryton", "reserve", **reserved)
    handle = await start(temporal, queue, "shop-uk:5001", "running")
    await seen(temporal, 1)
    assert [finding.rule for finding in (await audit(simulator.url, temporal.client)).findings] == ["customs"]
    await handle.signal("decide", {"wait": "fetch-order#1", "action": "amend"})
    assert (await audit(simulator.url, temporal.client)).ok


async def test_the_command_says_it_by_its_exit_code(
    simulator: Simulator, http: httpx.AsyncClient, temporal: WorkflowEnvironment, queue: str
) -> None:
    code, output = await run_command(simulator, temporal)
    assert (code, output.splitlines()[-1][:5]) == (0, "GREEN")
    await Customer(http).buy()
    code, output = await run_command(simulator, temporal)
    assert code == 1
    assert "no-process" in output
    code, output = await run_command(simulator, temporal, "--json")
    assert (code, '"ok":false' in output) == (1, True)
    gone = Simulator(url="http://127.0.0.1:9", smtp_host="", smtp_port=0, world=simulator.world)
    assert (await run_command(gone, temporal))[0] == 2
