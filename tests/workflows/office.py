"""A business with its systems in memory, on a real Temporal: what the stories are played in."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.accounting import Accounting
from activities.crm import Crm
from activities.mail import Mail
from activities.marketing import Marketing
from activities.waiting import Waiting
from seamline import catalog
from seamline.process import attributes
from seamline.process.start import workflow_id
from seamline.records.policy import Policy
from seamline.settings import Settings
from tests.process.theatre import QUICK, Handle, Watching, sandbox
from tests.workflows.books import PaperBooks
from tests.workflows.campaigns import Campaigns
from tests.workflows.letterbox import Letterbox
from tests.workflows.sales import DEAL_ID, Sales
from worker.connections import activities_of
from worker.waiting import TemporalList


class Office(Watching):
    """One test's business: sales, the books of one legal entity or more, marketing, and a mail server.

    Each system is a connection of its own, named for this test alone, so its references are too. A story that hands
    on to another is followed by `handed`.
    """

    def __init__(self, env: WorkflowEnvironment) -> None:
        self.env = env
        self.client = env.client
        self.run = uuid.uuid4().hex[:8]
        self.queue = f"stories-{self.run}"
        self.sales = Sales()
        self.books = PaperBooks()
        self.campaigns = Campaigns()
        self.letterbox = Letterbox()
        self.other_books = PaperBooks()
        """The books of another legal entity."""

    # ---- names ----------------------------------------------------------------------------------------------------

    @property
    def crm(self) -> str:
        """The connection of sales."""
        return f"crm-{self.run}"

    @property
    def accounting(self) -> str:
        """The connection of the books."""
        return f"books-{self.run}"

    @property
    def other_accounting(self) -> str:
        """The connection of the other legal entity's books."""
        return f"other-books-{self.run}"

    @property
    def route(self) -> dict[str, str]:
        """Which connection fills which role."""
        return {
            "crm": self.crm,
            "accounting": self.accounting,
            "marketing": f"campaigns-{self.run}",
            "mail": f"mail-{self.run}",
        }

    def reference(self, part: int = 0, external_id: str = DEAL_ID) -> str:
        """The deal's reference, or that of an instalment."""
        whole = f"{self.crm}:{external_id}"
        return f"{whole}.{part}" if part else whole

    # ---- running --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve every connection, and run all processes that there are."""
        served = {
            self.crm: Crm(self.sales),
            self.accounting: Accounting(self.books),
            self.other_accounting: Accounting(self.other_books),
            self.route["marketing"]: Marketing(self.campaigns),
            self.route["mail"]: Mail(self.letterbox),
        }
        async with AsyncExitStack() as running:
            for queue, role in served.items():
                worker = Worker(self.client, task_queue=queue, activities=activities_of(role))
                await running.enter_async_context(worker)
            processes = Worker(
                self.client,
                task_queue=self.queue,
                workflows=catalog.workflows(),
                activities=activities_of(Waiting(TemporalList(self.client, Settings()))),
                workflow_runner=sandbox(),
            )
            await running.enter_async_context(processes)
            running.push_async_callback(self.close)
            yield

    async def close(self) -> None:
        """End what still runs: the server skips no time while anything on it waits for a worker that is gone."""
        invoices = [f"{self.accounting}:{one}" for one in self.books.invoices]
        invoices += [f"{self.other_accounting}:{one}" for one in self.other_books.invoices]
        deals = [f"{self.crm}:{external_id}" for external_id in self.sales.deals]
        parts = [f"{deal}.{part}" for deal in deals for part in range(1, 4)]
        for process in catalog.processes():
            for reference in (*invoices, *deals, *parts):
                with suppress(RPCError):
                    await self.handed(process, reference).terminate()

    async def begin(self, process: str, reference: str = "", policy: Policy = QUICK, **fields: Any) -> Handle:
        """Start a process; its reference is the deal's unless another is given."""
        reference = reference or self.reference()
        start = {
            "reference": reference,
            "route": fields.pop("route", self.route),
            "policy": policy.model_dump(mode="json"),
            **fields,
        }
        return await self.client.start_workflow(
            process,
            start,
            id=workflow_id(process, reference),
            task_queue=self.queue,
            search_attributes=attributes.at_start(reference),
        )

    async def happens(self, handle: Handle, kind: str, delivery: str = "") -> None:
        """Have a system tell the process something."""
        await handle.signal("happened", {"kind": kind, "topic": kind, "delivery_id": delivery})

    def handed(self, process: str, reference: str) -> Handle:
        """The process that another one handed on to."""
        return self.client.get_workflow_handle(workflow_id(process, reference))

    async def is_running(self, process: str, reference: str) -> bool:
        """Whether that process is on its way."""
        description = await self.handed(process, reference).describe()
        return description.status is WorkflowExecutionStatus.RUNNING
