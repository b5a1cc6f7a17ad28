"""The processes as Temporal tells of them: the run of each that counts, and how it ended."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

ORDER_PROCESS, PARCEL_PROCESS, REFUND_PROCESS = "order-to-shipment", "follow-parcel", "follow-refund"
DEAL_PROCESS, INVOICE_PROCESS, REVERSAL_PROCESS = "deal-to-invoice", "follow-invoice", "reverse-deal"
RESHIP_PROCESS, RETURN_PROCESS = "reship-order", "return-order"
SHARE_PROCESS = "share-availability"
PROCESSES = (
    ORDER_PROCESS,
    PARCEL_PROCESS,
    REFUND_PROCESS,
    RESHIP_PROCESS,
    RETURN_PROCESS,
    DEAL_PROCESS,
    INVOICE_PROCESS,
    REVERSAL_PROCESS,
    SHARE_PROCESS,
)
_FAILED = ("FAILED", "TERMINATED", "TIMED_OUT")
READ_SECONDS_MAX = 30
READS_AT_ONCE_MAX = 16


class Process(BaseModel):
    """One run of a process: `status` is Temporal's (COMPLETED, CANCELED, RUNNING ...), `result` its outcome."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    status: str
    result: Any = None
    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    observes: bool = False
    """Whether it was started to observe alone."""
    answers: frozenset[str] = frozenset()
    """What people answered it with: amend, skip ... Read only where a rule asks for it."""

    @property
    def type(self) -> str:
        """`order-to-shipment` of `order-to-shipment:shop-uk:5001`."""
        return self.id.partition(":")[0]

    @property
    def reference(self) -> str:
        """`shop-uk:5001` of `order-to-shipment:shop-uk:5001`."""
        return self.id.partition(":")[2]

    def told(self, name: str) -> Any:
        """A field of the record that the process ended with; None when there is none."""
        record = self.result.get("result") if isinstance(self.result, dict) else None
        return record.get(name) if isinstance(record, dict) else None

    @property
    def labels(self) -> set[str]:
        """The labels that its parcels travel with, by the run's own word."""
        others = self.told("others") or ()
        named = (self.told("label_id"), *(one.get("label_id") for one in others if isinstance(one, dict)))
        return {str(one) for one in named if one}

    @property
    def labels_of_others(self) -> bool:
        """Whether its parcels travel with labels that others bought: it knows but their numbers."""
        number = self.told("tracking_number")
        return bool(number) and self.told("label_id") == number

    @property
    def tasks(self) -> list[Any]:
        """What it leaves to people."""
        return list(self.result.get("manual", [])) if isinstance(self.result, dict) else []

    @property
    def by_hand(self) -> set[str]:
        """The purposes of effects that staff did or left out, by the run's own word: they are none of ours."""
        keys = self.result.get("by_hand", []) if isinstance(self.result, dict) else []
        return {str(key).rpartition("/")[2].partition("#")[0].replace("send-shipped", "send-mail") for key in keys}

    @property
    def ending(self) -> str:
        """completed, undone, ignored, observed, running, failed, or unreadable."""
        if self.status == "COMPLETED":
            kind = self.result.get("kind") if isinstance(self.result, dict) else None
            return kind if kind in ("completed", "undone", "ignored", "observed") else "unreadable"
        if self.status == "CANCELED":
            return "undone"
        return "failed" if self.status in _FAILED else "running"


async def read_processes(client: Client) -> list[Process]:
    """Every process that Temporal still knows, by the run that counts: the last that was not ignored."""
    gate = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def read(runs: list[WorkflowExecution]) -> Process:
        found = []
        for run in runs:
            async with gate, asyncio.timeout(READ_SECONDS_MAX):
                found.append(await _read_process(client, run))
            if found[-1].ending != "ignored":
                return found[-1]
        return found[0]

    return list(await asyncio.gather(*(read(runs) for runs in (await _runs(client)).values())))


async def process_ids(client: Client) -> set[str]:
    """The ids of all processes that Temporal still knows."""
    return set(await _runs(client))


async def read_answers(client: Client, process_id: str) -> frozenset[str]:
    """The actions of all decisions that a process was sent, whether they counted or not."""
    codec = client.data_converter.payload_codec
    sent: list[Payload] = []
    async for run in client.list_workflows(f"WorkflowId = '{process_id}'"):
        async for event in client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events():
            sent += _sent(event)
    told = await codec.decode(sent) if codec else sent
    return frozenset(action for payload in told if (action := _action(payload)))


def _sent(event: HistoryEvent) -> Iterable[Payload]:
    """What came with a signal or an update."""
    signal = event.workflow_execution_signaled_event_attributes.input
    update = event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args
    return [*signal.payloads, *update.payloads]


def _action(payload: Payload) -> str:
    try:
        told = json.loads(payload.data)
    except ValueError:
        return ""
    return str(told.get("action", "")) if isinstance(told, dict) else ""


async def _runs(client: Client) -> dict[str, list[WorkflowExecution]]:
    """Every process's runs, the newest first."""
    names = ", ".join(f"'{name}'" for name in PROCESSES)
    runs: dict[str, list[WorkflowExecution]] = defaultdict(list)
    async for run in client.list_workflows(f"WorkflowType IN ({names})"):
        runs[run.id].append(run)
    return {name: sorted(some, key=lambda run: run.start_time, reverse=True) for name, some in runs.items()}


async def _read_process(client: Client, run: WorkflowExecution) -> Process:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    # The list lags behind: what it calls running may be over.
    status = (await handle.describe()).status or WorkflowExecutionStatus.RUNNING
    done = status is WorkflowExecutionStatus.COMPLETED
    result = await handle.result(follow_runs=False) if done else None
    observes = bool(await run.memo_value("observe_only", False))
    return Process(id=run.id, status=status.name, result=result, started=run.start_time, observes=observes)
