"""Looking in the CRM for deals that no webhook told of: each change is acted on once, whatever was missed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.crm import Crm
from activities.waiting import Waiting
from seamline import catalog
from seamline.errors import LockedOut
from seamline.process.start import Start
from seamline.records.billing import Billing
from seamline.records.deal import DealStage, Instalment, InvoiceNote, NoteStatus
from seamline.records.policy import Policy
from seamline.settings import Settings
from tests.process.theatre import register
from tests.workflows.sales import DEAL_ID, Sales, money, won_deal
from worker.connections import activities_of
from worker.sandbox import strict_runner
from worker.schedules import end, ensure, every
from worker.waiting import TemporalList
from workflows.watch_deals import WatchDeals, Watched, WatchRules

DAY = 86_400
OTHER_ID = "006A00000000009AAA"
LOOKS_MAX, LOOK_SECONDS = 400, 0.05
NOW = datetime.now(UTC)
UNSETTLED = Policy(billing=Billing(settle_seconds=DAY))
"""The processes that are started wait; what they would do does not matter."""


class Watch:
    """One test's CRM, and the schedule that looks at it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sales = Sales()
        self.connection = f"crm-{uuid.uuid4().hex[:8]}"
        self.identity = f"watch-deals:{self.connection}"
        self.roles = dict.fromkeys(("crm", "accounting", "marketing", "mail"), self.connection)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers and the schedule; at the end no process and no schedule is left."""
        rules = WatchRules(
            connection=self.connection,
            routes={"deal-to-invoice": self.roles, "reverse-deal": self.roles},
            policy=UNSETTLED,
            first_hours=24,
        )
        action = ScheduleActionStartWorkflow(WatchDeals.run, rules, id=self.identity, task_queue=self.connection)
        running = Worker(
            self.client,
            task_queue=self.connection,
            workflows=catalog.workflows(),
            workflow_runner=strict_runner(),
            activities=[
                *activities_of(Crm(self.sales)),
                *activities_of(Waiting(TemporalList(self.client, Settings()))),
            ],
        )
        async with running:
            await ensure(self.client, self.identity, every(DAY, action))
            try:
                yield
            finally:
                await end(self.client, self.identity)
                async for one in self.client.list_workflows(f"TaskQueue = '{self.connection}'"):
                    with suppress(RPCError):
                        await self.client.get_workflow_handle(one.id).terminate()

    def handle(self, process: str, part: str = "") -> WorkflowHandle[Any, Any]:
        """The deal's process."""
        return self.client.get_workflow_handle(f"{process}:{self.connection}:{DEAL_ID}{part}")

    async def begin(self, process: str) -> None:
        """What a webhook does."""
        start = Start(reference=f"{self.connection}:{DEAL_ID}", route=self.roles, policy=UNSETTLED)
        identity = self.handle(process).id
        await self.client.start_workflow(process, start, id=identity, task_queue=self.connection)

    def put(self, external_id: str = DEAL_ID, **changes: object) -> None:
        """Have the deal, its stage changed now."""
        self.sales.put(won_deal(self.connection, external_id, **{"changed_at": datetime.now(UTC), **changes}))

    async def look(self) -> Watched:
        """One run, by its schedule."""
        handle = self.client.get_schedule_handle(self.identity)
        before = (await handle.describe()).info.num_actions
        await handle.trigger()
        for _ in range(LOOKS_MAX):
            info = (await handle.describe()).info
            if info.num_actions > before:
                action = info.recent_actions[-1].action
                assert isinstance(action, ScheduleActionExecutionStartWorkflow)
                run = self.client.get_workflow_handle(
                    action.workflow_id, run_id=action.first_execution_run_id, result_type=Watched
                )
                result = await run.result()
                assert isinstance(result, Watched)
                return result
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError("the schedule started nothing")

    async def is_there(self, process: str, part: str = "") -> bool:
        """Whether the process was started."""
        try:
            await self.handle(process, part).describe()
        except RPCError:
            return False
        return True


@pytest.fixture
async def watch(client: Client) -> AsyncIterator[Watch]:
    """A CRM that is looked at."""
    await register(client)
    scene = Watch(client)
    async with scene.working():
        yield scene


async def test_a_won_deal_is_started_once_however_often_it_is_seen(watch: Watch) -> None:
    watch.put()
    assert (await watch.look()).started == 1
    assert await watch.is_there("deal-to-invoice")
    await watch.handle("deal-to-invoice").terminate()
    again = await watch.look()
    assert (again.started, len(again.seen)) == (0, 1)
    assert watch.sales.calls.count("find_won") == 2


@pytest.mark.parametrize("process", ["deal-to-invoice", "reverse-deal"])
async def test_what_became_of_a_deal_that_a_webhook_told_of_is_not_asked_anew(watch: Watch, process: str) -> None:
    note = InvoiceNote(
        key=f"{watch.connection}:{DEAL_ID}/write-invoice#1", number="INV-1", amount=money(1), status=NoteStatus.POSTED
    )
    reopened: dict[str, Any] = {"stage": DealStage.OPEN, "invoices": (note,)} if process == "reverse-deal" else {}
    watch.put(**reopened)
    await watch.begin(process)
    await watch.handle(process).cancel()
    with suppress(WorkflowFailureError):
        await watch.handle(process).result()
    assert (await watch.look()).started == 0
    watch.put(**reopened)
    assert (await watch.look()).started == 1


async def test_a_change_that_becomes_visible_late_is_found(watch: Watch) -> None:
    watch.put(external_id=OTHER_ID)
    assert (await watch.look()).started == 1
    watch.put(changed_at=datetime.now(UTC) - timedelta(seconds=60))
    assert (await watch.look()).started == 1
    assert await watch.is_there("deal-to-invoice")


async def test_a_deal_whose_stage_changes_again_is_started_again(watch: Watch) -> None:
    watch.put()
    assert (await watch.look()).started == 1
    await watch.handle("deal-to-invoice").terminate()
    watch.put()
    assert (await watch.look()).started == 1


async def test_a_reopened_deal_with_an_invoice_is_reversed(watch: Watch) -> None:
    note = InvoiceNote(
        key=f"{watch.connection}:{DEAL_ID}/write-invoice#1", number="INV-1", amount=money(1), status=NoteStatus.POSTED
    )
    watch.put(stage=DealStage.OPEN, invoices=(note,))
    assert (await watch.look()).started == 1
    assert await watch.is_there("reverse-deal")
    assert not await watch.is_there("deal-to-invoice")


async def test_instalments_are_found_on_their_day_though_their_deal_is_old(watch: Watch) -> None:
    parts = (
        Instalment(number=1, bill_on=date(2020, 1, 1), amount=money(400)),
        Instalment(number=2, bill_on=date(2199, 1, 1), amount=money(600)),
    )
    watch.put(changed_at=NOW - timedelta(days=400), instalments=parts)
    assert (await watch.look()).started == 1
    assert (await watch.is_there("deal-to-invoice", ".1"), await watch.is_there("deal-to-invoice", ".2")) == (
        True,
        False,
    )
    await watch.handle("deal-to-invoice", ".1").terminate()
    assert (await watch.look()).started == 0


async def test_the_first_look_leaves_old_deals_as_they_are(watch: Watch) -> None:
    watch.put(changed_at=NOW - timedelta(days=3))
    assert (await watch.look()).started == 0


async def test_what_a_failed_look_missed_is_found_by_the_next(watch: Watch) -> None:
    await watch.look()
    watch.put()
    watch.sales.fail("find_won", LockedOut("unauthorized"))
    assert (await watch.look()).started == 1
