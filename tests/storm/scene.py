"""What everyone in a storm works with: the running stack seen from outside, and the figures kept of it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from seamline.local import Local
from seamline.process.view import View
from seamline.simulator.shopify_webhooks import TRIES_MAX
from tests.storm.odds import SHOPS
from tests.storm.plan import Plan

INSIST_SECONDS_MAX = 60
INSIST_PAUSE_SECONDS = 0.2
RPC_SECONDS_MAX = 5
PROCESS, PARCEL, RETURN = "order-to-shipment", "follow-parcel", "return-order"
SHARE = "share-availability"
"""A look that comes again and again, and is no business of staff but where it waits."""
RETURN_TOPICS = ("returns/request", "returns/approve")

Handle = WorkflowHandle[Any, Any]
T = TypeVar("T")

AWAY = (httpx.HTTPError, RPCError, TimeoutError)
"""What is raised while a part is dead."""


@dataclass(frozen=True)
class Outage:
    """A system that was down, or that people stopped all calls to, from and to in Unix time."""

    connection: str
    began: float
    ended: float


@dataclass
class Figures:
    """What happened in a storm, counted."""

    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    gaps: int = 0
    """Orders whose webhook was never taken, and that were polled."""
    outages: list[Outage] = field(default_factory=list)
    stops: list[Outage] = field(default_factory=list)
    worker_starts: list[float] = field(default_factory=list)
    """Unix times at which a worker was started again."""


class Scene:
    """The stack from outside. Every call goes on while parts are dead, until INSIST_SECONDS_MAX."""

    def __init__(self, local: Local, client: Client, http: httpx.AsyncClient, plan: Plan) -> None:
        self.local = local
        self.client = client
        self.http = http
        self.plan = plan
        self.figures = Figures()
        self.accepted: set[str] = set()
        """Ids of the processes whose start the door acknowledged."""
        self.topics: dict[str, str] = {}
        """The topic that starts each order's process."""
        self.made: set[str] = set()
        """References of the orders that the shop has made so far."""
        self.changed_in_shop: set[str] = set()
        """References of the orders that people cancelled or edited there."""
        self.edited: set[str] = set()
        """Those that were edited, or taken back in the warehouse: what was made for them may be made anew."""
        self.fulfilled: set[str] = set()
        """Those that people fulfilled in the shop."""
        self.held: set[str] = set()
        """Those that another app put on hold while they were under way."""
        self.labels_refunded: set[str] = set()
        """The labels whose money somebody asked the carrier for."""
        self.returned: dict[str, str] = {}
        """The reference of the return of each order of which a customer sends something back."""
        self.paid_anew: set[str] = set()
        """References of the orders whose customer was asked to pay by other means."""
        self.terminated: set[str] = set()
        """Ids of the processes that were terminated."""
        self.not_resumed: dict[str, str] = {}
        """Those that could not be resumed, with what the command said."""

    async def simulator(self, method: str, path: str, body: Any = None, *, taken: Sequence[int] = ()) -> Any:
        """Tell or ask the simulator. `taken` are the errors that count as done."""

        async def call() -> Any:
            answer = await self.http.request(method, f"{self.local.running.simulator}/_simulator/{path}", json=body)
            if answer.status_code not in taken:
                answer.raise_for_status()
            return answer.json() if answer.content else None

        return await insist(call)

    async def release(self, reference: str) -> None:
        """Have the app that holds an order release it, or open it where it is a pre-order."""
        await self.simulator("POST", f"{order_path(reference)}/holds", {"held": False}, taken=[httpx.codes.CONFLICT])

    async def refund_label(self, connection: str, label_id: str) -> None:
        """Somebody asks the carrier for the money of a label; what it refuses stays as it is."""

        async def call() -> None:
            answer = await self.http.post(
                f"{self.local.running.simulator}/shippo/{connection}/refunds",
                json={"transaction": label_id},
                headers={"Authorization": f"ShippoToken shippo-test-{connection}"},
            )
            if answer.is_server_error:
                answer.raise_for_status()

        await insist(call)
        self.labels_refunded.add(label_id)

    async def poll_for_gap(self, workflow_id: str) -> None:
        """Start a process whose webhook never came, as a poll for gaps does."""
        process, _, reference = workflow_id.partition(":")

        async def call() -> None:
            answer = await self.http.post(
                f"{self.local.running.api}/processes/{process}", json={"reference": reference, "started_by": "poll"}
            )
            answer.raise_for_status()

        await insist(call)
        self.accepted.add(workflow_id)
        self.figures.gaps += 1

    async def count_deliveries(self) -> int:
        """Note which webhooks the door has taken. How many the shops will still try."""
        return sum([await self._count_deliveries(shop) for shop in SHOPS])

    async def _count_deliveries(self, shop: str) -> int:
        deliveries = await self.simulator("GET", f"shops/{shop}/deliveries")
        for one in deliveries:
            reference = f"{shop}:{one['order_id']}"
            taken = one["status"] == httpx.codes.OK
            if taken and one["topic"] == self.topics.get(reference):
                self.accepted.add(f"{PROCESS}:{reference}")
            if taken and one["topic"] in RETURN_TOPICS and reference in self.returned:
                self.accepted.add(f"{RETURN}:{self.returned[reference]}")
        return sum(one["status"] != httpx.codes.OK and one["tries"] < TRIES_MAX for one in deliveries)

    def handle(self, workflow_id: str) -> Handle:
        """A process by its id."""
        return self.client.get_workflow_handle(workflow_id)

    async def open_processes(self, *, held: bool = False) -> list[str]:
        """The ids of all processes that are not over; only those that wait or are held up with `held`."""

        async def call() -> list[str]:
            query = "ExecutionStatus = 'Running' AND SeamlineReference IS NOT NULL"
            if held:
                query += " AND SeamlineStatus IN ('waiting', 'held up')"
            return [one.id async for one in self.client.list_workflows(query)]

        return await insist(call)

    async def unsettled(self) -> list[str]:
        """The ids of all that must end, or be answered, before it is over."""
        open_ = await self.open_processes()
        shares = [one for one in open_ if one.startswith(SHARE)]
        held = await self.open_processes(held=True) if shares else []
        return [one for one in open_ if one not in shares or one in held]

    async def view(self, workflow_id: str) -> View | None:
        """The process as it shows itself; None while no worker answers."""
        try:
            answer = await self.handle(workflow_id).query("view", rpc_timeout=timedelta(seconds=RPC_SECONDS_MAX))
        except RPCError:
            return None
        return View.model_validate(answer)


def order_path(reference: str) -> str:
    """Where the simulator takes what people do to an order; for a part of it or a return the order's."""
    shop, _, number = reference.partition(":")
    return f"shops/{shop}/orders/{re.split('[.-]', number)[0]}"


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Call until it succeeds, or raise its last error after INSIST_SECONDS_MAX."""
    deadline = asyncio.get_running_loop().time() + INSIST_SECONDS_MAX
    while True:
        try:
            return await call()
        except httpx.HTTPStatusError as error:
            if not error.response.is_server_error or asyncio.get_running_loop().time() > deadline:
                raise
        except AWAY:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(INSIST_PAUSE_SECONDS)
