"""Processes that wait, the notifier that looks, and what teams can read."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from seamline.http import HttpFactory
from seamline.process import attributes
from seamline.records.notice import HeldGroups
from seamline.settings import Settings
from seamline.teams import NOTIFIER
from tests.systems.vendors import Simulated
from worker.connections import serve_connections
from worker.notifier import schedule_notifier
from worker.run import workers_of
from worker.waiting import TemporalList
from workflows.notify_teams import Notified

CAUSE = "shippo-main refusal bad-postcode"
DAY = 86_400
LOOKS_MAX = 200
LOOK_SECONDS = 0.1

Handle = WorkflowHandle[Any, Any]


def settings_for(simulated: Simulated, **notifier: Any) -> Settings:
    """A team with mail and chat, one with mail alone; the notifier looks when it is told to, not by the clock."""
    quick = {"rate_per_second": 1000, "breaker": {"failures": 100}}
    mail = {"host": simulated.smtp_host, "port": simulated.smtp_port, "security": "plain", "sender": "us@shop.example"}
    url = f"{simulated.url}/slack/chat-main/services/T0SIMULATED/B0SIMULATED/slack-test-chat-main"
    return Settings(
        connections={
            "mail-main": {"system": "smtp", "account": mail, **quick},
            "chat-main": {"system": "slack", "account": {"url": url, "messages_per_second_max": 100}, **quick},
        },
        teams={
            "operations": {"title": "Warehouse", "email": "operations@shop.example", "chat": "chat-main"},
            "fraud": {"email": "fraud@shop.example"},
        },
        notifier={"interval_seconds": DAY, **notifier},
        temporal_ui_url="https://temporal.example",
    )


class Scene:
    """One test's processes, and the notifier over them."""

    def __init__(self, client: Client, simulated: Simulated, settings: Settings) -> None:
        self.client = client
        self.simulated = simulated
        self.settings = settings
        self.held: list[Handle] = []

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker, as production builds it, and the schedule; at the end no process and no schedule is left."""
        served = serve_connections(self.settings, HttpFactory())
        await schedule_notifier(self.client, self.settings)
        workers = workers_of(self.settings, served, self.client)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))
            await asyncio.gather(*running, *(one.close() for one in served))
            await self.release(*self.held)
            await self.client.get_schedule_handle(NOTIFIER).delete()

    async def hold(
        self, count: int = 1, *, team: str = "operations", cause: str = CAUSE, due: datetime | None = None, **more: str
    ) -> list[Handle]:
        """Processes that wait, as Temporal lists them: what they would do does not matter, so nobody runs them."""
        pairs: list[SearchAttributePair[Any]] = [
            SearchAttributePair(attributes.STATUS, more.get("status", "waiting")),
            SearchAttributePair(attributes.TEAM, team),
            SearchAttributePair(attributes.CAUSE, cause),
            *([SearchAttributePair(attributes.DUE, due)] if due else []),
        ]
        made = [await self._start(pairs) for _ in range(count)]
        self.held += made
        await self._listed()
        return made

    async def release(self, *handles: Handle) -> None:
        """They wait no more."""
        for handle in handles:
            await handle.terminate()
        self.held = [one for one in self.held if one not in handles]
        await self._listed()

    async def look(self) -> Notified:
        """One run of the notifier."""
        return await look(self.client)

    async def mails(self) -> list[tuple[str, str]]:
        """To whom, and the subject, of every mail."""
        return [(one["to"][0], one["subject"]) for one in await self.simulated.mails()]

    async def chat(self) -> list[str]:
        """The first line of every message in the channel."""
        return [one["text"].splitlines()[0] for one in await self.simulated.messages("chat-main")]

    async def groups(self, page_size: int = 1000) -> HeldGroups:
        """What the notifier sees."""
        return await TemporalList(self.client, self.settings, page_size=page_size).held()

    async def _start(self, pairs: list[SearchAttributePair[Any]]) -> Handle:
        reference = f"shop-uk:{uuid.uuid4().hex}"
        return await self.client.start_workflow(
            "order-to-shipment",
            id=f"order-to-shipment:{reference}",
            task_queue="nobody",
            search_attributes=TypedSearchAttributes([SearchAttributePair(attributes.REFERENCE, reference), *pairs]),
        )

    async def _listed(self) -> None:
        for _ in range(LOOKS_MAX):
            query = f"TaskQueue = 'nobody' AND ExecutionStatus = 'Running' AND {attributes.TEAM.name} IS NOT NULL"
            if (await self.client.count_workflows(query)).count == len(self.held):
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError("Temporal does not list what was started")


async def look(client: Client) -> Notified:
    """One run of the notifier, by its schedule."""
    handle = client.get_schedule_handle(NOTIFIER)
    before = (await handle.describe()).info.num_actions
    await handle.trigger()
    for _ in range(LOOKS_MAX):
        info = (await handle.describe()).info
        if info.num_actions > before:
            action = info.recent_actions[-1].action
            assert isinstance(action, ScheduleActionExecutionStartWorkflow)
            run = client.get_workflow_handle(
                action.workflow_id, run_id=action.first_execution_run_id, result_type=Notified
            )
            result = await run.result()
            assert isinstance(result, Notified)
            return result
        await asyncio.sleep(LOOK_SECONDS)
    raise AssertionError("the schedule started nothing")
