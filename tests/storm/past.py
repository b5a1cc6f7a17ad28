"""What the histories of a storm's processes say."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecution, WorkflowHistory

from tests.storm.scene import Scene

READS_AT_ONCE_MAX = 8
_HARMLESS = (
    # A signal came while the last task ran: Temporal has it repeated with the signal in it.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    # A run that was terminated goes on from an earlier point, where Temporal writes this.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    # And this where a task was under way when it was terminated.
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
)


@dataclass
class Past:
    """What one run's history says; `last` tells the process's last run from those that were resumed."""

    id: str
    status: str
    last: bool
    history: WorkflowHistory
    failed_tasks: Counter[str] = field(default_factory=Counter)
    timed_out_tasks: int = 0
    amended: bool = False

    @property
    def reference(self) -> str:
        """`shop-uk:70001`."""
        return self.id.partition(":")[2]


async def read_pasts(scene: Scene) -> Sequence[Past]:
    """Every run of every process."""
    runs = [one async for one in scene.client.list_workflows("SeamlineReference IS NOT NULL")]
    last: dict[str, WorkflowExecution] = {}
    for run in runs:
        if run.id not in last or last[run.id].start_time < run.start_time:
            last[run.id] = run
    gate = asyncio.Semaphore(READS_AT_ONCE_MAX)

    async def read(run: WorkflowExecution) -> Past:
        async with gate:
            handle = scene.client.get_workflow_handle(run.id, run_id=run.run_id)
            history = await handle.fetch_history()
        past = Past(run.id, run.status.name if run.status else "UNKNOWN", last[run.id] is run, history)
        for event in history.events:
            _read_event(past, event)
        return past

    return list(await asyncio.gather(*map(read, runs)))


def _read_event(past: Past, event: HistoryEvent) -> None:
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            attributes = event.workflow_task_failed_event_attributes
            if attributes.cause not in _HARMLESS:
                cause = WorkflowTaskFailedCause.Name(attributes.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
                past.failed_tasks[f"{cause.lower()}: {attributes.failure.message[:120]}"] += 1
        case EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            past.timed_out_tasks += 1
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            asked = event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args.payloads
            past.amended |= _amends(asked)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            past.amended |= _amends(event.workflow_execution_signaled_event_attributes.input.payloads)


def _amends(payloads: Iterable[Any]) -> bool:
    """Also a choice that comes with a change to what is shown."""
    said = [payload.data for payload in payloads]
    return any(b'"amend"' in one or (b'"choose"' in one and b'"change"' in one) for one in said)
