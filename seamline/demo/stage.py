"""What a scenario of the demo can do and see: it is a customer, a warehouse, an operator; never part of the product."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.markup import escape
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from seamline.demo.erp import Erp
from seamline.local import Local
from seamline.local_settings import BOOKS, BOOKS_ABROAD, CRM, SHOP
from seamline.process.view import Status, Step, StepState, View

LOOK_SECONDS = 0.15
USUAL_MINUTE_SECONDS = 1
"""How long the minute lasts in which accounting takes so many calls."""

SALE = "sale.sale"
_KIND = {
    "fetch-order": "order",
    "reserve": SALE,
    "packed": SALE,
    "handed-over": SALE,
    "quote": "shipment",
    "buy-label": "transaction",
    "post-fulfilment": "fulfillment",
    "fetch-deal": "Opportunity",
    "create-customer": "contact",
    "draft-invoice": "invoice",
    "post-invoice": "invoice",
    "send-invoice": "invoice",
    "write-invoice": "Seamline_Invoice__c",
    "create-task": "Task",
}
_MARK = {
    StepState.DONE: "[green]✓[/]",
    StepState.SKIPPED: "[yellow]↷[/]",
    StepState.WAITING: "[yellow]?[/]",
    StepState.HELD_UP: "[red]…[/]",
    StepState.STOPPED: "[red]■[/]",
}

Handle = WorkflowHandle[Any, Any]


class NotSeen(Exception):
    """What a scenario waits for did not come in time."""


class Stage:
    """The running stack, seen from outside."""

    def __init__(self, local: Local, client: Client, console: Console, http: httpx.AsyncClient, erp: Erp) -> None:
        self.local = local
        self.client = client
        self.console = console
        self.control = http
        self.erp = erp
        self._shown: Counter[str] = Counter()

    # ---- what people do -------------------------------------------------------------------------------------------

    async def order(self, shop: str = SHOP, **wanted: Any) -> str:
        """A customer orders: the reference. The shop's webhook starts the process."""
        made = await self.post(f"shops/{shop}/orders", wanted)
        reference: str = made["reference"]
        paid = wanted.get("financial_status", "paid").lower()
        self.say(f"order [b]{escape(reference)}[/] is {paid} · {self.process_link(f'order-to-shipment:{reference}')}")
        return reference

    async def deal(self, **wanted: Any) -> str:
        """Sales win a deal: the reference. The CRM's webhook starts the process."""
        made = await self.post(f"crms/{CRM}/deals", wanted)
        reference: str = made["reference"]
        self.say(f"deal [b]{escape(reference)}[/] is won · {self.process_link(f'deal-to-invoice:{reference}')}")
        return reference

    async def fault(self, connection: str, operation: str, kind: str, **more: Any) -> None:
        """Something goes wrong in a vendor's system."""
        await self.post("faults", {"connection": connection, "operation": operation, "kind": kind, **more})

    async def post(self, path: str, body: Any) -> Any:
        """Tell the simulator."""
        answer = await self.control.post(f"/_simulator/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def world(self, **settings: Any) -> None:
        """Change how the simulated world moves."""
        await self.put("settings", settings)

    async def patch(self, path: str, body: Any) -> Any:
        """Change something in the simulator."""
        answer = await self.control.patch(f"/_simulator/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def put(self, path: str, body: Any) -> Any:
        """Set something in the simulator."""
        answer = await self.control.put(f"/_simulator/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def short_minutes(self) -> None:
        """Let the minutes pass quickly after which accounting takes calls again."""
        for books in (BOOKS, BOOKS_ABROAD):
            await self.put(f"books/{books}/limits", {"minute_seconds": USUAL_MINUTE_SECONDS})

    async def command(self, *arguments: str) -> str:
        """Run the real `seamline` command, as staff would: what it says."""
        code, output = await self._run(*arguments)
        if code:
            raise NotSeen(f"seamline {arguments[0]} ended with {code}: {output}")
        return output

    async def refused(self, *arguments: str) -> str:
        """The same where it must be refused: what it says."""
        code, output = await self._run(*arguments)
        if not code:
            raise NotSeen(f"seamline {arguments[0]} was taken, and should have been refused")
        return output

    async def _run(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "seamline.cli",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**dict(self.local.env), **_path()},
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode().strip()

    # ---- what is seen ---------------------------------------------------------------------------------------------

    async def get(self, path: str, **query: str) -> Any:
        """Ask the simulator."""
        answer = await self.control.get(f"/_simulator/{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    async def effects(self, *references: str) -> list[dict[str, Any]]:
        """The ledger for these references."""
        return [one for reference in references for one in await self.get("effects", reference=reference)]

    async def live(self, *references: str) -> Counter[str]:
        """How often each operation happened for these references."""
        return Counter(one["operation"] for one in await self.effects(*references))

    def handle(self, process: str, reference: str) -> Handle:
        """The process about a reference."""
        return self.client.get_workflow_handle(f"{process}:{reference}")

    async def view(self, handle: Handle) -> View | None:
        """What the process shows; None while it is not there yet or its worker is away."""
        try:
            return View.model_validate(await handle.query("view", rpc_timeout=_seconds(3)))
        except RPCError as error:
            if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
                return None
            raise

    async def until(self, handle: Handle, seen: Callable[[View], object], what: str) -> View:
        """Show a process's steps as they end, until `seen`. NotSeen when that takes too long."""
        deadline = time.monotonic() + self.erp.seconds_max
        standing = "it did not answer"
        while time.monotonic() < deadline:
            view = await self.view(handle)
            if view:
                standing = _standing(view)
                self.show(handle.id, view)
                if seen(view):
                    return view
            await asyncio.sleep(LOOK_SECONDS)
        raise NotSeen(f"{handle.id}: {what} was not seen within {self.erp.seconds_max:g} s: {standing}")

    async def ended(self, reference: str, process: str = "order-to-shipment") -> View:
        """The process once it has ended."""
        handle = self.handle(process, reference)
        return await self.until(handle, lambda view: view.outcome, "its end")

    async def delivered(self, reference: str) -> View:
        """The parcel's process once it has ended."""
        handle = self.handle("follow-parcel", reference)
        return await self.until(handle, lambda view: view.outcome, "the delivery")

    async def happened(self, reference: str, operation: str) -> None:
        """Until the ledger has an operation for a reference."""
        deadline = time.monotonic() + self.erp.seconds_max
        while time.monotonic() < deadline:
            if operation in await self.live(reference):
                return
            await asyncio.sleep(0.05)
        raise NotSeen(f"{operation} for {reference} was not seen within {self.erp.seconds_max:g} s")

    # ---- what is shown --------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """One line of the story."""
        self.console.print(f"  {text}", highlight=False)

    def show(self, identity: str, view: View) -> None:
        """The steps that have ended since the last look."""
        ended = [step for step in view.steps if step.ended]
        for step in ended[self._shown[identity] :]:
            self.say(f"{_MARK.get(step.state, '·')} {self._step(step)}")
        self._shown[identity] = max(self._shown[identity], len(ended))

    def process_link(self, identity: str) -> str:
        """The process in the Temporal UI."""
        return self.link(identity, f"{self.local.running.temporal_ui}/namespaces/default/workflows/{identity}")

    def link(self, text: str, url: str) -> str:
        """A link; terminals that know none show the text."""
        return f"[link={url}]{escape(text)}[/link]"

    def _step(self, step: Step) -> str:
        text = f"{step.title} [dim]· {step.connection}[/]"
        kind = _KIND.get(step.name)
        if not step.object_id or not kind:
            return text
        if kind == SALE and not self.erp.has_pages:
            return f"{text} · {escape(step.object_id)}"
        path = "/".join(quote(part, safe="") for part in (step.connection, kind, step.object_id))
        return f"{text} · {self.link(step.object_id, f'{self.local.running.simulator}/objects/{path}')}"


def held_up(view: View) -> bool:
    """Whether an outage holds the process."""
    return view.status is Status.HELD_UP


def waits(view: View) -> bool:
    """Whether the process waits for people."""
    return view.status is Status.WAITING and bool(view.waits)


def _standing(view: View) -> str:
    """How a process stands, in words."""
    held = [f"{one.name} for {one.team}: {one.cause} {one.reason}".strip() for one in view.waits]
    return "; ".join(
        [view.status.value, *held, *(f"{one.field} {one.reason}" for w in view.waits for one in w.problems)]
    )


def systems_of(effects: Sequence[Mapping[str, Any]]) -> str:
    """How many effects each system had: `shopify 1 · tryton 2`."""
    counts = Counter(one["system"] for one in effects)
    return " · ".join(f"{system} {count}" for system, count in sorted(counts.items()))


def _path() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
